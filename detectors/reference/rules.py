"""Rules: detections, conditions, filters, and the event fields that a rule's names mean.

A detection is a mapping (all of its lines), a list of mappings (any of them), or keywords (any of them, anywhere in the
event). A filter's condition is joined to the rule's by *and*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from detectors import taxonomy
from detectors.reference import conditions
from detectors.reference.events import Event, Outcome, all_of, any_of, not_, shortest, text_of
from detectors.reference.operators import ANY_RUN, predicate_outcome, wildcard_match
from detectors.reference.values import Item, Placeholders, Plain, Test, Text, Value, of_hex, read_item
from detectors.taxonomy import LogSource, Mapped, Route, Taxonomy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from detectors.fields import FieldTable

# Where a kind has one text of all that was said, keywords search it.
_RAW_VIEW: Final = {"http": "bavn.http.raw"}
_NO_DETECTIONS: Final = ("condition", "rules")


@dataclass(frozen=True, slots=True)
class World:
    """The tables that lead names to event fields, and values of placeholders."""

    fields: FieldTable
    tables: Taxonomy
    placeholders: Placeholders


class Rule:
    """One rule with the filters on it; `kinds` are the events that it judges."""

    def __init__(
        self, document: Mapping[str, Any], filters: Iterable[Mapping[str, Any]], kinds: Sequence[str], world: World
    ) -> None:
        self._source = log_source(document)
        self._kinds = frozenset(kinds)
        self._world = world
        self._parts = [_Detections(document["detection"], world)]
        self._parts += [_Detections(one["filter"], world) for one in filters]

    def judges(self, event: Event) -> bool:
        """True for events of its kinds."""
        return event.kind in self._kinds

    def outcome(self, event: Event) -> Outcome:
        """Whether the rule holds; False for events that it does not judge."""
        if not self.judges(event):
            return False
        routes = [route for route in self._world.tables.routes(self._source) if route.kind == event.kind]
        return any_of(all_of(part.outcome(event, route) for part in self._parts) for route in routes)


def log_source(document: Mapping[str, Any]) -> LogSource:
    """A rule's or filter's log source."""
    given = document.get("logsource") or {}
    return LogSource(*(given.get(part) for part in ("category", "product", "service")))


def filters_of(rule: Mapping[str, Any], filters: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The filters on a rule: those that name it, or any, and whose log source is the rule's as far as they say."""
    return [one for one in filters if _names(one, rule) and _covers(log_source(one), log_source(rule))]


def _names(one: Mapping[str, Any], rule: Mapping[str, Any]) -> bool:
    named = one["filter"].get("rules")
    if isinstance(named, str):
        named = [named]
    own = {str(rule[key]) for key in ("id", "name") if rule.get(key)}
    return any(str(name).lower() == "any" or str(name) in own for name in named or ())


def _covers(wide: LogSource, narrow: LogSource) -> bool:
    parts = ((wide.category, narrow.category), (wide.product, narrow.product), (wide.service, narrow.service))
    return all(asked in (None, have) for asked, have in parts)


class _Detections:
    """The detections of a rule or filter, and the condition over them; of several conditions any."""

    def __init__(self, data: Mapping[str, Any], world: World) -> None:
        self._world = world
        self._named = {name: _read(given, world) for name, given in data.items() if name not in _NO_DETECTIONS}
        given = data["condition"]
        texts = given if isinstance(given, list) else [given]
        self._conditions = [conditions.read(str(text), self._named) for text in texts]

    def outcome(self, event: Event, route: Route) -> Outcome:
        def of(name: str) -> Outcome:
            return _detection(self._named[name], _Look(event, route, self._world))

        return any_of(conditions.evaluate(condition, of) for condition in self._conditions)


@dataclass(frozen=True, slots=True)
class _Lines:
    """What a detection is made of: all of its parts, or any."""

    parts: tuple[_Lines | Item, ...]
    needs_all: bool


def _read(given: object, world: World) -> _Lines:
    if isinstance(given, dict):
        return _Lines(tuple(read_item(key, value, world.placeholders) for key, value in given.items()), needs_all=True)
    if isinstance(given, list) and any(isinstance(one, (dict, list)) for one in given):
        return _Lines(tuple(_read(one, world) for one in given), needs_all=False)
    return _Lines((read_item("", given, world.placeholders),), needs_all=True)


def _detection(lines: _Lines | Item, look: _Look) -> Outcome:
    if isinstance(lines, Item):
        return look.item(lines)
    outcomes = [_detection(part, look) for part in lines.parts]
    return all_of(outcomes) if lines.needs_all else any_of(outcomes)


@dataclass(frozen=True, slots=True)
class _Look:
    """A look at one event, where names mean what they do on that route."""

    event: Event
    route: Route
    world: World

    def item(self, item: Item) -> Outcome:
        """One line: its field, or with no field, keywords. No value at all means null."""
        groups = item.groups or ((Plain(None),),)
        test = self._field if item.field else self._keyword
        outcomes = [any_of(test(item.field, value) for value in group) for group in groups]
        outcome = all_of(outcomes) if item.needs_all else any_of(outcomes)
        return not_(outcome) if item.is_negated else outcome

    def _keyword(self, _: str, value: Value) -> Outcome:
        raw = _RAW_VIEW.get(self.event.kind)
        names = [raw] if raw else self.world.fields.text_fields(self.event.kind)
        return any_of(self._ask(name, _anywhere(value)) for name in names)

    def _field(self, name: str, value: Value) -> Outcome:
        """A name may stand for several fields: any of them will do, and to be absent all must be."""
        mapped = taxonomy.resolve(self.route, name, self.world.fields)
        if not isinstance(mapped, Mapped):
            return False
        if mapped.values is not None and not _is_absence(value):
            return self._fixed(mapped, mapped.values, value)
        outcomes = [self._one_field(field, mapped, value) for field in mapped.fields]
        return all_of(outcomes) if _is_absence(value) else any_of(outcomes)

    def _one_field(self, field: str, mapped: Mapped, value: Value) -> Outcome:
        if isinstance(value, Test) and value.op == "fieldref":
            other = taxonomy.resolve(self.route, value.operand, self.world.fields)
            names = other.fields if isinstance(other, Mapped) else ()
            return any_of(self._ask(field, Test("fieldref", name, value.more)) for name in names)
        if isinstance(value, Text) and mapped.form == "hex":
            tokens = tuple(of_hex(token) if isinstance(token, str) else token for token in value.tokens)
            return self._ask(field, Text(tokens, value.raw, cased=True))
        return self._ask(field, self._scaled(field, mapped.scale, value))

    def _scaled(self, field: str, scale: int, value: Value) -> Value:
        """A number in the event's unit; an address in the form that events have."""
        kind = self.world.fields.by_name[field].type
        if isinstance(value, Test) and value.op in ("lt", "lte", "gt", "gte"):
            return Test(value.op, value.operand * scale, value.more)
        if isinstance(value, Text) and kind == "ip" and not any(isinstance(t, int) for t in value.tokens):
            return Text((shortest("".join(map(str, value.tokens))),), value.raw, value.cased)
        if isinstance(value, Plain) and isinstance(value.value, (int, float)) and not isinstance(value.value, bool):
            return Plain(value.value * scale if kind in ("number", "float") else value.value)
        return value

    def _fixed(self, mapped: Mapped, known: Mapping[str, tuple[str, ...]], value: Value) -> Outcome:
        """A name with a fixed set of values: those that the rule accepts, each as values of the event's fields."""
        accepted = [known[text] for text in known if _accepts(value, text)]
        return any_of(
            not_(self._equals(field, want[1:])) if want.startswith("!") else (not want or self._equals(field, want))
            for wants in accepted
            for want in wants or ("",)
            for field in mapped.fields
        )

    def _equals(self, field: str, text: str) -> Outcome:
        return self._ask(field, Text((text,), text))

    def _ask(self, field: str, value: Value) -> Outcome:
        return predicate_outcome({"field": field, **_test(value)}, self.event)


def _test(value: Value) -> dict[str, Any]:
    """A value as an operator with its operand."""
    match value:
        case Test(op, operand, more):
            return {"op": op, "value": operand, **more}
        case Plain(None):
            return {"op": "null", "value": True}
        case Plain(plain):
            return {"op": "eq", "value": text_of(plain)}
        case Text(tokens, _, cased):
            # `*` alone asks for presence.
            is_any = bool(tokens) and set(tokens) == {ANY_RUN}
            return {"op": "exists", "value": True} if is_any else {"op": "wildcard", "value": [*tokens], "cased": cased}


def _anywhere(value: Value) -> Value:
    """A keyword is found anywhere in a text."""
    match value:
        case Text(tokens, raw, cased):
            return Text((ANY_RUN, *tokens, ANY_RUN), raw, cased)
        case Plain(plain) if plain is not None:
            return Text((ANY_RUN, text_of(plain), ANY_RUN), "")
        case _:
            return value


def _is_absence(value: Value) -> bool:
    return value == Plain(None) or (isinstance(value, Test) and value.op == "exists" and not value.operand)


def _accepts(value: Value, text: str) -> bool:
    match value:
        case Text(tokens, _, cased):
            return wildcard_match(tokens, text, cased=cased)
        case Plain(plain):
            return text_of(plain) == text
        case _:
            return False

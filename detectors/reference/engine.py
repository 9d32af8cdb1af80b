"""A whole rule set, event by event: what the compiled engine does with an index and a plan, by looking at everything."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detectors import fields as field_tables
from detectors import taxonomy
from detectors.reference import correlations, rules
from detectors.reference.events import Event, Outcome, text_of
from detectors.reference.operators import fold
from detectors.taxonomy import Mapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from detectors.check import LoadedRule, RuleSet
    from detectors.fields import FieldTable
    from detectors.reference.correlations import Asked
    from detectors.reference.values import Placeholders
    from detectors.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class Found:
    """A correlation that holds: its place among the rules, what was measured, the texts of its group, and when.

    `kind` is that of the hit that completed it; `is_late` where no event is at hand.
    """

    rule: int
    measured: float
    group: tuple[str, ...]
    time: int
    kind: str
    is_late: bool


class ReferenceRules:
    """Judges events by the rules that run of a rule set; numbers are places in `RuleSet.rules`."""

    def __init__(
        self,
        found: RuleSet,
        *,
        fields: FieldTable | None = None,
        tables: Taxonomy | None = None,
        placeholders: Placeholders | None = None,
    ) -> None:
        table = fields or field_tables.native()
        self.world = rules.World(table, tables or taxonomy.packaged(), placeholders or {})
        self._types = {field.name: field.type for field in table.by_name.values()}
        self._loaded = found.rules
        self._rules = {n: self._rule(one, found) for n, one in enumerate(found.rules) if not _is_correlation(one)}
        asked = {n: correlations.read(one.document) for n, one in enumerate(found.rules) if _is_correlation(one)}
        self._correlator = Correlator(found.rules, asked, self.world)

    def _rule(self, loaded: LoadedRule, found: RuleSet) -> rules.Rule:
        filters = rules.filters_of(loaded.document, found.filters)
        return rules.Rule(loaded.document, filters, loaded.kinds, self.world)

    def read(self, event: bytes) -> Event:
        """An event from its JSON form."""
        return Event.from_json(event, self._types)

    def outcomes(self, event: Event) -> list[Outcome]:
        """The outcome of every rule; False for correlations."""
        return [self._rules[n].outcome(event) if n in self._rules else False for n in range(len(self._loaded))]

    def match_event(self, event: bytes) -> list[int]:
        """Numbers of the rules that hold, in order."""
        return [number for number, outcome in enumerate(self.outcomes(self.read(event))) if outcome is True]

    def pass_time(self, now: int) -> list[Found]:
        """Correlations whose spans have passed and that hold."""
        return [one for one in self._correlator.advance(now) if not self.is_quiet(one.rule)]

    def judge(self, event: Event) -> tuple[list[int], list[Found]]:
        """Rules, and correlations, that make an alert at an event."""
        hits = [number for number, outcome in enumerate(self.outcomes(event)) if outcome is True]
        found = list(self._correlator.advance(event.time))
        for number in hits:
            found += self._correlator.hit(number, event)
        return [n for n in hits if not self.is_quiet(n)], [one for one in found if not self.is_quiet(one.rule)]

    def replay(self, events: Sequence[bytes]) -> list[list[int]]:
        """Events in their order; for each, the rules that make an alert at it."""
        told = [self.judge(self.read(event)) for event in events]
        return [[*hits, *(one.rule for one in found)] for hits, found in told]

    def is_quiet(self, number: int) -> bool:
        """True where every correlation over a rule asks that it makes no alerts of its own."""
        return self._correlator.is_quiet(number)


def _is_correlation(rule: LoadedRule) -> bool:
    return "correlation" in rule.document


class Correlator:
    """All correlations of a rule set, fed with the hits of its rules and with what they themselves find."""

    def __init__(self, loaded: Sequence[LoadedRule], asked: Mapping[int, Asked], world: rules.World) -> None:
        self._loaded = loaded
        self._asked = asked
        self._world = world
        self._running = {n: correlations.Correlation(one.planned) for n, one in asked.items()}
        self._told: dict[int, dict[Any, tuple[tuple[str, ...], str]]] = {n: {} for n in asked}
        by_name = {n: {one.id, str(one.document.get("name") or "")} - {""} for n, one in enumerate(loaded)}
        self._inputs = {
            n: [next(m for m, names in by_name.items() if name in names) for name in one.rules]
            for n, one in asked.items()
        }

    def is_quiet(self, number: int) -> bool:
        """True where some correlation is over the rule, and none of them wants its alerts."""
        over = [self._asked[n] for n, inputs in self._inputs.items() if number in inputs]
        return bool(over) and not any(one.generates for one in over)

    def advance(self, now: int) -> Iterator[Found]:
        """What holds at the ends of spans that have passed."""
        for number, running in self._running.items():
            for due, key, measured in running.advance(now):
                group, kind = self._told[number].pop(key)
                yield from self._follow(Found(number, measured, group, due, kind, is_late=True))

    def hit(self, rule: int, event: Event) -> Iterator[Found]:
        """Takes the hit of a rule; gives what it completes."""
        for number, place in self._feeds(rule):
            group, values = self._group(number, place, event), self._values(number, place, event)
            if group is None or not values:
                continue
            key = self._key(number, group, event.kind)
            hits = [correlations.Hit(place, event.time, value) for value in values]
            measured = self._running[number].hit(key, hits)
            if measured is not None:
                yield from self._follow(Found(number, measured, group, event.time, event.kind, is_late=False))

    def _key(self, number: int, group: tuple[str, ...], kind: str) -> tuple[str, ...]:
        """What tells groups apart: their texts without case. The first texts and kind are kept for what is told late."""
        key = tuple(fold(text, cased=False) for text in group)
        if self._running[number].is_late:
            self._told[number].setdefault(key, (group, kind))
        return key

    def _follow(self, found: Found) -> Iterator[Found]:
        """What has been found, and what that completes in correlations over it."""
        yield found
        for number, place in self._feeds(found.rule):
            names = self._asked[found.rule].group
            name = self._asked[number].rules[place]
            own = [self._asked[number].own_name(name, wanted) for wanted in self._asked[number].group]
            group = tuple(found.group[names.index(one)] for one in own)
            measured = self._running[number].hit(
                self._key(number, group, found.kind), [correlations.Hit(place, found.time)]
            )
            if measured is not None:
                yield from self._follow(Found(number, measured, group, found.time, found.kind, is_late=True))

    def _feeds(self, rule: int) -> list[tuple[int, int]]:
        """Correlations over a rule, and its place there; the last place first, so that a hit takes one step only."""
        places = [(n, place) for n, inputs in self._inputs.items() for place, of in enumerate(inputs) if of == rule]
        return places[::-1]

    def _group(self, number: int, place: int, event: Event) -> tuple[str, ...] | None:
        """The texts that are grouped by; None where one is missing."""
        found = [self._texts(number, place, name, event) for name in self._asked[number].group]
        return tuple(texts[0] for texts in found) if all(found) else None

    def _values(self, number: int, place: int, event: Event) -> list[Any]:
        """What is measured: texts to be told apart, or numbers; where nothing is, one hit."""
        asked = self._asked[number]
        kind = asked.planned["type"]
        if kind in ("event_count", "temporal", "temporal_ordered"):
            return [None]
        texts = self._texts(number, place, asked.measured, event)
        if kind == "value_count":
            return [fold(text, cased=False) for text in texts]
        return [number for number in map(_finite, texts) if number is not None]

    def _texts(self, number: int, place: int, name: str, event: Event) -> list[str]:
        """The texts of the first of a name's fields that has any."""
        own = self._asked[number].own_name(self._asked[number].rules[place], name)
        source = rules.log_source(self._loaded[self._inputs[number][place]].document)
        for field in self._fields(source, event.kind, own):
            value = None if field in event.unobserved else event.fields.get(field)
            members = value if isinstance(value, list) else [value]
            texts = [text_of(member) for member in members if member is not None]
            if texts:
                return texts
        return []

    @functools.cache  # noqa: B019  (lives as long as the rules do)
    def _fields(self, source: taxonomy.LogSource, kind: str, name: str) -> tuple[str, ...]:
        for route in self._world.tables.routes(source):
            mapped = taxonomy.resolve(route, name, self._world.fields) if route.kind == kind else None
            if isinstance(mapped, Mapped):
                return mapped.fields
        return ()


def _finite(text: str) -> float | None:
    try:
        number = float(text.strip())
    except ValueError:
        return None
    return number if abs(number) != float("inf") and number == number else None  # noqa: PLR0124  (NaN is not itself)

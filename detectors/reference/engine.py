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
    from collections.abc import Mapping, Sequence

    from detectors.check import LoadedRule, RuleSet
    from detectors.fields import FieldTable
    from detectors.reference.correlations import Asked
    from detectors.reference.values import Placeholders
    from detectors.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class Found:
    """A correlation that holds: its place among the rules, what was measured, the texts of its group, and when.

    `kind` is that of the hit that completed it, `packet` the number of the packet that brought it; `is_late` where no
    event is at hand.
    """

    rule: int
    measured: float
    group: tuple[str, ...]
    time: int
    packet: int
    kind: str
    is_late: bool


@dataclass(slots=True)
class Did:
    """What one rule did: events that it judged, that it matched, on which its outcome was unknown."""

    judged: int = 0
    matched: int = 0
    unknown: int = 0

    def count(self, outcome: Outcome) -> None:
        """Takes note of an outcome."""
        self.judged += 1
        self.matched += outcome is True
        self.unknown += outcome is None


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
        self.correlator = Correlator(found, asked, self.world)
        self.did = [Did() for _ in found.rules]

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
        return self._hits(self.read(event))

    def _hits(self, event: Event) -> list[int]:
        hits = []
        for number, rule in self._rules.items():
            if rule.judges(event):
                outcome = rule.outcome(event)
                self.did[number].count(outcome)
                hits += [number] if outcome is True else []
        return hits

    def pass_time(self, now: int, packet: int) -> list[Found]:
        """Correlations whose spans have passed and that hold."""
        return self._loud(self.correlator.advance(now, packet))

    def judge(self, event: Event, newest: int = 0) -> tuple[list[int], list[Found]]:
        """Rules, and correlations, that make an alert at an event; `newest` is the time that packets have brought."""
        hits = self._hits(event)
        found = [one for number in hits for one in self.correlator.hit(number, event, newest)]
        return [n for n in hits if not self.is_quiet(n)], self._loud(found)

    def replay(self, events: Sequence[bytes]) -> list[list[int]]:
        """Events in their order; for each, the rules that make an alert at it."""
        return [self._passed(self.read(event)) for event in events]

    def _passed(self, event: Event) -> list[int]:
        late = self.pass_time(event.time, event.packet)
        hits, found = self.judge(event)
        return [*hits, *(one.rule for one in (*late, *found))]

    def _loud(self, found: Sequence[Found]) -> list[Found]:
        return [one for one in found if not self.is_quiet(one.rule)]

    def is_quiet(self, number: int) -> bool:
        """True where every correlation over a rule asks that it makes no alerts of its own."""
        return self.correlator.is_quiet(number)


def _is_correlation(rule: LoadedRule) -> bool:
    return "correlation" in rule.document


class Correlator:
    """All correlations of a rule set, fed with the hits of its rules and with what they themselves find."""

    def __init__(self, found: RuleSet, asked: Mapping[int, Asked], world: rules.World) -> None:
        self._set = found
        self._loaded = found.rules
        self._asked = asked
        self._world = world
        self._running = {n: correlations.Correlation(one.planned) for n, one in asked.items()}
        by_name = {n: {one.id, str(one.document.get("name") or "")} - {""} for n, one in enumerate(self._loaded)}
        self._inputs = {
            n: [next(m for m, names in by_name.items() if name in names) for name in one.rules]
            for n, one in asked.items()
        }
        self._quiet = {n for n in by_name if self._is_quiet(n)}
        self.without_group = 0

    def continue_from(self, before: Correlator) -> None:
        """Takes over the groups of correlations that are the same, over the same rules."""
        old = {before._content(n): running for n, running in before._running.items()}
        self._running = {n: old.get(self._content(n), running) for n, running in self._running.items()}
        self.without_group = before.without_group

    def _content(self, number: int) -> str:
        """A correlation and what it is over, to be compared."""
        parts = [self._loaded[n].document for n in (number, *self._inputs[number])]
        return repr([(part, rules.filters_of(part, self._set.filters)) for part in parts])

    def _is_quiet(self, number: int) -> bool:
        over = [self._asked[n] for n, inputs in self._inputs.items() if number in inputs]
        return bool(over) and not any(one.generates for one in over)

    def is_quiet(self, number: int) -> bool:
        """True where some correlation is over the rule, and none of them wants its alerts."""
        return number in self._quiet

    @property
    def due(self) -> int | None:
        """When the next span ends at which something is judged."""
        return min((one.due for one in self._running.values() if one.due is not None), default=None)

    def counters(self) -> dict[str, int]:
        """Groups that live, and what was lost, by the engine's names."""
        running = self._running.values()
        return {
            "correlation_groups": sum(map(len, running)),
            "correlation_evicted": sum(one.evicted for one in running),
            "correlation_without_group": self.without_group,
            "correlation_lost": sum(one.lost for one in running),
        }

    def advance(self, now: int, packet: int) -> list[Found]:
        """What holds at the ends of spans that have passed."""
        found = [one for number in self._running for one in self._ended(number, now, packet)]
        return self._follow(found)

    def _ended(self, number: int, now: int, packet: int) -> list[Found]:
        ended = self._running[number].advance(now)
        return [Found(number, measured, g.texts, due, packet, g.kind, is_late=True) for due, g, measured in ended]

    def hit(self, rule: int, event: Event, newest: int = 0) -> list[Found]:
        """Takes the hit of a rule; gives what it completes."""
        found: list[Found] = []
        # From the last: where a rule stands at several places of an order, one hit takes one step only.
        for number, place in self._feeds(rule)[::-1]:
            self._running[number].see(newest)
            group, values = self._group(number, place, event), self._values(number, place, event)
            if group is None or not values:
                self.without_group += 1
                continue
            hits = [correlations.Hit(place, event.time, value) for value in values]
            found += self._take(number, group, hits, event.packet, event.kind, is_late=False)
        return self._follow(found)

    def _take(
        self,
        number: int,
        group: tuple[str, ...],
        hits: list[correlations.Hit],
        packet: int,
        kind: str,
        *,
        is_late: bool,
    ) -> list[Found]:
        """What a hit of a group brings: first the ends of spans that have passed by then."""
        time = hits[0].time
        found = self._ended(number, time, packet)
        key = tuple(fold(text, cased=False) for text in group)
        measured = self._running[number].hit(key, hits, group, kind)
        if measured is not None:
            found.append(Found(number, measured, group, time, packet, kind, is_late))
        return found

    def _follow(self, found: list[Found]) -> list[Found]:
        """What has been found, and what that completes in correlations over it."""
        for one in found:
            for number, place in self._feeds(one.rule):
                names = self._asked[one.rule].group
                name = self._asked[number].rules[place]
                own = [self._asked[number].own_name(name, wanted) for wanted in self._asked[number].group]
                group = tuple(one.group[names.index(wanted)] for wanted in own)
                hit = correlations.Hit(place, one.time)
                # The list grows while it is walked: correlations may stand over each other, in no circle.
                found += self._take(number, group, [hit], one.packet, one.kind, is_late=True)
        return found

    def _feeds(self, rule: int) -> list[tuple[int, int]]:
        """Correlations over a rule, and its place there."""
        return [(n, place) for n, inputs in self._inputs.items() for place, of in enumerate(inputs) if of == rule]

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

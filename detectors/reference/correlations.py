"""The slow, obvious reading of a correlation: keeps every hit of a group and looks at all of them each time.

It is the readable specification of `correlate` in the engine and the oracle of its tests, for hits that come in the
order of their times.
"""

from __future__ import annotations

import functools
import math
import operator
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from detectors.reference import conditions
from detectors.reference.conditions import Joined, Name, Not

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detectors.reference.conditions import Condition

_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "M": 2_629_746, "y": 31_556_952}
_NANOSECONDS: Final = 1_000_000_000
_MEDIAN: Final = 50
# Values or hits that a group keeps, and groups of one correlation.
MAX_VALUES: Final = 10_000
MAX_GROUPS: Final = 1 << 20

COMPARE: Final = {
    "lt": lambda have, bound: have < bound,
    "lte": lambda have, bound: have <= bound,
    "gt": lambda have, bound: have > bound,
    "gte": lambda have, bound: have >= bound,
    "eq": lambda have, bound: have == bound,
    "neq": lambda have, bound: have != bound,
}


@dataclass(frozen=True, slots=True)
class Hit:
    """A hit of the input of that number: its time in nanoseconds and, where one is measured, its value."""

    input: int
    time: int
    value: str | float | None = None


@dataclass(slots=True)
class Group:
    """The hits of one group since it began; until when it says nothing more.

    `texts` are those of its first hit, `kind` that of its last one, `count` all hits, also those not kept.
    """

    begin: int
    texts: tuple[str, ...]
    kind: str = ""
    last: int = 0
    count: int = 0
    hits: list[Hit] = field(default_factory=list)
    quiet_until: int = 0


class Correlation:
    """One correlation as the plan has it (`type`, `timespan`, `op`, `count`, `percentile`, `expression`, `inputs`)."""

    def __init__(self, planned: dict[str, Any], most: int = MAX_GROUPS) -> None:
        self._planned = planned
        self._span: int = planned["timespan"]
        self._groups: dict[Any, Group] = {}
        self._newest = 0
        self._most = most
        self._next_look = 1024
        self.due: int | None = None
        self.evicted = 0
        self.lost = 0

    def __len__(self) -> int:
        return len(self._groups)

    @property
    def is_late(self) -> bool:
        """True where it is judged when a span has passed, and not at each hit."""
        op = self._planned.get("op")
        return op not in (None, "gt", "gte") or _has_not(self._planned.get("expression"))

    def see(self, now: int) -> None:
        """Takes note of the time that packets have brought."""
        self._newest = max(self._newest, now)

    def advance(self, now: int) -> list[tuple[int, Group, float]]:
        """Spans that have passed and hold: (when, group, what was measured). `due` is then the next end of a span."""
        self.see(now)
        if not self.is_late:
            return []
        ends = [(group.begin + self._span, key) for key, group in self._groups.items()]
        ended = sorted((end for end in ends if end[0] <= self._newest), key=lambda end: end[0])
        told = []
        for due, key in ended:
            group = self._groups.pop(key)
            measured = self._holding(group.hits, group.count)
            if measured is not None:
                told.append((due, group, measured))
        self.due = min((end for end, _ in ends if end > self._newest), default=None)
        return told

    def hit(self, key: Any, hits: Sequence[Hit], texts: tuple[str, ...] = (), kind: str = "") -> float | None:  # noqa: ANN401
        """Takes a hit of a group, once a value that it brings; what was measured where the correlation tells of it."""
        time = hits[0].time
        self.see(time)
        if time + self._span <= self._newest:
            self.lost += 1
            return None  # A span behind what was seen already.
        group = self._group(key, time, texts)
        group.kind, group.last, group.count = kind, max(group.last, time), group.count + len(hits)
        self._keep(group, hits)
        if self.is_late or time < group.quiet_until:
            return None
        within = [one for one in group.hits if one.time > time - self._span]
        measured = self._holding(within, len(within))
        if measured is not None:
            group.quiet_until = time + self._span
        return measured

    def _group(self, key: Any, time: int, texts: tuple[str, ...]) -> Group:  # noqa: ANN401
        if key not in self._groups:
            self._make_room()
            self._groups[key] = Group(time, texts)
            if self.is_late:
                self.due = min(self.due or time + self._span, time + self._span)
        return self._groups[key]

    def _make_room(self) -> None:
        """Forgets groups of which nothing counts any more; where there are too many, the oldest."""
        if len(self._groups) >= self._next_look and not self.is_late:
            self._groups = {k: g for k, g in self._groups.items() if g.last + self._span > self._newest}
            self._next_look = max(1024, 2 * len(self._groups))
        if len(self._groups) >= self._most:
            del self._groups[next(iter(self._groups))]
            self.evicted += 1

    def _keep(self, group: Group, hits: Sequence[Hit]) -> None:
        """Adds hits in the order of their times, and forgets what can count no more, or is too much."""
        group.hits = sorted([*group.hits, *hits], key=lambda hit: hit.time)
        if self.is_late:
            group.hits = self._first(group.hits)
            return
        # A hit may come late, by a span at most, and looks back a span.
        group.hits = [hit for hit in group.hits if hit.time > self._newest - 2 * self._span]
        kept = self._newest_of(group.hits)
        self.lost += max(0, len(kept) - MAX_VALUES)
        group.hits = kept[-MAX_VALUES:]

    def _first(self, hits: list[Hit]) -> list[Hit]:
        """Of a span that is judged at its end: each value, or each rule, once; numbers all; up to the limit."""
        if self._planned["type"] in ("value_count", "temporal", "event_count"):
            hits = list({(hit.input, hit.value): hit for hit in hits}.values())
        self.lost += max(0, len(hits) - MAX_VALUES)
        return hits[:MAX_VALUES]

    def _newest_of(self, hits: list[Hit]) -> list[Hit]:
        """The last hit of each value, or of each rule, where it alone counts."""
        match self._planned["type"]:
            case "value_count":
                return list({hit.value: hit for hit in hits}.values())
            case "temporal":
                return list({hit.input: hit for hit in hits}.values())
            case "event_count":
                return hits[-int(self._enough("event_count")) :]
            case _:
                return hits

    def _holding(self, hits: list[Hit], count: int) -> float | None:
        """What is measured, where the condition holds; of temporal ones 1."""
        kind = self._planned["type"]
        if kind == "temporal":
            seen = {hit.input for hit in hits}
            expression = self._planned.get("expression")
            holds = _true(expression, seen) if expression else seen >= set(range(len(self._planned["inputs"])))
            return 1.0 if holds else None
        if kind == "temporal_ordered":
            return 1.0 if _in_order([hit.input for hit in hits], len(self._planned["inputs"])) else None
        measured = min(_measure(kind, hits, count, self._planned), self._enough(kind))
        return measured if COMPARE[self._planned["op"]](measured, self._planned["count"]) else None

    def _enough(self, kind: str) -> float:
        """A count that is judged at each hit goes no further than its condition asks."""
        if self.is_late or kind not in ("event_count", "value_count"):
            return math.inf
        bound: int = self._planned["count"]
        return max(1, bound + 1 if self._planned["op"] == "gt" else bound)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a correlation asks for, as its rule says it."""

    rules: tuple[str, ...]
    group: tuple[str, ...]
    # For each name that is grouped by or measured, what a rule's events call it.
    aliases: Mapping[str, Mapping[str, str]]
    measured: str
    generates: bool
    planned: dict[str, Any]

    def own_name(self, rule: str, name: str) -> str:
        """What the events of a rule call a name."""
        return self.aliases.get(name, {}).get(rule, name)


def read(document: Mapping[str, Any]) -> Asked:
    """A correlation rule that the loader has accepted."""
    data = document["correlation"]
    kind, condition = str(data["type"]).lower(), data.get("condition")
    expression = _expression(str(condition)) if isinstance(condition, str) else None
    rules = _listed(data.get("rules")) or tuple(_named(expression)) if expression else _listed(data.get("rules"))
    planned: dict[str, Any] = {"type": kind, "timespan": _timespan(str(data["timespan"])), "inputs": list(rules)}
    if expression is not None and kind == "temporal":
        planned["expression"] = _numbered(expression, rules)
    elif isinstance(condition, dict) and not kind.startswith("temporal"):
        planned |= {"op": next(key for key in condition if key in COMPARE), "percentile": condition.get("percentile")}
        planned["count"] = condition[planned["op"]]
    measured = condition.get("field", "") if isinstance(condition, dict) else ""
    group, aliases = _listed(data.get("group-by")), data.get("aliases") or {}
    return Asked(rules, group, aliases, str(measured), bool(data.get("generate")), planned)


def _listed(given: object) -> tuple[str, ...]:
    return tuple(map(str, given if isinstance(given, list) else [] if given is None else [given]))


def _timespan(text: str) -> int:
    return int(text[:-1]) * _SECONDS[text[-1]] * _NANOSECONDS


def _expression(text: str) -> Condition:
    words = set(re.findall(r"[^\s()]+", text)) - {"and", "or", "not"}
    return conditions.read(text, sorted(words))


def _named(expression: Condition) -> list[str]:
    """The rules of an expression, each once, in their order."""
    match expression:
        case Name(name):
            return [name]
        case Not(part):
            return _named(part)
        case Joined(parts):
            return list(dict.fromkeys(name for part in parts for name in _named(part)))


def _numbered(expression: Condition, rules: Sequence[str]) -> dict[str, Any]:
    match expression:
        case Name(name):
            return {"i": rules.index(name)}
        case Not(part):
            return {"not": _numbered(part, rules)}
        case Joined(parts, needs_all):
            return {"and" if needs_all else "or": [_numbered(part, rules) for part in parts]}


def _measure(kind: str, hits: list[Hit], count: int, planned: dict[str, Any]) -> float:
    if kind == "event_count":
        return count
    values = [hit.value for hit in hits if hit.value is not None]
    if kind == "value_count":
        return len(set(values))
    numbers = sorted(float(value) for value in values)
    if kind in ("value_sum", "value_avg"):
        # One after the other: other ways of adding differ in the last digit.
        total = functools.reduce(operator.add, map(float, values), 0.0)
        return total if kind == "value_sum" else total / (len(numbers) or 1)
    percentile = planned.get("percentile") or _MEDIAN
    rank = max(1, math.ceil(percentile / 100 * len(numbers)))
    return numbers[rank - 1] if numbers else 0.0


def _in_order(inputs: list[int], count: int) -> bool:
    """True where the numbers from 0 to `count` occur one after the other, whatever lies between."""
    wanted = 0
    for one in inputs:
        if wanted < count and one == wanted:
            wanted += 1
    return wanted == count


def _has_not(expression: dict[str, Any] | None) -> bool:
    if not expression or "i" in expression:
        return False
    return "not" in expression or any(_has_not(part) for part in expression.get("and", expression.get("or", [])))


def _true(expression: dict[str, Any], seen: set[int]) -> bool:
    match expression:
        case {"i": number}:
            return number in seen
        case {"not": part}:
            return not _true(part, seen)
        case {"and": parts}:
            return all(_true(part, seen) for part in parts)
        case _:
            return any(_true(part, seen) for part in expression["or"])

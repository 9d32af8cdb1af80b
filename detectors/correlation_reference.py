"""The slow, obvious reading of a correlation: keeps every hit of a group and looks at all of them each time.

It is the readable specification of `correlate` in the engine and the oracle of its tests, for hits that come in the
order of their times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Final

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
    """The hits of one group since it began; until when it says nothing more."""

    begin: int
    hits: list[Hit] = field(default_factory=list)
    quiet_until: int = 0


class Correlation:
    """One correlation as the plan has it (`type`, `timespan`, `op`, `count`, `percentile`, `expression`, `inputs`)."""

    def __init__(self, planned: dict[str, Any]) -> None:
        self._planned = planned
        self._span: int = planned["timespan"]
        self._groups: dict[Any, Group] = {}

    @property
    def is_late(self) -> bool:
        """True where it is judged when a span has passed, and not at each hit."""
        op = self._planned.get("op")
        return op not in (None, "gt", "gte") or _has_not(self._planned.get("expression"))

    def advance(self, now: int) -> list[tuple[int, Any]]:
        """Spans that have passed and hold: (when, group)."""
        if not self.is_late:
            return []
        ended = [(g.begin + self._span, key) for key, g in self._groups.items() if g.begin + self._span <= now]
        told = [
            (due, key) for due, key in sorted(ended, key=lambda item: item[0]) if self._holds(self._groups[key].hits)
        ]
        for _, key in ended:
            del self._groups[key]
        return told

    def hit(self, key: Any, hit: Hit) -> bool:  # noqa: ANN401
        """Takes a hit of a group; True where the correlation holds and tells of it."""
        group = self._groups.setdefault(key, Group(hit.time))
        group.hits.append(hit)
        if self.is_late or hit.time < group.quiet_until:
            return False
        holds = self._holds([one for one in group.hits if one.time > hit.time - self._span])
        if holds:
            group.quiet_until = hit.time + self._span
        return holds

    def _holds(self, hits: list[Hit]) -> bool:
        kind = self._planned["type"]
        if kind == "temporal":
            seen = {hit.input for hit in hits}
            expression = self._planned.get("expression")
            return _true(expression, seen) if expression else seen >= set(range(len(self._planned["inputs"])))
        if kind == "temporal_ordered":
            return _in_order([hit.input for hit in hits], len(self._planned["inputs"]))
        return bool(COMPARE[self._planned["op"]](_measure(kind, hits, self._planned), self._planned["count"]))


def _measure(kind: str, hits: list[Hit], planned: dict[str, Any]) -> float:
    if kind == "event_count":
        return len(hits)
    values = [hit.value for hit in hits if hit.value is not None]
    if kind == "value_count":
        return len(set(values))
    numbers = sorted(float(value) for value in values)
    if kind == "value_sum":
        return math.fsum(numbers)
    if kind == "value_avg":
        return math.fsum(numbers) / (len(numbers) or 1)
    percentile = planned.get("percentile", 50)
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

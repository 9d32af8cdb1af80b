"""The slow, obvious reading of a plan: what each operator means, with nothing left out.

It is the readable specification of the engine and the oracle of its tests. Outcomes are
True, False, or None for unknown: a field that the sensor could not see (unobserved) makes
its predicate unknown, and `and`, `or`, `not` follow Kleene's three-valued logic.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

Outcome = bool | None
Predicate = Mapping[str, Any]

ANY_RUN: Final = 1
ANY_ONE: Final = 2
_NANOSECONDS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Event:
    """An event as `{"kind", "fields", "unobserved"}`; a name in neither is absent."""

    kind: str
    fields: Mapping[str, Any]
    unobserved: frozenset[str] = frozenset()

    @classmethod
    def from_json(cls, data: bytes) -> Event:
        """The event from its JSON form."""
        raw = json.loads(data)
        return cls(raw["kind"], raw.get("fields", {}), frozenset(raw.get("unobserved", ())))


class ReferenceEngine:
    """Runs a plan by walking every rule's tree."""

    def __init__(self, plan: bytes) -> None:
        data = json.loads(plan)
        self._predicates: list[Predicate] = data["predicates"]
        self._rules: list[dict[str, Any]] = data["rules"]

    def outcome(self, rule: int, event: Event) -> Outcome:
        """The outcome of one rule on one event; False for events of other kinds."""
        outcomes = [
            self._condition(target["condition"], event)
            for target in self._rules[rule]["targets"]
            if target["kind"] == event.kind
        ]
        return any_of(outcomes)

    def match_event(self, event: bytes) -> list[int]:
        """Numbers of the rules that hold, in order."""
        parsed = Event.from_json(event)
        return [n for n in range(len(self._rules)) if self.outcome(n, parsed) is True]

    def _condition(self, condition: Mapping[str, Any], event: Event) -> Outcome:
        if "p" in condition:
            return predicate_outcome(self._predicates[condition["p"]], event)
        if "not" in condition:
            inner = self._condition(condition["not"], event)
            return None if inner is None else not inner
        if "and" in condition:
            return all_of([self._condition(part, event) for part in condition["and"]])
        return any_of([self._condition(part, event) for part in condition["or"]])


def all_of(outcomes: list[Outcome]) -> Outcome:
    """False if any is false, else unknown if any is unknown, else true."""
    if False in outcomes:
        return False
    return None if None in outcomes else True


def any_of(outcomes: list[Outcome]) -> Outcome:
    """True if any is true, else unknown if any is unknown, else false."""
    if True in outcomes:
        return True
    return None if None in outcomes else False


def predicate_outcome(predicate: Predicate, event: Event) -> Outcome:
    """The outcome of one predicate."""
    name = predicate["field"]
    if name in event.unobserved:
        return None
    if predicate["op"] == "exists":
        return (name in event.fields) == bool(predicate["value"])
    value = event.fields.get(name)
    members = value if isinstance(value, list) else [value]
    if predicate["op"] == "null":
        return (value is None or value == []) == bool(predicate["value"])
    if predicate["op"] == "fieldref":
        return _fieldref(predicate, members, event)
    holds = _OPERATORS[predicate["op"]]
    wanted = _wanted(predicate)
    return any(holds(member, want, predicate) for member in members if member is not None for want in wanted)


def _wanted(predicate: Predicate) -> list[Any]:
    """The literals of a predicate; a list means any of them, save that a wildcard is a list."""
    value = predicate["value"]
    if predicate["op"] == "wildcard":
        return value if value and isinstance(value[0], list) else [value]
    return value if isinstance(value, list) else [value]


def _fieldref(predicate: Predicate, members: list[Any], event: Event) -> Outcome:
    other = predicate["value"]
    if other in event.unobserved:
        return None
    value = event.fields.get(other)
    others = value if isinstance(value, list) else [value]
    holds = _OPERATORS[predicate.get("mode", "eq")]
    pairs = ((a, b) for a in members for b in others if a is not None and b is not None)
    return any(holds(a, text_of(b), predicate) for a, b in pairs)


def text_of(value: Any) -> str:
    """The text by which a value is compared."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def fold(text: str, *, cased: bool) -> str:
    """Text without case: Unicode's simple folding, one character for one."""
    if cased:
        return text
    return "".join(c.casefold() if len(c.casefold()) == 1 else c for c in text)


def wildcard_match(tokens: list[str | int], text: str, *, cased: bool) -> bool:
    """Whole value against text, 1 = any run, 2 = any one character; newlines are characters."""
    pieces = {ANY_RUN: ".*", ANY_ONE: "."}
    pattern = "".join(pieces[t] if isinstance(t, int) else re.escape(fold(t, cased=cased)) for t in tokens)
    return re.fullmatch(pattern, fold(text, cased=cased), re.DOTALL) is not None


def _text_operator(test: Callable[[str, str], bool]) -> Callable[[Any, Any, Predicate], bool]:
    def holds(value: Any, want: Any, predicate: Predicate) -> bool:
        cased = bool(predicate.get("cased"))
        return test(fold(text_of(value), cased=cased), fold(text_of(want), cased=cased))

    return holds


def _wildcard(value: Any, want: Any, predicate: Predicate) -> bool:
    return wildcard_match(want, text_of(value), cased=bool(predicate.get("cased")))


def _regex(value: Any, want: Any, predicate: Predicate) -> bool:
    flags = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}
    used = re.RegexFlag(0)
    for letter in predicate.get("flags", ""):
        used |= flags[letter]
    return re.search(want.replace(r"\z", r"\Z"), text_of(value), used) is not None


def _cidr(value: Any, want: Any, _: Predicate) -> bool:
    try:
        address = ipaddress.ip_address(text_of(value))
    except ValueError:
        return False
    network = ipaddress.ip_network(want)
    mapped = getattr(address, "ipv4_mapped", None)
    return address in network or (mapped is not None and mapped in network)


def _compare(test: Callable[[float, float], bool]) -> Callable[[Any, Any, Predicate], bool]:
    def holds(value: Any, want: Any, _: Predicate) -> bool:
        number = _number(value)
        return number is not None and test(number, want)

    return holds


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value
    try:
        return int(value) if str(value).lstrip("-").isdigit() else float(value)
    except ValueError:
        return None


def _time(value: Any, want: Any, predicate: Predicate) -> bool:
    """A part of a time in UTC; weeks are ISO 8601 weeks."""
    number = _number(value)
    if number is None:
        return False
    at = datetime.fromtimestamp(int(number) // _NANOSECONDS, UTC)
    part = predicate["part"]
    return bool((at.isocalendar().week if part == "week" else getattr(at, part)) == want)


_OPERATORS: Final[dict[str, Callable[[Any, Any, Predicate], bool]]] = {
    "eq": _text_operator(lambda have, want: have == want),
    "contains": _text_operator(lambda have, want: want in have),
    "startswith": _text_operator(str.startswith),
    "endswith": _text_operator(str.endswith),
    "wildcard": _wildcard,
    "re": _regex,
    "cidr": _cidr,
    "lt": _compare(lambda have, want: have < want),
    "lte": _compare(lambda have, want: have <= want),
    "gt": _compare(lambda have, want: have > want),
    "gte": _compare(lambda have, want: have >= want),
    "time": _time,
}

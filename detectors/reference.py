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
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from detectors.fields import FieldTable

Outcome = bool | None
# A value of a field or a rule: text, number, boolean, address as text, Time, or a list of them.
Scalar = Any
Predicate = Mapping[str, Any]

ANY_RUN: Final = 1
ANY_ONE: Final = 2
# Longest text that is read as a number.
MAX_NUMBER: Final = 40
_NANOSECONDS: Final = 1_000_000_000
_MAPPED_BITS: Final = 96
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Time:
    """A moment, in nanoseconds since the Unix epoch."""

    ns: int

    def __str__(self) -> str:
        seconds, rest = divmod(self.ns, _NANOSECONDS)
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


@dataclass(frozen=True, slots=True)
class Event:
    """An event as `{"kind", "fields", "unobserved"}`; a name in neither is absent."""

    kind: str
    fields: Mapping[str, Any]
    unobserved: frozenset[str] = frozenset()

    @classmethod
    def from_json(cls, data: bytes, types: Mapping[str, str] | None = None) -> Event:
        """The event from its JSON form; `types` tells which fields are addresses and times."""
        raw = json.loads(data)
        known = types or {}
        fields = {name: _typed(value, known.get(name)) for name, value in raw.get("fields", {}).items()}
        return cls(raw["kind"], fields, frozenset(raw.get("unobserved", ())))


def _typed(value: Scalar, kind: str | None) -> Scalar:
    if isinstance(value, list):
        return [_typed(item, kind) for item in value]
    if value is None or kind not in ("ip", "time"):
        return value
    if kind == "ip":
        return str(ipaddress.ip_address(value))
    return Time(value if isinstance(value, int) else _nanoseconds(value))


def _shortest(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


def _nanoseconds(text: str) -> int:
    if text.isdigit():
        return int(text)
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
    return seconds * _NANOSECONDS + int(fraction.ljust(9, "0") or 0)


class ReferenceEngine:
    """Runs a plan by walking every rule's tree. `fields` tells the types of event fields."""

    def __init__(self, plan: bytes, fields: FieldTable | None = None) -> None:
        data = json.loads(plan)
        self._types = {f.name: f.type for f in fields.by_name.values()} if fields else {}
        self._predicates: list[Predicate] = [self._normal(item) for item in data["predicates"]]
        self._rules: list[dict[str, Any]] = data["rules"]

    def _normal(self, predicate: Predicate) -> Predicate:
        """An address that is asked for may be written in any of its forms."""
        if predicate["op"] != "eq" or self._types.get(predicate["field"]) != "ip":
            return predicate
        return {**predicate, "value": [_shortest(text) for text in _wanted(predicate)]}

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
        return [n for n, outcome in enumerate(self.outcomes(event)) if outcome is True]

    def outcomes(self, event: bytes) -> list[Outcome]:
        """The outcome of every rule."""
        parsed = Event.from_json(event, self._types)
        return [self.outcome(number, parsed) for number in range(len(self._rules))]

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
    """Nothing equals no value, so that the other field matters only where this one has a value."""
    mine = [member for member in members if member is not None]
    other = predicate["value"]
    if mine and other in event.unobserved:
        return None
    value = event.fields.get(other)
    others = value if isinstance(value, list) else [value]
    holds = _OPERATORS[predicate.get("mode", "eq")]
    return any(holds(a, text_of(b), predicate) for a in mine for b in others if b is not None)


def text_of(value: Scalar) -> str:
    """The text by which a value is compared."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def fold(text: str, *, cased: bool) -> str:
    """Text without case: upper then lower, where each is one character; the dotless i is itself."""
    return text if cased else "".join(map(_fold_char, text))


def _fold_char(char: str) -> str:
    if char == "\u0131":
        return char
    upper = char.upper() if len(char.upper()) == 1 else char
    return upper.lower() if len(upper.lower()) == 1 else upper


def wildcard_match(tokens: list[str | int], text: str, *, cased: bool) -> bool:
    """Whole value against text, 1 = any run, 2 = any one character; newlines are characters."""
    pieces = {ANY_RUN: ".*", ANY_ONE: "."}
    pattern = "".join(pieces[t] if isinstance(t, int) else re.escape(fold(t, cased=cased)) for t in tokens)
    return re.fullmatch(pattern, fold(text, cased=cased), re.DOTALL) is not None


def _text_operator(test: Callable[[str, str], bool]) -> Callable[[Any, Any, Predicate], bool]:
    def holds(value: Scalar, want: Scalar, predicate: Predicate) -> bool:
        cased = bool(predicate.get("cased"))
        return test(fold(text_of(value), cased=cased), fold(text_of(want), cased=cased))

    return holds


def _wildcard(value: Scalar, want: Scalar, predicate: Predicate) -> bool:
    return wildcard_match(want, text_of(value), cased=bool(predicate.get("cased")))


def _regex(value: Scalar, want: Scalar, predicate: Predicate) -> bool:
    flags = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}
    used = re.RegexFlag(0)
    for letter in predicate.get("flags", ""):
        used |= flags[letter]
    pattern = want.replace(r"\z", r"\Z")
    return re.search(pattern, text_of(value), used) is not None


def _cidr(value: Scalar, want: Scalar, _: Predicate) -> bool:
    """IPv4 written inside IPv6 counts as IPv4, in address and network."""
    try:
        address: Any = ipaddress.ip_address(text_of(value))
    except ValueError:
        return False
    network: Any = ipaddress.ip_network(want)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is not None and network.prefixlen >= _MAPPED_BITS:
        network = ipaddress.ip_network(f"{mapped}/{network.prefixlen - _MAPPED_BITS}")
    address = getattr(address, "ipv4_mapped", None) or address
    return address.version == network.version and address in network


def _compare(test: Callable[[float, float], bool]) -> Callable[[Any, Any, Predicate], bool]:
    def holds(value: Scalar, want: Scalar, _: Predicate) -> bool:
        number = _number(value)
        return number is not None and test(number, want)

    return holds


def _number(value: Scalar) -> int | float | None:
    """The number that a value is; text counts where all of it is a decimal number."""
    if isinstance(value, Time):
        return value.ns
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value
    text = str(value)
    if len(text) > MAX_NUMBER or not _NUMBER.fullmatch(text):
        return None
    return float(text) if "." in text else int(text)


def _time(value: Scalar, want: Scalar, predicate: Predicate) -> bool:
    """A part of a time in UTC; weeks are ISO 8601 weeks."""
    if not isinstance(value, Time):
        return False
    at = datetime.fromtimestamp(value.ns // _NANOSECONDS, UTC)
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

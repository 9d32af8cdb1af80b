"""When a field of an event is what a test asks for: one operator at a time.

A test is `{"field", "op", "value"}` and, where they say something, `cased`, `flags`, `mode`, `part`: the form that a
plan has too.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from detectors.reference.events import NANOSECONDS, Event, Outcome, Scalar, Time, any_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable

Predicate = Mapping[str, Any]

ANY_RUN: Final = 1
ANY_ONE: Final = 2
# Longest text that is read as a number.
MAX_NUMBER: Final = 40
_MAPPED_BITS: Final = 96
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
# One step of an expression: an escape, a class, or one character; and the flags that stand inside it.
_STEP: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)
_INLINE: Final = re.compile(r"\(\?([a-z]+)")


def predicate_outcome(predicate: Predicate, event: Event) -> Outcome:
    """The outcome of one predicate. Of a list any member will do, and one that was not seen could be the one."""
    name = predicate["field"]
    if name in event.unobserved:
        return None
    if predicate["op"] == "exists":
        return (name in event.fields) == bool(predicate["value"])
    value = event.fields.get(name)
    if predicate["op"] == "null":
        return (value is None or value == []) == bool(predicate["value"])
    if predicate["op"] == "fieldref":
        return _fieldref(predicate, value, event)
    holds = _OPERATORS[predicate["op"]]
    asked = wanted(predicate)
    return any_of(
        None if member is None else any(holds(member, want, predicate) for want in asked) for member in _members(value)
    )


def _members(value: Scalar) -> list[Any]:
    """The values of a field; None is one that was not seen."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def wanted(predicate: Predicate) -> list[Any]:
    """The literals of a predicate; a list means any of them, save that a wildcard is a list."""
    value = predicate["value"]
    if predicate["op"] == "wildcard":
        return value if value and isinstance(value[0], list) else [value]
    return value if isinstance(value, list) else [value]


def _fieldref(predicate: Predicate, value: Scalar, event: Event) -> Outcome:
    """Nothing equals no value, so that the other field matters only where this one has a value."""
    other = predicate["value"]
    others = [None] if other in event.unobserved else _members(event.fields.get(other))
    holds = _OPERATORS[predicate.get("mode", "eq")]
    return any_of(
        None if mine is None or its is None else holds(mine, text_of(its), predicate)
        for mine in _members(value)
        for its in others
    )


def fold(text: str, *, cased: bool) -> str:
    """Text without case: upper then lower, where each is one character; the dotless i is itself."""
    return text if cased else "".join(map(_fold_char, text))


def _fold_char(char: str) -> str:
    if char == "\u0131":
        return char
    upper = char.upper() if len(char.upper()) == 1 else char
    return upper.lower() if len(upper.lower()) == 1 else upper


def wildcard_match(tokens: Iterable[str | int], text: str, *, cased: bool) -> bool:
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
    return re.search(_python(want, used), text_of(value), used) is not None


def _python(pattern: str, used: re.RegexFlag) -> str:
    """The pattern as Python reads it: there `$` would also stand before a line end that ends the text."""
    if used & re.MULTILINE or ("(?" in pattern and "m" in "".join(_INLINE.findall(pattern))):
        return pattern.replace(r"\z", r"\Z")
    return "".join(r"\Z" if step in ("$", r"\z") else step for step in _STEP.findall(pattern))


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
    at = datetime.fromtimestamp(value.ns // NANOSECONDS, UTC)
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

"""Events, the texts of their values, and three-valued logic.

Outcomes are True, False, or None for unknown: a field that the sensor could not see (unobserved) makes its test
unknown, and `and`, `or`, `not` follow Kleene.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Outcome = bool | None
# A value of a field or a rule: text, number, boolean, address as text, Time, or a list of them.
Scalar = Any
NANOSECONDS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Time:
    """A moment, in nanoseconds since the Unix epoch."""

    ns: int

    def __str__(self) -> str:
        seconds, rest = divmod(self.ns, NANOSECONDS)
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


@dataclass(frozen=True, slots=True)
class Event:
    """An event as `{"kind", "fields", "unobserved"}`; a name in neither is absent.

    `time` is in nanoseconds, `packet` the number of the packet that completed it.
    """

    kind: str
    fields: Mapping[str, Any]
    unobserved: frozenset[str] = frozenset()
    time: int = 0
    packet: int = 0

    @classmethod
    def from_json(cls, data: bytes, types: Mapping[str, str] | None = None) -> Event:
        """The event from its JSON form; `types` tells which fields are addresses and times."""
        raw = json.loads(data)
        known = types or {}
        given = raw.get("given", {}) | raw.get("fields", {})
        fields = {name: _typed(value, known.get(name)) for name, value in given.items()}
        unobserved = frozenset(raw.get("unobserved", ()))
        return cls(raw["kind"], fields, unobserved, raw.get("time", 0), raw.get("packet", 0))


def all_of(outcomes: Iterable[Outcome]) -> Outcome:
    """False if any is false, else unknown if any is unknown, else true."""
    found = list(outcomes)
    if False in found:
        return False
    return None if None in found else True


def any_of(outcomes: Iterable[Outcome]) -> Outcome:
    """True if any is true, else unknown if any is unknown, else false."""
    found = list(outcomes)
    if True in found:
        return True
    return None if None in found else False


def not_(outcome: Outcome) -> Outcome:
    """The other; unknown stays unknown."""
    return None if outcome is None else not outcome


def text_of(value: Scalar) -> str:
    """The text by which a value is compared."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def shortest(text: str) -> str:
    """An address in its shortest form; any other text as it is."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


def _typed(value: Scalar, kind: str | None) -> Scalar:
    if isinstance(value, list):
        return [_typed(item, kind) for item in value]
    if isinstance(value, dict):
        return bytes.fromhex(value["hex"]).decode("utf-8", "surrogateescape")
    if value is None or kind not in ("ip", "time"):
        return value
    if kind == "ip":
        return str(ipaddress.ip_address(value))
    return Time(value if isinstance(value, int) else _nanoseconds(value))


def _nanoseconds(text: str) -> int:
    if text.isdigit():
        return int(text)
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
    return seconds * NANOSECONDS + int(fraction.ljust(9, "0") or 0)

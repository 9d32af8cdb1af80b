"""Warning lists: what must never match, because it would match everywhere or mean nothing."""

from __future__ import annotations

import bisect
import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from detectors.errors import BavnError
from detectors.indicators.values import Indicator, canonical_name, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FOLDER: Final = Path(__file__).parent / "warning"
_BITS: Final = 128


@dataclass(frozen=True, slots=True)
class Warned:
    """A value of a warning list; `below`: a name's whole subtree. `why` is what an analyst reads."""

    type: str
    value: str
    why: str
    below: bool = False


def warned(text: str, why: str) -> Warned:
    """An entry of a warning list: an address, a network, a digest, a name, or with a dot before it a name's subtree.

    Raises:
        BavnError: BAVN-E086 where it is none of them.
    """
    plain = text.strip()
    if plain.startswith((".", "*.")):
        name = canonical_name(plain.lstrip("*."))
        if name is None:
            raise BavnError("BAVN-E086", f"`{text[:80]}` is no name")
        return Warned("domain", name, why, below=True)
    if plain.isalpha() and canonical_name(plain):
        return Warned("domain", plain.lower(), why)
    if "/" in plain and (network := _network(plain)):
        return Warned("cidr", network, why)
    found = parse(plain)
    return Warned(found.type, found.value, why)


def _network(text: str) -> str | None:
    """A network, as broad as it may be; None where the text is none."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return None


def shipped() -> Iterator[Warned]:
    """The lists that come with bavn."""
    import tomllib  # noqa: PLC0415  (a scan reads no such list)

    for file in sorted(_FOLDER.glob("*.toml")):
        for entry in tomllib.loads(file.read_text("utf-8"))["entry"]:
            yield from (warned(value, entry["why"]) for value in entry["values"])


@dataclass
class WarningLists:
    """Entries, ready to be asked."""

    _names: dict[str, str] = field(default_factory=dict)
    _above: dict[str, str] = field(default_factory=dict)
    _below: dict[str, str] = field(default_factory=dict)
    _plain: dict[Indicator, str] = field(default_factory=dict)
    _ranges: list[tuple[int, int, str, str]] = field(default_factory=list)
    _ends: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, entries: Iterable[Warned]) -> WarningLists:
        """Of those entries."""
        lists = cls()
        for entry in entries:
            lists._add(entry)
        lists._ranges.sort()
        for _, last, *_rest in lists._ranges:
            lists._ends.append(max(last, lists._ends[-1]) if lists._ends else last)
        return lists

    def _add(self, entry: Warned) -> None:
        if entry.type in ("ip", "cidr"):
            first, last = _span(entry.value)
            self._ranges.append((first, last, entry.value, entry.why))
        elif entry.type in ("domain", "host"):
            (self._below if entry.below else self._names)[entry.value] = entry.why
            for name in _above(entry.value):
                self._above.setdefault(name, f"above {entry.value}, {entry.why}")
        else:
            self._plain[Indicator(entry.type, entry.value)] = entry.why

    def why(self, kind: str, value: str) -> str | None:
        """Why an indicator must not match; None where nothing speaks against it."""
        if kind in ("ip", "cidr"):
            return self._address(value)
        if kind == "ip-port":
            return self._address(value.rpartition(":")[0].strip("[]"))
        if kind in ("domain", "host"):
            return self._name(value, with_above=kind == "domain")
        if kind == "url":
            return self._url(value)
        return self._plain.get(Indicator(kind, value))

    def _name(self, name: str, *, with_above: bool) -> str | None:
        own = self._names.get(name) or self._subtree(name)
        return own or (self._above.get(name) if with_above else None)

    def _subtree(self, name: str) -> str | None:
        found = (self._below.get(part) for part in (name, *_above(name)))
        return next((why for why in found if why), None)

    def _url(self, url: str) -> str | None:
        """A URL is warned of where its host means nothing, or where it is the first page of a name that is warned of."""
        host, _, path = url.partition("/")
        name = host if host.endswith("]") else host.partition(":")[0] if host[:1] != "[" else host.rpartition(":")[0]
        if name[:1] == "[" or name.replace(".", "").isdigit():
            return self._address(name.strip("[]"))
        return self._subtree(name) or (None if path else self._names.get(name))

    def _address(self, value: str) -> str | None:
        """Whatever overlaps: the addresses that both hold would match."""
        first, last = _span(value)
        at = bisect.bisect_left(self._ends, first)
        for start, end, entry, why in self._ranges[at:]:
            if start > last:
                return None
            if end >= first:
                return why if start <= first and last <= end else f"holds {entry}, {why}"
        return None


def _above(name: str) -> Iterator[str]:
    while "." in name:
        name = name.partition(".")[2]
        yield name


def _span(value: str) -> tuple[int, int]:
    """First and last address as numbers, IPv6 behind IPv4."""
    network = ipaddress.ip_network(value)
    shift = 0 if network.version == 4 else 1 << _BITS  # noqa: PLR2004
    return shift + int(network.network_address), shift + int(network.broadcast_address)

"""Lists of indicators as they come: CSV with a header, JSON Lines, or one value a line; hostile ones cost bounded work.

A line that is wrong is told with its place and left out; the lines around it are read.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import re
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final, NamedTuple, cast

import msgspec

from detectors.errors import BavnError
from detectors.indicators.values import parse, type_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MAX_LINE: Final = 64 << 10
"""Bytes of a line."""

MAX_BYTES: Final = 1 << 30
"""Bytes of a list, unpacked; what is behind them is not read."""

MAX_LINES: Final = 8_000_000
"""Lines of a list."""

MAX_TOLD: Final = 1_000
"""Problems of a list that are kept; the rest is counted."""

MAX_TEXT: Final = 200
"""Characters of a note, a reference or a source; the rest is cut off."""

MAX_COLUMNS: Final = 200

TLPS: Final = ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED")
"""Marks of the Traffic Light Protocol 2.0, from the widest circle to the narrowest."""

# Names of columns, short; where a list has several of one meaning, the first in this order counts.
_VALUE: Final = ("indicator", "value", "ioc", "iocvalue", "indicatorvalue", "observable", "artifact", "entry")
_TYPE: Final = ("type", "ioctype", "indicatortype", "kind", "attributetype")
_TYPED: Final[dict[str, str]] = {
    "ip": "ip", "ipaddress": "ip", "ipaddr": "ip", "srcip": "ip", "dstip": "ip", "firstseenip": "ip", "cidr": "cidr",
    "network": "cidr", "domain": "domain", "domainname": "domain", "hostname": "domain", "fqdn": "domain",
    "url": "url", "uri": "url", "ja3": "ja3", "ja3md5": "ja3", "ja3s": "ja3s", "ja4": "ja4", "hassh": "hassh",
    "md5": "md5", "md5hash": "md5", "sha1": "sha1", "sha1hash": "sha1", "sha256": "sha256", "sha256hash": "sha256",
}  # fmt: skip
_FACTS: Final[dict[str, tuple[str, ...]]] = {
    "tlp": ("tlp", "tlplabel", "marking", "tlpmarking"),
    "expires": ("expires", "expiry", "expiration", "expiresat", "expirationdate", "validuntil"),
    "source": ("source", "provider", "feed", "feedname", "list"),
    "confidence": ("confidence", "confidencelevel", "confidencescore"),
    "note": ("note", "comment", "description", "malware", "malwareprintable", "listingreason", "threat"),
    "reference": ("reference", "urlhauslink", "threatfoxlink", "moreinfo"),
}
_NOTHING: Final = frozenset({"", "-", "n/a", "none", "null", "unknown"})
_TAIL: Final = re.compile(r"[^a-z0-9]")
_SPAN: Final = re.compile(r"\+?(\d{1,5})([smhdw])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LATEST: Final = 2**32 - 1
_WORDS: Final = {"none": 0, "low": 15, "medium": 50, "moderate": 50, "high": 85}
_SEPARATORS: Final = (",", ";", "\t", "|")
_PACKED: Final = {b"\x1f\x8b": "gzip", b"PK": "zip", b"\x28\xb5": "zstd", b"BZ": "bzip2", b"7z": "7z"}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a line was left out: code, file, line (from 1; 0 for all of it), sentence, hint."""

    code: str
    place: str
    line: int
    sentence: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of an indicator; of a list, what holds where a line says nothing."""

    source: str
    tlp: str = "AMBER"
    # Seconds since the epoch; None for never.
    expires: int | None = None
    # From 0 to 100; None where nothing was said.
    confidence: int | None = None
    note: str = ""
    reference: str = ""


class Record(NamedTuple):
    """One indicator in its one form, with what its list says of it."""

    type: str
    value: str
    said: Said


@dataclass
class Report:
    """What could not be read; `counts` has every problem, `told` the first of them."""

    told: list[Trouble] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    lines: int = 0

    def add(self, error: BavnError, place: str, line: int) -> None:
        """Note one problem."""
        self.counts[error.code] += 1
        if len(self.told) < MAX_TOLD:
            self.told.append(Trouble(error.code, place, line, error.sentence, error.hint))


def tlp_named(text: str) -> str:
    """The mark of that name: `TLP:AMBER+STRICT`, `tlp:white`.

    Raises:
        BavnError: BAVN-E090 where it is none.
    """
    name = text.strip().upper().removeprefix("TLP:").replace(" ", "")
    name = {"WHITE": "CLEAR", "AMBERSTRICT": "AMBER+STRICT"}.get(name, name)
    if name not in TLPS:
        raise BavnError("BAVN-E090", f"`{text[:40]}` is no mark of the Traffic Light Protocol")
    return name


def time_named(text: str, now: int) -> int:
    """Seconds since the epoch of a time, a date, a number of seconds, or a span from `now` on (`90d`).

    Raises:
        BavnError: BAVN-E089 where it is none of them.
    """
    plain = text.strip()
    span = _SPAN.fullmatch(plain)
    if span:
        return min(now + int(span[1]) * _SECONDS[span[2]], _LATEST)
    if plain.isascii() and plain.isdigit() and len(plain) in (9, 10):
        return min(int(plain), _LATEST)
    try:
        moment = dt.datetime.fromisoformat(plain.removesuffix(" UTC"))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        return min(max(int(moment.timestamp()), 1), _LATEST)
    except (ValueError, OverflowError):
        raise BavnError("BAVN-E089", f"`{plain[:40]}` is no time") from None


def confidence_named(text: str) -> int:
    """A confidence from 0 to 100: a number, or none, low, medium, high.

    Raises:
        BavnError: BAVN-E091 where it is neither.
    """
    plain = text.strip().lower().removesuffix("%")
    if plain in _WORDS:
        return _WORDS[plain]
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 3 and int(plain) <= 100):  # noqa: PLR2004
        raise BavnError("BAVN-E091", f"`{text[:40]}` is no confidence")
    return int(plain)


def read(path: Path, said: Said, now: int, report: Report, kind: str | None = None) -> Iterator[Record]:
    """The indicators of a list; what is wrong goes into `report`.

    Args:
        path: the list.
        said: what holds where a line says nothing.
        now: seconds since the epoch, for spans.
        report: takes what is wrong.
        kind: the type that every value has, whatever the list calls it.

    Raises:
        BavnError: BAVN-E080 where the list cannot be read at all, E084 where no column holds indicators.
    """
    try:
        with path.open("rb") as file:
            yield from _records(_Lines(_unpacked(file, path), str(path), report), _Maker(said, now, kind))
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error) or "it is damaged"
        raise BavnError("BAVN-E080", f"{path}: {reason}") from error


def _unpacked(file: IO[bytes], path: Path) -> IO[bytes]:
    head = file.read(2)
    file.seek(0)
    packed = _PACKED.get(head)
    if packed == "gzip":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if packed:
        raise BavnError("BAVN-E080", f"{path}: packed with {packed}", "unpack it first; gzip is read as it is")
    return file


class _Lines:
    """Numbered lines of a list as text, none of them longer than allowed."""

    def __init__(self, file: IO[bytes], place: str, report: Report) -> None:
        self._file = file
        self._left = MAX_BYTES
        self._is_over = False
        self.place = place
        self.report = report
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        while raw := self._next():
            try:
                text = raw.decode("utf-8-sig" if self.number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                self.wrong(BavnError("BAVN-E081", f"byte {error.start + 1} of the line is no UTF-8"))
                continue
            if "\0" in text:
                self.wrong(BavnError("BAVN-E081", "the line holds a zero byte"))
            elif text.strip():
                yield text

    def _next(self) -> bytes:
        """The next line that is not too long; nothing at the end of what is read."""
        while raw := self._read(MAX_LINE + 1):
            self.number += 1
            if len(raw) <= MAX_LINE or raw.endswith(b"\n"):
                self.report.lines += 1
                return raw
            self.wrong(BavnError("BAVN-E082", f"the line is longer than {MAX_LINE >> 10} KiB"))
            while (rest := self._read(MAX_LINE)) and not rest.endswith(b"\n"):
                pass
        return b""

    def _read(self, most: int) -> bytes:
        raw = b"" if self._is_over else self._file.readline(most)
        self._left -= len(raw)
        if raw and (self._left < 0 or self.number >= MAX_LINES):
            self._is_over = True
            said = f"what is behind {MAX_BYTES >> 20} MiB or {MAX_LINES:,} lines is not read"
            self.wrong(BavnError("BAVN-E083", said))
            return b""
        return raw

    def wrong(self, error: BavnError) -> None:
        """Note that the line at hand is wrong."""
        self.report.add(error, self.place, self.number)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes records of the values and facts of a line."""

    said: Said
    now: int
    type: str | None

    def said_by(self, facts: Facts) -> Said:
        """What a line says, else what holds anyway."""
        own = self.said
        if not facts:
            return own
        return Said(
            source=_cut(facts.get("source", "")) or own.source,
            tlp=tlp_named(facts["tlp"]) if "tlp" in facts else own.tlp,
            expires=time_named(facts["expires"], self.now) if "expires" in facts else own.expires,
            confidence=confidence_named(facts["confidence"]) if "confidence" in facts else own.confidence,
            note=_cut(facts.get("note", "")) or own.note,
            reference=_cut(facts.get("reference", "")) or own.reference,
        )

    def record(self, kind: str | None, value: str, said: Said) -> Record:
        """One indicator."""
        found = parse(value, self.type or kind)
        return Record(found.type, found.value, said)


def _records(lines: _Lines, maker: _Maker) -> Iterator[Record]:
    """Records by the form that the first line shows."""
    comment = ""
    texts = iter(lines)
    for first in texts:
        if first.lstrip().startswith("#"):
            comment = first
            continue
        if first.lstrip()[:1] in "[{":
            yield from _each(lines, _chain(first, texts), _json_row, maker)
        else:
            yield from _delimited(lines, first, comment, texts, maker)
        return


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


Facts = dict[str, str]
Row = tuple[list[tuple[str | None, str]], Facts]
"""The values of a line with the types that it says they have, and what else it says."""


def _each(lines: _Lines, texts: Iterator[str], row: Callable[[str], Row], maker: _Maker) -> Iterator[Record]:
    for text in texts:
        if text.startswith("#"):
            continue
        try:
            values, facts = row(text)
            said = maker.said_by(facts)
        except BavnError as error:
            lines.wrong(error)
            continue
        for kind, value in values:
            try:
                yield maker.record(kind, value, said)
            except BavnError as error:
                lines.wrong(error)


def _cut(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text[:MAX_TEXT]).strip()


def _json_row(text: str) -> Row:
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        hint = "one object a line: jq -c '.[]' LIST" if text.lstrip().startswith("[") else ""
        raise BavnError("BAVN-E085", f"the line is no JSON: {error}", hint) from None
    if isinstance(document, str):
        return [(None, document)], {}
    if not isinstance(document, dict):
        raise BavnError("BAVN-E085", "the line is no JSON object", "one object a line: jq -c '.[]' LIST")
    plain = {_short(name): str(value) for name, value in document.items() if isinstance(value, str | int | float)}
    return _row(plain)


def _row(cells: dict[str, str]) -> Row:
    """The values of named cells."""
    facts = {fact: cells[name] for fact, names in _FACTS.items() for name in names if not _is_nothing(cells.get(name))}
    value = next((cells[name] for name in _VALUE if not _is_nothing(cells.get(name))), None)
    if value is None:
        values: list[tuple[str | None, str]] = [
            (kind, cells[name]) for name, kind in _TYPED.items() if not _is_nothing(cells.get(name))
        ]
        if not values:
            raise BavnError("BAVN-E084", "nothing on this line is an indicator")
        return values, facts
    kind = next((cells[name] for name in _TYPE if not _is_nothing(cells.get(name))), None)
    return list(_typed(value, kind)), facts


def _typed(value: str, kind: str | None) -> Iterator[tuple[str | None, str]]:
    """A value with its type; of a type like MISP's `domain|ip` each part by itself."""
    if kind is None:
        yield None, value
    elif "|" not in kind:
        yield type_named(kind), value
    elif kind.lower() in ("ip-dst|port", "ip-src|port"):
        address, _, port = value.partition("|")
        yield "ip-port", f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    else:
        for one, part in zip(kind.lower().split("|"), value.split("|"), strict=False):
            if one not in ("filename", "port"):
                yield type_named(one), part


def _is_nothing(text: str | None) -> bool:
    return text is None or text.strip().lower() in _NOTHING


def _short(name: str) -> str:
    return _TAIL.sub("", name.lower())


def _delimited(lines: _Lines, first: str, comment: str, rest: Iterator[str], maker: _Maker) -> Iterator[Record]:
    """CSV with its header in the first line, or in the comment before it; without one, a value a line."""
    for header, texts in ((first, rest), (comment.lstrip("# "), _chain(first, rest))):
        separator = max(_SEPARATORS, key=header.count)
        names = _names(header, separator)
        if names:
            yield from _each(lines, texts, _csv_reader(names, separator), maker)
            return
    if any(separator in first for separator in (",", ";", "\t")) and "://" not in first:
        raise BavnError("BAVN-E084", f"{lines.place}: no column of the first line is called as indicators are")
    yield from _each(lines, _chain(first, rest), _plain_row, maker)


def _names(header: str, separator: str) -> list[str]:
    """The columns of a header; none where the line is none, or holds an indicator itself."""
    try:
        cells = _cells(header, separator)
    except BavnError:
        return []
    names = [_short(name) for name in cells]
    is_header = len(names) <= MAX_COLUMNS and any(name in _VALUE or name in _TYPED for name in names)
    return names if is_header and not any(map(_is_indicator, cells)) else []


def _is_indicator(text: str) -> bool:
    try:
        return bool(parse(text))
    except BavnError:
        return False


def _plain_row(text: str) -> Row:
    return [(None, text.partition(" #")[0])], {}


def _cells(text: str, separator: str) -> list[str]:
    """The cells of one line; a quote that is left open ends with the line."""
    if '"' not in text:
        return text.split(separator)
    try:
        return next(csv.reader([text], delimiter=separator, skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise BavnError("BAVN-E093", f"the line is no CSV: {error}") from None


def _csv_reader(names: list[str], separator: str) -> Callable[[str], Row]:
    """Reads a line by what its columns are called."""

    def row(text: str) -> Row:
        cells = _cells(text, separator)
        if len(cells) != len(names):
            raise BavnError("BAVN-E093", f"{len(cells)} cells under {len(names)} headings")
        return _row(dict(zip(names, cells, strict=True)))

    return row

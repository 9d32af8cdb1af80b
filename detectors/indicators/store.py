"""Indicators that are kept in a home, and the set that is made of them for the packet loop."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import apsw

from detectors.errors import BavnError
from detectors.indicators.warnings import Warned, WarningLists, shipped, warned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from detectors.indicators.reading import Record

STORE: Final = "indicators.db"
SET: Final = "indicators.set"

MAX_INDICATORS: Final = 4_000_000
"""Indicators of a store, each list's counted; as many as a set may have."""

_MAX_NOTED: Final = 150_000
"""Different notes of a set; indicators beyond keep theirs in the store alone."""

_CHUNK: Final = 5_000
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS indicator(
  type TEXT NOT NULL, value TEXT NOT NULL, source TEXT NOT NULL, tlp TEXT NOT NULL, added INTEGER NOT NULL,
  expires INTEGER, confidence INTEGER, note TEXT NOT NULL, reference TEXT NOT NULL, kept_out TEXT, batch INTEGER NOT NULL,
  PRIMARY KEY(type, value, source)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS warning(
  type TEXT NOT NULL, value TEXT NOT NULL, below INTEGER NOT NULL, why TEXT NOT NULL, PRIMARY KEY(type, value)
) WITHOUT ROWID;
"""
_UPSERT: Final = """
INSERT INTO indicator VALUES(?,?,?,?,?,?,?,?,?,?,?)
ON CONFLICT(type, value, source) DO UPDATE SET tlp=excluded.tlp, expires=excluded.expires, confidence=excluded.confidence,
note=excluded.note, reference=excluded.reference, kept_out=excluded.kept_out, batch=excluded.batch
"""
_COLUMNS: Final = ("type", "value", "source", "tlp", "added", "expires", "confidence", "note", "reference", "kept_out")


class Store:
    """The indicators of a home; times are seconds since the epoch."""

    def __init__(self, home: Path) -> None:
        """Open the store of a home, or make one.

        Raises:
            BavnError: BAVN-E094 where it cannot be opened or is none.
        """
        self._home = home
        self._path = home / STORE
        with self._own_errors():
            home.mkdir(parents=True, exist_ok=True)
            self._db = apsw.Connection(str(self._path))
            self._path.chmod(0o600)
            self._db.set_busy_timeout(5_000)
            self._db.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY")
            self._db.execute(_SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        try:
            yield
        except (apsw.Error, OSError) as error:
            raise BavnError("BAVN-E094", f"{self._path}: {error}") from error

    def add(self, records: Iterable[Record], now: int, *, replace: bool = False) -> tuple[int, int]:
        """Keep indicators; `replace` removes those of the same sources that are not among them.

        Returns:
            How many came, and how many of them a warning list keeps out.

        Raises:
            BavnError: BAVN-E083 where there are more than a store may have, E094 where it cannot be written; then
                nothing is changed.
        """
        lists = self.warnings()
        count = kept_out = 0
        sources: set[str] = set()
        with self._own_errors(), self._db:
            batch = 1 + (self._one("SELECT max(batch) FROM indicator") or 0)
            for some in _batched(records):
                rows = [_row(one, lists.why(one.type, one.value), now, batch) for one in some]
                self._db.executemany(_UPSERT, rows)
                count += len(rows)
                kept_out += sum(row[9] is not None for row in rows)
                sources.update(row[2] for row in rows)
                if count > MAX_INDICATORS:
                    raise BavnError("BAVN-E083", f"over {MAX_INDICATORS:,} indicators")
            if replace:
                for source in sources:
                    self._db.execute("DELETE FROM indicator WHERE source = ? AND batch < ?", (source, batch))
            if self.count() > MAX_INDICATORS:
                raise BavnError("BAVN-E083", f"the store would have over {MAX_INDICATORS:,} indicators")
        return count, kept_out

    def warn(self, values: Iterable[str], why: str) -> int:
        """Take entries into the agency's warning list; what they speak against is kept out from now on."""
        entries = [warned(value, why) for value in values]
        with self._own_errors(), self._db:
            rows = [(one.type, one.value, one.below, one.why) for one in entries]
            self._db.executemany("INSERT OR REPLACE INTO warning VALUES(?,?,?,?)", rows)
        self.judge_again()
        return len(entries)

    def unwarn(self, values: Iterable[str]) -> int:
        """Take entries out of the agency's warning list again; gives how many there were."""
        entries = [warned(value, "") for value in values]
        start = self._db.total_changes()
        with self._own_errors(), self._db:
            for one in entries:
                self._db.execute("DELETE FROM warning WHERE type = ? AND value = ?", (one.type, one.value))
        gone = int(self._db.total_changes() - start)
        self.judge_again()
        return gone

    def own_warnings(self) -> list[Warned]:
        """The agency's own entries."""
        with self._own_errors():
            rows = self._db.execute("SELECT type, value, why, below FROM warning ORDER BY type, value")
            return [Warned(kind, value, why, bool(below)) for kind, value, why, below in rows]

    def warnings(self) -> WarningLists:
        """The lists that come with bavn, and the agency's own."""
        return WarningLists.of([*shipped(), *self.own_warnings()])

    def judge_again(self) -> None:
        """Ask the warning lists about all indicators anew."""
        lists = self.warnings()
        with self._own_errors(), self._db:
            rows = list(self._db.execute("SELECT DISTINCT type, value, kept_out FROM indicator"))
            changed = [(why, kind, value) for kind, value, before in rows if (why := lists.why(kind, value)) != before]
            self._db.executemany("UPDATE indicator SET kept_out = ? WHERE type = ? AND value = ?", changed)

    def remove(
        self, *, values: Iterable[tuple[str, str]] = (), source: str | None = None, before: int | None = None
    ) -> int:
        """Remove indicators by type and value, by source, or those that ended before a time; gives how many."""
        start = self._db.total_changes()
        with self._own_errors(), self._db:
            for kind, value in values:
                self._db.execute("DELETE FROM indicator WHERE type = ? AND value = ?", (kind, value))
            if source is not None:
                self._db.execute("DELETE FROM indicator WHERE source = ?", (source,))
            if before is not None:
                self._db.execute("DELETE FROM indicator WHERE expires <= ?", (before,))
        return int(self._db.total_changes() - start)

    def count(self) -> int:
        """Indicators, each list's counted."""
        return int(self._one("SELECT count(*) FROM indicator") or 0)

    def rows(self, where: dict[str, Any] | None = None, more: str = "") -> Iterator[dict[str, Any]]:
        """Indicators as documents in the order of type and value; `where` has columns with the value they must have."""
        tests = [f"{name} = :{name}" for name in where or {}] + ([more] if more else [])
        asked = f"SELECT {', '.join(_COLUMNS)} FROM indicator WHERE {' AND '.join(tests) or '1'}"  # noqa: S608  (names of columns)
        with self._own_errors():
            for row in self._db.execute(asked, where or {}):
                yield dict(zip(_COLUMNS, row, strict=True))

    def sources(self) -> list[dict[str, Any]]:
        """Each source with its number of indicators, of those kept out, and the time of the newest."""
        with self._own_errors():
            asked = (
                "SELECT source, count(*), count(kept_out), max(added) FROM indicator GROUP BY source ORDER BY source"
            )
            names = ("source", "indicators", "kept_out", "newest")
            return [dict(zip(names, row, strict=True)) for row in self._db.execute(asked)]

    def write_set(self) -> tuple[Path, int]:
        """Make the set of what may match, in place of the one before; gives its path and how many are in it."""
        asked = "SELECT type, value, source, tlp, expires, confidence, note, reference FROM indicator WHERE kept_out IS NULL"
        with self._own_errors():
            return write_set(self._home / SET, self._db.execute(asked))

    def _one(self, asked: str) -> Any:  # noqa: ANN401
        return next(iter(self._db.execute(asked)), (None,))[0]


def _batched(records: Iterable[Record]) -> Iterator[tuple[Record, ...]]:
    rest = iter(records)
    while some := tuple(itertools.islice(rest, _CHUNK)):
        yield some


def _row(one: Record, kept_out: str | None, now: int, batch: int) -> tuple[Any, ...]:
    said = one.said
    return (
        one.type, one.value, said.source, said.tlp, now, said.expires, said.confidence, said.note, said.reference,
        kept_out, batch,
    )  # fmt: skip


SetRow = tuple[str, str, str, str, "int | None", "int | None", str, str]
"""Type, value, source, TLP mark, end, confidence, note, reference."""


def write_set(path: Path, rows: Iterable[SetRow]) -> tuple[Path, int]:
    """Write a set as the engine reads it (detectors/engine/src/indicator/set.rs), whole or not at all."""
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(fd, "wb") as file:
            count = _write(file, rows)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path, count


def _write(file: Any, rows: Iterable[SetRow]) -> int:  # noqa: ANN401
    digest = hashlib.sha256()
    said: dict[tuple[Any, ...], int] = {}
    count = 0
    lines = ["bavn-indicators 1\n"]
    for kind, value, source, tlp, expires, confidence, note, reference in rows:
        key = (source, tlp, confidence, note, reference)
        if key not in said and len(said) >= _MAX_NOTED:
            key = (source, tlp, confidence, "", "")
        if key not in said:
            said[key] = len(said)
            lines.append(json.dumps(dict(zip(_SAID, key, strict=True)), ensure_ascii=False) + "\n")
        lines.append(f"{kind}\t{value}\t{expires or '-'}\t{said[key]}\n")
        count += 1
        if len(lines) >= _CHUNK:
            _flush(file, lines, digest)
    _flush(file, lines, digest)
    file.write(f"end {count} {digest.hexdigest()}\n".encode())
    return count


_SAID: Final = ("provider", "tlp", "confidence", "note", "reference")


def _flush(file: Any, lines: list[str], digest: Any) -> None:  # noqa: ANN401
    data = "".join(lines).encode()
    digest.update(data)
    file.write(data)
    lines.clear()

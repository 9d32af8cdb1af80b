"""The outbox: alerts on disk until the collector has acknowledged them.

SQLite in WAL mode with `synchronous=FULL`: `append` returns after the commit is on disk. Each record has a
sequence number without gaps; a record that had to be given up leaves its number and the reason behind, so that
the collector can tell a declared loss from a proven one.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import apsw

from sensors.errors import SensorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_RECORDS: Final = 200_000
"""Unsent records that are kept; above it the least important oldest are given up, critical ones never."""

_SCHEMA: Final = """
create table if not exists record (
  seq integer primary key,
  id text not null unique,
  severity integer not null,
  created integer not null,
  alert blob,
  dropped text,
  not_before integer not null default 0
);
create table if not exists counter (last integer not null);
insert into counter (last) select 0 where not exists (select 1 from counter);
create index if not exists record_due on record (not_before, seq);
create table if not exists sent (
  seq integer primary key, id text not null, sent integer not null, alert blob not null, answer text not null
);
create table if not exists dead (
  seq integer primary key, id text not null, refused integer not null, alert blob not null, reason text not null
);
"""
_KEEP_SENT: Final = 1_000
_FARTHEST_NS: Final = 60_000_000_000
"""No record is put off for longer; one that waits longer waits because the clock was set back."""

_SIDE_FILES: Final = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Draft:
    """An alert on its way into the outbox.

    Attributes:
        id: the alert's `event.id`.
        severity: 1 (informational) to 5 (critical).
        alert: the exact bytes that will leave.
    """

    id: str
    severity: int
    alert: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the outbox; `alert` is None where it was given up for the reason in `dropped`."""

    seq: int
    id: str
    alert: bytes | None
    dropped: str | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits: how many records, since when (ns since the epoch), and how many are dead."""

    unsent: int
    oldest: int | None
    dead: int


class Outbox:
    """One sensor's outbox. Not for several threads at once: open one per thread."""

    def __init__(self, path: Path, max_records: int = MAX_RECORDS) -> None:
        """Open or make the outbox at `path`.

        Raises:
            SensorError: BAVN-E110 where it cannot be written, BAVN-E111 where the file is no outbox.
        """
        self._max = max_records
        with _translated():
            self._db = apsw.Connection(str(path))
            self._db.set_busy_timeout(10_000)
            self._db.execute("pragma journal_mode=wal; pragma synchronous=full; pragma foreign_keys=on;")
            self._db.execute(_SCHEMA)

    def check(self) -> None:
        """Read the whole file.

        Raises:
            SensorError: BAVN-E111 where it is damaged.
        """
        with _translated():
            said = self._db.execute("pragma quick_check(1)").fetchone()
        if said is None or said[0] != "ok":
            raise SensorError("BAVN-E111", str(said and said[0]))

    def append(self, drafts: Iterable[Draft], now: int) -> int:
        """Put alerts on disk; an id that is there already is passed over.

        Args:
            drafts: alerts in order.
            now: ns since the epoch.

        Returns:
            How many were new.

        Raises:
            SensorError: BAVN-E110; then none of them is in the outbox and the caller still has them all.
        """
        with self._writing():
            return self._append(drafts, now)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        # Immediate: a transaction that reads first and writes later fails at once where another one wrote between.
        with _translated():
            self._db.execute("begin immediate")
            try:
                yield
                self._db.execute("commit")
            finally:
                if self._db.in_transaction:
                    self._db.execute("rollback")

    def _append(self, drafts: Iterable[Draft], now: int) -> int:
        first = self._count("select last from counter")
        last = first
        for draft in drafts:
            last += self._insert(draft, last + 1, now)
        self._db.execute("update counter set last = ?", (last,))
        self._give_up_overflow()
        return last - first

    def _insert(self, draft: Draft, seq: int, now: int) -> int:
        self._db.execute(
            "insert or ignore into record (seq, id, severity, created, alert) select ?1, ?2, ?3, ?4, ?5"
            " where not exists (select 1 from sent where id = ?2) and not exists (select 1 from dead where id = ?2)",
            (seq, draft.id, draft.severity, now, draft.alert),
        )
        return self._db.changes()

    def _give_up_overflow(self) -> None:
        over = self._count("select count(*) from record where alert is not null") - self._max
        if over > 0:
            self._db.execute(
                "update record set alert = null, dropped = 'outbox_full' where seq in"
                " (select seq from record where alert is not null and severity < 5 order by severity, seq limit ?)",
                (over,),
            )

    def due(self, now: int, limit: int, max_bytes: int) -> list[Record]:
        """Give the next records to send, oldest first: at most `limit`, and `max_bytes` unless one is larger."""
        with _translated():
            rows = self._db.execute(
                "select seq, id, alert, dropped from record where not_before <= ?1 or not_before > ?2"
                " order by seq limit ?3",
                (now, now + _FARTHEST_NS, limit),
            )
            return _first(rows, max_bytes)

    def acknowledge(self, answers: Sequence[tuple[Record, str]], now: int) -> None:
        """Take out records that the collector has; `answers` pairs each with `stored` or `duplicate`."""
        with self._writing():
            self._db.executemany(
                "insert or replace into sent (seq, id, sent, alert, answer) values (?, ?, ?, ?, ?)",
                [(r.seq, r.id, now, r.alert or b"", answer) for r, answer in answers],
            )
            self._db.executemany("delete from record where seq = ?", [(r.seq,) for r, _ in answers])
            self._db.execute(
                "delete from sent where seq <= (select max(seq) from sent) - ?",
                (_KEEP_SENT,),
            )

    def refuse(self, record: Record, reason: str, now: int) -> None:
        """Put a record that the collector refused for good among the dead letters."""
        with self._writing():
            self._db.execute(
                "insert or replace into dead (seq, id, refused, alert, reason) values (?, ?, ?, ?, ?)",
                (record.seq, record.id, now, record.alert or b"", reason),
            )
            self._db.execute("delete from record where seq = ?", (record.seq,))

    def postpone(self, records: Iterable[Record], until: int) -> None:
        """Let records wait until a time (ns since the epoch)."""
        with self._writing():
            self._db.executemany(
                "update record set not_before = ? where seq = ?",
                [(until, r.seq) for r in records],
            )

    def backlog(self) -> Backlog:
        """Tell what waits."""
        with _translated():
            unsent, oldest = next(iter(self._db.execute("select count(*), min(created) from record")))
            return Backlog(int(unsent), oldest, self._count("select count(*) from dead"))

    def unsent(self, limit: int = 1_000) -> list[Record]:
        """Give unsent records in order, whether due or not."""
        with _translated():
            rows = self._db.execute("select seq, id, alert, dropped from record order by seq limit ?", (limit,))
            return [Record(*row) for row in rows]

    def sent(self, limit: int = 1_000) -> list[Record]:
        """Give the newest sent records (kept for the agency's own look), oldest first."""
        with _translated():
            rows = self._db.execute("select seq, id, alert from sent order by seq desc limit ?", (limit,))
            return [Record(*row) for row in rows][::-1]

    def dead(self, limit: int = 1_000) -> list[tuple[Record, str]]:
        """Give the dead letters with their reasons."""
        with _translated():
            rows = self._db.execute("select seq, id, alert, reason from dead order by seq limit ?", (limit,))
            return [(Record(seq, id_, alert), reason) for seq, id_, alert, reason in rows]

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _count(self, query: str) -> int:
        (count,) = next(iter(self._db.execute(query)))
        return int(count)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise SensorError("BAVN-E111", str(error)) from error
    except apsw.Error as error:
        raise SensorError("BAVN-E110", str(error)) from error


def _first(rows: Iterable[tuple[int, str, bytes | None, str | None]], max_bytes: int) -> list[Record]:
    records: list[Record] = []
    size = 0
    for seq, id_, alert, dropped in rows:
        size += len(alert or b"")
        if records and size > max_bytes:
            break
        records.append(Record(seq, id_, alert, dropped))
    return records


def open_undamaged(path: Path, now: int) -> tuple[Outbox, Path | None]:
    """Open the outbox at `path`; a damaged one is set aside and a fresh one made.

    Args:
        path: the outbox's file.
        now: ns since the epoch; names the file that was set aside.

    Returns:
        The outbox, and where the damaged one is now.

    Raises:
        SensorError: BAVN-E110 where neither can be written.
    """
    box: Outbox | None = None
    try:
        box = Outbox(path)
        box.check()
    except SensorError as error:
        if error.code != "BAVN-E111":
            raise
        if box is not None:
            box.close()
        return _set_aside(path, now)
    return box, None


def _set_aside(path: Path, now: int) -> tuple[Outbox, Path]:
    aside = path.with_name(f"{path.name}.damaged-{now // 1_000_000_000}")
    try:
        for end in _SIDE_FILES:
            side = Path(f"{path}{end}")
            if side.exists():
                side.rename(f"{aside}{end}")
    except OSError as error:
        raise SensorError("BAVN-E110", f"{path.name}: {error.strerror}") from error
    return Outbox(path), aside


def set_aside(path: Path) -> list[Path]:
    """Give the damaged outboxes that were set aside beside the one at `path`."""
    found = path.parent.glob(f"{path.name}.damaged-*")
    return sorted(p for p in found if not p.name.endswith(("-wal", "-shm")))

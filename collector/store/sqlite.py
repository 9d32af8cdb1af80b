"""Alerts in one SQLite file: WAL, `synchronous=FULL`, so a commit that returned is on the disk."""

from __future__ import annotations

import ipaddress
import os
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import apsw
import msgspec

from collector import alert as alerts
from collector.errors import BavnError, StoreUnavailableError
from collector.store import protocol
from collector.store.migrations import STEPS
from collector.store.protocol import (
    AlertQuery,
    AlertState,
    Batch,
    DeadLetter,
    Heartbeat,
    Json,
    NewAlert,
    Page,
    PutResult,
    SequenceState,
    StateChange,
    StoredAlert,
)
from collector.store.sqlite_query import columns_of, where

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BUSY_MS: Final = 5000
PAGE_ROWS: Final = 500
# What SQLite says of one row's content, not of the store.
_OF_ONE_RECORD: Final = (apsw.ConstraintError, apsw.MismatchError, apsw.RangeError, apsw.TooBigError)
APPLICATION_ID: Final = 0x6261766E  # "bavn"


class SqliteStore:
    """The embedded store. Many threads and processes may use one file; writers take turns.

    `vfs` names another SQLite file system and `max_pages` limits the file; both serve tests and quotas.
    """

    kind: Literal["sqlite"] = "sqlite"

    def __init__(
        self, path: str | Path, *, vfs: str | None = None, max_pages: int | None = None, exclusive: bool = False
    ) -> None:
        self._path = str(path)
        self._vfs = vfs
        self._max_pages = max_pages
        self._exclusive = exclusive
        self._lock = threading.RLock()
        self._readers = threading.local()
        self._open_readers: list[apsw.Connection] = []
        with _errors():
            self._writer = self._open()
            _migrate(self._writer)

    def put(self, batch: Batch) -> list[PutResult]:
        """As `Store.put` says."""
        try:
            with self._transaction() as db:
                results = [_take(db, batch, new) for new in batch.alerts]
                for dead in batch.dead:
                    _bury(db, dead)
                _mark_seen(db, batch)
        except StoreUnavailableError as error:
            return protocol.later(batch, error.code, error.sentence)
        return results + protocol.of_the_others(batch)

    def get(self, id_or_prefix: str) -> StoredAlert:
        """As `Store.get` says."""
        prefix = protocol.usable_prefix(id_or_prefix)
        with _errors():
            rows = list(
                self._reader().execute(
                    "SELECT id, body, ingested FROM alerts WHERE id >= ? AND id < ? ORDER BY id LIMIT 3",
                    (prefix, prefix + "~"),
                )
            )
        id_, body, ingested = protocol.only_one(prefix, [row[0] for row in rows], rows)
        state = self.states([id_]).get(id_, AlertState())
        return StoredAlert(alert=msgspec.json.decode(body), ingested=_time(ingested), state=state)

    def search(self, query: AlertQuery) -> Iterator[Json]:
        """Reads in pages, so that a slow reader holds no snapshot of the file."""
        condition, values = where(query)
        direction, beyond = ("ASC", ">") if query.oldest_first else ("DESC", "<")
        left = query.limit
        last: tuple[int, str] | None = None
        while left is None or left > 0:
            rows = PAGE_ROWS if left is None else min(left, PAGE_ROWS)
            step = f"{condition} AND (time, id) {beyond} (?, ?)" if last else condition
            # Only our own text goes into SQL; what users gave is bound.
            sql = f"SELECT time, id, body FROM alerts WHERE {step} ORDER BY time {direction}, id {direction} LIMIT ?"  # noqa: S608
            with _errors():
                page = list(self._reader().execute(sql, (*values, *(last or ()), rows)))
            for _, _, body in page:
                yield msgspec.json.decode(body)
            if len(page) < rows:
                return
            last = (page[-1][0], page[-1][1])
            left = None if left is None else left - rows

    def count(self, query: AlertQuery) -> int:
        """As `Store.count` says."""
        condition, values = where(query)
        with _errors():
            return int(_one(self._reader(), f"SELECT count(*) FROM alerts WHERE {condition}", values)[0])  # noqa: S608

    def follow(self, cursor: str | None, limit: int = 500) -> Page:
        """As `Store.follow` says."""
        with _errors():
            db = self._reader()
            if cursor == "now":
                newest = _one(db, "SELECT coalesce(max(ordinal), 0) FROM alerts")[0]
                return Page([], str(newest))
            after = _cursor(cursor)
            rows = list(
                db.execute(
                    "SELECT ordinal, body FROM alerts WHERE ordinal > ? ORDER BY ordinal LIMIT ?", (after, limit)
                )
            )
        return Page([msgspec.json.decode(body) for _, body in rows], str(rows[-1][0] if rows else after))

    def states(self, ids: Iterable[str]) -> dict[str, AlertState]:
        """As `Store.states` says."""
        wanted = msgspec.json.encode(list(ids)).decode()
        sql = "SELECT id, body FROM states WHERE id IN (SELECT value FROM json_each(?))"
        with _errors():
            rows = list(self._reader().execute(sql, (wanted,)))
        return {id_: msgspec.json.decode(body, type=AlertState) for id_, body in rows}

    def change(self, id_or_prefix: str, change: StateChange) -> AlertState:
        """As `Store.change` says."""
        id_ = self.get(id_or_prefix).id
        with self._transaction() as db:
            row = db.execute("SELECT body FROM states WHERE id = ?", (id_,)).fetchone()
            before = msgspec.json.decode(row[0], type=AlertState) if row else AlertState()
            after = before.apply(change)
            db.execute(
                "INSERT OR REPLACE INTO states (id, state, body) VALUES (?, ?, ?)",
                (id_, after.state, msgspec.json.encode(after)),
            )
        return after

    def ack(self, id_or_prefix: str, who: str, at: datetime, note: str | None = None) -> AlertState:
        """As `Store.ack` says."""
        return self.change(id_or_prefix, StateChange(who=who, at=at, state="acknowledged", note=note))

    def sequence(self, agency: str, sensor: str) -> SequenceState | None:
        """As `Store.sequence` says."""
        sql = (
            "SELECT agency, sensor, ranges, forgotten, declared, updated FROM sequences WHERE agency = ? AND sensor = ?"
        )
        with _errors():
            row = self._reader().execute(sql, (agency, sensor)).fetchone()
        return _sequence(*row) if row else None

    def sequences(self) -> list[SequenceState]:
        """As `Store.sequences` says."""
        sql = "SELECT agency, sensor, ranges, forgotten, declared, updated FROM sequences ORDER BY agency, sensor"
        with _errors():
            rows = list(self._reader().execute(sql))
        return [_sequence(*row) for row in rows]

    def heartbeat(self, beat: Heartbeat) -> None:
        """As `Store.heartbeat` says."""
        with self._transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO heartbeats (agency, sensor, body) VALUES (?, ?, ?)",
                (beat.agency, beat.sensor, msgspec.json.encode(beat)),
            )

    def heartbeats(self) -> list[Heartbeat]:
        """As `Store.heartbeats` says."""
        with _errors():
            rows = list(self._reader().execute("SELECT body FROM heartbeats ORDER BY agency, sensor"))
        return [msgspec.json.decode(body, type=Heartbeat) for (body,) in rows]

    def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """As `Store.dead_letters` says."""
        sql = "SELECT agency, sensor, seq, id, code, reason, at, body FROM dead_letters ORDER BY number DESC LIMIT ?"
        with _errors():
            rows = list(self._reader().execute(sql, (limit,)))
        names = DeadLetter.__struct_fields__
        letters = [dict(zip(names, row, strict=True)) for row in rows]
        return msgspec.convert(letters, list[DeadLetter], builtin_types=(bytes,))

    def health(self) -> None:
        """Takes the write lock and lets it go, so that a read-only or locked file shows."""
        with self._transaction():
            pass

    def settle(self) -> None:
        """Nothing to do: a commit is visible at once."""

    def close(self) -> None:
        """As `Store.close` says."""
        with self._lock:
            for db in (*self._open_readers, self._writer):
                db.close()
            self._open_readers.clear()

    def _open(self) -> apsw.Connection:
        new = not Path(self._path).exists()
        db = apsw.Connection(self._path, vfs=self._vfs)
        db.set_busy_timeout(BUSY_MS)
        if self._exclusive:
            db.pragma("locking_mode", "exclusive")
        db.pragma("journal_mode", "wal")
        db.pragma("synchronous", "full")
        db.pragma("foreign_keys", True)
        if self._max_pages:
            db.pragma("max_page_count", self._max_pages)
        db.create_scalar_function("in_network", _in_network, 2, deterministic=True)
        if new and self._vfs is None:
            _sync_directory(Path(self._path).parent)
        return db

    def _reader(self) -> apsw.Connection:
        if self._exclusive:
            return self._writer
        db: apsw.Connection | None = getattr(self._readers, "db", None)
        if db is None:
            db = self._readers.db = self._open()
            with self._lock:
                self._open_readers.append(db)
        return db

    @contextmanager
    def _transaction(self) -> Iterator[apsw.Connection]:
        with self._lock, _errors():
            db = self._writer
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                # A failed COMMIT may have rolled back by itself.
                if not db.get_autocommit():
                    db.execute("ROLLBACK")
                raise


def _take(db: apsw.Connection, batch: Batch, new: NewAlert) -> PutResult:
    """Stores one alert; one that cannot be stored is buried and stops no other."""
    reason = ""
    try:
        with db:  # a savepoint of the transaction
            return _insert(db, batch, new)
    except apsw.Error as error:
        if not isinstance(error, _OF_ONE_RECORD):
            raise
        reason = protocol.unusable(error)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        reason = protocol.unusable(error)
    _bury(db, protocol.dead_letter(batch, new, "BAVN-E228", reason))
    return PutResult(new.seq, new.id, "refused", "BAVN-E228", reason)


def _insert(db: apsw.Connection, batch: Batch, new: NewAlert) -> PutResult:
    columns = columns_of(new.alert)
    inserted = db.execute(
        "INSERT INTO alerts (id, agency, sensor, ingested, body, time, level, rule, source_ip, destination_ip,"
        " community_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING ordinal",
        (new.id, batch.agency, batch.sensor, _text(batch.received), msgspec.json.encode(new.alert), *columns),
    ).fetchone()
    if inserted is None:
        return _duplicate(db, batch, new)
    db.execute("INSERT INTO alerts_text (rowid, text) VALUES (?, ?)", (inserted[0], alerts.search_text(new.alert)))
    for technique in _techniques(new.alert):
        db.execute("INSERT OR IGNORE INTO techniques (technique, ordinal) VALUES (?, ?)", (technique, inserted[0]))
    return PutResult(new.seq, new.id, "stored")


def _duplicate(db: apsw.Connection, batch: Batch, new: NewAlert) -> PutResult:
    owner = _one(db, "SELECT agency, sensor FROM alerts WHERE id = ?", (new.id,))
    if owner == (batch.agency, batch.sensor):
        return PutResult(new.seq, new.id, "duplicate")
    reason = "another sensor's alert has this identifier"
    _bury(db, protocol.dead_letter(batch, new, "BAVN-E224", reason))
    return PutResult(new.seq, new.id, "refused", "BAVN-E224", reason)


def _bury(db: apsw.Connection, dead: DeadLetter) -> None:
    """Keeps a dead letter once, however often it is sent."""
    db.execute(
        "INSERT OR IGNORE INTO dead_letters (digest, agency, sensor, seq, id, code, reason, at, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (protocol.letter_id(dead), *msgspec.structs.astuple(dead)[:6], _text(dead.at), dead.body),
    )


def _mark_seen(db: apsw.Connection, batch: Batch) -> None:
    key = (batch.agency, batch.sensor)
    sql = "SELECT ranges, forgotten, declared FROM sequences WHERE agency = ? AND sensor = ?"
    row = db.execute(sql, key).fetchone() or (b"[]", 0, 0)
    before = msgspec.json.decode(row[0], type=list[tuple[int, int]])
    numbers = [new.seq for new in batch.alerts] + [dead.seq for dead in batch.dead if dead.seq is not None]
    ranges, hidden = protocol.cap_ranges(protocol.add_ranges(before, [*numbers, *batch.lost]))
    declared = row[2] + protocol.count_new(before, batch.lost)
    db.execute(
        "INSERT OR REPLACE INTO sequences (agency, sensor, ranges, forgotten, declared, updated)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (*key, msgspec.json.encode(ranges), row[1] + hidden, declared, _text(batch.received)),
    )


def _sequence(agency: str, sensor: str, ranges: bytes, forgotten: int, declared: int, updated: str) -> SequenceState:  # noqa: PLR0917 - a row
    seen = msgspec.json.decode(ranges, type=list[tuple[int, int]])
    return protocol.sequence_state(agency, sensor, seen, forgotten, declared, updated=_time(updated))


def _techniques(alert: Json) -> list[str]:
    found: list[object] = []
    for path in ("threat.technique.id", "threat.technique.subtechnique.id"):
        value = alerts.get(alert, path)
        found += value if isinstance(value, list) else [value]
    return [technique for technique in found if isinstance(technique, str)]


def _in_network(*values: apsw.SQLiteValue) -> bool:
    address, network = values
    return isinstance(address, str) and ipaddress.ip_address(address) in ipaddress.ip_network(str(network))


def _one(db: apsw.Connection, sql: str, values: tuple[Any, ...] = ()) -> tuple[Any, ...]:
    row = db.execute(sql, values).fetchone()
    return tuple(row) if row else ()


def _cursor(text: str | None) -> int:
    try:
        return int(text or 0)
    except ValueError:
        raise BavnError("BAVN-E241", f"{(text or '')[:64]!r} is no place in the list of alerts") from None


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _migrate(db: apsw.Connection) -> None:
    if _one(db, "PRAGMA user_version")[0] == len(STEPS):
        return
    db.execute("BEGIN IMMEDIATE")
    # Read again inside of the transaction: another process may have been quicker.
    version = _one(db, "PRAGMA user_version")[0]
    if version > len(STEPS):
        db.execute("ROLLBACK")
        raise BavnError("BAVN-E237", f"the store has schema {version}, this program knows {len(STEPS)}")
    for step in STEPS[version:]:
        db.execute(step)
    db.execute(f"PRAGMA user_version = {len(STEPS)}; PRAGMA application_id = {APPLICATION_ID}; COMMIT")


def _sync_directory(path: Path) -> None:
    """Puts the new file's name on disk too."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _errors() -> Iterator[None]:
    """Turns SQLite's errors into ours."""
    try:
        yield
    except apsw.Error as error:
        raise _translated(error) from error


def _translated(error: apsw.Error) -> BavnError:
    extended = getattr(error, "extendedresult", 0)
    if extended in (apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC):
        return BavnError("BAVN-E238", f"flushing the store failed: {error}")
    if isinstance(error, apsw.FullError):
        return StoreUnavailableError("BAVN-E232", "the disk or the store's limit is full", retry_after=30)
    if isinstance(error, apsw.ReadOnlyError):
        return StoreUnavailableError("BAVN-E231", "the store's file is read-only", retry_after=30)
    if isinstance(error, (apsw.BusyError, apsw.LockedError)):
        return StoreUnavailableError("BAVN-E233", "another process holds the store's lock", retry_after=2)
    if isinstance(error, (apsw.CorruptError, apsw.NotADBError)):
        return StoreUnavailableError("BAVN-E239", f"the store is damaged: {error}", retry_after=60)
    return StoreUnavailableError("BAVN-E230", f"the store cannot be used: {error}", retry_after=10)

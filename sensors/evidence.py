"""Evidence: the packets of an alert's flow, kept at the agency under the SHA-256 of the capture.

One SQLite file: a batch of captures costs one commit, and the oldest can go without a walk over folders.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Final

import apsw

from sensors.errors import SensorError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MAX_BYTES: Final = 1 << 30
"""Captures kept on the box, together; the oldest go first."""

_SCHEMA: Final = """
create table if not exists capture (
  number integer primary key, sha256 text not null unique, kept integer not null, pcap blob not null
);
"""


class EvidenceStore:
    """Captures by hash in a folder of the sensor's home."""

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        """Open or make the store.

        Raises:
            SensorError: BAVN-E140 where it cannot be used.
        """
        self._max = max_bytes
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = apsw.Connection(str(folder / "captures.db"))
            self._db.set_busy_timeout(10_000)
            self._db.execute("pragma auto_vacuum=incremental; pragma journal_mode=wal; pragma synchronous=full;")
            self._db.execute(_SCHEMA)
            self._size = self._sum()
        except (OSError, apsw.Error) as error:
            raise SensorError("BAVN-E140", f"{folder.name}: {error}") from error

    def put(self, captures: Iterable[bytes], now: int) -> list[str]:
        """Keep captures, on disk when this returns; gives the SHA-256 of each in hex.

        Args:
            captures: capture files.
            now: ns since the epoch.

        Raises:
            SensorError: BAVN-E140; then none of them is kept.
        """
        named = [(hashlib.sha256(capture).hexdigest(), capture) for capture in captures]
        if not named:
            return []
        try:
            with self._db:
                for digest, capture in named:
                    self._insert(digest, now, capture)
                self._make_room()
        except apsw.Error as error:
            with contextlib.suppress(apsw.Error):
                self._size = self._sum()
            raise SensorError("BAVN-E140", str(error)) from error
        return [digest for digest, _ in named]

    def get(self, digest: str) -> bytes:
        """Give a capture back after checking its hash.

        Raises:
            SensorError: BAVN-E140 where it is not here or was altered.
        """
        row = self._db.execute("select pcap from capture where sha256 = ?", (digest,)).fetchone()
        if row is None:
            raise SensorError("BAVN-E140", f"{digest[:12]}: not on this box", "evidence stays at the agency")
        capture = bytes(row[0])
        if hashlib.sha256(capture).hexdigest() != digest:
            raise SensorError("BAVN-E140", f"{digest[:12]}: the capture does not have this hash")
        return capture

    def count(self) -> int:
        """Captures that are kept."""
        (count,) = self._db.execute("select count(*) from capture").fetchone() or (0,)
        return int(count)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _insert(self, digest: str, now: int, capture: bytes) -> None:
        self._db.execute("insert or ignore into capture (sha256, kept, pcap) values (?, ?, ?)", (digest, now, capture))
        self._size += len(capture) * self._db.changes()

    def _make_room(self) -> None:
        if self._size <= self._max:
            return
        # Down to nine tenths, so that not every batch deletes.
        surplus = self._size - self._max * 9 // 10
        for number, size in list(self._db.execute("select number, length(pcap) from capture order by number")):
            if surplus <= 0:
                break
            self._db.execute("delete from capture where number = ?", (number,))
            surplus -= size
            self._size -= size
        self._db.execute("pragma incremental_vacuum")

    def _sum(self) -> int:
        (size,) = self._db.execute("select coalesce(sum(length(pcap)), 0) from capture").fetchone() or (0,)
        return int(size)

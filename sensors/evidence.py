"""Evidence: the packets of an alert's flow, kept at the agency under the SHA-256 of the capture."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final

from sensors.errors import SensorError

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES: Final = 1 << 30
"""Captures kept on the box, together; the oldest go first."""

_HEX_DIGITS: Final = frozenset("0123456789abcdef")
_SHA256_HEX: Final = 64


class EvidenceStore:
    """Captures by hash in a folder."""

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._max = max_bytes
        self._size: int | None = None

    def put(self, capture: bytes) -> str:
        """Keep a capture; gives its SHA-256 in hex.

        Raises:
            SensorError: BAVN-E140 where it cannot be written.
        """
        digest = hashlib.sha256(capture).hexdigest()
        path = self._path(digest)
        if path.exists():
            return digest
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_durably(path, capture)
            self._make_room(len(capture))
        except OSError as error:
            raise SensorError("BAVN-E140", f"{digest[:12]}: {error.strerror or error}") from error
        return digest

    def get(self, digest: str) -> bytes:
        """Give a capture back after checking its hash.

        Raises:
            SensorError: BAVN-E140 where it is not here or was altered.
        """
        if len(digest) != _SHA256_HEX or not _HEX_DIGITS.issuperset(digest):
            raise SensorError("BAVN-E140", "that is no SHA-256")
        try:
            capture = self._path(digest).read_bytes()
        except OSError as error:
            raise SensorError("BAVN-E140", f"{digest[:12]}: not on this box", "evidence stays at the agency") from error
        if hashlib.sha256(capture).hexdigest() != digest:
            raise SensorError("BAVN-E140", f"{digest[:12]}: the file does not have this hash")
        return capture

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / f"{digest}.pcap"

    def _make_room(self, added: int) -> None:
        if self._size is None:
            self._size = sum(size for _, size, _ in self._files())
        else:
            self._size += added
        if self._size <= self._max:
            return
        for _, size, path in sorted(self._files())[:-1]:
            path.unlink(missing_ok=True)
            self._size -= size
            if self._size <= self._max * 9 // 10:
                return

    def _files(self) -> list[tuple[int, int, Path]]:
        stats = ((path.stat(), path) for path in self._folder.glob("??/*.pcap"))
        return [(stat.st_mtime_ns, stat.st_size, path) for stat, path in stats]


def _write_durably(path: Path, data: bytes) -> None:
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        part.unlink(missing_ok=True)

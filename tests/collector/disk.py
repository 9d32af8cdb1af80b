"""A disk in memory, as a SQLite file system, that loses what was not flushed and fails when told to."""

from __future__ import annotations

import itertools
import random
from typing import Any

import apsw

_NAMES = itertools.count()


class File:
    """What is on the disk for sure, and what was written since the last flush."""

    def __init__(self) -> None:
        self.durable = b""
        self.now = bytearray()
        self.pending: list[tuple[int, bytes | None]] = []

    def write(self, offset: int, data: bytes) -> None:
        self.pending.append((offset, data))
        _apply(self.now, offset, data)

    def truncate(self, size: int) -> None:
        self.pending.append((size, None))
        _apply(self.now, size, None)

    def sync(self) -> None:
        self.durable = bytes(self.now)
        self.pending.clear()

    def lose_power(self, chance: random.Random) -> None:
        """Any of the writes since the last flush may be there, in any combination."""
        kept = bytearray(self.durable)
        for offset, data in self.pending:
            if chance.random() < 0.5:
                _apply(kept, offset, data)
        self.durable, self.now = bytes(kept), kept
        self.pending.clear()


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        return
    content.extend(bytes(max(0, offset + len(data) - len(content))))
    content[offset : offset + len(data)] = data


class Disk(apsw.VFS):
    """`fail_at`: number of the write, truncation or flush that fails; from there on all do."""

    def __init__(self) -> None:
        self.name = f"disk{next(_NAMES)}"
        self.files: dict[str, File] = {}
        self.calls = 0
        self.process = 0
        self.kept: list[object] = []
        """What an ended process had open: closing it would tidy up, which SIGKILL does not."""
        self.fail_at: int | None = None
        self.only_once = False
        super().__init__(self.name, base="")

    def end_process(self) -> None:
        """From here on what is open does nothing any more, as after SIGKILL."""
        self.process += 1
        self.fail_at = None

    def check(self, code: int, kind: type[apsw.Error] = apsw.IOError) -> None:
        self.calls += 1
        if self.fail_at is None or self.calls < self.fail_at or (self.only_once and self.calls > self.fail_at):
            return
        error: Any = kind("the disk failed")
        error.extendedresult = code
        raise error

    def lose_power(self, seed: int) -> None:
        self.end_process()
        chance = random.Random(seed)  # noqa: S311
        for file in self.files.values():
            file.lose_power(chance)

    def xOpen(self, name: Any, flags: list[int]) -> OpenFile:  # type: ignore[override]  # noqa: N802
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        flags[1] = flags[0]
        return OpenFile(self, self.files.setdefault(path or f"temp{next(_NAMES)}", File()))

    def xDelete(self, filename: str, _syncdir: bool) -> None:  # noqa: N802, FBT001
        self.files.pop(filename, None)

    def xAccess(self, pathname: str, _flags: int) -> bool:  # noqa: N802
        return pathname in self.files and bool(self.files[pathname].now)

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        return name


class OpenFile:
    """A file that SQLite has open."""

    def __init__(self, disk: Disk, file: File) -> None:
        self._disk = disk
        self._file = file
        self._process = disk.process

    def _ended(self) -> bool:
        return self._process != self._disk.process

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        return bytes(self._file.now[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        if self._ended():
            return
        self._disk.check(apsw.SQLITE_IOERR_WRITE)
        self._file.write(offset, bytes(data))

    def xTruncate(self, size: int) -> None:  # noqa: N802
        if self._ended():
            return
        self._disk.check(apsw.SQLITE_IOERR_TRUNCATE)
        self._file.truncate(size)

    def xSync(self, _flags: int) -> None:  # noqa: N802
        if self._ended():
            return
        self._disk.check(apsw.SQLITE_IOERR_FSYNC)
        self._file.sync()

    def xFileSize(self) -> int:  # noqa: N802
        return len(self._file.now)

    def xLock(self, _level: int) -> None:  # noqa: N802
        pass

    def xUnlock(self, _level: int) -> None:  # noqa: N802
        pass

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xClose(self) -> None:  # noqa: N802
        pass

    def xSectorSize(self) -> int:  # noqa: N802
        return 4096

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return 0

    def xFileControl(self, _op: int, _pointer: int) -> bool:  # noqa: N802
        return False

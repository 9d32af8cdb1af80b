"""Doing something again whenever files change."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

EVERY_S: Final = 0.3
_SUFFIXES: Final = (".yml", ".yaml", ".pcap", ".pcapng", ".set")

Seen = dict[str, tuple[int, int]]


def watch(paths: Sequence[Path], run: Callable[[], int], sleep: Callable[[float], object] = time.sleep) -> int:
    """Run now and after each change, until Ctrl-C; what goes wrong in one run is told and the next one is waited for."""
    before: Seen | None = None
    while True:
        now = look(paths)
        if now != before:
            before = now
            _once(run)
            print("-- waiting for a change (Ctrl-C ends) --", file=sys.stderr, flush=True)
        sleep(EVERY_S)


def _once(run: Callable[[], int]) -> None:
    from cli import errors

    try:
        run()
        sys.stdout.flush()
    except Exception as error:
        coded = errors.coded(error)
        if coded is None:
            raise
        errors.report(coded)


def look(paths: Sequence[Path]) -> Seen:
    """Time and size of each rule, test, capture and set of indicators under the paths."""
    files = (file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path]))
    return {str(file): found for file in files if file.suffix in _SUFFIXES and (found := _stamp(file)) is not None}


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size

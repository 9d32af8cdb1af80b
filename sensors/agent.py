"""The sensor's loop: source -> detector -> writer.

The agent knows no detector: the command line gives it one that fits `Detector`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

from sensors.source import LOOPBACK
from sensors.writer import FoundBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from sensors.source import Frame, LiveSource
    from sensors.writer import Writer

STEP_MS: Final = 200
"""How long the loop runs before it hands out what it found."""

_BATCH_FRAMES: Final = 4_096


class DetectorBatch(FoundBatch, Protocol):
    """What one step of a detector gives: alerts with their evidence, and how the source is."""

    @property
    def problems(self) -> Sequence[tuple[str, str]]:
        """What is wrong with the source: code and sentence."""
        ...

    @property
    def more(self) -> bool:
        """True while the source has more to give."""
        ...


class Detector(Protocol):
    """A packet loop with its rules."""

    def open_file(self, path: str) -> None:
        """Read from a capture file next."""
        ...

    def attach_ring(self, fd: int, link: int, skip_outgoing: bool) -> None:  # noqa: FBT001
        """Read from a kernel ring on this packet socket next; loopback shows each packet twice, so half are skipped."""
        ...

    def push(self, frames: Sequence[Frame], now_ns: int) -> None:
        """Take frames."""
        ...

    def step(self, now_ns: int, budget_ms: int) -> DetectorBatch:
        """Work for at most about `budget_ms`."""
        ...

    def finish(self, now_ns: int) -> DetectorBatch:
        """End all flows and give out what is pending; to be called again while `more` is true."""
        ...

    def counters(self) -> dict[str, int]:
        """Named counters since the start."""
        ...


class Agent:
    """One sensor's loop: the detector's steps, and a writer beside it."""

    def __init__(self, detector: Detector, writer: Writer, clock: Callable[[], int] = time.time_ns) -> None:
        self._detector = detector
        self._writer = writer
        self._clock = clock

    def run_files(self, paths: Iterable[Path], on_step: Callable[[], bool]) -> list[tuple[Path, str, str]]:
        """Read captures one after another as one run; one that cannot be read does not stop the others.

        Args:
            paths: captures.
            on_step: called after each step; False ends the run.

        Returns:
            Each source that could not be read to its end, with code and sentence.
        """
        self._writer.start()
        found: list[tuple[Path, str, str]] = []
        for path in paths:
            found += [(path, code, sentence) for code, sentence in self._read_file(path, on_step)]
        self._end()
        return found

    def _read_file(self, path: Path, on_step: Callable[[], bool]) -> list[tuple[str, str]]:
        try:
            self._detector.open_file(str(path))
        except Exception as error:
            code = getattr(error, "code", None)
            if code is None:
                raise
            return [(str(code), str(getattr(error, "sentence", error)))]
        problems: list[tuple[str, str]] = []
        more = True
        while more and on_step():
            batch = self._detector.step(self._clock(), STEP_MS)
            problems += batch.problems
            self._writer.submit(batch)
            more = batch.more
        return problems

    def run_ring(self, source: LiveSource, on_step: Callable[[], bool]) -> list[tuple[str, str]]:
        """Read an interface through the kernel ring until `on_step` says False or the source ends; gives why it did."""
        self._writer.start()
        self._detector.attach_ring(source.fileno(), source.link, source.interface == LOOPBACK)
        problems: list[tuple[str, str]] = []
        while on_step() and not problems:
            batch = self._detector.step(self._clock(), STEP_MS)
            problems += batch.problems
            self._writer.submit(batch)
        self._end()
        return problems

    def run_batches(self, source: LiveSource, on_step: Callable[[], bool]) -> list[tuple[str, str]]:
        """Read an interface in scapy's own batches until `on_step` says False."""
        self._writer.start()
        problems: list[tuple[str, str]] = []
        while on_step() and not problems:
            try:
                frames = source.batch(_BATCH_FRAMES, STEP_MS / 1000)
                source.read_statistics()
            except OSError as error:
                problems.append(("BAVN-E101", f"{source.interface}: {error.strerror or error}"))
                break
            if frames:
                self._detector.push(frames, self._clock())
            self._writer.submit(self._detector.step(self._clock(), 0))
        self._end()
        return problems

    def _end(self) -> None:
        more = True
        while more:
            batch = self._detector.finish(self._clock())
            self._writer.submit(batch)
            more = batch.more
        self._writer.close()

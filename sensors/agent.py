"""The sensor process: source -> detector -> contract -> outbox, and evidence beside it.

The agent knows no detector: the command line gives it one that fits `Detector`.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from sensors.errors import SensorError
from sensors.outbox import Draft
from sensors.source import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from sensors.contract import Enforcer, Verdict
    from sensors.evidence import EvidenceStore
    from sensors.outbox import Outbox
    from sensors.source import Frame, LiveSource

STEP_MS: Final = 200
"""How long the loop runs before it hands out what it found."""

MAX_WAITING: Final = 20_000
"""Alerts held in memory while the outbox cannot be written."""

_BATCH_FRAMES: Final = 4_096
_NS: Final = 1_000_000_000


class DetectorBatch(Protocol):
    """What one step of a detector gives."""

    @property
    def alerts(self) -> Sequence[bytes]:
        """Alert documents (JSON), in order."""
        ...

    @property
    def evidence(self) -> Sequence[bytes | None]:
        """Per alert the capture of its flow, where one was kept."""
        ...

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

    def push(self, frames: Sequence[Frame]) -> None:
        """Take frames."""
        ...

    def step(self, now_ns: int, budget_ms: int) -> DetectorBatch:
        """Work for at most about `budget_ms`."""
        ...

    def finish(self, now_ns: int) -> DetectorBatch:
        """End all flows and give out what is pending."""
        ...

    def counters(self) -> dict[str, int]:
        """Named counters since the start."""
        ...


@dataclass
class Tally:
    """What the agent did since its start; the names of `drops` tell why an alert did not go on."""

    alerts: int = 0
    queued: int = 0
    drops: Counter[str] = field(default_factory=Counter)
    evidence_errors: int = 0


class Agent:
    """One sensor's loop."""

    def __init__(
        self,
        detector: Detector,
        enforcer: Enforcer,
        outbox: Outbox,
        evidence: EvidenceStore,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.tally = Tally()
        self._detector = detector
        self._enforcer = enforcer
        self._outbox = outbox
        self._evidence = evidence
        self._clock = clock
        self._waiting: list[Draft] = []

    @property
    def waiting(self) -> int:
        """Alerts that the outbox has not taken yet."""
        return len(self._waiting)

    def run_files(self, paths: Iterable[Path], on_step: Callable[[], bool]) -> list[tuple[Path, str, str]]:
        """Read captures one after another as one run; one that cannot be read does not stop the others.

        Args:
            paths: captures.
            on_step: called after each step; False ends the run.

        Returns:
            Each source that could not be read to its end, with code and sentence.
        """
        found: list[tuple[Path, str, str]] = []
        for path in paths:
            found += [(path, code, sentence) for code, sentence in self._read_file(path, on_step)]
        self.take(self._detector.finish(self._clock()))
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
            more = self.take(batch)
        return problems

    def run_ring(self, source: LiveSource, on_step: Callable[[], bool]) -> list[tuple[str, str]]:
        """Read an interface through the kernel ring until `on_step` says False or the source ends; gives why it did."""
        self._detector.attach_ring(source.fileno(), source.link, source.interface == LOOPBACK)
        problems: list[tuple[str, str]] = []
        while on_step() and not problems:
            batch = self._detector.step(self._clock(), STEP_MS)
            problems += batch.problems
            self.take(batch)
        self.take(self._detector.finish(self._clock()))
        return problems

    def run_batches(self, source: LiveSource, on_step: Callable[[], bool]) -> list[tuple[str, str]]:
        """Read an interface in scapy's own batches until `on_step` says False."""
        problems: list[tuple[str, str]] = []
        while on_step() and not problems:
            try:
                frames = source.batch(_BATCH_FRAMES, STEP_MS / 1000)
                source.read_statistics()
            except OSError as error:
                problems.append(("BAVN-E101", f"{source.interface}: {error.strerror or error}"))
                break
            if frames:
                self._detector.push(frames)
            self.take(self._detector.step(self._clock(), 0))
        self.take(self._detector.finish(self._clock()))
        return problems

    def take(self, batch: DetectorBatch) -> bool:
        """Pass a batch on: evidence kept, contract applied, alerts on disk. Gives whether the source has more."""
        now = self._clock()
        today = dt.datetime.fromtimestamp(now // _NS, dt.UTC).date()
        for alert, capture in zip(batch.alerts, batch.evidence, strict=True):
            self.tally.alerts += 1
            self._keep_evidence(capture)
            self._decide(alert, today)
        self._flush(now)
        return batch.more

    def _keep_evidence(self, capture: bytes | None) -> None:
        if capture is None:
            return
        try:
            self._evidence.put(capture)
        except SensorError:
            self.tally.evidence_errors += 1

    def _decide(self, alert: bytes, today: dt.date) -> None:
        try:
            verdict = self._enforcer.apply(alert, today)
        except SensorError as error:
            self.tally.drops[error.code] += 1
            return
        if verdict.record is None:
            self.tally.drops[verdict.withheld or "withheld"] += 1
        else:
            self._wait(verdict, verdict.record)

    def _wait(self, verdict: Verdict, record: bytes) -> None:
        self._waiting.append(Draft(verdict.id, verdict.severity, record))
        if len(self._waiting) > MAX_WAITING:
            self._give_up_least()

    def _give_up_least(self) -> None:
        by_weight = sorted(range(len(self._waiting)), key=lambda at: self._waiting[at].severity)
        least = set(by_weight[: MAX_WAITING // 20])
        self._waiting = [draft for at, draft in enumerate(self._waiting) if at not in least]
        self.tally.drops["outbox_unwritable"] += len(least)

    def _flush(self, now: int) -> None:
        if not self._waiting:
            return
        try:
            self.tally.queued += self._outbox.append(self._waiting, now)
        except SensorError:
            return
        self._waiting.clear()

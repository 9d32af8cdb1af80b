"""The writer: what the detector found goes to disk in a thread of its own, so that a slow disk delays no capture.

Its queue is bounded. When the disk cannot keep up the capture waits, and what is then lost is counted by the kernel.
"""

from __future__ import annotations

import datetime as dt
import queue
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from sensors.errors import SensorError
from sensors.outbox import Draft

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sensors.contract import Enforcer
    from sensors.evidence import EvidenceStore
    from sensors.outbox import Outbox

MAX_WAITING: Final = 20_000
"""Alerts held in memory while the outbox cannot be written; then the least important go, counted."""

MAX_BATCHES: Final = 64
"""Batches on their way to the writer."""

LAST_TRY_S: Final = 15.0
"""How long `close` goes on trying to write what waits."""

_RETRY_S: Final = 0.5
_NS: Final = 1_000_000_000


class FoundBatch(Protocol):
    """Alerts (JSON documents, in order) and per alert the capture of its flow, where one was kept."""

    @property
    def alerts(self) -> Sequence[bytes]:
        """The alerts."""
        ...

    @property
    def evidence(self) -> Sequence[bytes | None]:
        """Their captures."""
        ...

    @property
    def failures(self) -> Sequence[bytes]:
        """Captures of flows whose parser failed: cases for whoever mends it."""
        ...


@dataclass
class Tally:
    """What the writer did since its start; the names of `drops` tell why an alert did not go on.

    `lost` of them were to go on but could not be written; `retries` counts failed tries to write.
    """

    alerts: int = 0
    queued: int = 0
    waiting: int = 0
    drops: Counter[str] = field(default_factory=Counter)
    evidence_errors: int = 0
    lost: int = 0
    retries: int = 0
    failures: int = 0


class Writer:
    """Applies the contract and keeps evidence and alerts. The stores are its own from `start` to `close`."""

    def __init__(self, enforcer: Enforcer, outbox: Outbox, evidence: EvidenceStore, clock: Callable[[], int],
                 last_try_s: float = LAST_TRY_S) -> None:  # fmt: skip
        self.tally = Tally()
        self._enforcer = enforcer
        self._outbox = outbox
        self._evidence = evidence
        self._clock = clock
        self._last_try_s = last_try_s
        self._waiting: list[Draft] = []
        self._batches: queue.Queue[FoundBatch | None] = queue.Queue(MAX_BATCHES)
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def submit(self, batch: FoundBatch) -> None:
        """Hand on a batch; waits where the queue is full.

        Raises:
            The error that ended the writer, so that no process runs on without one.
        """
        if batch.alerts or batch.failures:
            self._put(batch)

    def close(self) -> None:
        """Write what is left, for a bounded time, and end; what could not be written is counted as lost."""
        self._put(None)
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _put(self, batch: FoundBatch | None) -> None:
        while True:
            if self._failure is not None:
                raise self._failure
            try:
                self._batches.put(batch, timeout=_RETRY_S)
            except queue.Full:
                continue
            return

    def _run(self) -> None:
        try:
            while (batch := self._next()) is not None:
                self.write(batch)
            self._flush_last()
        except BaseException as error:  # noqa: BLE001 - handed to the capturing thread
            self._failure = error

    def _next(self) -> FoundBatch | None:
        while True:
            try:
                return self._batches.get(timeout=_RETRY_S if self._waiting else None)
            except queue.Empty:
                self._flush()

    def write(self, batch: FoundBatch) -> None:
        """Keep one batch: evidence, contract, alerts on disk."""
        self.tally.failures += len(batch.failures)
        self._keep_evidence([*batch.evidence, *batch.failures])
        today = dt.datetime.fromtimestamp(self._clock() // _NS, dt.UTC).date()
        for alert in batch.alerts:
            self.tally.alerts += 1
            self._decide(alert, today)
        self._flush()

    def _keep_evidence(self, captures: Sequence[bytes | None]) -> None:
        # Alerts of one flow share a capture.
        kept = list(dict.fromkeys(capture for capture in captures if capture is not None))
        try:
            self._evidence.put(kept, self._clock())
        except SensorError:
            self.tally.evidence_errors += len(kept)

    def _decide(self, alert: bytes, today: dt.date) -> None:
        try:
            verdict = self._enforcer.apply(alert, today)
        except SensorError as error:
            self.tally.drops[error.code] += 1
            return
        if verdict.record is None:
            self.tally.drops[verdict.withheld or "withheld"] += 1
            return
        self._waiting.append(Draft(verdict.id, verdict.severity, verdict.record))
        if len(self._waiting) > MAX_WAITING:
            self._give_up_least()

    def _give_up_least(self) -> None:
        by_weight = sorted(range(len(self._waiting)), key=lambda at: self._waiting[at].severity)
        least = set(by_weight[: MAX_WAITING // 20])
        self._waiting = [draft for at, draft in enumerate(self._waiting) if at not in least]
        self._lose(len(least))

    def _lose(self, count: int) -> None:
        self.tally.drops["outbox_unwritable"] += count
        self.tally.lost += count

    def _flush_last(self) -> None:
        until = time.monotonic() + self._last_try_s
        self._flush()
        while self._waiting and time.monotonic() < until:
            time.sleep(min(_RETRY_S, self._last_try_s))
            self._flush()
        self._lose(len(self._waiting))
        self._waiting.clear()
        self.tally.waiting = 0

    def _flush(self) -> None:
        if self._waiting:
            try:
                self.tally.queued += self._outbox.append(self._waiting, self._clock())
                self._waiting.clear()
            except SensorError:
                self.tally.retries += 1
        self.tally.waiting = len(self._waiting)

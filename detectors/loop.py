"""The batch loop: packets in, alerts out, one call of Python per batch.

A thin, typed face of the compiled loop; it is what the sensor's process runs as its detector.
"""

from __future__ import annotations

import importlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from detectors.errors import BavnError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from detectors import _native

# Time that one step may take where nobody says otherwise.
STEP_MS: Final = 200


@dataclass(frozen=True, slots=True)
class Settings:
    """How a loop runs. `key` is the sensor's secret for alert ids, 64 hex digits."""

    agency: str = "local"
    sensor: str = "local"
    key: str = "00" * 32
    tlp: str = "AMBER"
    retention: str = "other"
    events: bool = False
    kinds: tuple[str, ...] = ()
    evidence_bytes: int = 64 * 1024 * 1024
    max_flows: int = 100_000
    simulate: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        """As the compiled loop takes it."""
        return json.dumps(asdict(self)).encode()


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step gave: alerts, their evidence (captures) in the same order, events as JSON Lines."""

    alerts: tuple[bytes, ...]
    evidence: tuple[bytes | None, ...]
    events: bytes
    more: bool


class PacketLoop:
    """One worker over one source. `now_ns` is always given: nothing here reads a clock."""

    def __init__(self, plan: bytes | None, settings: Settings) -> None:
        native = load_native()
        self._engine = None if plan is None else engine(plan)
        self._loop = native.Loop(self._engine, settings.to_json())

    def open_file(self, path: str) -> None:
        """Read from a capture file next. Raises OSError or ValueError as the reader says."""
        self._loop.open_file(path)

    def attach_ring(self, fd: int) -> None:
        """Read from a kernel ring on this packet socket next (Linux)."""
        self._loop.attach_ring(fd)

    def push(self, frames: Sequence[tuple[int, int, bytes]]) -> None:
        """Take frames: (time in ns since the epoch, link type, bytes)."""
        self._loop.push(list(frames))

    def step(self, now_ns: int, budget_ms: int = STEP_MS) -> Batch:
        """Work for at most about `budget_ms`."""
        return _batch(self._loop.step(now_ns, budget_ms))

    def finish(self, now_ns: int) -> Batch:
        """End all flows and give out what is pending."""
        return _batch(self._loop.finish(now_ns))

    def swap(self, plan: bytes) -> None:
        """Run another plan from the next packet on; on a refused plan the old one stays."""
        fresh = engine(plan)
        self._loop.swap(fresh)
        self._engine = fresh

    def counters(self) -> dict[str, int]:
        """Named counters since the start."""
        return dict(self._loop.counters())


def engine(plan: bytes) -> _native.Engine:
    """A plan, loaded. Raises BavnError (E003) where the engine refuses it."""
    try:
        return load_native().Engine(plan)
    except ValueError as error:
        raise BavnError("BAVN-E003", "the engine refused the plan", evidence=str(error)) from error


def _batch(raw: _native.Batch) -> Batch:
    return Batch(tuple(raw.alerts), tuple(raw.evidence), bytes(raw.events), bool(raw.more))


def load_native() -> ModuleType:
    """The compiled part. Raises BavnError (E002) where it is not built."""
    try:
        return importlib.import_module("detectors._native")
    except ImportError as error:
        raise BavnError("BAVN-E002", "the batch loop is not built", evidence=str(error)) from error

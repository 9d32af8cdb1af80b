"""What one agency may send: a bucket of alerts and one of bytes, and a number of requests at once."""

from __future__ import annotations

import math
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from collector.errors import StoreUnavailableError as TryLaterError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector.config import Limits, Quotas


class Bucket:
    """Fills at `rate` a second up to `size`; may be overdrawn by one request, and then refuses until it is positive."""

    def __init__(self, rate: float, size: float, now: float) -> None:
        self._rate = rate
        self._size = size
        self._level = size
        self._at = now
        self._lock = threading.Lock()

    def wait(self, now: float) -> float:
        """Seconds until something may be taken."""
        with self._lock:
            self._level = min(self._size, self._level + self._rate * max(0.0, now - self._at))
            self._at = now
            return 0.0 if self._level > 0 else -self._level / self._rate + 0.001

    def take(self, amount: float) -> None:
        """Takes what a request had; its size is known only once it was read."""
        with self._lock:
            self._level -= amount


class Gate:
    """Lets requests in, on the server's one event loop; `charge` may come from its threads.

    Only registered agencies get here, so the tables stay small.
    """

    def __init__(self, quotas: Quotas, limits: Limits) -> None:
        self._quotas = quotas
        self._limits = limits
        self._buckets: dict[str, tuple[Bucket, Bucket]] = {}
        self._running: dict[str, int] = {}

    @contextmanager
    def enter(self, agency: str, now: float) -> Iterator[None]:
        """Holds a place for one request; E211, E213."""
        wait = max(bucket.wait(now) for bucket in self._of(agency, now))
        if wait > 0:
            raise TryLaterError("BAVN-E211", f"{agency} is over its quota", retry_after=math.ceil(wait))
        mine = self._running.get(agency, 0)
        if mine >= self._quotas.requests_at_once:
            raise TryLaterError("BAVN-E211", f"{agency} has {mine} batches under way", retry_after=1)
        if sum(self._running.values()) >= self._limits.requests_at_once:
            raise TryLaterError("BAVN-E213", "the collector has its hands full", retry_after=1)
        self._running[agency] = mine + 1
        try:
            yield
        finally:
            self._running[agency] -= 1

    def charge(self, agency: str, now: float, *, size: int = 0, alerts: int = 0) -> None:
        """Takes what a request had from the agency's buckets."""
        of_alerts, of_bytes = self._of(agency, now)
        of_alerts.take(alerts)
        of_bytes.take(size)

    def _of(self, agency: str, now: float) -> tuple[Bucket, Bucket]:
        if agency not in self._buckets:
            quotas = self._quotas
            rates = (quotas.alerts_per_second, quotas.bytes_per_second)
            first, second = (Bucket(rate, rate * quotas.burst_seconds, now) for rate in rates)
            self._buckets[agency] = (first, second)
        return self._buckets[agency]

"""A worked example: conversations that come back at even intervals and of even size, as programs that call home do.

People are uneven. For each pair of ends the times and sizes of the newest conversations are kept; the score is how even
both are, by the median of the deviations from their median, which one late call does not spoil.
"""

from __future__ import annotations

import itertools
import statistics
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from detectors.analytics.observing import Observation, Score

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Conversations before a pair is judged; from then on at each doubling, so that a lasting beacon is told of now and then.
MIN_FLOWS: Final = 8
# Newest conversations of a pair that are kept.
MAX_FLOWS: Final = 64
# Pairs that are kept; with more, the one that was quiet longest goes.
MAX_PAIRS: Final = 50_000
# Shorter intervals are one program loading many things, not one calling home.
MIN_INTERVAL_S: Final = 0.5
# Scores under this say nothing.
MIN_SCORE: Final = 0.5
_NANOSECONDS: Final = 1_000_000_000

Pair = tuple[Any, ...]


@dataclass(slots=True)
class _Pair:
    """What is kept of a pair: starts in nanoseconds with bytes from the client, and how many there were in all."""

    calls: list[tuple[int, int]] = field(default_factory=list)
    count: int = 0
    next_look: int = MIN_FLOWS


class Beacon:
    """Scores pairs of (source, destination, port, transport) by how evenly their conversations come."""

    name = "beacon"
    kinds = ("flow",)

    def __init__(self, most: int = MAX_PAIRS) -> None:
        self._pairs: OrderedDict[Pair, _Pair] = OrderedDict()
        self._most = most
        self.forgotten = 0

    def observe(self, events: Sequence[Observation]) -> Iterator[Score]:
        """Takes flows at their end."""
        for event in events:
            start = event.get("event.start")
            if start is None or event.get("bavn.flow.reason") == "update":
                continue
            pair = self._pair(event)
            pair.calls = sorted([*pair.calls, (start, event.get("source.bytes", 0))])[-MAX_FLOWS:]
            pair.count += 1
            if pair.count >= pair.next_look:
                pair.next_look *= 2
                yield from self._score(pair, event)

    def _pair(self, event: Observation) -> _Pair:
        names = ("source.ip", "destination.ip", "destination.port", "network.transport")
        key = tuple(event.get(name) for name in names)
        pair = self._pairs.setdefault(key, _Pair())
        self._pairs.move_to_end(key)
        if len(self._pairs) > self._most:
            self._pairs.popitem(last=False)
            self.forgotten += 1
        return pair

    def _score(self, pair: _Pair, event: Observation) -> Iterator[Score]:
        starts = [start for start, _ in pair.calls]
        gaps = [(after - before) / _NANOSECONDS for before, after in itertools.pairwise(starts)]
        interval = statistics.median(gaps)
        if interval < MIN_INTERVAL_S:
            return
        times, sizes = evenness(gaps), evenness([size for _, size in pair.calls])
        value = times * (0.5 + sizes / 2)
        if value >= MIN_SCORE:
            reason = (
                f"{pair.count} conversations, one every {interval:.3g} s, times {times:.0%} even, sizes {sizes:.0%}"
            )
            fields = {"event.start": starts[0], "event.end": starts[-1], "event.duration": starts[-1] - starts[0]}
            yield Score(round(value, 3), reason, event, pair.count, fields)


def evenness(numbers: Sequence[float]) -> float:
    """1 where all are equal, 0 where half lie further from the median than a quarter of it."""
    middle = statistics.median(numbers)
    if middle <= 0:
        return 0.0
    deviation = statistics.median(abs(number - middle) for number in numbers)
    return max(0.0, 1 - 4 * deviation / middle)

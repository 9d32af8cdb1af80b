"""The packet loop with detectors beside it: called once a batch, never for a packet, and only where a rule asks for scores."""

from __future__ import annotations

import dataclasses
import importlib.metadata
from typing import TYPE_CHECKING, Final

from detectors.analytics.beacon import Beacon
from detectors.analytics.observing import event_of, observations
from detectors.errors import BavnError
from detectors.loop import STEP_MS, Batch, PacketLoop, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detectors.analytics.observing import Detector, Observation
    from detectors.loop import Judge

GROUP: Final = "bavn.detectors"
# Scores of one detector on one batch; what is beyond is counted.
MAX_SCORES: Final = 10_000
_OWN: Final = (Beacon,)


def installed() -> list[Detector]:
    """A new one of each detector: those that come with bavn, and those of installed packages.

    Raises:
        BavnError: E070 where one cannot be made.
    """
    made: list[Detector] = [kind() for kind in _OWN]
    for entry in importlib.metadata.entry_points(group=GROUP):
        try:
            made.append(entry.load()())
        except Exception as error:
            raise BavnError("BAVN-E070", f"the detector `{entry.name}` cannot be made", evidence=repr(error)) from error
    return made


class DetectingLoop(PacketLoop):
    """As PacketLoop. What detectors say of a step's events is judged with the next one.

    A detector that fails is set aside, which is a problem of that batch; the others go on.
    """

    has_detectors = True

    def __init__(
        self,
        plan: bytes,
        settings: Settings,
        detectors: Sequence[Detector] | None = None,
        judge: Judge | None = None,
    ) -> None:
        detectors = installed() if detectors is None else detectors
        kinds = sorted({kind for one in detectors for kind in one.kinds})
        super().__init__(plan, dataclasses.replace(settings, observe=tuple(kinds)), judge)
        self._detectors = list(detectors)
        self._counts = dict.fromkeys(("detector_events", "detector_scores", "detector_lost", "detector_failed"), 0)

    def step(self, now_ns: int, budget_ms: int = STEP_MS) -> Batch:
        """Work for about `budget_ms`, and then for as long as the detectors need."""
        return self._observe(super().step(now_ns, budget_ms), now_ns)[0]

    def finish(self, now_ns: int) -> Batch:
        """End all flows and give out what is pending, in portions: call it again while `more` is true."""
        batch, has_scores = self._observe(super().finish(now_ns), now_ns)
        return dataclasses.replace(batch, more=batch.more or has_scores)

    def counters(self) -> dict[str, int]:
        """Named counters since the start."""
        return super().counters() | self._counts

    def _observe(self, batch: Batch, now_ns: int) -> tuple[Batch, bool]:
        seen = observations(batch.seen)
        self._counts["detector_events"] += len(seen)
        scores: list[bytes] = []
        problems: list[tuple[str, str]] = []
        for one in list(self._detectors) if seen else ():
            try:
                scores += self._scores(one, [event for event in seen if event.kind in one.kinds])
            except Exception as error:  # noqa: BLE001  (a plug-in of others must not end the sensor)
                self._detectors.remove(one)
                self._counts["detector_failed"] += 1
                problems.append(("BAVN-E072", f"the detector `{one.name}` failed and is set aside: {error!r}"))
        if scores:
            self.take_events(scores, now_ns)
        return dataclasses.replace(batch, problems=(*batch.problems, *problems)), bool(scores)

    def _scores(self, one: Detector, events: list[Observation]) -> list[bytes]:
        if not events:
            return []
        scores = list(one.observe(events))
        self._counts["detector_lost"] += max(0, len(scores) - MAX_SCORES)
        made = [event_of(one.name, score) for score in scores[:MAX_SCORES]]
        self._counts["detector_scores"] += len(made)
        return made

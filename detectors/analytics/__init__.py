"""Detectors in Python: they look at batches of events and give scores; rules decide what comes of a score.

A detector is any object with a name, the kinds of events that it wants, and `observe`:

    class Detector:
        name = "mine"
        kinds = ("flow",)

        def observe(self, events: Sequence[Observation]) -> Iterable[Score]: ...

A package of yours makes it known as an entry point in the group `bavn.detectors`. docs/detectors.md says more,
`beacon.py` is a whole one.
"""

from detectors.analytics.observing import Detector, Observation, Score

__all__ = ["Detector", "Observation", "Score"]

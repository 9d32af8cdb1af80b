"""What a detector sees and says: observations, scores, and the form that both have on their way."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

KIND: Final = "score"


class Observation(msgspec.Struct, frozen=True):
    """An event: what `fields` and `given` (from its flow) lack is absent, what `unobserved` names was not to be seen.

    `time` is in nanoseconds since the epoch, `packet` the number of the packet that completed it.
    """

    kind: str
    time: int
    packet: int
    fields: dict[str, Any]
    given: dict[str, Any] = {}
    unobserved: tuple[str, ...] = ()
    flow: dict[str, Any] | None = None

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401  (a field's value: text, number, list, ...)
        """The value of a field by its ECS name."""
        own = self.fields.get(name)
        return self.given.get(name, default) if own is None else own


@dataclass(frozen=True, slots=True)
class Score:
    """How much something looks like what a detector looks for, 0 to 1, and why.

    `about` is the event that the score is told at: the score has its time, its flow and ends. `events` is how many the
    score rests on; `fields` are more fields of `score` events, by ECS name.
    """

    value: float
    reason: str
    about: Observation
    events: int = 1
    fields: Mapping[str, Any] = field(default_factory=dict)


class Detector(Protocol):
    """Looks at batches of events, in the order in which they came to be known; gives scores."""

    @property
    def name(self) -> str:
        """What rules call it."""
        ...

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds of events that it wants."""
        ...

    def observe(self, events: Sequence[Observation]) -> Iterable[Score]:
        """Take a batch. Time is the events' own: a detector asks no clock."""
        ...


_DECODER: Final = msgspec.json.Decoder(Observation)


def observations(lines: bytes) -> list[Observation]:
    """Events as the packet loop hands them out, one a line."""
    return [_DECODER.decode(line) for line in lines.splitlines()]


def event_of(name: str, score: Score) -> bytes:
    """A score as an event. Raises ValueError where it is not between 0 and 1."""
    if not 0 <= score.value <= 1 or math.isnan(score.value):
        raise ValueError(f"a score of {score.value} is not between 0 and 1")
    about = score.about
    fields = {
        **score.fields,
        "bavn.score.detector": name,
        "bavn.score.value": float(score.value),
        "bavn.score.events": score.events,
        "bavn.score.reason": score.reason,
    }
    event = {"kind": KIND, "time": about.time, "packet": about.packet, "fields": fields}
    return msgspec.json.encode(event if about.flow is None else {**event, "flow": about.flow})

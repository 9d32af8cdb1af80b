"""What a store of alerts does, and every type that passes its border.

Times are aware `datetime`s in UTC; `now` is always given by the caller.
Any method raises `StoreUnavailableError` where the store cannot be used now, except `put`, which answers "later".
"""

from __future__ import annotations

import bisect
import hashlib
import itertools
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import msgspec

from collector.errors import BavnError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Json = dict[str, Any]
T = TypeVar("T")
Status = Literal["stored", "duplicate", "refused", "later"]
Verdict = Literal["true_positive", "false_positive", "benign"]
StateName = Literal["new", "acknowledged", "closed"]

ID_LENGTH = 32
SHORTEST_PREFIX = 4
MOST_RANGES = 1024
LEVELS = ("informational", "low", "medium", "high", "critical")


class NewAlert(msgspec.Struct, frozen=True):
    """A checked alert on its way in."""

    id: str
    seq: int
    alert: Json


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A record that never will be stored as an alert, kept for people to look at."""

    agency: str
    sensor: str
    seq: int | None
    id: str | None
    code: str
    reason: str
    at: datetime
    body: bytes


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What `put` takes: everything of one sensor that must be on disk before the answer."""

    agency: str
    sensor: str
    received: datetime
    alerts: tuple[NewAlert, ...]
    dead: tuple[DeadLetter, ...] = ()
    lost: tuple[int, ...] = ()
    """Sequence numbers of records that the sensor had to give up."""


class PutResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer for one record."""

    seq: int | None
    id: str | None
    status: Status
    code: str | None = None
    reason: str | None = None


class StateChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a person did to an alert; `None` leaves a part as it is."""

    who: str
    at: datetime
    state: StateName | None = None
    verdict: Verdict | None = None
    assignee: str | None = None
    note: str | None = None


class AlertState(msgspec.Struct, kw_only=True):
    """Where an alert stands. Lives beside the alert, never in it."""

    state: StateName = "new"
    verdict: Verdict | None = None
    assignee: str | None = None
    history: list[StateChange] = []

    def apply(self, change: StateChange) -> AlertState:
        """The state after one more change."""
        return AlertState(
            state=change.state or self.state,
            verdict=change.verdict or self.verdict,
            assignee=self.assignee if change.assignee is None else change.assignee,
            history=[*self.history, change],
        )


class StoredAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as the sensor sent it, and what the store knows beside."""

    alert: Json
    ingested: datetime
    state: AlertState

    @property
    def id(self) -> str:
        """The alert's `event.id`."""
        return str(self.alert["event"]["id"])


class AlertQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts; every condition that is given must hold, of several values in one any."""

    since: datetime | None = None
    """`@timestamp` at or after."""
    until: datetime | None = None
    """`@timestamp` before."""
    levels: tuple[str, ...] = ()
    agencies: tuple[str, ...] = ()
    sensors: tuple[str, ...] = ()
    rule: str | None = None
    """Rule by its id."""
    technique: str | None = None
    """ATT&CK technique or sub-technique by its number."""
    ip: str | None = None
    """Source or destination: an address or a network in CIDR form."""
    community_id: str | None = None
    states: tuple[StateName, ...] = ()
    text: str | None = None
    """Words that follow each other in any text of the alert; case does not matter."""
    oldest_first: bool = False
    limit: int | None = 100


class Page(msgspec.Struct, frozen=True):
    """Alerts in the order in which they were stored, and where to go on."""

    alerts: list[Json]
    cursor: str


class Gap(msgspec.Struct, frozen=True):
    """Sequence numbers that are missing, both ends included."""

    first: int
    last: int


class SequenceState(msgspec.Struct, frozen=True, kw_only=True):
    """What is proven about a sensor's sequence."""

    agency: str
    sensor: str
    next: int
    """Highest number up to which everything was seen, 0 for none."""
    highest: int
    gaps: list[Gap]
    updated: datetime
    forgotten: int = 0
    """Missing numbers that are no longer listed as gaps, because there were too many gaps."""
    declared: int = 0
    """Records that the sensor said it had to give up; they are no gaps."""


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """A sensor's newest heartbeat and when it came."""

    agency: str
    sensor: str
    received: datetime
    body: Json


class Store(Protocol):
    """Alerts on disk. One set of contract tests runs against every implementation."""

    @property
    def kind(self) -> Literal["sqlite", "elastic"]:
        """Which implementation it is."""
        ...

    def put(self, batch: Batch) -> list[PutResult]:
        """Answers for `batch.alerts`, `batch.dead` and `batch.lost`, each in order; what is not "later" is on disk."""
        ...

    def get(self, id_or_prefix: str) -> StoredAlert:
        """One alert by its id or a unique beginning of at least 4 characters; E234, E235, E236."""
        ...

    def search(self, query: AlertQuery) -> Iterator[Json]:
        """Alerts by packet time, newest first unless asked otherwise."""
        ...

    def count(self, query: AlertQuery) -> int:
        """How many alerts `search` without a limit would give."""
        ...

    def follow(self, cursor: str | None, limit: int = 500) -> Page:
        """Alerts stored after `cursor` in the order of storing; None begins with the first, "now" with the next."""
        ...

    def states(self, ids: Iterable[str]) -> dict[str, AlertState]:
        """States of those alerts that are no longer new."""
        ...

    def change(self, id_or_prefix: str, change: StateChange) -> AlertState:
        """Changes an alert's state; the alert stays as it is."""
        ...

    def ack(self, id_or_prefix: str, who: str, at: datetime, note: str | None = None) -> AlertState:
        """Marks an alert as acknowledged."""
        ...

    def sequence(self, agency: str, sensor: str) -> SequenceState | None:
        """What is proven about one sensor's sequence."""
        ...

    def sequences(self) -> list[SequenceState]:
        """What is proven about every sensor's sequence."""
        ...

    def heartbeat(self, beat: Heartbeat) -> None:
        """Keeps a sensor's newest heartbeat."""
        ...

    def heartbeats(self) -> list[Heartbeat]:
        """The newest heartbeat of every sensor."""
        ...

    def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """Newest dead letters first."""
        ...

    def health(self) -> None:
        """Raises `StoreUnavailableError` where alerts cannot be stored now."""
        ...

    def settle(self) -> None:
        """Returns when everything that was put can be found by `search`."""
        ...

    def close(self) -> None:
        """Lets go of files and connections."""
        ...


def usable_prefix(text: str) -> str:
    """`text` as the beginning of an identifier; E236 where it is none."""
    prefix = text.strip().upper()
    if not SHORTEST_PREFIX <= len(prefix) <= ID_LENGTH or set(prefix) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"):
        raise BavnError("BAVN-E236", f"{text[:64]!r} is not an alert's identifier")
    return prefix


def only_one(prefix: str, ids: Sequence[str], found: Sequence[T]) -> T:
    """The single alert that was found; E234, E235."""
    if not found:
        raise BavnError("BAVN-E234", f"no alert's identifier begins with {prefix}")
    if len(found) > 1:
        raise BavnError("BAVN-E235", f"more than one alert begins with {prefix}", evidence=", ".join(ids))
    return found[0]


def add_ranges(ranges: list[tuple[int, int]], numbers: Iterable[int]) -> list[tuple[int, int]]:
    """The union of closed ranges and single numbers, sorted and joined."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted([*ranges, *((number, number) for number in numbers)]):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def cap_ranges(ranges: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], int]:
    """The newest `MOST_RANGES` ranges, the older ones joined to one; how many missing numbers that hides."""
    excess = len(ranges) - MOST_RANGES
    if excess <= 0:
        return ranges, 0
    old = ranges[: excess + 1]
    hidden = sum(after[0] - before[1] - 1 for before, after in itertools.pairwise(old))
    return [(old[0][0], old[-1][1]), *ranges[excess + 1 :]], hidden


def gaps_in(ranges: Sequence[tuple[int, int]]) -> list[Gap]:
    """The numbers from 1 to the highest that no range holds."""
    gaps, expected = [], 1
    for first, last in ranges:
        if first > expected:
            gaps.append(Gap(expected, first - 1))
        expected = last + 1
    return gaps


def contiguous(ranges: Sequence[tuple[int, int]]) -> int:
    """The highest number up to which the ranges hold every number from 1."""
    return ranges[0][1] if ranges and ranges[0][0] <= 1 else 0


def sequence_state(
    agency: str, sensor: str, ranges: Sequence[tuple[int, int]], forgotten: int, declared: int, *, updated: datetime
) -> SequenceState:
    """What the ranges that were seen prove."""
    return SequenceState(
        agency=agency,
        sensor=sensor,
        next=contiguous(ranges),
        highest=ranges[-1][1] if ranges else 0,
        gaps=gaps_in(ranges),
        updated=updated,
        forgotten=forgotten,
        declared=declared,
    )


def later(batch: Batch, code: str, reason: str) -> list[PutResult]:
    """The answer where nothing of the batch could be stored."""
    records = [(new.seq, new.id) for new in batch.alerts] + [(dead.seq, dead.id) for dead in batch.dead]
    records += [(seq, None) for seq in batch.lost]
    return [PutResult(seq, id_, "later", code, reason) for seq, id_ in records]


def of_the_others(batch: Batch) -> list[PutResult]:
    """The answers for what is no alert: dead letters are refused, declared losses are written down and so done with."""
    dead = [PutResult(dead.seq, dead.id, "refused", dead.code, dead.reason) for dead in batch.dead]
    return dead + [PutResult(seq, None, "stored", "BAVN-E227", "taken down as lost") for seq in batch.lost]


def count_new(ranges: Sequence[tuple[int, int]], numbers: Iterable[int]) -> int:
    """How many of the numbers no range holds."""
    starts = [first for first, _ in ranges]
    places = ((number, bisect.bisect_right(starts, number) - 1) for number in set(numbers))
    return sum(place < 0 or ranges[place][1] < number for number, place in places)


def unusable(error: Exception) -> str:
    """Why the store could make nothing of an alert that was checked."""
    return f"the store cannot take the alert: {type(error).__name__}: {error}"[:300]


def dead_letter(batch: Batch, new: NewAlert, code: str, reason: str) -> DeadLetter:
    """An alert of the batch that the store itself refused."""
    return DeadLetter(
        agency=batch.agency,
        sensor=batch.sensor,
        seq=new.seq,
        id=new.id,
        code=code,
        reason=reason,
        at=batch.received,
        body=msgspec.json.encode(new.alert),
    )


def letter_id(dead: DeadLetter) -> str:
    """The same for the same record however often it is sent, so that it is kept once."""
    return hashlib.sha256(f"{dead.agency}/{dead.sensor}/{dead.seq}/".encode() + dead.body).hexdigest()

"""Bulk `create` that answers for each item: what is stored, what was there, what to send again.

Only items that were answered 429 or 503 are sent again, with jittered pauses; a body that is too large is halved;
an item that the mapping does not take is refused for good and stops nothing else.
"""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, Literal, cast

import msgspec
from elasticsearch import ApiError, Elasticsearch

TRIES: Final = 5
FIRST_PAUSE: Final = 0.1
SHARD_WAIT: Final = "5s"
LARGEST_BODY: Final = 4 * 1024 * 1024


UNSENT: Final = "0000-00-00T00:00:00.000000+00:00"
"""Stands for `event.ingested` in a document until it is sent."""
PERMANENT: Final = frozenset(
    {"document_parsing_exception", "mapper_parsing_exception", "strict_dynamic_mapping_exception"}
)
"""What Elasticsearch says of a document that its mapping never will take."""


class Action(msgspec.Struct, frozen=True):
    """One document to create."""

    index: str
    id: str
    document: dict[str, Any]

    def lines(self) -> bytes:
        """The two lines of the bulk format."""
        head = msgspec.json.encode({"create": {"_index": self.index, "_id": self.id}})
        return head + b"\n" + msgspec.json.encode(self.document) + b"\n"


class Outcome(msgspec.Struct, frozen=True):
    """What became of one action."""

    status: Literal["stored", "duplicate", "refused", "later"]
    code: str | None = None
    reason: str | None = None


OVERLOADED: Final = Outcome("later", "BAVN-E233", "Elasticsearch asked to wait")
BLOCKED: Final = Outcome("later", "BAVN-E231", "Elasticsearch blocks writes")


def bulk(client: Elasticsearch, actions: list[Action]) -> list[Outcome]:
    """Outcomes in the order of the actions; the client's errors where the whole cluster fails."""
    lines = [action.lines() for action in actions]
    outcomes: list[Outcome] = [OVERLOADED] * len(actions)
    waiting = list(range(len(actions)))
    for attempt in range(TRIES):
        if attempt:
            time.sleep(random.uniform(0.5, 1.0) * FIRST_PAUSE * 2**attempt)  # noqa: S311 - jitter, no secret
        for part in _parts(waiting, lines):
            outcomes_of_part = _send(client, part, lines)
            for number, outcome in zip(part, outcomes_of_part, strict=True):
                outcomes[number] = outcome
        waiting = [number for number in waiting if outcomes[number] is OVERLOADED]
        if not waiting:
            break
    return outcomes


def _parts(numbers: list[int], lines: list[bytes]) -> list[list[int]]:
    """Runs of actions whose bodies stay under the limit; a larger one goes alone."""
    parts: list[list[int]] = []
    size = 0
    for number in numbers:
        size += len(lines[number])
        if not parts or size > LARGEST_BODY:
            parts.append([])
            size = len(lines[number])
        parts[-1].append(number)
    return parts


def _send(client: Elasticsearch, part: list[int], lines: list[bytes]) -> list[Outcome]:
    try:
        # The client takes encoded lines as they are, which its types do not say.
        stamped = [_stamped(lines[number]) for number in part]
        operations = cast("list[dict[str, Any]]", [line for lines_ in stamped for line in lines_.splitlines()])
        answer = client.bulk(operations=operations, timeout=SHARD_WAIT)
    except ApiError as error:
        if error.status_code in (429, 503):
            return [OVERLOADED] * len(part)
        if error.status_code != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            raise
        if len(part) == 1:
            return [Outcome("refused", "BAVN-E226", "Elasticsearch finds the alert too large")]
        half = len(part) // 2
        return _send(client, part[:half], lines) + _send(client, part[half:], lines)
    return [_outcome(item["create"]) for item in answer["items"]]


def _stamped(lines: bytes) -> bytes:
    """With the time of sending where a document has a place for it."""
    return lines.replace(UNSENT.encode(), datetime.now(UTC).isoformat(timespec="microseconds").encode(), 1)


def _outcome(item: dict[str, Any]) -> Outcome:
    status, error = item["status"], item.get("error", {})
    kind = error.get("type", "")
    if status == HTTPStatus.CREATED:
        return Outcome("stored")
    if status == HTTPStatus.CONFLICT:
        return Outcome("duplicate")
    if kind == "cluster_block_exception":
        return BLOCKED
    if status == HTTPStatus.BAD_REQUEST and kind in PERMANENT:
        return Outcome("refused", "BAVN-E226", f"{kind}: {error.get('reason', '')}"[:500])
    if status in (429, 503):
        return OVERLOADED
    return Outcome("later", "BAVN-E230", f"Elasticsearch answered {status} {kind}"[:500])

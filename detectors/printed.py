"""Events as `bavn events` prints them, and back to the form that the engine takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from detectors import loop
from detectors.fields import native

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_STEP_MS = 10_000


def batches(worker: loop.PacketLoop, captures: Sequence[Path]) -> Iterator[loop.Batch]:
    """Every batch of captures that are read one after another. Raises BavnError (E4xx)."""
    for capture in captures:
        worker.open_file(str(capture))
        yield from _until_done(lambda: worker.step(0, _STEP_MS))
    yield from _until_done(lambda: worker.finish(0))


def _until_done(go_on: Any) -> Iterator[loop.Batch]:  # noqa: ANN401  (a call that gives a batch)
    more = True
    while more:
        batch = go_on()
        yield batch
        more = batch.more


def of_captures(captures: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """The captures' events, whole documents. Raises BavnError (E4xx)."""
    worker = loop.PacketLoop(None, loop.Settings(events=True, evidence_bytes=0))
    for batch in batches(worker, captures):
        yield from map(json.loads, batch.events.splitlines())


def parts(document: Mapping[str, Any]) -> dict[str, Any]:
    """An event's `kind`, `fields` (flat, those that rules can ask for) and `unobserved`."""
    known = native().by_name
    fields = {name: value for name, value in _flat(document, "") if name in known}
    # A list of which a part was seen is told of in both; an event for the engine has it in one.
    unobserved = [name for name in document.get("bavn", {}).get("unobserved", ()) if name not in fields]
    return {"kind": kind_of(document), "fields": fields, "unobserved": unobserved}


def kind_of(document: Mapping[str, Any]) -> str:
    """The kind of a printed event."""
    return str(document.get("event", {}).get("dataset", "")).removeprefix("bavn.")


def engine_event(document: Mapping[str, Any]) -> bytes:
    """A printed event as the engine's JSON."""
    return json.dumps(parts(document)).encode()


def _flat(node: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """Leaves under dotted names; a list of objects (answers, attachments) gives a list for each name."""
    for key, value in node.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            rows = [dict(_flat(item, f"{prefix}{key}.")) for item in value]
            for name in sorted({name for row in rows for name in row}):
                yield name, [row[name] for row in rows if name in row]
        else:
            yield f"{prefix}{key}", value

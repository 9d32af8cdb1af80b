"""From a batch's bytes to checked alerts: signature, shape, then each record by itself."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec

from collector import alert as alerts
from collector.errors import BavnError
from collector.store.protocol import Batch, DeadLetter, NewAlert, PutResult

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from collector.registry import Sensor

LARGEST_BODY: Final = 8 * 1024 * 1024
LARGEST_RECORD: Final = 1024 * 1024
MOST_RECORDS: Final = 5000
Fate = Literal["alert", "dead", "lost"]
_SIGNATURE: Final = re.compile(r"ed25519 ([A-Za-z0-9._-]{1,64}) ([A-Za-z0-9+/]{86}==)\Z")


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A batch whose records were not looked into yet."""

    format: Literal["bavn-batch"]
    version: Literal[1]
    sensor: str
    created: str
    first: Annotated[int, msgspec.Meta(ge=1)]
    records: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=MOST_RECORDS)]


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    seq: Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
    alert: dict[str, Any] | None = None
    dropped: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None


class _SequenceOnly(msgspec.Struct, frozen=True):
    seq: Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]


class Answer(msgspec.Struct, frozen=True):
    """The answer to a batch: one for each record, in the order of the request."""

    records: list[PutResult]
    next: int


def verify(body: bytes, signature: str | None, sensor: Sensor) -> None:
    """The body is the sensor's, byte for byte; E205, E206."""
    match = _SIGNATURE.match(signature or "")
    if not match:
        raise BavnError("BAVN-E205", "the header Bavn-Signature is missing or malformed")
    try:
        raw = base64.b64decode(match[2], validate=True)
    except binascii.Error:
        raise BavnError("BAVN-E205", "the signature is not base64") from None
    if match[1] != sensor.key_id or not sensor.verify(raw, body):
        raise BavnError("BAVN-E206", f"the signature is not that of {sensor.agency}/{sensor.sensor}")


def open_envelope(body: bytes, sensor: str) -> Envelope:
    """The batch's shape, not yet its records; E207, E212."""
    try:
        envelope = msgspec.json.decode(body, type=Envelope)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise BavnError("BAVN-E207", f"the batch is malformed: {error}"[:300]) from error
    if envelope.sensor != sensor:
        raise BavnError("BAVN-E212", f"the batch names {envelope.sensor[:80]!r}, the certificate {sensor!r}")
    return envelope


def sort(envelope: Envelope, agency: str, sensor: str, now: datetime) -> tuple[Batch, list[Fate]]:
    """What may be stored, what is dead and what is lost; and for each record, in order, which of these it is."""
    good: list[NewAlert] = []
    dead: list[DeadLetter] = []
    lost: list[int] = []
    fates: list[Fate] = []
    for raw in envelope.records:
        opened = _opened(bytes(raw), agency, sensor)
        if isinstance(opened, NewAlert):
            good.append(opened)
            fates.append("alert")
        elif isinstance(opened, int):
            lost.append(opened)
            fates.append("lost")
        else:
            dead.append(_letter(bytes(raw), opened, agency, sensor, now))
            fates.append("dead")
    batch = Batch(agency=agency, sensor=sensor, received=now, alerts=tuple(good), dead=tuple(dead), lost=tuple(lost))
    return batch, fates


def in_order(results: Sequence[PutResult], fates: Sequence[Fate]) -> list[PutResult]:
    """The store's answers - alerts, dead letters, losses - put back in the order of the request."""
    alerts_, dead = fates.count("alert"), fates.count("dead")
    of = {
        "alert": iter(results[:alerts_]),
        "dead": iter(results[alerts_ : alerts_ + dead]),
        "lost": iter(results[alerts_ + dead :]),
    }
    return [next(of[fate]) for fate in fates]


def _opened(raw: bytes, agency: str, sensor: str) -> NewAlert | int | alerts.RefusalError:
    """The alert, the number of a record that the sensor gave up, or why the record is dead."""
    try:
        return _open_record(raw, agency, sensor)
    except alerts.RefusalError as refusal:
        return refusal
    except Exception as error:  # noqa: BLE001 - one record must not stop the others, whatever is in it
        return alerts.RefusalError("BAVN-E228", f"the record cannot be worked on: {type(error).__name__}")


def _open_record(raw: bytes, agency: str, sensor: str) -> NewAlert | int:
    if len(raw) > LARGEST_RECORD:
        raise alerts.RefusalError("BAVN-E225", f"the record has {len(raw)} bytes")
    try:
        record = msgspec.json.decode(raw, type=_Record)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise alerts.RefusalError("BAVN-E220", str(error)[:300]) from error
    if record.dropped is not None:
        return record.seq
    checked = alerts.check(record.alert, agency, sensor)
    return NewAlert(checked["event"]["id"], record.seq, checked)


def _letter(raw: bytes, refusal: alerts.RefusalError, agency: str, sensor: str, now: datetime) -> DeadLetter:
    seq, id_ = _what_is_readable(raw)
    return DeadLetter(
        agency=agency,
        sensor=sensor,
        seq=seq,
        id=id_,
        code=refusal.code,
        reason=refusal.reason,
        at=now,
        body=raw[:LARGEST_RECORD],
    )


def _what_is_readable(raw: bytes) -> tuple[int | None, str | None]:
    """Sequence number and identifier of a record that is refused, as far as it has them."""
    unreadable = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
    seq = id_ = None
    try:
        seq = msgspec.json.decode(raw, type=_SequenceOnly).seq
        id_ = alerts.get(msgspec.json.decode(raw), "alert.event.id")
    except unreadable:
        pass
    return seq, id_[:64] if isinstance(id_, str) else None

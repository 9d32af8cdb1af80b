"""The sender: takes batches from the outbox to the collector and deletes only what was acknowledged."""

from __future__ import annotations

import base64
import gzip
import random
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx2
import msgspec

from sensors.errors import SensorError
from sensors.identity import load_identity
from sensors.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sensors.identity import Identity
    from sensors.outbox import Outbox, Record

BATCH_RECORDS: Final = 500
BATCH_BYTES: Final = 4 << 20
_HTTP_OK: Final = 200
_HTTP_MALFORMED: Final = 400
_HTTP_TOO_LARGE: Final = 413
_RETRY_LATER: Final = frozenset({429, 503})
_REFUSED: Final = frozenset({401, 403})
_MIN_WAIT_S: Final = 0.5
_MAX_WAIT_S: Final = 60.0
_NS: Final = 1_000_000_000


@dataclass
class Delivery:
    """Counters of the sender since its start."""

    stored: int = 0
    duplicate: int = 0
    refused: int = 0
    postponed: int = 0
    failures: int = 0
    last_error: str | None = None
    last_success: int | None = field(default=None)


class _Answer(msgspec.Struct):
    seq: int
    status: str
    reason: str = ""
    code: str = ""


class _Refusal(msgspec.Struct):
    code: str
    sentence: str = ""


class _Answers(msgspec.Struct):
    records: list[_Answer]


def client_for(identity: Identity, timeout_s: float = 15.0) -> httpx2.Client:
    """Make an HTTPS client with the sensor's certificate, trusting the one authority.

    Raises:
        SensorError: BAVN-E130 where certificate and key do not fit.
    """
    config = identity.config
    try:
        context = ssl.create_default_context(cafile=str(identity.path(config.ca)))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(identity.path(config.certificate), identity.path(config.key))
    except (OSError, ssl.SSLError) as error:
        raise SensorError("BAVN-E130", f"certificate or key: {error}") from error
    return httpx2.Client(base_url=config.collector or "", verify=context, timeout=timeout_s, trust_env=False)


def encode_batch(sensor: str, records: list[Record], created: str) -> bytes:
    """Put a batch together; the alerts' bytes go in as they are, so that a preview is exact."""
    name, first = msgspec.json.encode(sensor).decode(), records[0].seq
    head = f'{{"format":"bavn-batch","version":1,"sensor":{name},"created":"{created}","first":{first},"records":['
    return head.encode() + b",".join(map(_encode_record, records)) + b"]}"


def _encode_record(record: Record) -> bytes:
    if record.alert is None:
        return b'{"seq":%d,"dropped":%s}' % (record.seq, msgspec.json.encode(record.dropped))
    return b'{"seq":%d,"alert":%s}' % (record.seq, record.alert)


class Sender:
    """Sends one outbox to one collector."""

    def __init__(
        self,
        outbox: Outbox,
        identity: Identity,
        client: httpx2.Client | None = None,
        allow: Callable[[], None] = lambda: None,
    ) -> None:
        """Make a sender.

        Args:
            outbox: what is sent.
            identity: who sends.
            client: a connection that is kept; by default one is made, and made anew where the certificate changed.
            allow: called before each batch; a `SensorError` means that nothing may leave now.

        Raises:
            SensorError: BAVN-E130 where certificate and key do not fit.
        """
        self.delivery = Delivery()
        self._outbox = outbox
        self._identity = identity
        self._is_own = client is None
        self._files = _files_of(identity)
        self._client = client or client_for(identity)
        self._is_refused = False
        self._allow = allow
        self._wait_s = _MIN_WAIT_S
        self._limit = BATCH_RECORDS

    def send_due(self, now: int) -> float:
        """Send one batch of what is due.

        Args:
            now: ns since the epoch.

        Returns:
            Seconds to wait before the next call: 0 while there is more to send.

        Raises:
            SensorError: BAVN-E110 or BAVN-E111 where the outbox cannot be used.
        """
        due = self._outbox.due(now, self._limit, BATCH_BYTES)
        if not due:
            return _MIN_WAIT_S
        records = [record for record in due if self._is_sound(record, now)]
        if not records:
            return 0
        try:
            self._allow()
            response = self._post("/v1/batches", encode_batch(self._identity.config.sensor, records, rfc3339(now)))
        except (httpx2.HTTPError, SensorError) as error:
            return self._back_off(self._failure(error))
        return self._take_answer(response, records, now)

    def heartbeat(self, document: dict[str, Any]) -> bool:
        """Tell the collector how the sensor is; False where it did not arrive."""
        try:
            response = self._post("/v1/heartbeats", msgspec.json.encode(document))
        except (httpx2.HTTPError, SensorError) as error:
            self.delivery.last_error = self._failure(error)
            return False
        self.delivery.last_error = None if response.is_success else self._refusal(response)
        return response.is_success

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _is_sound(self, record: Record, now: int) -> bool:
        """A record that is no JSON would spoil its whole batch, so it goes to the dead letters."""
        try:
            if record.alert is not None:
                msgspec.json.decode(record.alert, type=msgspec.Raw)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            self._refuse(record, f"BAVN-E133 the record is no JSON: {error}", now)
            return False
        return True

    def _refuse(self, record: Record, reason: str, now: int) -> None:
        self._outbox.refuse(record, reason, now)
        self.delivery.refused += 1

    def _renew(self) -> None:
        """Take up a new certificate, where there is one or the old one was refused."""
        files = _files_of(self._identity)
        if not self._is_own or (files == self._files and not self._is_refused):
            return
        identity = load_identity(self._identity.home)
        client = client_for(identity)
        self._client.close()
        self._identity, self._client, self._files, self._is_refused = identity, client, files, False

    def _failure(self, error: httpx2.HTTPError | SensorError) -> str:
        said = str(error) if isinstance(error, SensorError) else _connection_error(error)
        self._is_refused |= said.startswith("BAVN-E131")
        return said

    def _refusal(self, response: httpx2.Response) -> str:
        status = response.status_code
        if status in _RETRY_LATER:
            return f"the collector is busy ({status})"
        if status in _REFUSED:
            self._is_refused = True
            return f"BAVN-E131: the collector refused this sensor ({status})"
        return f"BAVN-E132: the collector answered {status}"

    def _post(self, path: str, body: bytes) -> httpx2.Response:
        self._renew()
        signature = base64.b64encode(self._identity.signing_key.sign(body)).decode()
        headers = {
            "content-type": "application/json",
            "content-encoding": "gzip",
            "bavn-signature": f"ed25519 {self._identity.key_id} {signature}",
        }
        return self._client.post(path, content=gzip.compress(body, 5, mtime=0), headers=headers)

    def _take_answer(self, response: httpx2.Response, records: list[Record], now: int) -> float:
        if reason := _unfit(response):
            return self._halve(records, reason, now)
        if response.status_code != _HTTP_OK:
            return max(self._back_off(self._refusal(response)), _retry_after(response))
        try:
            answers = msgspec.json.decode(response.content, type=_Answers).records
        except msgspec.MsgspecError as error:
            return self._back_off(f"BAVN-E132: the collector's answer cannot be read: {error}")
        return self._settle({a.seq: a for a in answers}, records, now)

    def _halve(self, records: list[Record], reason: str, now: int) -> float:
        """Find the record that the collector cannot take in any batch."""
        if len(records) == 1:
            self._refuse(records[0], reason, now)
        self._limit = max(1, len(records) // 2)
        return 0

    def _settle(self, answers: dict[int, _Answer], records: list[Record], now: int) -> float:
        done: list[tuple[Record, str]] = []
        later: list[Record] = []
        for record in records:
            answer = answers.get(record.seq)
            if answer is None or answer.status == "later":
                later.append(record)
            elif answer.status in {"stored", "duplicate"}:
                done.append((record, answer.status))
            else:
                self._refuse(record, f"{answer.code} {answer.reason}".strip(), now)
        self._outbox.acknowledge(done, now)
        self.delivery.stored += sum(status == "stored" for _, status in done)
        self.delivery.duplicate += sum(status == "duplicate" for _, status in done)
        self._limit = min(BATCH_RECORDS, self._limit * 2)
        if later:
            self.delivery.postponed += len(later)
            wait = self._back_off("the collector put records off")
            self._outbox.postpone(later, now + int(wait * _NS))
            return wait if not done else 0
        self._wait_s = _MIN_WAIT_S
        self.delivery.last_success = now
        self.delivery.last_error = None
        return 0

    def _back_off(self, why: str) -> float:
        self.delivery.failures += 1
        self.delivery.last_error = why
        wait = random.uniform(self._wait_s / 2, self._wait_s)  # noqa: S311
        self._wait_s = min(_MAX_WAIT_S, self._wait_s * 2)
        return wait


def _unfit(response: httpx2.Response) -> str | None:
    """Tell why no try can bring this batch over; a 400 that is not the collector's own says nothing of the batch."""
    with suppress(msgspec.MsgspecError):
        answer = msgspec.json.decode(response.content, type=_Refusal)
        if response.status_code in {_HTTP_MALFORMED, _HTTP_TOO_LARGE}:
            return f"{answer.code} {answer.sentence}"
    return "BAVN-E133 too large (413)" if response.status_code == _HTTP_TOO_LARGE else None


def _files_of(identity: Identity) -> tuple[int | None, ...]:
    config = identity.config
    names = (config.ca, config.certificate, config.key, config.signing_key)
    return tuple(_modified(identity.path(name)) for name in names)


def _modified(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _retry_after(response: httpx2.Response) -> float:
    value = response.headers.get("retry-after", "0")
    return min(float(value), _MAX_WAIT_S) if value.isascii() and value.isdigit() else 0.0


def _connection_error(error: httpx2.HTTPError) -> str:
    code = "BAVN-E131" if "certificate" in str(error).lower() or "tls" in str(error).lower() else "BAVN-E132"
    return f"{code}: {error or type(error).__name__}"

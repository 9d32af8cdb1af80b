"""The HTTP border of `schema/openapi.yaml`, as a starlette application."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from collector import batches, bodies
from collector.config import Limits, Quotas
from collector.errors import BavnError, StoreUnavailableError
from collector.quotas import Gate
from collector.store.protocol import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from collector.registry import Registry, Sensor
    from collector.store import Store

log = logging.getLogger("bavn.collector")

LARGEST_HEARTBEAT: Final = 256 * 1024
STATUS: Final = {
    "BAVN-E201": 403,
    "BAVN-E202": 403,
    "BAVN-E203": 403,
    "BAVN-E204": 403,
    "BAVN-E205": 401,
    "BAVN-E206": 401,
    "BAVN-E207": 400,
    "BAVN-E208": 413,
    "BAVN-E209": 408,
    "BAVN-E210": 415,
    "BAVN-E211": 429,
    "BAVN-E212": 403,
    "BAVN-E214": 404,
}
"""Status by code; what is not here is the store's or ours: 503 where it passes, else 500."""
EXIT_DISK_FAILED: Final = 74

Count = Annotated[int, msgspec.Meta(ge=0)]


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Size and root (base64) of an access log's tree."""

    size: Count
    root: str


class _Outbox(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    unsent: Count
    oldest: str | None = None


class _Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    digest: str
    count: Count


class _Heartbeat(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    format: Literal["bavn-heartbeat"]
    version: Literal[1]
    time: str
    counters: Annotated[dict[str, int], msgspec.Meta(max_length=1024)]
    outbox: _Outbox
    clock_offset: float | None = None
    minlog: Head | None = None
    rules: _Rules | None = None


class Application:
    """The collector's routes and what they share. Stateless but for quotas: there may be many collectors."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        *,
        quotas: Quotas | None = None,
        limits: Limits | None = None,
        head: Callable[[], Head | None] = lambda: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        on_disk_failure: Callable[[], None] = lambda: os._exit(EXIT_DISK_FAILED),
    ) -> None:
        self._store = store
        self._registry = registry
        self._limits = limits or Limits()
        self._gate = Gate(quotas or Quotas(), self._limits)
        self._head = head
        self._clock = clock
        self._monotonic = monotonic
        self._on_disk_failure = on_disk_failure

    def asgi(self) -> Starlette:
        """The application for a server that puts the client's certificate into `state["certificate"]`."""
        routes = [
            Route("/v1/batches", self._guard(self.batches), methods=["POST"]),
            Route("/v1/heartbeats", self._guard(self.heartbeats), methods=["POST"]),
            Route("/v1/health", self._guard(self.health), methods=["GET"]),
        ]
        handlers: dict[Any, Any] = {404: _no_page, 405: _no_page}
        return Starlette(routes=routes, exception_handlers=handlers)

    async def batches(self, request: Request) -> Response:
        """Takes a batch; answers after the commit."""
        sensor = self._sensor(request)
        with self._gate.enter(sensor.agency, self._monotonic()):
            body = await self._body(request, sensor, batches.LARGEST_BODY)
            return await asyncio.to_thread(self._take, sensor, body, request.headers.get("bavn-signature"))

    async def heartbeats(self, request: Request) -> Response:
        """Keeps a heartbeat; gives the time and the head of the access log back."""
        sensor = self._sensor(request)
        with self._gate.enter(sensor.agency, self._monotonic()):
            body = await self._body(request, sensor, LARGEST_HEARTBEAT)
            return await asyncio.to_thread(self._take_heartbeat, sensor, body)

    async def health(self, request: Request) -> Response:
        """Whether alerts can be stored now."""
        self._sensor(request)
        report = {"status": "ok", "store": self._store.kind, "time": _text(self._clock())}
        try:
            await asyncio.to_thread(self._store.health)
        except StoreUnavailableError as error:
            report |= {"status": "down", "reason": str(error)}
            return _json(report, 503, {"Retry-After": str(error.retry_after)})
        return _json(report)

    def _sensor(self, request: Request) -> Sensor:
        """Who sends, by the certificate of the connection and nothing else; E201 to E204."""
        agency, name = identity(request.scope.get("state", {}).get("certificate"), self._clock())
        return self._registry.find(agency, name)

    async def _body(self, request: Request, sensor: Sensor, limit: int) -> bytes:
        body = await bodies.read(request, limit=limit, seconds=self._limits.body_seconds)
        self._gate.charge(sensor.agency, self._monotonic(), size=len(body))
        return body

    def _take(self, sensor: Sensor, body: bytes, signature: str | None) -> Response:
        batches.verify(body, signature, sensor)
        envelope = batches.open_envelope(body, sensor.sensor)
        self._gate.charge(sensor.agency, self._monotonic(), alerts=len(envelope.records))
        batch, fates = batches.sort(envelope, sensor.agency, sensor.sensor, self._clock())
        results = self._store.put(batch)
        later = [result for result in results if result.status == "later"]
        if len(later) == len(results):
            raise StoreUnavailableError(later[0].code or "BAVN-E230", later[0].reason or "", retry_after=5)
        state = self._store.sequence(sensor.agency, sensor.sensor)
        answer = batches.Answer(batches.in_order(results, fates), state.next if state else 0)
        return _json(answer, 200, {"Retry-After": "5"} if later else {})

    def _take_heartbeat(self, sensor: Sensor, body: bytes) -> Response:
        try:
            beat = msgspec.json.decode(body, type=_Heartbeat)
        except (msgspec.DecodeError, RecursionError) as error:
            raise BavnError("BAVN-E207", f"the heartbeat is malformed: {error}"[:300]) from error
        now = self._clock()
        content = msgspec.to_builtins(beat)
        self._store.heartbeat(Heartbeat(agency=sensor.agency, sensor=sensor.sensor, received=now, body=content))
        state = self._store.sequence(sensor.agency, sensor.sensor)
        return _json({"time": _text(now), "next": state.next if state else 0, "minlog": self._head()})

    def _guard(self, route: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """Turns every error into an answer of the catalogue; nothing is acknowledged by accident."""

        async def guarded(request: Request) -> Response:
            try:
                return await route(request)
            except ClientDisconnect:
                return Response(status_code=400)
            except BavnError as error:
                if error.code == "BAVN-E238":
                    log.critical("%s", error)
                    self._on_disk_failure()
                return _error(error)
            except Exception:
                log.exception("a request failed")
                return _error(BavnError("BAVN-E215", "the collector met something unexpected"))

        return guarded


def identity(certificate: dict[str, Any] | None, now: datetime) -> tuple[str, str]:
    """Agency and sensor: O and CN of a certificate as `ssl` gives it, each exactly once; E201, E204.

    TLS checked the dates when the connection began or, with a ticket, when its ancestor began; so they are
    checked again for each request.
    """
    if not certificate:
        raise BavnError("BAVN-E201", "the connection has no client certificate")
    if not _seconds(certificate["notBefore"]) <= now.timestamp() <= _seconds(certificate["notAfter"]):
        raise BavnError("BAVN-E204", f"the certificate was valid until {certificate['notAfter']}")
    subject = [pair for part in certificate["subject"] for pair in part]
    agency = [value for name, value in subject if name == "organizationName"]
    sensor = [value for name, value in subject if name == "commonName"]
    if len(agency) != 1 or len(sensor) != 1:
        raise BavnError("BAVN-E201", "the certificate does not name one agency (O) and one sensor (CN)")
    return agency[0], sensor[0]


def _seconds(text: str) -> float:
    return ssl.cert_time_to_seconds(text)


def _text(time_: datetime) -> str:
    return time_.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _json(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status, headers, "application/json")


def _error(error: BavnError) -> Response:
    body = {"code": error.code, "sentence": error.sentence, "hint": error.hint}
    if isinstance(error, StoreUnavailableError):
        return _json(body, STATUS.get(error.code, 503), {"Retry-After": str(error.retry_after)})
    return _json(body, STATUS.get(error.code, 500))


async def _no_page(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    missing = BavnError("BAVN-E214", f"{request.method} {request.url.path[:200]} is not served")
    answer = _error(missing)
    answer.status_code = status
    return answer

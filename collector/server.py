"""The collector as a server: TLS with client certificates that nobody can turn off, and time limits."""

from __future__ import annotations

import logging
import signal
import socket
import ssl
from typing import TYPE_CHECKING, Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from collector.accesslog import AccessLog
from collector.app import Application, Head
from collector.errors import BavnError
from collector.registry import Registry

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from starlette.applications import Starlette

    from collector.config import Config, Tls

log = logging.getLogger("bavn.collector")

LARGEST_HEADER = 32 * 1024
LINGER_SECONDS = 2
BACKLOG = 256


def serve(config: Config, ready: Callable[[int], None] = lambda _port: None) -> None:
    """Runs until SIGTERM or SIGINT; `ready` is called with the port once it listens."""
    store = config.open_store()
    try:
        app = Application(
            store,
            Registry(config.path(config.registry)),
            quotas=config.quotas,
            limits=config.limits,
            head=_head_of(config),
        )
        listener = _listen(config.listen, config.port)
        server = uvicorn.Server(settings(config, app.asgi()))
        ready(listener.getsockname()[1])
        # uvicorn raises the signal that ended it once more; a wanted end is no failure.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: None)
        server.run(sockets=[listener])
    finally:
        store.close()


def settings(config: Config, app: Starlette) -> uvicorn.Config:
    """Uvicorn's settings; the TLS context is ours alone."""
    limits = config.limits

    class Protocol(CertificateProtocol):
        header_seconds = limits.header_seconds

    context = tls_context(config.tls, config.path)
    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="off",
        loop="asyncio",
        ssl_context_factory=lambda _config, _default: context,
        limit_concurrency=limits.connections,
        h11_max_incomplete_event_size=LARGEST_HEADER,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
        server_header=False,
        proxy_headers=False,
        access_log=False,
        log_config=None,
    )


def tls_context(tls: Tls, path: Callable[[str], Any]) -> ssl.SSLContext:
    """TLS 1.2 or later; no connection without a certificate of the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    # A resumed session is not verified again: no tickets, so that revocation and expiry hold.
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET
    try:
        context.load_cert_chain(path(tls.certificate), path(tls.key))
        context.load_verify_locations(path(tls.client_ca))
    except (OSError, ssl.SSLError) as error:
        raise BavnError("BAVN-E261", f"the server's certificate, key or client_ca cannot be used: {error}") from error
    return context


class CertificateProtocol(H11Protocol):
    """Gives the application the client's verified certificate, and closes connections that dawdle."""

    header_seconds: float = 10
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keeps the certificate that TLS verified."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "certificate": transport.get_extra_info("peercert")}
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Watches that a request's head comes to its end."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the watch."""
        self._calm()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """A request's head must be whole `header_seconds` after its first byte; the body has its own limit."""
        busy = self.cycle is not None and not self.cycle.response_complete
        if busy:
            self._calm()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.header_seconds, self._late)

    def on_response_complete(self) -> None:
        """Does not wait for a body that nobody wants any more."""
        self._calm()
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            # Answered before the body was there: read on a little, so that the client sees the answer.
            self._deadline = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _calm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()


def _head_of(config: Config) -> Callable[[], Head | None]:
    if config.access_log is None:
        return lambda: None
    access_log = AccessLog(config.path(config.access_log))

    def head() -> Head:
        newest = access_log.head()
        return Head(newest.size, newest.root_base64)

    return head


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise BavnError("BAVN-E200", f"cannot listen on {address} port {port}: {error.strerror}") from error
    return listener

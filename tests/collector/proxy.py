"""A small HTTP proxy in front of a real Elasticsearch, that plays an overloaded cluster for some requests."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable


class Overload:
    """What the proxy is told to do to bulk requests."""

    def __init__(self) -> None:
        self.reject_item: Callable[[str], int | None] = lambda _id: None
        """Status for an item instead of handing it on, by its id."""
        self.reject_request: Callable[[int, int], int | None] = lambda _number, _size: None
        """Status for a whole bulk request, by its number and the size of its body."""
        self.bulks = 0


class Proxy:
    """Listens on loopback as long as it is entered."""

    def __init__(self, port: int, ca: str, overload: Overload) -> None:
        context = ssl.create_default_context(cafile=ca)

        class Handler(_Handler):
            upstream = port
            tls = context
            play = overload

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: int
    tls: ssl.SSLContext
    play: Overload

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path.split("?")[0].endswith("_bulk"):
            self._bulk(body)
        else:
            self._answer(*self._hand_on(body))

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815

    def _bulk(self, body: bytes) -> None:
        self.play.bulks += 1
        status = self.play.reject_request(self.play.bulks, len(body))
        if status:
            self._answer(status, {"content-type": "application/json"}, b'{"error": {"type": "overload"}}')
            return
        lines = body.splitlines()
        pairs = [(lines[at], lines[at + 1]) for at in range(0, len(lines) - 1, 2)]
        fates = [self.play.reject_item(json.loads(head)["create"]["_id"]) for head, _ in pairs]
        kept = [line for pair, fate in zip(pairs, fates, strict=True) if not fate for line in pair]
        status, headers, content = (
            200,
            {"content-type": "application/json"},
            b'{"took": 0, "errors": true, "items": []}',
        )
        if kept:
            status, headers, content = self._hand_on(b"\n".join(kept) + b"\n")
        answer = json.loads(content)
        items = iter(answer["items"])
        answer["items"] = [_rejected(fate) if fate else next(items) for fate in fates]
        self._answer(status, headers, json.dumps(answer).encode())

    def _hand_on(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        line = http.client.HTTPSConnection("localhost", self.upstream, timeout=20, context=self.tls)
        dropped = ("host", "content-length", "connection", "accept-encoding")
        headers = {name: value for name, value in self.headers.items() if name.lower() not in dropped}
        line.request(self.command, self.path, body or None, headers)
        answer = line.getresponse()
        content = answer.read()
        line.close()
        kept = ("content-type", "x-elastic-product")
        return (
            answer.status,
            {name.lower(): value for name, value in answer.getheaders() if name.lower() in kept},
            content,
        )

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in ({"x-elastic-product": "Elasticsearch"} | headers).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


def _rejected(status: int) -> dict[str, Any]:
    error = {"type": "es_rejected_execution_exception", "reason": "rejected"}
    return {"create": {"_index": "x", "_id": "x", "status": status, "error": error}}

"""The sender against a server that answers as told, over real HTTP on loopback."""

from __future__ import annotations

import gzip
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sensors.errors import SensorError
from sensors.identity import Identity, SensorConfig
from sensors.outbox import Draft, Outbox
from sensors.sender import Sender

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOW = 1_763_802_840_000_000_000
Answer = tuple[int, Any]


@dataclass
class Server:
    """Answers each body with what `answer` makes of it; keeps the bodies."""

    answer: Callable[[dict[str, Any]], Answer]
    bodies: list[dict[str, Any]] = field(default_factory=list)
    address: str = ""


@contextmanager
def serving(answer: Callable[[dict[str, Any]], Answer]) -> Iterator[Server]:
    server = Server(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = gzip.decompress(self.rfile.read(int(self.headers["content-length"])))
            body = json.loads(raw)
            server.bodies.append(body)
            status, said = server.answer(body)
            out = json.dumps(said).encode() if said is not None else b"<html>no</html>"
            self.send_response(status)
            self.send_header("content-length", str(len(out)))
            self.end_headers()
            self.wfile.write(out)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        server.address = f"http://127.0.0.1:{http.server_address[1]}"
        yield server
        http.shutdown()


def store_all(body: dict[str, Any]) -> Answer:
    return 200, {"records": [{"seq": r["seq"], "status": "stored"} for r in body.get("records", [])]}


@contextmanager
def sending(home: Path, address: str, **more: Any) -> Iterator[tuple[Sender, Outbox]]:
    box = Outbox(home / "outbox.db")
    identity = Identity(SensorConfig(agency="odense", sensor="s1"), home, Ed25519PrivateKey.generate())
    with httpx2.Client(base_url=address, trust_env=False) as client:
        yield Sender(box, identity, client, **more), box
    box.close()


def fill(box: Outbox, alerts: list[bytes]) -> None:
    box.append([Draft(f"ID{n}", 3, alert) for n, alert in enumerate(alerts)], 1)


def drain(sender: Sender, rounds: int = 60) -> None:
    for _ in range(rounds):
        if sender.send_due(NOW) != 0:
            return


@pytest.mark.parametrize("bad", [b"", b"{", b'{"a":1}{"b":2}', b'1,"alert":2', b"\xff", b"[" * 5000])
def test_a_record_that_is_no_json_does_not_stop_the_others(tmp_path: Path, bad: bytes) -> None:
    with serving(store_all) as server, sending(tmp_path, server.address) as (sender, box):
        fill(box, [b'{"n":1}', bad, b'{"n":2}'])
        drain(sender)
        assert box.backlog().unsent == 0
        assert [r.id for r in box.sent()] == ["ID0", "ID2"]
        ((dead, reason),) = box.dead()
        assert (dead.id, dead.alert) == ("ID1", bad)
        assert "BAVN-E133" in reason


@pytest.mark.parametrize("status", [400, 413])
def test_a_record_that_no_batch_can_hold_is_found_and_put_aside(tmp_path: Path, status: int) -> None:
    def answer(body: dict[str, Any]) -> Answer:
        if any(r["alert"]["n"] == 13 for r in body["records"]):
            return status, {"code": "BAVN-E207", "sentence": "malformed", "hint": ""}
        return store_all(body)

    with serving(answer) as server, sending(tmp_path, server.address) as (sender, box):
        fill(box, [b'{"n":%d}' % n for n in range(40)])
        drain(sender)
        assert box.backlog().unsent == 0
        assert [(r.id, reason) for r, reason in box.dead()] == [("ID13", "BAVN-E207 malformed")]
        assert len(box.sent()) == 39


def test_a_400_of_somebody_between_refuses_nothing(tmp_path: Path) -> None:
    with serving(lambda _: (400, None)) as server, sending(tmp_path, server.address) as (sender, box):
        fill(box, [b'{"n":1}'])
        drain(sender)
        assert (box.backlog().unsent, box.backlog().dead) == (1, 0)
        assert "400" in (sender.delivery.last_error or "")


def test_a_heartbeat_sets_and_clears_the_last_error(tmp_path: Path) -> None:
    with serving(lambda _: (403, {"code": "BAVN-E203"})) as server, sending(tmp_path, server.address) as (sender, _):
        assert not sender.heartbeat({})
        assert "BAVN-E131" in (sender.delivery.last_error or "")
        server.answer = store_all
        assert sender.heartbeat({})
        assert sender.delivery.last_error is None


def test_nothing_leaves_once_the_contract_says_no(tmp_path: Path) -> None:
    def refuse() -> None:
        raise SensorError("BAVN-E121", "contract x ended")

    with serving(store_all) as server, sending(tmp_path, server.address, allow=refuse) as (sender, box):
        fill(box, [b'{"n":1}'])
        assert sender.send_due(NOW) > 0
        assert server.bodies == []
        assert box.backlog().unsent == 1
        assert "BAVN-E121" in (sender.delivery.last_error or "")

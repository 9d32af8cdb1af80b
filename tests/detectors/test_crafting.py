"""Crafted packets: right on the wire as scapy reads them back, and closed to anything else."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.dns import DNS
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from detectors import crafting
from detectors.crafting import CraftError


def packets(*steps: dict[str, Any]) -> list[Any]:
    return [Ether(data) for _, _, data in crafting.craft(steps)]


def payloads(found: list[Any], sport: int) -> bytes:
    return b"".join(bytes(p[TCP].payload) for p in found if p[TCP].sport == sport)


def test_dns_with_its_answer() -> None:
    step = {"query": "a.example.org", "type": "TXT", "z": 1, "answers": [{"type": "TXT", "data": "x" * 300}]}
    query, answer = packets({"dns": step})
    assert (query[DNS].qd[0].qname, query[DNS].qd[0].qtype, query[DNS].z) == (b"a.example.org.", 16, 1)
    assert (answer[DNS].qr, answer[DNS].id) == (1, query[DNS].id)
    assert b"".join(answer[DNS].an[0].rdata) == b"x" * 300
    assert (query[UDP].dport, answer[IP].src) == (53, query[IP].dst)


def test_http_conversation_has_right_sequence_numbers() -> None:
    body = {"text": "b", "times": 3000}
    step = {"request": {"target": "/x", "headers": {"Host": None, "X": "1"}}, "response": {"status": 404, "body": body}}
    found = packets({"http": step})
    assert payloads(found, 40_000) == b"GET /x HTTP/1.1\r\nX: 1\r\n\r\n"
    head, _, content = payloads(found, 80).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404 OK\r\n")
    assert b"Content-Length: 3000" in head
    assert content == b"b" * 3000
    expected: dict[int, int] = {}
    for packet in found:
        tcp = packet[TCP]
        assert tcp.seq == expected.get(tcp.sport, tcp.seq)
        expected[tcp.sport] = tcp.seq + len(tcp.payload) + bool(tcp.flags.S) + bool(tcp.flags.F)
        if tcp.flags.A:
            assert tcp.ack == expected[tcp.dport]


def test_unanswered_and_reset_connections() -> None:
    assert [str(p[TCP].flags) for p in packets({"tcp": {"answer": False, "close": "none"}})] == ["S"]
    assert [str(p[TCP].flags) for p in packets({"tcp": {"answer": False, "close": "rst"}})] == ["S", "RA"]


def test_repeat_wait_and_ipv6() -> None:
    step = {
        "udp": {"client": "2001:db8::1", "server": "2001:db8::2", "send": [{"client": "a"}]},
        "repeat": 3,
        "wait": 60,
    }
    frames = crafting.craft([step])
    assert [Ether(data)[UDP].sport for _, _, data in frames] == [40_000, 40_001, 40_002]
    assert all(IPv6 in Ether(data) for _, _, data in frames)
    assert frames[1][0] - frames[0][0] == 60_000_000_000 + crafting.STEP_NS


def test_tls_records_hold_what_was_asked() -> None:
    step = {"version": "1.0", "server_name": "a.example", "cipher": "TLS_RSA_WITH_NULL_SHA", "certificate": "none"}
    found = packets({"tls": step})
    assert payloads(found, 40_000).startswith(b"\x16\x03\x01")
    assert b"\x00\x09a.example" in payloads(found, 40_000)
    assert payloads(found, 443)[9:11] == b"\x03\x01"


def test_layers() -> None:
    layers = [
        {"IP": {"src": "10.0.0.1", "dst": "10.0.0.2", "ttl": 3}},
        {"UDP": {"sport": 1, "dport": 2}},
        {"Raw": "hex:00ff"},
    ]
    (packet,) = packets({"layers": layers})
    assert (packet[IP].ttl, packet[UDP].dport, bytes(packet[UDP].payload)) == (3, 2, b"\x00\xff")


REFUSED = [
    {"layers": [{"IP": {"dst": "evil.example"}}]},
    {"layers": [{"IP": {"dst": "10.0.0.0/8"}}]},
    {"layers": [{"HTTP": {}}]},
    {"layers": [{"IP": {"options": "x"}}]},
    {"layers": [{"UDP": {"dport": "RandShort()"}}]},
    {"layers": []},
    {"tcp": {"server": "www.example.org"}},
    {"tcp": {"close": "slam"}},
    {"tcp": {"client": "10.0.0.1", "server": "2001:db8::1"}},
    {"dns": {"query": "a" * 64 + ".example"}},
    {"dns": {"type": "NOPE"}},
    {"tls": {"version": "9"}},
    {"udp": {"send": [{"client": "hex:zz"}]}},
    {"exec": "id"},
    {"dns": {}, "http": {}},
    {"dns": {}, "repeat": 10**9},
    {"dns": {}, "repeat": 4_000},
]


@pytest.mark.parametrize("step", REFUSED, ids=str)
def test_refused(step: dict[str, Any]) -> None:
    with pytest.raises(CraftError):
        crafting.craft([step])

"""Write four flows, each of which hits one limit of the DNS parser."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture

SERVER = ("192.0.2.53", 53)
A, NULL = 1, 10


def name(text: str) -> bytes:
    """Write a name's labels."""
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def message(number: int, flags: int, answers: int, question: bytes, rest: bytes = b"") -> bytes:
    """Write a message that asks for addresses of one name."""
    return struct.pack("!HHHHHH", number, flags, 1, answers, 0, 0) + question + struct.pack("!HH", A, 1) + rest


def record(kind: int, data: bytes) -> bytes:
    """Write a record of the name that was asked for."""
    return struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(data)) + data


def make(capture: Capture) -> None:
    """Write them."""
    # 33 queries wait: the first goes out without its answer, which then belongs to no query.
    client = ("192.0.2.1", 40001)
    for number in range(33):
        capture.udp(client, SERVER, message(number, 0x0100, 0, name(f"q{number}.limits.example")))
    late = message(0, 0x8180, 1, name("q0.limits.example"), record(A, bytes([192, 0, 2, 9])))
    capture.udp(SERVER, client, late)
    # 130 addresses: 128 are told.
    client = ("192.0.2.2", 40002)
    capture.udp(client, SERVER, message(1, 0x0100, 0, name("many.limits.example")))
    all_of_them = b"".join(record(A, bytes([10, 0, 0, number])) for number in range(130))
    capture.udp(SERVER, client, message(1, 0x8180, 130, name("many.limits.example"), all_of_them))
    # A record whose name leads over eighteen pointers, each to the one before it; the first to the question.
    client = ("192.0.2.3", 40003)
    question = name("deep.limits.example")
    capture.udp(client, SERVER, message(1, 0x0100, 0, question))
    places = [12, *(12 + len(question) + 4 + 12 + 2 * at for at in range(17))]
    chain = record(NULL, b"".join(struct.pack("!H", 0xC000 | place) for place in places[:17]))
    deep = struct.pack("!HHHIHI", 0xC000 | places[17], A, 1, 60, 4, 0)
    capture.udp(SERVER, client, message(1, 0x8180, 2, question, chain + deep))
    # A name of 5 * 64 + 1 bytes.
    client = ("192.0.2.4", 40004)
    capture.udp(client, SERVER, message(1, 0x0100, 0, name("short.limits.example")))
    capture.udp(client, SERVER, message(2, 0x0100, 0, name(".".join(["x" * 63] * 5))))

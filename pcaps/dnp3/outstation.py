"""An outstation with a few points: outstation.py tcp|udp ADDRESS PORT."""

# ruff: noqa: PLR0911, PLR2004 -- numbers of the protocol

import contextlib
import socket
import struct
import sys
from collections.abc import Callable

from frames import frame, segments, size, user_data

BINARY = bytes([1, 2, 0, 0, 7]) + bytes([0x81, 0x01] * 4)
COUNTERS = bytes([20, 1, 0, 0, 2]) + b"".join(struct.pack("<BI", 1, 1000 * n) for n in range(1, 4))
ANALOG = bytes([30, 1, 1, 0, 0, 79, 0]) + b"".join(struct.pack("<Bi", 1, 215 + n) for n in range(80))
EVENTS = bytes([2, 2, 0x28, 1, 0, 3, 0, 0x81]) + (1_700_000_000_000).to_bytes(6, "little")
SMALL = {1: BINARY, 20: COUNTERS, 30: bytes([30, 2, 0, 0, 1, 1, 7, 0, 1, 9, 0])}


def answers(fragment: bytes, restarted: list[bool]) -> list[bytes]:
    """What the outstation says to a request, fragment by fragment."""
    control, function, objects = fragment[0], fragment[1], fragment[2:]
    sequence = control & 0x0F
    iin = bytes([0x80 if restarted[0] else 0x00, 0])
    head = bytes([0xC0 | sequence, 129])
    if function in (0, 6, 8, 10, 12):
        return []
    if function == 1 and objects[:3] == bytes([60, 2, 6]):
        # More than one segment, then one more fragment.
        first = bytes([0xA0 | sequence, 129]) + iin + EVENTS + BINARY + ANALOG
        return [first, bytes([0x60 | (sequence + 1) % 16, 129]) + iin + COUNTERS]
    if function == 1:
        return [head + iin + SMALL.get(objects[0], b"")]
    if function in (3, 4, 5):
        return [head + iin + objects]
    if function in (13, 14):
        restarted[0] = True
        return [head + b"\x80\x00" + bytes([52, 2, 7, 1]) + struct.pack("<H", 5000)]
    if function == 23:
        return [head + iin + bytes([52, 2, 7, 1, 0, 0])]
    if function in (2, 20, 21, 22):
        restarted[0] = restarted[0] and function != 2
        return [head + iin]
    return [head + bytes([iin[0], 0x01])]


class Outstation:
    """One outstation, number 10, of master 1."""

    def __init__(self, send: Callable[[bytes], object]) -> None:
        self.fragment = b""
        self.restarted = [True]
        self.send = send

    def take(self, whole: bytes) -> None:
        """Take one link frame of the master."""
        function, data = whole[3] & 0x4F, user_data(whole)
        if function == 0x40:
            self.send(frame(0x00, 1, 10, b""))
        if function not in (0x43, 0x44) or not data:
            return
        self.fragment = data[1:] if data[0] & 0x40 else self.fragment + data[1:]
        if function == 0x43:
            self.send(frame(0x00, 1, 10, b""))
        if data[0] & 0x80:
            for answer in answers(self.fragment, self.restarted):
                for segment in segments(answer):
                    self.send(frame(0x44, 1, 10, segment))


def serve_stream(address: str, port: int) -> None:
    """One connection after the other."""
    with socket.create_server((address, port)) as server:
        while True:
            stream, _ = server.accept()
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with stream, contextlib.suppress(ConnectionError):
                talk(stream)


def talk(stream: socket.socket) -> None:
    """Answer until the master leaves."""
    outstation, held = Outstation(stream.sendall), b""
    while data := stream.recv(4096):
        held += data
        while len(held) >= 10 and len(held) >= size(held[2]):
            outstation.take(held[: size(held[2])])
            held = held[size(held[2]) :]


def serve_datagrams(address: str, port: int) -> None:
    """Whoever asks is answered."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, port))
    while True:
        data, peer = server.recvfrom(4096)
        while data:
            Outstation(lambda whole, peer=peer: server.sendto(whole, peer)).take(data[: size(data[2])])
            data = data[size(data[2]) :]


{"tcp": serve_stream, "udp": serve_datagrams}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))

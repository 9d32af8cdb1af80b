"""Read capture files plainly: enough to count, compare and convert our own, and no more.

Formats: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng), both byte orders,
micro- and nanoseconds, plain or packed with gzip or zstd. Damaged input raises ValueError.
"""

import gzip
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 6),
    b"\xa1\xb2\xc3\xd4": (">", 6),
    b"\x4d\x3c\xb2\xa1": ("<", 9),
    b"\xa1\xb2\x3c\x4d": (">", 9),
}
LINK_TYPES = {0: "NULL", 1: "EN10MB", 101: "RAW", 108: "LOOP", 113: "LINUX_SLL", 276: "LINUX_SLL2"}
NG_SECTION, NG_INTERFACE, NG_SIMPLE, NG_PACKET = 0x0A0D0D0A, 1, 3, 6
NG_ORDERS = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
OPTION_END, IF_TSRESOL = 0, 9
NG_SMALLEST = 12
NANO = 9


@dataclass(frozen=True)
class Record:
    """One captured frame: time in nanoseconds since 1970, its bytes, its length on the wire."""

    nanos: int
    data: bytes
    wire_length: int


@dataclass(frozen=True)
class Block:
    """One pcapng block: its byte order, type and body (without type and lengths)."""

    order: str
    kind: int
    body: bytes


@dataclass(frozen=True)
class Summary:
    """What `summary` finds: format, link type, packets, and seconds from first to last packet."""

    format: str
    link_type: str
    packets: int
    seconds: float


def unpacked(path: Path) -> tuple[bytes, str]:
    """Return the capture's bytes and how they were packed ("", " gzip" or " zstd")."""
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        return gzip.decompress(data), " gzip"
    if data[:4] == b"\x28\xb5\x2f\xfd":
        return subprocess.run(["zstd", "-dcq", str(path)], capture_output=True, check=True, timeout=30).stdout, " zstd"
    return data, ""


def pcap_records(data: bytes) -> Iterator[Record]:
    """Yield the frames of a pcap file."""
    order, digits = MAGICS[data[:4]]
    position = 24
    while position < len(data):
        seconds, part, captured, wire = struct.unpack_from(order + "IIII", data, position)
        position += 16 + captured
        if position > len(data):
            raise ValueError("the last record is cut short")
        yield Record(seconds * 10**9 + part * 10 ** (9 - digits), data[position - captured : position], wire)


def pcapng_blocks(data: bytes) -> Iterator[Block]:
    """Yield the blocks of a pcapng file, each with its section's byte order."""
    position, order = 0, "<"
    while position < len(data):
        if data[position : position + 4] == b"\x0a\x0d\x0d\x0a":
            order = NG_ORDERS[data[position + 8 : position + 12]]
        kind, length = struct.unpack_from(order + "II", data, position)
        if length < NG_SMALLEST or position + length > len(data):
            raise ValueError("a block has a wrong length")
        yield Block(order, kind, data[position + 8 : position + length - 4])
        position += length


def options(order: str, body: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield code and value of each pcapng option."""
    position = 0
    while position + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, position)
        if code == OPTION_END:
            return
        yield code, body[position + 4 : position + 4 + length]
        position += 4 + length + -length % 4


def ticks_per_second(block: Block) -> int:
    """Return the clock of an interface block (option if_tsresol; a million without it)."""
    for code, value in options(block.order, block.body[8:]):
        if code == IF_TSRESOL:
            return int(2 ** (value[0] & 0x7F)) if value[0] & 0x80 else int(10 ** value[0])
    return 10**6


def pcapng_records(data: bytes) -> Iterator[Record]:
    """Yield the frames of a pcapng file's enhanced packet blocks."""
    clocks: list[int] = []
    for block in pcapng_blocks(data):
        if block.kind == NG_SECTION:
            clocks = []
        elif block.kind == NG_INTERFACE:
            clocks.append(ticks_per_second(block))
        elif block.kind == NG_PACKET:
            interface, high, low, captured, wire = struct.unpack_from(block.order + "IIIII", block.body)
            nanos = ((high << 32) + low) * 10**9 // clocks[interface]
            yield Record(nanos, block.body[20 : 20 + captured], wire)


def is_pcapng(data: bytes) -> bool:
    """Tell whether the bytes begin with a section header block."""
    return data[:4] == b"\x0a\x0d\x0d\x0a"


def records(path: Path) -> list[Record]:
    """Return all frames of a capture file."""
    data, _ = unpacked(path)
    return list(pcapng_records(data) if is_pcapng(data) else pcap_records(data))


def link_type(data: bytes) -> int:
    """Return the number of the (first) link type."""
    if not is_pcapng(data):
        return int(struct.unpack_from(MAGICS[data[:4]][0] + "I", data, 20)[0]) & 0xFFFF
    first = next(block for block in pcapng_blocks(data) if block.kind == NG_INTERFACE)
    return int(struct.unpack_from(first.order + "H", first.body)[0])


def format_name(data: bytes) -> str:
    """Return the format in words: kind, byte order, clock."""
    if is_pcapng(data):
        first = next(block for block in pcapng_blocks(data) if block.kind == NG_INTERFACE)
        order, fine = first.order, ticks_per_second(first) == 10**9
    else:
        order, fine = MAGICS[data[:4]][0], MAGICS[data[:4]][1] == NANO
    kind = "pcapng" if is_pcapng(data) else "pcap"
    return f"{kind} {'little' if order == '<' else 'big'}-endian {'nanoseconds' if fine else 'microseconds'}"


def summary(path: Path) -> Summary:
    """Return format, link type, packet count and duration of a capture file."""
    data, packing = unpacked(path)
    times = [record.nanos for record in records(path)]
    number = link_type(data)
    seconds = (max(times) - min(times)) / 1e9 if times else 0.0
    return Summary(format_name(data) + packing, LINK_TYPES.get(number, str(number)), len(times), seconds)

"""Write a capture anew in another format. Usage: convert.py KIND IN OUT

KIND: null, loop             link types 0 and 108, from a raw-IP capture
      pcap-big               pcap, big-endian, microseconds
      pcap-big-nano          pcap, big-endian, nanoseconds
      pcapng-big             pcapng, big-endian, nanoseconds
      pcapng-bare            the same pcapng without names of system, hardware and interface
"""

import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import capfile  # found beside this script

ETHERNET, NULL, LOOP = 1, 0, 108
AF_INET, AF_INET6_BSD, IPV4 = 2, 30, 4
MICRO = 6
SHB_KEEP: frozenset[int] = frozenset()
IDB_KEEP = frozenset({capfile.IF_TSRESOL})


def pcap(order: str, link: int, frames: list[capfile.Record], digits: int) -> bytes:
    """Return a pcap file; `digits` is 6 for microseconds and 9 for nanoseconds."""
    magic = 0xA1B2C3D4 if digits == MICRO else 0xA1B23C4D
    head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link)
    return head + b"".join(pcap_record(order, frame, digits) for frame in frames)


def pcap_record(order: str, frame: capfile.Record, digits: int) -> bytes:
    """Return one record of a pcap file."""
    seconds, nanos = divmod(frame.nanos, 10**9)
    part = nanos // 10 ** (9 - digits)
    return struct.pack(order + "IIII", seconds, part, len(frame.data), frame.wire_length) + frame.data


def with_family(frame: capfile.Record, order: str) -> capfile.Record:
    """Return a raw-IP frame behind the four-byte address family of types NULL and LOOP."""
    family = AF_INET if frame.data[0] >> 4 == IPV4 else AF_INET6_BSD
    return capfile.Record(frame.nanos, struct.pack(order + "I", family) + frame.data, frame.wire_length + 4)


def block(order: str, kind: int, body: bytes) -> bytes:
    """Return one pcapng block."""
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def pcapng(order: str, link: int, frames: list[capfile.Record]) -> bytes:
    """Return a pcapng file with nanosecond times."""
    section = struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)
    clock = struct.pack(order + "HHB3xHH", capfile.IF_TSRESOL, 1, 9, 0, 0)
    interface = struct.pack(order + "HHI", link, 0, 262144) + clock
    head = block(order, capfile.NG_SECTION, section) + block(order, capfile.NG_INTERFACE, interface)
    return head + b"".join(block(order, capfile.NG_PACKET, packet_body(order, frame)) for frame in frames)


def packet_body(order: str, frame: capfile.Record) -> bytes:
    """Return the body of an enhanced packet block."""
    high, low = divmod(frame.nanos, 1 << 32)
    return struct.pack(order + "IIIII", 0, high, low, len(frame.data), frame.wire_length) + frame.data


def kept_options(order: str, body: bytes, keep: frozenset[int]) -> bytes:
    """Return the options whose codes are in `keep`, closed by the end option."""
    kept = [(code, value) for code, value in capfile.options(order, body) if code in keep]
    parts = [struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4) for code, value in kept]
    return b"".join(parts) + struct.pack(order + "HH", 0, 0)


def bare(data: bytes) -> bytes:
    """Return a pcapng file without the options that tell of the machine, and without statistics."""
    out = []
    for one in capfile.pcapng_blocks(data):
        body = one.body
        if one.kind == capfile.NG_SECTION:
            body = body[:8] + struct.pack(one.order + "q", -1) + kept_options(one.order, body[16:], SHB_KEEP)
        elif one.kind == capfile.NG_INTERFACE:
            body = body[:8] + kept_options(one.order, body[8:], IDB_KEEP)
        elif one.kind not in (capfile.NG_PACKET, capfile.NG_SIMPLE):
            continue
        out.append(block(one.order, one.kind, body))
    return b"".join(out)


def converted(kind: str, path: Path) -> bytes:
    """Return the capture at `path` in the wanted form."""
    if kind == "pcapng-bare":
        return bare(path.read_bytes())
    frames = capfile.records(path)
    if kind == "null":
        return pcap("<", NULL, [with_family(frame, "<") for frame in frames], 6)
    if kind == "loop":
        return pcap("<", LOOP, [with_family(frame, ">") for frame in frames], 6)
    if kind == "pcapng-big":
        return pcapng(">", ETHERNET, frames)
    return pcap(">", ETHERNET, frames, 9 if kind == "pcap-big-nano" else 6)


def main() -> None:
    """Convert one file as the command line says."""
    kind, source, target = sys.argv[1:]
    Path(target).write_bytes(converted(kind, Path(source)))


if __name__ == "__main__":
    main()

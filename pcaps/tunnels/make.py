"""Craft one DNS query and answer in each tunnel: make.py FILE. The name tells the tunnel."""

import struct
import sys
from collections.abc import Iterator

from scapy.all import DNS, DNSQR, DNSRR, IP, UDP, Ether, IPv6, Raw, wrpcap

MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
OUTER = ("10.70.0.21", "10.70.0.22")
INNER = ("172.21.0.1", "172.21.0.2")
INNER6 = ("2001:db8:70::1", "2001:db8:70::2")


def messages(name: str) -> Iterator[tuple[int, DNS]]:
    """A query and its answer, each with its direction."""
    question = DNSQR(qname=f"{name}.example", qtype="A")
    yield 0, DNS(id=7, rd=1, qd=question)
    yield (
        1,
        DNS(
            id=7, qr=1, rd=1, ra=1, qd=question, an=DNSRR(rrname=f"{name}.example", type="A", ttl=60, rdata="192.0.2.1")
        ),
    )


def ip(ends: tuple[str, str], way: int) -> IP:
    """An IPv4 header one way or the other."""
    return IP(src=ends[way], dst=ends[1 - way], id=1)


def ether(way: int, kind: int | None = None) -> Ether:
    """An Ethernet header one way or the other."""
    head = Ether(src=MACS[way], dst=MACS[1 - way])
    return head if kind is None else Ether(src=MACS[way], dst=MACS[1 - way], type=kind)


def udp(way: int) -> UDP:
    """Ports of a DNS client and its server."""
    return UDP(sport=40000, dport=53) if way == 0 else UDP(sport=53, dport=40000)


def four(way: int, message: DNS) -> bytes:
    """The message over IPv4."""
    return bytes(ip(INNER, way) / udp(way) / message)


def six(way: int, message: DNS) -> bytes:
    """The message over IPv6."""
    return bytes(IPv6(src=INNER6[way], dst=INNER6[1 - way]) / udp(way) / message)


def framed(way: int, message: DNS) -> bytes:
    """The message in a whole frame."""
    return bytes(ether(way, 0x0800)) + four(way, message)


def mirrored(kind: int, head: bytes, flags: int) -> bytes:
    """A GRE header that holds a mirror's own."""
    return struct.pack(">HH", flags, kind) + (struct.pack(">I", 1) if flags else b"") + head


def over_gre(body: bytes) -> Ether:
    """One way only: mirrors send, and never get."""
    return ether(0, 0x0800) / IP(src=OUTER[0], dst=OUTER[1], id=1, proto=47) / Raw(body)


def over_udp(way: int, port: int, body: bytes) -> Ether:
    """Between two ports alike."""
    return ether(way, 0x0800) / ip(OUTER, way) / UDP(sport=port, dport=port) / Raw(body)


def mirrors() -> Iterator[Ether]:
    """ERSPAN of each kind."""
    second, third = bytes([0x10, 7, 0, 42, 0, 0, 0, 0]), bytes([0x20, 7, 0, 42, *[0] * 7, 1]) + bytes(8)
    for way, message in messages("erspan1"):
        yield over_gre(mirrored(0x88BE, b"", 0) + framed(way, message))
    for way, message in messages("erspan2"):
        yield over_gre(mirrored(0x88BE, second, 0x1000) + framed(way, message))
    for way, message in messages("erspan3"):
        yield over_gre(mirrored(0x22EB, third, 0x1000) + framed(way, message))


def frames() -> Iterator[Ether]:
    """All of them."""
    yield from mirrors()
    for way, message in messages("teredo"):
        yield over_udp(way, 3544, bytes([0, 0]) + bytes(6) + six(way, message))
    for way, message in messages("ayiya"):
        yield over_udp(way, 5072, bytes([0x40, 0x52, 0x11, 41]) + bytes(4 + 16 + 20) + six(way, message))
    for way, message in messages("vntag"):
        yield ether(way, 0x8926) / Raw(bytes([0, 1, 0, 2, 8, 0]) + four(way, message))
    for way, message in messages("etag"):
        yield ether(way, 0x893F) / Raw(bytes([0, 1, 0, 2, 0, 0, 8, 0]) + four(way, message))
    for way, message in messages("backbone"):
        yield ether(way, 0x88E7) / Raw(bytes([0, 0, 0, 9]) + framed(way, message))
    for way, message in messages("pseudowire"):
        yield ether(way, 0x8847) / Raw(bytes([0, 2, 1, 64]) + bytes(4) + framed(way, message))
    for way, message in messages("wordless"):
        yield ether(way, 0x8847) / Raw(bytes([0, 2, 1, 64]) + framed(way, message))
    yield (
        ether(0, 0x0800)
        / IP(src=OUTER[0], dst=OUTER[1], id=1, proto=132)
        / Raw(struct.pack(">HHII", 40000, 2905, 1, 0) + bytes([1, 0, 0, 20]) + bytes(16))
    )


wrpcap(sys.argv[1], list(frames()))

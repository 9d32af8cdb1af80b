"""Write interleaved.pcap: two DNS queries in fragments that take turns, and a third alone."""

from pathlib import Path

from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import IP, UDP, fragment
from scapy.layers.l2 import Ether
from scapy.packet import Packet
from scapy.utils import wrpcap

NAMES = ("first", "second", "third")


def pieces(number: int, name: str) -> list[Packet]:
    """One query in fragments of 16 bytes."""
    query = DNS(id=number, rd=1, qd=DNSQR(qname=f"{name}.limits.example"))
    ip = IP(src="192.0.2.10", dst="192.0.2.53", id=number)
    return list(fragment(ip / UDP(sport=40000 + number, dport=53) / query, fragsize=16))


def main() -> None:
    """Write it."""
    one, two, three = (pieces(number, name) for number, name in enumerate(NAMES, 1))
    turns = [piece for pair in zip(one, two, strict=False) for piece in pair]
    turns += [*one[len(two) :], *two[len(one) :], *three]
    frames = [Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / piece for piece in turns]
    for at, frame in enumerate(frames):
        frame.time = 1_700_000_000 + at / 1000
    wrpcap(str(Path(__file__).with_name("interleaved.pcap")), frames)


if __name__ == "__main__":
    main()

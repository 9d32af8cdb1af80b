"""A soft controller with a data block, flags, inputs and outputs, on port 102."""

import time

from snap7 import SrvArea
from snap7.server import Server


def main() -> None:
    server = Server()
    server.register_area(SrvArea.DB, 1, bytearray(range(128)))
    server.register_area(SrvArea.DB, 7, bytearray(64))
    server.register_area(SrvArea.MK, 0, bytearray(32))
    server.register_area(SrvArea.PE, 0, bytearray(16))
    server.register_area(SrvArea.PA, 0, bytearray(16))
    server.start(102)
    while True:
        time.sleep(1)


main()

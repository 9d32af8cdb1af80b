"""Write a client's first packet, whose handshake data begin beyond the limit."""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirecraft import Capture

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SALT = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
ID = bytes.fromhex("0102030405060708")
SIZE = 1200


def expand(secret: bytes, label: str, length: int) -> bytes:
    """HKDF-Expand-Label of one block (RFC 8446 7.1)."""
    name = b"tls13 " + label.encode()
    info = struct.pack("!HB", length, len(name)) + name + b"\0"
    return hmac.digest(secret, info + b"\1", hashlib.sha256)[:length]


def initial(frames: bytes) -> bytes:
    """Protect frames in an Initial packet (RFC 9001 5)."""
    secret = expand(hmac.digest(SALT, ID, hashlib.sha256), "client in", 32)
    key, iv, header_key = expand(secret, "quic key", 16), expand(secret, "quic iv", 12), expand(secret, "quic hp", 16)
    start = bytes([0xC3]) + struct.pack("!IB", 1, len(ID)) + ID + b"\0\0"
    length = SIZE - len(start) - 2
    header = start + struct.pack("!H", 0x4000 | length) + bytes(4)
    sealed = AESGCM(key).encrypt(iv, frames.ljust(length - 4 - 16, b"\0"), header)
    mask = Cipher(algorithms.AES(header_key), modes.ECB()).encryptor().update(sealed[:16])  # noqa: S305  (RFC 9001 5.4.3)
    first = bytes([header[0] ^ mask[0] & 0x0F])
    number = bytes(byte ^ other for byte, other in zip(header[-4:], mask[1:5], strict=True))
    return first + header[1:-4] + number + sealed


def make(capture: Capture) -> None:
    """Write them."""
    crypto = b"\6" + struct.pack("!IH", 0x8000_0000 | 1_000_000, 0x4000 | 64) + bytes(64)
    capture.udp(("192.0.2.1", 40001), ("192.0.2.43", 443), initial(crypto))
    # A server that offers 65 versions instead of the client's.
    client, server = ("192.0.2.2", 40002), ("192.0.2.43", 443)
    capture.udp(client, server, initial(b""))
    offered = b"".join(struct.pack("!I", 0x0A0A0A0A + 0x10 * at) for at in range(65))
    capture.udp(server, client, bytes([0x80, 0, 0, 0, 0, 0, len(ID)]) + ID + offered)

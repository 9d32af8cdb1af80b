"""Link frames of DNP3 with their CRCs (IEEE 1815-2012, 9.2), and transport segments."""


def crc(data: bytes) -> bytes:
    """CRC-16/DNP, low byte first."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA6BC if value & 1 else value >> 1
    return (value ^ 0xFFFF).to_bytes(2, "little")


def frame(control: int, destination: int, source: int, data: bytes) -> bytes:
    """One frame."""
    head = bytes([5, 0x64, len(data) + 5, control]) + destination.to_bytes(2, "little") + source.to_bytes(2, "little")
    blocks = [data[at : at + 16] for at in range(0, len(data), 16)]
    return head + crc(head) + b"".join(block + crc(block) for block in blocks)


def size(length: int) -> int:
    """Bytes of a whole frame, by its length byte."""
    data = length - 5
    return 10 + data + 2 * -(-data // 16)


def user_data(whole: bytes) -> bytes:
    """A frame's data without CRCs."""
    body = whole[10:]
    return b"".join(body[at : at + 18][:-2] for at in range(0, len(body), 18))


def segments(fragment: bytes) -> list[bytes]:
    """A fragment as transport segments."""
    parts = [fragment[at : at + 249] for at in range(0, len(fragment), 249)]
    last = len(parts) - 1
    return [bytes([(n == 0) << 6 | (n == last) << 7 | n & 0x3F]) + part for n, part in enumerate(parts)]

"""Hostile shapes of traffic: each a function from the number of packets wanted to at least so many frames."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterator

from crafted import ACK, ETHERNET, FIN, IPV4, MORE_FRAGMENTS, PUSH, RST, SYN, UDP, Ends, back, ip, tcp, udp

Shape = Callable[[int], Iterator[bytes]]

SHAPES: dict[str, Shape] = {}
"""Shapes by name."""

SERVER = bytes([192, 0, 2, 1])
OTHER = bytes([192, 0, 2, 2])
SEGMENT = 1200


def shape(make: Shape) -> Shape:
    """Add a shape under its function's name."""
    SHAPES[make.__name__] = make
    return make


def host(number: int) -> bytes:
    """Give an address of 10.0.0.0/8."""
    return struct.pack("!I", 0x0A000000 + (number & 0xFFFFFF))


def ends(number: int, port: int) -> Ends:
    """Give the ends of a flow from a client of that number."""
    return host(number), 1024 + number % 60000, SERVER, port


def opened(pair: Ends) -> Iterator[bytes]:
    """Give a TCP handshake; both sides go on with sequence number 1."""
    yield tcp(pair, 0, 0, SYN)
    yield tcp(back(pair), 0, 1, SYN | ACK)
    yield tcp(pair, 1, 1, ACK)


def stream(pair: Ends, data: bytes, size: int, *, answer: bytes = b"") -> Iterator[bytes]:
    """Give a connection whose client sends data in segments of that size, after the server's first words."""
    yield from opened(pair)
    if answer:
        yield tcp(back(pair), 1, 1, ACK | PUSH, answer)
    seq = 1
    for at in range(0, len(data), size):
        part = data[at : at + size]
        yield tcp(pair, seq, 1 + len(answer), ACK | PUSH, part)
        seq += len(part)


def forever(pair: Ends, size: int, pieces: Iterator[bytes], *, from_server: bytes = b"") -> Iterator[bytes]:
    """Give a connection whose client sends pieces without end, each cut into segments of that size."""
    yield from opened(pair)
    seq = 1
    if from_server:
        yield tcp(back(pair), 1, 1, ACK | PUSH, from_server)
    for piece in pieces:
        for at in range(0, len(piece), size):
            part = piece[at : at + size]
            yield tcp(pair, seq, 1 + len(from_server), ACK | PUSH, part)
            seq += len(part)


def answered(pair: Ends, question: bytes, pieces: Iterator[bytes], size: int = SEGMENT) -> Iterator[bytes]:
    """Give a connection whose server answers one question with pieces without end."""
    yield from opened(pair)
    yield tcp(pair, 1, 1, ACK | PUSH, question)
    seq = 1
    for piece in pieces:
        for at in range(0, len(piece), size):
            part = piece[at : at + size]
            yield tcp(back(pair), seq, 1 + len(question), ACK | PUSH, part)
            seq += len(part)


# Flows and streams.


@shape
def syn_flood(_: int) -> Iterator[bytes]:
    """A SYN from another address each."""
    for n in itertools.count():
        yield tcp(ends(n, 80), n, 0, SYN)


@shape
def port_sweep(_: int) -> Iterator[bytes]:
    """One pair of hosts, each pair of ports in turn, each refused."""
    for n in itertools.count():
        pair = (host(1), 1024 + n // 60000, SERVER, 1 + n % 60000)
        yield tcp(pair, 0, 0, SYN)
        yield tcp(back(pair), 0, 1, RST | ACK)


@shape
def reused_ports(_: int) -> Iterator[bytes]:
    """The same ports again and again: each SYN ends one conversation and begins another."""
    for n in itertools.count():
        yield tcp(ends(1, 80), n * 100_000, 0, SYN)
        yield tcp(back(ends(1, 80)), n * 70_000, n * 100_000 + 1, SYN | ACK)
        yield tcp(ends(1, 80), n * 100_000 + 1, n * 70_000 + 1, ACK | FIN)


@shape
def out_of_order(_: int) -> Iterator[bytes]:
    """Segments of one stream backwards, in runs of a hundred."""
    yield from opened(ends(1, 4444))
    for run in itertools.count():
        for place in reversed(range(100)):
            yield tcp(ends(1, 4444), 1 + (run * 100 + place) * 100, 1, ACK, b"x" * 100)


@shape
def many_gaps(_: int) -> Iterator[bytes]:
    """Every second segment is missing and nothing is acknowledged."""
    yield from opened(ends(1, 80))
    yield tcp(ends(1, 80), 1, 1, ACK | PUSH, b"GET / HTTP/1.1\r\n")
    for n in itertools.count():
        yield tcp(ends(1, 80), 100 + 20 * n, 1, ACK, b"x" * 10)


@shape
def many_gaps_backwards(count: int) -> Iterator[bytes]:
    """Every second segment is missing, the last one first."""
    yield from opened(ends(1, 80))
    yield tcp(ends(1, 80), 1, 1, ACK | PUSH, b"GET / HTTP/1.1\r\n")
    for n in reversed(range(count)):
        yield tcp(ends(1, 80), 100 + 4 * n, 1, ACK, b"xx")


@shape
def overlapping_segments(_: int) -> Iterator[bytes]:
    """Each segment lies over half of the one before, with other bytes."""
    yield from opened(ends(1, 80))
    for n in itertools.count():
        yield tcp(ends(1, 80), 2 + 50 * n, 1, ACK, bytes([n & 0xFF]) * 100)


@shape
def one_byte_segments(_: int) -> Iterator[bytes]:
    """A request's header that comes byte by byte."""
    head = (b"X-%d: y\r\n" % n for n in itertools.count())
    yield from forever(ends(1, 80), 1, itertools.chain([b"GET / HTTP/1.1\r\n"], head))


@shape
def one_byte_unknown(_: int) -> Iterator[bytes]:
    """Connections that say one byte each way, of no protocol."""
    for n in itertools.count():
        pair = ends(n, 4444)
        yield from opened(pair)
        yield tcp(pair, 1, 1, ACK | PUSH, b"\xf1")
        yield tcp(back(pair), 1, 2, ACK | PUSH, b"\xf2")


@shape
def window_probes(_: int) -> Iterator[bytes]:
    """The byte before the next, sent again and again, each acknowledged."""
    yield from opened(ends(1, 80))
    yield tcp(ends(1, 80), 1, 1, ACK | PUSH, b"GET / HTTP/1.1\r\n")
    while True:
        yield tcp(ends(1, 80), 16, 1, ACK, b"\n")
        yield tcp(back(ends(1, 80)), 1, 17, ACK)


# Fragments and layers.


@shape
def fragments_never_whole(_: int) -> Iterator[bytes]:
    """The first fragment of another datagram each."""
    for n in itertools.count():
        body = struct.pack("!HHHH", 1024, 53, 200, 0) + b"x" * 56
        yield ETHERNET + IPV4 + ip(host(n >> 16), SERVER, UDP, body, number=n & 0xFFFF, place=MORE_FRAGMENTS)


@shape
def fragments_tiny(_: int) -> Iterator[bytes]:
    """Datagrams in fragments of eight bytes, every second one missing."""
    for n in itertools.count():
        place = MORE_FRAGMENTS | 2 * (n % 4000)
        yield ETHERNET + IPV4 + ip(host(n // 4000), SERVER, UDP, b"x" * 8, number=n // 4000 & 0xFFFF, place=place)


@shape
def fragments_overlapping(_: int) -> Iterator[bytes]:
    """Fragments of one datagram that lie over each other with other bytes."""
    for n in itertools.count():
        place = MORE_FRAGMENTS | (n % 60)
        body = bytes([n & 0xFF]) * 64
        yield ETHERNET + IPV4 + ip(host(1), SERVER, UDP, body, number=n // 6000 & 0xFFFF, place=place)


@shape
def deep_tunnels(_: int) -> Iterator[bytes]:
    """Four tunnels in each other behind as many tags as are read, another inner flow each."""
    for n in itertools.count():
        inner = tcp(ends(n, 80), 0, 0, SYN)[14:]
        for depth in range(4):
            inner = ip(host(depth), OTHER, 4, inner)
        yield ETHERNET + b"\x81\x00\x00\x01" * 8 + IPV4 + inner


@shape
def too_deep(_: int) -> Iterator[bytes]:
    """More tags than are read."""
    while True:
        yield ETHERNET + b"\x81\x00\x00\x01" * 300 + IPV4


# Names and addresses.


@shape
def dns_pointer_loops(_: int) -> Iterator[bytes]:
    """Answers whose names are chains of pointers that end in a loop."""
    for n in itertools.count():
        head = struct.pack("!6H", n & 0xFFFF, 0x8180, 1, 60, 0, 0)
        chain = b"".join(struct.pack("!H", 0xC000 + 12 + 2 * (k + 1) % 80) for k in range(40))
        record = struct.pack("!HHHIH", 0xC010, 1, 1, 60, 4) + b"\x7f\0\0\1"
        yield udp(back(ends(n % 64, 53)), head + chain + b"\0\1\0\1" + record * 60)


@shape
def dns_many_records(_: int) -> Iterator[bytes]:
    """Answers of a hundred records under one compressed name."""
    for n in itertools.count():
        pair, name = ends(n % 64, 53), b"\3www\7example\3org\0\0\1\0\1"
        yield udp(pair, struct.pack("!6H", n & 0xFFFF, 0x100, 1, 0, 0, 0) + name)
        record = struct.pack("!HHHIH", 0xC00C, 1, 1, 60, 4)
        body = b"".join(record + host(k) for k in range(80))
        yield udp(back(pair), struct.pack("!6H", n & 0xFFFF, 0x8180, 1, 80, 0, 0) + name + body)


@shape
def dns_unanswered(_: int) -> Iterator[bytes]:
    """Questions in one flow that nobody answers."""
    for n in itertools.count():
        yield udp(ends(1, 53), struct.pack("!6H", n & 0xFFFF, 0x100, 1, 0, 0, 0) + b"\3www\7example\3org\0\0\1\0\1")


def dhcp(kind: int, number: int) -> bytes:
    """Make a DHCP message of another client each."""
    head = struct.pack("!BBBBIHH", 1, 1, 6, 0, number, 0, 0x8000) + bytes(16)
    return head + struct.pack("!HI", 0x0200, number) + bytes(10 + 192) + b"\x63\x82\x53\x63\x35\1" + bytes([kind, 255])


@shape
def dhcp_starvation(_: int) -> Iterator[bytes]:
    """A discover of another client each, none answered."""
    for n in itertools.count():
        yield udp((bytes(4), 68, b"\xff\xff\xff\xff", 67), dhcp(1, n))


@shape
def dhcp_many_relays(_: int) -> Iterator[bytes]:
    """Requests of another client from another address each."""
    for n in itertools.count():
        yield udp((host(n), 67, SERVER, 67), dhcp(3, n))


@shape
def name_service(_: int) -> Iterator[bytes]:
    """Queries for NetBIOS names that nobody answers."""
    name = b"\x20" + b"CK" + b"A" * 30 + b"\0\0\x21\0\1"
    for n in itertools.count():
        yield udp((host(n % 200), 137, SERVER, 137), struct.pack("!6H", n & 0xFFFF, 0, 1, 0, 0, 0) + name)


# Requests and answers.


@shape
def many_headers(_: int) -> Iterator[bytes]:
    """Requests of two hundred headers each."""
    head = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(190)) + b"\r\n"
    yield from forever(ends(1, 80), SEGMENT, itertools.repeat(head))


@shape
def endless_header(_: int) -> Iterator[bytes]:
    """One header line without an end."""
    yield from forever(ends(1, 80), 100, itertools.chain([b"GET / HTTP/1.1\r\nX: "], itertools.repeat(b"x" * 1000)))


@shape
def pipelined(_: int) -> Iterator[bytes]:
    """Requests without answers, many a segment."""
    yield from forever(ends(1, 80), SEGMENT, itertools.repeat(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 40))


@shape
def tiny_chunks(_: int) -> Iterator[bytes]:
    """A body in chunks of one byte."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = itertools.chain([head], itertools.repeat(b"1\r\na\r\n" * 200))
    yield from answered(ends(1, 80), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", pieces)


@shape
def tiny_parts(_: int) -> Iterator[bytes]:
    """A form of many empty parts."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n"
    part = b'--b\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\nx\r\n'
    yield from forever(ends(1, 80), SEGMENT, itertools.chain([head], itertools.repeat(part * 20)))


@shape
def websocket_tiny_frames(_: int) -> Iterator[bytes]:
    """A WebSocket that carries frames of one byte."""
    pair = ends(1, 80)
    ask = (
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    say = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    )
    yield from answered(pair, ask, itertools.chain([say], itertools.repeat(b"\x82\x01a" * 300)))


def http2(kind: int, flags: int, number: int, body: bytes) -> bytes:
    """Make an HTTP/2 frame."""
    return len(body).to_bytes(3, "big") + bytes([kind, flags]) + number.to_bytes(4, "big") + body


HTTP2_START = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + http2(4, 0, 0, b"")
HTTP2_HEAD = b"\x82\x86\x84\x41\x01a"


@shape
def http2_header_bomb(_: int) -> Iterator[bytes]:
    """One long header put into the table, then named a thousand times a request."""
    put = b"\x40\x01x\x7f\x81\x1e" + b"y" * 4000
    first = http2(1, 4, 1, HTTP2_HEAD + put)
    bombs = (http2(1, 5, 3 + 2 * n, HTTP2_HEAD + b"\xbe" * 1000) for n in itertools.count())
    yield from forever(ends(1, 80), SEGMENT, itertools.chain([HTTP2_START, first], bombs))


@shape
def http2_rapid_reset(_: int) -> Iterator[bytes]:
    """Streams that are opened and reset at once."""
    pairs = (http2(1, 5, n, HTTP2_HEAD) + http2(3, 0, n, b"\0\0\0\x08") for n in itertools.count(1, 2))
    yield from forever(ends(1, 80), SEGMENT, itertools.chain([HTTP2_START], pairs))


@shape
def http2_continuations(_: int) -> Iterator[bytes]:
    """A block of headers that goes on and on."""
    more = itertools.repeat(http2(9, 0, 1, b"\x82" * 50) * 10)
    yield from forever(ends(1, 80), SEGMENT, itertools.chain([HTTP2_START, http2(1, 0, 1, HTTP2_HEAD)], more))


@shape
def tls_tiny_records(_: int) -> Iterator[bytes]:
    """Client hellos in records of one byte."""
    body = b"\x03\x03" + bytes(32) + b"\0\0\x04\x13\x01\x13\x02\x01\0\0\0"
    hello = b"\x01" + len(body).to_bytes(3, "big") + body
    records = b"".join(b"\x16\x03\x01\0\x01" + bytes([byte]) for byte in hello)
    for n in itertools.count():
        yield from stream(ends(n, 443), records, 6)


@shape
def tls_empty_records(_: int) -> Iterator[bytes]:
    """A handshake that begins, then records of nothing."""
    begin = b"\x16\x03\x01\0\x05\x01\0\x10\0\x03"
    yield from forever(ends(1, 443), SEGMENT, itertools.chain([begin], itertools.repeat(b"\x16\x03\x01\0\0" * 200)))


@shape
def quic_connection_ids(_: int) -> Iterator[bytes]:
    """First packets of QUIC with another connection id each, in one flow."""
    for n in itertools.count():
        dcid = struct.pack("!Q", n)
        head = b"\xc0\0\0\0\x01\x08" + dcid + b"\0\0\x44\x90"
        yield udp(ends(1, 443), head + bytes(0x490))


# Sessions.


def netbios(message: bytes) -> bytes:
    """Put a message behind its length."""
    return len(message).to_bytes(4, "big") + message


def smb2(command: int, number: int, body: bytes, following: int) -> bytes:
    """Make an SMB2 request of a chain."""
    head = (b"\xfeSMB", 64, 1, 0, command, 1, 0, following, number, 0, 1, 1)
    return struct.pack("<4sHHIHHIIQIIQ", *head) + bytes(16) + body


@shape
def smb_chains(_: int) -> Iterator[bytes]:
    """Messages of two hundred requests each, none answered."""
    chains = (
        netbios(b"".join(smb2(13, n * 200 + k, b"\x04\0\0\0" + bytes(4), 72) for k in range(200)))
        for n in itertools.count()
    )
    yield from forever(ends(1, 445), SEGMENT, chains)


@shape
def smb_creates(_: int) -> Iterator[bytes]:
    """Files that are asked for, none answered."""
    name = "a".encode("utf-16-le") * 40
    body = struct.pack("<HBBIQQIIIIIHHII", 57, 0, 0, 2, 0, 0, 0x80, 0, 7, 1, 0, 120, len(name), 0, 0) + name
    yield from forever(ends(1, 445), SEGMENT, (netbios(smb2(5, n, body, 0)) for n in itertools.count()))


def ber(tag: int, body: bytes) -> bytes:
    """Make a BER element."""
    size = len(body)
    if size < 0x80:  # noqa: PLR2004
        return bytes([tag, size]) + body
    return bytes([tag, 0x82]) + struct.pack("!H", size) + body


@shape
def ldap_deep_filters(_: int) -> Iterator[bytes]:
    """Searches whose filters lie two hundred deep."""
    inner = ber(0x87, b"a")
    for _ in range(200):
        inner = ber(0xA2, inner)
    search = b"\x04\0\x0a\x01\x02\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0" + inner + b"\x30\0"
    pieces = (ber(0x30, b"\x02\x02" + struct.pack("!H", 1 + n % 32000) + ber(0x63, search)) for n in itertools.count())
    yield from forever(ends(1, 389), SEGMENT, pieces)


@shape
def ldap_wide_filters(_: int) -> Iterator[bytes]:
    """Searches over a thousand attributes."""
    search = (
        b"\x04\0\x0a\x01\x02\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0" + ber(0xA1, ber(0x87, b"a") * 1000) + b"\x30\0"
    )
    pieces = (ber(0x30, b"\x02\x02" + struct.pack("!H", 1 + n % 32000) + ber(0x63, search)) for n in itertools.count())
    yield from forever(ends(1, 389), SEGMENT, pieces)


@shape
def ftp_data_links(_: int) -> Iterator[bytes]:
    """Sessions that announce data connections which never come."""
    for n in itertools.count():
        pair = ends(n, 21)
        lines = b"".join(b"PORT 10,0,0,1,%d,%d\r\n" % (100 + k % 100, k % 256) for k in range(4))
        yield from stream(pair, b"USER a\r\n" + lines, SEGMENT, answer=b"220 ready\r\n")


@shape
def ftp_data_flows(_: int) -> Iterator[bytes]:
    """While one announcement waits, connections from everywhere."""
    yield from stream(ends(1, 21), b"USER a\r\nPORT 10,0,0,1,99,99\r\n", SEGMENT, answer=b"220 ready\r\n")
    for n in itertools.count():
        yield tcp(ends(n, 20), 0, 0, SYN)


@shape
def mail_lines(_: int) -> Iterator[bytes]:
    """A mail of empty lines."""
    start = b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: x\r\n\r\n"
    pieces = itertools.chain([start], itertools.repeat(b"\r\n" * 500))
    yield from forever(ends(1, 25), SEGMENT, pieces, from_server=b"220 a ESMTP\r\n")


@shape
def mail_recipients(_: int) -> Iterator[bytes]:
    """A mail to more and more recipients."""
    pieces = itertools.chain([b"EHLO a\r\nMAIL FROM:<a@b>\r\n"], (b"RCPT TO:<%d@d>\r\n" % n for n in itertools.count()))
    yield from forever(ends(1, 25), SEGMENT, pieces, from_server=b"220 a ESMTP\r\n")


@shape
def remote_calls(_: int) -> Iterator[bytes]:
    """Calls of DCE/RPC in fragments of a byte, none the last."""
    bind = struct.pack("<BBBBIHHI", 5, 0, 11, 3, 0x10, 72, 0, 1) + struct.pack(
        "<HHIBBHHBB", 4280, 4280, 0, 1, 0, 0, 0, 1, 0
    )
    bind += bytes(16) + struct.pack("<I", 1) + bytes(16) + struct.pack("<I", 2)
    call = struct.pack("<BBBBIHHI", 5, 0, 0, 0, 0x10, 25, 0, 2) + struct.pack("<IHH", 1, 0, 0) + b"x"
    yield from forever(ends(1, 135), SEGMENT, itertools.chain([bind], itertools.repeat(call * 40)))


@shape
def modbus_unanswered(_: int) -> Iterator[bytes]:
    """Requests of Modbus that nobody answers."""
    pieces = (struct.pack("!HHHBBHH", n & 0xFFFF, 0, 6, 1, 3, 0, 1) * 50 for n in itertools.count())
    yield from forever(ends(1, 502), SEGMENT, pieces)


@shape
def kerberos_unanswered(_: int) -> Iterator[bytes]:
    """Tickets that are asked for in one flow, none given."""
    realm = ber(0xA2, ber(0x1B, b"EXAMPLE.ORG"))
    name = ber(0x30, ber(0xA0, b"\x02\x01\x01") + ber(0xA1, ber(0x30, ber(0x1B, b"alice"))))
    until = (
        ber(0xA5, ber(0x18, b"20370101000000Z")) + ber(0xA7, b"\x02\x01\x07") + ber(0xA8, ber(0x30, b"\x02\x01\x12"))
    )
    body = ber(0xA4, ber(0x30, ber(0xA0, b"\x03\x05\0\0\0\0\0") + ber(0xA1, name) + realm + ber(0xA3, name) + until))
    message = ber(0x6A, ber(0x30, ber(0xA1, b"\x02\x01\x05") + ber(0xA2, b"\x02\x01\x0a") + body))
    while True:
        yield udp(ends(1, 88), message)

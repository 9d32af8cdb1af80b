"""Packets described as data: layers and whole conversations, made into frames by scapy.

Nothing in a description is evaluated: layers and their fields come from a closed list,
and addresses must be literal, so that no name is ever looked up.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from detectors import crafting_dns, crafting_tls

Frame = tuple[int, int, bytes]
# What a test file says, not yet checked; and a layer of scapy, which is not typed.
Described = Any
Packet = Any

START_NS: Final = 1_767_225_600_000_000_000  # 2026-01-01, long before any test's clock matters
STEP_NS: Final = 1_000_000
LINK_ETHERNET: Final = 1
SEGMENT: Final = 1_400
FIRST_PORT: Final = 40_000
MAX_FRAMES: Final = 5_000
CLIENT: Final = "192.0.2.10"
SERVER: Final = "198.51.100.20"

_MACS: Final = ("02:00:00:00:00:01", "02:00:00:00:00:02")
_MAC: Final = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", re.IGNORECASE)


class CraftError(ValueError):
    """The description cannot be made into packets; the text says why."""


class Tape:
    """Frames in the making, one millisecond apart unless told otherwise."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.conversations = 0
        self._now = START_NS

    def add(self, packet: Packet) -> None:
        """One packet; IP without link layer gets an Ethernet header."""
        if len(self.frames) >= MAX_FRAMES:
            raise CraftError(f"more than {MAX_FRAMES} frames in one case")
        self.frames.append((self._now, LINK_ETHERNET, bytes(packet)))
        self._now += STEP_NS

    def wait(self, seconds: float) -> None:
        """Let packet time pass."""
        self._now += int(seconds * 1_000_000_000)


def craft(steps: Sequence[Mapping[str, Any]]) -> list[Frame]:
    """Frames (time, link type, bytes) of all steps, in order. Raises CraftError."""
    tape = Tape()
    for step in steps:
        if not isinstance(step, Mapping):
            raise CraftError("each packet step is a mapping")
        _run_step(tape, dict(step))
    return tape.frames


def _run_step(tape: Tape, step: dict[str, Any]) -> None:
    repeat = _integer(step.pop("repeat", 1), 1, MAX_FRAMES)
    wait = float(step.pop("wait", 0))
    if len(step) != 1:
        raise CraftError(f"a packet step has one of {', '.join(_STEPS)}, besides repeat and wait")
    name, value = next(iter(step.items()))
    if name not in _STEPS:
        raise CraftError(f"unknown packet step `{name}`: one of {', '.join(_STEPS)}")
    _require_known(name, value)
    for turn in range(repeat):
        tape.wait(wait)
        _STEPS[name](tape, value, turn)


# -- layers -------------------------------------------------------------------------------


def _require_known(name: str, value: Described) -> None:
    """Refuses keys that nobody reads, which would look like a test of something."""
    _require_keys(name, value, _KEYS.get(name))
    for part in ("request", "response") if name == "http" else ():
        given = value.get(part) or {}
        if given != "none":
            _require_keys(part, given, _MESSAGE)
            if not isinstance(given.get("headers") or {}, Mapping):
                raise CraftError("`headers` is a mapping of names to values")


def _require_keys(name: str, value: Described, known: frozenset[str] | None) -> None:
    if known is None:
        return
    if not isinstance(value, Mapping):
        raise CraftError(f"`{name}` is a mapping")
    unknown = sorted(str(key) for key in value if key not in known)
    if unknown:
        raise CraftError(f"`{name}` has no `{unknown[0]}`: there are {', '.join(sorted(known))}")


def _layers(tape: Tape, layers: Described, turn: int) -> None:
    """`[{Ether: {..}}, {IP: {..}}, {UDP: {..}}, {Raw: "text"}]`; sport grows with each repeat."""
    if not isinstance(layers, list) or not layers:
        raise CraftError("layers is a list of one layer each")
    packet: Packet = None
    for layer in layers:
        made = _layer(layer, turn)
        packet = made if packet is None else packet / made
    scapy = _scapy()
    tape.add(packet if isinstance(packet, scapy.Ether) else _ether(0) / packet)


def _layer(layer: Described, turn: int) -> Packet:
    if not isinstance(layer, Mapping) or len(layer) != 1:
        raise CraftError("each layer is a mapping with one name")
    name, fields = next(iter(layer.items()))
    if name == "Raw":
        return _scapy().Raw(octets(fields))
    allowed = _LAYERS.get(name)
    if allowed is None:
        raise CraftError(f"unknown layer `{name}`: one of Raw, {', '.join(_LAYERS)}")
    checked = {key: _field(name, key, value, allowed) for key, value in (fields or {}).items()}
    if "sport" in checked:
        checked["sport"] = (checked["sport"] + turn) % 65_536
    return getattr(_scapy(), name)(**checked)


def _field(layer: str, key: str, value: Described, allowed: Mapping[str, Callable[[Any], Any]]) -> Packet:
    if key not in allowed:
        raise CraftError(f"{layer} has no field `{key}` here: one of {', '.join(allowed)}")
    return allowed[key](value)


def _integer(value: Described, low: int = 0, high: int = 2**32 - 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise CraftError(f"{value!r} is no number from {low} to {high}")
    return value


def _ip(value: Described) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError as error:
        raise CraftError(f"{value!r} is no address") from error


def _mac(value: Described) -> str:
    if not isinstance(value, str) or not _MAC.fullmatch(value):
        raise CraftError(f"{value!r} is no link address")
    return value


def _flags(value: Described) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z+]{0,10}", value):
        raise CraftError(f"{value!r} are no flags")
    return value


_LAYERS: Final[dict[str, dict[str, Callable[[Any], Any]]]] = {
    "Ether": {"src": _mac, "dst": _mac, "type": _integer},
    "Dot1Q": {"vlan": _integer, "prio": _integer},
    "IP": {
        "src": _ip,
        "dst": _ip,
        "ttl": _integer,
        "id": _integer,
        "proto": _integer,
        "tos": _integer,
        "frag": _integer,
        "flags": _flags,
    },
    "IPv6": {"src": _ip, "dst": _ip, "hlim": _integer, "nh": _integer},
    "TCP": {
        "sport": _integer,
        "dport": _integer,
        "seq": _integer,
        "ack": _integer,
        "window": _integer,
        "flags": _flags,
    },
    "UDP": {"sport": _integer, "dport": _integer},
    "ICMP": {"type": _integer, "code": _integer, "id": _integer, "seq": _integer},
}


# -- conversations ------------------------------------------------------------------------


def _ends(tape: Tape, step: Mapping[str, Any], port: int, turn: int) -> tuple[str, str, int, int]:
    """Client and server address, client and server port; each conversation from its own port."""
    client, server = _ip(step.get("client", CLIENT)), _ip(step.get("server", SERVER))
    if ipaddress.ip_address(client).version != ipaddress.ip_address(server).version:
        raise CraftError("client and server are of different IP versions")
    given = step.get("client_port")
    sport = FIRST_PORT + tape.conversations if given is None else _integer(given, 1, 65_535) + turn
    sport = sport % 65_536 or 1
    tape.conversations += 1
    return client, server, sport, _integer(step.get("port", port), 1, 65_535)


def _header(source: str, destination: str, side: int) -> Packet:
    scapy = _scapy()
    layer = scapy.IP if ipaddress.ip_address(source).version == 4 else scapy.IPv6  # noqa: PLR2004
    return _ether(side) / layer(src=source, dst=destination)


def _ether(side: int) -> Packet:
    return _scapy().Ether(src=_MACS[side], dst=_MACS[1 - side])


def _udp(tape: Tape, step: Described, turn: int) -> None:
    """`{client, server, port, send: [{client: bytes}, {server: bytes}]}`."""
    client, server, sport, dport = _ends(tape, step, 9_999, turn)
    scapy = _scapy()
    for side, data in _turns(step):
        ends = (client, server, sport, dport) if side == 0 else (server, client, dport, sport)
        udp = scapy.UDP(sport=ends[2], dport=ends[3])
        tape.add(_header(ends[0], ends[1], side) / udp / scapy.Raw(data))


def _tcp(tape: Tape, step: Described, turn: int) -> None:
    """A conversation with handshake and end; `close`: fin, rst or none; `answer`: false = no SYN-ACK."""
    conversation = _Tcp(tape, *_ends(tape, step, 9_999, turn))
    conversation.open(answered=bool(step.get("answer", True)))
    for side, data in _turns(step):
        conversation.send(side, data)
    conversation.close(str(step.get("close", "fin")))


class _Tcp:
    """One TCP connection on a tape, with right sequence numbers and both sides' segments."""

    def __init__(self, tape: Tape, client: str, server: str, sport: int, dport: int) -> None:
        self._tape = tape
        self._ends = ((client, server, sport, dport), (server, client, dport, sport))
        self._sequence = [1_000, 5_000]
        self._open = False

    def open(self, *, answered: bool) -> None:
        self._segment(0, "S", ack=False)
        self._open = answered
        if answered:
            self._segment(1, "SA")
            self._segment(0, "A")

    def send(self, side: int, data: bytes) -> None:
        for start in range(0, len(data), SEGMENT):
            self._segment(side, "PA", data[start : start + SEGMENT])
        self._segment(1 - side, "A")

    def close(self, how: str) -> None:
        if how not in ("fin", "rst", "none"):
            raise CraftError("close is fin, rst or none")
        if how == "rst":
            self._segment(1, "RA")
        elif how == "fin" and self._open:
            self._segment(0, "FA")
            self._segment(1, "FA")
            self._segment(0, "A")

    def _segment(self, side: int, flags: str, data: bytes = b"", *, ack: bool = True) -> None:
        scapy = _scapy()
        source, destination, sport, dport = self._ends[side]
        tcp = scapy.TCP(
            sport=sport,
            dport=dport,
            flags=flags,
            seq=self._sequence[side],
            ack=self._sequence[1 - side] if ack else 0,
        )
        payload = scapy.Raw(data) if data else scapy.NoPayload()
        self._tape.add(_header(source, destination, side) / tcp / payload)
        self._sequence[side] += len(data) + ("S" in flags or "F" in flags)


def _turns(step: Mapping[str, Any]) -> list[tuple[int, bytes]]:
    """(0 for the client or 1 for the server, bytes) of `send`."""
    sides = {"client": 0, "server": 1}
    turns: list[tuple[int, bytes]] = []
    for item in step.get("send", []):
        if not isinstance(item, Mapping) or len(item) != 1 or not item.keys() <= sides.keys():
            raise CraftError("send is a list of {client: bytes} and {server: bytes}")
        name, data = next(iter(item.items()))
        turns.append((sides[name], octets(data)))
    return turns


def _http(tape: Tape, step: Described, turn: int) -> None:
    """`{client, server, port, request: {..}, response: {..} or none}`; a list in place of both: pipelined."""
    conversation = _Tcp(tape, *_ends(tape, step, 80, turn))
    conversation.open(answered=True)
    conversation.send(0, _request(step.get("request") or {}))
    response = step.get("response", {})
    if response != "none":
        conversation.send(1, _response(response or {}))
    conversation.close("fin")


def _request(request: Mapping[str, Any]) -> bytes:
    headers = {"Host": "www.example.org", **(request.get("headers") or {})}
    start = f"{request.get('method', 'GET')} {request.get('target', '/')} HTTP/{request.get('version', '1.1')}"
    return _message(start, headers, request.get("body", ""))


def _response(response: Mapping[str, Any]) -> bytes:
    headers = {"Server": "test", **(response.get("headers") or {})}
    start = f"HTTP/1.1 {response.get('status', 200)} {response.get('reason', 'OK')}"
    return _message(start, headers, response.get("body", ""), always_length=True)


def _message(start: str, headers: Mapping[str, Any], body: Described, *, always_length: bool = False) -> bytes:
    content = octets(body)
    lines = [start, *(f"{name}: {value}" for name, value in headers.items() if value is not None)]
    if content or always_length:
        lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + content


def _dns(tape: Tape, step: Described, turn: int) -> None:
    """One question and its answer over UDP; `response: none` leaves the answer out."""
    client, server, sport, dport = _ends(tape, step, 53, turn)
    udp = _scapy().UDP
    raw = _scapy().Raw
    number = (_integer(step.get("id", 1_234), 0, 65_535) + turn) % 65_536
    try:
        question = crafting_dns.query(step, number)
        reply = crafting_dns.answer(step, number, octets)
    except (KeyError, ValueError, TypeError) as error:
        raise CraftError(f"dns: {error}") from error
    tape.add(_header(client, server, 0) / udp(sport=sport, dport=dport) / raw(question))
    if step.get("response") != "none":
        tape.add(_header(server, client, 1) / udp(sport=dport, dport=sport) / raw(reply))


def _tls(tape: Tape, step: Described, turn: int) -> None:
    """A handshake as far as it is in clear; see crafting_tls for its keys."""
    conversation = _Tcp(tape, *_ends(tape, step, 443, turn))
    conversation.open(answered=True)
    try:
        hello, answer = crafting_tls.handshake(step, START_NS // 1_000_000_000)
    except (KeyError, ValueError, TypeError) as error:
        raise CraftError(f"tls: {error}") from error
    conversation.send(0, hello)
    conversation.send(1, answer)
    conversation.close("fin")


def octets(value: Described) -> bytes:
    """Bytes of a value: text as UTF-8, `hex:0a0b` as hex, `{text, times}` repeated."""
    if isinstance(value, Mapping):
        return octets(value.get("text", "")) * _integer(value.get("times", 1), 0, 1_000_000)
    text = str(value)
    if not text.startswith("hex:"):
        return text.encode("utf-8", "surrogateescape")
    try:
        return bytes.fromhex(text[4:])
    except ValueError as error:
        raise CraftError(f"{text!r} is no hex") from error


_ENDS: Final = frozenset({"client", "server", "client_port", "port"})
_MESSAGE: Final = frozenset({"method", "target", "version", "headers", "body", "status", "reason"})
_KEYS: Final[dict[str, frozenset[str]]] = {
    "udp": _ENDS | {"send"},
    "tcp": _ENDS | {"send", "close", "answer"},
    "http": _ENDS | {"request", "response"},
    "dns": _ENDS | {"query", "type", "class", "id", "opcode", "z", "rcode", "answers", "response"},
    "tls": _ENDS | {"version", "client_version", "ciphers", "cipher", "server_name", "alpn", "certificate"},
}

_STEPS: Final[dict[str, Callable[[Tape, Any, int], None]]] = {
    "layers": _layers,
    "udp": _udp,
    "tcp": _tcp,
    "http": _http,
    "dns": _dns,
    "tls": _tls,
}


def _scapy() -> Packet:
    """Scapy, imported only where packets are made: it is slow to load, and GPL-2.0-only."""
    import scapy.all  # noqa: PLC0415

    return scapy.all

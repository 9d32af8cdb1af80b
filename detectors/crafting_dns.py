"""DNS messages as bytes (RFC 1035 4.1), with every header bit in the writer's hand."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

MAX_LABEL: Final = 63
TYPES: Final = {
    "A": 1,
    "NS": 2,
    "CNAME": 5,
    "SOA": 6,
    "NULL": 10,
    "PTR": 12,
    "MX": 15,
    "TXT": 16,
    "AAAA": 28,
    "SRV": 33,
    "AXFR": 252,
    "ANY": 255,
}
_RESPONSE: Final = 0x8000
_RECURSION: Final = {"query": 0x0100, "answer": 0x0180}
_OPCODE_SHIFT: Final = 11
_Z: Final = 0x0040

Octets = Callable[[Any], bytes]


def query(step: Mapping[str, Any], identifier: int) -> bytes:
    """The question. Keys of `step`: query, type, class, opcode, z."""
    flags = _RECURSION["query"] | _common(step)
    return struct.pack(">6H", identifier, flags, 1, 0, 0, 0) + _question(step)


def answer(step: Mapping[str, Any], identifier: int, octets: Octets) -> bytes:
    """The reply. Further keys: rcode, answers ([{name, type, ttl, data}])."""
    answers = step.get("answers", [])
    flags = _RESPONSE | _RECURSION["answer"] | _common(step) | (int(step.get("rcode", 0)) & 15)
    records = b"".join(_record(step, item, octets) for item in answers)
    return struct.pack(">6H", identifier, flags, 1, len(answers), 0, 0) + _question(step) + records


def name(text: str) -> bytes:
    """A name as labels with their lengths. Raises ValueError for a label over 63 bytes."""
    labels = [label.encode("utf-8", "surrogateescape") for label in text.split(".") if label]
    if any(len(label) > MAX_LABEL for label in labels):
        raise ValueError(f"a label of a name is longer than {MAX_LABEL} bytes")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _common(step: Mapping[str, Any]) -> int:
    opcode = int(step.get("opcode", 0)) & 15
    return opcode << _OPCODE_SHIFT | (_Z if step.get("z") else 0)


def _question(step: Mapping[str, Any]) -> bytes:
    kind, group = record_type(step.get("type", "A")), int(step.get("class", 1))
    return name(str(step.get("query", "example.org"))) + struct.pack(">2H", kind, group)


def _record(step: Mapping[str, Any], item: Mapping[str, Any], octets: Octets) -> bytes:
    owner = name(str(item.get("name", step.get("query", "example.org"))))
    kind = item.get("type", "A")
    data = _data(kind, item.get("data", ""), octets)
    head = struct.pack(">2HLH", record_type(kind), 1, int(item.get("ttl", 300)), len(data))
    return owner + head + data


def _data(kind: object, value: object, octets: Octets) -> bytes:
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(str(value)).packed
    if kind in ("CNAME", "NS", "PTR"):
        return name(str(value))
    if kind == "TXT":
        raw = octets(value)
        parts = [raw[n : n + 255] for n in range(0, len(raw), 255)] or [b""]
        return b"".join(bytes([len(part)]) + part for part in parts)
    return octets(value)


def record_type(kind: object) -> int:
    """A record type's number. Raises ValueError."""
    if isinstance(kind, int):
        return kind & 0xFFFF
    if kind not in TYPES:
        raise ValueError(f"unknown record type {kind!r}: a number, or one of {', '.join(TYPES)}")
    return TYPES[str(kind)]

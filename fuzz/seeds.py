#!/usr/bin/env python3
"""Write fuzz/seeds/<target>/: what the fuzzers begin with, out of our own captures, rules and tests.

    python fuzz/seeds.py [--events COMMAND] [CAPTURE-FOLDER...]

COMMAND prints a capture's events as JSON Lines (the example `events` of bavn-wire); with it each flow's bytes become a
seed for its protocol's parser. The formats are those of sensors/wire/src/fuzzing.rs.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import importlib.util
import ipaddress
import itertools
import json
import re
import shlex
import struct
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[1]
SEEDS: Final = ROOT / "fuzz/seeds"
LINKS: Final = (1, 101, 113, 276, 0, 108, 228, 229)
MAX_SEED: Final = 16_384
MAX_FRAMES: Final = 24
FLOWS_A_CAPTURE: Final = 60
FLOWS_A_PROTOCOL: Final = 40
TCP, UDP = 6, 17
VLAN_TAGS: Final = (0x8100, 0x88A8)

CERTIFICATE: Final = re.compile(rb"\x30\x82(..)\x30\x82", re.DOTALL)
NTLM: Final = re.compile(rb"NTLMSSP\x00[\x01-\x03]\x00\x00\x00")
NTLM_BASE64: Final = re.compile(rb"TlRMTVNTUA[A-Za-z0-9+/]+={0,2}")
CLIENT_HELLO: Final = re.compile(rb"\x16\x03.(..)\x01\x00..\x03\x03", re.DOTALL)
PARTS_A_KIND: Final = 60
# The same messages pass over UDP too (RFC 1798), and no capture of ours shows it.
CLDAP: Final = "ldap"
MEASURES: Final = (
    "event_count",
    "value_count",
    "value_sum",
    "value_avg",
    "value_median",
    "value_percentile",
    "temporal",
    "temporal_ordered",
)


def load_capfile() -> Any:  # noqa: ANN401
    """Import the reader of captures, which is no package."""
    spec = importlib.util.spec_from_file_location("capfile", ROOT / "pcaps/lib/capfile.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["capfile"] = module
    spec.loader.exec_module(module)
    return module


@dataclass
class Flow:
    """Frames of one conversation, and its payloads: (direction, bytes)."""

    link: int
    client: tuple[bytes, int]
    protocol: int
    frames: list[tuple[int, bytes, int]] = field(default_factory=list)
    payloads: list[tuple[int, bytes]] = field(default_factory=list)


def ip_of(link: int, frame: bytes) -> bytes:
    """Strip the link layer and VLAN tags."""
    if link in {101, 228, 229}:
        return frame
    if link in {0, 108}:
        return frame[4:]
    at, kind = {1: (14, 12), 113: (16, 14), 276: (20, 0)}[link]
    ethertype = int.from_bytes(frame[kind : kind + 2], "big")
    while ethertype in VLAN_TAGS:
        ethertype = int.from_bytes(frame[at + 2 : at + 4], "big")
        at += 4
    return frame[at:]


def endpoints(packet: bytes) -> tuple[bytes, bytes, int, bytes] | None:
    """Give addresses, protocol and what is behind the IP header; None where it is a fragment or no IP."""
    version = packet[0] >> 4 if packet else 0
    if version == 4 and len(packet) >= 20:  # noqa: PLR2004
        if int.from_bytes(packet[6:8], "big") & 0x3FFF:
            return None
        end = int.from_bytes(packet[2:4], "big")
        return packet[12:16], packet[16:20], packet[9], packet[(packet[0] & 15) * 4 : end]
    if version == 6 and len(packet) >= 40:  # noqa: PLR2004
        return packet[8:24], packet[24:40], packet[6], packet[40:]
    return None


def flows_of(capfile: Any, path: Path) -> Iterator[Flow]:  # noqa: ANN401
    """Give the conversations of a capture, in the order of their beginning."""
    flows: dict[Any, Flow] = {}
    names = {name: number for number, name in capfile.LINK_TYPES.items()}
    link = names.get(capfile.summary(path).link_type, 1)
    for record in capfile.records(path):
        found = endpoints(ip_of(link, record.data))
        source, target, protocol, body = found or (b"", b"", 0, b"")
        ports = struct.unpack(">HH", body[:4]) if protocol in {TCP, UDP} and len(body) >= 8 else (0, 0)  # noqa: PLR2004
        ends = (source, ports[0]), (target, ports[1])
        key = (frozenset(ends), protocol)
        flow = flows.setdefault(key, Flow(link, ends[0], protocol))
        flow.frames.append((record.nanos, record.data, record.wire_length))
        start = (body[12] >> 4) * 4 if protocol == TCP and len(body) > 12 else 8  # noqa: PLR2004
        if protocol in {TCP, UDP} and body[start:]:
            flow.payloads.append((int(ends[0] != flow.client), body[start:]))
    yield from flows.values()


def packet_seed(flow: Flow) -> bytes:
    """Give a flow's first frames as `packets` takes them."""
    out = bytearray([LINKS.index(flow.link), 0])
    before = flow.frames[0][0]
    for nanos, data, wire in flow.frames[:MAX_FRAMES]:
        step = min(int(max(nanos - before, 0) / 1e6) ** 0.5, 255)
        before = nanos
        out += struct.pack("<HBB", len(data), int(step), min(wire - len(data), 255)) + data
        if len(out) > MAX_SEED:
            break
    return bytes(out)


def conversation(name: str, turns: list[tuple[int, bytes]]) -> bytes:
    """Give what a parser is told as `stream` and `datagrams` take it."""
    out = bytearray(name.encode()[:8].ljust(8, b"\0") + b"\0")
    for direction, data in turns:
        if len(out) + len(data) > MAX_SEED:
            break
        out += struct.pack("<BH", direction, len(data)) + data
    return bytes(out)


def parts_of(flow: Flow) -> Iterator[tuple[str, str, bytes]]:
    """Give certificates, NTLM messages and hellos that a flow carries, as seeds: target, name, seed."""
    sides = [b"".join(data for side, data in flow.payloads if side == way) for way in (0, 1)]
    for way, data in enumerate(sides):
        for found in CERTIFICATE.finditer(data):
            whole = data[found.start() :][: int.from_bytes(found[1], "big") + 4]
            yield "stream", "x509", conversation("x509", [(way, whole)])
        for found in CLIENT_HELLO.finditer(data):
            hello = data[found.start() + 5 :][: int.from_bytes(found[1], "big")]
            crypto = b"\x06\x00" + struct.pack(">H", 0x4000 | len(hello)) + hello
            yield "datagram", "quic-in", conversation("quic-in", [(0, crypto), (1, b"\x1c\x00\x00\x02no")])
    tokens = [(way, data[found.start() :][:2048]) for way, data in enumerate(sides) for found in NTLM.finditer(data)]
    for way, data in enumerate(sides):
        texts = (text[: len(text) // 4 * 4] for text in NTLM_BASE64.findall(data))
        tokens.extend((way, base64.b64decode(text)) for text in texts)
    if tokens:
        yield "stream", "ntlm", conversation("ntlm", tokens)


def write(target: str, data: bytes) -> bool:
    """Write one seed, named by its content; false where it is there already."""
    path = SEEDS / target / hashlib.sha256(data).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    path.write_bytes(data)
    return is_new


def protocols_of(command: str, path: Path) -> dict[tuple[str, int], str]:
    """Ask for each flow's protocol, by its client's address and port."""
    done = subprocess.run([*shlex.split(command), str(path)], capture_output=True, check=False, timeout=120)
    found = {}
    for line in done.stdout.splitlines():
        event = json.loads(line)
        network, source = event.get("network", {}), event.get("source", {})
        if event["event"]["dataset"] == "bavn.flow" and "protocol" in network and "port" in source:
            found[source["ip"], source["port"]] = network["protocol"]
    return found


def address(packed: bytes) -> str:
    """Write an address as bavn does."""
    return str(ipaddress.ip_address(packed)) if packed else ""


def write_captures(folders: list[Path], command: str) -> None:
    """Seeds of `packet`, `rules`, `capture`, `stream` and `datagram`."""
    capfile = load_capfile()
    count: dict[str, int] = defaultdict(int)
    for path in sorted(path for folder in folders for path in folder.rglob("*.pcap*")):
        protocols = protocols_of(command, path) if command else {}
        if path.stat().st_size <= MAX_SEED * 4:
            write("capture", path.read_bytes())
            write("scan", path.read_bytes())
        for number, flow in enumerate(flows_of(capfile, path)):
            if number < FLOWS_A_CAPTURE:
                write("packet", packet_seed(flow))
                write("rules", packet_seed(flow))
            for target, part, seed in parts_of(flow):
                if count[part] < PARTS_A_KIND:
                    count[part] += write(target, seed)
            protocol = protocols.get((address(flow.client[0]), flow.client[1]))
            target = "stream" if flow.protocol == TCP else "datagram"
            if protocol == CLDAP and target == "stream":
                write("datagram", conversation(protocol, flow.payloads))
            if protocol and flow.payloads and count[f"{target}/{protocol}"] < FLOWS_A_PROTOCOL:
                count[f"{target}/{protocol}"] += write(target, conversation(protocol, flow.payloads))
    print("flows by protocol:", dict(count))


def write_rules() -> None:
    """Seeds of `plan` and `event`: the shipped rules one by one, and the events of their tests."""
    plan = json.loads((ROOT / "fuzz/plan.json").read_bytes())
    for rule in plan["rules"]:
        write("plan", plan_of(plan, [rule], []))
    every = plan["rules"]
    for number, (measure, op) in enumerate(itertools.product(MEASURES, ("gte", "lt"))):
        rules = [every[(number * 3 + step) % len(every)] for step in range(3)]
        write("plan", plan_of(plan, rules, [correlation(rules, measure, op), chain(op)]))
    for line in (ROOT / "fuzz/events.jsonl").read_bytes().splitlines():
        write("event", line)


def plan_of(plan: Any, rules: list[Any], more: list[Any]) -> bytes:  # noqa: ANN401
    """Give a plan of these rules alone, and of correlations over them."""
    numbers: dict[int, int] = {}
    small = []
    for rule in rules:
        targets = [{**target, "condition": renumbered(target["condition"], numbers)} for target in rule["targets"]]
        small.append({**rule, "targets": targets})
    predicates = [plan["predicates"][number] for number in numbers]
    rest = {"format": plan["format"], "predicates": predicates, "rules": small + more, "version": plan["version"]}
    return json.dumps(rest, separators=(",", ":")).encode()


def correlation(rules: list[Any], measure: str, op: str) -> Any:  # noqa: ANN401
    """Give a correlation over rules, by client."""
    inputs = [
        {
            "rule": rule["id"],
            "views": [
                {"kind": target["kind"], "group": [["source.ip"]], "value": ["destination.port"]}
                for target in rule["targets"]
            ],
        }
        for rule in rules
    ]
    seeks: dict[str, Any] = {"type": measure, "timespan": 90_000_000_000, "inputs": inputs}
    if not measure.startswith("temporal"):
        seeks |= {"op": op, "count": 2}
    if measure == "value_percentile":
        seeks["percentile"] = 90
    if measure == "temporal" and op == "lt":
        seeks["expression"] = {"and": [{"i": 0}, {"not": {"or": [{"i": 1}, {"i": 2}]}}]}
    return {"id": "over-rules", "version": "1", "title": measure, "level": "high", "correlation": seeks}


def chain(op: str) -> Any:  # noqa: ANN401
    """Give a correlation over that correlation."""
    seeks = {"type": "event_count", "timespan": 10**12, "op": op, "count": 1}
    inputs = [{"rule": "over-rules", "chain": [0]}]
    return {"id": "over-it", "version": "1", "title": "chain", "correlation": {**seeks, "inputs": inputs}}


def renumbered(condition: Any, numbers: dict[int, int]) -> Any:  # noqa: ANN401
    """Number a condition's predicates from 0, in the order of their use."""
    match condition:
        case {"p": number}:
            return {"p": numbers.setdefault(number, len(numbers))}
        case {"not": inner}:
            return {"not": renumbered(inner, numbers)}
        case dict():
            return {op: [renumbered(one, numbers) for one in inner] for op, inner in condition.items()}
    return condition


def main() -> None:
    """Write all seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", default="")
    parser.add_argument("folders", nargs="*", type=Path, default=[ROOT / "pcaps"])
    args = parser.parse_args()
    write_captures(args.folders, args.events)
    write_rules()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Write fuzz/seeds/<target>/: what the fuzzers begin with, out of our own captures, rules and tests.

    python fuzz/seeds.py [--events COMMAND] [CAPTURE-FOLDER...]

COMMAND prints a capture's events as JSON Lines (the example `events` of bavn-wire); with it each flow's bytes become a
seed for its protocol's parser. The formats are those of sensors/wire/src/fuzzing.rs.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import ipaddress
import json
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

Key = tuple[bytes, int, bytes, int, int]


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


def parser_seed(protocol: str, flow: Flow) -> bytes:
    """Give a flow's payloads as `stream` and `datagrams` take them."""
    out = bytearray(protocol.encode()[:8].ljust(8, b"\0") + b"\0")
    for direction, data in flow.payloads:
        if len(out) + len(data) > MAX_SEED:
            break
        out += struct.pack("<BH", direction, len(data)) + data
    return bytes(out)


def write(target: str, data: bytes) -> None:
    """Write one seed, named by its content."""
    folder = SEEDS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


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
        for number, flow in enumerate(flows_of(capfile, path)):
            if number < FLOWS_A_CAPTURE:
                write("packet", packet_seed(flow))
                write("rules", packet_seed(flow))
            protocol = protocols.get((address(flow.client[0]), flow.client[1]))
            if protocol and flow.payloads and count[protocol] < FLOWS_A_PROTOCOL:
                count[protocol] += 1
                write("stream" if flow.protocol == TCP else "datagram", parser_seed(protocol, flow))
    print("flows by protocol:", dict(count))


def write_rules() -> None:
    """Seeds of `plan` and `event`: the shipped rules one by one, and the events of their tests."""
    plan = json.loads((ROOT / "fuzz/plan.json").read_bytes())
    for rule in plan["rules"]:
        small, numbers = dict(rule), {}
        small["targets"] = [
            {**target, "condition": renumbered(target["condition"], numbers)} for target in rule["targets"]
        ]
        predicates = [plan["predicates"][number] for number in numbers]
        rest = {"format": plan["format"], "predicates": predicates, "rules": [small], "version": plan["version"]}
        write("plan", json.dumps(rest, separators=(",", ":")).encode())
    for line in (ROOT / "fuzz/events.jsonl").read_bytes().splitlines():
        write("event", line)


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

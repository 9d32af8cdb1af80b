"""Compare bavn's flow records with tshark's conversations and Suricata's flow records, by pair of ends.

  python bench/flow_agreement.py CAPTURE... [--examples 5]

Records of the same two ends are added up, since the three end a flow by other time-outs; compared are its packets
(Suricata and tshark count bytes of frames, bavn bytes of IP packets). A tool that is not installed is left out.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from agree import bavn, events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).resolve().parent
# Transport, and both ends as address and port.
Pair = tuple[str, frozenset[tuple[str, int]]]


def pair(transport: str, *ends: tuple[str, int]) -> Pair:
    """Make the name of a conversation, whoever began."""
    return transport, frozenset((str(ipaddress.ip_address(ip)), port) for ip, port in ends)


def of_bavn(capture: Path, command: list[str]) -> Counter[Pair]:
    """Count packets by bavn's `flow` events."""
    packets: Counter[Pair] = Counter()
    for event in events(capture, command):
        if event["event"]["dataset"] != "bavn.flow":
            continue
        transport = event["network"]["transport"]
        if transport in {"tcp", "udp"} and event["bavn"]["flow"]["reason"] != "update":
            sides = [event["source"], event["destination"]]
            name = pair(transport, *((side["ip"], side["port"]) for side in sides))
            packets[name] += sum(side.get("packets", 0) for side in sides)
    return packets


def of_tshark(capture: Path, _folder: str) -> Counter[Pair]:
    """Count packets by tshark's table of conversations."""
    packets: Counter[Pair] = Counter()
    for transport in ("tcp", "udp"):
        command = ["tshark", "-n", "-q", "-r", str(capture), "-z", f"conv,{transport}"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        for line in done.stdout.splitlines():
            found = re.match(r"(\S+):(\d+)\s+<->\s+(\S+):(\d+)\s+\d+ .*?\s+\d+ .*?\s+(\d+)\s", line)
            if found:
                name = pair(transport, (found[1], int(found[2])), (found[3], int(found[4])))
                packets[name] += int(found[5])
    return packets


def of_suricata(capture: Path, folder: str) -> Counter[Pair]:
    """Count packets by the flow records of Suricata's EVE."""
    command = ["suricata", "-c", str(HERE / "suricata.yaml"), "-r", str(capture), "-l", folder, "-k", "none"]
    command += ["--runmode", "single", "-S", "/dev/null"]
    subprocess.run(command, capture_output=True, check=True)
    packets: Counter[Pair] = Counter()
    for record in eve(Path(folder) / "eve.json"):
        transport = record["proto"].lower()
        if transport in {"tcp", "udp"} and "src_port" in record:
            ends = [(record[f"{side}_ip"], record[f"{side}_port"]) for side in ("src", "dest")]
            packets[pair(transport, *ends)] += record["flow"]["pkts_toserver"] + record["flow"]["pkts_toclient"]
    return packets


def eve(file: Path) -> Iterator[dict[str, Any]]:
    """Give the flow records."""
    with file.open(encoding="utf-8") as lines:
        records = map(json.loads, lines)
        yield from (record for record in records if record["event_type"] == "flow")


PEERS: dict[str, Callable[[Path, str], Counter[Pair]]] = {"tshark": of_tshark, "suricata": of_suricata}


def compare(capture: Path, peer: str, command: list[str] | None, examples: int) -> None:
    """Print one line of the table, and what differs."""
    with tempfile.TemporaryDirectory() as folder:
        ours = of_bavn(capture, command or [*bavn(folder), "--kind", "flow"])
        try:
            theirs = PEERS[peer](capture, folder)
        except subprocess.CalledProcessError:
            print(f"| {capture.name} | {peer} | cannot read it | {len(ours):,} | | |")
            return
    alike = [name for name in theirs if theirs[name] == ours.get(name)]
    share = 100 * len(alike) / (len(theirs) or 1)
    print(f"| {capture.name} | {peer} | {len(theirs):,} | {len(ours):,} | {len(alike):,} | {share:.2f} % |")
    differing = sorted(theirs.keys() | ours.keys(), key=str)
    for name in [name for name in differing if theirs.get(name) != ours.get(name)][:examples]:
        print(f"  {name[0]} {sorted(name[1])}: {peer} {theirs.get(name, 0)}, bavn {ours.get(name, 0)}", file=sys.stderr)


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", type=Path, nargs="+")
    parser.add_argument("--examples", type=int, default=5)
    parser.add_argument("--events-from", type=shlex.split, help="a command that prints a capture's events")
    options = parser.parse_args()
    print("| capture | peer | its pairs | bavn's | packets alike | share |\n|---|---|---|---|---|---|")
    for peer in filter(shutil.which, PEERS):
        for capture in options.capture:
            compare(capture, peer, options.events_from, options.examples)


if __name__ == "__main__":
    main()

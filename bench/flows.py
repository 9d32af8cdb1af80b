"""Memory by live flows: RssAnon of `bavn scan` and `bavn events` with 10 thousand, 100 thousand and a million flows.

  python bench/flows.py [--flows 10000,100000,1000000] [--only NAME,NAME]

Each capture has so many flows that are all alive at its end: half of them TCP (handshake and a segment), half UDP (a
datagram each way). They speak nothing known (`plain`), or every fourth of them a protocol that keeps a parser
(`parsed`: HTTP requests without an answer, DNS questions without one). The bound is 100 MB and 300 bytes a live flow.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from compare import anonymous, first_packet
from crafted import ACK, PUSH, SYN, Ends, back, tcp, udp, write_pcap

BAVN = Path(sys.executable).parent / "bavn"
BASE, PER_FLOW = 100e6, 300
"""The bound: bytes, and bytes a live flow."""

SPAN_S = 10
"""All flows begin within so many seconds of packet time: none times out before the last has begun."""


def ends_of(number: int, port: int) -> Ends:
    """Give the ends of a flow: a client of its own, one of 250 servers."""
    client = struct.pack("!I", 0x0A000000 + number // 4)
    return client, 20000 + number % 4, bytes([192, 0, 2, number % 250]), port


def flow(number: int, *, is_parsed: bool) -> list[bytes]:
    """Give the packets of one flow."""
    speaks = is_parsed and number % 4 < 2  # noqa: PLR2004
    if number % 2:
        ends = ends_of(number, 80 if speaks else 4444)
        data = b"GET /%d HTTP/1.1\r\nHost: www.example.org\r\n\r\n" % number if speaks else b"\xf1\x02" * 20
        return [tcp(ends, 99, 0, SYN), tcp(back(ends), 499, 100, SYN | ACK), tcp(ends, 100, 500, ACK | PUSH, data)]
    ends = ends_of(number, 53 if speaks else 4445)
    if speaks:
        return [udp(ends, struct.pack("!6H", number & 0xFFFF, 0x100, 1, 0, 0, 0) + b"\3www\7example\3org\0\0\1\0\1")]
    return [udp(ends, b"\xf1\x02" * 20), udp(back(ends), b"\xf1\x03" * 20)]


def peak(command: str, capture: Path, folder: Path) -> int:
    """Run a command on a capture; gives the peak of its anonymous memory in bytes."""
    report = folder / "summary.txt"
    argv = [str(BAVN), command, str(capture), "--json"]
    with report.open("wb") as errors:
        child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=errors)
        most = 0
        while child.poll() is None:
            most = max(most, anonymous(child.pid))
            time.sleep(0.01)
    if child.returncode:
        sys.exit(f"{command} ended with {child.returncode}: {report.read_text('utf-8')[-400:]}")
    return most


def live_flows(capture: Path, command: str) -> tuple[int, int]:
    """Give the flows that live at the capture's end, and those that had to go, as the packet loop counts them."""
    script = (
        "import json, sys\nfrom detectors.loop import PacketLoop, Settings\nfrom cli.captures import rules_to_run\n"
        "plan = rules_to_run(()).plan if sys.argv[2] == 'scan' else None\n"
        "loop = PacketLoop(plan, Settings(events=plan is None, evidence_bytes=0))\nloop.open_file(sys.argv[1])\n"
        "while loop.step(0).more: pass\n"
        "c = loop.counters()\nprint(json.dumps([c['live_flows'], c['flows_evicted']]))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, str(capture), command], capture_output=True, text=True, check=True
    )
    live, evicted = json.loads(done.stdout)
    return live, evicted


def main() -> None:
    """Measure and print the table; exit code 1 where a bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flows", default="10000,100000,1000000")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    broken = 0
    print("| flows speak | command | live flows | went early | one packet MB | RssAnon MB | bound MB | bytes a flow |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in ("plain", "parsed"):
            if options.only and kind not in options.only.split(","):
                continue
            for count in map(int, options.flows.split(",")):
                capture = folder / f"{kind}.pcap"
                frames = (data for n in range(count) for data in flow(n, is_parsed=kind == "parsed"))
                write_pcap(capture, frames, SPAN_S * 1e6 / (3 * count))
                for command in ("scan", "events"):
                    broken += row(kind, command, capture, folder)
                os.truncate(capture, 0)
    sys.exit(1 if broken else 0)


def row(kind: str, command: str, capture: Path, folder: Path) -> int:
    """Print one row; gives 1 where the bound does not hold."""
    live, evicted = live_flows(capture, command)
    empty = peak(command, first_packet(capture, folder), folder)
    most = peak(command, capture, folder)
    bound, each = BASE + PER_FLOW * live, (most - empty) / live
    cells = (kind, command, f"{live:,}", f"{evicted:,}", *(f"{size / 1e6:,.0f}" for size in (empty, most, bound)))
    print(f"| {' | '.join(cells)} | {each:,.0f} |", flush=True)
    return int(most > bound)


if __name__ == "__main__":
    main()

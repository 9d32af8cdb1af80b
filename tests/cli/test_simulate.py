"""Limits that are made to bite: each is counted, told on the command line, and nothing else breaks."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from detectors.loop import PacketLoop, Settings, simulations

ROOT = Path(__file__).resolve().parents[2]
CAPTURE = ROOT / "pcaps/benign-office/benign-office.pcap"
# Name of the limit: command, capture, counter.
BITES = {
    "flows": ("events", "pcaps/nmap-scan/nmap-scan.pcap", "flows_evicted"),
    "fragments": ("events", "tests/cases/limit-fragments/interleaved.pcap", "fragments_evicted"),
    "fragment-bytes": ("events", "tests/cases/limit-fragments/interleaved.pcap", "fragments_evicted"),
    "segments": ("events", "pcaps/loss-and-reorder/at-server.pcap", "stream_evicted"),
    "segment-bytes": ("events", "pcaps/loss-and-reorder/at-server.pcap", "stream_evicted"),
    "parsers": ("events", "pcaps/benign-office/benign-office.pcap", "parser_memory"),
    "evidence": ("scan", "pcaps/web-attacks/web-attacks.pcap", "evidence_gone"),
    "panic": ("events", "pcaps/benign-office/benign-office.pcap", "panics"),
}


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "cli", "--home", str(home), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def limits(stderr: str) -> dict[str, int]:
    """Give the counters of the summary's line about limits."""
    told = [line for line in stderr.splitlines() if line.startswith("limits")]
    pairs = [pair.rsplit(" ", 1) for line in told for pair in line.removeprefix("limits").strip().split(", ")]
    return {name: int(count.replace(",", "")) for name, count in pairs}


def test_every_limit_is_tried() -> None:
    assert set(BITES) == {name for name in simulations() if "." not in name}
    assert all(meaning for meaning in simulations().values())


@pytest.mark.parametrize("name", BITES)
def test_limit_bites_and_is_told(name: str, tmp_path: Path) -> None:
    command, capture, counter = BITES[name]
    words = [command, "--json", *(["--rules", str(ROOT / "rules")] if command == "scan" else [])]
    plain = run(tmp_path, *words, str(ROOT / capture))
    assert limits(plain.stderr).get(counter, 0) == 0
    bitten = run(tmp_path, *words, "--simulate", name, str(ROOT / capture))
    assert bitten.returncode == plain.returncode, bitten.stderr
    assert limits(bitten.stderr)[counter] > 0


@pytest.mark.parametrize("command", ["events", "scan"])
def test_unknown_limit_lists_those_there_are(command: str, tmp_path: Path) -> None:
    done = run(tmp_path, command, "--simulate", "sunshine", str(CAPTURE))
    assert done.returncode == 2
    assert all(name in done.stderr for name in simulations())


def test_flow_of_a_failed_parser_is_set_aside_with_its_last_packets() -> None:
    loop = PacketLoop(None, Settings(events=True, evidence_bytes=1 << 22, simulate=("panic",)))
    loop.open_file(str(CAPTURE))
    batches = [loop.step(0)]
    while batches[-1].more:
        batches.append(loop.step(0))
    batches.append(loop.finish(0))
    while batches[-1].more:
        batches.append(loop.finish(0))
    events = [json.loads(line) for batch in batches for line in batch.events.splitlines()]
    failed = [e for e in events if e.get("bavn", {}).get("weird", {}).get("name") == "parser_panic"]
    failures = [capture for batch in batches for capture in batch.failures]
    assert len(failed) == len(failures) == loop.counters()["panics"] == loop.counters()["frames"] // 1000
    assert all(capture_packets(capture) > 0 for capture in failures)
    # Its record is still written, and the other flows speak as before.
    records = {e["bavn"]["flow"]["id"] for e in events if e["event"]["dataset"] == "bavn.flow"}
    assert {e["bavn"]["flow"]["id"] for e in failed} <= records
    assert len(records) == loop.counters()["flows"]
    assert loop.counters()["analysed"] == loop.counters()["frames"]


def capture_packets(capture: bytes) -> int:
    """Count the packets of a pcap file in memory."""
    count, at = 0, 24
    order = "<" if capture[0] in {0xD4, 0x4D} else ">"
    while at < len(capture):
        at += 16 + struct.unpack_from(f"{order}I", capture, at + 8)[0]
        count += 1
    assert at == len(capture)
    return count

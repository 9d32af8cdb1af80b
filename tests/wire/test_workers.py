"""Several workers: the same alerts, evidence and events in the same order as one, and every frame accounted for."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from detectors import check
from detectors.loop import PacketLoop, Settings, simulations

ROOT = Path(__file__).resolve().parents[2]
CAPTURES = sorted(
    path for folder in ("pcaps", "tests/cases") for path in (ROOT / folder).rglob("*.pcap*") if path.is_file()
)
SECOND = 1_000_000_000
RAW_IP = 101
RULES = """
title: Any lookup
name: lookup
id: 00000000-0000-4000-8000-000000000001
logsource: {category: dns}
detection: {selection: {query|exists: true}, condition: selection}
level: low
---
title: Any flow
name: any_flow
id: 00000000-0000-4000-8000-000000000002
logsource: {category: network_connection}
detection: {selection: {dst_ip|exists: true}, condition: selection}
level: low
---
"""
CORRELATIONS: list[dict[str, Any]] = [
    {"type": "event_count", "rules": ["lookup"], "group-by": ["source.ip"], "timespan": "1m", "condition": {"gte": 2}},
    {"type": "event_count", "rules": ["lookup"], "group-by": ["source.ip"], "timespan": "2s", "condition": {"lte": 3}},
    {"type": "temporal", "rules": ["lookup", "any_flow"], "group-by": ["source.ip"], "timespan": "10m"},
]


@dataclass
class Found:
    """What a run gave."""

    alerts: list[bytes] = field(default_factory=list)
    evidence: list[bytes | None] = field(default_factory=list)
    failures: list[bytes] = field(default_factory=list)
    events: bytes = b""
    problems: list[tuple[str, str]] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)

    def take(self, loop: PacketLoop, *, is_finish: bool = False) -> None:
        """Take all that a loop gives until there is no more."""
        more = True
        while more:
            batch = loop.finish(SECOND) if is_finish else loop.step(SECOND, 50)
            self.alerts += batch.alerts
            self.evidence += batch.evidence
            self.failures += batch.failures
            self.events += batch.events
            self.problems += batch.problems
            more = batch.more


def run(capture: Path, plan: bytes | None, workers: int, **more: Any) -> Found:
    """Read a capture with so many workers."""
    settings = Settings(events=plan is None, evidence_bytes=64 << 20 if plan else 0, workers=workers, **more)
    loop, found = PacketLoop(plan, settings), Found()
    loop.open_file(str(capture))
    found.take(loop)
    found.take(loop, is_finish=True)
    found.counters = loop.counters()
    return found


def assert_balanced(found: Found) -> None:
    counters = found.counters
    drops = sum(count for name, count in counters.items() if name.startswith("drop_"))
    assert counters["frames"] == counters["analysed"] + drops


def question(number: int) -> bytes:
    """Make an IP packet with a DNS question of a host of its own."""
    dns = struct.pack("!6H", number, 0x100, 1, 0, 0, 0) + b"\3www\7example\0\0\1\0\1"
    udp = struct.pack("!4H", 40000, 53, 8 + len(dns), 0) + dns
    ends = bytes([10, 0, 0, number]) + bytes([192, 0, 2, 53])
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + ends + udp


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Shipped rules, two that match nearly everything, and correlations over them."""
    path = tmp_path_factory.mktemp("rules") / "rules.yml"
    documents = [
        {"title": f"Together {n}", "id": f"00000000-0000-4000-8000-0000000000f{n}", "level": "low", "correlation": each}
        for n, each in enumerate(CORRELATIONS)
    ]
    path.write_text(RULES.lstrip() + "---\n".join(yaml.safe_dump(one, sort_keys=False) for one in documents), "utf-8")
    found = check.load_rules([path, check.default_rules()])
    assert not [item for item in found.refused if item.status == "refused"], found.refused
    return found.plan


def test_there_are_captures() -> None:
    assert len(CAPTURES) > 50


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.stem)
def test_any_number_of_workers_finds_the_same(capture: Path, plan: bytes) -> None:
    for judge in (None, plan):
        one = run(capture, judge, 1)
        assert_balanced(one)
        for workers in (2, 3):
            several = run(capture, judge, workers)
            assert several.events.splitlines() == one.events.splitlines()
            assert several.alerts == one.alerts
            assert several.evidence == one.evidence
            assert several.problems == one.problems
            assert several.counters == one.counters


def test_the_rules_of_this_test_fire(plan: bytes) -> None:
    found = run(ROOT / "pcaps/benign-office/benign-office.pcap", plan, 2)
    told = b"\n".join(found.alerts)
    assert all(b'"Together %d"' % n in told for n in range(len(CORRELATIONS)))
    assert any(found.evidence)


@pytest.mark.parametrize("name", [name for name in simulations() if "." not in name])
def test_limits_that_bite_cost_no_frame(name: str, plan: bytes) -> None:
    rng = random.Random(name)  # noqa: S311  (a choice of captures)
    for capture in rng.sample(CAPTURES, 8):
        for judge in (None, plan):
            first, again = (run(capture, judge, rng.choice((2, 3, 5)), simulate=(name,)) for _ in range(2))
            assert_balanced(first)
            assert first.counters["frames"] == again.counters["frames"]


def test_wrong_checksums_of_one_host_are_told_once() -> None:
    capture = ROOT / "pcaps/nmap-scan/nmap-scan.pcap"
    one, several = (run(capture, None, workers, checksums=True) for workers in (1, 3))
    assert several.events == one.events
    assert several.counters == one.counters


def test_a_limit_bites_alike_in_each_run() -> None:
    capture = ROOT / "pcaps/nmap-scan/nmap-scan.pcap"
    first, again = (run(capture, None, 2, simulate=("flows",)) for _ in range(2))
    assert first.counters["flows_evicted"] > 0
    assert first.events == again.events


def test_failed_parsers_are_set_aside_by_every_worker() -> None:
    capture = ROOT / "pcaps/benign-office/benign-office.pcap"
    one, several = (run(capture, None, workers, simulate=("panic",), max_flows=1 << 16) for workers in (1, 3))
    assert several.events == one.events
    assert several.counters["panics"] == one.counters["frames"] // 1000 > 0


def test_frames_that_are_pushed_are_shared_too(plan: bytes) -> None:
    frames = [(SECOND * n, RAW_IP, question(n)) for n in range(1, 200)]
    found = []
    for workers in (1, 2):
        loop, one = PacketLoop(plan, Settings(evidence_bytes=1 << 20, workers=workers)), Found()
        for at in range(0, len(frames), 10):
            loop.push(frames[at : at + 10], frames[at][0])
            batch = loop.step(frames[at][0], 0)
            one.alerts += batch.alerts
        one.take(loop, is_finish=True)
        one.counters = loop.counters()
        found.append(one)
    assert found[0].counters["frames"] == len(frames)
    assert found[0].counters == found[1].counters
    assert found[0].alerts
    assert len(found[0].alerts) == len(found[1].alerts)


def test_a_new_plan_judges_all_that_comes_after(plan: bytes, tmp_path: Path) -> None:
    path = tmp_path / "none.yml"
    path.write_text(RULES.split("---", maxsplit=1)[0].replace("query|exists: true", "query: never.example"), "utf-8")
    quiet = check.load_rules([path]).plan
    loop, found = PacketLoop(plan, Settings(evidence_bytes=1 << 20, workers=2)), Found()
    loop.open_file(str(ROOT / "pcaps/benign-office/benign-office.pcap"))
    found.take(loop)
    before = len(found.alerts)
    loop.swap(quiet)
    found.take(loop)
    swapped = len(found.alerts)
    found.take(loop, is_finish=True)
    assert before > 0
    assert len(found.alerts) == swapped

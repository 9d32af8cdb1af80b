"""Live capture in an own network namespace: the kernel ring and scapy's batches, filters, drops that add up."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest
from running import NAMESPACE, namespaces_allowed

from sensors.errors import SensorError
from sensors.source import LiveSource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.real

INSIDE = textwrap.dedent("""
    import json, socket, struct, subprocess, sys, threading, time
    from pathlib import Path
    from cli.captures import load_rule_set
    from cli.demo_live import ask, make_traffic
    from detectors.loop import PacketLoop, Settings
    from sensors.source import LiveSource
    from sensors.health import account

    source, bpf, rate, workers = sys.argv[1], sys.argv[2] or None, int(sys.argv[3]), int(sys.argv[4])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    loop = PacketLoop(load_rule_set([]).plan, Settings(evidence_bytes=1 << 20, workers=workers))
    done = threading.Event()

    def flood():
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for n in range(rate):
            sender.sendto(struct.pack(">I", n) * 16, ("127.0.0.1", 9))

    def traffic():
        make_traffic()
        flood()
        time.sleep(0.5)
        done.set()

    alerts = []
    with LiveSource("lo", bpf) as live:
        if source == "ring":
            loop.attach_ring(live.fileno(), live.link, True)
        threading.Thread(target=traffic, daemon=True).start()
        while not done.is_set():
            if source == "scapy":
                frames = live.batch(4096, 0.1)
                loop.push(frames, time.time_ns())
                live.read_statistics()
            elif rate:
                done.wait()   # a reader that stands still: the kernel must drop
            alerts += loop.step(time.time_ns(), 50).alerts
        for _ in range(200):
            alerts += loop.step(time.time_ns(), 20).alerts
        more = True
        while more:
            batch = loop.finish(time.time_ns())
            alerts, more = [*alerts, *batch.alerts], batch.more
        sums = account(loop.counters(), live.kernel if source == "scapy" else None)
    print(json.dumps({
        "seen": sums.seen, "analysed": sums.analysed, "drops": sums.drops, "exact": sums.exact,
        "rules": sorted({json.loads(a)["rule"]["name"] for a in alerts}),
        "evidence": sum("evidence" in json.loads(a)["bavn"] for a in alerts), "alerts": len(alerts),
    }))
""")


def live(source: str, bpf: str = "", rate: int = 0, workers: int = 1) -> dict:
    command = [*NAMESPACE, sys.executable, "-P", "-c", INSIDE, source, bpf, str(rate), str(workers)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    result: dict = json.loads(done.stdout)
    return result


@pytest.fixture(autouse=True)
def _namespaces(need: Callable[..., None]) -> None:
    need("ip", "unshare")
    if not namespaces_allowed():
        pytest.skip("no user namespaces here")


@pytest.mark.parametrize("source", ["ring", "scapy"])
def test_live_traffic_is_judged(source: str) -> None:
    found = live(source)
    assert found["exact"]
    assert found["drops"] == {}
    assert any("traversal" in rule.lower() for rule in found["rules"])
    assert any("onion" in rule.lower() for rule in found["rules"])


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("source", ["ring", "scapy"])
def test_evidence_is_kept_and_loopback_packets_are_seen_once(source: str, workers: int) -> None:
    found = live(source, workers=workers)
    assert found["exact"]
    assert found["evidence"] == found["alerts"] > 0
    assert found["seen"] < 130, "each packet once, though loopback shows it twice"


@pytest.mark.parametrize("source", ["ring", "scapy"])
def test_filter_lets_nothing_else_through(source: str) -> None:
    found = live(source, "udp port 53")
    assert 0 < found["seen"] <= 8
    assert not any("traversal" in rule.lower() for rule in found["rules"])


@pytest.mark.parametrize("workers", [1, 2])
def test_a_reader_too_slow_loses_packets_by_name_and_the_sum_is_exact(workers: int) -> None:
    found = live("ring", "", 700_000, workers)
    assert found["exact"]
    assert found["drops"].get("kernel", 0) > 0
    assert found["seen"] >= 700_000


def test_interface_that_is_not_there() -> None:
    with pytest.raises(SensorError) as error:
        LiveSource("no-such-if0")
    assert error.value.code == "BAVN-E101"


def test_filter_that_is_none(tmp_path: Path) -> None:
    script = "from sensors.source import LiveSource\nLiveSource('lo', 'tcp prot 80')"
    command = [*NAMESPACE, sys.executable, "-P", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path)
    assert "BAVN-E102" in done.stderr


def test_no_right_to_capture() -> None:
    # A user namespace without a network namespace of its own holds no right over the machine's interfaces.
    script = "from sensors.source import LiveSource\nLiveSource('lo')"
    command = ["unshare", "-rU", sys.executable, "-P", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "BAVN-E101" in done.stderr

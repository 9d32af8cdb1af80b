"""The reference behind the packet loop: the same alerts of the same captures, to the last field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from detectors import check, crafting, loop, ruletest
from detectors.errors import BavnError
from detectors.reference.loop import ReferenceLoop, ReferenceRunner

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]
NOW = 1_800_000_000_000_000_000
SETTINGS = loop.Settings(evidence_bytes=0)


def alerts(worker: loop.PacketLoop, captures: Iterable[Path]) -> list[dict[str, Any]]:
    """What the captures give, by id."""
    found = []
    for path in captures:
        worker.open_file(str(path))
        more = True
        while more:
            batch = worker.step(NOW)
            found += batch.alerts
            more = batch.more
    more = True
    while more:
        batch = worker.finish(NOW)
        found += batch.alerts
        more = batch.more
    return sorted(map(_comparable, found), key=lambda alert: str(alert["event"]["id"]))


def _comparable(alert: bytes) -> dict[str, Any]:
    """Without the packet that brought the end of a span: the reference hears of the time with the next event."""
    found: dict[str, Any] = json.loads(alert)
    if found["rule"]["name"] == LATE:
        del found["bavn"]["packet"]
    return found


LATE = "Together 3"
CAPTURES = ("beacon-http", "certificates", "clear-text-credentials", "dns-suspicious", "iodine-tunnel", "kerberos", "modbus",
            "nmap-scan", "one-way", "rpc-calls", "smb1-sessions", "tls-modern", "web-attacks")  # fmt: skip
CORRELATIONS = [
    {"type": "event_count", "group-by": ["source.ip"], "timespan": "1h", "condition": {"gte": 2}, "generate": True},
    {"type": "value_count", "group-by": ["source.ip"], "timespan": "1h", "condition": {"gte": 2, "field": "query"}},
    {"type": "event_count", "group-by": ["source.ip"], "timespan": "1s", "condition": {"lt": 2}},
]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> check.RuleSet:
    """The shipped rules; one on every lookup, and correlations over it."""
    folder = tmp_path_factory.mktemp("rules")
    lookup = {"title": "Lookup", "name": "lookup", "id": f"{0:08}-0000-4000-8000-000000000000"}
    lookup |= {"logsource": {"category": "dns"}, "detection": {"s": {"query|exists": True}, "condition": "s"}}  # type: ignore[dict-item]
    documents = [lookup]
    for number, one in enumerate(CORRELATIONS, 1):
        head = {"title": f"Together {number}", "id": f"{number:08}-0000-4000-8000-000000000000"}
        documents.append(head | {"correlation": {"rules": ["lookup"], **one}})  # type: ignore[dict-item]
    (folder / "more.yml").write_text(yaml.safe_dump_all(documents, sort_keys=False))
    return check.load_rules([check.default_rules(), folder])


def test_both_engines_make_the_same_alerts(found: check.RuleSet) -> None:
    captures = [next((ROOT / "pcaps" / name).glob("*.pcap")) for name in CAPTURES]
    native = [alert for path in captures for alert in alerts(loop.PacketLoop(found.plan, SETTINGS), [path])]
    slow = [alert for path in captures for alert in alerts(ReferenceLoop(found, SETTINGS), [path])]
    assert [alert["rule"]["name"] for alert in slow] == [alert["rule"]["name"] for alert in native]
    assert slow == native
    assert len({alert["rule"]["id"] for alert in native}) > 10
    assert {"Together 1", "Together 2", LATE} <= {alert["rule"]["name"] for alert in native}


def test_rule_tests_run_on_it(tmp_path: Path) -> None:
    (tmp_path / "r.yml").write_text(
        "title: t\nid: 11111111-1111-4111-8111-111111111111\nlogsource: {category: dns}\n"
        "detection:\n  s: {query|endswith: .evil.example}\n  condition: s\n"
    )
    (tmp_path / "r.test.yml").write_text(
        "match:\n  - {name: event, event: {kind: dns, fields: {dns.question.name: a.EVIL.example}}}\n"
        "  - {name: events, alerts: 2, events: [{kind: dns, fields: {dns.question.name: a.evil.example}},"
        " {kind: dns, at: 1, fields: {dns.question.name: b.evil.example}}]}\n"
        "  - {name: packets, alerts: 1, packets: [{dns: {query: a.evil.example}}]}\n"
        "no_match:\n  - {name: good, packets: [{dns: {query: a.good.example}}]}\n"
    )
    results = ruletest.run_tests([tmp_path], runner=ReferenceRunner())
    assert [(one.name, one.passed) for one in results] == [(n, True) for n in ("event", "events", "packets", "good")]


def test_it_keeps_its_rules(found: check.RuleSet) -> None:
    worker = ReferenceLoop(found, SETTINGS)
    with pytest.raises(BavnError, match="began with"):
        worker.swap(found.plan)


def test_pushed_frames_too(found: check.RuleSet) -> None:
    frames = crafting.craft([{"dns": {"query": f"{number}.example"}} for number in range(3)])
    counted = []
    for worker in (loop.PacketLoop(found.plan, SETTINGS), ReferenceLoop(found, SETTINGS)):
        worker.push(frames, NOW)
        counted.append([alert["rule"]["name"] for alert in alerts(worker, [])])
    assert counted[0] == counted[1] != []

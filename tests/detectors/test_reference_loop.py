"""The reference behind the packet loop: the same alerts of the same captures, byte for byte, with the same packets behind them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from detectors import check, crafting, loop, ruletest
from detectors.errors import BavnError
from detectors.reference.loop import ReferenceJudge, ReferenceRunner, reference_loop

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[2]
NOW = 1_800_000_000_000_000_000
SETTINGS = loop.Settings(evidence_bytes=0)
KEEPING = dataclasses.replace(SETTINGS, evidence_bytes=64 << 20)
# The largest would take a minute; they hold what the others hold.
MOST_BYTES = 500_000
CAPTURES = sorted(p for p in (ROOT / "pcaps").rglob("*.pcap*") if p.is_file() and p.stat().st_size < MOST_BYTES)


def run(worker: loop.PacketLoop, captures: Iterable[Path]) -> Iterator[loop.Batch]:
    """What the captures give, step by step."""
    for path in captures:
        worker.open_file(str(path))
        more = True
        while more:
            batch = worker.step(NOW)
            yield batch
            more = batch.more
    more = True
    while more:
        batch = worker.finish(NOW)
        yield batch
        more = batch.more
    assert worker.counters().get("reference_failed", 0) == 0


def told(worker: loop.PacketLoop, captures: Iterable[Path]) -> list[tuple[bytes, str]]:
    """Alerts in their order, each with the digest of its packets."""
    return [
        (alert, hashlib.sha256(evidence or b"").hexdigest())
        for batch in run(worker, captures)
        for alert, evidence in zip(batch.alerts, batch.evidence, strict=True)
    ]


def names(found: Iterable[tuple[bytes, str]]) -> list[str]:
    """Titles of the rules behind alerts."""
    return [json.loads(alert)["rule"]["name"] for alert, _ in found]


CORRELATIONS = [
    {"type": "event_count", "group-by": ["source.ip"], "timespan": "1h", "condition": {"gte": 2}, "generate": True},
    {"type": "value_count", "group-by": ["source.ip"], "timespan": "1h", "condition": {"gte": 2, "field": "query"}},
    {"type": "event_count", "group-by": ["source.ip"], "timespan": "1s", "condition": {"lt": 2}},
    {"type": "event_count", "group-by": ["source.ip"], "timespan": "5s", "condition": {"gt": 3}},
    {
        "type": "value_sum",
        "group-by": ["source.ip"],
        "timespan": "10s",
        "condition": {"gt": 99, "field": "bavn.dns.question_length"},
    },
    {"type": "value_avg", "timespan": "2s", "condition": {"lte": 20, "field": "bavn.dns.question_length"}},
    {"type": "event_count", "rules": ["together_1"], "timespan": "1d", "condition": {"gte": 1}},
]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> check.RuleSet:
    """The shipped rules; one on every lookup, and correlations over it."""
    folder = tmp_path_factory.mktemp("rules")
    lookup = {"title": "Lookup", "name": "lookup", "id": f"{0:08}-0000-4000-8000-000000000000"}
    lookup |= {"logsource": {"category": "dns"}, "detection": {"s": {"query|exists": True}, "condition": "s"}}  # type: ignore[dict-item]
    documents = [lookup]
    for number, one in enumerate(CORRELATIONS, 1):
        head = {
            "title": f"Together {number}",
            "name": f"together_{number}",
            "id": f"{number:08}-0000-4000-8000-000000000000",
        }
        documents.append(head | {"correlation": {"rules": ["lookup"], **one}})  # type: ignore[dict-item]
    (folder / "more.yml").write_text(yaml.safe_dump_all(documents, sort_keys=False))
    return check.load_rules([check.default_rules(), folder])


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.parent.name + "/" + path.name)
def test_both_engines_make_the_same_alerts(found: check.RuleSet, path: Path) -> None:
    """In the same order, to the last byte, with the same packets."""
    native = loop.PacketLoop(found.plan, KEEPING)
    slow = reference_loop(found, KEEPING)
    fast = told(native, [path])
    assert names(told_slowly := told(slow, [path])) == names(fast)
    assert told_slowly == fast
    counted = slow.counters()
    same = ("correlation_without_group", "correlation_lost", "rule_matches", "rule_unobserved")
    assert {name: counted[name] for name in same} == {name: native.counters()[name] for name in same}


def test_of_several_captures_in_a_row(found: check.RuleSet) -> None:
    """Here times jump, and groups end while others begin."""
    captures = [path for path in CAPTURES if path.parent.name in ("dns-suspicious", "lan-names", "nmap-scan")]
    fast = told(loop.PacketLoop(found.plan, KEEPING), captures)
    assert told(reference_loop(found, KEEPING), captures) == fast
    told_of = {"Together 2", "Together 4", "Together 5", "Together 6", "Together 7"}
    assert told_of <= set(names(fast)), "the last is over the first, which is quiet"
    assert len({digest for _, digest in fast}) > 10


def test_events_are_printed_beside(found: check.RuleSet) -> None:
    settings = dataclasses.replace(SETTINGS, events=True, kinds=("dns",))
    path = ROOT / "pcaps/dns-suspicious/dns-suspicious.pcap"
    fast, slow = (
        b"".join(batch.events for batch in run(worker, [path]))
        for worker in (loop.PacketLoop(found.plan, settings), reference_loop(found, settings))
    )
    assert slow == fast != b""


def test_detectors_run_beside_it() -> None:
    rules = check.load_rules([ROOT / "docs/examples/beacon/even_calls.yml"])
    path = ROOT / "pcaps/beacon-http/beacon-http.pcap"
    fast = told(loop.loop_for(rules.plan, SETTINGS), [path])
    assert told(reference_loop(rules, SETTINGS), [path]) == fast != []


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


DNS = """title: t
name: t
id: 11111111-1111-4111-8111-111111111111
logsource: {{category: dns}}
detection: {{s: {{query|endswith: {end}}}, condition: s}}
---
title: Many
id: 22222222-2222-4222-8222-222222222222
correlation: {{type: event_count, rules: [t], timespan: 1h, group-by: [source.ip], condition: {{gte: 3}}, generate: true}}
"""

ANOTHER = """---
title: Another
id: 33333333-3333-4333-8333-333333333333
logsource: {category: dns}
detection: {s: {query: new.example}, condition: s}
"""


def test_rules_are_swapped_and_correlations_go_on(tmp_path: Path) -> None:
    """Both engines take other rules between two packets; what was counted stays where the rules are the same."""
    sets = []
    for number, more in enumerate(("", ANOTHER)):
        path = tmp_path / f"{number}.yml"
        path.write_text(DNS.format(end=".example") + more)
        sets.append(check.load_rules([path]))
    frames = crafting.craft([{"dns": {"query": f"{name}.example"}} for name in ("a", "b", "new")])
    half = len(frames) * 2 // 3
    seen = []
    for judge in (None, ReferenceJudge):
        worker = loop.PacketLoop(sets[0].plan, SETTINGS, judge and judge(sets[0]))
        worker.push(frames[:half], NOW)
        worker.swap_to(loop.engine(sets[1].plan), judge and judge(sets[1]))
        worker.push(frames[half:], NOW)
        seen.append(told(worker, []))
        assert worker.counters()["rule_matches"] == 4
    assert seen[0] == seen[1]
    assert names(seen[0]) == ["t", "t", "t", "Another", "Many"]


def test_no_engine_takes_the_rules_of_the_other(found: check.RuleSet) -> None:
    with pytest.raises(BavnError, match="the engine stays"):
        reference_loop(found, SETTINGS).swap(found.plan)
    with pytest.raises(BavnError, match="the engine stays"):
        loop.PacketLoop(found.plan, SETTINGS).swap_to(loop.engine(found.plan), ReferenceJudge(found))


def test_what_a_judge_raises_ends_the_step(found: check.RuleSet) -> None:
    """A key that ends the program must not be lost in the packet loop."""

    class Stopped(ReferenceJudge):
        def judge(self, *_: object) -> tuple[list[int], list[Any], int | None]:
            raise KeyboardInterrupt

    worker = loop.PacketLoop(found.plan, SETTINGS, Stopped(found))
    worker.push(crafting.craft([{"dns": {"query": "a.example"}}]), NOW)
    with pytest.raises(KeyboardInterrupt):
        worker.finish(NOW)


def test_an_event_that_it_cannot_judge_is_counted(found: check.RuleSet, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = reference_loop(found, SETTINGS)
    monkeypatch.setattr("detectors.reference.engine.ReferenceRules.read", lambda *_: 1 / 0)
    worker.push(crafting.craft([{"dns": {"query": "a.example"}}]), NOW)
    worker.finish(NOW)
    assert worker.counters()["reference_failed"] > 0


def test_several_workers_are_refused(found: check.RuleSet) -> None:
    with pytest.raises(BavnError, match="workers"):
        reference_loop(found, dataclasses.replace(SETTINGS, workers=2))


def test_pushed_frames_too(found: check.RuleSet) -> None:
    frames = crafting.craft([{"dns": {"query": f"{number}.example"}} for number in range(3)])
    counted = []
    for worker in (loop.PacketLoop(found.plan, SETTINGS), reference_loop(found, SETTINGS)):
        worker.push(frames, NOW)
        counted.append(told(worker, []))
    assert counted[0] == counted[1] != []

"""Detectors in Python: called once a batch, bounded, set aside where they fail; their scores are judged by rules."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from detectors import check, loop, ruletest
from detectors.analytics import Observation, Score
from detectors.analytics.beacon import MAX_FLOWS, Beacon, evenness
from detectors.analytics.loop import GROUP, MAX_SCORES, DetectingLoop, installed
from detectors.errors import BavnError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs/examples/beacon"
CAPTURE = ROOT / "pcaps/beacon-http/beacon-http.pcap"
NOW = 1_800_000_000_000_000_000
SECOND = 1_000_000_000
SETTINGS = loop.Settings(evidence_bytes=0)
RULE = (
    "title: Any score\nid: 11111111-1111-4111-8111-111111111111\nlogsource: {product: bavn, service: score}\n"
    "detection:\n  s: {score|gte: 0.5}\n  condition: s\n"
)


def plan(tmp_path: Path, text: str = RULE) -> bytes:
    (tmp_path / "r.yml").write_text(text)
    return check.load_rules([tmp_path]).plan


def run(worker: loop.PacketLoop, capture: Path = CAPTURE) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Alerts and problems of a capture."""
    worker.open_file(str(capture))
    alerts, problems = [], []
    for part in (worker.step, worker.finish):
        more = True
        while more:
            batch = part(NOW)
            alerts += [json.loads(alert) for alert in batch.alerts]
            problems += batch.problems
            more = batch.more
    return alerts, problems


def flow(start: float, size: int = 500, source: str = "10.0.0.1", **more: Any) -> Observation:
    fields = {"event.start": int(start * SECOND), "source.bytes": size, "bavn.flow.reason": "end", **more}
    ends = {"source.ip": source, "destination.ip": "203.0.113.1", "destination.port": 443, "network.transport": "tcp"}
    return Observation("flow", int(start * SECOND), 1, fields, ends)


def scores(detector: Beacon, starts: Iterable[float], **more: Any) -> list[Score]:
    return list(detector.observe([flow(start, **more) for start in starts]))


def test_even_calls_score_high_and_uneven_ones_do_not() -> None:
    (even,) = scores(Beacon(), (60 * n for n in range(8)))
    assert (even.value, even.events, even.fields["event.duration"]) == (1.0, 8, 420 * SECOND)
    assert even.reason == "8 conversations, one every 60 s, times 100% even, sizes 100%"
    (shaken,) = scores(Beacon(), [0, 61, 119, 181, 240, 299, 361, 420])
    assert 0.9 < shaken.value < 1
    assert scores(Beacon(), [0, 3, 44, 53, 183, 188, 265, 525]) == []
    assert scores(Beacon(), (60 * n for n in range(7))) == []
    assert scores(Beacon(), (0.1 * n for n in range(30))) == [], "one page of many parts"
    assert scores(Beacon(), (60 * n for n in range(8)), **{"bavn.flow.reason": "update"}) == []


def test_one_late_call_does_not_spoil_the_rest() -> None:
    (found,) = scores(Beacon(), [0, 60, 120, 500, 560, 620, 680, 740])
    assert found.value == 1.0


def test_sizes_count_for_half() -> None:
    many = [flow(60 * n, size) for n, size in enumerate([100, 900, 300, 2000, 50, 700, 90, 4000])]
    (found,) = Beacon().observe(many)
    assert found.value == 0.5


def test_a_lasting_beacon_is_told_of_at_each_doubling_and_keeps_its_newest_calls() -> None:
    detector = Beacon()
    told = scores(detector, (60 * n for n in range(500)))
    assert [score.events for score in told] == [8, 16, 32, 64, 128, 256]
    assert {len(pair.calls) for pair in detector._pairs.values()} == {MAX_FLOWS}


def test_pairs_are_bounded_and_the_quiet_ones_go() -> None:
    detector = Beacon(most=10)
    for number in range(100):
        scores(detector, [number], source=f"10.0.0.{number}")
        scores(detector, [number], source="10.0.1.1")
    assert len(detector._pairs) == 10
    assert detector.forgotten == 91
    assert any(key[0] == "10.0.1.1" and pair.count == 100 for key, pair in detector._pairs.items())


def test_evenness() -> None:
    assert evenness([5, 5, 5]) == 1
    assert evenness([1, 100, 1000]) == 0
    assert evenness([0, 0]) == 0


def test_the_example_does_on_its_tests_what_it_must() -> None:
    results = ruletest.run_tests([EXAMPLE])
    assert [(result.name, result.failure) for result in results] == [(result.name, None) for result in results]
    assert len(results) == 6


def test_a_capture_of_a_beacon(tmp_path: Path) -> None:
    """The client that calls home once a second is told of, the one that reads news is not."""
    worker = loop.loop_for(plan(tmp_path), SETTINGS)
    alerts, problems = run(worker)
    assert problems == []
    beacons = {alert["source"]["ip"] for alert in alerts if alert["destination"]["port"] == 80}
    truth = {alert["source"]["ip"] for alert in run(loop.PacketLoop(plan(tmp_path, HTTP), SETTINGS))[0]}
    assert beacons == truth != set()
    alert = next(alert for alert in alerts if alert["destination"]["port"] == 80)
    assert alert["bavn"]["score"]["detector"] == "beacon"
    assert alert["network"]["community_id"].startswith("1:")
    assert worker.counters()["detector_scores"] >= len(alerts)


HTTP = (
    "title: The beacon\nid: 11111111-1111-4111-8111-111111111112\nlogsource: {category: proxy}\n"
    "detection:\n  s: {cs-host: cdn-status.test}\n  condition: s\n"
)


class Own:
    """Says what it is told to, and counts how it is called."""

    name = "own"
    kinds = ("http", "dns")

    def __init__(self, value: float = 0.5, fails: bool = False, times: int = 1) -> None:  # noqa: FBT001, FBT002
        self.value, self.fails, self.times = value, fails, times
        self.calls, self.events = 0, 0

    def observe(self, events: Sequence[Observation]) -> Iterable[Score]:
        self.calls += 1
        self.events += len(events)
        if self.fails:
            raise RuntimeError("broken")
        assert all(event.kind in self.kinds for event in events)
        return [Score(self.value, "because", events[0])] * self.times


def test_it_is_called_by_the_batch(tmp_path: Path) -> None:
    own = Own()
    alerts, _ = run(DetectingLoop(plan(tmp_path), SETTINGS, [own]))
    assert own.events > 100
    assert own.calls < own.events / 20
    assert [alert["bavn"]["score"]["reason"] for alert in alerts] == ["because"] * own.calls


@pytest.mark.parametrize("bad", [Own(fails=True), Own(value=1.5), Own(value=float("nan"))])
def test_one_that_fails_is_set_aside_and_the_others_go_on(bad: Own, tmp_path: Path) -> None:
    worker = DetectingLoop(plan(tmp_path), SETTINGS, [bad, Beacon()])
    alerts, problems = run(worker)
    assert [code for code, _ in problems] == ["BAVN-E072"]
    assert bad.calls == 1
    assert alerts
    assert worker.counters()["detector_failed"] == 1


def test_scores_of_a_batch_are_bounded(tmp_path: Path) -> None:
    own = Own(value=0.1, times=MAX_SCORES + 5)
    worker = DetectingLoop(plan(tmp_path), SETTINGS, [own])
    run(worker)
    assert worker.counters()["detector_lost"] == 5 * own.calls


def test_without_a_rule_about_scores_no_detector_runs(tmp_path: Path) -> None:
    worker = loop.loop_for(plan(tmp_path, HTTP), SETTINGS)
    assert type(worker) is loop.PacketLoop
    with pytest.raises(BavnError, match="no detector runs"):
        worker.swap(plan(tmp_path))
    assert run(worker)[0], "the rules of before go on"
    loop.loop_for(plan(tmp_path), SETTINGS).swap(plan(tmp_path))


def test_packages_bring_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        name = "other"

        def load(self) -> type[Own]:
            return Own

    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [Entry()] if group == GROUP else [])
    assert [one.name for one in installed()] == ["beacon", "own"]
    monkeypatch.setattr(Entry, "load", lambda _: 1 / 0)
    with pytest.raises(BavnError, match="`other` cannot be made"):
        installed()

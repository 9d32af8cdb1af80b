"""Rules are read again beside the work, and swapped only where they can run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli.reloading import LOOK_EVERY_S, Ready, Reloader
from cli.watching import watch
from detectors import check, crafting, loop

if TYPE_CHECKING:
    from pathlib import Path

RULE = """title: Name asked for
id: 2f0f4a6e-0a30-4c0e-9a52-0c6a3e2d6a01
logsource: {{category: dns}}
detection:
    selection:
        {test}
    condition: selection
level: low
"""


@pytest.fixture
def rule(tmp_path: Path) -> Path:
    path = tmp_path / "rule.yml"
    path.write_text(RULE.format(test="query: a.example"))
    return path


def settle(reloader: Reloader, now: float) -> None:
    """Let what was begun end, as the steps of a sensor do."""
    reloader.poll(now)
    if reloader._thread is not None:
        reloader._thread.join(60)
        reloader.poll(now)


def test_nothing_happens_unasked(rule: Path) -> None:
    taken: list[Ready] = []
    reloader = Reloader([rule], taken.append)
    settle(reloader, 0)
    assert (taken, reloader.done, reloader.failed) == ([], 0, 0)


def test_asked_for_rules_are_taken_ready_to_judge(rule: Path) -> None:
    taken: list[Ready] = []
    reloader = Reloader([rule], taken.append)
    rule.write_text(RULE.format(test="query: b.example"))
    reloader.ask()
    settle(reloader, 0)
    assert reloader.done == 1
    assert taken[0].engine.match_event(b'{"kind":"dns","fields":{"dns.question.name":"b.example"}}') == [0]


@pytest.mark.parametrize("text", ["title: [", RULE.format(test="quary: a"), ""])
def test_rules_that_do_not_run_change_nothing(rule: Path, text: str) -> None:
    taken: list[Ready] = []
    reloader = Reloader([rule], taken.append)
    rule.write_text(text)
    reloader.ask()
    settle(reloader, 0)
    assert taken == []
    assert reloader.failed == 1
    assert "BAVN-E310" in reloader.last_error
    rule.write_text(RULE.format(test="query: c.example"))
    reloader.ask()
    settle(reloader, 1)
    assert (len(taken), reloader.last_error) == (1, "")


def test_changed_files_are_noticed(rule: Path) -> None:
    taken: list[Ready] = []
    reloader = Reloader([rule.parent], taken.append, watch=True)
    settle(reloader, 0)
    settle(reloader, LOOK_EVERY_S)
    assert taken == []
    rule.write_text(RULE.format(test="query: longer.example"))
    settle(reloader, LOOK_EVERY_S + 0.1)
    assert taken == [], "files are not looked at all the time"
    settle(reloader, 2 * LOOK_EVERY_S)
    assert len(taken) == 1


def test_a_swap_keeps_flows_and_counters(rule: Path) -> None:
    """A loop in mid-capture goes on with other rules; what the first ones did still counts."""
    before = check.load_rules([rule]).plan
    rule.write_text(RULE.format(test="query: b.example"))
    worker = loop.PacketLoop(before, loop.Settings(evidence_bytes=0))
    frames = [query(number, "a.example") for number in range(3)]
    worker.push(frames, frames[-1][0])
    worker.swap_to(loop.engine(check.load_rules([rule]).plan))
    frames = [query(number, "b.example") for number in range(3, 8)]
    worker.push(frames, frames[-1][0])
    alerts = len(worker.finish(frames[-1][0]).alerts)
    counters = worker.counters()
    assert counters["frames"] == counters["analysed"] == 8
    # Questions that wait for their answer are judged by the rules of the moment in which they are given up.
    assert alerts == counters["rule_matches"] == worker.rules()[0].matches == 5
    assert worker.kinds()["dns"] == 8


def query(number: int, name: str) -> tuple[int, int, bytes]:
    made = crafting.craft([{"dns": {"query": name, "response": "none", "client_port": 2000 + number}}])
    return (made[0][0] + number * 1_000_000, *made[0][1:])


class EndedError(Exception):
    """Ends a watch in a test."""


def test_watch_runs_again_after_a_change_and_survives_an_error(rule: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs: list[str] = []
    naps = 0

    def run() -> int:
        runs.append(rule.read_text())
        if len(runs) == 2:
            raise FileNotFoundError(2, "gone", "x.yml")
        return 0

    def sleep(_: float) -> None:
        nonlocal naps
        naps += 1
        if naps in (2, 4):
            rule.write_text(f"{rule.read_text()}# {naps}\n")
        if naps == 6:
            raise EndedError

    with pytest.raises(EndedError):
        watch([rule.parent], run, sleep)
    assert len(runs) == 3
    assert "BAVN-E312" in capsys.readouterr().err

"""The shipped rules on our captures, and on what a real Suricata wrote of the same captures (`make.sh`).

`differences.toml` lists every rule that finds another number of things there, with the reason; nothing else may differ.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from detectors.check import RuleSet, default_rules, load_rules
from detectors.loop import PacketLoop, Settings

HERE = Path(__file__).parent
PCAPS = HERE.parents[2] / "pcaps"
LOGS = sorted((HERE / "logs").glob("*.json.gz"))
REASONS: dict[str, str]
DIFFERENCES: dict[str, dict[str, dict[str, Any]]]
DIFFERENCES, REASONS = (
    tomllib.loads((HERE / "differences.toml").read_text("utf-8"))[key] for key in ("cases", "reasons")
)


@cache
def rules() -> RuleSet:
    return load_rules([default_rules()])


def alerts(paths: list[Path]) -> tuple[Counter[str], PacketLoop]:
    loop = PacketLoop(rules().plan, Settings())
    found: Counter[str] = Counter()
    for path in paths:
        loop.open_file(str(path))
        while True:
            batch = loop.step(1)
            found.update(rule for _, rule, _ in batch.heads)
            assert not batch.problems
            if not batch.more:
                break
    while True:
        batch = loop.finish(1)
        found.update(rule for _, rule, _ in batch.heads)
        if not batch.more:
            return found, loop


@pytest.mark.parametrize("log", LOGS, ids=lambda path: path.name.split(".")[0])
def test_alerts_differ_only_as_listed(log: Path) -> None:
    case = log.name.split(".")[0]
    ours, _ = alerts(sorted((PCAPS / case).glob("*.pcap")))
    theirs, loop = alerts([log])
    assert ours, case
    found = {rule: (ours[rule], theirs[rule]) for rule in ours | theirs if ours[rule] != theirs[rule]}
    assert found == {rule: tuple(one["alerts"]) for rule, one in DIFFERENCES.get(case, {}).items()}
    assert all(one["why"] in REASONS for one in DIFFERENCES.get(case, {}).values())
    names = loop.line_names()
    assert not names["unmapped"]
    assert not names["misfit"]
    counters = loop.counters()
    passed = sum(n for name, n in counters.items() if name.startswith("line_") and name not in NO_REASON)
    assert counters["lines"] == counters["line_events"] + passed


NO_REASON = ("line_bytes", "line_events", "line_not_utf8")


def test_ids_are_the_same_in_each_run() -> None:
    def ids() -> list[bytes]:
        loop = PacketLoop(rules().plan, Settings())
        loop.open_file(str(HERE / "logs" / "web-attacks.json.gz"))
        found = list(loop.step(1, 60_000).alerts)
        return found + list(loop.finish(1).alerts)

    assert ids()
    assert ids() == ids()

"""What `bavn events` prints of a capture, scanned, gives the alerts of the capture, but for what JSON does not carry."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from detectors.check import RuleSet, default_rules, load_rules
from detectors.loop import PacketLoop, Settings, load_native

PCAPS = Path(__file__).parents[2] / "pcaps"
CAPTURES = sorted(path for path in PCAPS.glob("*/*") if path.suffix in {".pcap", ".pcapng"})

# What rules over raw heads and bodies find, which are never printed.
LOST = {
    "privacy-redaction.pcap": [
        "JNDI look-up in a web request (Log4Shell)",
        "JNDI look-up in the body of a web request (Log4Shell)",
    ],
    "web-attacks.pcap": [
        "Function definition in a request header (Shellshock)",
        "JNDI look-up in a web request (Log4Shell)",
        "OGNL expression in a web request (Struts, Confluence)",
        "PHP code sent to a web server",
    ],
}


@cache
def rules() -> RuleSet:
    return load_rules([default_rules()])


@cache
def hidden() -> frozenset[str]:
    """Fields that are never printed, since they may be secrets or whole contents: unobserved on lines."""
    return frozenset(field["name"] for field in json.loads(load_native().fields()) if field["hidden"])


def run(path: Path, plan: bytes | None, **settings: Any) -> tuple[list[dict[str, Any]], bytes, dict[str, int]]:
    loop = PacketLoop(plan, Settings(**settings))
    loop.open_file(str(path))
    alerts, events, more = [], b"", True
    while more:
        batch = loop.step(1)
        more = batch.more
        alerts += map(json.loads, batch.alerts)
        events += batch.events
    more = True
    while more:
        batch = loop.finish(1)
        more = batch.more
        alerts += map(json.loads, batch.alerts)
        events += batch.events
    return alerts, events, loop.counters()


def told(alert: dict[str, Any]) -> str:
    """What an alert says, without its id (over the flow's begin, which is not printed) and evidence (packets)."""
    alert = json.loads(json.dumps(alert))
    alert["event"].pop("id")
    alert["bavn"].pop("evidence", None)
    return json.dumps(alert, sort_keys=True)


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_alerts_of_events_are_those_of_the_capture(capture: Path, tmp_path: Path) -> None:
    alerts, events, _ = run(capture, rules().plan, events=True)
    lines = tmp_path / "events.jsonl"
    lines.write_bytes(events)
    if not events:
        pytest.fail("a capture without an event")
    again, printed, counters = run(lines, rules().plan, events=True)
    assert printed == events
    assert counters["lines"] == counters["line_events"] == events.count(b"\n")
    missing = Counter(map(told, alerts)) - Counter(map(told, again))
    assert not Counter(map(told, again)) - Counter(map(told, alerts))
    for alert in map(json.loads, missing):
        assert hidden() & {leaf["field"] for leaf in alert["bavn"]["matched"]}, alert["rule"]["name"]
    lost = sorted({json.loads(alert)["rule"]["name"] for alert in missing})
    assert lost == LOST.get(capture.name, [])

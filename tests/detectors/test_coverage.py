"""What a rule set covers, and what is blind on a sensor."""

from __future__ import annotations

from pathlib import Path

import pytest

from detectors import check, coverage

PCAPS = Path(__file__).parents[2] / "pcaps"
RULE = """title: {title}
logsource: {{category: {category}}}
tags: [{tags}]
detection:
    selection:
        {test}
    condition: selection
level: low
"""
MADE = (
    ("Name", "dns", "attack.command-and-control, attack.t1071.004", "query: a.example"),
    ("Page", "webserver", "attack.command-and-control, attack.initial-access, attack.t1071.001", "cs-method: GET"),
    ("Blind", "dns_query", "attack.initial-access, attack.t1071.001", "Image: a.exe"),
    ("Wrong", "dns", "attack.initial-access", "quary: a"),
    ("Untold", "webserver", "", "sc-status: 404"),
)


@pytest.fixture
def found(tmp_path: Path) -> check.RuleSet:
    for title, category, tags, test in MADE:
        (tmp_path / f"{title}.yml").write_text(RULE.format(title=title, category=category, tags=tags, test=test))
    return check.load_rules([tmp_path])


def test_techniques_stand_under_each_tactic_of_their_rules(found: check.RuleSet) -> None:
    cells = {(c.tactic, c.technique): (c.runs, c.unfillable, c.refused) for c in coverage.matrix(found)}
    assert cells == {
        ("command-and-control", "T1071.001"): (1, 0, 0),
        ("command-and-control", "T1071.004"): (1, 0, 0),
        ("initial-access", "T1071.001"): (1, 1, 0),
        ("initial-access", coverage.NO_TECHNIQUE): (0, 0, 1),
        (coverage.NO_TACTIC, coverage.NO_TECHNIQUE): (1, 0, 0),
    }


def test_a_layer_counts_each_rule_once(found: check.RuleSet) -> None:
    layer = coverage.navigator(coverage.matrix(found), "mine")
    assert [(t["techniqueID"], t["score"]) for t in layer["techniques"]] == [("T1071.001", 1), ("T1071.004", 1)]
    assert layer["domain"] == "enterprise-attack"


def test_a_rule_whose_events_never_come_is_blind(found: check.RuleSet) -> None:
    view = coverage.on_kinds(found, "odense", {"dns": 3, "tls": 9, "http": 0})
    assert view.kinds == {"dns": 3, "tls": 9}
    assert [rule.title for rule in view.can_fire] == ["Name"]
    assert {rule.title for rule in view.blind} == {"Page", "Untold"}
    assert view.blind[0].why == "no http event has come; what there is may pass inside tls"


def test_captures_stand_for_a_sensor(found: check.RuleSet) -> None:
    encrypted = coverage.on_captures(found, "shells", [PCAPS / "ssh-sessions/ssh-sessions.pcap"])
    assert {rule.title for rule in encrypted.blind} >= {"Page", "Untold"}
    clear = coverage.on_captures(found, "web", [PCAPS / "web-attacks/web-attacks.pcap"])
    page = next(rule for rule in clear.can_fire if rule.title == "Page")
    assert 0 < page.matches <= page.candidates <= clear.kinds["http"]


def test_what_was_not_seen_is_told(found: check.RuleSet) -> None:
    view = coverage.on_captures(found, "one way", sorted((PCAPS / "one-way").glob("*.pcap")))
    assert next(rule for rule in view.can_fire if rule.title == "Untold").unobserved > 0


OWN = """title: Flags
logsource: {product: bavn, category: packet}
detection: {s: {flags|all: [SYN, FIN]}, condition: s}
level: low
"""
SCORES = (
    OWN.replace("Flags", "Scores")
    .replace("category: packet", "service: score")
    .replace("flags|all: [SYN, FIN]", "score|gte: 0.5")
)


@pytest.fixture
def own(tmp_path: Path) -> check.RuleSet:
    """A rule over packets and one over scores, which are made only where a rule asks."""
    for name, text in (("flags", OWN), ("scores", SCORES)):
        (tmp_path / f"{name}.yml").write_text(text)
    return check.load_rules([tmp_path])


def test_packets_and_scores_are_there_where_a_rule_asks(own: check.RuleSet) -> None:
    view = coverage.on_captures(own, "beacon", [PCAPS / "beacon-http/beacon-http.pcap"])
    assert [rule.title for rule in view.can_fire] == ["Flags", "Scores"]
    assert view.kinds["packet"] > 1000
    assert view.kinds["score"] > 0


def test_a_sensor_without_such_rules_could_run_them(own: check.RuleSet) -> None:
    seen = coverage.on_kinds(own, "odense", {"flow": 3}, packets=70)
    assert {rule.title for rule in seen.can_fire} == {"Flags", "Scores"}
    asleep = coverage.on_kinds(own, "odense", {})
    assert {rule.title: rule.why for rule in asleep.blind} == {
        "Flags": "no packet event has come", "Scores": "no score event has come",
    }  # fmt: skip


def test_packets_are_no_events_where_no_rule_asks(found: check.RuleSet) -> None:
    view = coverage.on_captures(found, "beacon", [PCAPS / "beacon-http/beacon-http.pcap"])
    assert "packet" not in view.kinds

"""Rule tests: what a case can say, and that a failing one fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from detectors import reference, ruletest
from detectors.rulefiles import RuleFileError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from detectors.check import RuleSet
    from detectors.crafting import Frame
    from detectors.fields import FieldTable

RULE = (
    "title: t\nid: 11111111-1111-4111-8111-111111111111\nlogsource: {category: dns}\n"
    "detection:\n  s: {query: evil.example}\n  condition: s\n"
)
EVIL = "event: {kind: dns, fields: {dns.question.name: EVIL.example}}"
GOOD = "event: {kind: dns, fields: {dns.question.name: good.example}}"


class ReferenceRunner:
    """Events by the slow reading; everything else counts as one alert a frame."""

    def event(self, rules: RuleSet, event: Mapping[str, Any]) -> int:
        return len(reference.ReferenceEngine(rules.plan).match_event(ruletest.event_json(event)))

    def frames(self, rules: RuleSet, frames: Sequence[Frame]) -> int:
        assert rules.plan
        return len(frames)

    def capture(self, rules: RuleSet, path: Path) -> int:
        assert rules.plan
        return len(path.read_bytes())


def run(tmp_path: Path, fields: FieldTable, text: str, rule: str = RULE) -> list[ruletest.Result]:
    (tmp_path / "r.yml").write_text(rule)
    (tmp_path / "r.test.yml").write_text(text)
    return ruletest.run_tests([tmp_path], runner=ReferenceRunner(), fields=fields)


def test_cases_pass_and_fail(tmp_path: Path, field_table: FieldTable) -> None:
    text = (
        f"match:\n  - {{name: a, {EVIL}}}\n  - {{name: b, {GOOD}}}\n"
        f"no_match:\n  - {{name: c, {GOOD}}}\n  - {{name: d, {EVIL}}}\n"
    )
    results = run(tmp_path, field_table, text)
    assert [(r.name, r.passed, r.alerts) for r in results] == [
        ("a", True, 1),
        ("b", False, 0),
        ("c", True, 0),
        ("d", False, 1),
    ]
    failure = results[1].failure
    assert failure is not None
    assert (failure.code, failure.line) == ("BAVN-E061", 3)
    assert "must match and did not" in results[1].message


def test_exact_number_of_alerts(tmp_path: Path, field_table: FieldTable) -> None:
    text = "match:\n  - {name: a, packets: [{dns: {}}], alerts: 2}\n  - {name: b, packets: [{dns: {}}], alerts: 3}\n"
    assert [r.passed for r in run(tmp_path, field_table, text)] == [True, False]


def test_captures_are_found_from_the_tree(tmp_path: Path, field_table: FieldTable) -> None:
    (tmp_path / "pcaps").mkdir()
    (tmp_path / "pcaps" / "x.pcap").write_bytes(b"12345")
    (tmp_path / "rules").mkdir()
    text = (
        "match:\n  - {name: a, capture: pcaps/x.pcap, alerts: 5}\n"
        "  - {name: b, capture: pcaps/y.pcap}\n  - {name: c, capture: /etc/passwd}\n"
    )
    results = run(tmp_path / "rules", field_table, text)
    assert [r.passed for r in results] == [True, False, False]
    assert "there is no capture" in results[1].message
    assert "relative" in results[2].message


def test_a_rule_that_does_not_load_fails_its_cases(tmp_path: Path, field_table: FieldTable) -> None:
    text = f"no_match:\n  - {{name: a, {GOOD}}}\n"
    (result,) = run(tmp_path, field_table, text, RULE.replace("query", "qery"))
    assert result.failure is not None
    assert result.failure.code == "BAVN-E031"


def test_a_bad_description_fails_its_case_only(tmp_path: Path, field_table: FieldTable) -> None:
    text = f"match:\n  - {{name: a, packets: [{{nope: 1}}]}}\n  - {{name: b, {EVIL}}}\n"
    results = run(tmp_path, field_table, text)
    assert [r.passed for r in results] == [False, True]
    assert results[0].failure is not None
    assert results[0].failure.code == "BAVN-E060"


WRONG = {
    "unknown key": ("matches: []\n", 1),
    "no list": ("match: 1\n", 1),
    "no mapping": ("match:\n  - 1\n", 2),
    "no name": (f"match:\n  - {{{EVIL}}}\n", 2),
    "no input": ("match:\n  - {name: a}\n", 2),
    "two inputs": (f"match:\n  - {{name: a, {EVIL}, capture: x}}\n", 2),
    "unknown case key": (f"match:\n  - {{name: a, {EVIL}, shell: id}}\n", 2),
    "anchor": ("match: &x []\n", 1),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_files_have_a_place(name: str, tmp_path: Path, field_table: FieldTable) -> None:
    text, line = WRONG[name]
    (result,) = run(tmp_path, field_table, text)
    assert result.failure is not None
    assert result.failure.line == line
    with pytest.raises(RuleFileError):
        ruletest.read(tmp_path / "r.test.yml")

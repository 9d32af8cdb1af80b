"""Passports and benign traffic."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from detectors import check, vetting

PCAPS = Path(__file__).parents[2] / "pcaps"
TODAY = dt.date(2026, 11, 22)
RULE = """title: Rule
id: 00000000-0000-4000-8000-000000000001
logsource: {{category: webserver}}
detection:
    selection:
        {test}
    condition: selection
level: {level}
{passport}
"""
WHOLE = "passport: {purpose: find it, data: metadata, owner: us, expiry: 2027-01-01}"


def load(folder: Path, passport: str = "", test: str = "cs-method: GET", level: str = "low") -> check.RuleSet:
    (folder / "rule.yml").write_text(RULE.format(passport=passport, test=test, level=level))
    return check.load_rules([folder])


CASES = {
    "whole": (WHOLE, True, []),
    "none, and none asked for": ("", False, []),
    "none": ("", True, [("BAVN-W008", "no passport")]),
    "no mapping": ("passport: yes", False, [("BAVN-W008", "no mapping")]),
    "lacks": ("passport: {purpose: x, data: header}", False, [("BAVN-W008", "lacks owner, expiry")]),
    "other data": (WHOLE.replace("metadata", "everything"), False, [("BAVN-W008", "one of header")]),
    "no date": (WHOLE.replace("2027-01-01", "soon"), False, [("BAVN-W008", "no date")]),
    "expired": (WHOLE.replace("2027-01-01", "2026-11-21"), False, [("BAVN-W009", "2026-11-21")]),
    "the last day": (WHOLE.replace("2027-01-01", "2026-11-22"), False, []),
}


@pytest.mark.parametrize("name", CASES)
def test_passports(name: str, tmp_path: Path) -> None:
    passport, required, wanted = CASES[name]
    found = vetting.passports(load(tmp_path, passport), TODAY, required=required)
    assert [problem.code for problem in found] == [code for code, _ in wanted]
    assert all(part in problem.sentence for problem, (_, part) in zip(found, wanted, strict=True))


@pytest.mark.parametrize(
    ("test", "level", "is_broad"),
    [
        ("cs-method: GET", "low", True),
        ("cs-uri-query|contains: nothing-like-this", "high", False),
        ("cs-uri-stem: /", "high", True),
    ],
)
def test_benign_traffic(test: str, level: str, is_broad: bool, tmp_path: Path) -> None:  # noqa: FBT001
    found = vetting.benign(load(tmp_path, test=test, level=level), [PCAPS / "benign-office/benign-office.pcap"])
    assert [problem.code for problem in found] == ["BAVN-W007"] * is_broad
    assert all(" http events of benign traffic" in problem.sentence for problem in found)


COUNTED = """title: Each
name: each
id: 00000000-0000-4000-8000-000000000002
logsource: {category: webserver}
detection: {selection: {cs-method: GET}, condition: selection}
level: informational
---
title: Many
id: 00000000-0000-4000-8000-000000000003
correlation: {type: event_count, rules: [each], group-by: [source.ip], timespan: 1h, condition: {gte: %d}%s}
level: high
passport: {purpose: find it, data: metadata, owner: us, expiry: 2027-01-01}
"""


@pytest.mark.parametrize(
    ("count", "more", "said"), [(1, "", {"Many"}), (9_999, "", set()), (9_999, ", generate: true", {"Each"})]
)
def test_a_correlation_is_judged_by_its_alerts_and_what_it_counts_is_not(
    count: int, more: str, said: set[str], tmp_path: Path
) -> None:
    path = tmp_path / "many.yml"
    path.write_text(COUNTED % (count, more))
    found = check.load_rules([path])
    titles = {rule.title: rule.id for rule in found.rules}
    assert found.quiet == (set() if more else {titles["Each"]})
    told = vetting.benign(found, [PCAPS / "benign-office/benign-office.pcap"])
    assert len(told) == len(said)
    assert all("matched" in problem.sentence for problem in told)
    assert [d.sentence for d in vetting.passports(found, TODAY, required=True)] == (
        ["`Each` has no passport"] if more else []
    )

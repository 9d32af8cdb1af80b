"""Two rule sets, rule by rule and alert by alert."""

from __future__ import annotations

from pathlib import Path

import pytest

from detectors import check, differing
from detectors.errors import BavnError

PCAPS = Path(__file__).parents[2] / "pcaps"
RULE = """title: {title}
id: 00000000-0000-4000-8000-00000000000{number}
logsource: {{category: {category}}}
detection:
    selection:
        {test}
    condition: selection
level: {level}
"""


def rules(folder: Path, *made: tuple[int, str, str, str]) -> check.RuleSet:
    folder.mkdir()
    for number, category, test, level in made:
        text = RULE.format(title=f"Rule {number}", number=number, category=category, test=test, level=level)
        (folder / f"{number}.yml").write_text(text)
    return check.load_rules([folder])


def test_rules_that_differ(tmp_path: Path) -> None:
    before = rules(
        tmp_path / "a",
        (1, "dns", "query: a", "low"), (2, "dns", "query: b", "low"), (3, "dns", "query: c", "low"),
        (4, "dns", "query: d", "low"), (5, "dns", "quary: e", "low"),
    )  # fmt: skip
    after = rules(
        tmp_path / "b",
        (1, "dns", "query: a", "low"), (2, "dns", "query: b", "high"), (4, "dns", "quary: d", "low"),
        (5, "dns", "query: e", "low"), (6, "dns", "query: f", "low"),
    )  # fmt: skip
    found = {change.title: change for change in differing.rules(before, after)}
    assert {title: change.what for title, change in found.items()} == {
        "Rule 2": "changed", "Rule 3": "removed", "Rule 4": "broken", "Rule 5": "mended", "Rule 6": "added",
    }  # fmt: skip
    assert found["Rule 2"].parts == ("level",)
    assert "quary" in found["Rule 4"].reason
    assert differing.rules(before, before) == []


def test_alerts_that_differ_on_a_capture(tmp_path: Path) -> None:
    before = rules(tmp_path / "a", (1, "webserver", "cs-uri-query|contains: etc/passwd", "low"))
    after = rules(tmp_path / "b", (1, "webserver", "cs-method: GET", "low"))
    capture = PCAPS / "web-attacks/web-attacks.pcap"
    (change,) = differing.alerts(before, after, [capture])
    assert 0 < change.before < change.after
    assert change.after == change.before - change.lost + change.gained
    assert len(change.examples) >= 1
    assert list(differing.alerts(before, before, [capture])) == []


def test_only_the_level_changes_no_alert(tmp_path: Path) -> None:
    before = rules(tmp_path / "a", (1, "webserver", "cs-method: GET", "low"))
    after = rules(tmp_path / "b", (1, "webserver", "cs-method: GET", "high"))
    assert list(differing.alerts(before, after, [PCAPS / "web-attacks/web-attacks.pcap"])) == []


def test_a_capture_that_is_none(tmp_path: Path) -> None:
    found = rules(tmp_path / "a", (1, "dns", "query: a", "low"))
    (tmp_path / "no.pcap").write_bytes(b"no capture at all, but long enough to be read")
    with pytest.raises(BavnError) as error:
        list(differing.alerts(found, found, [tmp_path / "no.pcap"]))
    assert error.value.code.startswith("BAVN-E4")

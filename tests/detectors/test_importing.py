"""Import of rules that others keep: what runs, what does not and why, what is written beside them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from detectors import check, importing
from detectors.errors import BavnError

if TYPE_CHECKING:
    from pathlib import Path

NOW = "2026-11-22T12:00:00+00:00"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
RULE = """title: {title}
id: {id}
author: A. Uthor
license: DRL-1.1
logsource: {{{source}}}
detection:
    selection:
        {test}
    condition: selection
level: low
"""


def rule(number: int, source: str, test: str) -> str:
    return RULE.format(title=f"Rule {number}", id=f"00000000-0000-4000-8000-{number:012}", source=source, test=test)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with two rules that run, one of another log, one that no sensor can fill, two that are wrong."""
    root = tmp_path / "clone"
    files = {
        "rules/network/dns.yml": rule(1, "category: dns", "query: a.example"),
        "rules-emerging-threats/web.yml": rule(2, "category: proxy", "c-uri|contains: /x"),
        "rules/windows/process.yml": rule(3, "product: windows, category: process_creation", "Image: a.exe"),
        "rules/network/blind.yml": rule(4, "product: zeek, service: snmp", "community: public"),
        "rules/network/wrong.yml": rule(5, "category: dns", "quary: a.example"),
        "rules/network/broken.yml": "title: [",
        "deprecated/old.yml": rule(6, "category: dns", "query: old.example"),
        "LICENSE": "their licence",
        ".git/HEAD": "ref: refs/heads/master\n",
        ".git/packed-refs": f"# pack-refs with: peeled\n{COMMIT} refs/heads/master\n",
        ".git/config": '[remote "origin"]\n\turl = https://example.org/rules.git\n',
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def sources(items: list[dict[str, str]]) -> list[str]:
    return sorted(item["source"] for item in items)


def test_network_rules_are_sorted_by_what_becomes_of_them(clone: Path) -> None:
    found = importing.look(clone).to_dict()
    assert sources(found["runnable"]) == ["rules-emerging-threats/web.yml", "rules/network/dns.yml"]
    assert sources(found["unfillable"]) == ["rules/network/blind.yml"]
    assert sources(found["refused"]) == ["rules/network/broken.yml", "rules/network/wrong.yml"]
    assert {r["code"] for item in found["refused"] for r in item["reasons"]} == {"BAVN-E010", "BAVN-E031"}


def test_all_rules_on_request(clone: Path) -> None:
    found = importing.look(clone, everything=True).to_dict()
    assert sources(found["unfillable"]) == ["rules/network/blind.yml", "rules/windows/process.yml"]


def test_alerts_name_the_licence_also_where_a_rule_does_not(clone: Path, tmp_path: Path) -> None:
    silent = clone / "rules/network/dns.yml"
    silent.write_text(silent.read_text().replace("license: DRL-1.1\n", ""))
    config = clone / ".git/config"
    config.write_text(config.read_text().replace("https://", "https://name:secret@"))
    importing.write(importing.look(clone), tmp_path / "taken", now=NOW)
    for folder in ("taken", "taken/rules/network"):
        plan = json.loads(check.load_rules([tmp_path / folder]).plan)
        licences = {rule["title"]: rule["license"] for rule in plan["rules"]}
        assert licences["Rule 1"] == "LICENSE of example.org/rules.git"
        assert licences.get("Rule 2", "DRL-1.1") == "DRL-1.1"


def test_what_is_written_loads_and_names_its_origin(clone: Path, tmp_path: Path) -> None:
    target = tmp_path / "taken"
    changes = importing.write(importing.look(clone), target, now=NOW)
    assert changes.added == ("rules-emerging-threats/web.yml", "rules/network/dns.yml")
    assert len(check.load_rules([target]).rules) == 2
    lock = json.loads((target / check.LOCK).read_text())
    assert lock["origin"] == {"path": str(clone), "remote": "https://example.org/rules.git", "commit": COMMIT}
    for name, digest in lock["files"].items():
        copied = (target / name).read_bytes()
        assert copied == (clone / name).read_bytes()
        assert hashlib.sha256(copied).hexdigest() == digest
    assert (target / "LICENSE").read_text() == "their licence"
    notice = (target / importing.NOTICE).read_text()
    assert "A. Uthor" in notice
    assert COMMIT in notice


def test_a_second_import_says_what_changed(clone: Path, tmp_path: Path) -> None:
    target = tmp_path / "taken"
    importing.write(importing.look(clone), target, now=NOW)
    (clone / "rules/network/dns.yml").write_text(rule(1, "category: dns", "query: b.example"))
    (clone / "rules/network/new.yml").write_text(rule(7, "category: dns", "query: new.example"))
    (clone / "rules-emerging-threats/web.yml").unlink()
    changes = importing.write(importing.look(clone), target, now=NOW)
    assert changes.added == ("rules/network/new.yml",)
    assert changes.changed == ("rules/network/dns.yml",)
    assert changes.removed == ("rules-emerging-threats/web.yml",)
    assert not (target / "rules-emerging-threats").exists()


@pytest.mark.parametrize("name", ["rules/network/dns.yml", "mine.yml"])
def test_what_others_wrote_is_never_replaced(clone: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / "taken"
    if name == "mine.yml":
        target.mkdir()
    else:
        importing.write(importing.look(clone), target, now=NOW)
    (target / name).write_text("mine")
    with pytest.raises(BavnError) as error:
        importing.write(importing.look(clone), target, now=NOW)
    assert error.value.code == "BAVN-E064"
    assert (target / name).read_text() == "mine"


def test_links_that_lead_out_are_left_alone(clone: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yml"
    outside.write_text(rule(9, "category: dns", "query: outside.example"))
    (clone / "rules/network/link.yml").symlink_to(outside)
    assert "rules/network/link.yml" not in sources(importing.look(clone).to_dict()["runnable"])


@pytest.mark.parametrize("head", ["", "ref: ../../../etc/passwd", "ref: refs/heads/none", "no commit", COMMIT])
def test_a_head_that_is_none_gives_no_commit(clone: Path, head: str) -> None:
    (clone / ".git/HEAD").write_text(head)
    assert importing.origin(clone).commit == (COMMIT if head == COMMIT else "")


def test_too_many_files(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MAX_FILES", 2)
    with pytest.raises(BavnError) as error:
        importing.look(clone)
    assert error.value.code == "BAVN-E065"

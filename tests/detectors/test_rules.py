"""The rules that come with bavn: complete, loaded, and doing on their tests what they must."""

from __future__ import annotations

import uuid
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from detectors import check, crafting, reference, rulefiles, ruletest

if TYPE_CHECKING:
    from detectors.fields import FieldTable

ROOT = Path(__file__).parents[2]
RULES = ROOT / "rules"
TESTS = sorted(RULES.rglob("*.test.yml"))
FILES = sorted(set(RULES.rglob("*.yml")) - set(TESTS))
LEVELS = {"informational", "low", "medium", "high", "critical"}


def name_of(path: Path) -> str:
    return path.relative_to(RULES).as_posix()


def documents(path: Path) -> list[dict[str, Any]]:
    """Return a file's documents: the rule that alerts is the last, those before it are what it counts."""
    return [document.data for document in rulefiles.parse(path.read_text(), path.name)]


def test_there_are_rules_for_each_protocol() -> None:
    assert len(FILES) >= 60
    assert {path.parent.name for path in FILES} >= {
        "dce_rpc", "dhcp", "dnp3", "dns", "file", "flow", "ftp", "http", "kerberos", "ldap", "modbus", "nbns", "ntlm",
        "quic", "rdp", "s7", "smb", "smtp", "ssh", "tls", "x509",
    }  # fmt: skip
    assert {ruletest.beside(path) for path in FILES} == set(TESTS)


def test_they_cover_many_techniques() -> None:
    tags = {tag for path in FILES for tag in documents(path)[-1]["tags"] if tag.startswith("attack.t")}
    assert len({tag.split(".")[1] for tag in tags}) >= 35
    assert len(tags) >= 60


def test_all_load_without_a_warning(field_table: FieldTable) -> None:
    rules = check.load_rules([RULES], fields=field_table)
    assert not rules.refused
    assert not rules.warnings
    everything = [data for path in FILES for data in documents(path)]
    assert len(rules.rules) == len(everything)
    assert len({data["id"] for data in everything}) == len(everything)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_what_is_counted_makes_no_alert_of_its_own(path: Path) -> None:
    *counted, told = documents(path)
    assert bool(counted) == ("correlation" in told)
    if counted:
        assert [data["name"] for data in counted] == told["correlation"]["rules"]
        assert {data["level"] for data in counted} == {"informational"}
        assert not told["correlation"].get("generate")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_passport_is_complete(path: Path) -> None:
    data = documents(path)[-1]
    assert uuid.UUID(data["id"]).version == 4
    assert (data["author"], data["license"]) == ("bavn", "EUPL-1.2")
    assert isinstance(data["date"], date)
    assert data["level"] in LEVELS
    assert len(data["description"]) > 60
    assert data["falsepositives"]
    assert data["known_gaps"]
    assert any(tag.startswith("attack.t") for tag in data["tags"])
    assert any(ref.startswith("https://attack.mitre.org/techniques/T") for ref in data["references"])
    passport = data["passport"]
    assert passport["data"] in {"header", "metadata", "payload"}
    assert passport["owner"]
    assert passport["purpose"]
    assert passport["expiry"] > data["date"]


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_cases_hold_on_the_loop(path: Path) -> None:
    test = ruletest.read(path)
    assert {case.must_match for case in test.cases} == {True, False}
    failures = [result.failure.sentence for result in ruletest.run(test) if result.failure]
    assert not failures


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_event_cases_hold_on_the_reference(path: Path, field_table: FieldTable) -> None:
    test = ruletest.read(path)
    plan = check.load_rules([test.rule], fields=field_table).plan
    engine = reference.ReferenceEngine(plan, field_table)
    for case in test.cases:
        if case.kind == "event":
            found = engine.match_event(ruletest.event_json(case.value))
            assert bool(found) == case.must_match, case.name
        elif case.kind == "packets":
            assert crafting.craft(case.value)

"""A rule that is begun from an event checks and passes, whatever the event holds."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detectors import check, ruletest, scaffold
from detectors.errors import BavnError

if TYPE_CHECKING:
    from pathlib import Path

TODAY = dt.date(2028, 2, 29)


def made(event: dict[str, Any], folder: Path) -> list[ruletest.Result]:
    found = scaffold.make(event, "A: 'title' \x85\u2028 #1", (), identity=str(uuid.uuid4()), today=TODAY)
    (folder / "made.yml").write_text(found.rule, "utf-8")
    (folder / "made.test.yml").write_text(found.test, "utf-8")
    assert check.load_rules([folder / "made.yml"]).diagnostics == []
    return ruletest.run_tests([folder])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(min_size=1, max_size=20), agent=st.text(max_size=20))
def test_any_text_is_asked_for_as_it_is(name: str, agent: str, tmp_path: Path) -> None:
    event = {"kind": "http", "fields": {"url.path": name, "user_agent.original": agent}, "unobserved": []}
    assert [result.message for result in made(event, tmp_path)] == ["", ""]


@pytest.mark.parametrize(
    "value", [r"a\*b", r"\\srv\?", "*", "?", "'\"", "yes", "010", "null", "%41%", "${jndi:x}", "a: b # c"]
)
def test_what_sigma_and_yaml_take_for_syntax(value: str, tmp_path: Path) -> None:
    event = {"kind": "dns", "fields": {"dns.question.name": value}, "unobserved": []}
    assert [result.message for result in made(event, tmp_path)] == ["", ""]


def test_an_event_without_text() -> None:
    event = {"kind": "flow", "fields": {"source.ip": "192.0.2.1", "source.port": 5}, "unobserved": []}
    with pytest.raises(BavnError) as error:
        scaffold.make(event, "t", (), identity="x", today=TODAY)
    assert error.value.code == "BAVN-E067"

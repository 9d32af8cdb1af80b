"""Whole files of rules, filters and correlations: what engine and reference tell of events that follow each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from detectors import check, loop, ruletest
from detectors.reference.engine import ReferenceRules

DATA: Final = yaml.safe_load((Path(__file__).parents[1] / "vectors/documents/sets.yml").read_text("utf-8"))


def event(name: str, at: float, more: dict[str, Any] | None = None) -> dict[str, Any]:
    fields = {"dns.question.name": name, "source.ip": "10.0.0.1", "destination.ip": "10.0.0.53"}
    return {"kind": "dns", "at": at, "fields": fields | (more or {})}


@pytest.mark.parametrize("vector", DATA["vectors"], ids=lambda vector: vector["name"])
def test_vector(vector: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "set.yml"
    path.write_text(DATA["short"] + vector["file"], "utf-8")
    found = check.load_rules([path])
    assert sorted(d.code for d in found.diagnostics) == vector.get("codes", []), found.diagnostics
    events = [ruletest.event_json(one) for one in ruletest.in_order([event(*one) for one in vector["events"]])]
    for engine in (loop.Engine(found.plan), ReferenceRules(found)):
        told = [sorted(found.rules[number].title for number in numbers) for numbers in engine.replay(events)]
        assert told == vector["told"], engine

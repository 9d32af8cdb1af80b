"""The engine's vectors of rule semantics, read the slow way: engine and reference must agree with the same data."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from detectors.reference import ReferenceEngine

if TYPE_CHECKING:
    from detectors.fields import FieldTable

FOLDER = Path(__file__).parents[2] / "detectors/engine/tests/vectors/sigma"
CASES = [case for path in sorted(FOLDER.glob("*.toml")) for case in tomllib.loads(path.read_text())["test"]]
OUTCOMES: dict[str, bool | None] = {"true": True, "false": False, "unknown": None}


def test_there_are_vectors() -> None:
    assert sum(len(case.get(outcome, ())) for case in CASES for outcome in OUTCOMES) > 150


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_reference_agrees(case: dict[str, Any], field_table: FieldTable) -> None:
    kind = case.get("kind", "http")
    rule = {"targets": [{"kind": kind, "condition": case.get("condition", {"p": 0})}]}
    predicates = case.get("predicates") or [case["predicate"]]
    plan = json.dumps({"predicates": predicates, "rules": [rule]}, default=str).encode()
    engine = ReferenceEngine(plan, field_table)
    for name, outcome in OUTCOMES.items():
        for event in case.get(name, ()):
            fields = {key: value for key, value in event.items() if key != "?"}
            data = {"kind": kind, "fields": fields, "unobserved": event.get("?", [])}
            assert engine.outcomes(json.dumps(data, default=str).encode()) == [outcome], event

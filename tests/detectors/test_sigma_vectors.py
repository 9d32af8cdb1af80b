"""What rules mean, as data: each vector through the engine, the reference, and pySigma's own reading."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from pysigma_reading import Reading
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations import ValueListPlaceholderTransformation

from detectors import check, loop
from detectors.reference.engine import ReferenceRules

VECTORS = Path(__file__).parents[1] / "vectors/sigma"
OUTCOMES = {"match": True, "no_match": False, "unknown": None}
ID = "00000000-0000-4000-8000-000000000001"


@dataclass(frozen=True)
class Vector:
    """One rule of a file, its short names written out."""

    file: str
    case: dict[str, Any]
    short: dict[str, str]

    @property
    def source(self) -> dict[str, str]:
        return self.case.get("source") or {"product": "bavn", "service": self.case.get("kind", "http")}

    @property
    def kind(self) -> str:
        return self.case.get("kind", "http")

    def documents(self) -> list[dict[str, Any]]:
        """The rule and the filters on it."""
        written = self.case.get("detections") or {"selection": self.case["rule"]}
        detection = self._written(written) | {"condition": self.case.get("condition", "selection")}
        rule = {"title": "Vector", "id": ID, "name": "vector", "logsource": self.source, "detection": detection}
        return [rule, *(self._filter(one) for one in self.case.get("filters", ()))]

    def _filter(self, given: dict[str, Any]) -> dict[str, Any]:
        source = given.get("source", self.source)
        body = {key: value for key, value in given.items() if key != "source"}
        return {"title": "Filter", "logsource": source, "filter": self._written({"rules": "any"} | body)}

    def _written(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._written(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {self._key(key): self._written(item) for key, item in value.items()}

    def _key(self, key: str) -> str:
        name, *modifiers = key.split("|")
        return "|".join([self.short.get(name, name), *modifiers])

    def events(self, outcome: str) -> list[dict[str, Any]]:
        """The events of an outcome; what is no mapping is the value of the rule's first field."""
        return [self._event(one) for one in self.case.get(outcome, ())]

    def _event(self, given: Any) -> dict[str, Any]:
        if not isinstance(given, dict):
            first = next(iter(self.case["rule"])).split("|")[0]
            given = {first: given}
        fields = {self.short.get(name, name): value for name, value in given.items() if name != "?"}
        hidden = [self.short.get(name, name) for name in given.get("?", ())]
        return {"kind": self.kind, "fields": fields, "unobserved": hidden}

    def pipeline(self) -> ProcessingPipeline | None:
        """What fills the placeholders."""
        values = self.case.get("placeholders")
        if not values:
            return None
        return ProcessingPipeline(items=[ProcessingItem(ValueListPlaceholderTransformation())], vars=values)

    def load(self, folder: Path) -> check.RuleSet:
        """The rule as the engine gets it."""
        path = folder / "rule.yml"
        path.write_text(yaml.safe_dump_all(self.documents(), sort_keys=False, allow_unicode=True), "utf-8")
        return check.load_rules([path], pipeline=self.pipeline())


def _vectors() -> list[Vector]:
    found = []
    for path in sorted(VECTORS.glob("*.yml")):
        data = yaml.safe_load(path.read_text("utf-8"))
        found += [Vector(path.stem, case, data.get("short", {})) for case in data["vectors"]]
    return found


ALL = _vectors()
RUNNING = [vector for vector in ALL if "refused" not in vector.case]
REFUSED = [vector for vector in ALL if "refused" in vector.case]


def _name(vector: Vector) -> str:
    return f"{vector.file}: {vector.case['name']}"


def test_there_are_enough_vectors_and_each_has_its_own_name() -> None:
    count = sum(len(vector.case.get(outcome, ())) for vector in RUNNING for outcome in OUTCOMES) + len(REFUSED)
    assert count >= 400, count
    twice = [name for name, times in Counter(map(_name, ALL)).items() if times > 1]
    assert not twice


@pytest.mark.parametrize("vector", RUNNING, ids=_name)
def test_engine_and_reference(vector: Vector, tmp_path: Path) -> None:
    found = vector.load(tmp_path)
    assert [d.sentence for d in found.diagnostics if d.code.startswith("BAVN-E")] == []
    engine, reference = loop.Engine(found.plan), ReferenceRules(found, placeholders=vector.case.get("placeholders"))
    for outcome, wanted in OUTCOMES.items():
        for event in vector.events(outcome):
            data = json.dumps(event, default=str).encode()
            assert reference.outcomes(reference.read(data)) == [wanted], f"reference on {event}"
            assert bool(engine.match_event(data)) is (wanted is True), f"engine on {event}"
            assert _engine_outcome(engine, data) is wanted, f"engine on {event}"


def _engine_outcome(engine: loop.Engine, event: bytes) -> bool | None:
    return {"true": True, "false": False, "unknown": None}[engine.explain(0, event)["outcome"]]


@pytest.mark.parametrize("vector", RUNNING, ids=_name)
def test_pysigma(vector: Vector) -> None:
    """Where our reading is another, the vector says why, and it must be another."""
    if "source" in vector.case or vector.case.get("pysigma") == "not told":
        return
    differences = _differences(vector)
    assert bool(differences) is bool(vector.case.get("pysigma")), differences


def _differences(vector: Vector) -> list[Any]:
    try:
        reading = Reading(vector.documents(), vector.pipeline())
        told = [(event, outcome) for outcome in ("match", "no_match") for event in vector.events(outcome)]
        return [event for event, outcome in told if reading.holds(event["fields"]) is not OUTCOMES[outcome]]
    except Exception as error:  # noqa: BLE001  (to refuse a rule, or a value, is a reading too)
        return [error]


@pytest.mark.parametrize("vector", REFUSED, ids=_name)
def test_refused(vector: Vector, tmp_path: Path) -> None:
    found = vector.load(tmp_path)
    codes = [d.code for d in found.diagnostics]
    assert vector.case["refused"] in codes, codes

"""The schemas, the collector's table of leaves, the wire's field table and the answers say the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry as Schemas
from referencing import Resource

from collector.alert import LEAVES, LISTS, RefusalError, check
from collector.errors import CATALOGUE
from collector.store.mapping import alert_mapping

from ..lib.alerts_data import alert  # noqa: TID252

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "schema/alert.schema.json").read_text())
BATCH = json.loads((ROOT / "schema/batch.schema.json").read_text())
OPENAPI = yaml.safe_load((ROOT / "schema/openapi.yaml").read_text())
SCHEMAS: Any = Schemas().with_resources(
    [(document["$id"], Resource.from_contents(document)) for document in (SCHEMA, BATCH)]
)
KINDS = {"string": "keyword", "integer": "long", "number": "double", "boolean": "boolean"}


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema, registry=SCHEMAS, format_checker=Draft202012Validator.FORMAT_CHECKER)


def leaves(node: dict[str, Any], path: str = "") -> dict[str, str]:
    if "properties" in node:
        inner = [leaves(child, f"{path}.{name}" if path else name) for name, child in node["properties"].items()]
        return {name: kind for part in inner for name, kind in part.items()}
    if node.get("type") == "array":
        return leaves(node["items"], path)
    reference = node.get("$ref", "").rsplit("/", 1)[-1]
    if reference:
        return {path: {"ip": "ip", "time": "date", "identity": "keyword", "literal": "keyword"}[reference]}
    constant = node.get("const", (node.get("enum") or [""])[0])
    return {path: KINDS[node["type"]] if "type" in node else "long" if isinstance(constant, int) else "keyword"}


def test_collector_knows_every_leaf_of_the_schema_by_its_type() -> None:
    known = {name: "date" if kind == "date_nanos" else kind for name, kind in LEAVES.items()}
    assert known == leaves(SCHEMA)


def test_collector_knows_every_list_of_the_schema() -> None:
    def lists(node: dict[str, Any], path: str = "") -> set[str]:
        if node.get("type") == "array":
            return {path} | lists(node["items"], path)
        inner = [lists(child, f"{path}.{name}" if path else name) for name, child in node.get("properties", {}).items()]
        return {name for part in inner for name in part}

    assert lists(SCHEMA) == LISTS


def test_every_printed_field_of_the_wire_is_in_the_schema() -> None:
    lists = sorted((ROOT / "sensors/wire/src").rglob("fields.txt"))
    text = "\n".join(path.read_text("utf-8") for path in lists)
    rows = re.findall(r'^\w+ = "([^"]+)" (\w+)((?: list| hidden)*), "', text, re.MULTILINE)
    kinds = {"Text": "keyword", "Number": "long", "Bool": "boolean", "Ip": "ip", "Time": "date", "Float": "double"}
    printed = {name: kinds[kind] for name, kind, flags in rows if "hidden" not in flags}
    assert len(printed) > 80
    in_schema = leaves(SCHEMA)
    assert {name: in_schema.get(name) for name in printed} == printed


def test_every_leaf_is_mapped() -> None:
    def mapped(node: dict[str, Any], path: str = "") -> dict[str, str]:
        if "properties" not in node:
            return {path: node["type"]}
        inner = [mapped(child, f"{path}.{name}" if path else name) for name, child in node["properties"].items()]
        return {name: kind for part in inner for name, kind in part.items()}

    beside = {"event.ingested": "date_nanos", "store.text": "text", "store.rest": "flattened"}
    assert mapped(alert_mapping()) == LEAVES | beside


def test_schema_is_strict_everywhere() -> None:
    def objects(node: Any) -> list[dict[str, Any]]:
        if isinstance(node, list):
            return [found for child in node for found in objects(child)]
        if not isinstance(node, dict):
            return []
        mine = [node] if node.get("type") == "object" else []
        return mine + [found for child in node.values() for found in objects(child)]

    found = objects(SCHEMA) + objects(BATCH)
    assert len(found) > 40
    assert all(node["additionalProperties"] is False for node in found)


def test_schemas_are_schemas() -> None:
    for schema in (SCHEMA, BATCH, *OPENAPI["components"]["schemas"].values()):
        Draft202012Validator.check_schema(schema)


def test_an_alert_made_by_hand_passes_schema_and_collector() -> None:
    document = alert(1)
    assert list(validator(SCHEMA).iter_errors(document)) == []
    assert check(document, "odense", "s1") == document


WRONG: list[tuple[str, Any]] = [
    ("event.id", "short"),
    ("event.id", "a" * 32),
    ("event.kind", "event"),
    ("event.severity", 6),
    ("event.severity", "high"),
    ("event.novel", 1),
    ("@timestamp", "2026-11-22 09:14:00"),
    ("@timestamp", "2026-11-22T09:14:00+01:00"),
    ("@timestamp", 1),
    ("message", None),
    ("rule.id", None),
    ("rule.version", None),
    ("source.ip", "192.0.2.256"),
    ("source.ip", {"x": 1}),
    ("source.port", "80"),
    ("source", "192.0.2.1"),
    ("bavn.tlp", "PURPLE"),
    ("bavn.level", "bad"),
    ("bavn.retention.class", "forever"),
    ("bavn.schema", 2),
    ("bavn.novel", 1),
    ("bavn.plan", None),
    ("tls", {"established": "yes"}),
    ("dns", {"answers": [{"ttl": "x"}]}),
    ("novel", {"x": 1}),
    ("organization.id", "other"),
    ("source.ip", ["10.0.0.1"]),
    ("network.community_id", ["a"]),
    ("bavn.level", ["high"]),
    ("threat.technique.id", [["T1"]]),
    ("threat.technique", [{"id": ["T1190"]}]),
    ("event.category", [["network"]]),
    ("dns", {"answers": [{"ttl": [1]}]}),
    ("message", []),
]


@pytest.mark.parametrize(("path", "value"), WRONG, ids=[f"{path}={value}" for path, value in WRONG])
def test_wrong_alerts_fail_schema_or_identity_and_collector(path: str, value: Any) -> None:
    document = alert(1)
    node = document
    *parents, name = path.split(".")
    for parent in parents:
        node = node[parent]
    node[name] = value
    if path != "organization.id":
        assert list(validator(SCHEMA).iter_errors(document))
    with pytest.raises(RefusalError) as refusal:
        check(document, "odense", "s1")
    assert refusal.value.code in CATALOGUE


def test_collectors_answers_are_those_of_the_border() -> None:
    answer = validator(OPENAPI["components"]["schemas"]["RecordAnswer"])
    for good in (
        {"seq": 1, "id": "A" * 32, "status": "stored"},
        {"seq": None, "id": None, "status": "refused", "code": "BAVN-E220", "reason": "x"},
    ):
        assert list(answer.iter_errors(good)) == []
    assert list(answer.iter_errors({"seq": 1, "id": "x", "status": "lost"}))


def test_every_error_has_title_explanation_and_hint() -> None:
    raised = set()
    for source in (ROOT / "collector").rglob("*.py"):
        raised |= set(re.findall(r"BAVN-E\d{3}", source.read_text())) if source.name != "errors.py" else set()
    assert raised == set(CATALOGUE)
    assert all(len(entry) == 3 and all(entry) for entry in CATALOGUE.values())


def test_batches_pass_the_schema() -> None:
    record = {"seq": 1, "alert": alert(1)}
    good = {"format": "bavn-batch", "version": 1, "sensor": "s1", "created": "2026-11-22T09:14:00Z", "first": 1}
    assert list(validator(BATCH).iter_errors(good | {"records": [record]})) == []
    for wrong in ({"records": []}, {"records": [record], "x": 1}, {"records": [{"seq": 0, "alert": alert(1)}]}):
        assert list(validator(BATCH).iter_errors(good | wrong))

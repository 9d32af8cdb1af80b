"""Writes the wire's fields into the alert's schema and into the collector's list of leaves.

`make docs` runs it on the installed package. What a field means and its type come from the code's own table; what the
schema says of an alert's other parts stays as it was written.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from detectors.fields import Field, native

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[1]
SCHEMA: Final = ROOT / "schema/alert.schema.json"
LEAVES: Final = ROOT / "collector/wire_leaves.txt"
SHAPES: Final[dict[str, dict[str, Any]]] = {
    "text": {"type": "string"},
    "number": {"type": "integer", "minimum": 0},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "ip": {"$ref": "#/$defs/ip"},
    "time": {"$ref": "#/$defs/time"},
}
KINDS: Final = {"text": "keyword", "number": "long", "float": "double", "bool": "boolean", "ip": "ip", "time": "date"}


def printed() -> Iterator[Field]:
    """Every field that alerts can show."""
    return (field for field in native().by_name.values() if not field.hidden)


def place(schema: dict[str, Any], field: Field) -> None:
    """Put a field's leaf where its dotted name says, unless the schema already describes it.

    Raises:
        ValueError: a name on the way is a leaf itself.
    """
    *parents, last = field.name.split(".")
    node = schema
    for name in parents:
        node = node["properties"].setdefault(name, {"type": "object", "additionalProperties": False, "properties": {}})
        node = node.get("items", node)
        if "properties" not in node:
            raise ValueError(f"{field.name}: {name} is a value")
    if last not in node["properties"]:
        shape = SHAPES[field.type]
        leaf = {"type": "array", "items": shape} if field.list else shape
        node["properties"][last] = {**leaf, "description": field.doc}


def leaves() -> Iterator[str]:
    """The collector's lines: name, type in Elasticsearch's words, `list` where it is one."""
    yield "# Written by `make docs` from the wire's own table of fields: change that, not this."
    for field in sorted(printed(), key=lambda field: field.name):
        is_list = field.list and not field.name.startswith("dns.answers.")
        yield f"{field.name} {KINDS[field.type]}{' list' if is_list else ''}"


def main() -> int:
    """Write both."""
    schema = json.loads(SCHEMA.read_text("utf-8"))
    for field in printed():
        place(schema, field)
    SCHEMA.write_text(json.dumps(schema, indent=1, ensure_ascii=False) + "\n", "utf-8")
    LEAVES.write_text("\n".join(leaves()) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

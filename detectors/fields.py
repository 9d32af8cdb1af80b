"""The fields that events of this sensor can carry, as the compiled part tells them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Field:
    """One row of the field table. `type`: text, number, float, bool, ip or time (ns, UTC)."""

    name: str
    type: str
    list: bool
    hidden: bool
    doc: str
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class FieldTable:
    """All fields by name, and a digest of the table."""

    by_name: Mapping[str, Field]
    digest: str

    def get(self, name: str) -> Field | None:
        """The field of that name."""
        return self.by_name.get(name)

    def fills(self, name: str, kind: str) -> bool:
        """True where events of that kind can carry the field."""
        found = self.by_name.get(name)
        return found is not None and kind in found.kinds

    def text_fields(self, kind: str) -> list[str]:
        """Names of the text fields of a kind, sorted: what keyword rules search."""
        return sorted(f.name for f in self.by_name.values() if f.type == "text" and kind in f.kinds)


def from_json(data: bytes) -> FieldTable:
    """The table from the JSON that `_native.fields()` gives."""
    rows = [
        Field(
            name=row["name"],
            type=row["type"].lower(),
            list=bool(row.get("list")),
            hidden=bool(row.get("hidden")),
            doc=row.get("doc", ""),
            kinds=frozenset(row["kinds"]),
        )
        for row in json.loads(data)
    ]
    return FieldTable({row.name: row for row in rows}, hashlib.sha256(data).hexdigest())


@cache
def native() -> FieldTable:
    """The table of the sensor that is installed. Raises BavnError (E002) where it is not built."""
    from detectors import loop  # noqa: PLC0415  (tables from a file need no compiled part)

    return from_json(loop.load_native().fields())


def native_digest() -> str:
    """The digest of that table, which is not read for it. Raises BavnError (E002)."""
    from detectors import loop  # noqa: PLC0415  (as above)

    return hashlib.sha256(loop.load_native().fields()).hexdigest()

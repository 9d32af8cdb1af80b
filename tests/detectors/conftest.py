"""A field table made from the sensor's source, for tests of the compiler alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from detectors import fields

_ROW = re.compile(r'^\s*\w+ = "([\w.]+)" (\w+)((?: \w+)*), "(.*)";$', re.MULTILINE)
_KINDS = ("flow", "dns", "http", "tls", "weird")
_PREFIXES = {
    "bavn.dns.": ("dns",),
    "dns.": ("dns",),
    "bavn.flow.": ("flow",),
    "bavn.http.": ("http",),
    "http.": ("http",),
    "url.": ("http",),
    "user": ("http",),
    "bavn.tls.": ("tls",),
    "tls.": ("tls",),
    "bavn.weird.": ("weird",),
    "file.": (),
    "event.action": (),
    "event.": ("flow",),
    "icmp.": ("flow",),
}


def load() -> fields.FieldTable:
    """Every row of fields.rs, with the kinds that its name tells."""
    source = Path(__file__).parents[2] / "sensors/wire/src/fields.rs"
    rows = [
        {
            "name": name,
            "type": kind,
            "list": "list" in flags,
            "hidden": "hidden" in flags,
            "doc": doc,
            "kinds": _kinds(name),
        }
        for name, kind, flags, doc in _ROW.findall(source.read_text())
    ]
    return fields.from_json(json.dumps(rows).encode())


def _kinds(name: str) -> tuple[str, ...]:
    fitting = [prefix for prefix in _PREFIXES if name.startswith(prefix)]
    return _PREFIXES[max(fitting, key=len)] if fitting else _KINDS


@pytest.fixture(scope="session")
def field_table() -> fields.FieldTable:
    """Every field of the sensor."""
    return load()

"""Alerts as data for tests: made by hand, valid under the schema, one number different each."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any


def alert(number: int = 1, level: str = "high", **fields: Any) -> dict[str, Any]:
    """Make an alert document; `fields` are merged at the top level."""
    digest = hashlib.sha256(str(number).encode()).digest()[:20]
    levels = ["informational", "low", "medium", "high", "critical"]
    document: dict[str, Any] = {
        "@timestamp": "2026-11-22T09:14:00.123456789Z",
        "ecs": {"version": "8.17.0"},
        "message": "Path traversal from 192.0.2.1 to 198.51.100.7",
        "event": {
            "id": base64.b32encode(digest).decode().rstrip("="),
            "kind": "alert",
            "category": ["intrusion_detection", "network"],
            "type": ["info"],
            "module": "bavn",
            "dataset": "bavn.alert",
            "created": "2026-11-22T09:14:01.000000000Z",
            "severity": levels.index(level) + 1,
            "sequence": 1,
            "reason": "url.original contains '/etc/passwd'",
        },
        "rule": {
            "id": "8c8f2a8e-6e53-4c5e-9f0e-0d2f5c1a7b11",
            "name": "Path traversal",
            "version": "0123456789abcdef",
            "ruleset": "bavn",
            "author": ["bavn"],
            "license": "EUPL-1.2",
            "reference": "https://attack.mitre.org/techniques/T1190/",
            "description": "A request climbs out of the web root.",
            "category": "http",
        },
        "threat": {"framework": "MITRE ATT&CK", "technique": {"id": ["T1190"]}},
        "observer": {"type": "sensor", "vendor": "bavn", "product": "bavn", "version": "0.1.0", "name": "s1"},
        "organization": {"id": "odense"},
        "source": {"ip": "192.0.2.1", "port": 40000},
        "destination": {"ip": "198.51.100.7", "port": 80},
        "network": {"transport": "tcp", "type": "ipv4", "community_id": "1:0000000000000000000000000000="},
        "bavn": {
            "schema": 1,
            "agency": "odense",
            "sensor": "s1",
            "level": level,
            "tlp": "AMBER",
            "retention": {"class": "other"},
            "pseudonym": {"key_version": 0},
            "contract": {"version": "none"},
            "packet": number,
            "flow": {"id": number},
            "event": {"dataset": "bavn.http"},
            "plan": "0" * 64,
            "rule": {"references": [], "tags": [], "falsepositives": [], "source": "http/x.yml", "status": "stable"},
            "matched": [
                {"field": "url.original", "op": "contains", "value": "/etc/passwd", "observed": "/x?f=/etc/passwd"}
            ],
            "unobserved": [],
        },
    }
    return document | fields


def alert_bytes(number: int = 1, level: str = "high", **fields: Any) -> bytes:
    """Make an alert as the engine hands it over."""
    return json.dumps(alert(number, level, **fields)).encode()

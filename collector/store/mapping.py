"""The Elasticsearch indices: names, strict mappings and settings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from collector.alert import CORE, LEAVES

ALIAS: Final = "bavn-alerts"
CLOCK_INDEX: Final = "bavn-alerts-clock"
STATE_INDEX: Final = "bavn-alert-state"
SEQUENCE_INDEX: Final = "bavn-sequences"
HEARTBEAT_INDEX: Final = "bavn-heartbeats"
DEAD_INDEX: Final = "bavn-dead-letters"
TEMPLATE: Final = "bavn-alerts"
SIDE_INDICES: Final = (STATE_INDEX, SEQUENCE_INDEX, HEARTBEAT_INDEX, DEAD_INDEX)

OLDEST: Final = timedelta(days=31)
NEWEST: Final = timedelta(days=1)
# Lucene takes terms of 32766 bytes; a character of UTF-8 has at most 4.
LONGEST_TERM: Final = 8191


def index_of(created: str, now: datetime) -> str:
    """The index of an alert: the day of `event.created`, or one for days far from the collector's clock.

    Only an immutable field decides, so that a retry on another day meets its twin; and a wrong
    clock cannot make indices without end.
    """
    day = datetime.fromisoformat(created[:10]).replace(tzinfo=UTC)
    if not now - OLDEST <= day <= now + NEWEST:
        return CLOCK_INDEX
    return f"{ALIAS}-{day:%Y.%m.%d}"


def template(replicas: str) -> dict[str, Any]:
    """The composable index template of the daily indices."""
    return {
        "index_patterns": [f"{ALIAS}-*"],
        "priority": 500,
        "template": {
            "aliases": {ALIAS: {}},
            "settings": {**_settings(replicas), "index.mapping.total_fields.limit": 2048},
            "mappings": alert_mapping(),
        },
    }


def side_index(name: str, replicas: str) -> dict[str, Any]:
    """Settings and mapping of what lives beside the alerts: one opaque body, and what is searched."""
    properties: dict[str, Any] = {
        "agency": {"type": "keyword"},
        "sensor": {"type": "keyword"},
        "body": {"type": "object", "enabled": False},
    }
    if name == STATE_INDEX:
        properties = {"state": {"type": "keyword"}, "body": {"type": "object", "enabled": False}}
    if name == DEAD_INDEX:
        properties["at"] = {"type": "date_nanos"}
    return {"settings": _settings(replicas), "mappings": {"dynamic": "strict", "properties": properties}}


def alert_mapping() -> dict[str, Any]:
    """Every leaf of the schema with its type; an unknown one is kept in `_source`, flattened under `store.rest`."""
    root: dict[str, Any] = {"dynamic": "strict", "properties": {}}
    for path, kind in LEAVES.items():
        _place(root, path.split("."), _leaf(kind))
    root["properties"]["event"]["properties"]["ingested"] = {"type": "date_nanos"}
    root["properties"]["store"] = {
        "dynamic": "strict",
        "properties": {
            "text": {"type": "text", "analyzer": "whitespace", "norms": False},
            "rest": {"type": "flattened", "ignore_above": LONGEST_TERM},
        },
    }
    return root


def _leaf(kind: str) -> dict[str, Any]:
    return {"type": kind, "ignore_above": LONGEST_TERM} if kind == "keyword" else {"type": kind}


def _place(node: dict[str, Any], parts: list[str], leaf: dict[str, Any]) -> None:
    path = ""
    for part in parts[:-1]:
        path = f"{path}.{part}" if path else part
        # "false" maps nothing new either; it only does not refuse the document.
        core = path in CORE or path.split(".", 1)[0] in CORE
        node = node["properties"].setdefault(part, {"dynamic": "strict" if core else "false", "properties": {}})
    node["properties"][parts[-1]] = leaf


def _settings(replicas: str) -> dict[str, Any]:
    return {
        "index.number_of_shards": 1,
        "index.auto_expand_replicas": replicas,
        "index.translog.durability": "request",
        "index.refresh_interval": "1s",
    }

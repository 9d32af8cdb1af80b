"""From a query to Elasticsearch's query language."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from collector import alert as alerts
from collector.errors import BavnError

if TYPE_CHECKING:
    from collector.store.protocol import AlertQuery

Json = dict[str, Any]


def body(query: AlertQuery) -> Json:
    """The condition on the alert itself; `query.states` lives in another index and is left to the caller."""
    must: list[Json] = []
    limits = {"gte": query.since, "lt": query.until}
    times = {name: _time(value) for name, value in limits.items() if value}
    if times:
        must.append({"range": {"@timestamp": times}})
    must += _any_of("bavn.level", query.levels)
    must += _any_of("bavn.agency", query.agencies)
    must += _any_of("bavn.sensor", query.sensors)
    must += _any_of("rule.id", (query.rule,) if query.rule else ())
    must += _any_of("network.community_id", (query.community_id,) if query.community_id else ())
    if query.technique:
        names = ("threat.technique.id", "threat.technique.subtechnique.id")
        must.append(_either(names, query.technique))
    if query.ip:
        must.append(_either(("source.ip", "destination.ip"), _network(query.ip)))
    if query.text is not None:
        must.append({"match_phrase": {"store.text": {"query": alerts.words(query.text), "zero_terms_query": "none"}}})
    return {"bool": {"filter": must}}


def order(query: AlertQuery) -> list[Json]:
    """Packet time, then the identifier."""
    direction = "asc" if query.oldest_first else "desc"
    return [{"@timestamp": {"order": direction, "unmapped_type": "date_nanos"}}, {"event.id": {"order": direction}}]


def _any_of(name: str, values: tuple[str, ...]) -> list[Json]:
    return [{"terms": {name: list(values)}}] if values else []


def _either(names: tuple[str, str], value: str) -> Json:
    return {"bool": {"should": [{"term": {name: value}} for name in names], "minimum_should_match": 1}}


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise BavnError("BAVN-E241", f"{text[:64]!r} is neither an address nor a network") from None


def _time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()

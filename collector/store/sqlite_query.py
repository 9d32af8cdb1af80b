"""From an alert to the SQLite store's columns, and from a query to its condition."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from collector import alert as alerts
from collector.errors import BavnError

if TYPE_CHECKING:
    from datetime import datetime

    from collector.store.protocol import AlertQuery, Json


def columns_of(alert: Json) -> tuple[int, str, str, str | None, str | None, str | None]:
    """time, level, rule, source_ip, destination_ip, community_id."""
    return (
        alerts.nanoseconds(alert["@timestamp"]),
        alert["bavn"]["level"],
        alert["rule"]["id"],
        _canonical(alerts.get(alert, "source.ip")),
        _canonical(alerts.get(alert, "destination.ip")),
        alerts.get(alert, "network.community_id"),
    )


def where(query: AlertQuery) -> tuple[str, tuple[Any, ...]]:
    """SQL that holds for the rows of `alerts` that the query asks for, and its values."""
    terms: list[tuple[str, tuple[Any, ...]]] = [("1", ())]
    if query.since:
        terms.append(("time >= ?", (_nanoseconds(query.since),)))
    if query.until:
        terms.append(("time < ?", (_nanoseconds(query.until),)))
    terms += _any_of("level", query.levels) + _any_of("agency", query.agencies) + _any_of("sensor", query.sensors)
    terms += _any_of("rule", (query.rule,) if query.rule else ())
    terms += _any_of("community_id", (query.community_id,) if query.community_id else ())
    if query.technique:
        terms.append(("ordinal IN (SELECT ordinal FROM techniques WHERE technique = ?)", (query.technique,)))
    if query.ip:
        terms.append(_address(query.ip))
    if query.states:
        marks = _marks(query.states)
        terms.append(
            (
                f"coalesce((SELECT state FROM states WHERE states.id = alerts.id), 'new') IN ({marks})",  # noqa: S608
                query.states,
            )
        )
    if query.text is not None:
        phrase = f'"{alerts.words(query.text)}"'
        terms.append(("ordinal IN (SELECT rowid FROM alerts_text WHERE alerts_text MATCH ?)", (phrase,)))
    return " AND ".join(term for term, _ in terms), tuple(value for _, values in terms for value in values)


def _any_of(column: str, values: tuple[str, ...]) -> list[tuple[str, tuple[Any, ...]]]:
    return [(f"{column} IN ({_marks(values)})", values)] if values else []


def _marks(values: tuple[str, ...]) -> str:
    return ", ".join("?" * len(values))


def _address(text: str) -> tuple[str, tuple[Any, ...]]:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise BavnError("BAVN-E241", f"{text[:64]!r} is neither an address nor a network") from None
    if network.num_addresses == 1:
        address = str(network.network_address)
        return "(source_ip = ? OR destination_ip = ?)", (address, address)
    return "(in_network(source_ip, ?) OR in_network(destination_ip, ?))", (str(network), str(network))


def _canonical(address: str | None) -> str | None:
    return None if address is None else str(ipaddress.ip_address(address))


def _nanoseconds(time: datetime) -> int:
    whole = int(time.replace(microsecond=0).timestamp())
    return whole * 10**9 + time.microsecond * 1000

"""The tables: each name leads to a field that exists, and stock log sources are served."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from detectors import taxonomy
from detectors.taxonomy import LogSource, Mapped, Unfillable

if TYPE_CHECKING:
    from detectors.fields import FieldTable

ROUTES = [route for table in taxonomy.packaged().tables for route in table.routes]

SERVED = {
    "category: dns": (LogSource("dns"), ["dns"]),
    "category: proxy": (LogSource("proxy"), ["http"]),
    "category: webserver": (LogSource("webserver"), ["http"]),
    "webserver of a product": (LogSource("webserver", "apache"), ["http"]),
    "category: firewall": (LogSource("firewall"), ["flow"]),
    "windows network_connection": (LogSource("network_connection", "windows"), ["flow", "tls", "http"]),
    "linux network_connection": (LogSource("network_connection", "linux"), ["flow", "tls", "http"]),
    "windows dns_query": (LogSource("dns_query", "windows"), ["dns"]),
    "zeek dns": (LogSource(None, "zeek", "dns"), ["dns"]),
    "zeek http": (LogSource(None, "zeek", "http"), ["http"]),
    "zeek conn": (LogSource(None, "zeek", "conn"), ["flow"]),
    "zeek ssl": (LogSource(None, "zeek", "ssl"), ["tls"]),
    "zeek x509": (LogSource(None, "zeek", "x509"), ["x509"]),
    "own weird": (LogSource(None, "bavn", "weird"), ["weird"]),
    "windows security": (LogSource(None, "windows", "security"), []),
    "cisco dns": (LogSource("dns", "cisco"), []),
    "nothing": (LogSource(), []),
}


@pytest.mark.parametrize("name", SERVED)
def test_log_source_leads_to_kinds(name: str) -> None:
    source, kinds = SERVED[name]
    assert [route.kind for route in taxonomy.packaged().routes(source)] == kinds


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.table}-{route.kind}")
def test_every_name_leads_to_fields_that_exist(route: taxonomy.Route, field_table: FieldTable) -> None:
    for name, mapped in route.names.items():
        unknown = [field for field in mapped.fields if field_table.get(field) is None]
        assert not unknown, f"{name} leads to {unknown}"


@pytest.mark.parametrize("route", [r for r in ROUTES if not r.fallback], ids=lambda r: f"{r.table}-{r.kind}")
def test_every_name_can_be_filled(route: taxonomy.Route, field_table: FieldTable) -> None:
    for name in route.names:
        if name != "ts":
            assert isinstance(taxonomy.resolve(route, name, field_table), Mapped), name


def test_ecs_names_work_in_every_log_source(field_table: FieldTable) -> None:
    (route,) = taxonomy.packaged().routes(LogSource("proxy"))
    assert taxonomy.resolve(route, "url.path", field_table) == Mapped(("url.path",))
    assert isinstance(taxonomy.resolve(route, "dns.question.name", field_table), Unfillable)
    assert taxonomy.resolve(route, "no.such.name", field_table) is None

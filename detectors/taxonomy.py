"""Tables that lead a Sigma log source and its field names to the events' fields."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.fields import FieldTable


@dataclass(frozen=True, slots=True)
class LogSource:
    """A Sigma log source; None where the rule leaves a part out."""

    category: str | None = None
    product: str | None = None
    service: str | None = None

    def __str__(self) -> str:
        parts = (("category", self.category), ("product", self.product), ("service", self.service))
        return ", ".join(f"{name}: {value}" for name, value in parts if value)


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a rule's field name means: event fields joined by OR.

    `values` (if any) leads each possible value to values of the event's fields; a
    leading `!` negates, an empty list always holds. `scale` multiplies numbers. `form`
    "hex" reads texts of rules as bytes in hexadecimal.
    """

    fields: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]] | None = None
    scale: int = 1
    form: str = ""


@dataclass(frozen=True, slots=True)
class Unfillable:
    """A known name that no packet can fill, with the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Route:
    """One kind of event that a table's rules judge, and the names they may use there.

    A fallback route serves only rules that no other route of the table can serve.
    """

    table: str
    kind: str
    names: Mapping[str, Mapped]
    unfillable: Mapping[str, str]
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One file of `taxonomy/`."""

    name: str
    sources: tuple[LogSource, ...]
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All tables, and a digest of their files."""

    tables: tuple[Table, ...]
    digest: str

    def routes(self, source: LogSource) -> tuple[Route, ...]:
        """The routes of the most exact table for a log source; none where nobody serves it."""
        fitting = [
            (_exactness(served), table) for table in self.tables for served in table.sources if _serves(served, source)
        ]
        best = max(fitting, key=lambda item: item[0], default=None)
        return best[1].routes if best else ()


def resolve(route: Route, name: str, fields: FieldTable) -> Mapped | Unfillable | None:
    """The meaning of a field name on a route; None where no table knows it.

    The table's own names come first, then ECS names of the field table.
    """
    mapped = route.names.get(name)
    if mapped is not None:
        return _filled(mapped, route, fields)
    if name in route.unfillable:
        return Unfillable(route.unfillable[name])
    known = fields.get(name)
    if known is None:
        return None
    if route.kind in known.kinds:
        return Mapped((name,))
    return Unfillable(f"{route.kind} events do not carry it")


def known_names(route: Route, fields: FieldTable) -> list[str]:
    """Every name that a rule may use on a route, sorted: for did-you-mean."""
    ecs = [f.name for f in fields.by_name.values() if route.kind in f.kinds]
    return sorted({*route.names, *ecs})


def _filled(mapped: Mapped, route: Route, fields: FieldTable) -> Mapped | Unfillable:
    present = tuple(name for name in mapped.fields if fields.fills(name, route.kind))
    if not present:
        return Unfillable(f"{route.kind} events of this sensor do not carry it")
    return Mapped(present, mapped.values, mapped.scale, mapped.form)


def _serves(served: LogSource, asked: LogSource) -> bool:
    pairs = (
        (served.category, asked.category),
        (served.product, asked.product),
        (served.service, asked.service),
    )
    return all(have in (want, "*") for have, want in pairs)


def _exactness(served: LogSource) -> int:
    parts = (served.category, served.product, served.service)
    return sum(part not in (None, "*") for part in parts)


@cache
def packaged() -> Taxonomy:
    """The tables that come with bavn."""
    return build(_packaged_files())


def packaged_digest() -> str:
    """The digest of the tables that come with bavn, which are not read for it."""
    return _digest(_packaged_files())


def _packaged_files() -> dict[str, bytes]:
    folder = Path(__file__).parent / "taxonomy"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return {f.name.removesuffix(".toml"): f.read_bytes() for f in files}


def _digest(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, data in files.items():
        digest.update(name.encode() + b"\0" + data + b"\0")
    return digest.hexdigest()


def build(files: Mapping[str, bytes]) -> Taxonomy:
    """Tables from the text of their files, by name."""
    import tomllib  # noqa: PLC0415  (a start with a kept plan reads no table)

    raw: dict[str, dict[str, Any]] = {name: tomllib.loads(data.decode()) for name, data in files.items()}
    tables = tuple(_table(name, raw) for name in raw if "logsource" in raw[name])
    return Taxonomy(tables, _digest(files))


def _table(name: str, raw: Mapping[str, dict[str, Any]]) -> Table:
    data = raw[name]
    sources = tuple(LogSource(**source) for source in data["logsource"])
    routes = tuple(_route(name, route, data, raw) for route in data["route"])
    return Table(name, sources, routes)


def _route(
    name: str,
    route: Mapping[str, Any],
    table: Mapping[str, Any],
    raw: Mapping[str, dict[str, Any]],
) -> Route:
    """A route knows the names of the files it includes, the table's and its own, later ones win."""
    parts = [raw[part] for part in route.get("include", [])] + [table, route]
    names: dict[str, Mapped] = {}
    unfillable: dict[str, str] = {}
    for part in parts:
        names |= {key: _mapped(value) for key, value in part.get("fields", {}).items()}
        unfillable |= part.get("unfillable", {})
    return Route(name, route["kind"], names, unfillable, route.get("fallback", False))


def _mapped(value: str | list[str] | dict[str, Any]) -> Mapped:
    if isinstance(value, str):
        return Mapped((value,))
    if isinstance(value, list):
        return Mapped(tuple(value))
    to = value["to"]
    values = value.get("values")
    return Mapped(
        fields=(to,) if isinstance(to, str) else tuple(to),
        values=None if values is None else {k: tuple(v) for k, v in values.items()},
        scale=value.get("scale", 1),
        form=value.get("form", ""),
    )

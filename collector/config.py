"""The collector's configuration: the `[collector]` table of a TOML file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from collector.errors import BavnError

if TYPE_CHECKING:
    from collector.store import Store

Positive = Annotated[int, msgspec.Meta(ge=1)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class Tls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """PEM files; a relative path counts from the configuration file."""

    certificate: str
    key: str
    client_ca: str
    """Authority whose certificates clients must show."""


class Elastic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to reach Elasticsearch."""

    ca: str | None = None
    api_key_file: str | None = None
    replicas: str = "0-1"
    """`index.auto_expand_replicas`."""


class Quotas(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one agency may send, so that it cannot starve the others."""

    alerts_per_second: Positive = 2000
    bytes_per_second: Positive = 8 * 1024 * 1024
    burst_seconds: Positive = 30
    """Unused quota that may be saved up."""
    requests_at_once: Positive = 4
    """Batches of one agency in memory."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the server holds at most."""

    connections: Positive = 1000
    requests_at_once: Positive = 16
    """Batches in memory, of all agencies."""
    header_seconds: Positive = 10
    body_seconds: Positive = 60


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All settings; those without a default must be given."""

    listen: str = "127.0.0.1"
    port: Port = 9443
    store: str
    """`sqlite:<path>` or `elastic:<url>`."""
    registry: str = "registry.json"
    tls: Tls
    elastic: Elastic = Elastic()
    quotas: Quotas = Quotas()
    limits: Limits = Limits()
    access_log: str | None = "minlog.sqlite"
    base: str = "."
    """Directory from which relative paths count; set by `load`."""

    def path(self, name: str) -> Path:
        """A path of the configuration, absolute."""
        return Path(self.base, name)

    def open_store(self) -> Store:
        """The store that is configured; imports only what it needs."""
        kind, _, where = self.store.partition(":")
        if kind == "sqlite" and where:
            from collector.store.sqlite import SqliteStore  # noqa: PLC0415

            return SqliteStore(self.path(where))
        if kind == "elastic" and where.startswith(("https://", "http://")):
            from collector.store.elastic import ElasticStore  # noqa: PLC0415

            options = self.elastic
            key = self.path(options.api_key_file).read_text().strip() if options.api_key_file else None
            ca = str(self.path(options.ca)) if options.ca else None
            return ElasticStore(where, ca=ca, api_key=key, replicas=options.replicas)
        raise BavnError("BAVN-E200", f"store is neither sqlite:<path> nor elastic:<url>: {self.store!r}")


def load(path: str | Path) -> Config:
    """The `[collector]` table of a file; E200 names the place that is wrong."""
    try:
        with Path(path).open("rb") as file:
            document = tomllib.load(file)
    except OSError as error:
        raise BavnError("BAVN-E200", f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BavnError("BAVN-E200", f"{path} is not TOML: {error}") from error
    return parse(document.get("collector"), base=Path(path).resolve().parent)


def parse(table: object, *, base: Path) -> Config:
    """Settings from data."""
    try:
        config = msgspec.convert(table, Config)
    except msgspec.ValidationError as error:
        raise BavnError("BAVN-E200", f"in [collector]: {error}") from error
    return msgspec.structs.replace(config, base=str(base))

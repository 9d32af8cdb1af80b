"""Makes homes: the centre's with its authority and store, and a sensor's with certificate and keys."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

_HOST_NAMES: Final = ["localhost", "127.0.0.1", "::1"]


def make_centre(
    home: Path, store: str = "sqlite:alerts.db", elastic: dict[str, str] | None = None, port: int = 9443
) -> None:
    """Make the centre's authority, server certificate and configuration where they are not there yet.

    Args:
        home: the centre's home.
        store: `sqlite:<path>` or `elastic:<url>`.
        elastic: `ca` and `api_key_file` where the store is Elasticsearch.
        port: the port to listen on; 0 lets the system choose.
    """
    from collector.pki import Authority

    home.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    folder = home / "authority"
    authority = Authority(folder) if (folder / "ca.key").is_file() else Authority.create(folder, "bavn authority", now)
    if not (home / "server.crt").is_file():
        authority.server(home, _HOST_NAMES, now)
    if not (home / "bavn.toml").is_file():
        lines = ["[collector]", f"port = {port}", f"store = {_text(store)}", "", "[collector.tls]"]
        lines += ['certificate = "server.crt"', 'key = "server.key"', 'client_ca = "authority/ca.crt"']
        if elastic:
            lines += ["", "[collector.elastic]", *(f"{key} = {_text(value)}" for key, value in elastic.items())]
        (home / "bavn.toml").write_text("\n".join(lines) + "\n", "utf-8")


def make_sensor(centre: Path, directory: Path, agency: str, sensor: str, address: str) -> None:
    """Make a sensor's home and register the sensor at the centre."""
    from collector.pki import Authority
    from collector.registry import Registry

    directory.mkdir(parents=True, exist_ok=True)
    made = Authority(centre / "authority").sensor(directory, agency, sensor, datetime.now(UTC))
    Registry(centre / "registry.json").register(agency, sensor, made.public_key)
    shutil.copyfile(centre / "authority/ca.crt", directory / "ca.crt")
    lines = ["", "[sensor]", f"agency = {_text(agency)}", f"sensor = {_text(sensor)}", f"collector = {_text(address)}"]
    with (directory / "bavn.toml").open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def _text(value: str) -> str:
    return msgspec.json.encode(value).decode()

"""Makes homes: the centre's with its authority and store, and a sensor's with certificate and keys."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from collector.pki import LEAF_LIFE, Authority
from collector.registry import Registry

if TYPE_CHECKING:
    from sensors.identity import SensorConfig

LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "::1")
SERVER_LIFE: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Centre:
    """How a centre is reached and where it keeps alerts.

    Attributes:
        names: host names and addresses that sensors use; they stand in the server's certificate.
        listen: address to listen on.
        port: port to listen on; 0 lets the system choose.
        store: `sqlite:<path>` or `elastic:<url>`.
        elastic: `ca` and `api_key_file` where the store is Elasticsearch.
    """

    names: tuple[str, ...] = LOCAL_NAMES
    listen: str = "127.0.0.1"
    port: int = 9443
    store: str = "sqlite:alerts.db"
    elastic: dict[str, str] | None = None


def make_centre(home: Path, centre: Centre) -> None:
    """Make the centre's authority, server certificate and configuration where they are not there yet."""
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "authority/ca.key").is_file():
        Authority.create(home / "authority", "bavn authority", datetime.now(UTC))
    if not (home / "server.crt").is_file():
        renew_centre(home, centre.names)
    if not (home / "bavn.toml").is_file():
        (home / "bavn.toml").write_text(_centre_toml(centre), "utf-8")


def renew_centre(home: Path, names: tuple[str, ...], life: timedelta = SERVER_LIFE) -> None:
    """Issue the server's certificate anew."""
    Authority(home / "authority").server(home, list(names), datetime.now(UTC), life)


def _centre_toml(centre: Centre) -> str:
    lines = [
        "[collector]",
        f"listen = {_text(centre.listen)}",
        f"port = {centre.port}",
        f"store = {_text(centre.store)}",
    ]
    lines += [
        "",
        "[collector.tls]",
        'certificate = "server.crt"',
        'key = "server.key"',
        'client_ca = "authority/ca.crt"',
    ]
    if centre.elastic:
        lines += ["", "[collector.elastic]", *(f"{key} = {_text(value)}" for key, value in centre.elastic.items())]
    return "\n".join(lines) + "\n"


def make_sensor(
    centre: Path, directory: Path, config: SensorConfig, life: timedelta = LEAF_LIFE, *, reinstate: bool = False
) -> None:
    """Make a sensor's home, or renew the certificate of one that is there, and register the sensor at the centre.

    What the sensor has stays as it is until the registry has agreed; a revoked sensor needs `reinstate`.
    """
    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name)
        if (directory / "signing.key").is_file():
            shutil.copyfile(directory / "signing.key", fresh / "signing.key")
        made = Authority(centre / "authority").sensor(fresh, config.agency, config.sensor, datetime.now(UTC), life=life)
        registry = Registry(centre / "registry.json")
        registry.register(config.agency, config.sensor, made.public_key, reinstate=reinstate)
        directory.mkdir(parents=True, exist_ok=True)
        for file in fresh.iterdir():
            shutil.copy(file, directory / file.name)
        shutil.copyfile(centre / "authority/ca.crt", directory / "ca.crt")
    _add_sensor_table(directory / "bavn.toml", config)


def _add_sensor_table(path: Path, config: SensorConfig) -> None:
    known = path.read_text("utf-8") if path.is_file() else ""
    if "[sensor]" in known:
        return
    lines = ["", "[sensor]", f"agency = {_text(config.agency)}", f"sensor = {_text(config.sensor)}"]
    lines.append(f"collector = {_text(config.collector or '')}")
    path.write_text(known + "\n".join(lines) + "\n", "utf-8")


def _text(value: str) -> str:
    return msgspec.json.encode(value).decode()

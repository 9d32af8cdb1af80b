"""Who this sensor is: its names, certificate, keys and the collector's address."""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeVar

import msgspec

from sensors.errors import SensorError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_BYTES: Final = 32

_Config = TypeVar("_Config", bound=msgspec.Struct)


class SensorConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The sensor's part of a home's `bavn.toml`; paths are relative to the home.

    Attributes:
        agency: the agency's id, as in the certificate's organisation.
        sensor: the sensor's id, as in the certificate's common name.
        collector: base address, `https://host:port`; none where alerts stay on the box.
        ca: certificate of the authority that signed the collector's certificate (PEM).
        certificate: this sensor's certificate (PEM).
        key: the certificate's key (PEM).
        signing_key: Ed25519 key that signs batches (PEM).
        contract: the agency's sharing contract (TOML); none for the shipped default.
        checksums: whether checksums of packets are checked; wrong ones are counted, never a reason to drop.
    """

    agency: str = "local"
    sensor: str = "local"
    collector: str | None = None
    ca: str = "ca.crt"
    certificate: str = "sensor.crt"
    key: str = "sensor.key"
    signing_key: str = "signing.key"
    contract: str | None = None
    checksums: Literal["ignore", "check"] = "ignore"


class CaptureConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the sensor captures: the `[capture]` table of a home's `bavn.toml`.

    Attributes:
        workers: threads that share the packets; alerts do not depend on their number.
    """

    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1


class DetectConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the sensor judges, and what it looks for: the `[detect]` table of a home's `bavn.toml`.

    Attributes:
        engine: `native`, or `python` for the reference, which is slow and has one worker.
        indicators: the compiled set of indicators, relative to the home; empty for none, whatever is kept there.
    """

    engine: Literal["native", "python"] = "native"
    indicators: str = "indicators.set"


@dataclass(frozen=True, slots=True)
class Identity:
    """A sensor that may send."""

    config: SensorConfig
    home: Path
    signing_key: Ed25519PrivateKey

    def path(self, name: str) -> Path:
        """Path of a file of the home."""
        return self.home / name

    @property
    def key_id(self) -> str:
        """First 16 hex digits of the SHA-256 of the public signing key."""
        raw = self.signing_key.public_key().public_bytes_raw()
        return hashlib.sha256(raw).hexdigest()[:16]


def load_config(home: Path) -> SensorConfig:
    """Read the `[sensor]` table of the home's `bavn.toml`; defaults where there is none.

    Raises:
        SensorError: BAVN-E130 where it cannot be read.
    """
    return _table(home, "sensor", SensorConfig)


def load_capture(home: Path) -> CaptureConfig:
    """Read the `[capture]` table of the home's `bavn.toml`; defaults where there is none.

    Raises:
        SensorError: BAVN-E130 where it cannot be read.
    """
    return _table(home, "capture", CaptureConfig)


def load_detect(home: Path) -> DetectConfig:
    """Read the `[detect]` table of the home's `bavn.toml`; defaults where there is none.

    Raises:
        SensorError: BAVN-E130 where it cannot be read, or asks for the slow engine with several workers.
    """
    found = _table(home, "detect", DetectConfig)
    if found.engine == "python" and load_capture(home).workers > 1:
        raise SensorError("BAVN-E130", 'bavn.toml: [detect] engine = "python" has one worker, [capture] asks for more')
    return found


def _table(home: Path, name: str, shape: type[_Config]) -> _Config:
    path = home / "bavn.toml"
    if not path.is_file():
        return shape()
    import tomllib  # noqa: PLC0415  (most scans have no such file)

    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")).get(name, {}), shape)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SensorError("BAVN-E130", f"{path.name}: {error}") from error


def load_identity(home: Path) -> Identity:
    """Read certificate and keys.

    Raises:
        SensorError: BAVN-E130 where a part is missing or no key.
    """
    # A scan reads the configuration and signs nothing: it shall not wait for the cryptography to load.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    config = load_config(home)
    missing = [n for n in (config.ca, config.certificate, config.key, config.signing_key) if not (home / n).is_file()]
    if missing or config.collector is None:
        raise SensorError("BAVN-E130", f"missing: {', '.join(missing) or 'collector'}")
    try:
        key = load_pem_private_key((home / config.signing_key).read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise SensorError("BAVN-E130", f"{config.signing_key}: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SensorError("BAVN-E130", f"{config.signing_key} is not an Ed25519 key")
    return Identity(config, home, key)


def event_key(home: Path) -> bytes:
    """Give the key that `event.id` is made with (32 bytes); made at first use, readable for the owner alone.

    Raises:
        SensorError: BAVN-E130 where it is damaged or cannot be made.
    """
    path = home / "event.key"
    try:
        if not path.exists():
            home.mkdir(parents=True, exist_ok=True)
            _write_secret(path, secrets.token_hex(KEY_BYTES))
        key = bytes.fromhex(path.read_text("ascii"))
    except (OSError, ValueError) as error:
        raise SensorError("BAVN-E130", f"{path.name}: {error}") from error
    if len(key) != KEY_BYTES:
        raise SensorError("BAVN-E130", f"{path.name} holds {len(key)} bytes, not {KEY_BYTES}")
    return key


def _write_secret(path: Path, text: str) -> None:
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(fd, "w", encoding="ascii") as file:
        file.write(text)

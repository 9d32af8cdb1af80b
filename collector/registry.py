"""Which sensors may send, and under which key: one JSON file that all collectors of a site share."""

from __future__ import annotations

import base64
import fcntl
import os
import re
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from collector.errors import BavnError
from collector.pki import key_id

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


class Sensor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A registered sensor."""

    agency: str
    sensor: str
    key_id: str
    public_key: str
    """Raw Ed25519 public key, base64."""
    revoked: bool = False

    def verify(self, signature: bytes, body: bytes) -> bool:
        """True where the signature is the sensor's over exactly these bytes (RFC 8032)."""
        try:
            Ed25519PublicKey.from_public_bytes(base64.b64decode(self.public_key)).verify(signature, body)
        except InvalidSignature:
            return False
        return True


class _File(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    version: int
    sensors: list[Sensor]


class Registry:
    """The file, read again whenever it changes."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._sensors: dict[tuple[str, str], Sensor] = {}
        if self._path.exists():
            self._load()

    def find(self, agency: str, sensor: str) -> Sensor:
        """The sensor; E202, E203."""
        self._load()
        found = self._sensors.get((agency, sensor))
        if found is None:
            raise BavnError("BAVN-E202", f"the sensor {agency}/{sensor} is not registered")
        if found.revoked:
            raise BavnError("BAVN-E203", f"the sensor {agency}/{sensor} is revoked")
        return found

    def sensors(self) -> list[Sensor]:
        """All of them."""
        self._load()
        return list(self._sensors.values())

    def register(self, agency: str, sensor: str, public_key: bytes, *, reinstate: bool = False) -> Sensor:
        """Adds a sensor; the same again is no error, another key is (E262).

        A revoked sensor stays revoked (E203) unless `reinstate` takes the revocation back, also with another key.
        """
        _check_name(agency)
        _check_name(sensor)
        new = Sensor(agency, sensor, key_id(public_key), base64.b64encode(public_key).decode())
        with self._changing():
            old = self._sensors.get((agency, sensor))
            if old is not None and old.revoked and not reinstate:
                hint = "To take the revocation back: bavn collector enrol --reinstate."
                raise BavnError("BAVN-E203", f"the sensor {agency}/{sensor} is revoked", hint=hint)
            if old is not None and not old.revoked and old.public_key != new.public_key:
                raise BavnError("BAVN-E262", f"the sensor {agency}/{sensor} is registered with another key")
            self._write({**self._sensors, (agency, sensor): new})
        return new

    def revoke(self, agency: str, sensor: str) -> None:
        """Takes the right to send from a sensor, at once also on open connections."""
        with self._changing():
            if (agency, sensor) not in self._sensors:
                raise BavnError("BAVN-E202", f"the sensor {agency}/{sensor} is not registered")
            revoked = msgspec.structs.replace(self._sensors[agency, sensor], revoked=True)
            self._write({**self._sensors, (agency, sensor): revoked})

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Alone among threads and processes from reading to writing, so that no change is lost."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock, self._path.with_suffix(".lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._stamp = None
            self._read()
            yield

    def _load(self) -> None:
        with self._lock:
            self._read()

    def _read(self) -> None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._sensors, self._stamp = {}, None
            return
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        if stamp == self._stamp:
            return
        try:
            file = msgspec.json.decode(self._path.read_bytes(), type=_File)
        except (OSError, msgspec.DecodeError) as error:
            raise BavnError("BAVN-E260", f"the registry {self._path} cannot be read: {error}") from error
        self._sensors = {(sensor.agency, sensor.sensor): sensor for sensor in file.sensors}
        self._stamp = stamp

    def _write(self, sensors: dict[tuple[str, str], Sensor]) -> None:
        """Replaces the file in one step, so that no reader sees half of it."""
        new = self._path.with_suffix(".new")
        content = msgspec.json.format(msgspec.json.encode(_File("bavn-registry", 1, list(sensors.values()))))
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
        self._stamp = None
        self._read()


def _check_name(name: str) -> None:
    if not NAME.match(name):
        raise BavnError("BAVN-E260", f"{name[:80]!r} cannot name an agency or sensor")

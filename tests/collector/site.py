"""A whole site for tests: authority, certificates, registry, configuration, and collectors as real processes."""

from __future__ import annotations

import base64
import gzip
import json
import ssl
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2

from collector.pki import Authority, SensorIdentity, load_signing_key
from collector.registry import Registry

from ..lib.alerts_data import alert as made_by_hand  # noqa: TID252

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Sensor:
    """A sensor's side: makes alerts, signs batches, sends them."""

    agency: str
    name: str
    files: SensorIdentity
    server_ca: Path
    url: str = ""
    client: httpx2.Client | None = field(default=None, repr=False)

    def alert(self, number: int, **fields: Any) -> dict[str, Any]:
        document = made_by_hand(number, **fields)
        document["organization"] = {"id": self.agency}
        document["observer"]["name"] = self.name
        document["bavn"]["agency"], document["bavn"]["sensor"] = self.agency, self.name
        document["event"]["created"] = now().strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
        return document

    def record(self, seq: int, **fields: Any) -> dict[str, Any]:
        return {"seq": seq, "alert": self.alert(seq, **fields)}

    def body(self, records: list[Any], /, **changes: Any) -> bytes:
        first = records[0]["seq"] if records and isinstance(records[0], dict) and "seq" in records[0] else 1
        created = now().strftime("%Y-%m-%dT%H:%M:%SZ")
        batch: dict[str, Any] = {
            "format": "bavn-batch",
            "version": 1,
            "sensor": self.name,
            "created": created,
            "first": first,
        }
        batch["records"] = records
        return json.dumps(batch | changes).encode()

    def signature(self, body: bytes) -> str:
        raw = load_signing_key(self.files.signing_key).sign(body)
        return f"ed25519 {self.files.key_id} {base64.b64encode(raw).decode()}"

    def post(
        self, body: bytes, *, zipped: bool = False, path: str = "/v1/batches", url: str = "", **headers: str
    ) -> httpx2.Response:
        sent = {"Bavn-Signature": self.signature(body), "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if zipped:
            sent["Content-Encoding"] = "gzip"
        return self.http().post((url or self.url) + path, content=gzip.compress(body) if zipped else body, headers=sent)

    def send(self, *records: Any, url: str = "") -> list[dict[str, Any]]:
        """The records' answers; fails unless the batch was taken."""
        answer = self.post(self.body(list(records)), url=url)
        assert answer.status_code == 200, answer.text
        answers: list[dict[str, Any]] = answer.json()["records"]
        return answers

    def http(self) -> httpx2.Client:
        if self.client is None:
            self.client = httpx2.Client(verify=self.context(), timeout=20, trust_env=False)
        return self.client

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.server_ca))
        context.load_cert_chain(self.files.tls.certificate, self.files.tls.key)
        return context


class Site:
    """Everything in one directory."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.authority = Authority.create(home / "ca", "bavn test authority", now())
        self.authority.server(home / "server", ["localhost", "127.0.0.1"], now())
        self.registry = Registry(home / "registry.json")
        self.settings: dict[str, dict[str, Any]] = {}

    def sensor(
        self,
        agency: str = "odense",
        name: str = "odense-1",
        *,
        registered: bool = True,
        life: timedelta = timedelta(hours=1),
        authority: Authority | None = None,
    ) -> Sensor:
        issuer = authority or self.authority
        files = issuer.sensor(self.home / "sensors" / f"{agency}-{name}", agency, name, now(), life=life)
        if registered:
            self.registry.register(agency, name, files.public_key)
        return Sensor(agency, name, files, self.authority.certificate_path)

    def write_config(self, store: str, **tables: dict[str, Any]) -> Path:
        lines = ["[collector]", "port = 0", f"store = {json.dumps(store)}", "[collector.tls]"]
        lines += ['certificate = "server/server.crt"', 'key = "server/server.key"', 'client_ca = "ca/ca.crt"']
        for table, values in (self.settings | tables).items():
            lines += [f"[collector.{table}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
        path = self.home / "bavn.toml"
        path.write_text("\n".join(lines) + "\n")
        return path


class Process:
    """A collector as `python -m collector` runs it."""

    def __init__(self, config: Path, before: Callable[[], None] | None = None) -> None:
        self.log = config.with_suffix(".log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "collector", str(config)],
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            preexec_fn=before,  # noqa: PLW1509 - no threads run yet
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("listening on port "), config.with_suffix(".log").read_text()[-2000:]
        self.port = int(line.rsplit(" ", 1)[1])
        self.url = f"https://localhost:{self.port}"

    def kill(self) -> None:
        """SIGKILL; no harm where it has ended."""
        self.process.kill()
        self._end()

    def stop(self) -> int:
        self.process.terminate()
        return self._end()

    def _end(self) -> int:
        code = self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.log.close()
        return code

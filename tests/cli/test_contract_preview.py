"""What `contract preview` prints is, byte for byte, what leaves."""

from __future__ import annotations

import gzip
import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cli_calls import COMMAND, call, environment

from cli.setup import Centre, make_centre, make_sensor
from sensors.identity import SensorConfig, load_identity
from sensors.outbox import Outbox
from sensors.sender import Sender, client_for

if TYPE_CHECKING:
    import httpx2

CAPTURES = Path(__file__).resolve().parents[2] / "pcaps"


def preview(home: Path, *arguments: object) -> list[bytes]:
    command = [*COMMAND, "--home", str(home), "contract", "preview", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, env=environment(), check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def alerts_of(body: bytes) -> list[bytes]:
    """Cut a batch into its alerts as they stand in it."""
    _, _, records = body.partition(b'"records":[')
    assert records.endswith(b"]}")
    parts = re.split(rb'(?:^|\},)\{"seq":\d+,"alert":', records[:-2])
    assert parts[0] == b""
    return [*parts[1:-1], parts[-1].removesuffix(b"}")]


def test_preview_is_what_is_sent(tmp_path: Path) -> None:
    centre, home = tmp_path / "centre", tmp_path / "sensor"
    make_centre(centre, Centre(port=0))
    with subprocess.Popen(
        [*COMMAND, "--home", str(centre), "collector", "run"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, env=environment(),
    ) as collector:  # fmt: skip
        try:
            assert collector.stdout is not None
            port = collector.stdout.readline().split()[-1]
            address = f"https://localhost:{port}"
            make_sensor(centre, home, SensorConfig(agency="odense", sensor="odense-1", collector=address))
            captures = [CAPTURES / "web-attacks", CAPTURES / "privacy-redaction"]
            reading = [argument for path in captures for argument in ("--read", path)]
            assert call("sensor", "run", "--no-send", *reading, home=home).code == 0
            waiting = preview(home)
            sent = send(home)
        finally:
            collector.terminate()
            collector.wait(20)
    assert len(waiting) > 10
    assert sent == waiting
    assert preview(home) == []
    assert preview(home, "--sent") == waiting


def send(home: Path) -> list[bytes]:
    """Send the outbox to its real collector; gives the alerts in the bodies that it took."""
    bodies: list[bytes] = []

    def keep(request: httpx2.Request) -> None:
        body = request.read()
        bodies.append(gzip.decompress(body) if request.headers.get("content-encoding") == "gzip" else body)

    identity = load_identity(home)
    client = client_for(identity)
    client.event_hooks = {"request": [keep]}
    outbox = Outbox(home / "outbox.db")
    sender = Sender(outbox, identity, client)
    while outbox.backlog().unsent:
        sender.send_due(time.time_ns())
        assert sender.delivery.last_error is None
    assert sender.delivery.refused == 0
    sender.close()
    outbox.close()
    return [alert for body in bodies for alert in alerts_of(body)]


def test_preview_of_a_capture_that_cannot_be_read_tells_so(tmp_path: Path) -> None:
    (tmp_path / "x.pcap").write_bytes(b"")
    done = call("contract", "preview", tmp_path / "x.pcap", home=tmp_path)
    assert done.code == 3
    assert "BAVN-E401" in done.err

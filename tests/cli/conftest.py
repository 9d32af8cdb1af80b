"""Homes to call the command in: an empty one, a full site that really ran, and one whose alerts attack the terminal."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alerts_data import alert
from cli_calls import COMMAND, call, environment

from cli.setup import Centre, make_centre, make_sensor
from collector.store import Batch, NewAlert
from collector.store.sqlite import SqliteStore
from sensors.identity import SensorConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "pcaps/web-attacks/web-attacks.pcap"
HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b31mC1",
    "\u202egpj.exe",
    "[/etc/passwd]",
    "[link=http://evil.example]click[/link]",
    "a\r\nb\tc\x00\x7f",
    "=HYPERLINK('http://evil.example')",
    "\u200b\ufeff\u2028",
)


@pytest.fixture(scope="session", autouse=True)
def plan_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Compiled plans are kept in a folder of this session, which begins empty."""
    folder = tmp_path_factory.mktemp("cache")
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(folder)
    yield folder
    if before is None:
        del os.environ["XDG_CACHE_HOME"]
    else:
        os.environ["XDG_CACHE_HOME"] = before


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which nothing ever ran."""
    return tmp_path_factory.mktemp("empty")


class Collector:
    """A real collector of a home, as `bavn collector run` runs it."""

    def __init__(self, home: Path) -> None:
        self.log = (home / "collector.log").open("wb")
        self.process = subprocess.Popen(
            [*COMMAND, "--home", str(home), "collector", "run"],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment(),
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("listening on port "), (home / "collector.log").read_text()
        self.address = f"https://localhost:{line.split()[-1]}"

    def stop(self) -> int:
        self.process.terminate()
        code = self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.log.close()
        return code


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of collector and sensor, in which a capture was read, sent and stored; the collector has ended."""
    home = tmp_path_factory.mktemp("site")
    make_centre(home, Centre(port=0))
    collector = Collector(home)
    make_sensor(home, home, SensorConfig(agency="odense", sensor="odense-1", collector=collector.address))
    done = call("sensor", "run", "--read", WEB, home=home)
    assert done.code == 0, done.err
    assert "unsent 0" in done.err
    assert collector.stop() == 0
    return home


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A centre whose alerts carry attacks in every field that a sensor fills from the wire."""
    home = tmp_path_factory.mktemp("hostile")
    make_centre(home, Centre(port=0))
    store = SqliteStore(home / "alerts.db")
    records = []
    for number, text in enumerate(HOSTILE, 1):
        document = alert(number, url={"full": text, "original": text}, user_agent={"original": text})
        document["rule"] |= {"name": text, "description": text, "author": [text], "reference": text}
        document["event"]["reason"] = text
        document["bavn"]["matched"] = [{"field": "url.original", "op": "contains", "value": text, "observed": text}]
        document["bavn"]["rule"]["falsepositives"] = [text]
        records.append(NewAlert(document["event"]["id"], number, document))
    batch = Batch(agency="odense", sensor="s1", received=datetime.now(UTC), alerts=tuple(records))
    assert {result.status for result in store.put(batch)} == {"stored"}
    store.close()
    return home

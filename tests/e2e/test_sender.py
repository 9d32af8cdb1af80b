"""What the sender does when the collector is away, refuses it, or is not the one it trusts: nothing is lost."""

from __future__ import annotations

import shutil
import socket
from typing import TYPE_CHECKING

import pytest
from alerts_data import alert_bytes
from running import bavn, collector

from cli.setup import Centre, make_centre, make_sensor
from sensors.contract import Contract, Enforcer
from sensors.identity import SensorConfig
from sensors.outbox import Draft, Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

import datetime as dt


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    home = tmp_path_factory.mktemp("centre")
    make_centre(home, Centre(port=0))
    with collector(home) as address:
        yield home, address


def filled(home: Path, count: int = 5) -> None:
    enforcer = Enforcer(Contract())
    box = Outbox(home / "outbox.db")
    verdicts = [enforcer.apply(alert_bytes(n), dt.date(2026, 11, 22)) for n in range(count)]
    box.append([Draft(v.id, v.severity, v.record or b"") for v in verdicts], 1)
    box.close()


def unsent(home: Path) -> int:
    box = Outbox(home / "outbox.db")
    try:
        return box.backlog().unsent
    finally:
        box.close()


def forward(home: Path) -> tuple[int, str]:
    done = bavn("sensor", "forward", "--once", home=home, check=False)
    return done.returncode, done.stderr


def test_collector_away_then_back(centre: tuple[Path, str], tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    make_sensor(centre[0], tmp_path, SensorConfig(agency="odense", sensor="s1", collector=f"https://localhost:{port}"))
    filled(tmp_path)
    code, said = forward(tmp_path)
    assert (code, unsent(tmp_path)) == (4, 5)
    assert "BAVN-E132" in said
    config = tmp_path / "bavn.toml"
    config.write_text(config.read_text().replace(f"https://localhost:{port}", centre[1]))
    assert forward(tmp_path)[0] == 0
    assert unsent(tmp_path) == 0


def test_collector_with_a_certificate_of_another_authority(centre: tuple[Path, str], tmp_path: Path) -> None:
    other = tmp_path / "other"
    make_centre(other, Centre(port=0))
    make_sensor(centre[0], tmp_path / "s", SensorConfig(agency="odense", sensor="s2", collector=centre[1]))
    shutil.copyfile(other / "authority/ca.crt", tmp_path / "s/ca.crt")
    filled(tmp_path / "s")
    code, said = forward(tmp_path / "s")
    assert (code, unsent(tmp_path / "s")) == (4, 5)
    assert "BAVN-E131" in said


def test_certificate_of_another_authority(centre: tuple[Path, str], tmp_path: Path) -> None:
    other = tmp_path / "other"
    make_centre(other, Centre(port=0))
    make_sensor(other, tmp_path / "s", SensorConfig(agency="odense", sensor="s3", collector=centre[1]))
    shutil.copyfile(centre[0] / "authority/ca.crt", tmp_path / "s/ca.crt")
    filled(tmp_path / "s")
    assert forward(tmp_path / "s")[0] == 4
    assert unsent(tmp_path / "s") == 5


def test_no_certificate_at_all(centre: tuple[Path, str], tmp_path: Path) -> None:
    make_sensor(centre[0], tmp_path, SensorConfig(agency="odense", sensor="s4", collector=centre[1]))
    filled(tmp_path)
    (tmp_path / "sensor.crt").unlink()
    code, said = forward(tmp_path)
    assert (code, unsent(tmp_path)) == (3, 5)
    assert "BAVN-E130" in said


def test_another_agencys_alerts_are_refused_and_kept_as_dead_letters(centre: tuple[Path, str], tmp_path: Path) -> None:
    make_sensor(centre[0], tmp_path, SensorConfig(agency="aarhus", sensor="s5", collector=centre[1]))
    filled(tmp_path)
    forward(tmp_path)
    box = Outbox(tmp_path / "outbox.db")
    assert box.backlog().unsent == 0
    assert len(box.dead()) == 5
    assert all("BAVN-E2" in reason for _, reason in box.dead())
    box.close()
    assert bavn("doctor", home=tmp_path, check=False).returncode == 1


def test_a_poison_record_does_not_stop_the_others(centre: tuple[Path, str], tmp_path: Path) -> None:
    make_sensor(centre[0], tmp_path, SensorConfig(agency="odense", sensor="s1b", collector=centre[1]))
    box = Outbox(tmp_path / "outbox.db")
    good = [alert_bytes(n).replace(b'"s1"', b'"s1b"') for n in (101, 102, 103)]
    box.append([Draft(f"G{n}", 3, alert) for n, alert in enumerate(good)], 1)
    box.append([Draft("POISON", 3, b'{"event":{"id":[]},"bavn":17}')], 2)
    box.append([Draft("G9", 3, alert_bytes(104).replace(b'"s1"', b'"s1b"'))], 3)
    box.close()
    forward(tmp_path)
    box = Outbox(tmp_path / "outbox.db")
    assert box.backlog().unsent == 0
    assert [record.id for record, _ in box.dead()] == ["POISON"]
    assert [record.id for record in box.sent()] == ["G0", "G1", "G2", "G9"]
    box.close()

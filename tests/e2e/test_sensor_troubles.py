"""A sensor whose disk, outbox, certificate or input fails under it goes on, says so, and ends when told."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from alerts_data import alert_bytes
from running import PCAPS, bavn, collector

from cli.captures import rules_to_run
from cli.sending import send_steadily
from cli.sensor_process import SensorProcess
from cli.setup import Centre, make_centre, make_sensor
from collector.accesslog import AccessLog
from sensors.identity import SensorConfig
from sensors.outbox import Draft, Outbox
from sensors.sender import Delivery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WEB = PCAPS / "web-attacks"


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    home = tmp_path_factory.mktemp("centre")
    make_centre(home, Centre(port=0))
    with collector(home) as address:
        yield home, address


def wait_for(what: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def test_a_status_that_cannot_be_written_stops_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    part = tmp_path / f"sensor-status.{os.getpid()}.part"
    part.symlink_to("/dev/full")
    process = SensorProcess(tmp_path, rules_to_run(()), source="files")
    process.read((WEB,))
    process.end(None)
    assert process.writer.tally.queued > 0
    assert process.status_failures >= 2
    assert capsys.readouterr().err.count("status cannot be written") == 1
    assert process.health is not None
    part.unlink()
    process.write_status()
    assert (tmp_path / "sensor-status.json").is_file()


def test_alerts_that_cannot_be_written_are_told_and_make_the_run_partial(tmp_path: Path) -> None:
    process = SensorProcess(tmp_path, rules_to_run(()), source="files")
    process.writer._last_try_s = 0.2
    process.writer._outbox._db.execute("pragma query_only=1")
    process.read((WEB,))
    process.end(None)
    lost = process.writer.tally.lost
    assert lost == process.writer.tally.alerts > 0
    assert process.is_partial()
    assert f"LOST: {lost}" in process.last_words()


def test_the_command_goes_on_with_a_fresh_outbox_where_the_old_one_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "outbox.db").write_bytes(b"no database" * 1000)
    done = bavn("sensor", "run", "--read", WEB, "--no-send", home=tmp_path)
    assert "BAVN-E111" in done.stderr
    (aside,) = tmp_path.glob("outbox.db.damaged-*")
    assert aside.read_bytes().startswith(b"no database")
    told = bavn("doctor", home=tmp_path, check=False)
    assert told.returncode == 1
    assert aside.name in told.stdout


def test_the_slow_engine_keeps_the_same_evidence(tmp_path: Path) -> None:
    kept = {}
    for engine in ("native", "python"):
        home = tmp_path / engine
        home.mkdir()
        (home / "bavn.toml").write_text(f'[detect]\nengine = "{engine}"\n')
        (home / "event.key").write_text("11" * 32)
        bavn("sensor", "run", "--read", WEB, "--no-send", home=home)
        status = json.loads((home / "sensor-status.json").read_bytes())
        assert status["rules"].get("engine", "native") == engine
        kept[engine] = sorted(file.name for file in (home / "evidence").rglob("*") if file.is_file()), status["alerts"]
    assert kept["python"] == kept["native"]
    assert kept["native"][1] > 0
    assert len(kept["native"][0]) > 0
    (home / "bavn.toml").write_text('[detect]\nengine = "python"\n[capture]\nworkers = 2\n')
    done = bavn("sensor", "run", "--read", WEB, "--no-send", home=home, check=False)
    assert (done.returncode, "has one worker" in done.stderr) == (3, True)


def test_the_sender_outlives_a_bad_home_and_a_bad_outbox(centre: tuple[Path, str], tmp_path: Path) -> None:
    delivery, stop = Delivery(), threading.Event()
    (tmp_path / "outbox.db").write_bytes(b"no database" * 1000)
    thread = threading.Thread(target=send_steadily, args=(tmp_path, stop.wait, delivery))
    thread.start()
    try:
        wait_for(lambda: "BAVN-E130" in (delivery.last_error or ""))
        make_sensor(centre[0], tmp_path, SensorConfig(agency="odense", sensor="s1", collector=centre[1]))
        wait_for(lambda: "BAVN-E111" in (delivery.last_error or ""))
        (tmp_path / "outbox.db").unlink()
        box = Outbox(tmp_path / "outbox.db")
        box.append([Draft("A", 3, alert_bytes(1))], 1)
        wait_for(lambda: delivery.stored)
        box.close()
    finally:
        stop.set()
        thread.join()


def test_a_renewed_certificate_is_taken_up(centre: tuple[Path, str], tmp_path: Path) -> None:
    other, home = tmp_path / "other", tmp_path / "s"
    make_centre(other, Centre(port=0))
    make_sensor(centre[0], home, SensorConfig(agency="odense", sensor="s2", collector=centre[1]))
    good = (home / "ca.crt").read_bytes()
    shutil.copyfile(other / "authority/ca.crt", home / "ca.crt")
    box = Outbox(home / "outbox.db")
    box.append([Draft("A", 3, alert_bytes(2).replace(b'"s1"', b'"s2"'))], 1)
    delivery, stop = Delivery(), threading.Event()
    thread = threading.Thread(target=send_steadily, args=(home, stop.wait, delivery))
    thread.start()
    try:
        wait_for(lambda: "BAVN-E131" in (delivery.last_error or ""))
        (home / "ca.crt").write_bytes(good)
        wait_for(lambda: delivery.stored)
        assert delivery.last_error is None
    finally:
        stop.set()
        thread.join()
    box.close()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_pipe_that_nobody_writes_to_does_not_outlive_a_signal(tmp_path: Path, sign: signal.Signals) -> None:
    os.mkfifo(tmp_path / "pipe")
    command = [sys.executable, "-P", "-m", "cli", "--home", str(tmp_path / "home"), "sensor", "run"]
    with subprocess.Popen([*command, "--read", str(tmp_path / "pipe")], stderr=subprocess.DEVNULL) as process:
        wait_for((tmp_path / "home/outbox.db").exists)
        time.sleep(1)
        assert process.poll() is None
        process.send_signal(sign)
        assert process.wait(5) == -sign


def test_looks_at_the_outbox_are_written_down(tmp_path: Path, centre: tuple[Path, str]) -> None:
    make_sensor(centre[0], tmp_path, SensorConfig(agency="odense", sensor="s3", collector=centre[1]))
    Outbox(tmp_path / "outbox.db").close()
    bavn("contract", "preview", "--sent", "--purpose", "audit", home=tmp_path)
    log = AccessLog(tmp_path / "minlog.sqlite")
    assert log.head().size == 1
    log.close()

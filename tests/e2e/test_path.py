"""The whole path, for real: capture, rules, contract, outbox, HTTPS, store, view."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import apsw
import pytest
from jsonschema import Draft202012Validator
from running import PCAPS, ROOT, bavn, collector

from cli.setup import Centre, make_centre, make_sensor
from sensors.evidence import EvidenceStore
from sensors.identity import SensorConfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CAPTURES = [PCAPS / "web-attacks", PCAPS / "dns-suspicious", PCAPS / "privacy-redaction"]
READ = [argument for path in CAPTURES for argument in ("--read", path)]


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    home = tmp_path_factory.mktemp("centre")
    make_centre(home, Centre(port=0))
    with collector(home) as address:
        yield home, address


@dataclass(frozen=True)
class Walked:
    """The path after captures went through it: both homes, and the bytes that the preview showed before they left."""

    centre: Path
    sensor: Path
    previewed: list[str]

    def stored(self) -> list[dict]:
        return lines(bavn("alerts", "export", home=self.centre).stdout)


@pytest.fixture(scope="module")
def walked(centre: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Walked:
    home = tmp_path_factory.mktemp("sensor")
    make_sensor(centre[0], home, SensorConfig(agency="odense", sensor="s1", collector=centre[1]))
    bavn("sensor", "run", *READ, "--no-send", home=home)
    previewed = bavn("contract", "preview", home=home).stdout.splitlines()
    bavn("sensor", "forward", "--once", home=home)
    return Walked(centre[0], home, previewed)


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_everything_that_was_found_arrives_once_and_as_previewed(walked: Walked) -> None:
    assert len(walked.previewed) > 20
    assert bavn("contract", "preview", home=walked.sensor).stdout == ""
    assert bavn("contract", "preview", "--sent", home=walked.sensor).stdout.splitlines() == walked.previewed
    stored = {a["event"]["id"]: a for a in walked.stored()}
    assert stored == {json.loads(line)["event"]["id"]: json.loads(line) for line in walked.previewed}


def test_the_same_captures_again_bring_nothing_new(walked: Walked) -> None:
    before = len(walked.stored())
    for name in ("outbox.db", "outbox.db-wal", "outbox.db-shm"):
        (walked.sensor / name).unlink(missing_ok=True)
    bavn("sensor", "run", *READ, home=walked.sensor)
    assert len(walked.stored()) == before


def test_alerts_hold_to_the_schema(walked: Walked) -> None:
    validator = Draft202012Validator(json.loads((ROOT / "schema/alert.schema.json").read_text("utf-8")))
    alerts = walked.stored()
    local = lines(bavn("scan", *CAPTURES, PCAPS / "tls-modern", PCAPS / "tcp-oddities", "--json").stdout)
    assert alerts
    assert {a["bavn"]["event"]["dataset"] for a in local} >= {"bavn.http", "bavn.dns", "bavn.tls"}
    for alert in [*alerts, *local]:
        assert [error.message for error in validator.iter_errors(alert)] == []


def test_nothing_personal_left_the_agency(walked: Walked) -> None:
    text = bavn("alerts", "export", home=walked.centre).stdout
    local = bavn("scan", PCAPS / "privacy-redaction", "--json").stdout
    case = (PCAPS / "privacy-redaction/case.toml").read_text("utf-8")
    assert "070761" in case
    assert "070761" in local, "the agency itself sees it"
    assert "070761" not in text
    assert "@kommune" not in text


def test_rule_author_and_licence_are_kept(walked: Walked) -> None:
    for alert in walked.stored():
        assert alert["rule"]["author"] == ["bavn"]
        assert alert["rule"]["license"] == "EUPL-1.2"


def test_evidence_is_kept_by_its_hash_and_opens(walked: Walked) -> None:
    stored = walked.stored()
    with_evidence = [a for a in stored if "evidence" in a["bavn"]]
    assert len(with_evidence) == len(stored)
    alert = with_evidence[0]
    sha = alert["bavn"]["evidence"]["sha256"]
    assert len(EvidenceStore(walked.sensor / "evidence").get(sha)) == alert["bavn"]["evidence"]["bytes"]
    shutil.copytree(walked.sensor / "evidence", walked.centre / "evidence", dirs_exist_ok=True)
    shown = bavn("evidence", "show", alert["event"]["id"], "--scapy", home=walked.centre).stdout
    assert len(shown.splitlines()) == alert["bavn"]["evidence"]["packets"]


def test_every_look_is_in_the_access_log(walked: Walked) -> None:
    before = len(lines(bavn("minlog", home=walked.centre).stdout))
    first = lines(bavn("alerts", "ls", "--limit", "1", home=walked.centre).stdout)[0]["event"]["id"]
    bavn("alerts", "show", first[:8], "--purpose", "exercise", "--case", "C-1", home=walked.centre)
    log = lines(bavn("minlog", home=walked.centre).stdout)
    assert [row["action"] for row in log[before:]] == ["alerts.list", "alerts.show"]
    assert (log[-1]["purpose"], log[-1]["case"], log[-1]["objects"]) == ("exercise", "C-1", [first])
    bavn("minlog", "verify", home=walked.centre)


def test_a_tampered_access_log_is_named(walked: Walked, tmp_path: Path) -> None:
    bavn("alerts", "ls", home=walked.centre)
    shutil.copytree(walked.centre, tmp_path / "copy")
    log = apsw.Connection(str(tmp_path / "copy/minlog.sqlite"))
    log.execute(
        "update records set body = cast(replace(cast(body as text), 'alerts.', 'alarms.') as blob) where number = 0"
    )
    log.close()
    done = bavn("minlog", "verify", home=tmp_path / "copy", check=False)
    assert done.returncode == 1
    assert "record 0" in done.stdout

"""Every look at alerts and evidence is in the access log before anything is shown."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from cli_calls import call, on_terminal

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(site: Path, tmp_path: Path) -> Path:
    """A copy of the site, to change."""
    copy = tmp_path / "home"
    shutil.copytree(site, copy)
    return copy


def log(home: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in call("minlog", home=home).out.splitlines()]


def first_id(home: Path) -> str:
    line = call("alerts", "ls", "--limit", "1", home=home).out
    return str(json.loads(line)["event"]["id"])


def test_each_view_and_export_is_a_record(home: Path, tmp_path: Path) -> None:
    name = first_id(home)
    looks = [
        (("alerts", "ls", "--level", "high"), "alerts.list"),
        (("alerts", "show", name[:8]), "alerts.show"),
        (("alerts", "ack", name), "alerts.ack"),
        (("alerts", "export"), "alerts.export"),
        (("alerts", "tail", "--for", "0"), "alerts.tail"),
        (("explain", name), "alerts.show"),
        (("evidence", "show", name, "--scapy"), "evidence.show"),
        (("evidence", "show", name, "-o", tmp_path / "out.pcap"), "evidence.export"),
    ]
    for arguments, action in looks:
        before = len(log(home))
        done = call(*arguments, home=home, BAVN_PURPOSE="exercise", BAVN_CASE="C-42")
        assert done.code == 0, done.err
        records = log(home)
        assert len(records) == before + 1
        assert records[-1]["action"] == action
        if arguments[0] != "explain":
            assert (records[-1]["purpose"], records[-1]["case"]) == ("exercise", "C-42")
    named = [r for r in log(home) if r["action"] in {"alerts.show", "alerts.ack", "evidence.show"}]
    assert all(r["objects"][0] == name for r in named)
    assert call("minlog", "verify", home=home).code == 0


def test_what_cannot_be_logged_is_not_shown(home: Path) -> None:
    name = first_id(home)
    for path in home.glob("minlog.sqlite*"):
        path.unlink()
    (home / "minlog.sqlite").mkdir()
    for arguments in (
        ("alerts", "ls"),
        ("alerts", "show", name),
        ("alerts", "export"),
        ("alerts", "tail", "--for", "0"),
        ("evidence", "show", name, "--scapy"),
    ):
        done = call(*arguments, home=home)
        assert done.code == 3
        assert done.out == ""
        assert "BAVN-E250" in done.err
    shown = on_terminal("alerts", "show", name, home=home)
    assert shown.code == 3
    assert "Path traversal" not in shown.out


def test_an_altered_record_is_named(home: Path) -> None:
    first_id(home)
    call("alerts", "export", home=home)
    with sqlite3.connect(home / "minlog.sqlite") as database:
        body = database.execute("SELECT body FROM records WHERE number = 0").fetchone()[0]
        changed = bytes(body).replace(b"operational monitoring", b"nothing in particular!!")
        assert changed != body
        database.execute("UPDATE records SET body = ? WHERE number = 0", (changed,))
    database.close()
    done = call("minlog", "verify", home=home)
    assert done.code == 1
    assert "BAVN-E2" in done.out
    assert "altered" in done.out


def test_a_witness_that_knows_another_past_is_heard(home: Path) -> None:
    first_id(home)
    assert call("minlog", "verify", "--witness", "1:" + "A" * 43 + "=", home=home).code == 1
    assert call("minlog", "verify", "--witness", "nonsense", home=home).code == 2


def test_a_sensors_home_opens_its_own_evidence_and_logs_it(home: Path) -> None:
    name = first_id(home)
    lines = (home / "bavn.toml").read_text().splitlines()
    (home / "bavn.toml").write_text("\n".join(lines[lines.index("[sensor]") :]) + "\n")
    for path in [*home.glob("minlog.sqlite*"), *home.glob("alerts.db*")]:
        path.unlink()
    assert call("alerts", "ls", home=home).code == 3
    done = call("evidence", "show", name[:8], "--scapy", home=home)
    assert done.code == 0, done.err
    assert "TCP" in done.out
    assert [r["action"] for r in log(home)] == ["evidence.show"]


def test_a_user_cannot_write_another_name_into_the_log(home: Path) -> None:
    who = {"LOGNAME": "mallory", "USER": "mallory", "LNAME": "mallory", "USERNAME": "mallory", "SUDO_USER": "mallory"}
    assert call("alerts", "ls", home=home, **who).code == 0
    assert log(home)[-1]["who"] == pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.skipif(os.geteuid() != 0, reason="sudo is believed of root alone")
def test_root_through_sudo_is_the_person_behind_it(home: Path) -> None:
    assert call("alerts", "ls", home=home, SUDO_UID=str(pwd.getpwnam("nobody").pw_uid)).code == 0
    assert log(home)[-1]["who"] == "nobody (sudo)"

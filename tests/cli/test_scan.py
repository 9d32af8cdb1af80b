"""`bavn scan` and `bavn events`: good and bad files together, forms, exit codes, what is told."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
from pathlib import Path

import pytest
from cli_calls import COMMAND, call, environment, on_terminal

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "pcaps/web-attacks/web-attacks.pcap"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Captures in every state."""
    folder = tmp_path_factory.mktemp("files")
    whole = WEB.read_bytes()
    (folder / "good.pcap").write_bytes(whole)
    (folder / "truncated.pcap").write_bytes(whole[:5000])
    (folder / "empty.pcap").write_bytes(b"")
    (folder / "text.pcap").write_bytes(b"hello, this is no capture at all\n")
    (folder / "corrupt.pcap").write_bytes(whole[:3000] + b"\xff" * 64 + whole[3000:])
    (folder / "notes.txt").write_bytes(b"not looked at")
    (folder / "none").mkdir()
    return folder


def test_the_rest_of_a_folder_is_read(files: Path, empty_home: Path) -> None:
    done = call("scan", files, home=empty_home)
    assert done.code == 5
    alone = call("scan", files / "good.pcap", home=empty_home)
    assert alone.code == 0
    assert len(done.out.splitlines()) >= len(alone.out.splitlines()) > 0
    for name, code in (("truncated", 403), ("empty", 401), ("text", 402), ("corrupt", 404)):
        assert f"{files / name}.pcap: BAVN-E{code} " in done.err
    assert "notes.txt" not in done.err
    assert "more: bavn --home" in done.err


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("good.pcap",), 0),
        (("truncated.pcap",), 5),
        (("corrupt.pcap",), 5),
        (("empty.pcap",), 3),
        (("text.pcap",), 3),
        (("text.pcap", "empty.pcap"), 3),
        (("good.pcap", "text.pcap"), 5),
        (("good.pcap", "missing.pcap"), 5),
        (("missing.pcap",), 3),
        (("none",), 3),
    ],
    ids=str,
)
def test_exit_code(files: Path, empty_home: Path, names: tuple[str, ...], code: int) -> None:
    for command in ("scan", "events"):
        done = call(command, *(files / name for name in names), home=empty_home)
        assert done.code == code, done.err
        assert "Traceback" not in done.err


def test_findings_change_the_exit_code_only_where_asked(files: Path, empty_home: Path) -> None:
    assert call("scan", WEB, "--fail-on", "critical", home=empty_home).code == 1
    benign = ROOT / "pcaps/dns-benign/dns-benign.pcap"
    assert call("scan", benign, "--fail-on", "critical", home=empty_home).code == 0
    assert call("scan", files / "truncated.pcap", "--fail-on", "low", home=empty_home).code == 5


def test_no_rule_to_run_is_told_and_not_passed_over(files: Path, empty_home: Path) -> None:
    done = call("scan", WEB, "--rules", files / "none", home=empty_home)
    assert done.code == 3
    assert "BAVN-E310" in done.err


def test_a_pipe_gets_json_lines_and_a_terminal_a_table(empty_home: Path) -> None:
    piped = call("scan", WEB, home=empty_home)
    documents = [json.loads(line) for line in piped.out.splitlines()]
    assert {d["event"]["kind"] for d in documents} == {"alert"}
    assert "\x1b" not in piped.out + piped.err
    shown = on_terminal("scan", WEB, home=empty_home)
    assert "level" in shown.out
    assert not shown.out.lstrip().startswith("{")
    forced = on_terminal("scan", WEB, "--json", home=empty_home)
    assert forced.out.startswith("{")


def test_fields_and_csv(empty_home: Path) -> None:
    rows = [
        json.loads(line)
        for line in call("scan", WEB, "--fields", "event.id,rule.name", home=empty_home).out.splitlines()
    ]
    assert all(list(row) == ["event.id", "rule.name"] for row in rows)
    table = list(csv.DictReader(io.StringIO(call("scan", WEB, "--csv", home=empty_home).out)))
    assert [row["event.id"] for row in table] == [row["event.id"] for row in rows]
    events = list(csv.DictReader(io.StringIO(call("events", WEB, "--csv", home=empty_home).out)))
    assert {row["event.dataset"] for row in events} >= {"bavn.http"}


def test_stdin_is_a_capture(empty_home: Path) -> None:
    piped = call("scan", "-", "--fields", "event.id", home=empty_home, stdin=WEB.read_bytes())
    assert piped.code == 0
    assert piped.out == call("scan", WEB, "--fields", "event.id", home=empty_home).out


def test_events_of_one_kind(empty_home: Path) -> None:
    lines = call("events", WEB, "--kind", "http", home=empty_home).out.splitlines()
    assert {json.loads(line)["event"]["dataset"] for line in lines} == {"bavn.http"}
    wrong = call("events", WEB, "--kind", "nonsense", home=empty_home)
    assert wrong.code == 2
    assert "dns" in wrong.err


def test_the_summary_tells_what_was_read(empty_home: Path) -> None:
    err = call("scan", WEB, home=empty_home).err
    for label in ("read ", "captured ", "dropped ", "alerts ", "hosts ", "rules "):
        assert any(line.startswith(label) for line in err.splitlines()), label


def test_a_reader_that_goes_away_is_no_error(empty_home: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "--home", str(empty_home), "events", str(ROOT / "pcaps")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    ) as child:  # fmt: skip
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline().startswith(b"{")
        child.stdout.close()
        err = child.stderr.read().decode()
        assert child.wait(60) == 0
    assert "Traceback" not in err
    assert "Broken" not in err


def test_a_full_disk_is_told(empty_home: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("wb") as full:
        command = [*COMMAND, "--home", str(empty_home), "scan", str(WEB)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environment(), check=False)
    assert done.returncode == 3
    assert b"BAVN-E312" in done.stderr


def test_interrupt_ends_with_130(site: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "--home", str(site), "alerts", "tail", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment(),
    ) as child:  # fmt: skip
        # The look is in the log before anything is followed: then the command runs.
        for _ in range(600):
            if "alerts.tail" in call("minlog", home=site).out:
                break
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert b"Traceback" not in err


def test_events_and_alerts_in_one_stream(files: Path, empty_home: Path) -> None:
    alone = call("scan", files / "good.pcap", home=empty_home).out.splitlines()
    events = call("events", files / "good.pcap", "--kind", "http", "--kind", "flow", home=empty_home).out.splitlines()
    both = call("scan", files / "good.pcap", "--events", "http", "--events", "flow", home=empty_home).out.splitlines()
    kinds = [json.loads(line)["event"]["dataset"] for line in both]
    assert kinds.count("bavn.alert") == len(alone) > 0
    assert sorted(line for line in both if '"dataset":"bavn.alert"' not in line) == sorted(events)
    assert kinds.index("bavn.http") < kinds.index("bavn.alert")


def test_events_beside_alerts_are_asked_for_by_kind_and_as_documents(files: Path, empty_home: Path) -> None:
    wrong = call("scan", files / "good.pcap", "--events", "nope", home=empty_home)
    assert (wrong.code, "no such kind: nope" in wrong.err) == (2, True)
    table = call("scan", files / "good.pcap", "--events", "http", "--csv", home=empty_home)
    assert (table.code, "whole documents" in table.err) == (2, True)

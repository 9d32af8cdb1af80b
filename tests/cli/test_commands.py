"""The other commands: rules, explain, evidence, status, doctor, completion, enrol."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli_calls import call, environment, on_terminal

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "pcaps/web-attacks/web-attacks.pcap"
BAD_RULE = """title: A test
id: 5c1f7bb0-8f2a-4e0e-9f5b-0a8d3d6a1c11
status: test
logsource:
  category: proxy
detection:
  one:
    cs-uri-quer|contains: '/etc/passwd'
  condition: one
level: high
"""


def identifier(home: Path) -> str:
    return str(json.loads(call("alerts", "ls", "--limit", "1", home=home).out)["event"]["id"])


def test_rule_tests_of_the_checkout_pass(empty_home: Path) -> None:
    done = call("rules", "test", "rules/dns", "rules/http/sql_injection.yml", home=empty_home, cwd=ROOT)
    assert done.code == 0, done.out
    assert done.out.splitlines()[-1].endswith(" passed, 0 failed")
    assert int(done.out.splitlines()[-1].split()[0]) > 20


def test_a_failing_rule_test_is_told_with_its_place(tmp_path: Path) -> None:
    for name in ("path_traversal.yml", "path_traversal.test.yml"):
        shutil.copy(ROOT / "rules/http" / name, tmp_path / name)
    test = tmp_path / "path_traversal.test.yml"
    test.write_text(
        test.read_text()
        .replace("no_match:", "swapped:")
        .replace("match:", "no_match:", 1)
        .replace("swapped:", "match:")
    )
    done = call("rules", "test", tmp_path, home=tmp_path)
    assert done.code == 1
    assert "BAVN-E061" in done.out
    assert "path_traversal.test.yml:" in done.out
    lines = [json.loads(x) for x in call("rules", "test", "--json", tmp_path, home=tmp_path).out.splitlines()]
    assert any(not line["passed"] for line in lines)


def test_a_bad_rule_is_told_as_a_compiler_does(tmp_path: Path) -> None:
    (tmp_path / "my.yml").write_text(BAD_RULE)
    done = call("rules", "check", tmp_path, home=tmp_path)
    assert "error[BAVN-E031]" in done.out
    assert "my.yml:8:5" in done.out
    assert "^^^^" in done.out
    assert "did you mean `" in done.out
    scan = call("scan", WEB, "--rules", tmp_path, home=tmp_path)
    assert scan.code == 3
    assert "BAVN-E310" in scan.err


@pytest.mark.parametrize("form", ["event", "events", "alert", "engine"])
def test_a_rule_is_explained_on_an_event(form: str, site: Path) -> None:
    events = "".join(call("events", WEB, "--kind", "http", home=site).out.splitlines(keepends=True)[:9])
    alerts = call("alerts", "export", "--text", "traversal", "--limit", "1", home=site).out
    given = {
        "event": next(line for line in events.splitlines() if "/../../" in line),
        "events": events,
        "alert": alerts,
        "engine": json.dumps({"kind": "http", "fields": {"url.original": "/../../etc/passwd"}}),
    }[form]
    done = call("rules", "explain", "http/path_traversal.yml", "-", home=site, stdin=given.encode())
    assert done.code == 0, done.err
    assert done.out.startswith("+ or\n")
    assert "+ url.original re " in done.out
    tree = call("rules", "explain", "path_traversal", "-", "--json", home=site, stdin=given.encode()).out
    assert json.loads(tree.splitlines()[0])["outcome"] == "true"


def test_a_file_with_a_correlation_is_explained_by_what_it_counts(empty_home: Path) -> None:
    given = json.dumps({"kind": "http", "fields": {"bavn.http.request.authorization": "Basic YTpi"}}).encode()
    for name in (ROOT / "rules/http/basic_authentication.yml", "basic_authentication"):
        done = call("rules", "explain", name, "-", home=empty_home, stdin=given)
        assert done.code == 0, done.err
        assert done.out.startswith('+ bavn.http.request.authorization startswith "Basic "')
    assert "Told once an hour" in call("explain", "basic_authentication", home=empty_home).out.replace("\n", " ")


@pytest.mark.parametrize("given", [b"no json", b"[]", b"\xff", b""])
def test_what_is_no_event_is_told(given: bytes, empty_home: Path) -> None:
    done = call("rules", "explain", "path_traversal", "-", home=empty_home, stdin=given)
    assert done.code == 3
    assert "BAVN-E304" in done.err


def test_explain_a_rule_and_an_alert(site: Path) -> None:
    by_title = call("explain", "Path traversal in a web request", home=site).out
    assert "ATT&CK" in by_title
    assert "Does not see" in by_title
    assert by_title == call("explain", "path_traversal", home=site).out
    name = identifier(site)
    assert json.loads(call("explain", name, home=site).out)["event"]["id"] == name


def test_evidence_in_the_sandbox(site: Path, need: Callable[..., None]) -> None:
    need("tshark", "unshare")
    name = identifier(site)
    done = call("evidence", "show", name, home=site)
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
    packets = call("evidence", "show", name, "--scapy", home=site).out.splitlines()
    assert len(rows) == len(packets) > 2
    detailed = [json.loads(x) for x in call("evidence", "show", name, "--details", home=site).out.splitlines()]
    assert {layer["layer"] for layer in detailed[0]["layers"]} >= {"ip", "tcp"}


def test_without_a_sandbox_nothing_is_dissected(site: Path, tmp_path: Path) -> None:
    """No `unshare` on the PATH: no sandbox, exit 3; scapy still opens the packets."""
    name = identifier(site)
    done = call("evidence", "show", name, home=site, PATH=str(tmp_path))
    assert done.code == 3
    assert "BAVN-E303" in done.err
    assert done.out == ""
    assert call("evidence", "show", name, "--scapy", home=site, PATH=str(tmp_path)).code == 0


def test_status_and_doctor_of_each_kind_of_home(site: Path, hostile: Path, empty_home: Path) -> None:
    assert call("status", home=empty_home).code == 3
    centre = json.loads(call("status", home=hostile).out)
    assert centre["sensor"] is None
    assert centre["centre"]["stored"] > 0
    both = json.loads(call("status", home=site).out)
    assert both["sensor"]["accounting"]["exact"]
    assert any("not running" in need["what"] for need in both["needs"])
    for home in (site, hostile, empty_home):
        findings = [json.loads(line) for line in call("doctor", home=home).out.splitlines()]
        assert {"packages", "rules", "sandbox"} <= {finding["name"] for finding in findings}
    shown = on_terminal("doctor", home=site).out
    assert "✔ access log" in shown
    assert "✔ certificate" in shown


def test_doctor_names_what_is_broken_and_goes_on(site: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(site, home)
    (home / "sensor.crt").write_text("no certificate")
    done = call("doctor", home=home)
    assert done.code == 1
    wrong = [f for f in map(json.loads, done.out.splitlines()) if not f["well"]]
    assert [f["name"] for f in wrong] == ["certificate"]
    assert "explain BAVN-E130" in wrong[0]["fix"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str, empty_home: Path, tmp_path: Path) -> None:
    done = call("completion", shell, home=empty_home)
    assert done.code == 0
    assert "_BAVN_COMPLETE" in done.out
    if shutil.which(shell):
        script = tmp_path / "script"
        script.write_text(done.out)
        assert subprocess.run([shell, "-n", str(script)], check=False).returncode == 0


def test_completion_completes() -> None:
    env = environment(COMP_WORDS="bavn ale", COMP_CWORD="1", _BAVN_COMPLETE="bash_complete")
    program = "from cli.main import main; main()"
    done = subprocess.run([sys.executable, "-P", "-c", program], env=env, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["plain,alerts"]


def test_sensor_tells_of_each_source_that_failed(tmp_path: Path) -> None:
    (tmp_path / "empty.pcap").write_bytes(b"")
    done = call("sensor", "run", "--read", WEB, "--read", tmp_path / "empty.pcap", home=tmp_path / "home")
    assert done.code == 5
    assert "BAVN-E401" in done.err
    assert "exact" in done.err
    assert json.loads(call("sensor", "status", home=tmp_path / "home").out)["alerts"] > 0

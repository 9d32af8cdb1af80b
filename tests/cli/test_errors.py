"""Every error has a code, a sentence, a hint and an explanation; every command that is proposed exists."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import click
import pytest
from cli_calls import call
from click.testing import CliRunner

from cli import main as command_line
from cli.errors import CliError, catalogue, exit_code_of, report

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [
    path
    for folder in ("cli", "collector", "detectors", "sensors")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".py", ".rs"} and "target" not in path.parts and "tests" not in path.parts
]
CODE = re.compile(r"BAVN-[EW]\d{3}\b")
PROPOSED = re.compile(r"""(?:(?<![.\w])command\(\s*f?["']|`bavn |: bavn )([a-z]+)(?: ([a-z]+))?""")


def test_every_code_in_the_source_is_in_a_catalogue() -> None:
    found = {code for path in SOURCES for code in CODE.findall(path.read_text("utf-8"))}
    assert found
    assert sorted(found - set(catalogue()) - {"BAVN-E000"}) == []


def test_catalogues_keep_to_their_ranges() -> None:
    ranges = {"detectors": "EW0", "sensors": "E1E4", "collector": "E2", "cli": "E3"}
    for package, allowed in ranges.items():
        for code in importlib.import_module(f"{package}.errors").CATALOGUE:
            assert CODE.fullmatch(code)
            assert code[5] + code[6] in allowed or (package == "detectors" and code[6] == "0"), code


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_every_code_is_explained(code: str, empty_home: Path) -> None:
    title, explanation, hint = catalogue()[code]
    assert min(map(len, (title, explanation, hint))) > 5
    for name in (code, code.removeprefix("BAVN-").lower()):
        done = CliRunner().invoke(
            command_line.bavn, ["--home", str(empty_home), "explain", name], standalone_mode=False
        )
        assert done.exception is None
        assert done.output.startswith(f"{code}: {title}\n")
        assert hint in done.output


@pytest.mark.parametrize("code", sorted(code for code in catalogue() if code.startswith("BAVN-E3")))
def test_an_error_is_printed_with_sentence_hint_and_where_to_read_more(
    code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = CliError(code, "went wrong \x1b[2J here")
    report(error)
    shown = capsys.readouterr().err
    assert shown.splitlines()[0] == f"error[{code}]: went wrong \\x1b[2J here"
    assert "= hint: " in shown
    assert f"bavn explain {code}" in shown
    assert exit_code_of(error) in {3, 4}


def test_every_command_that_is_proposed_exists() -> None:
    texts = [path.read_text("utf-8") for path in (ROOT / "cli").glob("*.py")]
    texts += [hint for _, _, hint in catalogue().values()]
    proposed = {found for text in texts for found in PROPOSED.findall(text)}
    assert len(proposed) > 10
    for name, sub in proposed:
        if name == "bavn":
            continue
        assert name in command_line.COMMANDS, (name, sub)
        group = command_line.bavn.get_command(click.Context(command_line.bavn), name)
        if isinstance(group, click.Group) and sub:
            assert sub in group.list_commands(click.Context(group)), (name, sub)


CASES = [
    (("nonsense",), 2, "No such command"),
    (("scna",), 2, "Did you mean 'scan'?"),
    (("scan",), 2, "Missing argument"),
    (("alerts", "ls", "--since", "soon"), 2, "neither like 24h"),
    (("scan", "x", "--json", "--csv"), 2, "exclude"),
    (("sensor", "run"), 2, "either --interface or --read"),
    (("status",), 3, "BAVN-E305"),
    (("alerts", "ls"), 3, "BAVN-E305"),
    (("alerts", "show", "ABCDEF"), 3, "BAVN-E305"),
    (("evidence", "show", "ABCDEF", "--scapy"), 3, "BAVN-E305"),
    (("minlog",), 3, "BAVN-E305"),
    (("sensor", "status"), 3, "BAVN-E311"),
    (("sensor", "forward", "--once"), 3, "BAVN-E130"),
    (("sensor", "run", "-i", "no-such-if"), 3, "BAVN-E101"),
    (("explain", "nonsense"), 3, "BAVN-E302"),
    (("collector", "run"), 3, "BAVN-E305"),
    (("rules", "check", "/no/such/rules"), 3, "BAVN-E001"),
    (("rules", "test", "/no/such/rules"), 3, "BAVN-E304"),
    (("doctor",), 0, ""),
    (("version",), 0, ""),
    (("rules", "check"), 0, ""),
    (("contract", "show"), 0, ""),
]


@pytest.mark.parametrize(
    ("arguments", "code", "told"), CASES, ids=lambda value: " ".join(value) if isinstance(value, tuple) else None
)
def test_exit_code_and_message(arguments: tuple[str, ...], code: int, told: str, tmp_path: Path) -> None:
    done = call(*arguments, home=tmp_path / "home")
    assert done.code == code, done.err
    assert told in done.err
    assert "Traceback" not in done.err


def test_a_sensor_that_opens_nothing_leaves_the_status_of_another(tmp_path: Path) -> None:
    capture = ROOT / "pcaps/dns-suspicious/dns-suspicious.pcap"
    assert call("sensor", "run", "--read", capture, "--no-send", home=tmp_path).code == 0
    status = call("sensor", "status", "--json", home=tmp_path).out
    assert call("sensor", "run", "-i", "no-such-if", "--no-send", home=tmp_path).code == 3
    assert call("sensor", "status", "--json", home=tmp_path).out == status


def test_unreachable_is_4(site: Path) -> None:
    """The collector of this home has ended; what the outbox still gets cannot leave."""
    capture = ROOT / "pcaps/dns-suspicious/dns-suspicious.pcap"
    assert call("sensor", "run", "--read", capture, "--no-send", home=site).code == 0
    done = call("sensor", "forward", "--once", home=site)
    assert done.code == 4
    assert "BAVN-E132" in done.err


def test_a_broken_configuration_is_told(tmp_path: Path) -> None:
    (tmp_path / "bavn.toml").write_text("[collector\n")
    for arguments in (("status",), ("alerts", "ls"), ("minlog",)):
        done = call(*arguments, home=tmp_path)
        assert done.code == 3
        assert "bavn.toml" in done.err
    assert call("doctor", home=tmp_path).code == 1

"""The import budget: what is not needed is not imported, and what may not meet does not meet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cli_calls import environment

WEB = Path(__file__).resolve().parents[2] / "pcaps/web-attacks/web-attacks.pcap"
HEAVY = ("rich", "scapy", "elasticsearch", "uvicorn", "starlette", "pyshark", "sigma", "httpx2")
PROGRAM = f"""
import sys
from cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    code = end.code
found = [name for name in {HEAVY!r} if name in sys.modules]
print("MODULES", code, *found, file=sys.stderr)
"""


def imported(*arguments: object) -> list[str]:
    command = [sys.executable, "-P", "-c", PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    line = done.stderr.splitlines()[-1].split()
    assert line[:2] == ["MODULES", "0"], done.stderr
    return line[2:]


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("explain", "BAVN-E031")], ids=" ".join)
def test_a_light_command_imports_nothing_heavy(arguments: tuple[str, ...], empty_home: Path) -> None:
    assert imported("--home", empty_home, *arguments) == []


def test_a_piped_list_imports_nothing_heavy(site: Path) -> None:
    assert imported("--home", site, "alerts", "ls") == []


def test_a_piped_scan_with_a_kept_plan_imports_nothing_heavy(empty_home: Path) -> None:
    imported("--home", empty_home, "scan", WEB)
    assert imported("--home", empty_home, "scan", WEB) == []


def test_scapy_and_the_elasticsearch_client_never_meet(site: Path, empty_home: Path) -> None:
    calls = [("alerts", "ls"), ("status",), ("minlog",), ("doctor",), ("rules", "ls"), ("contract", "preview", WEB)]
    for home in (site, empty_home):
        for arguments in calls:
            command = [sys.executable, "-P", "-c", PROGRAM, "--home", str(home), *map(str, arguments)]
            done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
            found = set(done.stderr.splitlines()[-1].split())
            assert not {"scapy", "elasticsearch"} <= found, arguments

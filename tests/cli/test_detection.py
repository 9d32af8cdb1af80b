"""What the shipped rules say of work in which nothing is wrong, and of an intruder in the same kind of network."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from cli_calls import call

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
BENIGN = ["benign-agency", "benign-office", "dns-benign", "web-benign"]
HOUR_S = 3600
LOUD = {"high", "critical"}


def capture(name: str) -> Path:
    """Return the only capture of a case."""
    (path,) = (PCAPS / name).glob("*.pcap*")
    return path


@pytest.mark.parametrize("name", BENIGN)
def test_benign_traffic_makes_no_loud_alert(name: str, empty_home: Path) -> None:
    done = call("scan", "--json", capture(name), "--fail-on", "high", home=empty_home)
    loud = [line for line in done.out.splitlines() if json.loads(line)["bavn"]["level"] in LOUD]
    assert (done.code, loud) == (0, [])


def test_benign_set_is_an_hour_of_twenty_clients(empty_home: Path) -> None:
    facts = tomllib.loads((PCAPS / "benign-agency/case.toml").read_text())
    assert facts["expect"][0]["seconds"] >= HOUR_S
    done = call("events", "--kind", "flow", capture("benign-agency"), home=empty_home)
    flows = [json.loads(line) for line in done.out.splitlines()]
    worked = {flow["source"]["ip"] for flow in flows if flow["bavn"]["flow"].get("state") == "SF"}
    assert len({ip for ip in worked if ip in {f"10.20.0.{n}" for n in range(101, 125)}}) >= 20
    services = {flow["bavn"]["flow"].get("service") for flow in flows}
    assert services >= {"dns", "http", "tls", "smb", "ssh", "smtp", "kerberos", "ldap", "dhcp"}


def test_an_intruder_is_told_of_at_each_step(empty_home: Path) -> None:
    done = call("scan", "--json", capture("intruder"), "--fail-on", "high", home=empty_home)
    alerts = [json.loads(line) for line in done.out.splitlines()]
    tactics = {name for alert in alerts for name in alert["threat"]["tactic"]["name"]}
    assert done.code == 1
    assert tactics >= {
        "credential-access", "discovery", "lateral-movement", "reconnaissance", "command-and-control", "impact",
    }  # fmt: skip
    assert {tuple(alert["rule"]["author"]) for alert in alerts} == {("bavn",)}
    assert {alert["rule"]["license"] for alert in alerts} == {"EUPL-1.2"}

"""The real sigma-cli finds our backend and our pipelines, and they work in it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from detectors import loop, plan

pytestmark = pytest.mark.real

SIGMA = Path(sys.executable).with_name("sigma")
RULE = Path(__file__).parents[2] / "rules/dns/onion_name.yml"


def sigma(*arguments: object) -> str:
    if not SIGMA.exists():
        pytest.skip("sigma-cli is not installed: pip install 'bavn[sigma-cli]'")
    done = subprocess.run([SIGMA, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_backend_is_a_target() -> None:
    rows = [[cell.strip() for cell in line.split("|")] for line in sigma("list", "targets").splitlines()]
    assert any(row[1:2] == ["bavn"] for row in rows)


@pytest.mark.parametrize("name", ["bavn_lucene", "bavn_esql"])
def test_the_pipelines_are_listed(name: str) -> None:
    assert name in sigma("list", "pipelines")


def test_a_rule_becomes_a_plan_that_the_engine_loads() -> None:
    made = sigma("convert", "-t", "bavn", RULE).strip().encode()
    assert json.loads(made)["digest"] == plan.digest(made)
    event = {"kind": "dns", "fields": {"dns.question.name": "a.onion"}}
    assert loop.Engine(made).match_event(json.dumps(event).encode()) == [0]


def test_a_rule_becomes_a_query() -> None:
    made = sigma("convert", "-t", "lucene", "-p", "bavn_lucene", RULE)
    assert made.startswith("event.dataset:bavn.dns AND (dns.question.name:(*.onion OR ")
    assert "from bavn-events-* " in sigma("convert", "-t", "esql", "-p", "bavn_esql", RULE)

"""Each case: a capture, and the events that it must give, in their order, each at least with the fields that stand there.

A capture that no real tool would send is made anew from the case's `make.py`. Where `limits` stands in a case, the summary
must count exactly these; `weird` counts the anomalies by name.
"""

import json
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from wirecraft import crafted

ROOT = Path(__file__).resolve().parents[2]
CASES = sorted(path.parent for path in (ROOT / "tests/cases").glob("*/case.toml"))


def contains(event: Any, expected: Any) -> bool:
    """Tell whether all that is expected is there, nested alike; lists are compared whole."""
    if not isinstance(expected, dict):
        return bool(event == expected)
    return isinstance(event, dict) and all(name in event and contains(event[name], expected[name]) for name in expected)


def capture_of(case: Path, about: dict[str, Any], folder: Path) -> Path:
    """Give the case's capture, made where it is crafted."""
    if "capture" in about:
        return ROOT / str(about["capture"])
    return crafted(case, folder)


def events(capture: Path, options: list[str], home: Path) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Give a capture's events and the limits that were hit."""
    command = [sys.executable, "-P", "-m", "cli", "--home", str(home), "events", "--json", *options, str(capture)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60, text=True)
    assert done.returncode in {0, 5}, done.stderr
    told = [line.split(None, 1)[1] for line in done.stderr.splitlines() if line.startswith("limits ")]
    pairs = [pair.rsplit(" ", 1) for line in told for pair in line.split(", ")]
    limits = {name: int(count.replace(",", "")) for name, count in pairs}
    return [json.loads(line) for line in done.stdout.splitlines()], limits


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path, tmp_path: Path) -> None:
    about = tomllib.loads((case / "case.toml").read_text("utf-8"))
    assert about["purpose"]
    assert about["provenance"]
    expected = [json.loads(line) for line in (case / "expected.jsonl").read_text("utf-8").splitlines()]
    assert expected
    told, limits = events(capture_of(case, about, tmp_path), about.get("options", []), tmp_path)
    assert limits == about.get("limits", limits)
    weird = Counter(event["bavn"]["weird"]["name"] for event in told if "weird" in event["bavn"])
    assert dict(weird) == about.get("weird", dict(weird))
    found = iter(told)
    datasets = {line["event"]["dataset"] for line in expected}
    seen = []
    for line in expected:
        for event in found:
            if event["event"]["dataset"] in datasets:
                seen.append(event)
            if contains(event, line):
                break
        else:
            pytest.fail(
                f"not among the events, or not in this order: {json.dumps(line)}\nlast: {json.dumps(seen[-3:])}"
            )

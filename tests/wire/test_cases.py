"""Each case: a capture, and the events that it must give, in their order, each at least with the fields that stand there."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CASES = sorted(path.parent for path in (ROOT / "tests/cases").glob("*/case.toml"))


def contains(event: Any, expected: Any) -> bool:
    """Tell whether all that is expected is there, nested alike; lists are compared whole."""
    if not isinstance(expected, dict):
        return bool(event == expected)
    return isinstance(event, dict) and all(name in event and contains(event[name], expected[name]) for name in expected)


def events(capture: Path, options: list[str], home: Path) -> list[dict[str, Any]]:
    """Print a capture's events."""
    command = [sys.executable, "-P", "-m", "cli", "--home", str(home), "events", "--json", *options, str(capture)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode in {0, 5}, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path, tmp_path: Path) -> None:
    about = tomllib.loads((case / "case.toml").read_text("utf-8"))
    assert about["purpose"]
    assert about["provenance"]
    expected = [json.loads(line) for line in (case / "expected.jsonl").read_text("utf-8").splitlines()]
    assert expected
    found = iter(events(ROOT / about["capture"], about.get("options", []), tmp_path))
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

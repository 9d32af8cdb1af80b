#!/usr/bin/env python3
"""Write fuzz/plan.json and fuzz/events.jsonl: the shipped rules and the events of their tests, as the targets take them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from detectors.rulefiles import parse

ROOT: Final = Path(__file__).resolve().parents[1]


def events() -> list[str]:
    """Give the events of the rules' tests, each once."""
    found = {}
    for path in sorted((ROOT / "rules").rglob("*.test.yml")):
        for document in parse(path.read_text("utf-8"), path.name):
            for case in [*document.data.get("match", []), *document.data.get("no_match", [])]:
                if "event" in case:
                    found[json.dumps(case["event"], sort_keys=True, default=str)] = None
    return list(found)


def main() -> None:
    """Write both."""
    from cli.captures import rules_to_run

    (ROOT / "fuzz/plan.json").write_bytes(rules_to_run(()).plan)
    (ROOT / "fuzz/events.jsonl").write_text("\n".join(events()) + "\n")


if __name__ == "__main__":
    main()

"""What a rule pack sees in captures of attacks: one row a capture.

    python -P bench/detection.py FOLDER [--rules PATH]...

Each capture in FOLDER is scanned by the installed `bavn scan` with the rules of each PATH (the shipped ones without
--rules). A row tells the highest level, how many alerts of each rule, and who wrote it where that is not bavn.
The last lines count captures with and without an alert.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEVELS = ["informational", "low", "medium", "high", "critical"]
SUFFIXES = (".pcap", ".pcapng", ".trace", ".cap")


@dataclass(frozen=True, order=True)
class Seen:
    """A rule that made alerts."""

    level: int
    title: str
    author: str

    def __str__(self) -> str:
        by = "" if self.author == "bavn" else f" (by {self.author})"
        return f"{LEVELS[self.level]}: {self.title}{by}"


def scan(capture: Path, rules: list[str]) -> Counter[Seen]:
    """Return how many alerts each rule makes on a capture."""
    call = [sys.executable, "-P", "-m", "cli", "scan", "--json", str(capture)]
    call += [part for path in rules for part in ("--rules", path)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{capture.name}: {done.stderr}")
    return Counter(map(seen, map(json.loads, done.stdout.splitlines())))


def seen(alert: dict[str, Any]) -> Seen:
    """Return the rule behind an alert."""
    rule = alert["rule"]
    return Seen(LEVELS.index(alert["bavn"]["level"]), rule["name"], ", ".join(rule.get("author", [])))


def row(capture: Path, found: Counter[Seen]) -> str:
    """Return one capture's row in Markdown."""
    rules = "; ".join(f"{rule}, {count}" for rule, count in sorted(found.items(), reverse=True))
    return f"| {capture.name} | {LEVELS[max(found).level] if found else '**none**'} | {rules} |"


def main() -> None:
    """Scan each capture of a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rules", action="append", default=[])
    arguments = parser.parse_args()
    captures = sorted(path for path in arguments.folder.iterdir() if path.suffix in SUFFIXES)
    results = [(capture, scan(capture, arguments.rules)) for capture in captures]
    print("| capture | highest level | alerts |\n|---|---|---|")
    print("\n".join(row(*result) for result in results))
    print(f"\n{sum(bool(found) for _, found in results)} of {len(results)} captures with an alert")
    missed = [capture.name for capture, found in results if not found]
    print("without:", ", ".join(missed) or "none")


if __name__ == "__main__":
    main()

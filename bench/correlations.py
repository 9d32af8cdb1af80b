"""What a correlation costs: memory a live group, and time a hit.

  python bench/correlations.py [--keys N] [--only TYPE,TYPE]

Each run is a process of its own that replays one DNS event a key through a rule and a correlation grouped by the name
asked for. Memory is the peak of resident memory against a run in which all events have one name; time is CPU time of the
replay against one of the rule alone. What reading the events takes is in both and so falls out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

BASE: Final = """title: Any name
id: 11111111-1111-4111-8111-111111111111
name: any_name
logsource:
  category: dns
detection:
  selection:
    query|contains: example
  condition: selection
"""
OVER: Final = """---
title: Correlated
id: 22222222-2222-4222-8222-222222222222
correlation:
  type: {type}
  rules:
    - any_name
  group-by:
    - query
  timespan: 1h
"""
CONDITIONS: Final = {
    "event_count": "  condition:\n    gte: 100\n",
    "value_count": "  condition:\n    gte: 100\n    field: query\n",
    "temporal": "",
    "temporal_ordered": "",
}
CHILD: Final = """
import json, sys, time
from pathlib import Path
from detectors import check
from detectors._native import Engine
keys, names = int(sys.argv[2]), int(sys.argv[3])
engine = Engine(check.load_rules([Path(sys.argv[1])]).plan)
line = '{"kind":"dns","time":%d,"fields":{"dns.question.name":"host-%07d.example"}}'
events = [(line % (1_700_000_000_000_000_000 + number * 1000, number % names)).encode() for number in range(keys)]
began = time.process_time()
engine.replay(events)
spent = time.process_time() - began
peak = next(l for l in open("/proc/self/status") if l.startswith("VmHWM"))
print(json.dumps({"spent": spent, "peak": int(peak.split()[1])}))
"""


def replayed(rules: str, keys: int, names: int) -> dict[str, Any]:
    """Replay in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.yml"
        path.write_text(rules, "utf-8")
        command = [sys.executable, "-P", "-c", CHILD, str(path), str(keys), str(names)]
        found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        return found


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--only", default=",".join(CONDITIONS))
    options = parser.parse_args()
    alone = replayed(BASE, options.keys, options.keys)
    print("| correlation | live keys | MB | bytes a key | ns a hit |\n|---|---|---|---|---|")
    for kind in options.only.split(","):
        rules = BASE + OVER.format(type=kind) + CONDITIONS[kind]
        many, one = (replayed(rules, options.keys, names) for names in (options.keys, 1))
        kib = many["peak"] - one["peak"]
        nanos = (many["spent"] - alone["spent"]) / options.keys * 1e9
        print(
            f"| {kind} | {options.keys:,} | {kib / 1024:.0f} | {kib * 1024 / options.keys:.0f} | {nanos:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()

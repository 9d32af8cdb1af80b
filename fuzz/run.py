#!/usr/bin/env python3
"""Run all targets in turn for a while, and write down what each did.

    cargo +nightly fuzz build                                 # once; with CARGO_TARGET_DIR where it shall be
    python fuzz/run.py BINARIES slices --cpu-hours 3          # runs; may be stopped and started again
    python fuzz/run.py BINARIES merge                         # makes fuzz/corpus out of what was found
    python fuzz/run.py BINARIES report                        # the table of README.md

BINARIES is the folder with the built targets. `stream` and `datagram` run once for each protocol that they know, so all get
the same time. The corpus grows in fuzz/work/; inputs that fail are kept in fuzz/work/failed/.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

FUZZ: Final = Path(__file__).resolve().parent
WORK: Final = FUZZ / "work"
LEDGER: Final = WORK / "ledger.jsonl"
PLAIN: Final = ("packet", "capture", "scan", "rules", "plan", "event", "lines")
BY_PROTOCOL: Final = ("stream", "datagram")
LIMITS: Final = ("-rss_limit_mb=2048", "-malloc_limit_mb=2048", "-timeout=90", "-max_len=16384", "-print_funcs=0")
NAME: Final = 8
MAX_COMMITTED: Final = {"stream": 900_000, "datagram": 400_000}
MAX_COMMITTED_PLAIN: Final = 180_000


@dataclass(frozen=True)
class Row:
    """A target, and the protocol that it is held to."""

    target: str
    protocol: str = ""

    @property
    def name(self) -> str:
        """As tables and folders call it."""
        return f"{self.target}/{self.protocol}" if self.protocol else self.target

    @property
    def corpus(self) -> Path:
        """Its working corpus."""
        return WORK / "corpus" / self.name


@dataclass
class Slice:
    """What one run did."""

    name: str
    cpu_seconds: float
    executions: int
    coverage: int
    features: int
    inputs: int
    status: int


def rows(binaries: Path) -> list[Row]:
    """Give every target, and each protocol of those that have one."""
    found = [Row(target) for target in PLAIN if (binaries / target).exists()]
    for target in BY_PROTOCOL:
        environment = {**os.environ, "BAVN_FUZZ_LIST": "1"}
        listed = subprocess.run([binaries / target], env=environment, capture_output=True, check=True, text=True)
        found += [Row(target, protocol) for protocol in listed.stdout.split()]
    return found


def protocol_of(row: Row, data: bytes) -> bool:
    """True where an input belongs to that row."""
    return data[:NAME].rstrip(b"\0") == row.protocol.encode()[:NAME]


def sow(row: Row) -> None:
    """Put what is committed, and the seeds, into the working corpus."""
    row.corpus.mkdir(parents=True, exist_ok=True)
    for folder in ("corpus", "regressions", "seeds"):
        for path in (FUZZ / folder / row.target).glob("*"):
            data = path.read_bytes()
            if not row.protocol or protocol_of(row, data):
                (row.corpus / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)


def number(pattern: str, text: str) -> int:
    """Give the last number that a log names so."""
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def start(command: list[Any], row: Row) -> tuple[int, float, str]:
    """Run a target; give its exit status, its CPU seconds and its log."""
    environment = {**os.environ, "BAVN_FUZZ_PROTOCOL": row.protocol, "ASAN_OPTIONS": "detect_odr_violation=0"}
    log = WORK / "logs" / f"{row.name.replace('/', '-')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        child = subprocess.Popen(list(map(str, command)), stdout=out, stderr=out, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage.ru_utime + usage.ru_stime, log.read_text("utf-8", "replace")


def fuzz(binaries: Path, row: Row, seconds: int, nice: int) -> Slice:
    """Run one slice."""
    failed = WORK / "failed"
    failed.mkdir(parents=True, exist_ok=True)
    limits = [*LIMITS, f"-max_total_time={seconds}", "-print_final_stats=1", "-use_value_profile=1"]
    artifacts = f"-artifact_prefix={failed}/{row.name.replace('/', '-')}-"
    status, cpu, log = start(["nice", "-n", nice, binaries / row.target, *limits, artifacts, row.corpus], row)
    executions = number(r"stat::number_of_executed_units:\s*(\d+)", log)
    return Slice(
        row.name,
        round(cpu, 2),
        executions,
        number(r"cov: (\d+)", log),
        number(r"ft: (\d+)", log),
        sum(1 for _ in row.corpus.iterdir()),
        status,
    )


def ledger() -> list[dict[str, Any]]:
    """Give all slices so far."""
    return [json.loads(line) for line in LEDGER.read_text().splitlines()] if LEDGER.exists() else []


def slices(args: argparse.Namespace) -> None:
    """Give the row that had the least CPU so far the next slice, until the time is used up."""
    every = [row for row in rows(args.binaries) if not args.only or row.name in args.only]
    for row in every:
        sow(row)
    spent: dict[str, float] = defaultdict(float)
    for one in ledger():
        spent[one["name"]] += one["cpu_seconds"]
    busy: set[str] = set()
    lock = threading.Lock()

    def work() -> None:
        while sum(spent.values()) < args.cpu_hours * 3600 and time.time() < args.until:
            with lock:
                row = min((row for row in every if row.name not in busy), key=lambda row: spent[row.name])
                busy.add(row.name)
            left = max(1, int(args.until - time.time())) if args.until < float("inf") else args.seconds
            done = fuzz(args.binaries, row, min(args.seconds, left), args.nice)
            spent[row.name] += max(done.cpu_seconds, 0.01)
            with LEDGER.open("a") as out:
                out.write(json.dumps(asdict(done)) + "\n")
            print(done, f"{sum(spent.values()) / 3600:.2f} CPU-hours", flush=True)
            busy.discard(row.name)

    with ThreadPoolExecutor(args.jobs) as pool:
        for one in [pool.submit(work) for _ in range(args.jobs)]:
            one.result()


def merge(args: argparse.Namespace) -> None:
    """Write fuzz/corpus anew: the smallest inputs that reach what the working corpus reaches."""
    every = rows(args.binaries)
    for target in args.targets:
        mine = [row for row in every if row.target == target]
        chosen = [path for row in mine for path in smallest(args.binaries, row, len(mine))]
        folder = FUZZ / "corpus" / target
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for path in chosen:
            shutil.copyfile(path, folder / path.name)
        print(target, len(chosen), sum(path.stat().st_size for path in chosen), flush=True)


def smallest(binaries: Path, row: Row, sharing: int) -> list[Path]:
    """Merge one row's corpus; give the smallest inputs, as many as fit into its share."""
    out = WORK / "merged" / row.name
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    sow(row)
    start([binaries / row.target, "-set_cover_merge=1", *LIMITS, out, row.corpus], row)
    left = MAX_COMMITTED.get(row.target, MAX_COMMITTED_PLAIN) // sharing
    kept = []
    for path in sorted(out.iterdir(), key=lambda path: (path.stat().st_size, path.name)):
        left -= path.stat().st_size
        if left < 0 and kept:
            break
        kept.append(path)
    return kept


def report(_: argparse.Namespace) -> None:
    """Print the table."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in ledger():
        found[one["name"]].append(one)
    print(
        "| target | CPU s | executions | edges | features | inputs | runs that failed |\n|---|---|---|---|---|---|---|"
    )
    for name, runs in sorted(found.items()):
        cpu, executions = (sum(one[key] for one in runs) for key in ("cpu_seconds", "executions"))
        failed = sum(1 for one in runs if one["status"])
        best = [max(one[key] for one in runs) for key in ("coverage", "features", "inputs")]
        print(f"| {name} | {cpu:,.0f} | {executions:,} | {best[0]:,} | {best[1]:,} | {best[2]:,} | {failed} |")
    total = [one for runs in found.values() for one in runs]
    cpu, executions = (sum(one[key] for one in total) for key in ("cpu_seconds", "executions"))
    print(f"| all | {cpu:,.0f} | {executions:,} | | | | {sum(1 for one in total if one['status'])} |")


def moment(text: str) -> float:
    """Read a time of today, UTC."""
    clock = dt.time.fromisoformat(text)
    return dt.datetime.combine(dt.datetime.now(dt.UTC).date(), clock, dt.UTC).timestamp()


def main() -> None:
    """Do what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=Path)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("slices")
    run.set_defaults(call=slices)
    run.add_argument("--cpu-hours", type=float, default=3)
    run.add_argument("--seconds", type=int, default=120, help="of one slice")
    run.add_argument("--jobs", type=int, default=2)
    run.add_argument("--nice", type=int, default=19, help="priority; the lowest unless told")
    run.add_argument("--until", type=moment, default=float("inf"), help="HH:MM, UTC")
    run.add_argument("--only", nargs="*", default=[])
    merging = commands.add_parser("merge")
    merging.set_defaults(call=merge)
    merging.add_argument("targets", nargs="*", default=[*PLAIN, *BY_PROTOCOL], help="all unless told")
    commands.add_parser("report").set_defaults(call=report)
    args = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    sys.exit(args.call(args))


if __name__ == "__main__":
    main()

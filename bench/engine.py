"""The rule engine alone: events a second, loading, compiling and memory, from 100 to 10,000 rules in the stock shapes.

  cargo build --release -p bavn-engine --example events_per_second
  python bench/engine.py [--program FILE[,FILE]] [--rules N,N] [--rounds N] [--own FOLDER] [--count]

Rules and traffic are those of `bench/stock_shapes.py`: every rule judges HTTP, and a dozen of 2,048 transactions have a
literal of a rule. The traffic passes through the wire once; its HTTP events are kept as the wire lends them, and the
engine judges them in a loop on one core without Python. Figures are CPU time of that thread, medians over the rounds; with
several programs (an older build, say) they take turns. Memory is anonymous memory of the process before and after
loading the plan and a round of events: what loading left behind unused is in it. `--count` counts the
instructions an event (callgrind). `--own` measures the rules of a folder in place of made ones. Compiling is a process of its own:
user and system time, pySigma's import included; with the kept plan it is started again to load it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import stock_shapes
from crafted import write_pcap
from instructions import collected

HERE: Final = Path(__file__).resolve().parent
PROGRAM: Final = HERE.parent / "target/release/examples/events_per_second"
TRANSACTIONS, ODD = 2048, 12
LONG_ENOUGH: Final = 10
COMPILE: Final = """
import sys, time
from pathlib import Path
from detectors import check, loop
began = time.process_time()
rules = check.load_rules([Path(sys.argv[1])], cache=Path(sys.argv[2]))
loop.engine(rules.plan)
print(time.process_time() - began, len(rules.refused))
Path(sys.argv[3]).write_bytes(rules.plan)
"""


def compiled(folder: Path, work: Path) -> tuple[float, float]:
    """Compile a folder of rules and keep its plan; seconds of a whole process, then of loading what it kept."""
    (work / "cache").mkdir(mode=0o700, exist_ok=True)
    command = [sys.executable, "-P", "-c", COMPILE, str(folder), str(work / "cache"), str(plan_of(folder, work))]
    before = os.times()
    refused = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[1]
    after = os.times()
    if int(refused):
        sys.exit(f"{refused} rules of {folder} are refused")
    again = [
        float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[0]) for _ in "123"
    ]
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return spent, statistics.median(again)


def plan_of(folder: Path, work: Path) -> Path:
    """Where the plan of a folder is written."""
    return work / f"{folder.name}.plan"


def traffic(plan: Path, capture: Path) -> None:
    """Write the capture; literals of that plan stand in a few requests."""
    predicates = json.loads(plan.read_bytes())["predicates"]
    literals = [
        one["value"]
        for one in predicates
        if one["op"] == "contains" and one["field"] == "url.original" and len(one["value"]) >= LONG_ENOUGH
    ]
    odd = random.Random(3).sample(literals, min(ODD, len(literals)))  # noqa: S311
    write_pcap(capture, stock_shapes.frames(TRANSACTIONS, odd), 100)


def measured(program: Path, capture: Path, plan: Path) -> dict[str, Any]:
    """Run the loop once."""
    done = subprocess.run([str(program), str(capture), str(plan)], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def instructions(program: Path, capture: Path, plan: Path, work: Path) -> float:
    """Instructions an event: those of five rounds less those of one."""
    one, five = (collected([str(program), str(capture), str(plan), rounds], work) for rounds in ("1", "5"))
    return (five - one) / (4 * TRANSACTIONS)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(PROGRAM))
    parser.add_argument("--rules", default="100,1000,3000,10000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--own", type=Path)
    parser.add_argument("--count", action="store_true")
    options = parser.parse_args()
    programs = [Path(name) for name in options.program.split(",")]
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        folders = [options.own] if options.own else [made(int(count), work) for count in options.rules.split(",")]
        times = [compiled(folder, work) for folder in folders]
        capture = work / "traffic.pcap"
        traffic(plan_of(folders[0], work), capture)
        for at, program in enumerate(programs):
            print(f"\n{program.name}\n")
            table(at, programs, folders, times, capture, work, options)


def made(count: int, work: Path) -> Path:
    """Write so many rules."""
    stock_shapes.write_rules(work / f"{count}", count)
    return work / f"{count}"


def table(  # noqa: PLR0917
    at: int,
    programs: list[Path],
    folders: list[Path],
    times: list[tuple[float, float]],
    capture: Path,
    work: Path,
    options: argparse.Namespace,
) -> None:
    """Print the rows of one program; all programs have been measured in turns when the first asks."""
    print("| rules | events/s | ns an event | against the first row | evaluated | matching | load ms | plan MB | kept plan MB "
          "| compile s | from kept plan ms |" + (" instructions |" if options.count else ""))  # fmt: skip
    print("|---|" + "---|" * (11 if options.count else 10))
    base, found = 0.0, []
    for number, folder in enumerate(folders):
        plan = plan_of(folder, work)
        found = runs(number, programs, capture, plan, options.rounds)[at]
        mid = {key: statistics.median(run[key] for run in found) for key in ("ns", "load_ms", "warm_kib", "candidates")}
        base = base or mid["ns"]
        row = [
            f"{found[0]['rules']:,}",
            f"{1e9 / mid['ns']:,.0f}",
            f"{mid['ns']:,.0f}",
            f"{mid['ns'] / base:.2f}",
            f"{mid['candidates']:.3f}",
            f"{found[0]['matching'] * 100:.2f} %",
            f"{mid['load_ms']:.0f}",
            f"{mid['warm_kib'] / 1024:.1f}",
            f"{found[0]['plan_bytes'] / 1e6:.1f}",
            f"{times[number][0]:.1f}",
            f"{times[number][1] * 1e3:.0f}",
        ]
        if options.count:
            row.append(f"{instructions(programs[at], capture, plan, work):,.0f}")
        print("| " + " | ".join(row) + " |", flush=True)
    print(f"\n{found[0]['bytes']} bytes of text an event, {found[0]['raw']} of them the raw view")


_RUNS: dict[int, list[list[dict[str, Any]]]] = {}


def runs(number: int, programs: list[Path], capture: Path, plan: Path, rounds: int) -> list[list[dict[str, Any]]]:
    """Give all runs with a plan, by program; the programs take turns."""
    if number not in _RUNS:
        turns = [[measured(program, capture, plan) for program in programs] for _ in range(rounds)]
        _RUNS[number] = [list(column) for column in zip(*turns, strict=True)]
    return _RUNS[number]


if __name__ == "__main__":
    main()

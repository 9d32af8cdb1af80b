"""Two workers on two cores against two independent processes on the same cores.

  python bench/workers.py CAPTURE [--rounds N] [--workers N]

A round reads the capture with so many workers in one process, and whole in so many processes of one worker at the same
time. What is compared is captures a wall second: that of the team times the ratio of work done. A ratio of 0.9 is the
least that is wanted. Start-up, measured on the capture's first packet, is taken off both; the ratio with it is told
too. Other work on the machine disturbs both halves of a round, so the median over rounds counts, and its spread is told.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from compare import count_packets, first_packet

BAVN = Path(sys.executable).parent / "bavn"
LEAST = 0.9


def wall(commands: list[list[str]], cores: str) -> float:
    """Run commands at the same time on those cores; gives the seconds until the last has ended."""
    start = time.perf_counter()
    children = [
        subprocess.Popen(["taskset", "-c", core, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for core, command in zip(_shares(cores, len(commands)), commands, strict=True)
    ]
    codes = [child.wait() for child in children]
    if any(code not in {0, 1} for code in codes):
        sys.exit(f"{commands[0]} ended with {codes}")
    return time.perf_counter() - start


def _shares(cores: str, parts: int) -> list[str]:
    """A process alone has all cores, each of several one of its own."""
    return [cores] if parts == 1 else cores.split(",")


def output(command: list[str]) -> str:
    """Give a digest of what a command prints; when an alert was made differs from run to run and is left out."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    digest = hashlib.sha256()
    for line in done.stdout.splitlines():
        head, _, rest = line.partition(b'"created":"')
        digest.update(head + rest.partition(b'"')[2] + b"\n")
    return digest.hexdigest()


def main() -> None:
    """Measure and print the table; exit code 1 where the ratio or the output is not as promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--same", action="store_true", help="also compare what is printed, byte by byte")
    options = parser.parse_args()
    cores = ",".join(map(str, sorted(os.sched_getaffinity(0))[: options.workers]))
    with tempfile.TemporaryDirectory() as folder:
        one, packets = first_packet(options.capture, Path(folder)), count_packets(options.capture)
        print(f"{packets:,} packets, cores {cores}, {options.rounds} rounds, medians\n")
        print("| command | workers s | processes s | start-up s | k packets/s | ratio | spread | with start-up |")
        print("|---|---|---|---|---|---|---|---|", flush=True)
        poor = [row(name, options, one, packets, cores) for name in ("scan", "events")]
    sys.exit(1 if any(poor) else 0)


def row(name: str, options: argparse.Namespace, one: Path, packets: int, cores: str) -> bool:
    """Measure one command; true where it falls short."""
    alone = [str(BAVN), name, str(options.capture), "--json"]
    team = [*alone, "--workers", str(options.workers)]
    if options.same and output(alone) != output(team):
        print(f"{name}: workers print something else than one worker does")
        return True
    teams, crowds, starts = [], [], []
    for _ in range(options.rounds):
        teams.append(wall([team], cores))
        crowds.append(wall([alone] * options.workers, cores))
        starts.append(wall([[str(BAVN), name, str(one), "--json"]], cores))
    start = statistics.median(starts)
    # So many processes read the capture so many times; the team reads it once.
    ratios = [(c - start) / (options.workers * (t - start)) for t, c in zip(teams, crowds, strict=True)]
    whole = [c / (options.workers * t) for t, c in zip(teams, crowds, strict=True)]
    ratio = statistics.median(ratios)
    cells = (f"{statistics.median(teams):.2f}", f"{statistics.median(crowds):.2f}", f"{start:.2f}")
    rate = packets / (statistics.median(teams) - start) / 1000
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    print(
        f"| {name} | {' | '.join(cells)} | {rate:,.0f} | {ratio:.2f} | {spread} | {statistics.median(whole):.2f} |",
        flush=True,
    )
    return ratio < LEAST


if __name__ == "__main__":
    main()

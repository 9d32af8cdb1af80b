"""Linear time: hostile shapes of traffic at N, 2N and 4N packets; a doubling may cost at most 2.5 times as much.

  python bench/shapes.py [--packets N] [--count [--program FILE]] [--rounds R] [--only NAME,NAME] [--list]

Each shape is a capture made here. CPU seconds are those of a whole `bavn events` process less those of a one-packet
run, the least of R rounds. With `--count`, callgrind counts instructions instead: steadier, and some fifty times slower.
An interpreter's start is most of that; `--program target/release/examples/events` counts the packet loop without it
(`cargo build --release -p bavn-wire --example events`).
The exit code is 1 where a doubling costs more than it may; a time under a tenth of a second is not judged.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from compare import first_packet, measure
from crafted import write_pcap
from hostile import SHAPES
from instructions import collected

BAVN = Path(sys.executable).parent / "bavn"
MOST = 2.5
LEAST_S = 0.1
"""Where 2N packets take less CPU than this, noise is most of it."""

STEP_US = 20.0
"""Microseconds of packet time between two packets."""

Cost = Callable[[Path], float]


def seconds(capture: Path, rounds: int) -> float:
    """Give the CPU seconds of a whole process, the least of some rounds."""
    argv = [str(BAVN), "events", "{}", "--json"]
    return min(measure(argv, capture, 0)[0] for _ in range(rounds))


def costs(make: Callable[[int], Iterator[bytes]], packets: int, cost: Cost, folder: Path) -> list[float]:
    """Give what N, 2N and 4N packets of a shape cost."""
    found, capture = [], folder / "shape.pcap"
    for count in (packets, 2 * packets, 4 * packets):
        write_pcap(capture, itertools.islice(make(count), count), STEP_US)
        found.append(cost(capture))
    return found


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packets", type=int, default=0, help="by default 250,000, with --count 4,000")
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--program", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    chosen = {name: shape for name, shape in SHAPES.items() if not options.only or name in options.only.split(",")}
    if options.list:
        print("\n".join(f"{name}: {shape.__doc__}" for name, shape in chosen.items()))
        return
    packets = options.packets or (4_000 if options.count else 250_000)
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(1 if table(chosen, packets, options, Path(folder)) else 0)


def table(
    chosen: dict[str, Callable[[int], Iterator[bytes]]], packets: int, options: argparse.Namespace, folder: Path
) -> int:
    """Print a row a shape in Markdown; gives how many are too dear."""

    def cost(capture: Path) -> float:
        if not options.count:
            return seconds(capture, options.rounds)
        bavn = [sys.executable, str(BAVN), "events", "--json"]
        return collected([*([str(options.program)] if options.program else bavn), str(capture)], folder)

    probe = folder / "probe.pcap"
    write_pcap(probe, itertools.islice(SHAPES["syn_flood"](1), 1), STEP_US)
    start = cost(first_packet(probe, folder))
    unit, scale = ("instructions a packet", 1.0) if options.count else ("ns a packet", 1e9)
    print(f"{packets:,} packets, then twice and four times as many; start-up {start:,.3f}\n")
    print(f"| shape | {unit}, N | 2N | 4N | 2N/N | 4N/2N |\n|---|---|---|---|---|---|", flush=True)
    broken = 0
    for name, make in chosen.items():
        net = [max(one - start, 1e-4) for one in costs(make, packets, cost, folder)]
        each = [scale * one / (packets * times) for one, times in zip(net, (1, 2, 4), strict=True)]
        steps = [net[1] / net[0], net[2] / net[1]]
        is_told = options.count or net[1] >= LEAST_S
        is_broken = is_told and max(steps) > MOST
        broken += is_broken
        row = [*(f"{one:,.0f}" for one in each), *(f"{step:.2f}" for step in steps)]
        print(f"| {name} | {' | '.join(row)} |{'  TOO MUCH' if is_broken else ''}", flush=True)
    return broken


if __name__ == "__main__":
    main()

"""Instructions per packet for each class of traffic: a regression shows on a machine whose times are noise.

  python bench/instructions.py [--copies N] [--only CLASS,CLASS]

Each class is one of our own captures, repeated. valgrind's callgrind counts the instructions of a whole `bavn scan`
and `bavn events`; what a one-packet capture takes is taken off, the rest is divided by the packets.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from compare import count_packets, first_packet

HERE = Path(__file__).resolve().parent
BAVN = Path(sys.executable).parent / "bavn"
CLASSES = {
    "DNS": "dns-benign",
    "HTTP": "web-benign",
    "TLS": "tls-modern",
    "SSH": "ssh-sessions",
    "SMB": "smb-sessions",
    "QUIC": "quic",
    "SYN scan": "nmap-scan",
}
"""Class -> capture in `pcaps/`."""


def instructions(command: str, capture: Path, work: Path) -> int:
    """Count the instructions of one run of a command of bavn."""
    return collected([sys.executable, str(BAVN), command, str(capture), "--json"], work)


def collected(command: list[str], work: Path) -> int:
    """Count the instructions of a process."""
    argv = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={work / 'callgrind.out'}", *command]
    done = subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if not found:
        sys.exit(f"callgrind gave no count: {done.stderr[-400:]}")
    return int(found[1])


def main() -> None:
    """Count and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=20)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("valgrind is not installed")
    chosen = {name: case for name, case in CLASSES.items() if not options.only or name in options.only.split(",")}
    with tempfile.TemporaryDirectory() as folder:
        table(chosen, options.copies, Path(folder))


def table(chosen: dict[str, str], copies: int, work: Path) -> None:
    """Print a row per class in Markdown."""
    print("| class | packets | scan, instructions/packet | events, instructions/packet |\n|---|---|---|---|")
    base: dict[str, int] = {}
    for name, case in chosen.items():
        capture = work / f"{case}.pcap"
        source = HERE.parent / "pcaps" / case / f"{case}.pcap"
        subprocess.run([sys.executable, str(HERE / "repeat.py"), str(source), str(capture), str(copies)], check=True)
        if not base:
            one = first_packet(capture, work)
            base = {command: instructions(command, one, work) for command in ("scan", "events")}
        packets = count_packets(capture)
        each = [(instructions(command, capture, work) - less) / packets for command, less in base.items()]
        print(f"| {name} | {packets:,} | {each[0]:,.0f} | {each[1]:,.0f} |", flush=True)


if __name__ == "__main__":
    main()

"""What each protocol costs traffic that is not its own: instructions with it, and without.

  cargo build --release -p bavn-wire --example events
  python bench/foreign.py target/release/examples/events KIND...

Callgrind counts the instructions of one run over each capture, every protocol looked for, and then again without the named
kind (`--without`). The captures hold nothing of the named kinds.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

PCAPS = Path(__file__).resolve().parents[1] / "pcaps"
CLASSES = {"DNS": "dns-benign", "HTTP": "web-benign", "TLS": "tls-modern", "SSH": "ssh-sessions", "scan": "nmap-scan"}
"""Class -> capture in `pcaps/`."""


def instructions(command: list[str], work: Path) -> int:
    """Count the instructions of one run."""
    argv = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={work / 'out'}", *command]
    done = subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if not found:
        sys.exit(f"callgrind gave no count: {done.stderr[-400:]}")
    return int(found[1])


def main() -> None:
    """Print a row per kind, in percent of the run without it."""
    program, *kinds = sys.argv[1:]
    captures = [str(PCAPS / case / f"{case}.pcap") for case in CLASSES.values()]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        whole = [instructions([program, capture], work) for capture in captures]
        print(f"| kind | {' | '.join(CLASSES)} |\n|---|{'---|' * len(CLASSES)}")
        for kind in kinds:
            less = [instructions([program, "--without", kind, capture], work) for capture in captures]
            shares = [f"{100 * (one / other - 1):+.2f} %" for one, other in zip(whole, less, strict=True)]
            print(f"| {kind} | {' | '.join(shares)} |", flush=True)


if __name__ == "__main__":
    main()

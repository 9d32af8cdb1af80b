"""What each protocol costs traffic that is not its own: instructions with it, and without.

  cargo build --release -p bavn-wire --example events
  python bench/foreign.py target/release/examples/events KIND...

Callgrind counts the instructions of one run over each capture, every protocol looked for, and then again without the
named kind (`--without`). The captures hold nothing of the named kinds. "random" is 4,000 datagrams of random bytes in 1,000
flows, each of which is asked of every protocol that may begin so: the worst that a probe can meet. A protocol that gives
another's kinds too is looked for as long as those are wanted: `openvpn:tls:x509` leaves the others out of both runs.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

from instructions import collected

ROOT = Path(__file__).resolve().parents[1]
PCAPS = ROOT / "pcaps"
sys.path.insert(0, str(ROOT / "tests/lib"))
from wirecraft import Capture  # noqa: E402 (found in tests/lib)

CLASSES = {"DNS": "dns-benign", "HTTP": "web-benign", "TLS": "tls-modern", "SSH": "ssh-sessions", "scan": "nmap-scan"}
"""Class -> capture in `pcaps/`."""


def unknown(path: Path) -> str:
    """Write datagrams that are nobody's, the same in each run."""
    bytes_of, capture = random.Random(1), Capture()  # noqa: S311 (no secret)
    for number in range(4000):
        ends = ("192.0.2.1", 20_000 + number % 1000), ("198.51.100.1", 9999)
        capture.udp(*ends, bytes_of.randbytes(bytes_of.randrange(8, 300)))
    capture.write(path)
    return str(path)


def main() -> None:
    """Print a row per kind, in percent of the run without it."""
    program, *kinds = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        captures = [str(PCAPS / case / f"{case}.pcap") for case in CLASSES.values()]
        captures.append(unknown(work / "unknown.pcap"))
        print(f"| kind | {' | '.join(CLASSES)} | random |\n|---|{'---|' * len(captures)}")
        for kind in kinds:
            name, *others = kind.split(":")
            base = [program, *(word for other in others for word in ("--without", other))]
            whole = [collected([*base, capture], work) for capture in captures]
            less = [collected([*base, "--without", name, capture], work) for capture in captures]
            shares = [f"{100 * (one / other - 1):+.2f} %" for one, other in zip(whole, less, strict=True)]
            print(f"| {name} | {' | '.join(shares)} |", flush=True)


if __name__ == "__main__":
    main()

"""What a million indicators cost: CPU of a scan with and without them, their memory, and the time until they are loaded.

  python bench/indicators.py CAPTURE [--count 1000000] [--rounds 5] [--import]

The indicators are made anew (no list of others): 30 % addresses, 2 % networks, 35 % names, 13 % URLs, 20 % digests and
fingerprints, none of which the capture holds but for what chance brings; what is measured is the cost of looking. Both
scans run in turn, over the same rules; start-up is measured on the capture's first packet and taken off.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from compare import first_packet

from detectors import loop
from detectors.indicators.store import write_set

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = [sys.executable, "-P", "-m", "cli"]
OLD_DIGESTS = ("md5", "sha1")
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def values(count: int, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Indicators by type, mixed as lists have them."""
    made = (
        (30, lambda: ("ip", address(rng))),
        (2, lambda: ("cidr", f"{address(rng).rpartition('.')[0]}.0/24")),
        (35, lambda: ("domain", name(rng))),
        (13, lambda: ("url", f"{name(rng)}/{word(rng)}/{word(rng)}.{word(rng)}?id={rng.randrange(10**6)}")),
        (12, lambda: ("sha256", rng.randbytes(32).hex())),
        (3, lambda: ("md5", rng.randbytes(16).hex())),
        (3, lambda: ("sha1", rng.randbytes(20).hex())),
        (1, lambda: ("ja3", rng.randbytes(16).hex())),
        (1, lambda: ("ja4", f"t13d1516h2_{rng.randbytes(6).hex()}_{rng.randbytes(6).hex()}")),
    )
    makers = [maker for share, maker in made for _ in range(share)]
    return (rng.choice(makers)() for _ in range(count))


def address(rng: random.Random) -> str:
    """Give an address that no sensor calls its own."""
    return f"{rng.choice((45, 80, 91, 185, 194))}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"


def name(rng: random.Random) -> str:
    """Give a name of two or three labels."""
    labels = [word(rng) for _ in range(rng.choice((1, 1, 2)))]
    return ".".join([*labels, rng.choice(("com", "net", "org", "top", "xyz"))])


def word(rng: random.Random) -> str:
    """Give a word."""
    return "".join(rng.choice(LETTERS) for _ in range(rng.randint(5, 12)))


def run(*arguments: object) -> float:
    """CPU seconds of a call."""
    child = subprocess.Popen([*COMMAND, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"ended with {status}")
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("capture", type=Path)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--import", dest="imports", action="store_true", help="also time `bavn ioc import`")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        made = dict.fromkeys(values(options.count, random.Random(1)))  # noqa: S311
        without_old = {one: None for one in made if one[0] not in OLD_DIGESTS}
        sets = {
            "SHA-256 alone": write(home / "sha256.set", without_old),
            "MD5 and SHA-1 too": write(home / "all.set", made),
        }
        tell_size(sets["MD5 and SHA-1 too"])
        if options.imports:
            time_import(home, made)
        compare(home, options.capture, sets, options.rounds)
    return 0


def write(path: Path, made: dict[tuple[str, str], None]) -> Path:
    """Write a set."""
    return write_set(path, ((kind, value, "bench", "AMBER", None, 50, "", "") for kind, value in made))[0]


def tell_size(path: Path) -> None:
    """Tell what a set takes, and how long it loads."""
    before = time.process_time()
    indicators = loop.Indicators(path)
    spent = time.process_time() - before
    disk, memory = path.stat().st_size / 1e6, indicators.size / 1e6
    print(
        f"{indicators.count:,} indicators: {disk:.1f} MB on disk, {memory:.1f} MB in memory, loaded in {spent:.2f} CPU s"
    )


def time_import(home: Path, made: dict[tuple[str, str], None]) -> None:
    """Import the same as a list."""
    listed = home / "list.csv"
    listed.write_text("type,indicator\n" + "".join(f"{kind},{value}\n" for kind, value in made))
    started = time.monotonic()
    spent = run("--home", home / "kept", "ioc", "import", listed)
    print(f"import: {spent:.1f} CPU s, {time.monotonic() - started:.1f} s")


def compare(home: Path, capture: Path, sets: dict[str, Path], rounds: int) -> None:
    """Scan with and without, in turn."""
    one = first_packet(capture, home)
    ways = {"none": ("--no-indicators",)} | {name: ("--indicators", path) for name, path in sets.items()}
    runs: dict[tuple[str, Path], list[float]] = {}
    for _ in range(rounds + 1):
        for file in (one, capture):
            for way, more in ways.items():
                runs.setdefault((way, file), []).append(run("--home", home, "scan", "--json", file, *more))
    print("| digests of files among them | CPU s | start-up CPU s | net CPU s | added |\n|---|---|---|---|---|")
    net: dict[str, list[float]] = {}
    for way in ways:
        begun = statistics.median(runs[way, one][1:])
        net[way] = [spent - begun for spent in runs[way, capture][1:]]
        added = [100 * (own / bare - 1) for own, bare in zip(net[way], net["none"], strict=True)]
        spread = f"{statistics.median(added):.1f} % ({min(added):.1f} to {max(added):.1f})" if way != "none" else ""
        whole = statistics.median(runs[way, capture][1:])
        print(f"| {way} | {whole:.2f} | {begun:.2f} | {statistics.median(net[way]):.2f} | {spread} |")


if __name__ == "__main__":
    sys.exit(main())

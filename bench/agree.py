"""Compare what `bavn events` and tshark say of one protocol, as `bench/protocols/<name>.py` puts both into one form.

  python bench/agree.py smb CAPTURE... [--packets 50000] [--examples 5] [--least 99.5] [--events-from COMMAND]

A protocol's module has FILTER (display filter) and FIELDS (of tshark), `theirs(rows)` and `ours(events)`, which give
what each says as values that can be compared, and CASES, the folders of pcaps/ that hold it; PREFERENCES and DECODE_AS
where tshark needs them. Its docstring names each class of difference that was found, and who is right.
Large captures are cut in parts, each a capture of its own for both. Ends with 1 where the share of what tshark says
that bavn says too is under --least.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from agreement import AGGREGATOR, PREFERENCES, SEPARATOR, Row, parts

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable
    from types import ModuleType

    Counts = Counter[Hashable]

HERE = Path(__file__).resolve().parent


def protocols() -> list[str]:
    """Name the protocols that can be compared."""
    return sorted(path.stem for path in (HERE / "protocols").glob("*.py"))


def module(name: str) -> ModuleType:
    """Load a protocol's module.

    Raises:
        ValueError: there is none of that name.
    """
    spec = importlib.util.spec_from_file_location(f"protocol_{name}", HERE / "protocols" / f"{name}.py")
    if spec is None or spec.loader is None or name not in protocols():
        raise ValueError(f"no protocol {name!r}; there are {', '.join(protocols())}")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def tshark(capture: Path, about: ModuleType) -> list[Row]:
    """Run tshark for the protocol's fields; each is a list of all its occurrences in the frame."""
    fields: list[str] = about.FIELDS
    asked = [word for name in fields for word in ("-e", name)]
    options = [word for value in (*PREFERENCES, *getattr(about, "PREFERENCES", ())) for word in ("-o", value)]
    options += [word for value in getattr(about, "DECODE_AS", ()) for word in ("-d", value)]
    form = ["-T", "fields", "-E", f"separator={SEPARATOR}", "-E", f"aggregator={AGGREGATOR}", "-E", "occurrence=a"]
    command = ["tshark", "-n", "-r", str(capture), *options, "-Y", about.FILTER, *form, *asked]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        print(f"tshark ended with {done.returncode} on {capture.name}: {done.stderr[-200:]!r}", file=sys.stderr)
    lines = [line.split(SEPARATOR) for line in done.stdout.decode("utf-8", "replace").split("\n")]
    whole = [line for line in lines if len(line) == len(fields)]
    return [{n: v.split(AGGREGATOR) if v else [] for n, v in zip(fields, line, strict=True)} for line in whole]


def events(capture: Path, command: list[str]) -> list[dict[str, Any]]:
    """Run bavn for the capture's events."""
    done = subprocess.run([*command, str(capture)], capture_output=True, check=False)
    if done.returncode not in {0, 1, 5}:
        sys.exit(f"bavn ended with {done.returncode}: {done.stderr[-400:].decode(errors='replace')}")
    return [json.loads(line) for line in done.stdout.decode("utf-8", "replace").splitlines()]


def bavn(home: str) -> list[str]:
    """Give the command that prints events."""
    return [sys.executable, "-P", "-m", "cli", "--home", home, "events", "--json"]


def compare(captures: Iterable[Path], about: ModuleType, command: list[str] | None, packets: int) -> list[Counts]:
    """Count what both say, only tshark, only bavn."""
    both, only_theirs, only_ours = Counter[Any](), Counter[Any](), Counter[Any]()
    with tempfile.TemporaryDirectory() as folder:
        for capture in captures:
            for part in parts(capture, packets, Path(folder)):
                theirs = Counter(about.theirs(tshark(part, about)))
                ours = Counter(about.ours(events(part, command or bavn(folder))))
                both += theirs & ours
                only_theirs += theirs - ours
                only_ours += ours - theirs
    return [both, only_theirs, only_ours]


def shares(counts: list[Counts]) -> tuple[float, float]:
    """Give, in percent, how much of what tshark says bavn says too, and the reverse."""
    both, theirs, ours = (sum(counter.values()) for counter in counts)
    return (100 * both / ((both + theirs) or 1), 100 * both / ((both + ours) or 1))


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("protocol", choices=protocols())
    parser.add_argument("capture", type=Path, nargs="+")
    parser.add_argument("--packets", type=int, default=50_000)
    parser.add_argument("--examples", type=int, default=5)
    parser.add_argument("--least", type=float, default=99.5)
    parser.add_argument("--events-from", type=shlex.split, help="a command that prints a capture's events")
    options = parser.parse_args()
    counts = compare(options.capture, module(options.protocol), options.events_from, options.packets)
    of_theirs, of_ours = shares(counts)
    print("| protocol | both | only tshark | only bavn | of tshark's | of bavn's |\n|---|---|---|---|---|---|")
    numbers = " | ".join(f"{sum(counter.values()):,}" for counter in counts)
    print(f"| {options.protocol} | {numbers} | {of_theirs:.2f} % | {of_ours:.2f} % |")
    for side, counter in zip(("tshark", "bavn"), counts[1:], strict=True):
        for what, count in counter.most_common(options.examples):
            print(f"only {side}: {count} x {what!r}"[:400])
    sys.exit(int(of_theirs < options.least))


if __name__ == "__main__":
    main()

"""Reading captures with the detector: what `scan`, `events`, `demo` and `contract preview` share."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cli.errors import CliError, has_code
from cli.safe import safe
from cli.terminal import command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from detectors.check import RuleSet
    from detectors.loop import Batch, PacketLoop

STEP_MS: Final = 100
_NO_REASON: Final = ("line_bytes", "line_events", "line_not_utf8")
STDIN: Final = "-"
LIMITS: Final = (
    "flows_evicted", "fragments_evicted", "stream_evicted", "parser_limit", "parser_memory", "evidence_refused",
    "evidence_cut", "evidence_gone", "panics",
    "reference_failed",
)  # fmt: skip
"""Counters of limits that were hit: what was not seen for that reason. A reader's own limit is counted by its name too,
protocol and limit with a dot between them (docs/protocols.md)."""
CHECKSUMS: Final = ("checksum_wrong", "checksum_offloaded")
_SUFFIXES: Final = (".pcap", ".pcapng", ".cap", ".trace", ".dmp")
_LOGS: Final = (".log", ".json", ".jsonl", ".ndjson")
"""In a folder a file of such a name is looked into: logs of other sensors are told by their content."""
_PACKED: Final = (".gz", ".zst")
_PROGRESS_AFTER_S: Final = 1.0
_PROGRESS_EVERY_S: Final = 0.5


@dataclass
class Summary:
    """What was read and found; `problems` are sources that could not be read to their end."""

    started: float = field(default_factory=time.monotonic)
    files: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    hosts: Counter[str] = field(default_factory=Counter)
    problems: list[dict[str, Any]] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)
    names: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, heads: Iterable[tuple[str, str, str]]) -> None:
        """Count alerts by their level, rule and source."""
        for level, rule, host in heads:
            self.levels[level] += 1
            self.rules[rule] += 1
            self.hosts[host] += 1

    @property
    def seconds(self) -> float:
        """Wall seconds since the start."""
        return max(time.monotonic() - self.started, 1e-9)

    def document(self) -> dict[str, Any]:
        """Give the summary as data."""
        drops = {n.removeprefix("drop_"): v for n, v in self.counters.items() if n.startswith("drop_") and v}
        return {
            "files": self.files,
            "packets": self.counters.get("frames", 0),
            **self._lines(),
            "bytes": self.counters.get("frame_bytes", 0),
            "flows": self.counters.get("flows", 0),
            "seconds": round(self.seconds, 3),
            "drops": drops,
            "limits": {name: n for name, n in self.counters.items() if n and (name in LIMITS or "." in name)},
            "checksums": {name: self.counters[name] for name in CHECKSUMS if self.counters.get(name)},
            "levels": dict(self.levels),
            "rules": dict(self.rules.most_common(10)),
            "hosts": dict(self.hosts.most_common(5)),
            "first": self.counters.get("first_time", 0),
            "last": self.counters.get("last_time", 0),
            "problems": self.problems,
        }

    def _lines(self) -> dict[str, Any]:
        """Give what became of lines of other sensors, where some were read: lines = events + what was passed over."""
        if not self.counters.get("lines"):
            return {}
        reasons = {n: v for n, v in self.counters.items() if n.startswith("line_") and v and n not in _NO_REASON}
        return {
            "lines": self.counters["lines"],
            "line_bytes": self.counters["line_bytes"],
            "line_events": self.counters["line_events"],
            "lines_passed": {name.removeprefix("line_"): count for name, count in reasons.items()},
            "lines_not_utf8": self.counters["line_not_utf8"],
            "line_names": self.names,
        }


def find_captures(paths: Sequence[Path]) -> Iterator[Path]:
    """Give the files named, and the captures in the folders named, sorted.

    A path that is not there, and a folder without captures, are given as they are: reading them names the problem.
    """
    for path in paths:
        found = sorted(p for p in path.rglob("*") if p.is_file() and is_readable(p)) if path.is_dir() else []
        yield from found or [path]


def is_readable(path: Path) -> bool:
    """Tell whether a file in a folder is a capture by its name, or a log of another sensor by its content."""
    name = path.name.lower()
    for packed in _PACKED:
        name = name.removesuffix(packed)
    return name.endswith(_SUFFIXES) or (name.endswith(_LOGS) and _is_log(path))


def _is_log(path: Path) -> bool:
    from detectors.loop import is_lines

    return is_lines(str(path))


def has_lines(paths: Iterable[Path]) -> bool:
    """Tell whether a file among them is a log of another sensor; stdin cannot be asked."""
    return any(_is_log(path) for path in paths if str(path) != STDIN and path.is_file())


def cache_folder() -> Path:
    """Where compiled plans are kept."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "bavn"


def load_rule_set(paths: Sequence[Path]) -> RuleSet:
    """Load the rules named, or the shipped ones; compiled plans are kept by content."""
    from detectors.check import default_rules, load_rules

    return load_rules(list(paths) or [default_rules()], cache=cache_folder())


def rules_to_run(paths: Sequence[Path]) -> RuleSet:
    """Load rules to detect with; those that do not run are told on stderr.

    Raises:
        CliError: BAVN-E310 where none runs.
    """
    rules = load_rule_set(paths)
    say_refused(rules)
    if not rules.rules:
        named = ", ".join(map(str, paths)) or "the shipped rules"
        raise CliError("BAVN-E310", f"no rule of {named} runs", f"see why: {command(f'rules check {named}')}")
    return rules


def say_refused(rules: RuleSet) -> None:
    """Tell on stderr which rules do not run."""
    refused = [r for r in rules.refused if r.status == "refused"]
    if refused:
        names = ", ".join(sorted({r.source for r in refused})[:5])
        what = "1 rule does" if len(refused) == 1 else f"{len(refused)} rules do"
        print(f"{what} not run ({safe(names)}): {command('rules check')}", file=sys.stderr)


def read_all(
    loop: PacketLoop, paths: Iterable[Path], summary: Summary, take: Callable[[Batch], None], now: Callable[[], int]
) -> None:
    """Read captures one after another as one run; a source that fails is noted and the rest goes on."""
    progress = Progress(summary)
    for path in paths:
        _read_one(loop, path, summary, take, now, progress)
    more = True
    while more:
        batch = loop.finish(now())
        take(batch)
        more = batch.more
    summary.counters = loop.counters()
    summary.names = loop.line_names() if summary.counters.get("lines") else {}
    progress.done()


def _read_one(
    loop: PacketLoop,
    path: Path,
    summary: Summary,
    take: Callable[[Batch], None],
    now: Callable[[], int],
    progress: Progress,
) -> None:
    summary.files += 1
    before = _units(loop)
    try:
        loop.open_file(_readable(path))
    except Exception as error:
        if not has_code(error):
            raise
        summary.problems.append(problem(path, error.code, str(getattr(error, "sentence", error))))
        return
    more = True
    while more:
        batch = loop.step(now(), STEP_MS)
        take(batch)
        more = batch.more
        for code, sentence in batch.problems:
            summary.problems.append(problem(path, code, sentence, _units(loop) - before))
        progress.tell(loop, path)


def _units(loop: PacketLoop) -> int:
    """Give how many packets and lines that are events were read."""
    counters = loop.counters()
    return counters["frames"] + counters.get("line_events", 0)


def problem(path: Path, code: str, sentence: str, packets: int = 0) -> dict[str, Any]:
    """Describe a source that could not be read to its end; `packets` were read of it."""
    return {"path": str(path), "code": code, "sentence": sentence, "packets": packets}


def _readable(path: Path) -> str:
    """Give the path as the loop opens it.

    Raises:
        CliError: BAVN-E304 where there is nothing to read.
    """
    if str(path) == STDIN:
        return "/dev/stdin"
    if path.is_dir():
        raise CliError(
            "BAVN-E304",
            "there are no captures in this folder",
            "captures end in .pcap, .pcapng or .cap; logs in .log or .json",
        )
    if not path.exists():
        raise CliError("BAVN-E304", "there is no such file or folder")
    return str(path)


class Progress:
    """One line on stderr, on a terminal only, for work that takes over a second."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary
        self._shown = False
        self._next_s = _PROGRESS_AFTER_S

    def tell(self, loop: PacketLoop, path: Path) -> None:
        """Show how far it is."""
        seconds = self._summary.seconds
        if not sys.stderr.isatty() or seconds < self._next_s:
            return
        self._next_s = seconds + _PROGRESS_EVERY_S
        counters = loop.counters()
        frames, lines = counters["frames"], counters.get("lines", 0)
        count, what = (lines, "lines") if lines > frames else (frames, "packets")
        rate = count / seconds
        found = self._summary.levels.total()
        sys.stderr.write(f"\r\x1b[K{count:,} {what}, {rate:,.0f}/s, {found:,} alerts  {safe(path.name, 40)}")
        sys.stderr.flush()
        self._shown = True

    def done(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")

"""The closing summary: what was read, at what rate, what was dropped, findings per level, top hosts, from when to when."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING, Any, Final, TextIO

from cli.output import level_text
from cli.safe import safe
from cli.terminal import command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.captures import Summary

LEVELS: Final = ("critical", "high", "medium", "low", "informational")
_NS: Final = 1_000_000_000
_TOP_RULES: Final = 5
_MOST_PROBLEMS: Final = 20
_MOST_NAMES: Final = 8
_OF_LOGS: Final = ("BAVN-E408",)
_LINE_NAMES: Final = (
    ("other", "no event of bavn's"), ("unmapped", "keys that no table knows"), ("misfit", "values that do not fit"),
)  # fmt: skip


def local_time(ns: int, *, utc: bool = False) -> str:
    """Write a time (ns since the epoch) in local time with its zone, or in UTC."""
    time = dt.datetime.fromtimestamp(ns / _NS, dt.UTC)
    return f"{time if utc else time.astimezone():%Y-%m-%d %H:%M:%S %z}"


def print_summary(summary: Summary, out: TextIO = sys.stderr, *, utc: bool = False, alerts: bool = True) -> None:
    """Print the summary for a person; `alerts` is False where none were looked for."""
    for line in summary_lines(summary, utc=utc, alerts=alerts):
        print(line, file=out)


def summary_lines(summary: Summary, *, utc: bool, alerts: bool) -> Iterator[str]:
    """Write the summary, a line a fact."""
    data = summary.document()
    rate = data["packets"] / summary.seconds
    if data.get("lines"):
        yield from _lines(data, summary.seconds)
    if data["packets"] or not data.get("lines"):
        yield (
            f"read      {counted(data['packets'], 'packet')}, {size(data['bytes'])} in {counted(data['files'], 'file')}, "
            f"{counted(data['flows'], 'flow')}, {summary.seconds:.2f} s ({rate:,.0f} packets/s)"
        )
    if data["first"]:
        yield f"captured  {local_time(data['first'], utc=utc)} to {local_time(data['last'], utc=utc)}"
    drops = ", ".join(f"{name} {count:,}" for name, count in sorted(data["drops"].items()))
    yield f"dropped   {drops or 'none'}"
    if data["limits"]:
        yield "limits    " + ", ".join(f"{name} {count:,}" for name, count in data["limits"].items())
    if data["checksums"]:
        yield f"checksums {checksums_text(data['checksums'])}"
    if alerts:
        yield from _findings(data)
    yield from problem_lines(data["problems"])


def _lines(data: dict[str, Any], seconds: float) -> Iterator[str]:
    rate = data["lines"] / seconds
    yield (
        f"read      {counted(data['lines'], 'line')}, {size(data['line_bytes'])} in {counted(data['files'], 'file')}, "
        f"{counted(data['line_events'], 'event')}, {seconds:.2f} s ({rate:,.0f} lines/s)"
    )
    passed = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in data["lines_passed"].items())
    if passed:
        yield f"passed    {passed}"
    for what, title in _LINE_NAMES:
        names = sorted(data["line_names"].get(what, {}).items(), key=lambda one: (-one[1], one[0]))
        if names:
            shown = ", ".join(f"{safe(name, 60)} {count:,}" for name, count in names[:_MOST_NAMES])
            more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
            yield f"{what:<10}{title}: {shown}{more}"


def _findings(data: dict[str, Any]) -> Iterator[str]:
    found = "   ".join(f"{level_text(level)} {data['levels'][level]:,}" for level in LEVELS if level in data["levels"])
    yield f"alerts    {found or 'none'}"
    hosts = "   ".join(f"{safe(host)} {count:,}" for host, count in data["hosts"].items() if host)
    if hosts:
        yield f"hosts     {hosts}"
    for at, (name, count) in enumerate(list(data["rules"].items())[:_TOP_RULES]):
        yield f"{'' if at else 'rules':<10}{count:>7,}  {safe(name, 80)}"


def checksums_text(counters: dict[str, int]) -> str:
    """Say what the checksums of packets were; only what was checked is counted."""
    wrong, offloaded = counters.get("checksum_wrong", 0), counters.get("checksum_offloaded", 0)
    left = f", {offloaded:,} left to the sender's network card: it ran on that host" if offloaded else ""
    return f"{wrong:,} wrong{left}"


def problem_lines(problems: list[dict[str, Any]]) -> Iterator[str]:
    """Write what could not be read, and how to learn more."""
    for problem in problems[:_MOST_PROBLEMS]:
        is_log = problem["code"] in _OF_LOGS
        read = (
            f" ({counted(problem['packets'], 'packet')} read before)" if problem.get("packets") and not is_log else ""
        )
        yield f"problem   {safe(problem['path'])}: {problem['code']} {safe(problem['sentence'])}{read}"
    if len(problems) > _MOST_PROBLEMS:
        yield f"problem   and {len(problems) - _MOST_PROBLEMS:,} more"
    if problems:
        yield f"          more: {command('explain ' + problems[0]['code'])}"


def counted(number: int, noun: str) -> str:
    """Write `1 packet`, `2 packets`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size(count: int) -> str:
    """Write a number of bytes for a person."""
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= factor:
            return f"{count / factor:,.1f} {unit}"
    return f"{count} B"

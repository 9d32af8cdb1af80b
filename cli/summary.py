"""The closing summary: what was read, at what rate, what was dropped, findings per level, top hosts, from when to when."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING, Final, TextIO

from cli.output import level_text
from cli.safe import safe

if TYPE_CHECKING:
    from cli.captures import Summary

LEVELS: Final = ("critical", "high", "medium", "low", "informational")
_NS: Final = 1_000_000_000


def local_time(ns: int, *, utc: bool = False) -> str:
    """Write a time (ns since the epoch) in local time with its zone, or in UTC."""
    time = dt.datetime.fromtimestamp(ns / _NS, dt.UTC)
    return f"{time if utc else time.astimezone():%Y-%m-%d %H:%M:%S %z}"


def print_summary(summary: Summary, out: TextIO = sys.stderr, *, utc: bool = False) -> None:
    """Print the summary for a person."""
    data = summary.document()
    rate = data["packets"] / summary.seconds
    print(
        f"read      {data['packets']:,} packets, {data['bytes'] / 1e6:,.1f} MB in {data['files']} files, "
        f"{data['flows']:,} flows, {summary.seconds:.2f} s ({rate:,.0f} packets/s)",
        file=out,
    )
    if data["first"]:
        print(f"captured  {local_time(data['first'], utc=utc)} to {local_time(data['last'], utc=utc)}", file=out)
    drops = ", ".join(f"{name} {count:,}" for name, count in sorted(data["drops"].items())) or "none"
    print(f"dropped   {drops}", file=out)
    found = "   ".join(f"{level_text(level)} {data['levels'][level]:,}" for level in LEVELS if level in data["levels"])
    print(f"alerts    {found or 'none'}", file=out)
    if data["hosts"]:
        hosts = "   ".join(f"{safe(host)} {count:,}" for host, count in data["hosts"].items() if host)
        print(f"hosts     {hosts}", file=out)
    if data["rules"]:
        rules = "   ".join(f"{safe(name, 60)} {count:,}" for name, count in list(data["rules"].items())[:5])
        print(f"rules     {rules}", file=out)
    for problem in data["problems"][:20]:
        print(f"problem   {safe(problem['path'])}: {problem['code']} {safe(problem['sentence'])}", file=out)

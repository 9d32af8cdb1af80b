"""`bavn scan`: captures in, alerts out; the live sensor with another source."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from cli.indicators import indicator_options, indicators_for
from cli.output import Format, format_options
from cli.reading import (
    ALERT_FIELDS,
    alert_columns,
    checksums_option,
    endpoint,
    engine_option,
    exit_code,
    loop_settings,
    packet_loop,
    short_time,
    simulate_option,
    workers_option,
    write_documents,
)
from cli.summary import LEVELS, counted, print_summary
from cli.terminal import command

if TYPE_CHECKING:
    from detectors.loop import Batch


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--rules",
    "rule_paths",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Rules or folders instead of the shipped ones.",
)
@click.option(
    "--fail-on",
    type=click.Choice(list(reversed(LEVELS))),
    help="Exit 1 where an alert of this level or above was found.",
)
@click.option(
    "--events",
    "kinds",
    multiple=True,
    metavar="KIND",
    help="Print the events of that kind too (flow, dns, http, …; all), an alert follows what it was found in.",
)
@indicator_options
@checksums_option
@engine_option
@simulate_option
@workers_option
@format_options
@click.pass_obj
def scan(
    home: Path,
    paths: tuple[Path, ...],
    rule_paths: tuple[Path, ...],
    fail_on: str | None,
    kinds: tuple[str, ...],
    lists: tuple[Path, ...] | None,
    checksums: str | None,
    engine: str,
    simulate: tuple[str, ...],
    workers: int,
    form: Format,
) -> int:
    """Read captures (pcap, pcapng; gzip, zstd) and logs of Zeek, Suricata and ECS (JSON Lines); print alerts.

    Files or folders, mixed as they come; what a file is, its content tells. On a terminal a table, in a pipe one ECS alert
    a line; the summary goes to stderr. PATH - is stdin.
    """
    from cli.captures import Summary, find_captures, has_lines, read_all, rules_to_run

    if engine == "python" and workers > 1:
        raise click.BadParameter("the slow engine is one worker", param_hint="--workers")
    printed = _printed(kinds, form)
    captures = list(find_captures(paths))
    if workers > 1 and has_lines(captures):
        print("logs of other sensors are read by one worker: --workers is not used", file=sys.stderr)
        workers = 1
    settings = loop_settings(home, checksums=checksums, simulate=simulate, workers=workers, **printed)
    with indicators_for(home, lists) as indicators:
        loop = packet_loop(engine, rules_to_run(rule_paths), settings, indicators)
    summary = Summary()
    writer = None if form.raw else form.writer(alert_columns(form), ALERT_FIELDS)

    def take(batch: Batch) -> None:
        summary.add(batch.heads)
        if writer is None:
            write_documents(batch.events)
            write_documents(b"".join(alert + b"\n" for alert in batch.alerts))
            return
        for alert in batch.alerts:
            writer.add(msgspec.json.decode(alert))

    read_all(loop, captures, summary, take, time.time_ns)
    if writer is not None:
        writer.close(_footer(writer.count, summary.rules.most_common(1)))
    sys.stdout.flush()
    print_summary(summary, utc=form.utc)
    return exit_code(summary, fail_on)


def _printed(kinds: tuple[str, ...], form: Format) -> dict[str, Any]:
    """Give the loop's settings for events beside alerts."""
    from detectors.loop import event_kinds

    if not kinds:
        return {}
    if not form.raw:
        raise click.BadParameter("events are printed as whole documents: --json, or a pipe", param_hint="--events")
    unknown = set(kinds) - {*event_kinds(), "all"}
    if unknown:
        raise click.BadParameter(
            f"no such kind: {', '.join(sorted(unknown))}; there are all, {', '.join(event_kinds())}",
            param_hint="--events",
        )
    return {"events": True, "kinds": () if "all" in kinds else kinds}


def _footer(count: int, most: list[tuple[str, int]]) -> str:
    if not count:
        return "no alerts"
    return f"{counted(count, 'alert')}    next: {command('explain ' + shlex.quote(most[0][0]))}"


__all__ = ["alert_columns", "endpoint", "scan", "short_time"]

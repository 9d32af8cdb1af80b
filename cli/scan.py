"""`bavn scan`: captures in, alerts out; the live sensor with another source."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from cli import errors
from cli.output import LEVEL_MARKS, Column, Format, format_options, level_text, pick
from cli.summary import LEVELS, local_time, print_summary

if TYPE_CHECKING:
    from detectors.loop import Batch, Settings

_PARTIAL_CODES: Final = frozenset({"BAVN-E403"})
_SCAN_KEY: Final = "00" * 32


def alert_columns(form: Format) -> list[Column]:
    """Give the columns of an alert list."""

    def style(alert: dict[str, Any]) -> str:
        return LEVEL_MARKS.get(str(pick(alert, "bavn.level")), ("", "", ""))[2]

    def when(alert: dict[str, Any]) -> str:
        return short_time(str(alert.get("@timestamp", "")), utc=form.utc)

    return [
        Column("level", lambda a: level_text(str(pick(a, "bavn.level"))), style),
        Column("time", when),
        Column("id", lambda a: str(pick(a, "event.id"))[:6]),
        Column("rule", lambda a: pick(a, "rule.name"), wide=True),
        Column("from", lambda a: pick(a, "source.ip") or ""),
        Column("to", lambda a: endpoint(a, "destination")),
        Column("why", lambda a: pick(a, "event.reason") or "", wide=True),
    ]


def endpoint(alert: dict[str, Any], side: str) -> str:
    """Write an address with its port."""
    ip, port = pick(alert, f"{side}.ip") or "", pick(alert, f"{side}.port")
    if port is None:
        return str(ip)
    return f"[{ip}]:{port}" if ":" in str(ip) else f"{ip}:{port}"


def short_time(stamp: str, *, utc: bool) -> str:
    """Write an RFC 3339 time to the second, in local time unless UTC is wanted."""
    import datetime as dt

    try:
        time_ = dt.datetime.fromisoformat(stamp[:19] + "+00:00")
    except ValueError:
        return stamp
    return f"{time_ if utc else time_.astimezone():%Y-%m-%d %H:%M:%S}"


def loop_settings(home: Path, **more: Any) -> Settings:  # noqa: ANN401
    """Give the packet loop's settings; a scan uses the home's key where there is one: ids agree with the sensor's."""
    from detectors.loop import Settings
    from sensors.identity import event_key, load_config

    config = load_config(home)
    key = event_key(home).hex() if (home / "event.key").is_file() else _SCAN_KEY
    return Settings(agency=config.agency, sensor=config.sensor, key=key, evidence_bytes=0, **more)


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
@format_options
@click.pass_obj
def scan(home: Path, paths: tuple[Path, ...], rule_paths: tuple[Path, ...], fail_on: str | None, form: Format) -> int:
    """Read captures (pcap, pcapng, gzip, zstd; files or folders) and print alerts.

    On a terminal a table, in a pipe one ECS alert a line; the summary goes to stderr.
    """
    from cli.captures import Summary, find_captures, load_rule_set, read_all, say_refused
    from detectors.loop import PacketLoop

    files = list(find_captures(paths))
    rules = load_rule_set(rule_paths)
    say_refused(rules)
    loop = PacketLoop(rules.plan, loop_settings(home))
    summary, shown = Summary(), []

    def take(batch: Batch) -> None:
        for alert in batch.alerts:
            summary.add(alert)
            if form.table or form.csv or form.fields:
                shown.append(msgspec.json.decode(alert))
            else:
                write_line(alert)

    read_all(loop, files, summary, take, time.time_ns)
    if form.table or form.csv or form.fields:
        form.list(shown, alert_columns(form))
    sys.stdout.flush()
    print_summary(summary, utc=form.utc)
    return exit_code(summary.problems, summary.levels, fail_on, len(files))


def write_line(document: bytes) -> None:
    """Write a JSON document to stdout as a line; on a terminal nothing but printable ASCII."""
    if sys.stdout.isatty():
        from cli.safe import json_line

        sys.stdout.write(json_line(msgspec.json.decode(document), terminal=True) + "\n")
    else:
        sys.stdout.buffer.write(document + b"\n")


def exit_code(problems: list[dict[str, str]], levels: dict[str, int], fail_on: str | None, files: int) -> int:
    """Give 3 where nothing could be read, 5 where a part could not, 1 for findings, else 0."""
    unread = [p for p in problems if p["code"] not in _PARTIAL_CODES]
    if unread and len(unread) >= files:
        return errors.UNREADABLE
    if problems:
        return errors.PARTIAL
    wanted = LEVELS[: LEVELS.index(fail_on) + 1] if fail_on else ()
    return errors.FINDINGS if any(levels.get(level) for level in wanted) else errors.OK


__all__ = ["alert_columns", "endpoint", "exit_code", "local_time", "loop_settings", "scan", "short_time", "write_line"]

"""What the commands that read captures share: columns, times, settings of the loop, exit codes."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from cli import errors
from cli.output import LEVEL_MARKS, Column, level_text, pick
from cli.safe import json_text, safe
from cli.summary import LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.captures import Summary
    from cli.output import Format
    from detectors.check import RuleSet
    from detectors.loop import Indicators, PacketLoop, Settings

ALERT_FIELDS: Final = (
    "@timestamp", "event.id", "bavn.level", "rule.id", "rule.name", "rule.author", "rule.license", "source.ip",
    "source.port", "destination.ip", "destination.port", "network.community_id", "bavn.agency", "bavn.sensor",
    "bavn.tlp", "event.reason",
)  # fmt: skip
"""An alert as a row of CSV."""

SHORT_ID: Final = 6
"""Characters of an id that people read."""

MOST_WORKERS: Final = 64
"""Workers of one packet loop."""

_TRUNCATED: Final = "BAVN-E403"
_SCAN_KEY: Final = "00" * 32
_DELETE: Final = b"\x7f"


def alert_columns(form: Format) -> list[Column]:
    """Give the columns of an alert list."""

    def style(alert: dict[str, Any]) -> str:
        return LEVEL_MARKS.get(str(pick(alert, "bavn.level")), ("", "", ""))[2]

    def when(alert: dict[str, Any]) -> str:
        return short_time(str(alert.get("@timestamp", "")), utc=form.utc)

    return [
        Column("level", lambda a: level_text(str(pick(a, "bavn.level"))), style),
        Column("time", when, drop=4),
        Column("id", lambda a: str(pick(a, "event.id"))[:SHORT_ID]),
        Column("rule", lambda a: pick(a, "rule.name"), wide=True),
        Column("from", lambda a: pick(a, "source.ip") or "", drop=3),
        Column("to", lambda a: endpoint(a, "destination"), drop=2),
        Column("why", lambda a: pick(a, "event.reason") or "", wide=True, drop=1),
    ]


def endpoint(alert: dict[str, Any], side: str) -> str:
    """Write an address with its port."""
    ip, port = pick(alert, f"{side}.ip") or "", pick(alert, f"{side}.port")
    if port is None:
        return str(ip)
    return f"[{ip}]:{port}" if ":" in str(ip) else f"{ip}:{port}"


def short_time(stamp: str, *, utc: bool, now: dt.datetime | None = None) -> str:
    """Write an RFC 3339 time (UTC) with its zone, local unless UTC is wanted; to the second in this year."""
    try:
        time = dt.datetime.fromisoformat(stamp[:19] + "+00:00")
        time = time if utc else time.astimezone()
    except (ValueError, OverflowError):
        return stamp
    zone = "Z" if utc else _zone(time)
    this_year = time.year == (now or dt.datetime.now(dt.UTC)).year
    return f"{time:%d %b %H:%M:%S} {zone}" if this_year else f"{time:%Y-%m-%d %H:%M} {zone}"


def _zone(time: dt.datetime) -> str:
    offset = f"{time:%z}"[:5]
    return offset.removesuffix("00") if offset.endswith("00") else offset


def loop_settings(home: Path, *, checksums: str | None = None, **more: Any) -> Settings:  # noqa: ANN401
    """Give the packet loop's settings, as the home has them where nothing else is said.

    A scan uses the home's key where there is one: ids agree with the sensor's.
    """
    from detectors.loop import Settings
    from sensors.identity import event_key, load_config

    config = load_config(home)
    key = event_key(home).hex() if (home / "event.key").is_file() else _SCAN_KEY
    check = (checksums or config.checksums) == "check"
    return Settings(agency=config.agency, sensor=config.sensor, key=key, evidence_bytes=0, checksums=check, **more)


def checksums_option(run: Callable[..., int]) -> Callable[..., int]:
    """Give a command `--checksums`."""
    return click.option(
        "--checksums",
        type=click.Choice(["ignore", "check"]),
        help="Count wrong checksums (default: as bavn.toml has it, else ignore). No packet is dropped for one.",
    )(run)


def engine_option(run: Callable[..., int]) -> Callable[..., int]:
    """Give a command `--engine`."""
    return click.option(
        "--engine",
        type=click.Choice(["native", "python"]),
        default="native",
        help="python: the reference in Python, which reads the rules themselves; slow.",
    )(run)


def packet_loop(engine: str, rules: RuleSet, settings: Settings, indicators: Indicators | None = None) -> PacketLoop:
    """Give the loop that judges by rules and looks for indicators, with either engine behind it."""
    if engine == "python":
        from detectors.reference.loop import reference_loop

        return reference_loop(rules, settings, indicators)
    from detectors.loop import loop_for

    return loop_for(rules.plan, settings, indicators=indicators)


def simulate_option(run: Callable[..., int]) -> Callable[..., int]:
    """Give a command `--simulate`, whose names are those of the wire's limits."""
    return click.option(
        "--simulate",
        multiple=True,
        metavar="NAME",
        callback=_known_limits,
        help="Make a limit bite, to see what then happens (a wrong name lists them).",
    )(run)


def workers_option(run: Callable[..., int]) -> Callable[..., int]:
    """Give a command `--workers`."""
    return click.option(
        "--workers",
        type=click.IntRange(1, MOST_WORKERS),
        default=1,
        show_default=True,
        help="Threads that share the work; what is found and its order stay the same.",
    )(run)


def _known_limits(_ctx: click.Context, _param: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        return names
    from detectors.loop import simulations

    known = simulations()
    unknown = [name for name in names if name not in known]
    if unknown:
        listed = "; ".join(f"{name} ({meaning})" for name, meaning in known.items())
        raise click.BadParameter(f"no such limit: {', '.join(map(safe, unknown))}; there are {listed}")
    return names


def write_documents(lines: bytes) -> None:
    """Write lines of JSON to stdout; what a terminal could take for a command is escaped, the data stay the same."""
    if lines.isascii() and _DELETE not in lines:
        sys.stdout.buffer.write(lines)
        return
    for line in lines.splitlines(keepends=True):
        if line.isascii() and _DELETE not in line:
            sys.stdout.buffer.write(line)
        else:
            sys.stdout.write(json_text(line))
            sys.stdout.flush()


def exit_code(summary: Summary, fail_on: str | None) -> int:
    """Give 3 where nothing could be read, 5 where a part could not, 1 for findings, else 0."""
    unread = {p["path"] for p in summary.problems if not p["packets"] and p["code"] != _TRUNCATED}
    if unread and len(unread) >= summary.files:
        return errors.UNREADABLE
    if summary.problems:
        return errors.PARTIAL
    wanted = LEVELS[: LEVELS.index(fail_on) + 1] if fail_on else ()
    return errors.FINDINGS if any(summary.levels.get(level) for level in wanted) else errors.OK

"""`bavn events`: captures in, protocol events out, one line each."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from cli.output import Column, Format, format_options, pick
from cli.scan import endpoint, exit_code, loop_settings, short_time
from cli.summary import print_summary

if TYPE_CHECKING:
    from detectors.loop import Batch


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--kind", "kinds", multiple=True, help="Only events of this kind (dns, http, tls, flow, weird).")
@format_options
@click.pass_obj
def events(home: Path, paths: tuple[Path, ...], kinds: tuple[str, ...], form: Format) -> int:
    """Read captures and print protocol events as JSON Lines (`event.dataset` = bavn.dns, bavn.http, …)."""
    from cli.captures import Summary, find_captures, read_all
    from detectors.loop import PacketLoop, event_kinds

    unknown = set(kinds) - set(event_kinds())
    if unknown:
        raise click.BadParameter(f"no such kind: {', '.join(sorted(unknown))}; there are {', '.join(event_kinds())}")
    files = list(find_captures(paths))
    loop = PacketLoop(None, loop_settings(home, events=True, kinds=kinds))
    summary = Summary()

    def take(batch: Batch) -> None:
        if not form.table and not form.csv and not form.fields and not sys.stdout.isatty():
            sys.stdout.buffer.write(batch.events)
        elif batch.events:
            form.list(map(msgspec.json.decode, batch.events.splitlines()), _columns(form))

    read_all(loop, files, summary, take, time.time_ns)
    sys.stdout.flush()
    print_summary(summary, utc=form.utc)
    return exit_code(summary.problems, {}, None, len(files))


def _columns(form: Format) -> list[Column]:
    return [
        Column("time", lambda e: short_time(str(e.get("@timestamp", "")), utc=form.utc)),
        Column("kind", lambda e: str(pick(e, "event.dataset")).removeprefix("bavn.")),
        Column("from", lambda e: endpoint(e, "source")),
        Column("to", lambda e: endpoint(e, "destination")),
        Column("what", _what, wide=True),
    ]


def _what(event: dict[str, object]) -> str:
    parts = [
        pick(event, name)
        for name in (
            "dns.question.type", "dns.question.name", "dns.response_code", "dns.resolved_ip", "http.request.method",
            "url.full", "http.response.status_code", "tls.version", "tls.client.server_name", "tls.cipher",
            "bavn.flow.state", "network.protocol", "bavn.weird.name",
        )
    ]  # fmt: skip
    return " ".join(str(part) for part in parts if part not in (None, [], ""))

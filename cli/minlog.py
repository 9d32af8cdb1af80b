"""`bavn minlog`: who looked at what, and whether anybody has touched the log."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

import click
import msgspec

from cli import errors
from cli.output import Column, Document, Format, format_options
from cli.safe import safe
from cli.store import When, existing_access_log
from cli.summary import counted
from cli.terminal import command

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from collector.accesslog import Head

_FIELDS: Final = ("number", "time", "who", "role", "action", "purpose", "case", "agency", "objects")


@click.group(invoke_without_command=True)
@click.option("--since", type=When(), help="From: 24h, 30d, or a date.")
@click.option("--agency", help="Only what concerns this agency.")
@format_options
@click.pass_context
def minlog(ctx: click.Context, since: datetime | None, agency: str | None, form: Format) -> int:
    """Who looked at what, why and when."""
    if ctx.invoked_subcommand is not None:
        return errors.OK
    log = existing_access_log(ctx.obj)
    rows = [_row(entry.number, entry.record) for entry in log.records(since, agency)]
    head = log.head()
    footer = f"{counted(head.size, 'record')}, head {head.root_base64}    next: {command('minlog verify')}"
    form.list(rows, _columns(form), footer, _FIELDS)
    return errors.OK


def _row(number: int, record: object) -> Document:
    if record is None:
        return {"number": number, "erased": True}
    body: Document = msgspec.to_builtins(record)
    return {"number": number, **body}


def _columns(form: Format) -> list[Column]:
    from cli.reading import short_time

    return [
        Column("no", lambda r: r["number"], drop=1),
        Column("time", lambda r: short_time(str(r.get("time", "")), utc=form.utc)),
        Column("who", lambda r: r.get("who", "(erased)")),
        Column("action", lambda r: r.get("action", "")),
        Column("purpose", lambda r: r.get("purpose", ""), wide=True),
        Column("case", lambda r: r.get("case") or "", drop=2),
        Column("objects", lambda r: " ".join(r.get("objects", [])), wide=True, drop=3),
    ]


@minlog.command()
@click.option(
    "--witness", "witnesses", multiple=True, metavar="SIZE:ROOT", help="A head that somebody kept (base64 root)."
)
@click.pass_obj
def verify(home: Path, witnesses: tuple[str, ...]) -> int:
    """Check every record, leaf and checkpoint; name what was altered, removed or swapped. Exit 1 where anything was."""
    log = existing_access_log(home)
    findings = log.verify([_head(text) for text in witnesses])
    head = log.head()
    for finding in findings:
        print(f"{finding.code}: {safe(finding.sentence)}")
    if findings:
        print(f"{counted(len(findings), 'finding')}: the access log has been altered    {command('explain BAVN-E308')}")
        return errors.FINDINGS
    print(f"{counted(head.size, 'record')} verified, head {head.root_base64}")
    return errors.OK


def _head(text: str) -> Head:
    from collector.accesslog import Head

    size, _, root = text.partition(":")
    try:
        return Head(int(size), base64.b64decode(root, validate=True))
    except (ValueError, binascii.Error):
        raise click.BadParameter(f"{text!r} is not SIZE:ROOT") from None

"""`bavn contract`: what leaves the agency, as text and as the exact bytes."""

from __future__ import annotations

import datetime as dt
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import errors
from cli.captures import Summary
from cli.reading import exit_code
from cli.safe import json_line
from cli.store import access_options, log_access
from cli.summary import counted, problem_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detectors.loop import Batch
    from sensors.contract import Contract


@click.group()
def contract() -> None:
    """The sharing contract: what may leave the agency."""


@contract.command()
@click.option("--default", "shipped", is_flag=True, help="The shipped default, whatever this home has.")
@click.pass_obj
def show(home: Path, shipped: bool) -> int:
    """Show the contract in force, as TOML."""
    from sensors.contract import as_toml, load_contract

    print(as_toml(load_contract(None) if shipped else home_contract(home)), end="")
    return errors.OK


def home_contract(home: Path) -> Contract:
    """Give the contract that the home's configuration names, or the default."""
    from sensors.contract import load_contract
    from sensors.identity import load_config

    name = load_config(home).contract
    return load_contract(home / name if name else None)


@contract.command()
@click.argument("captures", nargs=-1, type=click.Path(path_type=Path))
@click.option("--sent", is_flag=True, help="What has left already, not what waits.")
@access_options
@click.pass_obj
def preview(home: Path, captures: tuple[Path, ...], sent: bool, access: dict[str, str]) -> int:
    """Show each record that would leave: of the outbox, or of CAPTURES; in a pipe its exact bytes, one a line."""
    if sent and captures:
        raise click.UsageError("--sent is about the outbox; it takes no captures")
    if not captures and (home / "outbox.db").is_file():
        log_access(home, "contract.preview", ["sent" if sent else "unsent"], access)
    summary = Summary()
    records = list(_of_captures(home, captures, summary) if captures else _of_outbox(home, sent=sent))
    for record in records:
        if sys.stdout.isatty():
            import msgspec

            print(json_line(msgspec.json.decode(record), terminal=True))
        else:
            sys.stdout.buffer.write(record + b"\n")
    sys.stdout.flush()
    print(f"{counted(len(records), 'record')}, {sum(map(len, records)):,} bytes", file=sys.stderr)
    for line in problem_lines(summary.problems):
        print(line, file=sys.stderr)
    return exit_code(summary, None)


def _of_outbox(home: Path, *, sent: bool) -> Iterator[bytes]:
    from sensors.outbox import Outbox

    if not (home / "outbox.db").is_file():
        return
    outbox = Outbox(home / "outbox.db")
    for record in outbox.sent(1_000_000) if sent else outbox.unsent(1_000_000):
        if record.alert:
            yield record.alert


def _of_captures(home: Path, captures: tuple[Path, ...], summary: Summary) -> Iterator[bytes]:
    from cli.captures import find_captures, read_all, rules_to_run
    from cli.reading import loop_settings
    from detectors.loop import PacketLoop
    from sensors.contract import Enforcer

    loop = PacketLoop(rules_to_run(()).plan, loop_settings(home))
    enforcer = Enforcer(home_contract(home))
    found: list[bytes | None] = []
    today = dt.datetime.now(dt.UTC).date()

    def take(batch: Batch) -> None:
        found.extend(enforcer.apply(alert, today).record for alert in batch.alerts)

    read_all(loop, find_captures(captures), summary, take, time.time_ns)
    yield from (record for record in found if record is not None)

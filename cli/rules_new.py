"""`bavn rules new`: a rule and its test to begin with."""

from __future__ import annotations

import datetime as dt
import json
import shlex
import uuid
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import errors
from cli.errors import CliError
from cli.safe import safe
from cli.terminal import command

if TYPE_CHECKING:
    from collections.abc import Iterator

_CAPTURES = (".pcap", ".pcapng", ".cap", ".gz", ".zst", ".trace", ".dmp")


@click.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--from", "source", required=True, help="A capture, or an event as `bavn events` prints it (- is stdin).")
@click.option("--kind", help="Of a capture: the kind of event to begin with.")
@click.option("--containing", default="", help="Of a capture: the first event that has this text.")
@click.option("--title", help="The rule's title (default: from the file's name).")
def new(path: Path, source: str, kind: str | None, containing: str, title: str | None) -> int:
    """Write a rule to PATH and its test beside it, made from traffic: both work as they are, and are yours to make better."""
    from cli.events import TOLD
    from detectors import ruletest, scaffold

    if path.suffix not in (".yml", ".yaml") or path.name.endswith(ruletest.SUFFIX):
        raise click.BadParameter("a rule's file ends in .yml, and its test's in .test.yml", param_hint="PATH")
    test = ruletest.beside(path)
    taken = [str(file) for file in (path, test) if file.exists()]
    if taken:
        raise CliError("BAVN-E314", f"{taken[0]} is already there")
    event = _event(source, kind, containing)
    named = title or path.stem.replace("_", " ").replace("-", " ").capitalize()
    made = scaffold.make(event, named, TOLD, identity=str(uuid.uuid4()), today=dt.datetime.now(dt.UTC).date())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(made.rule, "utf-8")
    test.write_text(made.test, "utf-8")
    print(f"{safe(path)} and {safe(test.name)}    next: {command('rules test --watch ' + shlex.quote(str(path)))}")
    return errors.OK


def _event(source: str, kind: str | None, containing: str) -> dict[str, Any]:
    """Give the event to begin with as {"kind", "fields", "unobserved"}."""
    from cli.explanation import as_engine_event
    from detectors import printed
    from detectors.fields import native

    if not source.endswith(_CAPTURES):
        with click.open_file(source, "rb") as stream:
            event = as_engine_event(next((line for line in stream.read().splitlines() if line.strip()), b""))
        known = native().by_name
        return {**event, "fields": {name: value for name, value in event.get("fields", {}).items() if name in known}}
    return printed.parts(_picked(printed.of_captures([Path(source)]), kind, containing))


def _picked(events: Iterator[dict[str, Any]], kind: str | None, containing: str) -> dict[str, Any]:
    from detectors.printed import kind_of

    seen: Counter[str] = Counter()
    fitting: dict[str, dict[str, Any]] = {}
    for event in events:
        seen[kind_of(event)] += 1
        if kind in (None, kind_of(event)) and (not containing or containing in json.dumps(event, ensure_ascii=False)):
            fitting.setdefault(kind_of(event), event)
    there = ", ".join(f"{name} ({count})" for name, count in seen.most_common()) or "none"
    if not fitting:
        raise CliError("BAVN-E304", "no event of the capture fits", f"there are: {there}")
    if len(fitting) > 1:
        raise CliError("BAVN-E304", "events of several kinds fit", f"name one with --kind: {there}")
    return next(iter(fitting.values()))

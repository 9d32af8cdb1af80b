"""`bavn rules bench`: what rules cost."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import errors
from cli.captures import find_captures, rules_to_run
from cli.errors import CliError
from cli.safe import json_line, safe

if TYPE_CHECKING:
    from detectors.benching import Bench

_SHOWN = 20


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--on", "captures", multiple=True, required=True, type=click.Path(path_type=Path), help="Captures to measure on."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document with all rules.")
def bench(paths: tuple[Path, ...], captures: tuple[Path, ...], as_json: bool) -> int:
    """Measure what rules cost on the events of captures, on one core: the whole set, and each rule alone.

    Candidates are events on which a rule's condition had to be worked out: the index could not rule it out before.
    """
    from detectors.benching import bench as measure

    found = measure(rules_to_run(paths), list(find_captures(captures)))
    if not found.events:
        raise CliError("BAVN-E304", f"there is no event in {', '.join(map(str, captures))}")
    print(json_line(found.to_dict(), terminal=sys.stdout.isatty()) if as_json else _table(found))
    return errors.OK


def _table(found: Bench) -> str:
    rate = 1e9 / found.ns_per_event if found.ns_per_event else 0
    lines = [f"{'ns/event':>9}{'events':>9}{'candidates':>12}{'matches':>9}  rule"]
    for cost in found.rules[:_SHOWN]:
        spent = "-" if cost.ns_per_event is None else f"{cost.ns_per_event:,.1f}"
        lines.append(f"{spent:>9}{cost.events:>9,}{cost.candidates:>12,}{cost.matches:>9,}  {safe(cost.title, 80)}")
    if len(found.rules) > _SHOWN:
        lines.append(f"{len(found.rules) - _SHOWN} cheaper rules are not shown (--json gives all)")
    whole = (
        f"{len(found.rules)} rules together: {found.ns_per_event:,.0f} ns an event, {rate:,.0f} events/s on one core"
    )
    return "\n".join([*lines, whole])

"""`bavn rules coverage`: ATT&CK, and what is blind on a sensor."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import errors
from cli.captures import find_captures, load_rule_set
from cli.safe import json_line, safe
from cli.summary import counted
from cli.terminal import command

if TYPE_CHECKING:
    from detectors.check import RuleSet
    from detectors.coverage import Cell, SensorView


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--on",
    "captures",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Captures that stand for a sensor's traffic.",
)
@click.option("--navigator", is_flag=True, help="Print a layer for the ATT&CK Navigator, and nothing else.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.pass_obj
def coverage(home: Path, paths: tuple[Path, ...], captures: tuple[Path, ...], navigator: bool, as_json: bool) -> int:
    """Say which ATT&CK techniques the rules cover, and what can fire on this home's sensor, what is blind and why."""
    from detectors import coverage as covering

    found = load_rule_set(paths)
    cells = covering.matrix(found)
    if navigator:
        print(json.dumps(covering.navigator(cells, "bavn"), ensure_ascii=False, indent=1))
        return errors.OK
    views = _views(home, found, captures)
    if as_json:
        document = {
            "techniques": [cell.to_dict() for cell in cells],
            "sensors": [view.to_dict() for view in views],
            "unfillable": [
                {"id": r.id, "title": r.title, "why": r.reasons[0].sentence}
                for r in found.refused
                if r.status == "unfillable"
            ],
        }
        print(json_line(document, terminal=sys.stdout.isatty()))
        return errors.OK
    _print_matrix(cells)
    for view in views:
        _print_view(view)
    if not views:
        print(f"no sensor has run in this home: name its traffic with --on CAPTURE, or see {command('sensor run')}")
    return errors.OK


def _views(home: Path, found: RuleSet, captures: tuple[Path, ...]) -> list[SensorView]:
    from detectors import coverage as covering
    from sensors.health import read_status

    if captures:
        return [covering.on_captures(found, ", ".join(map(str, captures)), list(find_captures(captures)))]
    health = read_status(home)
    return [covering.on_kinds(found, health.sensor, health.kinds, health.accounting.analysed)] if health else []


def _print_matrix(cells: list[Cell]) -> None:
    tactic = ""
    for cell in cells:
        if cell.tactic != tactic:
            tactic = cell.tactic
            print(safe(tactic))
        others = [
            f"{count} {what}" for what, count in (("unfillable", cell.unfillable), ("refused", cell.refused)) if count
        ]
        print(f"  {safe(cell.technique):<14}{counted(cell.runs, 'rule'):<10}{', '.join(others)}".rstrip())
    techniques = {cell.technique for cell in cells if cell.runs and cell.technique[:1] == "T"}
    print(f"{len(techniques)} techniques have a rule that runs\n")


def _print_view(view: SensorView) -> None:
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(view.kinds.items())) or "none"
    print(
        f"{safe(view.name)}\n  events: {kinds}\n  {counted(len(view.can_fire), 'rule')} can fire, {len(view.blind)} are blind"
    )
    for why in sorted({rule.why for rule in view.blind}):
        titles = [rule.title for rule in view.blind if rule.why == why]
        print(f"  {why}: {counted(len(titles), 'rule')}")
        for title in titles:
            print(f"    {safe(title)}")
    unknown = [rule for rule in view.can_fire if rule.unobserved]
    if unknown:
        print("  could not be decided, for part of the exchange was not seen:")
        for rule in unknown:
            print(f"    {safe(rule.title)}: {counted(rule.unobserved, 'event')}")

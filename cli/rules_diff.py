"""`bavn rules diff`: what changes between two rule sets, and on which captures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import errors
from cli.captures import find_captures, load_rule_set
from cli.safe import json_line, safe
from cli.summary import counted

if TYPE_CHECKING:
    from detectors.differing import AlertChange, RuleChange


@click.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option(
    "--on",
    "captures",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Captures, or folders of them, to compare on.",
)
@click.option("--json", "as_json", is_flag=True, help="Changes as JSON Lines.")
def diff(before: Path, after: Path, captures: tuple[Path, ...], as_json: bool) -> int:
    """Say what changes from the rules of BEFORE to those of AFTER: rules, and with --on the alerts that they make.

    Exit 1 where something differs.
    """
    from detectors import differing

    old, new = load_rule_set([before]), load_rule_set([after])
    rules = differing.rules(old, new)
    for change in rules:
        print(json_line(change.to_dict(), terminal=sys.stdout.isatty()) if as_json else _rule(change))
    count = 0
    paths = list(find_captures(captures))
    for alerts in differing.alerts(old, new, paths):
        count += 1
        print(json_line(alerts.to_dict(), terminal=sys.stdout.isatty()) if as_json else _alerts(alerts))
    on = f", {counted(count, 'rule')} alert otherwise on {counted(len(paths), 'capture')}" if captures else ""
    print(f"{counted(len(rules), 'rule')} differ{on}", file=sys.stderr if as_json else sys.stdout)
    return errors.FINDINGS if rules or count else errors.OK


_SIGNS = {"added": "+", "removed": "-", "changed": "~", "broken": "!", "mended": "*"}


def _rule(change: RuleChange) -> str:
    parts = f" ({', '.join(map(safe, change.parts))})" if change.parts else ""
    reason = f": {safe(change.reason)}" if change.reason else ""
    return (
        f"{_SIGNS[change.what]} {change.what:<8}{safe(change.title or change.id)}  {safe(change.source)}{parts}{reason}"
    )


def _alerts(change: AlertChange) -> str:
    head = f"{safe(change.capture)}: {safe(change.title)}: {change.before} -> {change.after} alerts"
    return "\n".join(
        [f"{head} ({change.lost} lost, {change.gained} gained)", *(f"    {safe(line)}" for line in change.examples)]
    )

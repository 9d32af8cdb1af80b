"""`bavn rules`: what a rule author works with."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import errors
from cli.errors import CliError
from cli.output import LEVEL_MARKS, Column, Format, format_options
from cli.safe import safe

if TYPE_CHECKING:
    from detectors.check import RuleSet

_PATHS = click.argument("paths", nargs=-1, type=click.Path(path_type=Path))


@click.group()
def rules() -> None:
    """Check, test and explain rules; without paths, the shipped ones."""


@rules.command("ls")
@_PATHS
@format_options
def list_rules(paths: tuple[Path, ...], form: Format) -> int:
    """List rules: those that run, and those that do not with the reason."""
    from cli.captures import load_rule_set

    found = load_rule_set(paths)
    rows: list[dict[str, Any]] = [
        {"status": "runs", "id": r.id, "level": r.level, "title": r.title, "source": r.source, "kinds": list(r.kinds)}
        for r in found.rules
    ]
    rows += [
        {
            "status": r.status,
            "id": r.id,
            "title": r.title,
            "source": r.source,
            "reasons": [d.to_dict() for d in r.reasons],
        }
        for r in found.refused
    ]
    columns = [
        Column("status", lambda r: r["status"]),
        Column("level", lambda r: r.get("level", ""), lambda r: LEVEL_MARKS.get(r.get("level", ""), ("", "", ""))[2]),
        Column("rule", lambda r: r["title"], wide=True),
        Column("kinds", lambda r: " ".join(r.get("kinds", []))),
        Column("file", lambda r: r["source"]),
    ]
    form.list(rows, columns, footer=f"{len(found.rules)} run, {len(found.refused)} do not    next: bavn rules check")
    return errors.OK


@rules.command()
@_PATHS
@click.option("--json", "as_json", is_flag=True, help="Diagnostics as JSON Lines.")
def check(paths: tuple[Path, ...], as_json: bool) -> int:
    """Check rules: each error with its place, what it means and what to do. Exit 1 where there is an error."""
    from cli.captures import load_rule_set
    from detectors.diagnostics import render, summary

    found = load_rule_set(paths)
    wrong = found.diagnostics
    for diagnostic in wrong:
        print(json.dumps(diagnostic.to_dict()) if as_json else _safe_lines(render(diagnostic)) + "\n")
    tail = f"{len(found.rules)} rules run. {summary(wrong)}"
    print(tail, file=sys.stderr if as_json else sys.stdout)
    return errors.FINDINGS if any(r.status == "refused" for r in found.refused) else errors.OK


def _safe_lines(text: str) -> str:
    return "\n".join(safe(line) for line in text.split("\n"))


@rules.command()
@click.argument("rule")
@click.argument("event", type=click.File("rb"))
@click.option("--rules", "paths", multiple=True, type=click.Path(path_type=Path), help="Where to look for the rule.")
@click.option("--json", "as_json", is_flag=True, help="The tree as JSON.")
def explain(rule: str, event: Any, paths: tuple[Path, ...], as_json: bool) -> int:  # noqa: ANN401
    """Explain a RULE (id, title or file) on an EVENT (JSON as `bavn events` prints it, or {"kind","fields"}; - is stdin)."""
    from cli.captures import load_rule_set
    from cli.explanation import explain_event, render_tree

    found = load_rule_set(paths or ((Path(rule),) if Path(rule).is_file() else ()))
    tree = explain_event(found, find_rule(found, rule), event.read())
    print(json.dumps(tree) if as_json else render_tree(tree))
    return errors.OK


def find_rule(found: RuleSet, name: str) -> int:
    """Give the number of a rule in the plan by id, title or file.

    Raises:
        CliError: BAVN-E302 where there is none, or several.
    """
    if Path(name).is_file() and len(found.rules) == 1:
        return 0
    wanted = name.lower()
    hits = [
        number
        for number, rule in enumerate(found.rules)
        if wanted in {rule.id.lower(), rule.title.lower(), rule.source.lower(), Path(rule.source).stem.lower()}
    ]
    if len(hits) != 1:
        raise CliError("BAVN-E302", f"{len(hits)} rules are called {name!r}")
    return hits[0]


@rules.command()
@_PATHS
@click.option("--json", "as_json", is_flag=True, help="Results as JSON Lines.")
def test(paths: tuple[Path, ...], as_json: bool) -> int:
    """Run the `.test.yml` beside each rule: what must match and what must not. Exit 1 where one fails."""
    from cli.captures import cache_folder
    from detectors.ruletest import run_tests

    results = run_tests([*paths] or [Path("rules")], cache=cache_folder())
    for result in results:
        if as_json:
            print(json.dumps(result.to_dict()))
        elif not result.passed:
            print(f"FAILED {safe(result.source)}: {safe(result.name)}\n  {safe(result.message)}")
    failed = sum(not r.passed for r in results)
    print(f"{len(results) - failed} passed, {failed} failed", file=sys.stderr if as_json else sys.stdout)
    return errors.FINDINGS if failed else errors.OK

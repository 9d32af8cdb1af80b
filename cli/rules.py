"""`bavn rules`: what a rule author works with."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from cli import errors
from cli.errors import CliError
from cli.lazy import Commands, LazyGroup
from cli.output import LEVEL_MARKS, Column, Format, format_options
from cli.reading import engine_option
from cli.safe import json_line, safe
from cli.summary import counted
from cli.terminal import command

if TYPE_CHECKING:
    from collections.abc import Callable

    from detectors.check import RuleSet
    from detectors.diagnostics import Diagnostic
    from detectors.ruletest import Runner

_FIELDS: Final = ("status", "id", "level", "title", "source", "kinds")
_PATHS = click.argument("paths", nargs=-1, type=click.Path(path_type=Path))


COMMANDS: Final[Commands] = {
    "new": ("cli.rules_new:new", "A rule and its test to begin with, made from traffic"),
    "ls": ("cli.rules:list_rules", "List rules: those that run, and those that do not"),
    "check": ("cli.rules:check", "Check rules: each problem with its place and what to do"),
    "test": ("cli.rules:test", "Run the tests beside the rules"),
    "explain": ("cli.rules:explain", "Explain a rule on an event"),
    "bench": ("cli.rules_bench:bench", "What rules cost, their candidates and matches"),
    "coverage": ("cli.rules_coverage:coverage", "ATT&CK, and what can fire on a sensor, what is blind and why"),
    "convert": ("cli.rules_convert:convert", "Turn rules into queries over stored events"),
    "diff": ("cli.rules_diff:diff", "What changes between two rule sets, on which captures"),
    "import": ("cli.rules_import:import_rules", "Take the network rules of a clone that others keep"),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def rules() -> None:
    """The rule author's loop; without paths, the shipped rules."""


@click.command("ls")
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
        Column("kinds", lambda r: " ".join(r.get("kinds", [])), drop=2),
        Column("file", lambda r: r["source"], wide=True, drop=1),
    ]
    footer = f"{len(found.rules)} run, {len(found.refused)} do not    next: {command('rules check')}"
    form.list(rows, columns, footer, _FIELDS)
    return errors.OK


@click.command()
@_PATHS
@click.option("--strict", is_flag=True, help="Exit 1 also where a rule is unfillable here.")
@click.option(
    "--benign", multiple=True, type=click.Path(path_type=Path), help="Captures on which rules should be silent."
)
@click.option("--passport", is_flag=True, help="Ask every rule for a passport: purpose, data touched, owner, expiry.")
@click.option("--watch", "watched", is_flag=True, help="Check again whenever a file changes, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Diagnostics as JSON Lines.")
def check(
    paths: tuple[Path, ...], strict: bool, benign: tuple[Path, ...], passport: bool, watched: bool, as_json: bool
) -> int:
    """Check rules: each problem with its place, what it means and what to do.

    Exit 1 where a rule is refused. One that is right but needs what this sensor cannot see is unfillable, which is no error
    of the rule; --strict counts it as one.
    """
    return _again_or_once(
        watched, paths, lambda: _check(paths, benign, strict=strict, passport=passport, as_json=as_json)
    )


def _again_or_once(watched: bool, paths: tuple[Path, ...], run: Callable[[], int]) -> int:
    if not watched:
        return run()
    from cli.watching import watch
    from detectors.check import default_rules

    return watch(paths or (default_rules(),), run)


def _check(paths: tuple[Path, ...], benign: tuple[Path, ...], *, strict: bool, passport: bool, as_json: bool) -> int:
    from cli.captures import load_rule_set
    from detectors.diagnostics import render, summary

    found = load_rule_set(paths)
    if not found.rules and not found.refused:
        raise CliError("BAVN-E310", f"there is no rule in {', '.join(map(str, paths))}", "rules end in .yml")
    wrong = [*found.diagnostics, *_vetted(found, benign, passport=passport)]
    for diagnostic in wrong:
        print(_json(diagnostic.to_dict()) if as_json else _safe_lines(render(diagnostic)) + "\n")
    tail = f"{counted(len(found.rules), 'rule')} can run. {summary(wrong)}"
    print(tail, file=sys.stderr if as_json else sys.stdout)
    failing = {"refused", "unfillable"} if strict else {"refused"}
    return errors.FINDINGS if any(r.status in failing for r in found.refused) else errors.OK


def _vetted(found: RuleSet, benign: tuple[Path, ...], *, passport: bool) -> list[Diagnostic]:
    from cli.captures import find_captures
    from detectors import vetting

    today = dt.datetime.now(dt.UTC).date()
    said = vetting.passports(found, today, required=passport)
    return said + (vetting.benign(found, list(find_captures(benign))) if benign and found.rules else [])


def _safe_lines(text: str) -> str:
    return "\n".join(safe(line) for line in text.split("\n"))


@click.command()
@click.argument("rule")
@click.argument("event", type=click.File("rb"))
@click.option("--rules", "paths", multiple=True, type=click.Path(path_type=Path), help="Where to look for the rule.")
@click.option("--json", "as_json", is_flag=True, help="The tree as JSON.")
def explain(rule: str, event: Any, paths: tuple[Path, ...], as_json: bool) -> int:  # noqa: ANN401
    """Explain a RULE (id, title or file) on an EVENT (JSON as `bavn events` prints it, or {"kind","fields"}; - is stdin)."""
    from cli.captures import load_rule_set
    from cli.explanation import events_of, explain_event, render_tree

    found = load_rule_set(paths or ((Path(rule),) if Path(rule).is_file() else ()))
    numbers = judging(found, find_rules(found, rule))
    kinds = tuple({kind: None for number in numbers for kind in found.rules[number].kinds})
    for judged in events_of(event.read(), kinds):
        asked = [number for number in numbers if judged["kind"] in found.rules[number].kinds] or numbers[:1]
        for number in asked:
            tree = explain_event(found, number, judged)
            if len(numbers) > 1 and not as_json:
                print(safe(found.rules[number].title))
            print(_json(tree) if as_json else render_tree(tree))
    return errors.OK


def _json(document: Any) -> str:  # noqa: ANN401
    return json_line(document, terminal=sys.stdout.isatty())


def find_rules(found: RuleSet, name: str) -> list[int]:
    """Give the numbers of rules in the plan by id, title or file; a file may hold several.

    Raises:
        CliError: BAVN-E302 where there is none.
    """
    wanted = name.lower()
    numbered = list(enumerate(found.rules))
    hits = [number for number, rule in numbered if wanted in {rule.id.lower(), rule.title.lower()}]
    hits = hits or [
        number for number, rule in numbered if wanted in {rule.source.lower(), Path(rule.source).stem.lower()}
    ]
    if not hits and Path(name).is_file() and len(found.rules) == 1:
        return [0]
    if not hits:
        raise CliError("BAVN-E302", f"no rule is called {name!r}")
    return hits


def judging(found: RuleSet, numbers: list[int]) -> list[int]:
    """Give those that judge single events; where there are only correlations, all of them."""
    return [number for number in numbers if "correlation" not in found.rules[number].document] or numbers


def find_rule(found: RuleSet, name: str) -> int:
    """Give the number of one rule by id, title or file; of a file with a correlation and what it counts, the correlation.

    Raises:
        CliError: BAVN-E302 where there is none, or several.
    """
    hits = find_rules(found, name)
    told = [number for number in hits if "correlation" in found.rules[number].document]
    if len(hits) > 1 and len(told) != 1:
        raise CliError("BAVN-E302", f"{len(hits)} rules are called {name!r}; name one by its id")
    return told[0] if len(hits) > 1 else hits[0]


@click.command()
@_PATHS
@engine_option
@click.option(
    "--junit", "report", type=click.Path(path_type=Path, dir_okay=False), help="Also write JUnit XML to this file."
)
@click.option("--watch", "watched", is_flag=True, help="Test again whenever a file changes, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Results as JSON Lines.")
def test(paths: tuple[Path, ...], engine: str, report: Path | None, watched: bool, as_json: bool) -> int:
    """Run the `.test.yml` beside each rule: what must match and what must not. Exit 1 where one fails.

    Without paths: those of the folder rules/ here.
    """
    folders = tuple(_with_tests(paths))
    return _again_or_once(watched, folders, lambda: _test(folders, engine, report, as_json=as_json))


def _test(paths: tuple[Path, ...], engine: str, report: Path | None, *, as_json: bool) -> int:
    from cli.captures import cache_folder
    from detectors.diagnostics import render
    from detectors.ruletest import run_tests

    results = run_tests(paths, runner=_runner(engine), cache=cache_folder())
    if not results:
        raise CliError("BAVN-E313", f"no test is beside the rules of {', '.join(map(str, paths))}")
    if report is not None:
        from cli.junit import junit

        report.write_bytes(junit(results))
    for result in results:
        if as_json:
            print(_json(result.to_dict()))
        elif result.failure is not None:
            print(_safe_lines(render(result.failure)) + "\n")
    failed = sum(not r.passed for r in results)
    print(f"{len(results) - failed} passed, {failed} failed", file=sys.stderr if as_json else sys.stdout)
    return errors.FINDINGS if failed else errors.OK


def _runner(engine: str) -> Runner | None:
    if engine != "python":
        return None
    from detectors.reference.loop import ReferenceRunner

    return ReferenceRunner()


def _with_tests(paths: tuple[Path, ...]) -> list[Path]:
    """Give the paths, or rules/ of the checkout that this is called in.

    Raises:
        CliError: BAVN-E304 where a path is not there, BAVN-E313 where none was named and there is no rules/.
    """
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise CliError("BAVN-E304", f"there is no {missing[0]}")
    if not paths and not Path("rules").is_dir():
        raise CliError("BAVN-E313", "there is no folder rules/ here, and the shipped rules come without their tests")
    return list(paths) or [Path("rules")]

"""`bavn explain`: a code, a rule or an alert in plain words."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any, Final

import click

from cli import errors
from cli.errors import CliError, catalogue, has_code
from cli.safe import safe

_WIDTH: Final = 100
_NOT_THERE: Final = frozenset({"BAVN-E234", "BAVN-E235", "BAVN-E236", "BAVN-E305"})


@click.command()
@click.argument("name")
@click.option("--rules", "paths", multiple=True, type=click.Path(path_type=Path), help="Where to look for a rule.")
@click.pass_obj
def explain(home: Path, name: str, paths: tuple[Path, ...]) -> int:
    """Explain a CODE (BAVN-E031), a RULE (id, title, file) or an ALERT (id or its first characters)."""
    code = _code(name)
    if code in catalogue():
        title, explanation, hint = catalogue()[code]
        body = "\n".join(textwrap.wrap(explanation, _WIDTH, break_on_hyphens=False))
        print(f"{code}: {title}\n\n{body}\n\nWhat to do: {hint}")
        return errors.OK
    rule = _rule(name, paths)
    if rule is not None:
        print(rule)
        return errors.OK
    try:
        return _alert(home, name)
    except Exception as error:
        if not has_code(error) or error.code not in _NOT_THERE:
            raise
        raise CliError("BAVN-E302", f"{name!r} is no code, no rule and no alert here") from error


def _code(name: str) -> str:
    """Give a code in full: E031 and bavn-e031 are BAVN-E031."""
    return f"BAVN-{name.upper().removeprefix('BAVN-')}"


def _rule(name: str, paths: tuple[Path, ...]) -> str | None:
    from cli.captures import load_rule_set
    from cli.rules import find_rule

    found = load_rule_set(paths or ((Path(name),) if Path(name).is_file() else ()))
    try:
        rule = found.rules[find_rule(found, name)]
    except CliError:
        return None
    return describe_rule(rule.document, rule.level, rule.kinds)


def describe_rule(document: Any, level: str, kinds: tuple[str, ...]) -> str:  # noqa: ANN401
    """Write a rule's passport for a person."""
    lines = [f"{safe(document.get('title', ''))}  ({level}; judges {', '.join(kinds)} events)", ""]
    lines += [safe(document.get("description", ""))]
    passport = document.get("passport") if isinstance(document.get("passport"), dict) else {}
    for key, label in (
        ("author", "Author"),
        ("license", "Licence"),
        ("purpose", "Purpose"),
        ("data", "Data touched"),
        ("owner", "Owner"),
        ("expiry", "Expires"),
    ):
        value = document.get(key) or passport.get(key)
        if value:
            lines.append(f"{label:<14}{safe(value)}")
    for key, label in (
        ("tags", "ATT&CK"),
        ("falsepositives", "May be wrong"),
        ("known_gaps", "Does not see"),
        ("references", "References"),
    ):
        values = document.get(key) or []
        lines += [f"{label if at == 0 else '':<14}{safe(value)}" for at, value in enumerate(values)]
    return "\n".join(lines)


def _alert(home: Path, name: str) -> int:
    from cli.alerts import show_alert

    return show_alert(home, name)

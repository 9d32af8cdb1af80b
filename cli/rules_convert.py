"""`bavn rules convert`: rules as queries over stored events."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import errors
from cli.errors import CliError
from cli.safe import json_line, safe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detectors.converting import Converted

_NOTES = {
    "lucene": "send it as query_string with `lenient: false`, else Elasticsearch hides what it cannot run",
    "esql": "ES|QL finds more where a field was not observed: it takes it for absent; these queries were run on no server",
}


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--to", "language", type=click.Choice(["lucene", "esql"]), default="lucene", show_default=True)
@click.option(
    "--template", is_flag=True, help="Print the index template that the queries are made for, and nothing else."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document a rule.")
def convert(paths: tuple[Path, ...], language: str, template: bool, as_json: bool) -> int:
    """Turn rules into queries over events as `bavn events` prints them, stored in an index made from --template.

    A query asks what the sensor's engine asks. What the language cannot say is told with its reason. Exit 5 where a rule was
    left out.
    """
    if template:
        from detectors.conversion import template as index_template

        print(json.dumps(index_template(), indent=1))
        return errors.OK
    left_out = count = 0
    for one in _converted(paths, language):
        count += 1
        left_out += not one.queries
        print(json_line(one.to_dict(), terminal=sys.stdout.isatty()) if as_json else _shown(one))
    if not count:
        raise CliError("BAVN-E310", f"there is no rule in {', '.join(map(str, paths)) or 'the shipped rules'}")
    print(f"{count - left_out} converted, {left_out} left out; {_NOTES[language]}", file=sys.stderr)
    return errors.PARTIAL if left_out else errors.OK


def _converted(paths: tuple[Path, ...], language: str) -> Iterator[Converted]:
    from detectors import check, converting

    files, unreadable = check.read_all(list(paths) or [check.default_rules()])
    for item in unreadable:
        yield converting.Converted("", "", item.source, (), item.reasons[0].sentence)
    try:
        yield from converting.convert(files, language)
    except ModuleNotFoundError as error:
        raise CliError("BAVN-E306", f"{error.name} is not installed", "pip install 'bavn[sigma-cli]'") from error


def _shown(one: Converted) -> str:
    head = f"# {safe(one.title or one.source)} ({safe(one.source)})"
    if not one.queries:
        return f"{head}\n# left out: {safe(one.reason)}\n"
    return "\n".join([head, *(safe(query, limit=1_000_000) for query in one.queries), ""])

"""`bavn ioc import`: lists of indicators into the home's store."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import errors
from cli.indicators import TOLD, read_lists, say_problems
from cli.ioc import finish, open_store, said_of, said_options
from cli.safe import json_line
from cli.summary import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detectors.indicators.reading import Record, Report, Said


@click.command("import")
@click.argument("lists", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--type", "kind", help="The type of every value, whatever the list calls it.")
@said_options
@click.option("--replace", is_flag=True, help="Remove what the same sources had and the lists have no more.")
@click.option("--warning-list", is_flag=True, help="Take the values into your own warning list instead.")
@click.option("--dry-run", is_flag=True, help="Only say what would be kept.")
@click.option(
    "--problems", type=click.Path(path_type=Path), help="Write every line that was left out there, as JSON Lines."
)
@click.pass_obj
def import_lists(home: Path, lists: tuple[Path, ...], kind: str | None, source: str | None, tlp: str,
                 expires: str | None, confidence: str | None, note: str, replace: bool, warning_list: bool,
                 dry_run: bool, problems: Path | None) -> int:  # fmt: skip
    """Keep the indicators of LISTS: CSV with a header, JSON Lines, or one value a line; gzip is unpacked.

    A list's source is its file name unless --source or the list says otherwise. Lines that are wrong are told and left
    out: exit code 5 then, 3 where nothing could be read.
    """
    from detectors.indicators import reading
    from detectors.indicators.values import type_named

    now = int(time.time())
    report = reading.Report()
    base = said_of(source or "", tlp, expires, confidence, note, now)
    forced = type_named(kind) if kind else None
    records = _records(lists, base, now, report, forced)
    if dry_run:
        count, out = _try(records)
    else:
        count, out = _keep(home, records, now, replace=replace, warning_list=warning_list)
    say_problems(report, TOLD)
    if problems is not None:
        _write_problems(problems, report)
    wrong = report.counts.total()
    left_out = f", {wrong:,} left out" if wrong else ""
    print(
        f"{counted(report.lines, 'line')} read, {counted(count, 'indicator')}{left_out}, {out:,} in a warning list",
        file=sys.stderr,
    )
    if wrong:
        return errors.PARTIAL if count else errors.UNREADABLE
    return errors.OK


def _records(lists: tuple[Path, ...], base: Said, now: int, report: Report, kind: str | None) -> Iterator[Record]:
    import dataclasses

    for path in lists:
        named = base.source or path.name.partition(".")[0][:64] or "list"
        yield from read_lists((path,), dataclasses.replace(base, source=named), now, report, kind)


def _try(records: Iterator[Record]) -> tuple[int, int]:
    from detectors.indicators.warnings import WarningLists, shipped

    warnings = WarningLists.of(shipped())
    out = [warnings.why(one.type, one.value) is not None for one in records]
    return len(out), sum(out)


def _keep(home: Path, records: Iterator[Record], now: int, *, replace: bool, warning_list: bool) -> tuple[int, int]:
    with open_store(home) as store:
        if warning_list:
            by_why: dict[str, list[str]] = {}
            for one in records:
                by_why.setdefault(one.said.note or one.said.source, []).append(one.value)
            count = sum(store.warn(values, why) for why, values in by_why.items())
            finish(store, f"{counted(count, 'warning')} in your warning list")
            return count, count
        count, out = store.add(records, now, replace=replace)
        finish(store, f"{counted(count, 'indicator')} imported")
    return count, out


def _write_problems(path: Path, report: Report) -> None:
    def line(one: Any) -> str:  # noqa: ANN401
        told = {"code": one.code, "file": one.place, "line": one.line, "sentence": one.sentence, "hint": one.hint}
        return json_line({name: value for name, value in told.items() if value}, terminal=False)

    path.write_text("".join(f"{line(one)}\n" for one in report.told), "utf-8")

"""`bavn ioc`: the indicators that this home looks for."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from cli import errors
from cli.lazy import Commands, LazyGroup
from cli.output import Column, Format, format_options
from cli.safe import safe
from cli.summary import counted
from cli.terminal import command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from detectors.indicators.reading import Said
    from detectors.indicators.store import Store

COMMANDS: Final[Commands] = {
    "add": ("cli.ioc:add", "Keep indicators: addresses, networks, names, URLs, fingerprints, digests"),
    "ls": ("cli.ioc:ls", "What is kept, by type, source, value; what is kept out, and why"),
    "rm": ("cli.ioc:rm", "Remove indicators by value, by source, or those that have ended"),
    "import": ("cli.ioc_import:import_lists", "Keep the indicators of lists (CSV, JSON Lines)"),
    "match": ("cli.ioc_match:match", "Ask for values, or look captures through"),
    "warn": ("cli.ioc:warn", "Your own warning list: what must never match"),
}

_CSV_FIELDS: Final = (
    "type", "value", "source", "tlp", "added", "expires", "confidence", "note", "reference", "kept_out",
)  # fmt: skip


@click.group(cls=LazyGroup, lazy=COMMANDS)
def ioc() -> None:
    """Indicators: values that others call bad, looked up in everything that passes."""


@contextmanager
def open_store(home: Path) -> Iterator[Store]:
    """Open the home's store."""
    from detectors.indicators.store import Store

    store = Store(home)
    try:
        yield store
    finally:
        store.close()


def said_options(run: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command what is said of indicators: source, TLP, end, confidence, note."""
    for option in (
        click.option("--note", default="", help="What they are."),
        click.option("--confidence", help="How sure it is: 0 to 100, or none, low, medium, high."),
        click.option("--expires", metavar="WHEN", help="When they end: a date, a time, or a span (90d)."),
        click.option("--tlp", default="AMBER", show_default=True, help="Traffic Light Protocol mark."),
        click.option("--source", help="Who says so."),
    ):
        run = option(run)
    return run


def said_of(source: str, tlp: str, expires: str | None, confidence: str | None, note: str, now: int) -> Said:
    """Give what is said of indicators, as options say it. Raises BavnError (E089, E090, E091)."""
    from detectors.indicators import reading

    return reading.Said(
        source=source[: reading.MAX_TEXT],
        tlp=reading.tlp_named(tlp),
        expires=reading.time_named(expires, now) if expires else None,
        confidence=reading.confidence_named(confidence) if confidence else None,
        note=note[: reading.MAX_TEXT],
    )


def finish(store: Store, said: str) -> None:
    """Make the set anew, and say what there is now."""
    _, count = store.write_set()
    kept = store.count()
    out = f", {kept - count:,} of them kept out by warning lists" if kept > count else ""
    print(f"{said}; {counted(kept, 'indicator')} kept{out}", file=sys.stderr)


@ioc.command()
@click.argument("values", nargs=-1, required=True)
@click.option("--type", "kind", help="Their type, where the form does not tell (ja3, cert-sha1, host, …).")
@said_options
@click.pass_obj
def add(home: Path, values: tuple[str, ...], kind: str | None, source: str | None, tlp: str, expires: str | None,
        confidence: str | None, note: str) -> int:  # fmt: skip
    """Keep VALUES as indicators. A name stands for itself and all below it; --type host for itself alone."""
    from detectors.indicators.reading import Record
    from detectors.indicators.values import parse, type_named

    now = int(time.time())
    said = said_of(source or "local", tlp, expires, confidence, note, now)
    forced = type_named(kind) if kind else None
    found = [parse(value, forced) for value in values]
    with open_store(home) as store:
        store.add((Record(one.type, one.value, said) for one in found), now)
        warnings = store.warnings()
        for one in found:
            why = warnings.why(one.type, one.value)
            if why:
                print(f"{safe(one.value)} is kept out: {safe(why)} (bavn explain BAVN-W020)", file=sys.stderr)
        finish(store, f"{counted(len(found), 'indicator')} added")
    return errors.OK


@ioc.command()
@click.argument("values", nargs=-1)
@click.option("--type", "kind", help="Only of this type.")
@click.option("--source", help="Only of this source.")
@click.option("--tlp", help="Only with this mark.")
@click.option("--expired", is_flag=True, help="Only those that have ended.")
@click.option("--kept-out", is_flag=True, help="Only those that a warning list keeps out.")
@click.option("--sources", is_flag=True, help="The sources, with how many indicators each has.")
@format_options
@click.pass_obj
def ls(home: Path, values: tuple[str, ...], kind: str | None, source: str | None, tlp: str | None, expired: bool,
       kept_out: bool, sources: bool, form: Format) -> int:  # fmt: skip
    """List what is kept: all, or what of VALUES is."""
    now = int(time.time())
    with open_store(home) as store:
        if sources:
            form.list(store.sources(), [_plain(name) for name in ("source", "indicators", "kept_out")])
            return errors.OK
        where, more = _where(kind, source, tlp, expired=expired, kept_out=kept_out, now=now)
        chosen = [where | one for one in _asked(values)] if values else [where]
        found = (_shown(row) for one in chosen for row in store.rows(one, more))
        form.list(found, _columns(now), f"next: {command('ioc match VALUE')}", _CSV_FIELDS)
    return errors.OK


def _where(
    kind: str | None, source: str | None, tlp: str | None, *, expired: bool, kept_out: bool, now: int
) -> tuple[dict[str, Any], str]:
    """Columns with the value that they must have, and a test beside them."""
    from detectors.indicators.reading import tlp_named
    from detectors.indicators.values import type_named

    where = {"type": type_named(kind) if kind else None, "source": source, "tlp": tlp_named(tlp) if tlp else None}
    tests = [f"expires <= {now}"] * expired + ["kept_out IS NOT NULL"] * kept_out
    return {name: value for name, value in where.items() if value is not None}, " AND ".join(tests)


def _asked(values: tuple[str, ...]) -> Iterator[dict[str, str]]:
    from detectors.indicators.values import parse

    for value in values:
        yield {"value": parse(value).value}


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its times as people write them; what is empty is left out."""
    times = {name: _time(row[name]) for name in ("added", "expires") if row[name] is not None}
    return {name: value for name, value in (row | times).items() if value not in (None, "")}


def _time(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _plain(name: str, *, wide: bool = False, drop: int = 0) -> Column:
    return Column(name.replace("_", " "), lambda row: row.get(name, ""), wide=wide, drop=drop)


def _columns(now: int) -> list[Column]:
    def state(row: dict[str, Any]) -> str:
        if row.get("kept_out"):
            return f"kept out: {row['kept_out']}"
        return "ended" if row.get("expires", "9") <= _time(now) else "matches"

    def style(row: dict[str, Any]) -> str:
        return "" if state(row) == "matches" else "yellow"

    return [
        _plain("type"), _plain("value", wide=True), _plain("source", drop=2), _plain("tlp", drop=3),
        _plain("expires", drop=4), _plain("confidence", drop=6), _plain("note", wide=True, drop=5),
        Column("state", state, style, drop=1),
    ]  # fmt: skip


@ioc.command()
@click.argument("values", nargs=-1)
@click.option("--type", "kind", help="Their type, where the form does not tell.")
@click.option("--source", help="All of this source.")
@click.option("--expired", is_flag=True, help="Those that have ended.")
@click.pass_obj
def rm(home: Path, values: tuple[str, ...], kind: str | None, source: str | None, expired: bool) -> int:
    """Remove indicators: VALUES, all of a source, or those that have ended."""
    from detectors.indicators.values import parse, type_named

    if not (values or source or expired):
        raise click.UsageError("name values, --source or --expired")
    forced = type_named(kind) if kind else None
    found = [parse(value, forced) for value in values]
    with open_store(home) as store:
        gone = store.remove(values=found, source=source, before=int(time.time()) if expired else None)
        finish(store, f"{counted(gone, 'indicator')} removed")
    return errors.OK


@ioc.command()
@click.argument("values", nargs=-1)
@click.option("--why", default="the agency's own", show_default=True, help="Why they must not match.")
@click.option("--rm", "remove", is_flag=True, help="Take them out of the list again.")
@format_options
@click.pass_obj
def warn(home: Path, values: tuple[str, ...], why: str, remove: bool, form: Format) -> int:
    """Keep VALUES from ever matching: addresses, networks, names (`.name` with all below it), digests.

    Without VALUES, list your own entries; those that come with bavn stand in detectors/indicators/warning/.
    """
    with open_store(home) as store:
        if not values:
            own = store.own_warnings()
            rows = ({"type": one.type, "value": "." * one.below + one.value, "why": one.why} for one in own)
            form.list(rows, [_plain("type"), _plain("value", wide=True), _plain("why", wide=True)])
            return errors.OK
        count = store.unwarn(values) if remove else store.warn(values, why)
        finish(store, f"{counted(count, 'warning')} {'removed' if remove else 'added'}")
    return errors.OK

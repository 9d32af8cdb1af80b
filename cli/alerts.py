"""`bavn alerts`: the analyst's view of the store. Each look is in the access log before it is shown."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from cli import errors
from cli.output import Column, Document, Format, format_options, level_text, pick
from cli.reading import ALERT_FIELDS, SHORT_ID, alert_columns, endpoint, short_time
from cli.safe import json_line, safe
from cli.store import When, access_options, log_access, open_store, who
from cli.summary import LEVELS, counted
from cli.terminal import command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from collector.store import AlertQuery, Store

_FOLLOW_S: Final = 0.5
_LS_LIMIT: Final = 100


@click.group()
def alerts() -> None:
    """List, show, follow, acknowledge and export alerts."""


def query_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the filters of an alert query to a command, as one `query` argument."""

    @click.option("--since", type=When(), help="From: 24h, 7d, or a date.")
    @click.option("--until", type=When(), help="Until.")
    @click.option(
        "--level", "levels", multiple=True, type=click.Choice(LEVELS), help="Only this level (may be repeated)."
    )
    @click.option("--agency", "agencies", multiple=True, help="Only this agency.")
    @click.option("--sensor", "sensors", multiple=True, help="Only this sensor.")
    @click.option("--rule", help="Only this rule (id).")
    @click.option("--technique", help="Only this ATT&CK technique (T1071).")
    @click.option("--ip", help="Source or destination: an address or a network.")
    @click.option("--state", "states", multiple=True, type=click.Choice(["new", "acknowledged", "closed"]))
    @click.option("--text", help="Words that follow each other anywhere in the alert.")
    @click.option("--limit", type=click.IntRange(min=1), default=None, help="At most so many.")
    def wrapped(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        from collector.store import AlertQuery

        names = ("since", "until", "rule", "technique", "ip", "text", "limit")
        lists = ("levels", "agencies", "sensors", "states")
        picked = {name: kwargs.pop(name) for name in (*names, *lists)}
        return function(*args, query=AlertQuery(**picked), **kwargs)

    wrapped.__name__, wrapped.__doc__ = function.__name__, function.__doc__
    wrapped.__click_params__ = [*getattr(function, "__click_params__", []), *wrapped.__click_params__]  # type: ignore[attr-defined]
    return wrapped


def query_text(query: AlertQuery) -> str:
    """Write a query for the access log."""
    parts = [
        f"{name}={getattr(query, name)}"
        for name in query.__struct_fields__
        if getattr(query, name) not in (None, (), False)
    ]
    return "query " + (" ".join(parts) or "all")


@alerts.command("ls")
@query_options
@access_options
@format_options
@click.pass_obj
def list_alerts(home: Path, query: AlertQuery, access: dict[str, str], form: Format) -> int:
    """List alerts, newest first (100 unless --limit says otherwise)."""
    import msgspec

    store = open_store(home)
    limited = query if query.limit else msgspec.structs.replace(query, limit=_LS_LIMIT)
    found = list(store.search(limited))
    log_access(home, "alerts.list", [query_text(query)], access)
    states = store.states(str(pick(a, "event.id")) for a in found)

    def state(alert: Document) -> str:
        known = states.get(str(pick(alert, "event.id")))
        return known.state if known else "new"

    agency = Column("agency", lambda a: pick(a, "bavn.agency"), drop=1)
    columns = [*alert_columns(form)[:-1], agency, Column("state", state)]
    form.list(found, columns, _footer(store, query, found) if form.table else "", ALERT_FIELDS)
    return errors.OK


def _footer(store: Store, query: AlertQuery, found: list[Document]) -> str:
    if not found:
        return "no alerts match"
    total = store.count(query) if len(found) >= (query.limit or _LS_LIMIT) else len(found)
    shown = counted(total, "alert") if total == len(found) else f"{len(found):,} of {total:,} alerts (--limit)"
    return f"{shown}    next: {command('alerts show ' + str(pick(found[0], 'event.id'))[:SHORT_ID])}"


@alerts.command("show")
@click.argument("alert")
@click.option("--json", "as_json", is_flag=True, help="The whole document.")
@access_options
@click.pass_obj
def show(home: Path, alert: str, as_json: bool, access: dict[str, str]) -> int:
    """Show one ALERT (id, or its first characters): why, who, evidence, what next."""
    return show_alert(home, alert, access, as_json=as_json)


def show_alert(home: Path, name: str, access: dict[str, str] | None = None, *, as_json: bool = False) -> int:
    """Show an alert of the home's store; the look is logged first."""
    stored = open_store(home).get(name)
    log_access(home, "alerts.show", [stored.id], access or {"purpose": "operational monitoring", "case": ""})
    if as_json or not sys.stdout.isatty():
        print(json_line(stored.alert, terminal=sys.stdout.isatty()))
    else:
        from cli.alert_view import describe

        print("\n".join(describe(stored)))
    return errors.OK


@alerts.command()
@click.option("--level", "levels", multiple=True, type=click.Choice(LEVELS), help="Only this level.")
@click.option("--for", "seconds", type=click.FloatRange(min=0), help="End after so many seconds.")
@access_options
@format_options
@click.pass_obj
def tail(home: Path, levels: tuple[str, ...], seconds: float | None, access: dict[str, str], form: Format) -> int:
    """Follow new alerts until interrupted."""
    store = open_store(home)
    log_access(home, "alerts.tail", [f"levels={','.join(levels) or 'all'}"], access)
    cursor: str | None = "now"
    end = time.monotonic() + seconds if seconds is not None else None
    while end is None or time.monotonic() < end:
        page = store.follow(cursor)
        cursor = page.cursor
        for alert in page.alerts:
            if not levels or pick(alert, "bavn.level") in levels:
                print(_tail_line(alert, form), flush=True)
        if not page.alerts:
            time.sleep(_FOLLOW_S)
    return errors.OK


def _tail_line(alert: Document, form: Format) -> str:
    if not form.table:
        document = {name: pick(alert, name) for name in form.fields} if form.fields else alert
        return json_line(document, terminal=sys.stdout.isatty())
    when = short_time(str(alert["@timestamp"]), utc=form.utc)
    where = f"{pick(alert, 'source.ip')} -> {endpoint(alert, 'destination')}"
    short = str(pick(alert, "event.id"))[:SHORT_ID]
    return f"{when}  {level_text(str(pick(alert, 'bavn.level'))):<12} {short}  {safe(pick(alert, 'rule.name'))}  {safe(where)}"


@alerts.command()
@click.argument("ids", nargs=-1, required=True)
@click.option("--note", help="What you found.")
@access_options
@click.pass_obj
def ack(home: Path, ids: tuple[str, ...], note: str | None, access: dict[str, str]) -> int:
    """Acknowledge alerts: somebody has them."""
    store = open_store(home)
    for name in ids:
        full = store.get(name).id
        log_access(home, "alerts.ack", [full], access)
        state = store.ack(full, who(), datetime.now(UTC), note)
        print(f"{full[:SHORT_ID]} {state.state}")
    return errors.OK


@alerts.command()
@query_options
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="A file instead of stdout.")
@access_options
@format_options
@click.pass_obj
def export(home: Path, query: AlertQuery, output: Path | None, access: dict[str, str], form: Format) -> int:
    """Export whole alerts as JSON Lines or CSV."""
    store = open_store(home)
    log_access(home, "alerts.export", [query_text(query), f"to {output or 'stdout'}"], access)
    wanted = Format(json=not form.csv, csv=form.csv, fields=form.fields)
    with _destination(output) as out:
        writer = wanted.writer((), ALERT_FIELDS, out)
        for alert in store.search(query):
            writer.add(alert)
    print(f"{counted(writer.count, 'alert')} exported", file=sys.stderr)
    return errors.OK


@contextmanager
def _destination(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    with output.open("w", encoding="utf-8", newline="") as file:
        yield file

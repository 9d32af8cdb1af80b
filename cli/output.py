"""Two faces of every list: a table on a terminal, JSON Lines in a pipe."""

from __future__ import annotations

import csv
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from cli.safe import csv_cell, json_line, safe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Document = dict[str, Any]

LEVEL_MARKS: Final = {
    "critical": ("▲", "!", "bold red"),
    "high": ("▲", "!", "red"),
    "medium": ("●", "*", "yellow"),
    "low": ("·", "-", "cyan"),
    "informational": ("·", "-", "dim"),
}
"""Per level: glyph, ASCII glyph, style. The word always stands beside it."""


def ascii_only() -> bool:
    """Tell whether the terminal takes ASCII alone."""
    return (sys.stdout.encoding or "ascii").lower().replace("-", "") not in {"utf8", "utf16"}


def level_text(level: str) -> str:
    """Give a level's glyph and word."""
    glyph, plain, _ = LEVEL_MARKS.get(level, ("·", "-", ""))
    return f"{plain if ascii_only() else glyph} {level.upper()}"


def pick(document: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401
    """Give the value at a dotted path, None where there is none; lists of objects give lists."""
    node: Any = document
    for part in path.split("."):
        if isinstance(node, list):
            node = [item.get(part) for item in node if isinstance(item, dict)]
        elif isinstance(node, dict):
            node = node.get(part)
        else:
            return None
    return node


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column: heading, and how a document gives its cell."""

    title: str
    cell: Callable[[Document], object]
    style: Callable[[Document], str] = lambda _: ""
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Format:
    """How the caller wants it: as the options and the terminal say."""

    json: bool = False
    csv: bool = False
    fields: tuple[str, ...] = ()
    utc: bool = False

    @property
    def table(self) -> bool:
        """True where a person reads."""
        return not self.json and not self.csv and sys.stdout.isatty()

    def list(self, documents: Iterable[Document], columns: Sequence[Column], footer: str = "") -> int:
        """Print documents in the form wanted; gives how many there were."""
        if self.csv:
            return _print_csv(documents, self.fields or _csv_fields(columns))
        if self.table and not self.fields:
            return _print_table(documents, columns, footer)
        return _print_json(documents, self.fields)


def format_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --json, --csv, --fields and --utc to a command, as one `form` argument."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON document a line.")
    @click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values.")
    @click.option("--fields", help="Only these fields (dotted names, comma between).")
    @click.option("--utc", is_flag=True, help="Times in UTC.")
    def wrapped(*args: Any, as_json: bool, as_csv: bool, fields: str | None, utc: bool, **kwargs: Any) -> Any:  # noqa: ANN401
        names = tuple(name.strip() for name in fields.split(",") if name.strip()) if fields else ()
        return function(*args, form=Format(as_json, as_csv, names, utc), **kwargs)

    wrapped.__name__, wrapped.__doc__ = function.__name__, function.__doc__
    wrapped.__click_params__ = [*getattr(function, "__click_params__", []), *wrapped.__click_params__]  # type: ignore[attr-defined]
    return wrapped


def _print_json(documents: Iterable[Document], fields: Sequence[str]) -> int:
    terminal = sys.stdout.isatty()
    count = 0
    for document in documents:
        shown = {name: pick(document, name) for name in fields} if fields else document
        sys.stdout.write(json_line(shown, terminal=terminal) + "\n")
        count += 1
    return count


def _csv_fields(columns: Sequence[Column]) -> tuple[str, ...]:
    del columns
    return (
        "@timestamp", "event.id", "bavn.level", "rule.name", "source.ip", "source.port", "destination.ip",
        "destination.port", "bavn.agency", "bavn.sensor",
    )  # fmt: skip


def _print_csv(documents: Iterable[Document], fields: Sequence[str]) -> int:
    writer = csv.writer(sys.stdout)
    writer.writerow(fields)
    count = 0
    for document in documents:
        writer.writerow([csv_cell("" if (value := pick(document, name)) is None else value) for name in fields])
        count += 1
    return count


def _print_table(documents: Iterable[Document], columns: Sequence[Column], footer: str) -> int:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(no_color="NO_COLOR" in os.environ or None, highlight=False, markup=False, emoji=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    for column in columns:
        table.add_column(column.title, overflow="ellipsis", no_wrap=True, ratio=1 if column.wide else None)
    count = 0
    for document in documents:
        table.add_row(*(Text(safe(c.cell(document), 400), style=c.style(document)) for c in columns))
        count += 1
    if count:
        console.print(table)
    if footer:
        console.print(Text(footer, style="dim"))
    return count

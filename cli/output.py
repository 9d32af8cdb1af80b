"""Two faces of every list: a table on a terminal, JSON Lines in a pipe."""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from cli.safe import csv_cell, json_line, safe
from cli.terminal import ascii_only

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

MOST_ROWS: Final = 1_000
"""Rows of a table on a terminal; more are counted, and the other forms give all."""


def level_text(level: str) -> str:
    """Give a level's glyph and word."""
    glyph, plain, _ = LEVEL_MARKS.get(level, ("·", "-", ""))
    return f"{plain if ascii_only() else glyph} {safe(level.upper())}"


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
    """A table's column.

    Attributes:
        title: its heading.
        cell: gives a document's cell.
        style: gives the cell's style.
        wide: may be cut, and takes the room that is left.
        drop: left out first of all columns where the terminal is narrow; 0 is never left out, then 1, 2, …
    """

    title: str
    cell: Callable[[Document], object]
    style: Callable[[Document], str] = lambda _: ""
    wide: bool = False
    drop: int = 0


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

    @property
    def raw(self) -> bool:
        """True where whole documents are wanted."""
        return not self.table and not self.csv and not self.fields

    def writer(self, columns: Sequence[Column], csv_fields: Sequence[str] = (), out: TextIO | None = None) -> Writer:
        """Give what takes documents one by one and writes them to `out`, else to stdout."""
        if self.csv:
            return CsvWriter(self.fields or csv_fields, out or sys.stdout)
        if self.table:
            return TableWriter([_field(name) for name in self.fields] if self.fields else columns)
        return JsonWriter(self.fields, out or sys.stdout)

    def list(
        self,
        documents: Iterable[Document],
        columns: Sequence[Column],
        footer: str = "",
        csv_fields: Sequence[str] = (),
    ) -> int:
        """Print documents in the form wanted; gives how many there were."""
        writer = self.writer(columns, csv_fields)
        for document in documents:
            writer.add(document)
        writer.close(footer)
        return writer.count


def _field(name: str) -> Column:
    def cell(document: Document) -> str:
        value = pick(document, name)
        if isinstance(value, list):
            return " ".join(map(str, value))
        return "" if value is None else str(value)

    return Column(name, cell, wide=True)


class Writer:
    """Takes documents; what it can it writes at once."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, document: Document) -> None:
        """Take one document."""
        self.count += 1
        self._take(document)

    def close(self, footer: str = "") -> None:
        """Write what is left, and on a terminal the footer."""

    def _take(self, document: Document) -> None:
        raise NotImplementedError


class JsonWriter(Writer):
    """One JSON document a line."""

    def __init__(self, fields: Sequence[str], out: TextIO) -> None:
        super().__init__()
        self._fields = fields
        self._out = out
        self._terminal = out.isatty()

    def _take(self, document: Document) -> None:
        shown = {name: pick(document, name) for name in self._fields} if self._fields else document
        self._out.write(json_line(shown, terminal=self._terminal) + "\n")


class CsvWriter(Writer):
    """Comma-separated values with a heading."""

    def __init__(self, fields: Sequence[str], out: TextIO) -> None:
        super().__init__()
        self._fields = fields
        self._writer = csv.writer(out, lineterminator="\n")
        self._writer.writerow(fields)

    def _take(self, document: Document) -> None:
        values = (pick(document, name) for name in self._fields)
        self._writer.writerow(["" if value is None else csv_cell(value) for value in values])


class TableWriter(Writer):
    """A table fitted to the terminal; it is written at the end."""

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__()
        self._columns = columns
        self._rows: list[list[tuple[str, str]]] = []

    def _take(self, document: Document) -> None:
        from cli.table import row

        if self.count <= MOST_ROWS:
            self._rows.append(row(self._columns, document))

    def close(self, footer: str = "") -> None:
        """Write the table and the footer."""
        from cli.table import show

        left_out = self.count - len(self._rows)
        more = f"{left_out:,} more rows are not shown (--json gives all)" if left_out else ""
        show(self._columns, self._rows, [line for line in (more, footer) if line])


def format_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --json, --csv, --fields and --utc to a command, as one `form` argument."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON document a line.")
    @click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values.")
    @click.option("--fields", help="Only these fields (dotted names, comma between).")
    @click.option("--utc", is_flag=True, help="Times in UTC.")
    def wrapped(*args: Any, as_json: bool, as_csv: bool, fields: str | None, utc: bool, **kwargs: Any) -> Any:  # noqa: ANN401
        if as_json and as_csv:
            raise click.UsageError("--json and --csv exclude each other")
        names = tuple(name.strip() for name in fields.split(",") if name.strip()) if fields else ()
        return function(*args, form=Format(as_json, as_csv, names, utc), **kwargs)

    wrapped.__name__, wrapped.__doc__ = function.__name__, function.__doc__
    wrapped.__click_params__ = [*getattr(function, "__click_params__", []), *wrapped.__click_params__]  # type: ignore[attr-defined]
    return wrapped

"""A table fitted to the terminal's width: columns that matter less go first, then the wide ones are cut."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.safe import safe
from cli.terminal import width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.output import Column, Document

Row = list[tuple[str, str]]

_MOST_CHARACTERS: Final = 400
_BETWEEN: Final = 2
_LEAST_WIDE: Final = 24


def row(columns: Sequence[Column], document: Document) -> Row:
    """Give a document's cells (safe text, style)."""
    return [(safe(_text(c.cell(document)), _MOST_CHARACTERS), c.style(document)) for c in columns]


def _text(value: object) -> str:
    return "" if value is None else str(value)


def show(columns: Sequence[Column], rows: Sequence[Row], footers: Sequence[str]) -> None:
    """Print rows and footers."""
    plain = "NO_COLOR" in os.environ
    console = Console(color_system=None if plain else "auto", highlight=False, markup=False, emoji=False, width=width())
    if rows:
        console.print(_table(columns, rows, console.width))
    for footer in footers:
        console.print(Text(safe(footer), style="dim"), soft_wrap=True)


def _table(columns: Sequence[Column], rows: Sequence[Row], room: int) -> Table:
    needed = [max(cell_len(c.title), *(cell_len(line[at][0]) for line in rows)) for at, c in enumerate(columns)]
    widths = fit(columns, needed, room)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False, padding=(0, _BETWEEN - 1, 0, 0), show_edge=False)
    for at, most in widths.items():
        table.add_column(columns[at].title, overflow="ellipsis", no_wrap=True, width=most)
    for line in rows:
        table.add_row(*(Text(line[at][0], style=line[at][1]) for at in widths))
    return table


def fit(columns: Sequence[Column], needed: Sequence[int], room: int) -> dict[int, int]:
    """Choose columns and their widths.

    Args:
        columns: the table's columns.
        needed: width of each column's widest cell.
        room: the terminal's columns.

    Returns:
        Width by the column's place; a column that is left out is not in it.
    """
    shown = list(range(len(columns)))
    leaving = sorted((at for at in shown if columns[at].drop), key=lambda at: columns[at].drop)
    while _least(columns, needed, shown) > room and leaving:
        shown.remove(leaving.pop(0))
    widths = {at: needed[at] for at in shown}
    _cut(widths, [at for at in shown if columns[at].wide], room)
    _cut(widths, shown, room)
    return widths


def _least(columns: Sequence[Column], needed: Sequence[int], shown: Sequence[int]) -> int:
    least = (min(needed[at], _LEAST_WIDE) if columns[at].wide else needed[at] for at in shown)
    return sum(least) + _BETWEEN * len(shown)


def _cut(widths: dict[int, int], may_shrink: Sequence[int], room: int) -> None:
    """Take from the widest until all fits."""
    over = sum(widths.values()) + _BETWEEN * len(widths) - room
    while over > 0 and may_shrink:
        widest = max(may_shrink, key=lambda at: widths[at])
        if widths[widest] <= 1:
            return
        widths[widest] -= 1
        over -= 1

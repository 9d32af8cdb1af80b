"""Text from the wire can do nothing to a terminal, a spreadsheet or a table, whatever it is."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from alerts_data import alert
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.alert_view import describe
from cli.output import Column, CsvWriter, TableWriter
from cli.safe import csv_cell, json_line, json_text, safe
from cli.table import fit
from collector.store import StoredAlert
from collector.store.protocol import AlertState

HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
ATTACKS = st.sampled_from(
    ["\x1b[2J", "\x9b31m", "\u202e", "[/etc/passwd]", "[link=x]y[/link]", "\r", "\t", "\x7f", "=1+1", "\ud800"]
)
WIRE_TEXT = st.lists(st.one_of(st.text(st.characters()), ATTACKS), max_size=5).map("".join)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), WIRE_TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(WIRE_TEXT, inner, max_size=4)),
    max_leaves=12,
)


def hidden(text: str) -> list[str]:
    return [char for char in text if unicodedata.category(char) in HIDDEN]


@given(WIRE_TEXT)
def test_no_hidden_character_is_shown(text: str) -> None:
    assert hidden(safe(text)) == []


@given(WIRE_TEXT.filter(lambda text: not hidden(text)))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert safe(text, len(text)) == text


@given(st.dictionaries(WIRE_TEXT, VALUES, max_size=4), st.booleans())
def test_a_line_of_json_hides_nothing_and_keeps_the_data(document: dict[str, Any], terminal: bool) -> None:  # noqa: FBT001
    line = json_line(document, terminal=terminal)
    assert hidden(line) == []
    assert not terminal or line.isascii()
    assert json.loads(line) == document


@given(st.lists(st.dictionaries(WIRE_TEXT, WIRE_TEXT, max_size=3), min_size=1, max_size=3))
def test_the_engines_lines_of_json_keep_their_data(documents: list[dict[str, str]]) -> None:
    lines = "\n".join(json.dumps(document, ensure_ascii=False) for document in documents)
    engine = lines.encode("utf-8", "replace")
    shown = json_text(engine)
    assert hidden(shown.replace("\n", "")) == []
    assert [json.loads(line) for line in shown.split("\n")] == [json.loads(x) for x in engine.decode().split("\n")]


@given(WIRE_TEXT)
def test_no_csv_cell_is_a_formula(text: str) -> None:
    cell = csv_cell(text)
    assert hidden(cell) == []
    assert cell.lstrip()[:1] not in {"=", "+", "-", "@"}


@given(st.lists(WIRE_TEXT, min_size=1, max_size=4))
def test_a_csv_row_is_one_line_of_as_many_cells(texts: list[str]) -> None:
    out = io.StringIO()
    CsvWriter([str(at) for at in range(len(texts))], out).add({str(at): text for at, text in enumerate(texts)})
    assert [len(row) for row in csv.reader(io.StringIO(out.getvalue()))] == [len(texts)] * 2


@given(st.lists(WIRE_TEXT, min_size=1, max_size=4), st.integers(40, 120))
@settings(deadline=None)
def test_a_table_shows_nothing_but_printable_text(texts: list[str], columns: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        out = io.StringIO()
        patch.setattr("sys.stdout", out)
        patch.setenv("COLUMNS", str(columns))
        writer = TableWriter([Column("name", lambda d: d["name"], wide=True), Column("no", lambda d: d["no"])])
        for number, text in enumerate(texts):
            writer.add({"name": text, "no": number})
        writer.close("\x1b[2Jfooter")
    assert hidden(out.getvalue().replace("\n", "")) == []


def test_markup_is_text_in_a_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    writer = TableWriter([Column("name", lambda d: d["name"])])
    for text in ("[/etc/passwd]", "[link=http://evil.example]x[/link]", "[bold]y[/bold]", ":smile:"):
        writer.add({"name": text})
    writer.close("[red]z[/red]")
    shown = capsys.readouterr().out
    for text in ("[/etc/passwd]", "[link=http://evil.example]x[/link]", "[bold]y[/bold]", ":smile:", "[red]z[/red]"):
        assert text in shown


@given(
    st.lists(st.tuples(st.integers(1, 200), st.booleans(), st.integers(0, 4)), min_size=1, max_size=9),
    st.integers(40, 200),
)
def test_a_table_fits_its_room(columns: list[tuple[int, bool, int]], room: int) -> None:
    made = [Column(str(at), str, wide=wide, drop=drop) for at, (_, wide, drop) in enumerate(columns)]
    widths = fit(made, [needed for needed, _, _ in columns], room)
    assert sum(widths.values()) + 2 * len(widths) <= room or set(widths.values()) == {1}
    assert all(at in widths for at, column in enumerate(made) if not column.drop)


def with_text_everywhere(node: Any, text: str) -> Any:
    if isinstance(node, dict):
        return {key: with_text_everywhere(value, text) for key, value in node.items()}
    if isinstance(node, list):
        return [with_text_everywhere(value, text) for value in node]
    return text if isinstance(node, str) else node


@given(WIRE_TEXT)
@settings(deadline=None)
def test_no_field_of_an_alert_reaches_the_terminal_raw(text: str) -> None:
    document = with_text_everywhere(alert(1), text)
    stored = StoredAlert(alert=document, ingested=datetime.now(UTC), state=AlertState())
    for line in describe(stored):
        assert hidden(line) == []

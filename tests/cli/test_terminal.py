"""What a person sees on a terminal: no attack from the wire, the chosen colours, the table or the JSON."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING

import pytest
from cli_calls import call, on_terminal

if TYPE_CHECKING:
    from pathlib import Path

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
VIEWS = [
    ("alerts", "ls"),
    ("alerts", "ls", "--json"),
    ("alerts", "ls", "--csv"),
    ("alerts", "ls", "--fields", "rule.name,url.full"),
    ("alerts", "export"),
    ("minlog",),
    ("status",),
]


def dangerous(text: str) -> list[str]:
    return [char for char in COLOUR.sub("", text) if char != "\n" and unicodedata.category(char) in HIDDEN]


def identifiers(home: Path) -> list[str]:
    return [json.loads(line)["event"]["id"] for line in call("alerts", "ls", home=home).out.splitlines()]


@pytest.mark.parametrize("view", VIEWS, ids=" ".join)
def test_no_view_lets_an_attack_through(hostile: Path, view: tuple[str, ...]) -> None:
    shown = on_terminal(*view, home=hostile)
    assert shown.code == 0, shown.out
    assert dangerous(shown.out) == []
    assert dangerous(call(*view, home=hostile).out) == []


def test_no_alert_attacks_who_opens_it(hostile: Path) -> None:
    for name in identifiers(hostile)[:4]:
        shown = on_terminal("alerts", "show", name, home=hostile)
        assert shown.code == 0
        assert dangerous(shown.out) == []


def test_markup_is_shown_as_it_was_sent(hostile: Path) -> None:
    shown = COLOUR.sub("", on_terminal("alerts", "ls", "--fields", "rule.name", home=hostile).out)
    assert "[/etc/passwd]" in shown
    assert "[link=http://evil.example]click[/link]" in shown
    assert "\\x1b[2J" in shown


def test_a_table_has_colours_words_and_a_footer(hostile: Path) -> None:
    shown = on_terminal("alerts", "ls", home=hostile).out
    assert COLOUR.search(shown)
    assert "▲ HIGH" in shown
    assert f"next: bavn --home {hostile} alerts show " in COLOUR.sub("", shown)


def test_no_color_means_none(hostile: Path) -> None:
    for view in (("alerts", "ls"), ("alerts", "show", identifiers(hostile)[0])):
        assert "\x1b" not in on_terminal(*view, home=hostile, NO_COLOR="1").out


def test_a_terminal_of_ascii_gets_ascii(hostile: Path) -> None:
    for view in (("alerts", "ls"), ("alerts", "show", identifiers(hostile)[0]), ("status",), ("doctor",)):
        shown = on_terminal(*view, home=hostile, LC_ALL="C").out
        assert shown.isascii(), shown
    assert "! HIGH" in on_terminal("alerts", "ls", home=hostile, LC_ALL="C").out


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_a_table_fits_the_terminal(site: Path, columns: int) -> None:
    shown = COLOUR.sub("", on_terminal("alerts", "ls", home=site, columns=columns).out)
    assert max(len(line) for line in shown.splitlines()[:-1]) <= columns


def test_times_are_local_with_their_zone_or_utc(hostile: Path) -> None:
    local = on_terminal("alerts", "ls", home=hostile, TZ="Europe/Copenhagen").out
    assert "10:14" in local
    assert "+01" in local
    utc = on_terminal("alerts", "ls", "--utc", home=hostile, TZ="Europe/Copenhagen").out
    assert "09:14" in utc
    assert "Z" in utc


def test_an_alert_is_shown_with_why_who_and_what_next(site: Path) -> None:
    name = identifiers(site)[0][:6]
    shown = COLOUR.sub("", on_terminal("alerts", "show", name, home=site).out)
    labels = [line.split(" ")[0] for line in shown.splitlines()]
    for label in ("Why", "Who", "When", "ATT&CK", "May", "Rule", "Evidence", "Contract", "State", "Next"):
        assert label in labels
    assert f"evidence show {name}" in shown

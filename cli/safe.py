r"""Text that came from the wire, made safe to show: the one way to a terminal.

Control bytes, escape sequences, bidirectional overrides and other invisible characters are shown as `\xNN` or
`\uNNNN`, so that what an analyst sees is what was there (hazard: terminal escapes and bidi in attacker-made fields).
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from typing import Any, Final

from cli.terminal import ascii_only

_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LATIN_1: Final = 0xFF
_BMP: Final = 0xFFFF
_DELETE: Final = "\x7f"
_NOT_PLAIN: Final = re.compile(r"[^\x20-\x7e]")
_FORMULA_STARTS: Final = frozenset("=+-@＝＋－＠")  # noqa: RUF001  (some spreadsheets take the wide signs too)


def safe(text: object, limit: int = 4_096) -> str:
    """Make any value a text that cannot do anything to a terminal.

    Args:
        text: the value.
        limit: characters shown at most; a cut is shown as `…`.
    """
    plain = str(text)
    cut = plain[:limit]
    shown = cut if cut.isascii() and cut.isprintable() else "".join(map(_shown, cut))
    return shown + "…" if len(plain) > limit else shown


def _shown(char: str) -> str:
    if unicodedata.category(char) not in _HIDDEN_CATEGORIES:
        return char
    code = ord(char)
    if code <= _LATIN_1:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _BMP else f"\\U{code:08x}"


def json_line(document: Any, *, terminal: bool) -> str:  # noqa: ANN401
    """Write a document as one line of JSON; nothing in it is hidden, on a terminal all but printable ASCII is escaped."""
    return show_hidden(json.dumps(document, ensure_ascii=terminal or ascii_only(), separators=(",", ":")))


def json_text(document: bytes) -> str:
    """Give lines of JSON that others wrote as `json_line` would have written them; the data stay the same."""
    text = document.decode("utf-8", "replace")
    if sys.stdout.isatty() or ascii_only():
        return "\n".join(_NOT_PLAIN.sub(_escaped, line) for line in text.split("\n"))
    return "\n".join(map(show_hidden, text.split("\n")))


def show_hidden(text: str) -> str:
    """Escape the hidden characters of a line of JSON, which changes its text and not its data."""
    if text.isascii() and _DELETE not in text:
        return text
    return _NOT_PLAIN.sub(lambda found: found[0] if _shown(found[0]) == found[0] else _escaped(found), text)


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1] if found[0] != _DELETE else "\\u007f"


def csv_cell(value: object) -> str:
    """Make a value a CSV cell that no spreadsheet takes for a formula and no terminal for a command."""
    if isinstance(value, (list, tuple)):
        return csv_cell(" ".join(map(str, value)))
    text = safe(value, sys.maxsize)
    is_formula = isinstance(value, str) and text.lstrip()[:1] in _FORMULA_STARTS
    return f"'{text}" if is_formula else text

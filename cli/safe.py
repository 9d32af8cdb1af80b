r"""Text that came from the wire, made safe to show: the one way to a terminal.

Control bytes, escape sequences, bidirectional overrides and other invisible characters are shown as `\xNN` or
`\uNNNN`, so that what an analyst sees is what was there (hazard: terminal escapes and bidi in attacker-made fields).
"""

from __future__ import annotations

import json
import unicodedata
from typing import Any, Final

_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LATIN_1: Final = 0xFF
_BMP: Final = 0xFFFF


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
    """Write a document as one line of JSON; on a terminal all but printable ASCII is escaped."""
    return json.dumps(document, ensure_ascii=terminal, separators=(",", ":"))


def csv_cell(value: object) -> str:
    """Make a value a CSV cell that no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text

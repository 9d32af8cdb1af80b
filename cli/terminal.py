"""What the terminal can show, and how the next command is written for it."""

from __future__ import annotations

import codecs
import io
import os
import shlex
import shutil
import sys
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from pathlib import Path

_PLAIN: Final = {
    "▲": "!", "●": "*", "·": "-", "…": "...", "→": "->", "✔": "ok", "✘": "!!", "│": "|", "┌": "+", "─": "-", "±": "+-",
}  # fmt: skip
"""Our own signs, for terminals that take ASCII alone."""

_C_LOCALES: Final = frozenset({"C", "POSIX"})
_HANDLER: Final = "bavn.plain"
_MIN_WIDTH: Final = 40
_named_home: list[str] = []


def ascii_only() -> bool:
    """Tell whether the terminal takes ASCII alone: by the stream's encoding, or by a locale that says so."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    # Python itself turns the C locale into UTF-8, so the encoding alone does not tell.
    return encoding not in {"utf8", "utf16"} or _locale() in _C_LOCALES


def _locale() -> str:
    env = os.environ
    if env.get("LC_ALL"):
        return env["LC_ALL"]
    coerced = env.get("LC_CTYPE") in {None, "", "C.UTF-8"}
    return env.get("LANG", "") if coerced else env["LC_CTYPE"]


def prepare() -> None:
    """Make stdout and stderr take every text: what they cannot show is replaced, never an exception."""
    codecs.register_error(_HANDLER, _replace)
    plain = ascii_only()
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, io.TextIOWrapper):
            continue
        if plain:
            stream.reconfigure(encoding="ascii", errors=_HANDLER)
        else:
            stream.reconfigure(errors="backslashreplace")


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(_PLAIN.get(char) or char.encode("ascii", "backslashreplace").decode() for char in bad), error.end


def width() -> int:
    """Give the terminal's columns."""
    return max(shutil.get_terminal_size().columns, _MIN_WIDTH)


def name_home(home: Path | None) -> None:
    """Remember that this call named its home, so that the commands that it proposes do so too."""
    _named_home[:] = [] if home is None else [str(home)]


def command(text: str) -> str:
    """Write a command of ours as it can be typed here."""
    home = f" --home {shlex.quote(_named_home[0])}" if _named_home else ""
    return f"bavn{home} {text}"


_ANSI: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def colour(text: str, style: str, stream: TextIO) -> str:
    """Colour a text for a terminal, as its style says; NO_COLOR and pipes get it as it is."""
    if not style or "NO_COLOR" in os.environ or not stream.isatty():
        return text
    codes = ";".join(_ANSI[word] for word in style.split())
    return f"\x1b[{codes}m{text}\x1b[0m"

"""Personal data found in text and taken out: CPR numbers, e-mail addresses, and what a URL may carry.

A text is looked at as it is and percent-decoded, so that an encoding hides nothing. All patterns are linear or
bounded: the text comes from the wire.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence

_DECODINGS: Final = 2
"""Rounds of percent-decoding: an encoded target in a query of another one is encoded twice."""

# Letters of all scripts, their accents where they stand apart, and the `\xNN` of bytes that are no UTF-8.
_LETTERS: Final = r"\w\u0300-\u036f\\"
_CPR: Final = re.compile(r"(?<!\d)(\d{6})[-+ \u00a0\u2010-\u2015\u2212]?\d{4}(?!\d)")
_EMAIL: Final = re.compile(
    rf"(?<![{_LETTERS}.+'-])[{_LETTERS}.+'-]++@(?:[{_LETTERS}-]{{1,63}}\.){{1,8}}(?:xn--[a-z0-9-]{{1,59}}|[^\W\d_]{{2,24}})",
    re.IGNORECASE,
)
_ESCAPES: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_USERINFO: Final = re.compile(r"//[^/?#\s\\]+@")
_BEHIND_PATH: Final = re.compile(r"[?#](?=.)", re.DOTALL)
_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_cpr_date(six: str) -> bool:
    """Tell whether DDMMYY is a day of a calendar (29 February counts in any year)."""
    day, month = int(six[:2]), int(six[2:4])
    return 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]  # noqa: PLR2004


def redact_text(text: str, kinds: frozenset[str], found: Counter[str]) -> str:
    """Take CPR numbers and e-mail addresses out of a text.

    Numbers without a check digit have been given out since 2007, so the date alone makes a CPR number.

    Args:
        text: any text.
        kinds: which of `cpr` and `email` are taken out.
        found: counts what was taken out, by kind (`cpr`, `email`).
    """
    kept: list[str] = []
    end = 0
    for start, stop, kind in _joined(sorted(_spans(text, kinds))):
        found[kind] += 1
        kept += [text[end:start], f"[{kind}]"]
        end = stop
    return "".join([*kept, text[end:]]) if kept else text


def _spans(text: str, kinds: frozenset[str]) -> Iterator[tuple[int, int, str]]:
    for view, places in _views(text):
        if "cpr" in kinds:
            for match in _CPR.finditer(view):
                if is_cpr_date(match[1]):
                    yield places[match.start()], places[match.end()], "cpr"
        if "email" in kinds and "@" in view:
            for match in _EMAIL.finditer(view):
                yield places[match.start()], places[match.end()], "email"


def _joined(spans: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """Make one of those that overlap; an address with a number in it is an address."""
    joined: list[tuple[int, int, str]] = []
    for start, stop, kind in spans:
        if joined and start < joined[-1][1]:
            first, last, before = joined.pop()
            joined.append((first, max(last, stop), max(before, kind)))
        else:
            joined.append((start, stop, kind))
    yield from joined


def _views(text: str) -> Iterator[tuple[str, Sequence[int]]]:
    """Give the text and its decodings, each with the place in `text` of each of its characters and of its end."""
    places: Sequence[int] = range(len(text) + 1)
    yield text, places
    for _ in range(_DECODINGS):
        if "%" not in text:
            return
        text, places = _decoded(text, places)
        yield text, places


def _decoded(text: str, places: Sequence[int]) -> tuple[str, list[int]]:
    parts: list[str] = []
    where: list[int] = []
    end = 0
    for match in _ESCAPES.finditer(text):
        start = match.start()
        where += places[end:start]
        plain = bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "surrogateescape")
        parts += [text[end:start], plain]
        for char in plain:
            where.append(places[start])
            start += 3 * len(char.encode("utf-8", "surrogateescape"))
        end = match.end()
    where += places[end:]
    return "".join([*parts, text[end:]]), where


def redact_userinfo(text: str, found: Counter[str]) -> str:
    """Take user and password out of each URL in a text (RFC 3986, section 3.2.1)."""
    text, count = _USERINFO.subn("//[authorization]@", text)
    if count:
        found["authorization"] += count
    return text


def redact_query(url: str, found: Counter[str]) -> str:
    """Take the query or fragment, and what stands behind it, off a URL or request target."""
    mark = _BEHIND_PATH.search(url)
    if mark is None:
        return url
    found["query"] += 1
    return f"{url[: mark.start()]}{mark[0]}[query]"

"""Personal data found in text and taken out: CPR numbers and e-mail addresses.

All patterns are linear or bounded: the text comes from the wire.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections import Counter

_CPR: Final = re.compile(r"(?<!\d)(\d{6})(?:[-+ \u2010-\u2015]|%2[Dd]|%20)?(\d{4})(?!\d)")
_EMAIL: Final = re.compile(
    r"[A-Za-z0-9._+'-]{1,64}(?:@|%40)(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}",
)
_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_WEIGHTS: Final = (4, 3, 2, 7, 6, 5, 4, 3, 2, 1)


def is_cpr_date(six: str) -> bool:
    """Tell whether DDMMYY is a day of a calendar (29 February counts in any year)."""
    day, month = int(six[:2]), int(six[2:4])
    return 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]  # noqa: PLR2004


def has_cpr_check_digit(ten: str) -> bool:
    """Tell whether ten digits pass the modulus-11 check that numbers given out before October 2007 pass."""
    return sum(int(d) * w for d, w in zip(ten, _WEIGHTS, strict=True)) % 11 == 0


def _is_cpr(match: re.Match[str]) -> bool:
    # Numbers without the check digit have been given out since 2007, so the date alone decides.
    return is_cpr_date(match[1])


def redact_text(text: str, kinds: frozenset[str], found: Counter[str]) -> str:
    """Take CPR numbers and e-mail addresses out of a text.

    Args:
        text: any text.
        kinds: which of `cpr` and `email` are taken out.
        found: counts what was taken out, by kind (`cpr`, `email`).
    """

    def cpr(match: re.Match[str]) -> str:
        if not _is_cpr(match):
            return match[0]
        found["cpr"] += 1
        return "[cpr]"

    def email(_: re.Match[str]) -> str:
        found["email"] += 1
        return "[email]"

    if "cpr" in kinds:
        text = _CPR.sub(cpr, text)
    if "email" in kinds and ("@" in text or "%40" in text):
        text = _EMAIL.sub(email, text)
    return text


def redact_query(url: str, found: Counter[str]) -> str:
    """Take the query, and what stands behind it, off a URL or request target."""
    head, mark, tail = url.partition("?")
    if not mark or not tail:
        return url
    found["query"] += 1
    return f"{head}?[query]"

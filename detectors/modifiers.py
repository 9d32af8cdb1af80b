r"""Value modifiers whose stock versions lose bytes, under names of our own.

pySigma has no `utf16le`; its `utf16` writes the byte order mark as UTF-8; its base64
modifiers encode `*` as `\\*` and count characters in place of bytes. The versions here
keep bytes that are no UTF-8 as surrogates (PEP 383); the backend turns those into a
byte-wise regular expression. `rename` leads a rule's keys to them.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any, Final

from sigma.exceptions import SigmaValueError
from sigma.modifiers import SigmaModifier, SigmaValueModifier, modifier_mapping
from sigma.types import SigmaExpansion, SigmaString, SpecialChars

PREFIX: Final = "bavn_"
# windash makes five of each dash: 5^3 values at most.
MAX_WINDASHES: Final = 3
_WINDASH: Final = re.compile(r"\B[-/]\b")


class _Utf16(SigmaValueModifier[SigmaString, SigmaString]):
    encoding = "utf-16-le"
    mark = b""

    def modify(self, val: SigmaString) -> SigmaString:
        """Every part in the encoding."""
        parts: list[Any] = [_text(part.encode(self.encoding)) if isinstance(part, str) else part for part in val.s]
        return _like(val, [_text(self.mark), *parts] if self.mark else parts)


class Utf16Le(_Utf16):
    """Text as UTF-16, little end first (also `wide`)."""


class Utf16Be(_Utf16):
    """Text as UTF-16, big end first."""

    encoding = "utf-16-be"


class Utf16(_Utf16):
    """Text as UTF-16, little end first, with byte order mark."""

    mark = b"\xff\xfe"


class Base64(SigmaValueModifier[SigmaString, SigmaString]):
    """Text as base64."""

    def modify(self, val: SigmaString) -> SigmaString:
        """The encoded text."""
        return SigmaString.from_str(b64encode(_plain(val, self)).decode())


class Base64Offset(SigmaValueModifier[SigmaString, SigmaExpansion]):
    """The three forms that text takes inside a longer base64 text."""

    def modify(self, val: SigmaString) -> SigmaExpansion:
        """One text for each offset."""
        raw = _plain(val, self)
        return SigmaExpansion([SigmaString.from_str(_at_offset(raw, n)) for n in range(3)])


_OWN: Final[dict[str, type[SigmaModifier[Any, Any]]]] = {
    "wide": Utf16Le,
    "utf16le": Utf16Le,
    "utf16be": Utf16Be,
    "utf16": Utf16,
    "base64": Base64,
    "base64offset": Base64Offset,
}
modifier_mapping.update({PREFIX + name: modifier for name, modifier in _OWN.items()})

NAMES: Final = frozenset(n for n in modifier_mapping if not n.startswith(PREFIX)) | {"utf16le"}


def rename(key: str) -> str:
    """A detection's key with our versions of the modifiers."""
    name, *modifiers = key.split("|")
    return "|".join([name, *(PREFIX + m if m in _OWN else m for m in modifiers)])


def too_many_windashes(value: object) -> bool:
    """True where `windash` would make too many values of one."""
    return isinstance(value, str) and len(_WINDASH.findall(value)) > MAX_WINDASHES


def _at_offset(raw: bytes, offset: int) -> str:
    """Only the characters that depend on `raw` alone."""
    encoded = b64encode(b" " * offset + raw)
    start = (0, 2, 3)[offset]
    end = (None, -3, -2)[(len(raw) + offset) % 3]
    return encoded[start:end].decode()


def _plain(value: SigmaString, modifier: SigmaModifier[Any, Any]) -> bytes:
    if any(isinstance(part, SpecialChars) for part in value.s):
        raise SigmaValueError("base64 of a value with wildcards", source=modifier.source)
    return b"".join(part.encode("utf-8", "surrogateescape") for part in value.s if isinstance(part, str))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _like(value: SigmaString, parts: list[Any]) -> SigmaString:
    found = value.__class__()
    found.s = parts
    return found

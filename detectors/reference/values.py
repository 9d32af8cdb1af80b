r"""What a value of a rule means: text with its wildcards, and every modifier, one after the other from left to right.

A key of a detection is `field|modifier|modifier`. Its values are joined by *or*, with `all` by *and*; `neq` is the NOT of
the whole. A modifier may make several texts of one (`windash`, `base64offset`, `expand`): any of them will do.
"""

from __future__ import annotations

import itertools
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from detectors.reference.operators import ANY_ONE, ANY_RUN

# The dashes that Windows takes for one: hyphen, slash, en dash, em dash, horizontal bar.
DASHES: Final = ("-", "/", "\u2013", "\u2014", "\u2015")
_DASH: Final = re.compile(r"\B[-/]\b")
_PLACEHOLDER: Final = re.compile(r"%([^%\s]+)%")
_WILDCARDS: Final = {"*": ANY_RUN, "?": ANY_ONE}
_FLAGS: Final = {"i": "i", "ignorecase": "i", "m": "m", "multiline": "m", "s": "s", "dotall": "s"}
# What is cut from base64 at its start and end, because it also depends on the bytes around.
_CUT_START: Final = (0, 2, 3)
_CUT_END: Final = (0, 3, 2)

Placeholders = Mapping[str, Sequence[str]]


class ValueReadingError(ValueError):
    """A value that its modifiers cannot be applied to."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text as tokens: strings, 1 for `*`, 2 for `?`. `raw` is the value as it was written."""

    tokens: tuple[str | int, ...]
    raw: str
    cased: bool = False


@dataclass(frozen=True, slots=True)
class Plain:
    """A number, a truth value, or None."""

    value: float | bool | None


@dataclass(frozen=True, slots=True)
class Test:
    """What `re`, `cidr`, `gt`, … make of a value: an operator with its operand; `more`: flags, mode, part."""

    op: str
    operand: Any
    more: Mapping[str, str]


Value = Text | Plain | Test


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a detection. Of each group any value will do; of the groups any, or all."""

    field: str
    groups: tuple[tuple[Value, ...], ...]
    needs_all: bool
    is_negated: bool


def read_item(key: str, given: object, placeholders: Placeholders) -> Item:
    """A key with its value or list of values. Raises ValueReadingError."""
    field, *modifiers = key.split("|")
    groups = tuple(_modified(one, modifiers, placeholders) for one in (given if isinstance(given, list) else [given]))
    return Item(field, groups, "all" in modifiers, "neq" in modifiers)


def _modified(given: object, modifiers: Sequence[str], placeholders: Placeholders) -> tuple[Value, ...]:
    values: list[Value] = [read_value(given)]
    for name in modifiers:
        if name == "expand":
            values = [made for value in values for made in _expand(value, placeholders)]
        elif name not in ("all", "neq"):
            if name not in MODIFIERS:
                raise ValueReadingError(f"there is no modifier `{name}`")
            values = [made for value in values for made in MODIFIERS[name](value)]
    return tuple(values)


def read_value(given: object) -> Value:
    """A value as it stands in the rule."""
    if given is None or isinstance(given, (bool, int, float)):
        return Plain(given)
    return Text(tuple(read_text(str(given))), str(given))


def read_text(raw: str) -> Iterator[str | int]:
    r"""Tokens of a text: `\*`, `\?`, `\\` are the characters themselves; before anything else a backslash is one."""
    plain = ""
    at = 0
    while at < len(raw):
        char, after = raw[at], raw[at + 1 : at + 2]
        if char == "\\" and after in ("*", "?", "\\"):
            plain += after
            at += 2
            continue
        if char in _WILDCARDS:
            if plain:
                yield plain
            yield _WILDCARDS[char]
            plain = ""
        else:
            plain += char
        at += 1
    if plain:
        yield plain


# -- modifiers ----------------------------------------------------------------------------


def _text(value: Value) -> Text:
    if not isinstance(value, Text):
        raise ValueReadingError("the modifier takes text")
    return value


def _number(value: Value) -> float:
    if not isinstance(value, Plain) or value.value is None or isinstance(value.value, bool):
        raise ValueReadingError("the modifier takes a number")
    return value.value


def _around(*, before: bool, after: bool) -> Callable[[Value], list[Value]]:
    """A wildcard at an end that has none. Of an expression it changes nothing, of another field it says where to look."""

    def modify(value: Value) -> list[Value]:
        if isinstance(value, Test) and value.op == "fieldref":
            names = {(True, True): "contains", (False, True): "startswith", (True, False): "endswith"}
            return [replace(value, more={"mode": names[before, after]})]
        if isinstance(value, Test) and value.op == "re":
            return [value]
        text = _text(value)
        head = (ANY_RUN,) if before and text.tokens[:1] != (ANY_RUN,) else ()
        tail = (ANY_RUN,) if after and text.tokens[-1:] != (ANY_RUN,) else ()
        return [replace(text, tokens=(*head, *text.tokens, *tail))]

    return modify


def _encoded(encoding: str, mark: bytes = b"") -> Callable[[Value], list[Value]]:
    """Bytes that are no UTF-8 stand as surrogates (PEP 383)."""

    def modify(value: Value) -> list[Value]:
        text = _text(value)
        parts = [_of_bytes(token.encode(encoding)) if isinstance(token, str) else token for token in text.tokens]
        return [replace(text, tokens=tuple([_of_bytes(mark), *parts] if mark else parts))]

    return modify


def of_hex(digits: str) -> str:
    """Bytes in hexadecimal as the text that they are."""
    return _of_bytes(bytes.fromhex(digits))


def _of_bytes(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _bytes(value: Value) -> bytes:
    tokens = _text(value).tokens
    if any(isinstance(token, int) for token in tokens):
        raise ValueReadingError("a text with wildcards has no base64")
    return "".join(map(str, tokens)).encode("utf-8", "surrogateescape")


def _base64(value: Value) -> list[Value]:
    return [replace(_text(value), tokens=(b64encode(_bytes(value)).decode(),))]


def _base64offset(value: Value) -> list[Value]:
    """The three forms that the bytes take inside a longer base64 text: only characters that depend on them alone."""
    raw = _bytes(value)
    forms = []
    for offset in range(3):
        encoded = b64encode(bytes(offset) + raw).decode()
        end = len(encoded) - _CUT_END[(offset + len(raw)) % 3]
        forms.append(encoded[_CUT_START[offset] : end])
    return [replace(_text(value), tokens=(form,) if form else ()) for form in forms]


def _windash(value: Value) -> list[Value]:
    """Each dash that begins a word, as each of the dashes."""
    text = _text(value)
    choices: list[tuple[str | int, ...]] = []
    for token in text.tokens:
        if isinstance(token, int):
            choices.append((token,))
            continue
        plain, *rest = _DASH.split(token)
        choices.append((plain,))
        for piece in rest:
            choices += [DASHES, (piece,)]
    return [replace(text, tokens=_joined(chosen)) for chosen in itertools.product(*choices)]


def _joined(tokens: Sequence[str | int]) -> tuple[str | int, ...]:
    found: list[str | int] = []
    for token in tokens:
        if isinstance(token, str) and found and isinstance(found[-1], str):
            found[-1] += token
        elif token != "":
            found.append(token)
    return tuple(found)


def _expand(value: Value, placeholders: Placeholders) -> list[Value]:
    """Every `%name%` as each of its values."""
    text = _text(value)
    choices: list[Sequence[Sequence[str | int]]] = []
    for token in text.tokens:
        if isinstance(token, int):
            choices.append([(token,)])
            continue
        for number, piece in enumerate(_PLACEHOLDER.split(token)):
            choices.append(
                [tuple(read_text(one)) for one in _values(piece, placeholders)] if number % 2 else [(piece,)]
            )
    return [replace(text, tokens=_joined([*itertools.chain(*chosen)])) for chosen in itertools.product(*choices)]


def _values(name: str, placeholders: Placeholders) -> Sequence[str]:
    if name not in placeholders:
        raise ValueReadingError(f"the placeholder %{name}% has no value")
    return placeholders[name]


def _flagged(flag: str) -> Callable[[Value], list[Value]]:
    def modify(value: Value) -> list[Value]:
        if not isinstance(value, Test) or value.op != "re":
            raise ValueReadingError("flags belong to regular expressions")
        return [replace(value, more={"flags": value.more.get("flags", "") + flag})]

    return modify


def _exists(value: Value) -> list[Value]:
    if not isinstance(value, Plain) or not isinstance(value.value, bool):
        raise ValueReadingError("`exists` takes true or false")
    return [Test("exists", value.value, {})]


def _comparison(op: str) -> Callable[[Value], list[Value]]:
    return lambda value: [Test(op, _number(value), {})]


def _time_part(part: str) -> Callable[[Value], list[Value]]:
    return lambda value: [Test("time", int(_number(value)), {"part": part})]


MODIFIERS: Final[dict[str, Callable[[Value], list[Value]]]] = {
    "contains": _around(before=True, after=True),
    "startswith": _around(before=False, after=True),
    "endswith": _around(before=True, after=False),
    "cased": lambda value: [replace(_text(value), cased=True)],
    "wide": _encoded("utf-16-le"),
    "utf16le": _encoded("utf-16-le"),
    "utf16be": _encoded("utf-16-be"),
    "utf16": _encoded("utf-16-le", b"\xff\xfe"),
    "base64": _base64,
    "base64offset": _base64offset,
    "windash": _windash,
    "re": lambda value: [Test("re", _text(value).raw, {})],
    **{name: _flagged(flag) for name, flag in _FLAGS.items()},
    "cidr": lambda value: [Test("cidr", _text(value).raw, {})],
    "fieldref": lambda value: [Test("fieldref", _text(value).raw, {})],
    "exists": _exists,
    **{op: _comparison(op) for op in ("lt", "lte", "gt", "gte")},
    **{part: _time_part(part) for part in ("minute", "hour", "day", "week", "month", "year")},
}

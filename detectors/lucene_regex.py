r"""Regular expressions as Lucene's engine takes them: anchored at both ends, without classes like `\\d`, flags or lazy repeats.

What cannot be said there is refused, never approximated.
"""

from __future__ import annotations

import re
from re import _constants as op  # type: ignore[attr-defined]  # the parser of Python's own expressions
from re import _parser as parser  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_LENGTH: Final = 1_000
"""`index.max_regex_length` of Elasticsearch, where nobody raised it."""
MAX_SPAN: Final = 20
"""Longer ones often need more states than `max_determinized_states`, and a lenient query string then finds nothing."""

_FLAGS: Final = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}
# Lucene's dot is any character, line breaks among them.
_ANY: Final = "."
_NOT_NEWLINE: Final = "[^\n]"
_CLASSES: Final = {
    op.CATEGORY_DIGIT: "0-9",
    op.CATEGORY_SPACE: " \t\n\r\f\v",
    op.CATEGORY_WORD: "a-zA-Z0-9_",
}
_NEGATED: Final = {
    op.CATEGORY_NOT_DIGIT: "0-9",
    op.CATEGORY_NOT_SPACE: " \t\n\r\f\v",
    op.CATEGORY_NOT_WORD: "a-zA-Z0-9_",
}
_BEGINS: Final = frozenset({op.AT_BEGINNING, op.AT_BEGINNING_STRING})
_ENDS: Final = frozenset({op.AT_END, op.AT_END_STRING})
_PLAIN: Final = re.compile(r"[A-Za-z0-9 \t\n\r\f\v_,;:=%'!/]|[^\x00-\x7f]")


class CannotSayError(ValueError):
    """Lucene has no words for this."""


def translate(pattern: str, flags: str = "") -> str:
    """An unanchored expression as one that must match the whole value. Raises CannotSayError."""
    used = re.RegexFlag(0)
    for letter in flags:
        used |= _FLAGS[letter]
    try:
        tree = parser.parse(pattern.replace(r"\z", r"\Z"), used | re.ASCII)
    except (re.error, RecursionError) as error:
        raise CannotSayError("the expression is none that Lucene has") from error
    if tree.state.flags & re.MULTILINE:
        raise CannotSayError("Lucene knows no anchors at lines")
    found = _edges(list(tree), tree.state.flags, start=True, end=True)
    if len(found) > MAX_LENGTH:
        raise CannotSayError(f"Lucene takes at most {MAX_LENGTH} characters of an expression")
    return found


def literal(text: str) -> str:
    """Text as an expression that matches itself."""
    return "".join(map(_char, text))


def _edges(items: list[Any], flags: int, *, start: bool, end: bool) -> str:
    """A sequence at the value's edges: whatever may stand before or after it unless an anchor forbids it there."""
    if not items:
        return f"{_ANY}*" if start or end else "()"
    if start:
        return _at_edge(items, flags, 0, _BEGINS, lambda rest: _edges(rest, flags, start=False, end=end), end=end)
    if end:
        return _at_edge(items, flags, -1, _ENDS, lambda rest: _edges(rest, flags, start=False, end=False), start=False)
    return _sequence(items, flags)


def _at_edge(
    items: list[Any],
    flags: int,
    at: int,
    anchors: frozenset[Any],
    go_on: Callable[[list[Any]], str],
    *,
    start: bool = True,
    end: bool = True,
) -> str:
    """The item at one edge: an anchor, a group with anchors in it, or anything else with anything beside it."""
    kind, value = items[at]
    rest = items[1:] if at == 0 else items[:-1]
    if kind is op.AT and value in anchors:
        return go_on(rest)
    alternatives = _alternatives(kind, value)
    if alternatives is None or not _has_anchor(alternatives):
        return f"{_ANY}*{go_on(items)}" if at == 0 else f"{go_on(items)}{_ANY}*"
    both = {"start": start and (at == 0 or not rest), "end": end and (at == -1 or not rest)}
    inner = "(" + "|".join(_edges(list(part), flags, **both) for part in alternatives) + ")"
    if not rest:
        return inner
    return inner + go_on(rest) if at == 0 else go_on(rest) + inner


def _alternatives(kind: Any, value: Any) -> list[Any] | None:  # noqa: ANN401
    """The alternatives of a group without flags of its own."""
    if kind is op.BRANCH:
        return list(value[1])
    if kind is op.SUBPATTERN and not value[1] and not value[2]:
        inner = list(value[3])
        return _alternatives(*inner[0]) if len(inner) == 1 and inner[0][0] is op.BRANCH else [inner]
    return None


def _has_anchor(alternatives: list[Any]) -> bool:
    return "AT_" in repr([list(part) for part in alternatives])


def _sequence(items: Any, flags: int) -> str:  # noqa: ANN401  (Python's parse tree has no types)
    return "".join(_item(kind, value, flags) for kind, value in items)


def _item(kind: Any, value: Any, flags: int) -> str:  # noqa: ANN401, PLR0911
    if kind is op.LITERAL:
        return _one(value, flags)
    if kind is op.NOT_LITERAL:
        return f"[^{''.join(map(_in_class, _cases(value, flags)))}]"
    if kind is op.ANY:
        return _ANY if flags & re.DOTALL else _NOT_NEWLINE
    if kind is op.IN:
        return _class(value, flags)
    if kind is op.BRANCH:
        return "(" + "|".join(_sequence(part, flags) for part in value[1]) + ")"
    if kind is op.SUBPATTERN:
        _, added, removed, inner = value
        return f"({_sequence(inner, (flags | added) & ~removed)})"
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
        return _repeat(value, flags)
    raise CannotSayError(f"Lucene has no {str(kind).lower().replace('_', ' ')}")


def _repeat(value: Any, flags: int) -> str:  # noqa: ANN401
    least, most, inner = value
    body = f"({_sequence(inner, flags)})"
    if most is not op.MAXREPEAT and most - least > MAX_SPAN:
        raise CannotSayError(f"Lucene gives up, without a word, on repeats that may differ by more than {MAX_SPAN}")
    if most is op.MAXREPEAT:
        return body + {0: "*", 1: "+"}.get(least, f"{{{least},}}")
    return body + f"{{{least},{most}}}"


def _one(code: int, flags: int) -> str:
    cases = _cases(code, flags)
    return _char(cases[0]) if len(cases) == 1 else f"[{''.join(map(_in_class, cases))}]"


def _cases(code: int, flags: int) -> list[str]:
    char = chr(code)
    if not flags & re.IGNORECASE:
        return [char]
    return sorted({char, *(c for c in (char.lower(), char.upper()) if len(c) == 1)})


def _class(items: Any, flags: int) -> str:  # noqa: ANN401
    negated = items[0][0] is op.NEGATE
    only = items[negated:]
    if len(only) == 1 and only[0][0] is op.CATEGORY and only[0][1] in _NEGATED:
        return f"[{'' if negated else '^'}{_NEGATED[only[0][1]]}]"
    said = "".join(_member(kind, value, flags) for kind, value in only)
    return f"[{'^' if negated else ''}{said}]"


def _member(kind: Any, value: Any, flags: int) -> str:  # noqa: ANN401
    if kind is op.LITERAL:
        return "".join(map(_in_class, _cases(value, flags)))
    if kind is op.RANGE:
        return _range(value, flags)
    if kind is op.CATEGORY and value in _CLASSES:
        return _CLASSES[value]
    raise CannotSayError("Lucene has no such class of characters")


def _range(value: tuple[int, int], flags: int) -> str:
    low, high = value
    said = f"{_in_class(chr(low))}-{_in_class(chr(high))}"
    if not flags & re.IGNORECASE:
        return said
    letters = [chr(code) for code in range(max(low, 0x41), min(high, 0x7A) + 1) if chr(code).isalpha()]
    return said + "".join(letter.swapcase() for letter in letters)


def _char(char: str) -> str:
    return char if _PLAIN.fullmatch(char) else f"\\{char}"


def _in_class(char: str) -> str:
    return char if _PLAIN.fullmatch(char) else f"\\{char}"

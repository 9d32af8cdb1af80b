"""Regular expressions of rules: only what runs in linear time, in the engine's syntax."""

from __future__ import annotations

import re
import warnings
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_CHARS: Final = 2_000
MAX_REPEAT: Final = 1_000
_ASCII: Final = 128

# Python's parser of expressions is not typed.
Tree = Any
codes: Any = _constants
parser: Any = _parser
_OPCODE: Final[type] = type(codes.ASSERT)
_REFUSED: Final[dict[Any, str]] = {
    codes.ASSERT: "look-ahead and look-behind",
    codes.ASSERT_NOT: "negative look-around",
    codes.GROUPREF: "back-references",
    codes.GROUPREF_EXISTS: "conditional groups",
    codes.ATOMIC_GROUP: "atomic groups",
    codes.POSSESSIVE_REPEAT: "possessive repeats",
}
# One step of a pattern: an escape, a quantifier, or a single character.
_STEP: Final = re.compile(r"\\.|\{\d+(?:,\d*)?\}|\{,\d+\}|.", re.DOTALL)
_ESCAPES: Final = {r"\Z": r"\z", r"\<": "<", r"\>": ">", r"\0": r"\x00"}


class RegexError(ValueError):
    """The expression cannot run; the text says why."""


def check(pattern: str) -> str:
    """The pattern in the engine's syntax. Raises RegexError."""
    if len(pattern) > MAX_CHARS:
        raise RegexError(f"longer than {MAX_CHARS} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise RegexError(str(error)) from error
    _walk(tree)
    return _translate(pattern)


def of_bytes(parts: Iterable[bytes | None], *, cased: bool, whole: tuple[bool, bool]) -> str:
    """An expression for exact bytes; None is any run of bytes. `whole`: anchored at start, end."""
    body = "".join(".*" if part is None else _literal(part) for part in parts)
    flags = "(?s-u)" if cased else "(?si-u)"
    return flags + (r"\A" if whole[0] else "") + body + (r"\z" if whole[1] else "")


def _literal(raw: bytes) -> str:
    return "".join(chr(byte) if byte < _ASCII and chr(byte).isalnum() else f"\\x{byte:02x}" for byte in raw)


def _walk(node: Tree) -> None:
    """Looks into every part of Python's parse tree: (opcode, argument) pairs, nested."""
    if isinstance(node, parser.SubPattern):
        node = node.data
    if not isinstance(node, (list, tuple)):
        return
    if node and isinstance(node[0], _OPCODE):
        _refuse(node[0], node)
    for part in node:
        _walk(part)


def _refuse(opcode: Tree, node: Tree) -> None:
    if opcode in _REFUSED:
        raise RegexError(f"{_REFUSED[opcode]} cannot run in linear time")
    if opcode in (codes.MAX_REPEAT, codes.MIN_REPEAT):
        low, high = node[1][0], node[1][1]
        if max(low, 0 if high is codes.MAXREPEAT else high) > MAX_REPEAT:
            raise RegexError(f"repeats more than {MAX_REPEAT} times")


def _translate(pattern: str) -> str:
    """Where Python and the engine spell the same thing in two ways, the engine's way."""
    steps: list[str] = []
    in_class = False
    for step in _STEP.findall(pattern):
        steps.append(_step(step, steps, in_class=in_class))
        if step == "[" and not in_class:
            in_class = True
        elif step == "]" and in_class and steps[-2:-1] not in (["["], ["^"]):
            in_class = False
    return "".join(steps)


def _step(step: str, before: list[str], *, in_class: bool) -> str:
    if step in _ESCAPES:
        return _ESCAPES[step]
    if in_class:
        first_bracket = step == "]" and before[-1:] in (["["], ["^"])
        return "\\" + step if step in ("[", "&", "~") or first_bracket else step
    if step == "{":
        return r"\{"
    return "{0" + step[1:] if step.startswith("{,") else step

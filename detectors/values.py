"""Values of rules as predicates: text with wildcards, addresses, numbers, expressions."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

from sigma.exceptions import SigmaError
from sigma.types import (
    Placeholder,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SpecialChars,
)

from detectors import plan, regexes
from detectors.reference import wildcard_match

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from detectors.plan import Condition

_FLAGS: Final = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}
_SPECIAL: Final[dict[object, str]] = {SpecialChars.WILDCARD_MULTI: "*", SpecialChars.WILDCARD_SINGLE: "?"}
# From here on a double skips whole numbers.
_EXACT: Final = 2**53
# A byte that is no UTF-8, as PEP 383 keeps it.
_SURROGATE: Final = re.compile("[\udc80-\udcff]")
ANY: Final = SpecialChars.WILDCARD_MULTI

Part = str | SpecialChars


class RuleProblemError(SigmaError):
    """A rule cannot be compiled: code, sentence, and the field that it is about."""

    def __init__(self, code: str, sentence: str, field: str = "", note: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.field = field
        self.note = note


def parts_of(value: SigmaString, name: str) -> list[Part]:
    """Text and wildcards of a value, with runs of `*` made one."""
    parts: list[Part] = []
    for part in value.s:
        if isinstance(part, Placeholder):
            raise RuleProblemError("BAVN-E025", f"the placeholder %{part.name}% has no value", name)
        if part is SpecialChars.WILDCARD_MULTI and parts and parts[-1] is part:
            continue
        if part != "":
            parts.append(part)
    return parts


def hex_parts(parts: Iterable[Part], name: str) -> list[Part]:
    """Bytes in hexadecimal as the text that they are; spaces may stand between them."""
    return [_unhex(part, name) if isinstance(part, str) else part for part in parts]


def _unhex(digits: str, name: str) -> str:
    try:
        return bytes.fromhex(digits).decode("utf-8", "surrogateescape")
    except ValueError as error:
        raise RuleProblemError("BAVN-E024", f"`{digits}` is not bytes in hexadecimal", name) from error


def text_leaf(name: str, parts: list[Part], *, cased: bool) -> Condition:
    """The simplest predicate that says the same as the text with its wildcards."""
    parts = [p for n, p in enumerate(parts) if n == 0 or p is not ANY or parts[n - 1] is not ANY]
    if any(isinstance(part, str) and _is_binary(part) for part in parts):
        return _binary_leaf(name, parts, cased=cased)
    if parts == [ANY]:
        return plan.leaf(name, "exists", value=True)
    open_start, open_end = parts[:1] == [ANY], parts[1:] != [] and parts[-1] is ANY
    inner = parts[open_start : len(parts) - open_end]
    if not all(isinstance(part, str) for part in inner):
        return plan.leaf(name, "wildcard", [token(part) for part in parts], cased=cased)
    return plan.leaf(name, _OPS[open_start, open_end], "".join(map(str, inner)), cased=cased)


_OPS: Final = {
    (False, False): "eq",
    (False, True): "startswith",
    (True, False): "endswith",
    (True, True): "contains",
}


def token(part: Part) -> str | int:
    """The plan's form of a part: text, 1 for `*`, 2 for `?`."""
    if isinstance(part, str):
        return part
    return 1 if part is ANY else 2


def _is_binary(text: str) -> bool:
    return _SURROGATE.search(text) is not None


def _binary_leaf(name: str, parts: list[Part], *, cased: bool) -> Condition:
    """Bytes that are no UTF-8 cannot stand in JSON: a byte-wise expression says the same."""
    if SpecialChars.WILDCARD_SINGLE in parts:
        raise RuleProblemError("BAVN-E024", "`?` cannot stand in a value that is not text", name)
    whole = (parts[0] is not ANY, parts[-1] is not ANY)
    inner = parts[not whole[0] : len(parts) - (not whole[1])]
    raw = [p.encode("utf-8", "surrogateescape") if isinstance(p, str) else None for p in inner]
    return plan.leaf(name, "re", regexes.of_bytes(raw, cased=cased, whole=whole))


def address(parts: list[Part]) -> str | None:
    """An address in its shortest form; None where the value is none."""
    try:
        return str(ipaddress.ip_address("".join(map(str, parts))))
    except ValueError:
        return None


def mapped_leaf(name: str, value: str) -> Condition:
    """Equal to one value of a fixed set; a leading `!` negates."""
    if value.startswith("!"):
        return plan.negate(plan.leaf(name, "eq", value[1:]))
    return plan.leaf(name, "eq", value)


def string_test(parts: list[Part], *, cased: bool) -> Callable[[str], bool]:
    """Whether a text is one that the value accepts."""
    tokens = [token(part) for part in parts]
    return lambda text: wildcard_match(tokens, text, cased=cased)


def exact(number: float, name: str) -> float:
    """The number. Raises RuleProblemError where pySigma, which reads numbers as doubles, may have changed it."""
    if abs(number) >= _EXACT:
        raise RuleProblemError("BAVN-E024", "a number from 2^53 on is not held exactly: write it as quoted text", name)
    return number


def number_text(number: float) -> str:
    """A number as the plan compares it: without a fraction where it is whole."""
    return str(int(number)) if float(number).is_integer() else repr(number)


def regex(value: object, name: str) -> tuple[str, str]:
    """Pattern and flags of a value that is a regular expression."""
    # pySigma takes a number for a pattern too.
    if not isinstance(value, SigmaRegularExpression) or not isinstance(value.regexp, SigmaString):
        raise RuleProblemError("BAVN-E026", "not a regular expression: write the pattern as quoted text", name)
    for part in value.regexp.s:
        if isinstance(part, Placeholder):
            raise RuleProblemError("BAVN-E025", f"the placeholder %{part.name}% has no value", name)
    pattern = "".join(_SPECIAL.get(part, str(part)) for part in value.regexp.s)
    try:
        checked = regexes.check(pattern)
    except regexes.RegexError as error:
        raise RuleProblemError("BAVN-E026", f"regular expression refused: {error}", name) from error
    return checked, "".join(sorted(_FLAGS[flag] for flag in value.flags))

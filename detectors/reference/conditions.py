"""Conditions: `not` binds before `and`, `and` before `or`; `1 of`, `any of`, `all of` with a pattern or `them`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from detectors.reference.events import Outcome, all_of, any_of, not_

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_WORD: Final = re.compile(r"\(|\)|[^\s()]+")
# Names that patterns leave out.
_PRIVATE: Final = "_"


class ConditionReadingError(ValueError):
    """A condition that follows no grammar, or names what is not there."""


@dataclass(frozen=True, slots=True)
class Name:
    """A detection by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Not:
    """The other."""

    part: Condition


@dataclass(frozen=True, slots=True)
class Joined:
    """All of the parts, or any of them."""

    parts: tuple[Condition, ...]
    needs_all: bool


Condition = Name | Not | Joined


def evaluate(condition: Condition, detection: Callable[[str], Outcome]) -> Outcome:
    """The outcome, where `detection` gives that of each name."""
    match condition:
        case Name(name):
            return detection(name)
        case Not(part):
            return not_(evaluate(part, detection))
        case Joined(parts, needs_all):
            outcomes = [evaluate(part, detection) for part in parts]
            return all_of(outcomes) if needs_all else any_of(outcomes)


def read(text: str, names: Iterable[str]) -> Condition:
    """The condition over detections of these names. Raises ConditionReadingError."""
    reader = _Reader(_WORD.findall(text), tuple(names))
    condition = reader.any_of_several()
    if reader.word:
        raise ConditionReadingError(f"`{reader.word}` is not expected")
    return condition


class _Reader:
    """One method a level of the grammar, the loosest first."""

    def __init__(self, words: list[str], names: tuple[str, ...]) -> None:
        self._words = words
        self._names = names

    @property
    def word(self) -> str:
        """The word at hand; empty at the end."""
        return self._words[0] if self._words else ""

    def any_of_several(self) -> Condition:
        """`a or b`."""
        parts = [self._all_of_several()]
        while self._takes("or"):
            parts.append(self._all_of_several())
        return parts[0] if len(parts) == 1 else Joined(tuple(parts), needs_all=False)

    def _all_of_several(self) -> Condition:
        parts = [self._maybe_not()]
        while self._takes("and"):
            parts.append(self._maybe_not())
        return parts[0] if len(parts) == 1 else Joined(tuple(parts), needs_all=True)

    def _maybe_not(self) -> Condition:
        if self._takes("not"):
            return Not(self._maybe_not())
        if self._takes("("):
            inner = self.any_of_several()
            if not self._takes(")"):
                raise ConditionReadingError("a parenthesis is not closed")
            return inner
        return self._selector() if self._words[1:2] == ["of"] else self._name()

    def _name(self) -> Condition:
        name = self._next()
        if name not in self._names:
            raise ConditionReadingError(f"there is no detection `{name}`")
        return Name(name)

    def _selector(self) -> Condition:
        quantifier, _, pattern = self._next(), self._next(), self._next()
        if quantifier not in ("1", "any", "all"):
            raise ConditionReadingError(f"`{quantifier} of`: there are 1, any, all")
        shape = re.compile(".*" if pattern == "them" else ".*".join(map(re.escape, pattern.split("*"))))
        fitting = [n for n in self._names if not n.startswith(_PRIVATE) and shape.fullmatch(n)]
        if not fitting:
            raise ConditionReadingError(f"no detection fits `{pattern}`")
        return Joined(tuple(map(Name, fitting)), needs_all=quantifier == "all")

    def _takes(self, word: str) -> bool:
        if self.word != word:
            return False
        self._next()
        return True

    def _next(self) -> str:
        if not self._words:
            raise ConditionReadingError("the condition ends too early")
        return self._words.pop(0)

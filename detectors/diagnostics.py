"""Diagnostics as a compiler gives them: code, place, caret, hint."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from detectors.errors import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Sequence

Severity = Literal["error", "unfillable", "warning"]

# Reasons that lie in the sensor's view, not in the rule.
UNFILLABLE: Final = frozenset({"BAVN-E030", "BAVN-E032", "BAVN-E033"})

# A longer line is cut around the caret.
MAX_LINE = 160


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding about a rule file. Lines and columns count from 1; 0 = place unknown."""

    code: str
    sentence: str
    path: str = ""
    line: int = 0
    column: int = 0
    length: int = 1
    label: str = ""
    note: str = ""
    text: str = ""

    @property
    def severity(self) -> Severity:
        """Codes tell errors from warnings: BAVN-E..., BAVN-W...; what this sensor cannot see is neither."""
        if self.code in UNFILLABLE:
            return "unfillable"
        return "warning" if self.code.startswith("BAVN-W") else "error"

    @property
    def hint(self) -> str:
        """What to do: the note of this finding, else the catalogue's hint."""
        return self.note or CATALOGUE[self.code][2]

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Diagnostic:
        """From what `to_dict` gave."""
        return cls(**data)


def place(diagnostic: Diagnostic) -> str:
    """`file:line:column`, as far as known."""
    if not diagnostic.line:
        return diagnostic.path
    return f"{diagnostic.path}:{diagnostic.line}:{diagnostic.column}"


def render(diagnostic: Diagnostic) -> str:
    """The finding as text of several lines, without colour and not yet safe for a terminal."""
    lines = [f"{diagnostic.severity}[{diagnostic.code}]: {diagnostic.sentence}"]
    if diagnostic.path:
        lines.append(f"  ┌─ {place(diagnostic)}")
    if diagnostic.text and diagnostic.line:
        lines += _excerpt(diagnostic)
    elif diagnostic.label:
        lines.append(f"  = {diagnostic.label}")
    lines.append(f"  = {diagnostic.hint}")
    return "\n".join(lines)


def _excerpt(diagnostic: Diagnostic) -> list[str]:
    start = max(0, diagnostic.column - MAX_LINE // 2)
    text = diagnostic.text[start : start + MAX_LINE].replace("\t", " ")
    number = f"{diagnostic.line:>2}"
    room = max(1, len(text) - (diagnostic.column - 1 - start))
    caret = "^" * max(1, min(diagnostic.length, room))
    indent = " " * (diagnostic.column - 1 - start)
    mark = f"{' ' * len(number)}│ {indent}{caret} {diagnostic.label}".rstrip()
    return [f"{number}│ {text}", mark]


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """`1 error, 2 warnings`; between them, if any, what this sensor cannot see."""
    severities = [d.severity for d in diagnostics]
    blind = severities.count("unfillable")
    parts = [_count(severities.count("error"), "error"), f"{blind} unfillable" if blind else ""]
    return ", ".join(part for part in (*parts, _count(severities.count("warning"), "warning")) if part)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

"""Bytes and text of rule files, before any YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from detectors.diagnostics import Diagnostic

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE_BYTES: Final = 1024 * 1024


class RuleFileError(Exception):
    """The file cannot be read; carries the diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.sentence)
        self.diagnostic = diagnostic


def read_file(path: Path, name: str = "") -> tuple[bytes, str]:
    """The file's bytes (at most `MAX_FILE_BYTES`) and text. Raises RuleFileError."""
    shown = name or str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise failure("BAVN-E001", f"cannot read the file: {reason}", shown) from error
    if len(raw) > MAX_FILE_BYTES:
        raise failure("BAVN-E013", f"the file is larger than {MAX_FILE_BYTES} bytes", shown)
    return raw, decode(raw, shown)


def decode(raw: bytes, name: str) -> str:
    """UTF-8 text, with or without byte order mark. Raises RuleFileError."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise failure("BAVN-E010", "the file is not UTF-8 text", name, line) from error


def failure(code: str, sentence: str, name: str, line: int = 0) -> RuleFileError:
    """An error that points at a line of a file."""
    return RuleFileError(Diagnostic(code, sentence, name, line, 1 if line else 0))

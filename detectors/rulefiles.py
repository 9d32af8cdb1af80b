"""Reads rule files: YAML without its traps, with the place of every key and value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from detectors.diagnostics import Diagnostic
from detectors.rawfiles import MAX_FILE_BYTES, RuleFileError, decode, failure, read_file

__all__ = ["MAX_FILE_BYTES", "Document", "Position", "RuleFileError", "decode", "parse", "read_file"]

MAX_DEPTH: Final = 16
MAX_NODES: Final = 50_000
MAX_SCALAR_CHARS: Final = 32 * 1024
MAX_DOCUMENTS: Final = 1_000

YamlPath = tuple[str | int, ...]
# What a document can hold, and an event of libyaml's parser (PyYAML types neither).
Yaml = Any
YamlEvent = Any
_TAG: Final = "tag:yaml.org,2002:"
_CORE_TAGS: Final = frozenset(_TAG + name for name in ("null", "bool", "int", "float", "str", "timestamp"))


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file; line and column count from 1."""

    line: int
    column: int
    length: int


@dataclass(slots=True)
class Document:
    """One YAML document: its data, and where each key and value stands."""

    path: str
    lines: list[str]
    data: Any = None
    keys: dict[YamlPath, Position] = field(default_factory=dict)
    values: dict[YamlPath, Position] = field(default_factory=dict)
    ambiguous: list[tuple[YamlPath, str]] = field(default_factory=list)

    def position(self, path: YamlPath, *, value: bool = False) -> Position:
        """The place of a path's key (or value); of the nearest part above where it has none."""
        if value and path in self.values:
            return self.values[path]
        while path:
            found = self.keys.get(path) or self.values.get(path)
            if found:
                return found
            path = path[:-1]
        return self.values.get((), Position(1, 1, 1))

    def diagnostic(
        self,
        code: str,
        sentence: str,
        path: YamlPath = (),
        *,
        label: str = "",
        note: str = "",
        length: int = 0,
        value: bool = False,
    ) -> Diagnostic:
        """A diagnostic that points at `path`."""
        at = self.position(path, value=value)
        text = self.lines[at.line - 1] if at.line <= len(self.lines) else ""
        width = length or at.length
        return Diagnostic(code, sentence, self.path, at.line, at.column, width, label, note, text)


def parse(text: str, name: str) -> list[Document]:
    """All documents of a file, empty ones left out. Raises RuleFileError."""
    lines = text.splitlines()
    try:
        reader = _Reader(text, name, lines)
        return reader.documents()
    except yaml.MarkedYAMLError as error:
        raise _yaml_error(error, name, lines) from error
    except (yaml.YAMLError, ValueError) as error:
        raise failure("BAVN-E010", f"not valid YAML: {error}", name) from error


def _yaml_error(error: yaml.MarkedYAMLError, name: str, lines: list[str]) -> RuleFileError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    sentence = f"not valid YAML: {error.problem or error.context}"
    return RuleFileError(Diagnostic("BAVN-E010", sentence, name, line, column, 1, "", "", text))


class _Loader(yaml.CSafeLoader):
    """libyaml's parser with the safe constructors; used for its events only."""


class _Reader:
    """Builds data from the parser's events, so that anchors and duplicates are seen."""

    def __init__(self, text: str, name: str, lines: list[str]) -> None:
        self._loader = _Loader(text)
        self._name = name
        self._lines = lines
        self._nodes = 0
        self._document = Document(name, lines)

    def documents(self) -> list[Document]:
        found: list[Document] = []
        while True:
            event = self._loader.get_event()
            if isinstance(event, yaml.StreamEndEvent):
                return [d for d in found if d.data is not None]
            if isinstance(event, yaml.DocumentStartEvent):
                self._document = Document(self._name, self._lines)
                self._document.data = self._node(self._loader.get_event(), (), 0)
                found.append(self._document)
                self._limit(len(found), MAX_DOCUMENTS, "documents", event)

    def _node(self, event: YamlEvent, path: YamlPath, depth: int) -> Yaml:
        self._guard(event, depth)
        self._document.values[path] = _position(event)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path, depth)
        return self._mapping(path, depth)

    def _guard(self, event: YamlEvent, depth: int) -> None:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self._error("BAVN-E012", "anchors and aliases are not allowed in rules", event)
        self._nodes += 1
        self._limit(self._nodes, MAX_NODES, "values", event)
        self._limit(depth, MAX_DEPTH, "levels of nesting", event)
        tag = event.tag
        if tag is not None and tag != "!" and not self._harmless(event, tag):
            raise self._error("BAVN-E012", f"the tag {tag} is not allowed in rules", event)

    @staticmethod
    def _harmless(event: YamlEvent, tag: str) -> bool:
        return isinstance(event, yaml.ScalarEvent) and tag == _TAG + "str"

    def _sequence(self, path: YamlPath, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._loader.get_event(), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items)), depth + 1))
        return items

    def _mapping(self, path: YamlPath, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := self._loader.get_event(), yaml.MappingEndEvent):
            key = self._key(event)
            if key in found:
                raise self._duplicate(key, (*path, key), event)
            self._document.keys[(*path, key)] = _position(event)
            found[key] = self._node(self._loader.get_event(), (*path, key), depth + 1)
        return found

    def _key(self, event: YamlEvent) -> str:
        self._guard(event, 0)
        if not isinstance(event, yaml.ScalarEvent):
            raise self._error("BAVN-E012", "a key must be plain text", event)
        if event.value == "<<" and event.implicit[0]:
            raise self._error("BAVN-E012", "merge keys are not allowed in rules", event)
        return str(event.value)

    def _scalar(self, event: YamlEvent, path: YamlPath) -> Yaml:
        value: str = event.value
        self._limit(len(value), MAX_SCALAR_CHARS, "characters in a value", event)
        if not event.implicit[0]:
            return value
        tag: str = self._loader.resolve(yaml.ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]
        if tag not in _CORE_TAGS or tag == _TAG + "str":
            return value
        if _is_ambiguous(tag, value):
            self._document.ambiguous.append((path, value))
        return self._construct(event, tag, value)

    def _construct(self, event: YamlEvent, tag: str, value: str) -> Yaml:
        try:
            return self._loader.construct_object(yaml.ScalarNode(tag, value))
        except ValueError as error:
            raise self._error("BAVN-E010", f"not a value: {error}", event) from error

    def _limit(self, have: int, limit: int, what: str, event: YamlEvent) -> None:
        if have > limit:
            raise self._error("BAVN-E013", f"more than {limit} {what}", event)

    def _duplicate(self, key: str, path: YamlPath, event: YamlEvent) -> RuleFileError:
        first = self._document.keys[path].line
        label = f"first used in line {first}"
        return self._error("BAVN-E011", f"the key `{key}` is used twice", event, label)

    def _error(self, code: str, sentence: str, event: YamlEvent, label: str = "") -> RuleFileError:
        at = _position(event)
        text = self._lines[at.line - 1] if at.line <= len(self._lines) else ""
        return RuleFileError(Diagnostic(code, sentence, self._name, at.line, at.column, at.length, label, "", text))


def _position(event: YamlEvent) -> Position:
    start, end = event.start_mark, event.end_mark
    length = end.column - start.column if end.line == start.line else 1
    return Position(start.line + 1, start.column + 1, max(1, length))


def _is_ambiguous(tag: str, value: str) -> bool:
    if tag == _TAG + "bool":
        return value.lower() not in ("true", "false")
    if tag == _TAG + "int":
        digits = value.lstrip("+-")
        octal = len(digits) > 1 and digits.startswith("0") and digits[1] not in "xX"
        return octal or ":" in digits or "_" in digits
    return tag == _TAG + "float" and ":" in value

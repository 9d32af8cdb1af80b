"""From a YAML document to a pySigma rule, with every problem pinned to its place."""

from __future__ import annotations

import copy
import datetime as dt
import difflib
import re
from typing import TYPE_CHECKING, Any, Final

from pyparsing import Keyword, OpAssoc, infix_notation
from sigma import conditions as grammar
from sigma import exceptions
from sigma.conditions import ConditionIdentifier, ConditionItem, ConditionSelector
from sigma.correlations import SigmaCorrelationRule, SigmaCorrelationType
from sigma.exceptions import SigmaError
from sigma.filters import SigmaFilter
from sigma.rule import SigmaDetectionItem, SigmaDetections, SigmaRule

from detectors import modifiers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from detectors.diagnostics import Diagnostic
    from detectors.rulefiles import Document, Yaml, YamlPath

MAX_CONDITION_CHARS: Final = 4_096
MAX_PARENTHESES: Final = 16
MAX_LIST: Final = 10_000
_LONGEST_TEXT: Final = 200
# PySigma takes the first letters of `nothing` for a `not`: the same grammar over whole words.
grammar.condition = infix_notation(  # type: ignore[no-untyped-call]
    grammar.operand,
    [
        (Keyword("not"), 1, OpAssoc.RIGHT, grammar.ConditionNOT.from_parsed),
        (Keyword("and"), 2, OpAssoc.LEFT, grammar.ConditionAND.from_parsed),
        (Keyword("or"), 2, OpAssoc.LEFT, grammar.ConditionOR.from_parsed),
    ],
)
_NOT_DETECTIONS: Final = frozenset({"condition", "rules"})
_UPPER: Final = re.compile(r"\b(AND|OR|NOT|OF|ALL|ANY|THEM)\b")

# pySigma's error class -> the part of the rule that it is about.
_PARTS: Final[dict[type[Exception], str]] = {
    exceptions.SigmaTitleError: "title",
    exceptions.SigmaIdentifierError: "id",
    exceptions.SigmaNameError: "name",
    exceptions.SigmaLevelError: "level",
    exceptions.SigmaStatusError: "status",
    exceptions.SigmaDateError: "date",
    exceptions.SigmaModifiedError: "modified",
    exceptions.SigmaTagError: "tags",
    exceptions.SigmaFieldsError: "fields",
    exceptions.SigmaAuthorError: "author",
    exceptions.SigmaDescriptionError: "description",
    exceptions.SigmaReferencesError: "references",
    exceptions.SigmaFalsePositivesError: "falsepositives",
    exceptions.SigmaRelatedError: "related",
    exceptions.SigmaScopeError: "scope",
    exceptions.SigmaLicenseError: "license",
    exceptions.SigmaLogsourceError: "logsource",
    exceptions.SigmaDetectionError: "detection",
}


# What stands at the top of a rule, filter or correlation: Sigma's own keys, and ours.
_KEYS: Final = (
    "author", "correlation", "date", "description", "detection", "falsepositives", "fields", "filter", "id", "known_gaps",
    "level", "license", "logsource", "modified", "name", "passport", "references", "related", "scope", "status", "tags",
    "taxonomy", "title", "version",
)  # fmt: skip
# From here on a key is taken for another one that was meant.
_CLOSE: Final = 0.8
_SHORT_NAMES: Final = {
    "greaterthan": "gt", "greaterthanequal": "gte", "lessthan": "lt", "lessthanequal": "lte", "regularexpression": "re",
}  # fmt: skip


def problems(document: Document) -> list[Diagnostic]:
    """What forbids even to try: no rule at all, a correlation, a part of the wrong shape."""
    data = document.data
    if not isinstance(data, dict):
        return [document.diagnostic("BAVN-E014", "the document is no mapping")]
    if data.get("id") is not None and not isinstance(data["id"], str):
        return [document.diagnostic("BAVN-E020", "`id` is no text: a UUID is asked for", ("id",), value=True)]
    if "correlation" in data:
        return _wrong_correlation(document)
    if "action" in data:
        return [
            document.diagnostic(
                "BAVN-E014",
                "collections with `action` belong to an older Sigma",
                ("action",),
                note="Write each rule in full.",
            )
        ]
    if not ({"detection", "filter", "logsource", "title"} & data.keys()):
        return [document.diagnostic("BAVN-E014", "neither a rule nor a filter")]
    return [*_wrong_detections(document), *_wrong_conditions(document)]


def warnings(document: Document) -> list[Diagnostic]:
    """What a rule's author should mend although the rule loads."""
    if not isinstance(document.data, dict):
        return []
    if "correlation" in document.data:
        return _misspelt(document)
    found = [
        document.diagnostic("BAVN-W004", f"YAML reads `{text}` as {_read_as(document, path)}", path, value=True)
        for path, text in document.ambiguous
        if path[:1] in (("detection",), ("filter",))
    ]
    if "filter" not in document.data and not document.data.get("id"):
        found.append(document.diagnostic("BAVN-W002", "the rule has no id", ("title",)))
    return found + _unused(document) + _misspelt(document)


def _misspelt(document: Document) -> list[Diagnostic]:
    """Keys at the top that nobody reads and that look like one that is read; others are the author's own."""
    found = []
    for key in document.data:
        close = difflib.get_close_matches(key, _KEYS, 1, _CLOSE) if key not in _KEYS else []
        if close:
            label = f"did you mean `{close[0]}`?"
            found.append(document.diagnostic("BAVN-W010", f"nobody reads `{key}`", (key,), label=label))
    return found


def rule(document: Document) -> tuple[SigmaRule | None, list[Diagnostic]]:
    """The rule that pySigma reads, or why it cannot."""
    parsed, found = _read(document, SigmaRule)
    if parsed is None or found:
        return None, found
    return parsed, _dangling(document, parsed.detection, "detection")


def correlation_of(document: Document) -> tuple[SigmaCorrelationRule | None, list[Diagnostic]]:
    """The correlation that pySigma reads, or why it cannot."""
    try:
        parsed = SigmaCorrelationRule.from_dict(dict(document.data), collect_errors=True)
    except Exception as error:  # noqa: BLE001  (whatever pySigma raises on a rule that others wrote)
        return None, [_bad_correlation(document, error)]
    found = [_bad_correlation(document, error) for error in parsed.errors]
    return (None if found else parsed), found


def _bad_correlation(document: Document, error: Exception) -> Diagnostic:
    part = _PARTS.get(type(error))
    if part is not None and part in document.data:
        return document.diagnostic("BAVN-E020", _plain(error), (part,))
    own = document.data["correlation"]
    if not isinstance(error, SigmaError) and isinstance(own.get("condition"), str):
        path, sentence = ("correlation", "condition"), "the condition cannot be read"
        return document.diagnostic(
            "BAVN-E028", sentence, path, note="Write for example: rule_a and not rule_b", value=True
        )
    text = _plain(error)
    about = next((key for key in _NAMED_IN_ERRORS if key in text and key in own), None)
    note = "A timespan is a number and s, m, h, d, w, M or y: 15m" if about == "timespan" else ""
    return document.diagnostic("BAVN-E028", text, ("correlation", about) if about else ("correlation",), note=note)


# Parts of a correlation that pySigma's sentences name.
_NAMED_IN_ERRORS: Final = ("timespan", "group-by", "aliases", "generate", "condition")

_CORRELATION_KEYS: Final = frozenset({"type", "rules", "group-by", "timespan", "condition", "aliases", "generate"})


def _wrong_correlation(document: Document) -> list[Diagnostic]:
    """Shapes that pySigma does not mind, or trips over; the first that is found."""
    data = document.data["correlation"]
    if not isinstance(data, dict):
        return [document.diagnostic("BAVN-E028", "`correlation` is no mapping", ("correlation",))]
    if "detection" in document.data:
        sentence = "a correlation has no `detection`: what it counts is a rule of its own, in a document before it"
        return [document.diagnostic("BAVN-E028", sentence, ("detection",))]
    wrong = _wrong_type(data) or _wrong_number(data.get("condition"))
    if wrong is None:
        return []
    sentence, path = wrong
    return [document.diagnostic("BAVN-E028", sentence, ("correlation", *path))]


def _wrong_type(data: Mapping[str, Any]) -> tuple[str, YamlPath] | None:
    unknown = sorted(str(key) for key in data if key not in _CORRELATION_KEYS)
    if unknown:
        return f"a correlation has no `{unknown[0]}`", (unknown[0],)
    kind = data.get("type")
    if str(kind).upper() not in SigmaCorrelationType.__members__:
        known = ", ".join(name.lower() for name in SigmaCorrelationType.__members__)
        return f"`{kind}` is no type of correlation; there are {known}", ("type",) if kind else ()
    if data.get("condition") is None and not str(kind).startswith("temporal"):
        return f"`{kind}` needs a condition", ()
    return None


def _wrong_number(condition: Yaml) -> tuple[str, YamlPath] | None:
    if isinstance(condition, str):
        is_long = len(condition) > MAX_CONDITION_CHARS or _nesting(condition) > MAX_PARENTHESES
        return ("the condition is too long or too deep", ("condition",)) if is_long else None
    numbers = condition.items() if isinstance(condition, dict) else ()
    for key, value in numbers:
        if key != "field" and (isinstance(value, bool) or not isinstance(value, int)):
            return f"`{key}` takes a whole number", ("condition", str(key))
    return None


def filter_of(document: Document) -> tuple[SigmaFilter | None, list[Diagnostic]]:
    """The filter that pySigma reads, or why it cannot."""
    if isinstance(_part_of(document, "condition"), list):
        sentence = "a filter has one condition: of a list all but the first would be lost"
        return None, [document.diagnostic("BAVN-E021", sentence, ("filter", "condition"))]
    parsed, found = _read(document, SigmaFilter)
    if parsed is None or found:
        return None, found
    dangling = _dangling(document, parsed.filter, "filter")
    return (None if dangling else parsed), dangling


def _part_of(document: Document, key: str) -> Yaml:
    data = document.data.get("filter")
    return data.get(key) if isinstance(data, dict) else None


def _read(document: Document, kind: type[SigmaRule | SigmaFilter]) -> tuple[Any, list[Diagnostic]]:
    """PySigma takes a copy: it keeps and changes parts of what it is given."""
    try:
        parsed = kind.from_dict(_renamed(document.data), collect_errors=True)
    except Exception as error:  # noqa: BLE001  (whatever pySigma raises on a rule that others wrote)
        return None, [diagnose(document, error)]
    return parsed, [diagnose(document, error) for error in parsed.errors]


def _renamed(data: Mapping[str, Any]) -> dict[str, Any]:
    part = _part(data)
    copied = dict(data)
    if isinstance(data.get(part), dict):
        copied[part] = {
            name: copy.copy(value) if name in _NOT_DETECTIONS else _rename(value) for name, value in data[part].items()
        }
    return copied


def _rename(value: Yaml) -> Yaml:
    if isinstance(value, dict):
        return {modifiers.rename(key): item for key, item in value.items()}
    return [_rename(item) for item in value] if isinstance(value, list) else value


# -- detections ---------------------------------------------------------------------------


def _part(data: Mapping[str, Any]) -> str:
    return "filter" if "filter" in data else "detection"


def items(document: Document) -> Iterator[tuple[YamlPath, str, Any]]:
    """(path, key, value) of every field test of a rule's or filter's detections."""
    data = document.data if isinstance(document.data, dict) else {}
    part = _part(data)
    detections = data.get(part)
    if not isinstance(detections, dict):
        return
    for name, value in detections.items():
        if name not in _NOT_DETECTIONS:
            yield from _items(value, (part, name))


def _items(value: Yaml, path: YamlPath) -> Iterator[tuple[YamlPath, str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key), key, item
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _items(item, (*path, number))


def place_of_field(document: Document, name: str) -> tuple[YamlPath, int]:
    """Path and length of the first test of a field (or reference to it); the detection's if none."""
    for path, key, value in items(document):
        if key.split("|")[0] == name and name:
            return path, len(name)
        if "fieldref" in key and name and name in (value if isinstance(value, list) else [value]):
            return path, len(key)
    return (_part(document.data),), 0


def place_of_placeholder(document: Document, name: str) -> tuple[YamlPath, int]:
    """Path and length of the first test of a field that expands placeholders; the field's first if none."""
    for path, key, _ in items(document):
        if key.split("|")[0] == name and "expand" in key.split("|"):
            return path, len(key)
    return place_of_field(document, name)


def _empty_detections(document: Document) -> list[Diagnostic]:
    part = _part(document.data)
    detections = document.data.get(part)
    named = detections.items() if isinstance(detections, dict) else ()
    empty = [name for name, value in named if name not in _NOT_DETECTIONS and value in (None, [], {})]
    null = [name for name, value in named if isinstance(value, list) and any(one is None for one in value)]
    return [
        *(document.diagnostic("BAVN-E020", f"the detection `{name}` is empty", (part, name)) for name in empty),
        *(document.diagnostic("BAVN-E020", f"`{name}` has an empty member", (part, name)) for name in null),
    ]


def _wrong_value(value: Yaml) -> str:
    """What a value that is neither text, number, truth value nor null looks like; empty where it is one."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list within a list"
    if isinstance(value, dt.date):
        return f"read as a date by YAML: quote it as '{value}'"
    return ""


def _wrong_detections(document: Document) -> list[Diagnostic]:
    found = _empty_detections(document)
    for path, key, value in items(document):
        values = value if isinstance(value, list) else [value]
        odd = next((said for one in values if (said := _wrong_value(one))), "")
        if odd:
            note = "A value is text, a number, true, false or null, or a list of these."
            found.append(document.diagnostic("BAVN-E024", f"the value is {odd}", path, note=note))
            continue
        unknown = [m for m in key.split("|")[1:] if m not in modifiers.NAMES]
        if unknown:
            found.append(_unknown_modifier(document, path, unknown[0]))
        elif len(values) > MAX_LIST:
            sentence = f"more than {MAX_LIST} values in one list"
            found.append(document.diagnostic("BAVN-E013", sentence, path))
        elif "windash" in key.split("|") and any(map(modifiers.too_many_windashes, values)):
            sentence = f"`windash` with more than {modifiers.MAX_WINDASHES} dashes in a value"
            found.append(document.diagnostic("BAVN-E013", sentence, path))
    return found


def _unknown_modifier(document: Document, path: YamlPath, name: str) -> Diagnostic:
    close = difflib.get_close_matches(name, sorted(modifiers.NAMES), 1)
    label = f"did you mean `{close[0]}`?" if close else ""
    return document.diagnostic("BAVN-E023", f"unknown modifier `{name}`", path, label=label)


# -- conditions ---------------------------------------------------------------------------


def _conditions(document: Document) -> list[tuple[YamlPath, str]]:
    part = _part(document.data)
    detections = document.data.get(part)
    if not isinstance(detections, dict):
        return []
    value = detections.get("condition")
    path: YamlPath = (part, "condition")
    if isinstance(value, list):
        return [((*path, n), item) for n, item in enumerate(value) if isinstance(item, str)]
    return [(path, value)] if isinstance(value, str) else []


def _wrong_conditions(document: Document) -> list[Diagnostic]:
    found = _odd_conditions(document)
    for path, text in _conditions(document):
        sentence, note = _wrong_condition(text)
        if sentence:
            found.append(document.diagnostic("BAVN-E021", sentence, path, note=note, value=True))
    return found


def _odd_conditions(document: Document) -> list[Diagnostic]:
    """Conditions that are no text."""
    part = _part(document.data)
    detections = document.data.get(part)
    if not isinstance(detections, dict) or "condition" not in detections:
        return []
    given = detections["condition"]
    texts = given if isinstance(given, list) else [given]
    if all(isinstance(one, str) for one in texts):
        return []
    return [document.diagnostic("BAVN-E021", "the condition is no text", (part, "condition"))]


def _wrong_condition(text: str) -> tuple[str, str]:
    if len(text) > MAX_CONDITION_CHARS:
        return f"the condition is longer than {MAX_CONDITION_CHARS} characters", ""
    if _nesting(text) > MAX_PARENTHESES:
        return f"more than {MAX_PARENTHESES} parentheses inside each other", ""
    if "|" in text:
        return "pipes in conditions belong to an older Sigma", "Use a correlation rule."
    upper = _UPPER.search(text)
    if upper:
        return f"`{upper[0]}` must be in lower case", f"Write `{upper[0].lower()}`."
    return "", ""


def _nesting(text: str) -> int:
    depth = deepest = 0
    for char in text:
        depth += (char == "(") - (char == ")")
        deepest = max(deepest, depth)
    return max(deepest, text.count("not "))


def _dangling(document: Document, detections: SigmaDetections, part: str) -> list[Diagnostic]:
    """Names and patterns of the condition that fit no detection."""
    found: list[Diagnostic] = []
    for condition in detections.parsed_condition:
        try:
            tree = condition.parse(postprocess=False)
        except Exception as error:  # noqa: BLE001  (whatever pySigma raises on a condition that others wrote)
            return [_bad_condition(document, part, error)]
        found += [
            _dangling_name(document, detections, part, name) for name, hits in _mentions(tree, detections) if not hits
        ]
    return found


def _bad_condition(document: Document, part: str, error: Exception) -> Diagnostic:
    sentence = f"the condition cannot be read: {error}"
    return document.diagnostic("BAVN-E021", sentence, (part, "condition"), value=True)


def _dangling_name(document: Document, detections: SigmaDetections, part: str, name: str) -> Diagnostic:
    close = difflib.get_close_matches(name, list(detections.detections), 1)
    label = f"did you mean `{close[0]}`?" if close else ""
    return document.diagnostic("BAVN-E022", f"no detection fits `{name}`", (part, "condition"), label=label, value=True)


def _mentions(node: object, detections: SigmaDetections) -> Iterator[tuple[str, list[str]]]:
    """(name or pattern, detections it fits) of every leaf of a condition."""
    if isinstance(node, ConditionSelector):
        fitting = node.resolve_referenced_detections(detections)
        yield node.pattern, [item.identifier for item in fitting]
    elif isinstance(node, ConditionIdentifier):
        name = node.identifier
        yield name, [name] if name in detections.detections else []
    elif isinstance(node, ConditionItem):
        for part in node.args:
            yield from _mentions(part, detections)


def _unused(document: Document) -> list[Diagnostic]:
    """Detections that no word of any condition could mean; patterns are taken widely."""
    data = document.data
    part = _part(data)
    detections = data.get(part)
    words = {word for _, text in _conditions(document) for word in re.findall(r"[\w*-]+", text)}
    if not isinstance(detections, dict) or not words or "them" in words:
        return []
    patterns = [re.compile(re.escape(word).replace(r"\*", ".*")) for word in words]
    return [
        document.diagnostic("BAVN-W003", f"the condition never uses `{name}`", (part, name))
        for name in detections
        if name not in _NOT_DETECTIONS and not any(p.fullmatch(name) for p in patterns)
    ]


def _read_as(document: Document, path: YamlPath) -> str:
    value = document.data
    for step in path:
        value = value[step]
    return str(value).lower() if isinstance(value, bool) else str(value)


# -- pySigma's errors ---------------------------------------------------------------------


def diagnose(document: Document, error: Exception) -> Diagnostic:
    """PySigma's error with our code, at the place that it is about."""
    text = _plain(error)
    if isinstance(error, (exceptions.SigmaConditionError, exceptions.SigmaFilterConditionError)):
        return document.diagnostic("BAVN-E021", text, (_part(document.data), "condition"), value=True)
    part = _PARTS.get(type(error))
    if part is not None:
        return document.diagnostic("BAVN-E020", text, (part,), value=part in document.data)
    failing = _failing_item(document)
    if failing is not None:
        path, why = failing
        code = "BAVN-E026" if isinstance(why, exceptions.SigmaRegularExpressionError) else "BAVN-E024"
        return document.diagnostic(code, _plain(why), path)
    if isinstance(error, (SigmaError, ValueError, TypeError, AttributeError, KeyError)):
        return document.diagnostic("BAVN-E020", text, (_part(document.data),))
    return unexpected(document, error)


def unexpected(document: Document, error: Exception) -> Diagnostic:
    """A refusal for an error that nobody foresaw."""
    sentence = f"the rule cannot be compiled: {type(error).__name__}: {str(error)[:_LONGEST_TEXT]}"
    part = _part(document.data) if isinstance(document.data, dict) else ""
    return document.diagnostic("BAVN-E035", sentence, (part,) if part else ())


def _failing_item(document: Document) -> tuple[YamlPath, Exception] | None:
    for path, key, value in items(document):
        try:
            SigmaDetectionItem.from_mapping(modifiers.rename(key), value)
        except Exception as error:  # noqa: BLE001  (whatever pySigma raises on a bad value)
            return path, error
    return None


_CLASS: Final = re.compile(r"Modifier (?:Sigma)?(\w+?)(?:Modifier)? incompatible to value type of '(.*)'", re.DOTALL)


def _plain(error: Exception) -> str:
    """PySigma's text without its class names and paths."""
    text = str(error.args[0]) if error.args else type(error).__name__
    named = _CLASS.match(text)
    if named:
        name = named[1].lower()
        return f"`{_SHORT_NAMES.get(name, name)}` cannot be applied to {named[2]}"
    return text[:1].lower() + text[1:] if text else type(error).__name__

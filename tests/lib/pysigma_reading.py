"""PySigma's own reading of a rule: its parsed condition tree, evaluated on an event by code that shares nothing of ours.

Names are the event's own; absent and null are not told apart, as backends of log stores do not; nothing is unobserved.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from sigma import types
from sigma.collection import SigmaCollection
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sigma.processing.pipeline import ProcessingPipeline

_FLAGS = {
    types.SigmaRegularExpressionFlag.IGNORECASE: re.IGNORECASE,
    types.SigmaRegularExpressionFlag.MULTILINE: re.MULTILINE,
    types.SigmaRegularExpressionFlag.DOTALL: re.DOTALL,
}
_COMPARE = {
    types.CompareOperators.LT: lambda a, b: a < b,
    types.CompareOperators.LTE: lambda a, b: a <= b,
    types.CompareOperators.GT: lambda a, b: a > b,
    types.CompareOperators.GTE: lambda a, b: a >= b,
}


class Reading:
    """A rule with its filters, as pySigma parses it."""

    def __init__(self, documents: list[dict[str, Any]], pipeline: ProcessingPipeline | None = None) -> None:
        rules = SigmaCollection.from_dicts(documents).rules
        self._rule: Any = next(rule for rule in rules if hasattr(rule, "detection"))
        for rule in rules:
            if hasattr(rule, "apply_on_rule"):
                self._rule = rule.apply_on_rule(self._rule)
        if pipeline:
            pipeline.apply(self._rule)
        self._trees = [condition.parsed for condition in self._rule.detection.parsed_condition]

    def holds(self, fields: Mapping[str, Any]) -> bool:
        """Whether any of the rule's conditions holds."""
        return any(_holds(tree, fields) for tree in self._trees)


def _holds(node: Any, fields: Mapping[str, Any]) -> bool:
    match node:
        case ConditionAND():
            return all(_holds(part, fields) for part in node.args)
        case ConditionOR():
            return any(_holds(part, fields) for part in node.args)
        case ConditionNOT():
            return not _holds(node.args[0], fields)
        case ConditionFieldEqualsValueExpression():
            return _field(node.field, node.value, fields)
        case ConditionValueExpression():
            return any(_keyword(node.value, text) for text in _texts(fields))
    raise AssertionError(f"pySigma gave {type(node)}")


def _texts(fields: Mapping[str, Any]) -> list[str]:
    members = [m for value in fields.values() for m in (value if isinstance(value, list) else [value])]
    return [member for member in members if isinstance(member, str)]


def _keyword(value: Any, text: str) -> bool:
    if isinstance(value, types.SigmaExpansion):
        return any(_keyword(one, text) for one in value.values)
    if isinstance(value, types.SigmaString):
        return _like([types.SpecialChars.WILDCARD_MULTI, *value.s, types.SpecialChars.WILDCARD_MULTI], text, value)
    return str(value) in text if isinstance(value, types.SigmaNumber) else _one(value, text)


def _field(name: str, value: Any, fields: Mapping[str, Any]) -> bool:
    have = fields.get(name)
    members = have if isinstance(have, list) else [have]
    members = [member for member in members if member is not None]
    if isinstance(value, types.SigmaNull):
        return not members
    if isinstance(value, types.SigmaExists):
        return (name in fields) == value.exists
    if isinstance(value, types.SigmaExpansion):
        return any(_field(name, one, fields) for one in value.values)
    if isinstance(value, types.SigmaFieldReference):
        return any(_refers(value, _text(member), fields) for member in members)
    return any(_one(value, member) for member in members)


def _refers(value: types.SigmaFieldReference, text: str, fields: Mapping[str, Any]) -> bool:
    other = fields.get(value.field)
    wanted = "" if other is None else _text(other).lower()
    if other is None:
        return False
    if value.starts_with and value.ends_with:
        return wanted in text.lower()
    if value.starts_with:
        return text.lower().startswith(wanted)
    return text.lower().endswith(wanted) if value.ends_with else text.lower() == wanted


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _one(value: Any, have: Any) -> bool:
    match value:
        case types.SigmaString():
            return _like(value.s, _text(have), value)
        case types.SigmaBool():
            return _text(have) == str(value.boolean).lower()
        case types.SigmaNumber():
            return _text(have) == str(value)
        case types.SigmaRegularExpression():
            flags = re.RegexFlag(0)
            for flag in value.flags:
                flags |= _FLAGS[flag]
            return re.search(str(value.regexp), _text(have), flags) is not None
        case types.SigmaCIDRExpression():
            return _inside(_text(have), value.network)
        case types.SigmaCompareExpression():
            return _COMPARE[value.op](float(have), value.number.number)
    raise AssertionError(f"pySigma gave {type(value)}")


def _like(parts: Any, text: str, value: Any) -> bool:
    wild = {types.SpecialChars.WILDCARD_MULTI: ".*", types.SpecialChars.WILDCARD_SINGLE: "."}
    pattern = "".join(wild.get(part) or re.escape(str(part)) for part in parts if part != "")
    flags = re.DOTALL if isinstance(value, types.SigmaCasedString) else re.DOTALL | re.IGNORECASE
    return re.fullmatch(pattern, text, flags) is not None


def _inside(text: str, network: Any) -> bool:
    try:
        return ipaddress.ip_address(text) in network
    except (ValueError, TypeError):
        return False

"""Compiles correlations: rules over the hits of other rules, into the plan.

A correlation names rules by id or name; what it groups by and measures are names of
those rules' log sources, which lead to event fields as in the rules themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionNOT,
    CorrelationConditionOR,
    SigmaCorrelationRule,
    SigmaCorrelationType,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)

from detectors import taxonomy
from detectors.taxonomy import LogSource, Mapped, Route, Taxonomy, Unfillable
from detectors.values import RuleProblemError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detectors.fields import FieldTable

# What the engine takes; beyond it memory or sense would end.
MAX_INPUTS: Final = 100
MAX_GROUP: Final = 16
MAX_COUNT: Final = 9_999
MAX_SECONDS: Final = 31 * 86_400
NANOSECONDS: Final = 1_000_000_000

_TEMPORAL: Final = (SigmaCorrelationType.TEMPORAL, SigmaCorrelationType.TEMPORAL_ORDERED)
_COUNTED: Final = (SigmaCorrelationType.EVENT_COUNT, SigmaCorrelationType.VALUE_COUNT)


@dataclass(slots=True)
class Known:
    """A rule that correlations may name: its log source and kinds, or, of a correlation, what it groups by."""

    id: str
    name: str
    source: LogSource | None = None
    kinds: tuple[str, ...] = ()
    group: tuple[str, ...] | None = None
    takers: list[bool] = field(default_factory=list)

    @property
    def quiet(self) -> bool:
        """True where every correlation over it asks that it makes no alerts of its own."""
        return bool(self.takers) and not any(self.takers)


@dataclass(frozen=True, slots=True)
class Correlated:
    """A correlation as the plan has it, and the kinds of events behind it."""

    plan: dict[str, Any]
    kinds: tuple[str, ...]
    group: tuple[str, ...]


def named(rule: SigmaCorrelationRule) -> list[str]:
    """The rules that it is over, as it names them, in its order."""
    if rule.rules:
        return [str(reference.reference) for reference in rule.rules]
    if isinstance(rule.condition, SigmaExtendedCorrelationCondition):
        return list(rule.condition.get_referenced_rules())
    return []


def compile_rule(
    rule: SigmaCorrelationRule, known: Mapping[str, Known], fields: FieldTable, tables: Taxonomy
) -> Correlated:
    """The correlation over rules that are known by id and by name.

    Raises:
        RuleProblemError: E028 where it cannot be run, E031 or E032 where a field is not known or not seen.
    """
    names = named(rule)
    inputs = [known[name] for name in names]
    _check(rule, names)
    group = tuple(rule.group_by or ())
    scope = _Scope(rule, fields, tables, group)
    planned = [scope.input(name, one) for name, one in zip(names, inputs, strict=True)]
    body: dict[str, Any] = {
        "type": rule.type.name.lower(),
        "timespan": rule.timespan.seconds * NANOSECONDS,
        "inputs": planned,
        **_condition(rule, names),
    }
    kinds = {kind: None for one in inputs for kind in one.kinds}
    for one in inputs:
        one.takers.append(bool(rule.generate))
    return Correlated(body, tuple(kinds), group)


def _check(rule: SigmaCorrelationRule, names: Sequence[str]) -> None:
    if not names:
        raise _wrong("the correlation names no rule", "rules")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None and rule.type is not SigmaCorrelationType.TEMPORAL_ORDERED:
        raise _wrong(f"the correlation names `{twice}` twice", "rules")
    if len(names) > MAX_INPUTS:
        raise _wrong(f"more than {MAX_INPUTS} rules in one correlation", "rules")
    if len(rule.group_by or ()) > MAX_GROUP:
        raise _wrong(f"more than {MAX_GROUP} fields in `group-by`", "group-by")
    if rule.timespan.seconds > MAX_SECONDS:
        raise _wrong("the timespan is longer than 31 days", "timespan")
    ordered = rule.type is SigmaCorrelationType.TEMPORAL_ORDERED
    if ordered and isinstance(rule.condition, SigmaExtendedCorrelationCondition) and not _is_plain_and(rule.condition):
        raise _wrong("the condition of a `temporal_ordered` can only join rules by `and`", "condition")


def _is_plain_and(condition: SigmaExtendedCorrelationCondition) -> bool:
    tree = condition.parsed
    if isinstance(tree, SigmaRuleReference):
        return True
    return isinstance(tree, CorrelationConditionAND) and all(isinstance(arg, SigmaRuleReference) for arg in tree.args)


def _condition(rule: SigmaCorrelationRule, names: list[str]) -> dict[str, Any]:
    condition = rule.condition
    if isinstance(condition, SigmaExtendedCorrelationCondition):
        if rule.type is SigmaCorrelationType.TEMPORAL_ORDERED:
            return {}
        return {"expression": _expression(condition.parsed, names)}
    if rule.type in _TEMPORAL:
        if condition.op.name.lower() != "gte" or condition.count != len(names):
            raise _wrong("a temporal correlation takes no number: all its rules must match", "condition")
        return {}
    if condition.count < 0 or (rule.type in _COUNTED and condition.count > MAX_COUNT):
        raise _wrong(f"a count from 0 to {MAX_COUNT} is needed", "condition")
    body: dict[str, Any] = {"op": condition.op.name.lower(), "count": condition.count}
    if rule.type is SigmaCorrelationType.VALUE_PERCENTILE:
        if condition.percentile is None or not 1 <= condition.percentile <= 100:  # noqa: PLR2004
            raise _wrong("`value_percentile` needs `percentile`, 1 to 100", "condition")
        body["percentile"] = condition.percentile
    return body


def _expression(node: object, names: list[str]) -> dict[str, Any]:
    match node:
        case SigmaRuleReference():
            return {"i": names.index(str(node.reference))}
        case CorrelationConditionNOT():
            return {"not": _expression(node.args[0], names)}
        case CorrelationConditionAND():
            return {"and": [_expression(arg, names) for arg in node.args]}
        case CorrelationConditionOR():
            return {"or": [_expression(arg, names) for arg in node.args]}
        case _:
            raise _wrong("the condition cannot be read", "condition")


@dataclass(frozen=True, slots=True)
class _Scope:
    rule: SigmaCorrelationRule
    fields: FieldTable
    tables: Taxonomy
    group: tuple[str, ...]

    def input(self, name: str, one: Known) -> dict[str, Any]:
        if one.group is not None:
            return {"rule": one.id, "chain": [self._place(name, one.group, wanted) for wanted in self.group]}
        assert one.source is not None  # noqa: S101  (what is no correlation has a log source)
        routes = [route for route in self.tables.routes(one.source) if route.kind in one.kinds]
        return {"rule": one.id, "views": [self._view(name, route) for route in routes]}

    def _place(self, name: str, group: tuple[str, ...], wanted: str) -> int:
        if self.rule.type not in _TEMPORAL and self.rule.type is not SigmaCorrelationType.EVENT_COUNT:
            raise _wrong(f"`{name}` is a correlation: its hits can be counted, but have no values", "rules")
        own = self._own_name(name, wanted)
        if own not in group:
            raise _wrong(f"`{name}` does not group by `{own}`", "group-by")
        return group.index(own)

    def _view(self, name: str, route: Route) -> dict[str, Any]:
        view: dict[str, Any] = {
            "kind": route.kind,
            "group": [self._resolve(self._own_name(name, wanted), route, "group-by") for wanted in self.group],
        }
        measured = getattr(self.rule.condition, "fieldref", None)
        if measured is not None:
            if not isinstance(measured, str):
                raise _wrong("the condition measures one field", "condition")
            view["value"] = self._resolve(self._own_name(name, measured), route, "condition")
        return view

    def _own_name(self, name: str, wanted: str) -> str:
        """The name that the rule's events have for it, where it is an alias."""
        alias = self.rule.aliases.aliases.get(wanted)
        if alias is None:
            return wanted
        for reference, own in alias.mapping.items():
            if reference.reference == name:
                return str(own)
        raise _wrong(f"the alias `{wanted}` says nothing of `{name}`", "aliases")

    def _resolve(self, name: str, route: Route, part: str) -> list[str]:
        found = taxonomy.resolve(route, name, self.fields)
        if found is None:
            raise RuleProblemError("BAVN-E031", f"no sensor produces the field `{name}`", part)
        if isinstance(found, Unfillable):
            raise RuleProblemError("BAVN-E032", f"the sensor cannot see `{name}`: {found.reason}", part)
        assert isinstance(found, Mapped)  # noqa: S101  (one of three)
        if found.values is not None:
            raise _wrong(f"`{name}` has a fixed set of values and cannot be grouped by or measured", part)
        return list(found.fields)


def _wrong(sentence: str, part: str) -> RuleProblemError:
    return RuleProblemError("BAVN-E028", sentence, part)

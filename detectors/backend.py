"""The pySigma backend: compiles a Sigma rule to the plan's predicates and conditions.

A rule is compiled once for each kind of event that its log source leads to, since the
same Sigma name means other fields there.
"""

# The signatures that pySigma calls are its own.
# ruff: noqa: ARG002, FBT001, FBT002

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.conversion.base import Backend
from sigma.conversion.state import ConversionState
from sigma.exceptions import SigmaError
from sigma.types import CompareOperators, SigmaCasedString, SigmaExpansion

from detectors import correlating, heads, plan, taxonomy, values
from detectors.fields import Field, FieldTable, native
from detectors.plan import ALWAYS, NEVER, Condition, PlannedRule, Target
from detectors.taxonomy import LogSource, Mapped, Route, Taxonomy, Unfillable
from detectors.values import ANY, RuleProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sigma.correlations import SigmaCorrelationRule
    from sigma.processing.pipeline import ProcessingPipeline
    from sigma.rule import SigmaRule

MAX_PREDICATES: Final = 20_000

_COMPARE: Final = {
    CompareOperators.LT: "lt",
    CompareOperators.LTE: "lte",
    CompareOperators.GT: "gt",
    CompareOperators.GTE: "gte",
}
_RAW_VIEW: Final = {"http": "bavn.http.raw"}

FieldItem = ConditionFieldEqualsValueExpression


@dataclass(slots=True)
class Scope:
    """One compilation of one rule for one kind of event."""

    route: Route
    negated: bool = False
    predicates: int = 0
    blind: dict[str, str] = field(default_factory=dict)
    hopeless: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A rule's targets; fields that no packet fills, and values that can never be equal."""

    targets: tuple[Target, ...]
    blind: dict[str, str]
    hopeless: dict[str, str]


class BavnBackend(Backend):
    """Sigma to bavn's plan."""

    name: ClassVar[str] = "bavn plan"
    identifier: ClassVar[str] = "bavn"
    formats: ClassVar[dict[str, str]] = {"default": "plan (JSON) that bavn's engine loads"}
    requires_pipeline: ClassVar[bool] = False
    explicit_not_exists_expression: ClassVar[bool] = True
    correlation_methods: ClassVar[dict[str, str] | None] = {"default": "streaming, by packet time"}

    def __init__(
        self,
        processing_pipeline: ProcessingPipeline | None = None,
        collect_errors: bool = False,
        fields: FieldTable | None = None,
        tables: Taxonomy | None = None,
        **backend_options: dict[str, Any],
    ) -> None:
        super().__init__(processing_pipeline, collect_errors, **backend_options)
        self._fields = fields or native()
        self._tables = tables or taxonomy.packaged()
        self.init_processing_pipeline()

    # -- one rule -----------------------------------------------------------------------

    def convert_rule(
        self,
        rule: SigmaRule,
        output_format: str | None = None,
        callback: Callable[..., Any] | None = None,
    ) -> list[Any]:
        """The rule as one PlannedRule; none where errors are collected and it had one."""
        try:
            compiled = self.compile(rule)
        except SigmaError as error:
            if not self.collect_errors:
                raise
            self.errors.append((rule, error))
            return []
        planned = PlannedRule(heads.of_rule(rule), compiled.targets)
        result = callback(rule, output_format, 0, None, planned) if callback else planned
        found = [] if result is None else [result]
        rule.set_conversion_result(found)
        return found if rule._output else []  # noqa: SLF001  (pySigma's own backends read it so)

    def finalize_query(
        self, rule: object, query: PlannedRule, index: int, state: object, output_format: str
    ) -> PlannedRule:
        """Rules are complete as they are."""
        return query

    def finalize_output_default(self, queries: list[Any]) -> str:
        """The whole plan as JSON text."""
        return plan.assemble(queries).decode()

    def compile(self, rule: SigmaRule) -> Compiled:
        """The rule's targets. Raises RuleProblemError or a SigmaError."""
        self.last_processing_pipeline.apply(rule)
        source = LogSource(rule.logsource.category, rule.logsource.product, rule.logsource.service)
        routes = self._tables.routes(source)
        if not routes:
            raise RuleProblemError("BAVN-E030", f"no sensor serves the log source {source}")
        main = [route for route in routes if not route.fallback]
        try:
            return self._compile_on(rule, main)
        except RuleProblemError as problem:
            spare = [route for route in routes if route.fallback]
            if problem.code not in ("BAVN-E032", "BAVN-E033") or not spare:
                raise
            return self._compile_fallback(rule, spare, problem)

    def _compile_fallback(self, rule: SigmaRule, routes: list[Route], problem: RuleProblemError) -> Compiled:
        try:
            return self._compile_on(rule, routes)
        except RuleProblemError:
            raise problem from None

    def _compile_on(self, rule: SigmaRule, routes: Iterable[Route]) -> Compiled:
        done = [self._target(rule, Scope(route)) for route in routes]
        targets = tuple(target for target, _ in done if target.condition != NEVER)
        blind = {name: why for _, scope in done for name, why in scope.blind.items()}
        hopeless = {name: why for _, scope in done for name, why in scope.hopeless.items()}
        if not targets:
            raise _never(blind)
        if any(target.condition == ALWAYS for target in targets):
            raise RuleProblemError("BAVN-E034", "the rule would match every event of its log source")
        return Compiled(targets, blind, hopeless)

    def _target(self, rule: SigmaRule, scope: Scope) -> tuple[Target, Scope]:
        state = ConversionState(processing_state={"scope": scope})
        parts = [self.convert_condition(condition.parsed, state) for condition in rule.detection.parsed_condition]
        return Target(scope.route.kind, plan.either(p for p in parts if p is not None)), scope

    # -- conditions ---------------------------------------------------------------------

    def convert_condition_or(self, cond: ConditionOR, state: ConversionState) -> Condition:
        """Any of the parts."""
        return plan.either(self._parts(cond, state))

    def convert_condition_and(self, cond: ConditionAND, state: ConversionState) -> Condition:
        """All of the parts."""
        return plan.both(self._parts(cond, state))

    def convert_condition_not(self, cond: ConditionNOT, state: ConversionState) -> Condition:
        """Not the part; fields under an odd number of NOTs must be ones that the sensor fills."""
        scope = _scope(state)
        scope.negated = not scope.negated
        try:
            parts = list(self._parts(cond, state))
        finally:
            scope.negated = not scope.negated
        return plan.negate(plan.both(parts))

    def convert_condition_as_in_expression(self, cond: ConditionOR | ConditionAND, state: ConversionState) -> Condition:
        """Never asked for: the plan keeps one predicate a value."""
        return plan.either(self._parts(cond, state))

    def _parts(self, cond: ConditionItem, state: ConversionState) -> Iterator[Condition]:
        for arg in cond.args:
            part = self.convert_condition(arg, state)
            if part is not None:
                yield part

    # -- field and value ----------------------------------------------------------------

    def convert_condition_field_eq_val_str(self, cond: FieldItem, state: ConversionState) -> Condition:
        """Whole value, with wildcards; without regard to case."""
        return self._string(cond, state, cased=False)

    def convert_condition_field_eq_val_str_case_sensitive(self, cond: FieldItem, state: ConversionState) -> Condition:
        """The same with regard to case."""
        return self._string(cond, state, cased=True)

    def convert_condition_field_eq_val_num(self, cond: FieldItem, state: ConversionState) -> Condition:
        """A number is compared by its text, so that 42 matches "42"."""
        number = values.exact(cond.value.number, cond.field)  # type: ignore[attr-defined]

        def make(row: Field, mapped: Mapped) -> Condition:
            scaled = number * mapped.scale if row.type in ("number", "float") else number
            return plan.leaf(row.name, "eq", values.number_text(scaled))

        return self._on_field(cond, state, make, values.string_test([str(number)], cased=False))

    def convert_condition_field_eq_val_bool(self, cond: FieldItem, state: ConversionState) -> Condition:
        """A boolean is compared by its text, true or false."""
        text = "true" if cond.value.boolean else "false"  # type: ignore[attr-defined]
        return self._on_field(
            cond, state, lambda row, _: plan.leaf(row.name, "eq", text), values.string_test([text], cased=False)
        )

    def convert_condition_field_eq_val_timestamp_part(self, cond: FieldItem, state: ConversionState) -> Condition:
        """Minute to year of a time, UTC."""
        value: Any = cond.value
        part = value.timestamp_part.name.lower()

        def make(row: Field, _: Mapped) -> Condition:
            self._needs(row, ("time",), part, cond)
            return plan.leaf(row.name, "time", int(value.number), part=part)

        return self._on_field(cond, state, make)

    def convert_condition_field_eq_val_re(self, cond: FieldItem, state: ConversionState) -> Condition:
        """Unanchored, with regard to case unless flagged."""
        pattern, flags = values.regex(cond.value, cond.field)

        def make(row: Field, mapped: Mapped) -> Condition:
            if mapped.form == "hex":
                raise RuleProblemError("BAVN-E024", "an expression over bytes goes on the payload itself", cond.field)
            return plan.leaf(row.name, "re", pattern, flags=flags)

        return self._on_field(cond, state, make)

    def convert_condition_field_eq_val_cidr(self, cond: FieldItem, state: ConversionState) -> Condition:
        """An address inside a network."""
        network = str(cond.value.network)  # type: ignore[attr-defined]
        return self._on_field(cond, state, lambda row, _: plan.leaf(row.name, "cidr", network))

    def convert_condition_field_compare_op_val(self, cond: FieldItem, state: ConversionState) -> Condition:
        """lt, lte, gt, gte."""
        value: Any = cond.value
        number = values.exact(value.number.number, cond.field)

        def make(row: Field, mapped: Mapped) -> Condition:
            op = _COMPARE[value.op]
            self._needs(row, ("number", "float", "time", "text"), op, cond)
            return plan.leaf(row.name, op, number * mapped.scale)

        return self._on_field(cond, state, make)

    def convert_condition_field_eq_field(self, cond: FieldItem, state: ConversionState) -> Condition:
        """Equal to (or beginning, ending with, containing) another field's value."""
        value: Any = cond.value
        modes = {(True, True): "contains", (True, False): "startswith", (False, True): "endswith"}
        mode = modes.get((value.starts_with, value.ends_with), "eq")
        other = self._mapped(FieldItem(value.field, cond.value), state)
        if other is None:
            return NEVER
        others = other.fields

        def make(row: Field, _: Mapped) -> Condition:
            return plan.either(plan.leaf(row.name, "fieldref", name, mode=mode) for name in others)

        return self._on_field(cond, state, make)

    def convert_condition_field_eq_val_null(self, cond: FieldItem, state: ConversionState) -> Condition:
        """Absent or null, in every event field that the name stands for."""
        return self._absent(cond, state, lambda name: plan.leaf(name, "null", True))

    def convert_condition_field_exists(self, cond: FieldItem, state: ConversionState) -> Condition:
        """Present, whatever its value."""
        return self._on_field(cond, state, lambda row, _: plan.leaf(row.name, "exists", True))

    def convert_condition_field_not_exists(self, cond: FieldItem, state: ConversionState) -> Condition:
        """Not present."""
        return self._absent(cond, state, lambda name: plan.leaf(name, "exists", False))

    def convert_condition_field_eq_query_expr(self, cond: FieldItem, state: ConversionState) -> NoReturn:
        """Query parts of other systems cannot run here."""
        raise RuleProblemError("BAVN-E024", "query expressions of other systems cannot run", cond.field)

    def convert_condition_field_eq_expansion(self, cond: FieldItem, state: ConversionState) -> Condition:
        """Any of the values that a modifier made of one."""
        made: Any = cond.value
        return plan.either(self.convert_condition(FieldItem(cond.field, value), state) for value in made.values)

    # -- keywords -----------------------------------------------------------------------

    def convert_condition_val(self, cond: ConditionValueExpression, state: ConversionState) -> Any:  # noqa: ANN401
        """A keyword; or any of those that a modifier made of one."""
        made: Any = cond.value
        if not isinstance(made, SigmaExpansion):
            return super().convert_condition_val(cond, state)
        parts = (self.convert_condition_val(ConditionValueExpression(value), state) for value in made.values)
        return plan.either(parts)

    def convert_condition_val_str(self, cond: ConditionValueExpression, state: ConversionState) -> Condition:
        """Found anywhere in the event's raw view."""
        value: Any = cond.value
        parts = values.parts_of(value, "")
        cased = isinstance(value, SigmaCasedString)
        loose = [ANY, *parts, ANY]
        return self._keyword(state, lambda name: values.text_leaf(name, loose, cased=cased))

    def convert_condition_val_num(self, cond: ConditionValueExpression, state: ConversionState) -> Condition:
        """The number's digits, found anywhere."""
        text = str(cond.value.number)  # type: ignore[attr-defined]
        return self._keyword(state, lambda name: plan.leaf(name, "contains", text))

    def convert_condition_val_re(self, cond: ConditionValueExpression, state: ConversionState) -> Condition:
        """A regular expression, found anywhere."""
        pattern, flags = values.regex(cond.value, "")
        return self._keyword(state, lambda name: plan.leaf(name, "re", pattern, flags=flags))

    def convert_condition_query_expr(self, cond: ConditionValueExpression, state: ConversionState) -> NoReturn:
        """Query parts of other systems cannot run here."""
        raise RuleProblemError("BAVN-E024", "query expressions of other systems cannot run")

    def _keyword(self, state: ConversionState, make: Callable[[str], Condition]) -> Condition:
        kind = _scope(state).route.kind
        raw = _RAW_VIEW.get(kind)
        if raw and self._fields.fills(raw, kind):
            return make(raw)
        return plan.either(make(name) for name in self._fields.text_fields(kind))

    # -- names --------------------------------------------------------------------------

    def _string(self, cond: FieldItem, state: ConversionState, *, cased: bool) -> Condition:
        value: Any = cond.value
        parts = values.parts_of(value, cond.field)
        scope = _scope(state)

        def make(row: Field, mapped: Mapped) -> Condition:
            if mapped.form == "hex":
                return values.text_leaf(row.name, values.hex_parts(parts, cond.field), cased=True)
            if row.type != "ip" or any(not isinstance(part, str) for part in parts):
                return values.text_leaf(row.name, parts, cased=cased)
            known = values.address(parts)
            if known is None:
                scope.hopeless[cond.field] = f"`{''.join(map(str, parts))}` is no address"
            return plan.leaf(row.name, "eq", known or "".join(map(str, parts)))

        return self._on_field(cond, state, make, values.string_test(parts, cased=cased))

    def _on_field(
        self,
        cond: FieldItem,
        state: ConversionState,
        make: Callable[[Field, Mapped], Condition],
        holds: Callable[[str], bool] | None = None,
    ) -> Condition:
        """The predicate on each event field that the name stands for, joined by OR."""
        mapped = self._mapped(cond, state)
        if mapped is None:
            return NEVER
        if mapped.values is not None:
            return self._by_values(cond, state, mapped, holds)
        self._count(state, len(mapped.fields))
        return plan.either(make(self._fields.by_name[n], mapped) for n in mapped.fields)

    def _by_values(
        self,
        cond: FieldItem,
        state: ConversionState,
        mapped: Mapped,
        holds: Callable[[str], bool] | None,
    ) -> Condition:
        """A name with a fixed set of values: the event values of those that the rule accepts."""
        if holds is None:
            raise RuleProblemError("BAVN-E024", f"`{cond.field}` has a fixed set of values: compare with =", cond.field)
        known = mapped.values or {}
        accepted = [known[key] for key in known if holds(key)]
        if not accepted:
            _scope(state).hopeless[cond.field] = "it is one of: " + ", ".join(known)
        self._count(state, sum(len(to) for to in accepted))
        return plan.either(
            values.mapped_leaf(name, value) if value else ALWAYS
            for to in accepted
            for value in (to or ("",))
            for name in mapped.fields
        )

    def _absent(self, cond: FieldItem, state: ConversionState, make: Callable[[str], Condition]) -> Condition:
        """Absence is true where the sensor never fills the field, so it counts as negated."""
        scope = _scope(state)
        scope.negated = not scope.negated
        try:
            mapped = self._mapped(cond, state)
        finally:
            scope.negated = not scope.negated
        return ALWAYS if mapped is None else plan.both(make(name) for name in mapped.fields)

    def _mapped(self, cond: FieldItem, state: ConversionState) -> Mapped | None:
        """The event fields of a name; None where the sensor never fills it."""
        scope = _scope(state)
        found = taxonomy.resolve(scope.route, cond.field, self._fields)
        if found is None:
            raise RuleProblemError("BAVN-E031", f"no sensor produces the field `{cond.field}`", cond.field)
        if isinstance(found, Mapped):
            return found
        if scope.negated:
            raise _negated(cond.field, found)
        scope.blind[cond.field] = found.reason
        return None

    def _needs(self, row: Field, types: tuple[str, ...], op: str, cond: FieldItem) -> None:
        if row.type not in types:
            raise RuleProblemError(
                "BAVN-E027", f"`{op}` cannot compare `{cond.field}`, which is {row.type}", cond.field
            )

    def _count(self, state: ConversionState, number: int) -> None:
        scope = _scope(state)
        scope.predicates += number
        if scope.predicates > MAX_PREDICATES:
            raise RuleProblemError("BAVN-E013", f"the rule has more than {MAX_PREDICATES} values")

    # -- correlations -------------------------------------------------------------------

    def convert_correlation_event_count_rule(
        self, rule: SigmaCorrelationRule, output_format: str | None = None, method: str = "default"
    ) -> list[Any]:
        """The correlation as one PlannedRule, over the rules that pySigma has resolved for it."""
        known = {name: self._known(of) for name, of in self._resolved(rule)}
        compiled = correlating.compile_rule(rule, known, self._fields, self._tables)
        return [PlannedRule(heads.of_rule(rule), (), compiled.plan)]

    def _resolved(self, rule: SigmaCorrelationRule) -> list[tuple[str, Any]]:
        return [(str(reference.reference), reference.rule) for reference in rule.referenced_rules]

    def _known(self, rule: Any) -> correlating.Known:  # noqa: ANN401
        identity, name = heads.rule_id(rule), rule.name or ""
        if hasattr(rule, "logsource"):
            source = LogSource(rule.logsource.category, rule.logsource.product, rule.logsource.service)
            kinds = tuple(target.kind for target in self.compile(rule).targets)
            return correlating.Known(identity, name, source, kinds)
        return correlating.Known(identity, name, group=tuple(rule.group_by or ()))

    convert_correlation_value_count_rule = convert_correlation_event_count_rule
    convert_correlation_temporal_rule = convert_correlation_event_count_rule
    convert_correlation_temporal_ordered_rule = convert_correlation_event_count_rule
    convert_correlation_extended_temporal_rule = convert_correlation_event_count_rule
    convert_correlation_extended_temporal_ordered_rule = convert_correlation_event_count_rule
    convert_correlation_value_sum_rule = convert_correlation_event_count_rule
    convert_correlation_value_avg_rule = convert_correlation_event_count_rule
    convert_correlation_value_median_rule = convert_correlation_event_count_rule
    convert_correlation_value_percentile_rule = convert_correlation_event_count_rule


def _scope(state: ConversionState) -> Scope:
    scope: Scope = state.processing_state["scope"]
    return scope


def _never(blind: dict[str, str]) -> RuleProblemError:
    if not blind:
        return RuleProblemError("BAVN-E034", "the rule could never match")
    name, reason = next(iter(blind.items()))
    return RuleProblemError("BAVN-E032", f"the sensor cannot see `{name}`: {reason}", name)


def _negated(name: str, found: Unfillable) -> RuleProblemError:
    sentence = f"`{name}` is negated, but the sensor never fills it: {found.reason}"
    return RuleProblemError("BAVN-E033", sentence, name)

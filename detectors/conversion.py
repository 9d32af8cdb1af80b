"""Our rules as queries over stored events: pySigma pipelines that lead a rule to the fields and meaning that the engine gives it.

A rule is compiled as for a sensor, and its plan is handed to pySigma's backend as conditions over ECS fields. So the
query asks what the engine asks: names, aliases, keywords and the kind of event are resolved, a negated test does not hold where the
field was not observed, and what the query language cannot say is an error (E066), never a query that means something else.

The queries are made for events as `bavn events` prints them, in an index made from `template()`.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
)
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations.base import PreprocessingTransformation
from sigma.rule import SigmaRule
from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SpecialChars,
)

from detectors import lucene_regex
from detectors.backend import BavnBackend
from detectors.fields import Field, FieldTable, native
from detectors.plan import ALWAYS, And, Leaf, Not, Target
from detectors.values import RuleProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sigma.correlations import SigmaCorrelationRule

    from detectors.plan import Condition

DATASET: Final = "event.dataset"
UNOBSERVED: Final = "bavn.unobserved"
CASED: Final = "cased"
TEXT: Final = "text"
INDEX: Final = "bavn-events-*"
# Lucene's longest term is 32,766 bytes; a character has at most four. Longer values are kept, and not searched.
MAX_KEYWORD: Final = 8_191
# Elasticsearch counts objects and subfields too; its own default is 1,000.
MAX_FIELDS: Final = 4_000

Query = Any  # a condition of pySigma, which types its arguments loosely
_TEST: Final = ConditionFieldEqualsValueExpression
_COMPARE: Final = {
    "lt": CompareOperators.LT, "lte": CompareOperators.LTE, "gt": CompareOperators.GT, "gte": CompareOperators.GTE,
}  # fmt: skip
_WILDCARDS: Final = {1: SpecialChars.WILDCARD_MULTI, 2: SpecialChars.WILDCARD_SINGLE}
_TYPES: Final = {"number": "long", "float": "double", "bool": "boolean", "ip": "ip", "time": "date_nanos"}
# What a query string would take for its own syntax even where it is escaped.
_AWKWARD: Final = re.compile(r"[\t\n\r\f\v\u3000<>]|^(AND|OR|NOT)$")
_IPV6: Final = 6
_MAPPED: Final = ipaddress.ip_network("::ffff:0:0/96")
_EXACT: Final = 2**53 - 1
_NANOSECONDS: Final = 1_000_000_000


def _cannot(sentence: str, name: str = "") -> RuleProblemError:
    return RuleProblemError("BAVN-E066", sentence, name)


# -- pipelines ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Ready:
    """Stands where pySigma keeps an unparsed condition."""

    parsed: Query


@dataclass
class CompiledConditions(PreprocessingTransformation):
    """Replaces a rule's detections by what its plan asks of events, one condition a kind of event."""

    multivalued: bool = True

    def apply(self, rule: SigmaRule | SigmaCorrelationRule) -> None:
        """Raises RuleProblemError where the rule does not run on this sensor, or the language cannot say it."""
        if not isinstance(rule, SigmaRule):
            raise _cannot("a correlation slides its window with the packets; no query does")
        writer = Writer(native(), multivalued=self.multivalued)
        targets = BavnBackend().compile(rule).targets
        if self._pipeline is not None:
            self._pipeline.state["index"] = INDEX
        rule.detection.parsed_condition = [_Ready(writer.target(target)) for target in targets]  # type: ignore[misc]


def _pipeline(name: str, *, multivalued: bool, allowed: frozenset[str]) -> ProcessingPipeline:
    items = [ProcessingItem(CompiledConditions(multivalued=multivalued), identifier="bavn_compiled_conditions")]
    return ProcessingPipeline(name=name, priority=100, items=items, allowed_backends=allowed)


def lucene_pipeline() -> ProcessingPipeline:
    """For the Lucene backend: queries over events as `bavn events` prints them."""
    return _pipeline("bavn events, Lucene", multivalued=True, allowed=frozenset({"lucene"}))


def esql_pipeline() -> ProcessingPipeline:
    """The same for ES|QL, which compares fields of one value only."""
    return _pipeline("bavn events, ES|QL", multivalued=False, allowed=frozenset({"esql"}))


# -- conditions ---------------------------------------------------------------------------


class Writer:
    """Writes a plan's conditions as pySigma's, over the fields of `template()`."""

    def __init__(self, fields: FieldTable, *, multivalued: bool = True) -> None:
        self._fields = fields
        self._multivalued = multivalued

    def target(self, target: Target) -> Query:
        """The condition of one kind of event. Raises RuleProblemError (E066)."""
        self._kind = _TEST(DATASET, _text([f"bavn.{target.kind}"]))
        return _join(
            ConditionAND, [self._kind, *_parts(ConditionAND, self._condition(target.condition, negated=False))]
        )

    def _condition(self, condition: Condition, *, negated: bool) -> Query:
        if isinstance(condition, Not):
            return self._condition(condition.part, negated=not negated)
        if isinstance(condition, Leaf):
            return self._negative(condition) if negated else self._positive(condition)
        kind = ConditionAND if isinstance(condition, And) != negated else ConditionOR
        parts = [self._condition(part, negated=negated) for part in condition.parts]
        if not parts:
            return self._kind if (condition == ALWAYS) != negated else self._never()
        return _join(kind, [inner for part in parts for inner in _parts(kind, part)])

    def _never(self) -> Query:
        return _TEST(DATASET, _text(["none"]))

    def _positive(self, leaf: Leaf) -> Query:
        test = leaf.to_dict()
        found = self._test(test)
        absent = test["op"] == "null" or (test["op"] == "exists" and not test["value"])
        return _join(ConditionAND, [found, self._observed(test["field"])]) if absent else found

    def _negative(self, leaf: Leaf) -> Query:
        """Not the test, and the field was observed. A part that only negates finds nothing in Lucene, so the kind is with it."""
        test = leaf.to_dict()
        name = test["field"]
        if test["op"] in ("exists", "null"):
            return self._positive(Leaf.of({**test, "value": not test["value"]}))
        missing = [] if self._multivalued else [_TEST(name, SigmaNull())]
        inverse = _join(ConditionOR, [*missing, ConditionNOT([self._test(test)])])
        return _join(ConditionAND, [self._kind, inverse, self._observed(name)])

    def _observed(self, name: str) -> Query:
        """ES|QL compares no fields of several values: there the caller is told that unobserved counts as absent."""
        if not self._multivalued:
            return self._kind
        return ConditionNOT([_TEST(UNOBSERVED, _text([name]))])

    # -- one test -------------------------------------------------------------------------

    def _test(self, test: dict[str, Any]) -> Query:
        row = self._row(test["field"])
        name, what = row.name, test["op"]
        value: Any = test["value"]
        if _is_several(what, value):
            return _join(ConditionOR, [self._test({**test, "value": item}) for item in value])
        if what in ("exists", "null"):
            return _exists(name, is_there=bool(value) == (what == "exists"))
        if what in _TOKENS:
            return self._string(row, _TOKENS[what](value), cased=bool(test.get("cased")))
        if what == "re":
            return self._regex(row, value, test.get("flags", ""))
        if what == "cidr":
            return _cidr(row, value)
        if what in _COMPARE:
            return _TEST(name, SigmaCompareExpression(_limit(row, value), _COMPARE[what]))
        raise _cannot(f"no query of Elasticsearch's can say `{what}` of `{name}`", name)

    def _row(self, name: str) -> Field:
        row = self._fields.by_name[name]
        if row.hidden:
            raise _cannot(f"`{name}` is judged on the sensor and never stored, so it cannot be asked for later", name)
        if row.list and not self._multivalued:
            raise _cannot(f"`{name}` has several values, and ES|QL compares single ones", name)
        return row

    def _string(self, row: Field, tokens: list[str | int], *, cased: bool) -> Query:
        if all(token in ("", 1) for token in tokens) and tokens != [""]:
            return _exists(row.name, is_there=True)
        if row.type != "text" and len(tokens) == 1:
            return self._exactly(row, str(tokens[0]))
        name = _subfield(row, cased=cased)
        folded = [t if cased or isinstance(t, int) else t.lower() for t in tokens]
        if any(_AWKWARD.search(token) for token in folded if isinstance(token, str)):
            return self._matching(row, "".join(map(_piece, folded)), cased=cased)
        return _TEST(name, _text(folded))

    def _exactly(self, row: Field, text: str) -> Query:
        """Numbers, addresses and booleans by their value; a text that is none of that kind never holds."""
        try:
            return _TEST(row.name, _VALUES[row.type](text))
        except (ValueError, KeyError):
            return self._never()

    def _regex(self, row: Field, pattern: str, flags: str) -> Query:
        try:
            found = lucene_regex.translate(pattern, flags)
        except lucene_regex.CannotSayError as error:
            raise _cannot(
                f"the expression on `{row.name}` cannot be asked of Elasticsearch: {error}", row.name
            ) from error
        return self._matching(row, found, cased=True)

    def _matching(self, row: Field, pattern: str, *, cased: bool) -> Query:
        if "\n" in pattern and not self._multivalued:
            raise _cannot(f"the expression on `{row.name}` holds a line break, which ES|QL cannot be told", row.name)
        return _TEST(_subfield(row, cased=cased), _expression(pattern))


def _is_several(what: str, value: Any) -> bool:  # noqa: ANN401
    """A list of values; a wildcard's one value is a list already."""
    if what == "wildcard":
        return bool(value) and isinstance(value[0], list)
    return isinstance(value, list)


def _expression(pattern: str) -> SigmaRegularExpression:
    """Lucene's, which pySigma need not understand."""
    made = SigmaRegularExpression("")
    made.regexp = SigmaString(pattern, escape=False)
    return made


def _exists(name: str, *, is_there: bool) -> Query:
    return _TEST(name, SigmaExists(is_there)) if is_there else _TEST(name, SigmaNull())


def _subfield(row: Field, *, cased: bool) -> str:
    if row.type != "text":
        return f"{row.name}.{TEXT}"
    return f"{row.name}.{CASED}" if cased else row.name


def _cidr(row: Field, network: str) -> Query:
    if row.type != "ip":
        raise _cannot(f"`{row.name}` is stored as text, and networks hold addresses", row.name)
    if ipaddress.ip_network(network).version == _IPV6 and ipaddress.ip_network(network).overlaps(_MAPPED):
        raise _cannot(f"Elasticsearch keeps IPv4 as IPv6, so {network} would find it too", row.name)
    return _TEST(row.name, SigmaCIDRExpression(network))


def _limit(row: Field, value: float) -> Any:  # noqa: ANN401
    if row.type == "text":
        raise _cannot(f"`{row.name}` is stored as text, which Elasticsearch orders by letters", row.name)
    if abs(value) > _EXACT and row.type != "time":
        raise _cannot(f"a query string holds whole numbers up to 2^53; {value} is beyond", row.name)
    if row.type != "time":
        return SigmaNumber(value)
    seconds, rest = divmod(int(value), _NANOSECONDS)
    return f'"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"'


def _text(tokens: Iterable[str | int]) -> SigmaString:
    made = SigmaString()
    parts: Any = tuple(token if isinstance(token, str) else _WILDCARDS[token] for token in tokens)
    made.s = parts
    return made


def _piece(token: str | int) -> str:
    if isinstance(token, str):
        return lucene_regex.literal(token)
    return ".*" if token == 1 else "."


_TOKENS: Final[dict[str, Callable[[Any], list[str | int]]]] = {
    "eq": lambda value: [str(value)],
    "contains": lambda value: [1, str(value), 1],
    "startswith": lambda value: [str(value), 1],
    "endswith": lambda value: [1, str(value)],
    "wildcard": list,
}


def _boolean(text: str) -> SigmaBool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return SigmaBool(text.lower() == "true")


def _number(text: str) -> SigmaNumber:
    if str(int(text)) != text:
        raise ValueError(text)
    return SigmaNumber(int(text))


_VALUES: Final[dict[str, Callable[[str], Any]]] = {
    "number": _number,
    "float": lambda text: SigmaNumber(float(text)),
    "bool": _boolean,
    "ip": lambda text: _text([str(ipaddress.ip_address(text))]),
}


def _parts(kind: type[ConditionAND | ConditionOR], query: Query) -> list[Query]:
    return list(query.args) if isinstance(query, kind) else [query]


def _join(kind: type[ConditionAND | ConditionOR], parts: list[Query]) -> Query:
    """The parts without those that are said twice."""
    unique = list({repr(part): part for part in parts}.values())
    return unique[0] if len(unique) == 1 else kind(unique)


# -- the index ----------------------------------------------------------------------------


def template(fields: FieldTable | None = None) -> dict[str, Any]:
    """The index template that the queries are made for: what Sigma compares without case is stored so, and with case beside it."""
    properties: dict[str, Any] = {}
    for row in (fields or native()).by_name.values():
        if not row.hidden:
            _place(properties, row.name, _mapping(row))
    for name in (DATASET, "event.kind", "event.category", "event.type", UNOBSERVED):
        _place(properties, name, {"type": "keyword"})
    _place(properties, "@timestamp", {"type": "date_nanos"})
    mappings = {"dynamic": False, "properties": properties}
    settings = {"index.mapping.total_fields.limit": MAX_FIELDS}
    return {"index_patterns": [INDEX], "template": {"settings": settings, "mappings": mappings}}


def _mapping(row: Field) -> dict[str, Any]:
    folded = {"type": "keyword", "normalizer": "lowercase", "ignore_above": MAX_KEYWORD}
    if row.type == "text":
        return {**folded, "fields": {CASED: {"type": "keyword", "ignore_above": MAX_KEYWORD}}}
    return {"type": _TYPES[row.type], "fields": {TEXT: folded}}


def _place(properties: dict[str, Any], name: str, mapping: dict[str, Any]) -> None:
    *above, last = name.split(".")
    for part in above:
        properties = properties.setdefault(part, {}).setdefault("properties", {})
    properties.setdefault(last, {}).update(mapping)

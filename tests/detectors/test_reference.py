"""The slow reading of a plan: every operator, and the three kinds of nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from detectors.plan import And, Leaf, Not, Or, PlannedRule, Target, assemble, leaf
from detectors.reference import Event, ReferenceEngine, predicate_outcome

if TYPE_CHECKING:
    from detectors.fields import FieldTable

T, F, U = True, False, None
A, B = "url.path", "url.query"


def outcome(predicate: dict[str, Any], fields: dict[str, Any], *unobserved: str) -> bool | None:
    return predicate_outcome({"field": A, **predicate}, Event("http", fields, frozenset(unobserved)))


OPERATORS = [
    ("eq", "abc", "ABC", T),
    ("eq", "42", 42, T),
    ("eq", "4", 42, F),
    ("eq", "true", True, T),
    ("eq", "", "", T),
    ("eq", "straße", "STRASSE", F),
    ("eq", "ÆBLE", "æble", T),
    ("contains", "b\nc", "A\nB\nC", T),
    ("contains", "x", "abc", F),
    ("startswith", "ab", "ABC", T),
    ("endswith", "bc", "ABC", T),
    ("wildcard", ["a", 1, "c"], "A\n\nc", T),
    ("wildcard", ["a", 2, "c"], "abc", T),
    ("wildcard", ["a", 2, "c"], "ac", F),
    ("wildcard", ["a", 1], "ba", F),
    ("re", "b+", "abbc", T),
    ("re", "B+", "abbc", F),
    ("cidr", "10.0.0.0/8", "10.9.8.7", T),
    ("cidr", "10.0.0.0/8", "::ffff:10.9.8.7", T),
    ("cidr", "::/0", "10.9.8.7", F),
    ("cidr", "10.0.0.0/8", "not an address", F),
    ("gt", 5, 6, T),
    ("gt", 5, "6", T),
    ("gt", 5, "6x", F),
    ("gte", 5, 5, T),
    ("lt", 5, 4.5, T),
    ("lte", 5, 5.5, F),
    ("gt", 0, True, F),
]


@pytest.mark.parametrize(("op", "want", "have", "result"), OPERATORS)
def test_operator(op: str, want: object, have: object, result: bool) -> None:  # noqa: FBT001
    assert outcome({"op": op, "value": want}, {A: have}) is result
    assert outcome({"op": op, "value": want}, {A: ["zzz", have]}) is result
    assert outcome({"op": op, "value": want}, {}) is F
    assert outcome({"op": op, "value": want}, {}, A) is U


def test_case_counts_where_asked() -> None:
    assert outcome({"op": "eq", "value": "abc", "cased": True}, {A: "ABC"}) is F
    assert outcome({"op": "re", "value": "B+", "flags": "i"}, {A: "abbc"}) is T


def test_absent_null_empty_and_unobserved_are_four_things() -> None:
    null, exists = {"op": "null", "value": True}, {"op": "exists", "value": True}
    empty, missing = {"op": "eq", "value": ""}, {"op": "exists", "value": False}
    table = {"absent": ({}, ()), "null": ({A: None}, ()), "empty": ({A: ""}, ()), "unobserved": ({}, (A,))}
    found = {n: tuple(outcome(p, f, *u) for p in (null, exists, missing, empty)) for n, (f, u) in table.items()}
    assert found == {
        "absent": (T, F, T, F),
        "null": (T, T, F, F),
        "empty": (F, T, F, T),
        "unobserved": (U, U, U, U),
    }


def test_reference_to_another_field() -> None:
    same = {"op": "fieldref", "value": B}
    assert outcome(same, {A: "x", B: "X"}) is T
    assert outcome(same, {A: "x"}) is F
    assert outcome(same, {A: "x"}, B) is U
    assert outcome({**same, "mode": "endswith"}, {A: "abc", B: ["zz", "BC"]}) is T


KLEENE = [(T, U, U, T), (F, U, F, U), (U, U, U, U), (T, F, F, T), (T, T, T, T), (F, F, F, F)]


@pytest.mark.parametrize(("left", "right", "conjunction", "disjunction"), KLEENE)
def test_three_valued_logic(left: Any, right: Any, conjunction: Any, disjunction: Any) -> None:
    a, b = leaf(A, "eq", "1"), leaf(B, "eq", "1")
    fields = {name: "1" if value else "0" for name, value in ((A, left), (B, right)) if value is not U}
    unobserved = [name for name, value in ((A, left), (B, right)) if value is U]
    event = json.dumps({"kind": "http", "fields": fields, "unobserved": unobserved}).encode()
    assert run(And((a, b)), event) is conjunction
    assert run(Or((a, b)), event) is disjunction
    assert run(Not(And((a, b))), event) is (None if conjunction is None else not conjunction)


def run(condition: And | Or | Not | Leaf, event: bytes, fields: FieldTable | None = None) -> bool | None:
    plan = assemble([PlannedRule({"id": "x"}, (Target("http", condition), Target("flow", condition)))])
    return ReferenceEngine(plan, fields).outcomes(event)[0]


def test_events_of_other_kinds_never_match() -> None:
    assert run(Not(leaf(A, "eq", "1")), b'{"kind":"dns","fields":{}}') is False


PARTS = {"minute": 5, "hour": 4, "day": 3, "week": 1, "month": 1, "year": 2027}


@pytest.mark.parametrize("part", PARTS)
def test_parts_of_a_time(part: str, field_table: FieldTable) -> None:
    """2027-01-03 is a Sunday: still week 53 of 2026; the next day begins week 1."""
    event = b'{"kind":"flow","fields":{"event.start":"2027-01-03T04:05:06.5Z"}}'
    want = 53 if part == "week" else PARTS[part]
    assert run(leaf("event.start", "time", want, part=part), event, field_table) is True
    assert run(leaf("event.start", "time", want + 1, part=part), event, field_table) is False


def test_times_and_addresses_have_one_text(field_table: FieldTable) -> None:
    event = b'{"kind":"flow","fields":{"event.start":1700000000000000001,"source.ip":"2001:DB8:0::1"}}'
    assert run(leaf("event.start", "eq", "2023-11-14T22:13:20.000000001Z"), event, field_table)
    assert run(leaf("event.start", "gt", 1700000000000000000), event, field_table)
    assert run(leaf("source.ip", "eq", "2001:db8::1"), event, field_table)

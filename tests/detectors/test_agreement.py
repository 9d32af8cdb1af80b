"""Random conditions on random events: the engine says what the slow reading says."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import loop
from detectors.fields import native
from detectors.plan import And, Condition, Not, Or, PlannedRule, Target, assemble, leaf
from detectors.reference import ReferenceEngine

TEXTS = ("url.path", "url.query", "user_agent.original")
NUMBERS = ("http.response.status_code", "http.request.body.bytes")
ADDRESSES = ("source.ip", "destination.ip")

text = st.text(alphabet="abAB*?\\ \n/ß\u0131\u212aé0", max_size=6)
number = st.integers(0, 12)
address = st.sampled_from(["10.0.0.1", "10.1.0.1", "::ffff:10.0.0.1", "2001:db8::1", "2001:DB8:0::2"])
network = st.sampled_from(["10.0.0.0/8", "10.0.0.0/16", "::ffff:10.0.0.0/104", "2001:db8::/32", "::/0", "0.0.0.0/0"])
parts = st.lists(st.one_of(text.filter(bool), st.sampled_from([1, 2])), min_size=1, max_size=4)
expression = st.sampled_from(["a+b", "^a", "b$", "a.b", "[ab]{2}", "(a|b)c?", r"\d", r"^\s*$", "é"])

TEXT_OPS = ("eq", "contains", "startswith", "endswith")
leaves = st.one_of(
    st.builds(leaf, st.sampled_from(TEXTS + NUMBERS), st.sampled_from(TEXT_OPS), text, cased=st.booleans()),
    st.builds(leaf, st.sampled_from(TEXTS), st.just("wildcard"), parts, cased=st.booleans()),
    st.builds(leaf, st.sampled_from(TEXTS), st.just("re"), expression, flags=st.sampled_from(["", "i", "ims", "s"])),
    st.builds(leaf, st.sampled_from(NUMBERS + TEXTS), st.sampled_from(["lt", "lte", "gt", "gte"]), number),
    st.builds(leaf, st.sampled_from(ADDRESSES), st.just("cidr"), network),
    st.builds(leaf, st.sampled_from(ADDRESSES), st.just("eq"), address),
    st.builds(leaf, st.sampled_from(TEXTS + ADDRESSES), st.just("exists"), st.booleans()),
    st.builds(leaf, st.sampled_from(TEXTS + NUMBERS), st.just("null"), st.just(True)),
    st.builds(
        leaf,
        st.sampled_from(TEXTS),
        st.just("fieldref"),
        st.sampled_from(TEXTS),
        mode=st.sampled_from(["eq", "contains", "startswith", "endswith"]),
    ),
)


def _tree(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(st.builds(And, several), st.builds(Or, several), st.builds(Not, inner))


conditions: st.SearchStrategy[Condition] = st.recursive(leaves, _tree, max_leaves=6)


def _fields(names: tuple[str, ...], value: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(names), st.one_of(value, st.none()), max_size=len(names))


@st.composite
def events(draw: st.DrawFn) -> bytes:
    fields = draw(_fields(TEXTS, text)) | draw(_fields(NUMBERS, number)) | draw(_fields(ADDRESSES, address))
    rest = sorted({*TEXTS, *NUMBERS, *ADDRESSES} - fields.keys())
    unobserved = draw(st.lists(st.sampled_from(rest), unique=True)) if rest else []
    return json.dumps({"kind": "http", "fields": fields, "unobserved": unobserved}).encode()


@settings(max_examples=400, deadline=None)
@given(st.lists(conditions, min_size=1, max_size=8), st.lists(events(), min_size=1, max_size=4))
def test_engine_and_reference_agree(several: list[Condition], many: list[bytes]) -> None:
    heads = ({"id": f"r{n}", "version": "0" * 16, "title": "t", "level": "low"} for n in range(len(several)))
    plan = assemble(PlannedRule(head, (Target("http", c),)) for head, c in zip(heads, several, strict=True))
    engine, slow = loop.Engine(plan), ReferenceEngine(plan, native())
    for event in many:
        assert sorted(engine.match_event(event)) == slow.match_event(event), (plan, event)

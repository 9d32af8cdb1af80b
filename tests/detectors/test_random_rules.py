"""Random rules on random events: compiler and engine say what the reference reads in the rule itself."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detectors import loop
from detectors.check import RuleFile
from detectors.fields import native
from detectors.loader import compile_files
from detectors.reference.engine import ReferenceRules
from detectors.taxonomy import packaged

TEXTS = ("url.path", "url.query", "user_agent.original", "bavn.http.request.header_names", "bavn.http.raw")
NUMBERS = ("http.response.status_code", "http.request.body.bytes")
ADDRESSES = ("source.ip", "destination.ip")
NAMES = ("sel_a", "sel_b", "other", "_hidden", "nothing")

plain = st.text(alphabet="abAB*?\\-/ \n%é\u212a0", max_size=6)
number = st.integers(0, 12)
address = st.sampled_from(["10.0.0.1", "10.1.0.1", "2001:db8::1"])
expression = st.sampled_from(["a+b", "^a", "b$", "a.b", "[ab]{2}", "(a|b)c?", "^-", r"\*", "é", r"[$]"])
ENCODED = ("base64", "base64offset|contains", "wide|base64offset|contains", "utf16be|base64", "wide|contains")


def _values(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(value, st.lists(value, min_size=1, max_size=3))


def _lines(names: tuple[str, ...], modifiers: list[str], value: st.SearchStrategy[Any]) -> Any:
    key = st.tuples(st.sampled_from(names), st.sampled_from(modifiers)).map(lambda pair: "|".join(filter(None, pair)))
    return st.tuples(key, _values(value))


TEXT_MODIFIERS = ["", "contains", "startswith", "endswith", "cased", "contains|all", "neq", "contains|cased", "windash",
                  "windash|contains", "endswith|neq", "contains|all|neq"]  # fmt: skip
line = st.one_of(
    _lines(TEXTS, TEXT_MODIFIERS, plain),
    _lines(TEXTS, ["re", "re|i", "re|i|m|s", "re|neq", "re|all"], expression),
    _lines(TEXTS, list(ENCODED), st.sampled_from(["a", "ab", "abé", "-a"])),
    _lines(TEXTS, ["fieldref", "fieldref|contains", "fieldref|startswith", "fieldref|neq"], st.sampled_from(TEXTS)),
    _lines(NUMBERS + TEXTS, ["", "neq"], number),
    _lines(NUMBERS, ["gt", "gte", "lt", "lte", "gt|neq"], number),
    _lines(NUMBERS, ["startswith", "contains"], st.sampled_from(["1", "2"])),
    _lines(ADDRESSES, ["cidr", "cidr|neq"], st.sampled_from(["10.0.0.0/8", "2001:db8::/32", "::/0"])),
    _lines(ADDRESSES, ["", "neq"], address),
    st.tuples(st.sampled_from([f"{name}|exists" for name in TEXTS + NUMBERS]), st.booleans()),
    st.tuples(st.sampled_from(TEXTS + NUMBERS), st.one_of(st.none(), st.just([]), st.just([None, "a"]))),
)
mapping = st.lists(line, min_size=1, max_size=3).map(dict)
detection = st.one_of(
    mapping, mapping, st.lists(mapping, min_size=1, max_size=3), st.lists(plain.filter(bool), min_size=1)
)
operand = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(["1 of sel_*", "all of sel_*", "any of them", "all of them", "1 of *b"]),
)
condition = st.recursive(
    operand,
    lambda inner: st.one_of(
        inner.map("not {}".format),
        inner.map("({})".format),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
    ),
    max_leaves=5,
)
field_values = st.one_of(
    plain, st.lists(plain, max_size=2), st.sampled_from(["YWI=", "eGFi", "a\0b\0", "\u2013a", "/a"])
)


def _fields(names: tuple[str, ...], value: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(names), st.one_of(value, st.none()), max_size=len(names))


@st.composite
def events(draw: st.DrawFn) -> bytes:
    fields = draw(_fields(TEXTS, field_values)) | draw(_fields(NUMBERS, number)) | draw(_fields(ADDRESSES, address))
    rest = sorted({*TEXTS, *NUMBERS, *ADDRESSES} - fields.keys())
    hidden = draw(st.lists(st.sampled_from(rest), unique=True, max_size=2)) if rest else []
    return json.dumps({"kind": "http", "fields": fields, "unobserved": hidden}).encode()


@st.composite
def documents(draw: st.DrawFn) -> list[dict[str, Any]]:
    source = {"product": "bavn", "service": "http"}
    detections = {name: draw(detection) for name in NAMES}
    conditions = draw(st.one_of(condition, st.lists(condition, min_size=1, max_size=2)))
    rule = {"title": "r", "id": "00000000-0000-4000-8000-000000000001", "logsource": source}
    rule |= {"detection": {**detections, "condition": conditions}}
    if draw(st.booleans()):
        return [rule]
    body = {"rules": "any", "sel_a": draw(mapping), "sel_z": draw(mapping)}
    body["condition"] = draw(st.sampled_from(["not sel_a", "not 1 of sel_*", "sel_z or not sel_a", "not all of them"]))
    return [rule, {"title": "f", "logsource": source, "filter": body}]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(documents(), st.lists(events(), min_size=1, max_size=6))
def test_engine_and_reference_read_the_same(rule: list[dict[str, Any]], many: list[bytes]) -> None:
    # JSON is YAML, and has no anchors.
    text = "\n---\n".join(map(json.dumps, rule)).encode()
    found = compile_files([RuleFile("r.yml", text, "t")], native(), packaged(), None)
    if not found.rules:
        # A rule that always or never holds is refused, and nothing else that is drawn here.
        assert {d.code for item in found.refused for d in item.reasons} <= {"BAVN-E034"}, text.decode()
        return
    engine, reference = loop.Engine(found.plan), ReferenceRules(found)
    for event in many:
        outcome = reference.outcomes(reference.read(event))[0]
        assert engine.match_event(event) == ([0] if outcome else []), (text.decode(), event)
        assert engine.explain(0, event)["outcome"] == {True: "true", False: "false", None: "unknown"}[outcome]

"""What each modifier and condition of Sigma compiles to."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest
from sigma.collection import SigmaCollection

from detectors import check
from detectors.backend import BavnBackend

if TYPE_CHECKING:
    from pathlib import Path

    from detectors.check import RuleSet
    from detectors.fields import FieldTable

HEAD = "title: t\nid: 00000000-0000-4000-8000-000000000001\nlogsource: {%s}\ndetection:\n"
HTTP = "product: bavn, service: http"


@pytest.fixture
def load(tmp_path: Path, field_table: FieldTable) -> Any:
    def run(body: str, source: str = HTTP) -> RuleSet:
        (tmp_path / "r.yml").write_text(HEAD % source + body)
        return check.load_rules([tmp_path], fields=field_table)

    return run


def shown(rules: RuleSet) -> Any:
    """The only rule's only condition, with its predicates in place of their numbers."""
    assert not rules.refused, rules.refused
    plan = json.loads(rules.plan)
    return _inline(plan["rules"][0]["targets"][0]["condition"], plan["predicates"])


def _inline(node: dict[str, Any], predicates: list[dict[str, Any]]) -> Any:
    if "p" in node:
        return tuple(v for k, v in sorted(predicates[node["p"]].items()))
    ((name, value),) = node.items()
    inner = [_inline(part, predicates) for part in value] if isinstance(value, list) else _inline(value, predicates)
    return {name: inner}


def selection(line: str) -> str:
    return f"  s:\n    {line}\n  condition: s\n"


# Predicates are shown as the values of their keys in order: cased, field, flags, mode, op, part, value.
LEAVES = {
    "url.path: /a": ("url.path", "eq", "/a"),
    "url.path: ''": ("url.path", "eq", ""),
    "url.path: '*'": ("url.path", "exists", True),
    "url.path: 'a*'": ("url.path", "startswith", "a"),
    "url.path: '*a'": ("url.path", "endswith", "a"),
    "url.path: '*a*'": ("url.path", "contains", "a"),
    "url.path: 'a*b?c'": ("url.path", "wildcard", ["a", 1, "b", 2, "c"]),
    "url.path: '?'": ("url.path", "wildcard", [2]),
    r"url.path: 'a\*b'": ("url.path", "eq", "a*b"),
    r"url.path: 'a\\*'": ("url.path", "startswith", "a\\"),
    r"url.path: '\\srv\share'": ("url.path", "eq", "\\srv\\share"),
    "url.path|contains: a": ("url.path", "contains", "a"),
    "url.path|contains: 'a?b'": ("url.path", "wildcard", [1, "a", 2, "b", 1]),
    "url.path|contains: ''": ("url.path", "exists", True),
    "url.path|startswith: a": ("url.path", "startswith", "a"),
    "url.path|endswith: a": ("url.path", "endswith", "a"),
    "url.path|cased: A": (True, "url.path", "eq", "A"),
    "url.path|contains|cased: A": (True, "url.path", "contains", "A"),
    "url.path|cased|endswith: A": (True, "url.path", "endswith", "A"),
    "http.response.status_code: 404": ("http.response.status_code", "eq", "404"),
    "tls_is_not_here: 1": None,
    "bavn.http.transaction_depth: 1.5": ("bavn.http.transaction_depth", "eq", "1.5"),
    "http.response.status_code|gte: 400": ("http.response.status_code", "gte", 400),
    "http.response.status_code|lt: 1.5": ("http.response.status_code", "lt", 1.5),
    "url.path|exists: true": ("url.path", "exists", True),
    "url.path|exists: false": ("url.path", "exists", False),
    "url.path: null": ("url.path", "null", True),
    "url.path: []": ("url.path", "null", True),
    "url.path|neq: a": {"not": ("url.path", "eq", "a")},
    "url.path|re: 'a+b'": ("url.path", "re", "a+b"),
    "url.path|re|i|s: 'a.*'": ("url.path", "is", "re", "a.*"),
    r"url.path|re: 'a{b\Z'": ("url.path", "re", r"a\{b\z"),
    "source.ip|cidr: 10.0.0.0/8": ("source.ip", "cidr", "10.0.0.0/8"),
    "source.ip: '2001:DB8:0::1'": ("source.ip", "eq", "2001:db8::1"),
    "url.path|fieldref: url.query": ("url.path", "eq", "fieldref", "url.query"),
    "url.path|fieldref|endswith: url.query": ("url.path", "endswith", "fieldref", "url.query"),
    "url.path|base64: foo": ("url.path", "eq", "Zm9v"),
    "url.path|base64: 'a\\*b'": ("url.path", "eq", b64encode(b"a*b").decode()),
    "url.path|wide: ab": ("url.path", "eq", "a\0b\0"),
    "url.path|utf16le|contains: ab": ("url.path", "contains", "a\0b\0"),
    "url.path|utf16be: ab": ("url.path", "eq", "\0a\0b"),
    "url.path|utf16: a": ("url.path", "re", r"(?si-u)\A\xff\xfea\x00\z"),
    "url.path|utf16|base64: a": ("url.path", "eq", b64encode("a".encode("utf-16")).decode()),
    "url.path|wide|contains: é": ("url.path", "re", r"(?si-u)\xe9\x00"),
}


@pytest.mark.parametrize("line", [line for line, want in LEAVES.items() if want])
def test_leaf(load: Any, line: str) -> None:
    assert shown(load(selection(line))) == LEAVES[line]


def test_list_is_or_and_all_is_and(load: Any) -> None:
    a, b = ("url.path", "contains", "a"), ("url.path", "contains", "b")
    assert shown(load(selection("url.path|contains: [a, b]"))) == {"or": [a, b]}
    assert shown(load(selection("url.path|contains|all: [a, b]"))) == {"and": [a, b]}
    assert shown(load(selection("url.path|contains|neq: [a, b]"))) == {"not": {"or": [a, b]}}


def test_base64offset_counts_bytes(load: Any) -> None:
    found = shown(load(selection("url.path|base64offset|contains: 'höst'")))["or"]
    raw = "höst".encode()
    for offset, (_, _, part) in enumerate(found):
        for tail in range(3):
            assert part in b64encode(b"x" * offset + raw + b"y" * tail).decode()


def test_windash_makes_five_of_each(load: Any) -> None:
    found = shown(load(selection("url.path|windash|contains: ' -a'")))
    assert {leaf[2] for leaf in found["or"]} == {" -a", " /a", " \u2013a", " \u2014a", " \u2015a"}


def test_time_parts(load: Any) -> None:
    body = selection("event.start|hour: 3")
    assert shown(load(body, "product: bavn, service: flow")) == ("event.start", "time", "hour", 3)


CONDITIONS = {
    "a and b or c": {"or": [{"and": ["A", "B"]}, "C"]},
    "a or b and c": {"or": ["A", {"and": ["B", "C"]}]},
    "not a and b": {"and": [{"not": "A"}, "B"]},
    "not (a and b)": {"not": {"and": ["A", "B"]}},
    "not not a": "A",
    "1 of them": {"or": ["A", "B", "C"]},
    "any of them": {"or": ["A", "B", "C"]},
    "all of them": {"and": ["A", "B", "C"]},
    "all of a* and not 1 of c*": {"and": ["A", {"not": "C"}]},
    "_d and a": {"and": ["D", "A"]},
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_condition(load: Any, condition: str) -> None:
    lines = [f"  {name}: {{url.path: {name.strip('_').upper()}}}\n" for name in ("a", "b", "c", "_d")]
    found = load("".join(lines) + f"  condition: {condition}\n")
    assert _letters(shown(found)) == CONDITIONS[condition]


def _letters(node: Any) -> Any:
    if isinstance(node, tuple):
        return node[2]
    return {k: [_letters(x) for x in v] if isinstance(v, list) else _letters(v) for k, v in node.items()}


def test_conditions_in_a_list_are_or(load: Any) -> None:
    found = shown(load("  a: {url.path: A}\n  b: {url.path: B}\n  condition: [a, b]\n"))
    assert _letters(found) == {"or": ["A", "B"]}


def test_keywords_search_the_raw_view(load: Any) -> None:
    raw = "bavn.http.raw"
    assert shown(load("  k: ['${jndi:', 'a*b', 7]\n  condition: k\n")) == {
        "or": [(raw, "contains", "${jndi:"), (raw, "wildcard", [1, "a", 1, "b", 1]), (raw, "contains", "7")]
    }
    assert shown(load("  k:\n    '|all': [a, b]\n  condition: k\n")) == {
        "and": [(raw, "contains", "a"), (raw, "contains", "b")]
    }
    assert shown(load("  k:\n    '|re': 'a.b'\n  condition: k\n")) == (raw, "re", "a.b")


def test_keywords_search_every_text_field_of_other_kinds(load: Any, field_table: FieldTable) -> None:
    found = shown(load("  k: ['evil']\n  condition: k\n", "product: bavn, service: dns"))
    assert [leaf[0] for leaf in found["or"]] == field_table.text_fields("dns")


def test_predicates_are_kept_once(tmp_path: Path, field_table: FieldTable) -> None:
    for n in range(3):
        head = HEAD.replace("000001", f"00000{n}") % HTTP
        (tmp_path / f"{n}.yml").write_text(head + selection("url.path|contains: [a, b]"))
    plan = json.loads(check.load_rules([tmp_path], fields=field_table).plan)
    assert len(plan["predicates"]) == 2
    assert len(plan["rules"]) == 3


def test_aliases_of_a_stock_name_are_or(load: Any) -> None:
    found = shown(load(selection("cs-uri-query|contains: x"), "category: webserver"))
    assert found == {"or": [("url.original", "contains", "x"), ("url.query", "contains", "x")]}
    absent = shown(load(selection("cs-uri-query: null"), "category: webserver"))
    assert absent == {"and": [("url.original", "null", True), ("url.query", "null", True)]}


def test_fixed_values_are_led_to_the_field(load: Any) -> None:
    found = shown(load(selection("version: TLSv10"), "product: zeek, service: ssl"))
    assert found == ("tls.version", "eq", "1.0")
    found = shown(load(selection("version|startswith: SSL"), "product: zeek, service: ssl"))
    assert found == {"or": [("tls.version", "eq", "2.0"), ("tls.version", "eq", "3.0")]}


def test_units_are_led_to_the_field(load: Any) -> None:
    found = shown(load(selection("duration|gt: 2"), "product: zeek, service: conn"))
    assert found == ("event.duration", "gt", 2_000_000_000)


def test_a_rule_that_needs_a_host_name_goes_where_there_is_one(load: Any) -> None:
    source = "category: network_connection, product: windows"
    rules = load(selection("DestinationHostname|endswith: .example"), source)
    assert rules.rules[0].kinds == ("tls", "http")
    rules = load(selection("DestinationPort: 4444"), source)
    assert rules.rules[0].kinds == ("flow",)


def test_works_as_a_pysigma_backend(field_table: FieldTable) -> None:
    text = HEAD % HTTP + selection("url.path|contains: a")
    out = BavnBackend(fields=field_table).convert(SigmaCollection.from_yaml(text))
    plan = json.loads(out)
    assert plan["format"] == "bavn-plan"
    assert plan["rules"][0]["id"] == "00000000-0000-4000-8000-000000000001"

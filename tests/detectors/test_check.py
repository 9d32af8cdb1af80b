"""Rules that are wrong: each has its code, its place and its hint, and the others still load."""

# The table of bad rules is read by its columns.
# ruff: noqa: E501

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from detectors import check, diagnostics, errors, loop, plan
from detectors.backend import BavnBackend

if TYPE_CHECKING:
    from sigma.rule import SigmaRule

    from detectors.backend import Compiled
    from detectors.check import RuleSet
    from detectors.fields import FieldTable

ID = "id: 11111111-1111-4111-8111-111111111111\n"
GOOD = (
    "title: good\nid: 22222222-2222-4222-8222-222222222222\nlogsource: {category: dns}\n"
    "detection:\n  s: {query: evil.example}\n  condition: s\nlevel: high\nauthor: somebody\nlicense: DRL 1.1\n"
)
WEB = "title: t\n" + ID + "logsource: {category: webserver}\ndetection:\n"


def rule(body: str, source: str = "category: webserver") -> str:
    return f"title: t\n{ID}logsource: {{{source}}}\ndetection:\n{body}"


# name -> (rule, code, line, column, text under the caret, part of the sentence or label)
BAD = {
    "unknown field": (rule("  s:\n    cs-uri-quer|contains: x\n  condition: s\n"), "E031", 6, 5, "cs-uri-quer", "cs-uri-query"),
    "unfillable field": (
        rule("  s: {Image: a.exe, QueryName: b}\n  condition: s\n", "category: dns_query, product: windows"),
        "E032", 5, 7, "Image", "process",
    ),
    "negated unfillable field": (
        rule("  s: {QueryName: b}\n  f: {Image: a.exe}\n  condition: s and not f\n", "category: dns_query"),
        "E033", 6, 7, "Image", "negated",
    ),
    "absence of an unfillable field": (
        rule("  s: {QueryName: b}\n  f: {Image: null}\n  condition: s and f\n", "category: dns_query"),
        "E033", 6, 7, "Image", "negated",
    ),
    "log source nobody serves": (rule("  s: {a: b}\n  condition: s\n", "product: toaster"), "E030", 3, 1, "logsource", "toaster"),
    "unknown modifier": (rule("  s:\n    cs-uri-query|contain: x\n  condition: s\n"), "E023", 6, 5, None, "contains"),
    "modifier on a number": (rule("  s:\n    sc-status|contains: 40\n  condition: s\n"), "E024", 6, 5, None, "contains"),
    "host bits": (rule("  s:\n    dst_ip|cidr: 10.0.0.1/8\n  condition: s\n"), "E024", 6, 5, None, "host bits"),
    "look-around": (rule("  s:\n    cs-uri-query|re: 'a(?=b)'\n  condition: s\n"), "E026", 6, 5, None, "look-ahead"),
    "back-reference": (rule("  s:\n    cs-uri-query|re: '(a)\\1'\n  condition: s\n"), "E026", 6, 5, None, "back-references"),
    "huge repeat": (rule("  s:\n    cs-uri-query|re: '(a{1000}){10000}'\n  condition: s\n"), "E026", 6, 5, None, "repeats"),
    "number as regex": (rule("  s:\n    sc-status|re: 5\n  condition: s\n"), "E026", 6, 5, "sc-status", "quoted text"),
    "broken regex": (rule("  s:\n    cs-uri-query|re: '('\n  condition: s\n"), "E026", 6, 5, None, ""),
    "comparison of an address": (rule("  s:\n    dst_ip|gt: 5\n  condition: s\n"), "E027", 6, 5, "dst_ip", "ip"),
    "time part of a number": (rule("  s:\n    sc-status|hour: 5\n  condition: s\n"), "E027", 6, 5, "sc-status", "hour"),
    "placeholder": (rule("  s:\n    cs-host|expand: '%hosts%'\n  condition: s\n"), "E025", 6, 5, "cs-host|expand", "hosts"),
    "too many dashes": (rule("  s:\n    cs-uri-query|windash: '-a -b -c -d'\n  condition: s\n"), "E013", 6, 5, None, "windash"),
    "undefined detection": (rule("  sel: {cs-host: a}\n  condition: self\n"), "E022", 6, 14, "self", "sel"),
    "pattern without a detection": (rule("  sel: {cs-host: a}\n  condition: sel or 1 of filter_*\n"), "E022", 6, 14, None, "filter_*"),
    "pipe": (rule("  s: {cs-host: a}\n  condition: s | count() > 5\n"), "E021", 6, 14, None, "pipes"),
    "upper case": (rule("  s: {cs-host: a}\n  condition: s AND s\n"), "E021", 6, 14, None, "AND"),
    "unbalanced": (rule("  s: {cs-host: a}\n  condition: (s\n"), "E021", 6, 14, None, ""),
    "too deep": (rule("  s: {cs-host: a}\n  condition: " + "(" * 40 + "s" + ")" * 40 + "\n"), "E021", 6, 14, None, "16"),
    "no condition": (rule("  s: {cs-host: a}\n"), "E021", 4, 1, "detection", ""),
    "no title": (f"{ID}logsource: {{category: dns}}\ndetection:\n  s: {{query: a}}\n  condition: s\n", "E020", 1, 1, None, "title"),
    "bad level": (GOOD.replace("high", "severe"), "E020", 7, 8, "severe", "severe"),
    "bad id": (GOOD.replace("22222222-2222", "x"), "E020", 2, 5, None, "UUID"),
    "always true": (rule("  s: {Initiated: 'true'}\n  condition: s\n", "category: network_connection"), "E034", 4, 1, None, "every"),
    "never true": (rule("  s: {version: TLSv99}\n  condition: s\n", "product: zeek, service: ssl"), "E034", 4, 1, None, "never"),
    "not a mapping": ("- a\n- b\n", "E014", 1, 1, None, ""),
    "something else": ("a: 1\n", "E014", 1, 1, None, ""),
    "old collection": ("action: global\ntitle: x\n", "E014", 1, 1, "action", "action"),
    "correlation": ("title: c\ncorrelation: {type: event_count}\n", "E028", 2, 1, "correlation", ""),
    "duplicate key": (rule("  s:\n    cs-host: a\n    cs-host: b\n  condition: s\n"), "E011", 7, 5, "cs-host", "line 6"),
    "nested value": (rule("  s:\n    cs-host: {a: b}\n  condition: s\n"), "E024", 6, 5, "cs-host", ""),
    "boolean keyword": (rule("  k: [true]\n  condition: k\n"), "E020", 4, 1, None, "oolean"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_refused_with_code_place_and_hint(name: str, tmp_path: Path, field_table: FieldTable) -> None:
    text, code, line, column, under, part = BAD[name]
    (tmp_path / "bad.yml").write_text(text)
    (tmp_path / "good.yml").write_text(GOOD)
    rules = check.load_rules([tmp_path], fields=field_table)
    assert [r.title for r in rules.rules] == ["good"]
    (refused,) = rules.refused
    (found,) = refused.reasons
    assert (found.code, found.line, found.column) == (f"BAVN-{code}", line, column), found
    if under:
        assert found.text[found.column - 1 :][: found.length] == under
    assert part in found.sentence + found.label
    assert found.hint


def test_codes_in_the_rules_of_this_file_are_in_the_catalogue() -> None:
    assert {f"BAVN-{bad[1]}" for bad in BAD.values()} <= errors.CATALOGUE.keys()


def test_status_tells_the_sensor_from_the_rule(tmp_path: Path, field_table: FieldTable) -> None:
    for name in BAD:
        (tmp_path / "bad.yml").write_text(BAD[name][0])
        (refused,) = check.load_rules([tmp_path], fields=field_table).refused
        blind = BAD[name][1] in ("E030", "E032", "E033")
        assert refused.status == ("unfillable" if blind else "refused"), name


def test_diagnostic_looks_like_a_compilers(tmp_path: Path, field_table: FieldTable) -> None:
    (tmp_path / "my.yml").write_text(BAD["unknown field"][0])
    (refused,) = check.load_rules([tmp_path], fields=field_table).refused
    assert diagnostics.render(refused.reasons[0]) == (
        "error[BAVN-E031]: no sensor produces the field `cs-uri-quer`\n"
        "  ┌─ my.yml:6:5\n"
        " 6│     cs-uri-quer|contains: x\n"
        "  │     ^^^^^^^^^^^ did you mean `cs-uri-query`?\n"
        "  = the rule could never match"
    )


def test_all_errors_of_a_rule_are_told(tmp_path: Path, field_table: FieldTable) -> None:
    (tmp_path / "r.yml").write_text(GOOD.replace("level: high", "level: severe\nstatus: odd"))
    (refused,) = check.load_rules([tmp_path], fields=field_table).refused
    assert [reason.line for reason in refused.reasons] == [7, 8]


def warned(tmp_path: Path, field_table: FieldTable, text: str) -> list[tuple[str, int]]:
    (tmp_path / "r.yml").write_text(text)
    rules = check.load_rules([tmp_path], fields=field_table)
    assert not rules.refused, rules.refused
    return [(warning.code, warning.line) for warning in rules.warnings]


def test_warnings(tmp_path: Path, field_table: FieldTable) -> None:
    def body(text: str) -> list[tuple[str, int]]:
        return warned(tmp_path, field_table, rule(text))

    assert body("  s: {cs-host: a}\n  t: {cs-host: b}\n  condition: s\n") == [("BAVN-W003", 6)]
    assert body("  s:\n    cs-username: no\n  condition: s\n") == [("BAVN-W004", 6)]
    assert body("  s:\n    dst_ip: [10.0.0.1, 10.0.0]\n  condition: s\n") == [("BAVN-W006", 6)]
    no_id = GOOD.replace("id: 22222222-2222-4222-8222-222222222222\n", "")
    assert warned(tmp_path, field_table, no_id) == [("BAVN-W002", 1)]
    partly = rule(
        "  a: {QueryName: b}\n  c: {Image: d}\n  condition: a or c\n", "category: dns_query, product: windows"
    )
    assert warned(tmp_path, field_table, partly) == [("BAVN-W001", 6)]


def test_second_rule_of_an_id_is_refused(tmp_path: Path, field_table: FieldTable) -> None:
    (tmp_path / "a.yml").write_text(GOOD)
    (tmp_path / "b.yml").write_text(GOOD.replace("title: good", "title: copy"))
    rules = check.load_rules([tmp_path], fields=field_table)
    assert [r.source for r in rules.rules] == ["a.yml"]
    assert [(r.source, r.reasons[0].code) for r in rules.refused] == [("b.yml", "BAVN-E029")]


FILTER = """title: f
logsource: {category: dns}
filter:
  rules: [22222222-2222-4222-8222-222222222222]
  known: {query|endswith: .good.example}
  condition: not known
"""


def test_filter_changes_its_rule_and_its_version(tmp_path: Path, field_table: FieldTable) -> None:
    (tmp_path / "a.yml").write_text(GOOD)
    before = json.loads(check.load_rules([tmp_path], fields=field_table).plan)
    (tmp_path / "f.yml").write_text(FILTER)
    after = json.loads(check.load_rules([tmp_path], fields=field_table).plan)
    assert after["rules"][0]["targets"][0]["condition"] == {"and": [{"p": 0}, {"not": {"p": 1}}]}
    assert before["rules"][0]["version"] != after["rules"][0]["version"]
    again = json.loads(check.load_rules([tmp_path], fields=field_table).plan)
    assert again == after


def test_filter_that_fits_nothing_is_told(tmp_path: Path, field_table: FieldTable) -> None:
    (tmp_path / "a.yml").write_text(GOOD)
    (tmp_path / "f.yml").write_text(FILTER.replace("category: dns", "category: proxy"))
    rules = check.load_rules([tmp_path], fields=field_table)
    assert [w.code for w in rules.warnings] == ["BAVN-W005"]
    assert len(rules.rules) == 1


def test_plan_carries_author_licence_and_identity(tmp_path: Path, field_table: FieldTable) -> None:
    (tmp_path / "dns").mkdir()
    (tmp_path / "dns" / "a.yml").write_text(GOOD)
    rules = check.load_rules([tmp_path], fields=field_table)
    data = json.loads(rules.plan)
    head = data["rules"][0]
    assert (head["author"], head["license"], head["level"]) == ("somebody", "DRL 1.1", "high")
    assert head["source"] == "dns/a.yml"
    assert len(head["version"]) == 16
    assert data["digest"] == plan.digest(rules.plan)


def test_same_rules_give_the_same_bytes(tmp_path: Path, field_table: FieldTable) -> None:
    (tmp_path / "a.yml").write_text(GOOD)
    (tmp_path / "b.yml").write_text(rule("  s: {cs-host: a}\n  condition: s\n"))
    first = check.load_rules([tmp_path], fields=field_table).plan
    assert check.load_rules([tmp_path], fields=field_table).plan == first


def test_cache_gives_the_same_and_survives_damage(tmp_path: Path, field_table: FieldTable) -> None:
    source, cache = tmp_path / "rules", tmp_path / "cache"
    source.mkdir()
    (source / "a.yml").write_text(GOOD)
    (source / "b.yml").write_text(BAD["unknown field"][0])

    def load() -> RuleSet:
        return check.load_rules([source], fields=field_table, cache=cache)

    fresh = load()
    assert load() == fresh
    (kept,) = cache.iterdir()
    kept.write_bytes(kept.read_bytes().replace(b"evil.example", b"good.example"))
    assert load() == fresh
    kept.write_bytes(b"{")
    assert load() == fresh
    (source / "a.yml").write_text(GOOD.replace("evil", "bad"))
    assert load().plan != fresh.plan


def test_cache_that_cannot_be_written_is_no_error(tmp_path: Path, field_table: FieldTable) -> None:
    (tmp_path / "a.yml").write_text(GOOD)
    (tmp_path / "file").write_text("")
    rules = check.load_rules([tmp_path], fields=field_table, cache=tmp_path / "file" / "x")
    assert len(rules.rules) == 1


def test_path_that_does_not_exist(tmp_path: Path, field_table: FieldTable) -> None:
    with pytest.raises(errors.BavnError) as caught:
        check.load_rules([tmp_path / "none"], fields=field_table)
    assert caught.value.code == "BAVN-E001"


def test_file_that_cannot_be_read(field_table: FieldTable) -> None:
    """Reading this one fails for root too."""
    (refused,) = check.load_rules([Path("/proc/self/mem")], fields=field_table).refused
    assert refused.reasons[0].code == "BAVN-E001"


def test_value_bomb_is_refused(tmp_path: Path, field_table: FieldTable) -> None:
    values = ", ".join(f"v{n}" for n in range(12_000))
    (tmp_path / "a.yml").write_text(rule(f"  s: {{cs-host: [{values}]}}\n  condition: s\n"))
    (refused,) = check.load_rules([tmp_path], fields=field_table).refused
    assert refused.reasons[0].code == "BAVN-E013"


# Values that pySigma or the backend may stumble over: each rule fails or loads, and none takes another with it.
ODD_VALUES = (
    "5",
    "1.5",
    "-1",
    "true",
    "null",
    "[]",
    "[null]",
    "[[]]",
    "{}",
    "[{}]",
    "''",
    "'%'",
    "'%%'",
    "'*'",
    "2024-01-01",
    '"\\x00"',
    '"\\uD800"',
)
MODIFIERS = (
    "re", "re|i", "cidr", "contains", "startswith", "base64", "base64offset|contains", "wide|base64", "expand", "fieldref",
    "fieldref|startswith", "exists", "gt", "hour", "windash", "cased", "neq", "all", "contains|all", "re|all", "",
)  # fmt: skip
FIELDS = ("sc-status", "cs-host", "dst_ip", "''")


@pytest.mark.parametrize("modifier", MODIFIERS)
def test_no_value_of_a_rule_stops_the_others(modifier: str, tmp_path: Path, field_table: FieldTable) -> None:
    (tmp_path / "good.yml").write_text(GOOD)
    number = 0
    for field in FIELDS:
        for value in ODD_VALUES:
            number += 1
            key = f"{field.strip(chr(39))}|{modifier}".rstrip("|")
            text = rule(f"  s:\n    '{key}': {value}\n  condition: s\n").replace("-111111111111", f"-{number:012d}")
            (tmp_path / f"odd{number}.yml").write_text(text)
    rules = check.load_rules([tmp_path], fields=field_table)
    assert "good" in [r.title for r in rules.rules]
    assert all(reason.code in errors.CATALOGUE for item in rules.refused for reason in item.reasons)
    assert len(rules.rules) + len(rules.refused) == number + 1


def test_an_error_that_nobody_foresaw_refuses_one_rule(
    tmp_path: Path, field_table: FieldTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "good.yml").write_text(GOOD)
    (tmp_path / "bad.yml").write_text(rule("  s: {cs-host: a}\n  condition: s\n"))
    compile_ = BavnBackend.compile

    def failing(self: BavnBackend, parsed: SigmaRule) -> Compiled:
        if parsed.title == "t":
            raise IndexError("list index out of range")
        return compile_(self, parsed)

    monkeypatch.setattr(BavnBackend, "compile", failing)
    rules = check.load_rules([tmp_path], fields=field_table)
    assert [r.title for r in rules.rules] == ["good"]
    assert [(r.status, r.reasons[0].code) for r in rules.refused] == [("refused", "BAVN-E035")]


@pytest.mark.parametrize("which", ["file", "folder", "owner"])
def test_cache_that_others_could_have_written_is_not_taken(
    which: str, tmp_path: Path, field_table: FieldTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, cache = tmp_path / "rules", tmp_path / "cache"
    source.mkdir()
    (source / "a.yml").write_text(GOOD)
    fresh = check.load_rules([source], fields=field_table, cache=cache)
    (kept,) = cache.iterdir()
    _, length, packed = kept.read_bytes().split(b"\n", 2)
    body = json.loads(packed[: int(length)])
    body["rules"] = []
    body["digest"] = plan.digest(json.dumps(body).encode())
    rest = json.loads(packed[int(length) :]) | {"rules": []}
    made = json.dumps(body).encode()
    made = b"%d\n" % len(made) + made + json.dumps(rest).encode()
    kept.write_bytes(hashlib.sha256(made).hexdigest().encode() + b"\n" + made)
    assert check.load_rules([source], fields=field_table, cache=cache).rules == (), "an own file is taken"
    if which == "owner":
        monkeypatch.setattr("os.geteuid", lambda: kept.stat().st_uid + 1)
    else:
        (kept if which == "file" else cache).chmod(0o777)
    assert check.load_rules([source], fields=field_table, cache=cache).plan == fresh.plan


def test_cache_leaves_nothing_behind_where_it_cannot_write(
    tmp_path: Path, field_table: FieldTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    (tmp_path / "a.yml").write_text(GOOD)
    monkeypatch.setattr(Path, "replace", full)
    check.load_rules([tmp_path / "a.yml"], fields=field_table, cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


FILTERED = """title: {name}
id: {number}0000000-0000-4000-8000-000000000000
logsource: {{category: dns}}
detection: {{s: {{query: {name}.example}}, condition: s}}
"""


def test_a_faulty_filter_is_refused_where_it_stands_and_its_rules_run(tmp_path: Path) -> None:
    for number, name in enumerate("ab", 1):
        (tmp_path / f"{name}.yml").write_text(FILTERED.format(name=name, number=number))
    (tmp_path / "bad.yml").write_text(
        "title: bad\nlogsource: {category: dns}\nfilter:\n  rules: any\n  s: {quary: a}\n  condition: not s\n"
    )
    (tmp_path / "good.yml").write_text(
        "title: good\nlogsource: {category: dns}\nfilter:\n  rules: any\n  s: {src_ip: 10.0.0.9}\n  condition: not s\n"
    )
    found = check.load_rules([tmp_path])
    assert [rule.title for rule in found.rules] == ["a", "b"]
    assert [(r.source, r.status, r.reasons[0].code, r.reasons[0].line) for r in found.refused] == [
        ("bad.yml", "refused", "BAVN-E031", 5)
    ]
    assert [one["title"] for one in found.filters] == ["good"], "the other filter holds"
    event = b'{"kind":"dns","fields":{"dns.question.name":"a.example","source.ip":"%s"}}'
    assert [loop.Engine(found.plan).match_event(event % ip) for ip in (b"10.0.0.1", b"10.0.0.9")] == [[0], []]


def test_a_filter_on_what_no_packet_shows_makes_its_rule_unfillable(tmp_path: Path) -> None:
    """Without it the rule would tell of what it must not."""
    (tmp_path / "a.yml").write_text(
        FILTERED.format(name="a", number=1).replace("dns}", "dns_query}").replace("query:", "QueryName:")
    )
    (tmp_path / "f.yml").write_text(
        "title: f\nlogsource: {category: dns_query}\nfilter:\n  rules: any\n  s: {Image: a.exe}\n  condition: not s\n"
    )
    found = check.load_rules([tmp_path])
    assert not found.rules
    assert [(r.title, r.status) for r in found.refused] == [("a", "unfillable")]

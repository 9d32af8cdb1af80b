"""Correlations: vectors of what each type means, the engine against a slow reference, and what is refused."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from detectors import check, crafting, loop, ruletest
from detectors.reference.correlations import Correlation, Hit
from detectors.reference.engine import ReferenceRules

VECTORS = Path(__file__).parents[1] / "vectors/correlations"
SECOND = 1_000_000_000
RULES = """
title: Lookup of %(name)s
name: %(name)s
id: 00000000-0000-4000-8000-00000000000%(number)d
logsource: {category: dns}
detection: {selection: {query|startswith: %(name)s.}, condition: selection}
level: low
---
"""


def cases() -> Iterator[Any]:
    for path in sorted(VECTORS.glob("*.yml")):
        for case in yaml.safe_load(path.read_text("utf-8")):
            yield pytest.param(case, id=f"{path.stem}: {case['name']}")


def rule_set(tmp_path: Path, correlation: dict[str, Any]) -> check.RuleSet:
    """Rules `a`, `b`, `c` on DNS names that begin so, and the correlation."""
    text = "".join(RULES % {"name": name, "number": number} for number, name in enumerate("abc", 1))
    document = {"title": "Together", "id": "00000000-0000-4000-8000-0000000000ff", "correlation": correlation}
    path = tmp_path / "rules.yml"
    path.write_text(text + yaml.safe_dump(document, sort_keys=False), "utf-8")
    return check.load_rules([path])


def event(name: str, at: float, source: str = "10.0.0.1", **fields: Any) -> dict[str, Any]:
    own = {"source.ip": source, "dns.question.name": name, **fields}
    return {"kind": "dns", "at": at, "fields": own}


def replay(found: check.RuleSet, events: list[dict[str, Any]]) -> list[list[str]]:
    """Titles of what makes an alert, event by event; the reference, which reads the rules themselves, must agree."""
    placed = [ruletest.event_json(one) for one in ruletest.in_order(events)]
    told = loop.Engine(found.plan).replay(placed)
    assert list(map(sorted, ReferenceRules(found).replay(placed))) == list(map(sorted, told))
    return [[found.rules[number].title for number in numbers] for numbers in told]


@pytest.mark.parametrize("case", list(cases()))
def test_vector(case: dict[str, Any], tmp_path: Path) -> None:
    found = rule_set(tmp_path, case["correlation"])
    assert [d.sentence for d in found.diagnostics] == []
    events = [event(*one[:2], *one[2:3], **(one[3] if len(one) > 3 else {})) for one in case["events"]]
    told = [number for number, titles in enumerate(replay(found, events), 1) if "Together" in titles]
    assert told == case["told"], case.get("why")
    others = [title for titles in replay(found, events) for title in titles if title != "Together"]
    assert bool(others) == case.get("others", bool(case["correlation"].get("generate")))


def random_correlation(rng: random.Random) -> dict[str, Any]:
    kinds = ["event_count", "value_count", "value_sum", "value_avg", "value_median", "value_percentile", "temporal",
             "temporal_ordered", "extended"]  # fmt: skip
    kind = rng.choice(kinds)
    names = rng.sample("abc", rng.randint(1, 3))
    made: dict[str, Any] = {"type": kind, "rules": names, "timespan": f"{rng.choice([1, 5, 20])}s"}
    if rng.random() < 0.8:
        made["group-by"] = rng.choice([["source.ip"], ["source.ip", "dns.question.type"]])
    if kind == "extended":
        parts = [rng.choice(["", "not "]) + name for name in names]
        return {**made, "type": "temporal", "condition": rng.choice([" and ", " or "]).join(parts)}
    if kind.startswith("temporal"):
        return made
    condition: dict[str, Any] = {rng.choice(["lt", "lte", "gt", "gte", "eq", "neq"]): rng.randint(0, 6)}
    if kind == "value_count":
        condition["field"] = "dns.question.name"
    elif kind != "event_count":
        condition["field"] = "dns.question.length"
    if kind == "value_percentile":
        condition["percentile"] = rng.choice([1, 25, 50, 90, 100])
    return {**made, "condition": condition}


def random_events(rng: random.Random) -> list[dict[str, Any]]:
    at, made = 0.0, []
    for _ in range(rng.randint(5, 60)):
        at += rng.choice([0, 0.25, 1, 1, 2.5, 7])
        name = f"{rng.choice('abcd')}.{rng.randint(0, 3)}"
        fields = {"bavn.dns.question_length": rng.randint(0, 4), "dns.question.type": rng.choice(["A", "AAAA"])}
        made.append(event(name, at, f"10.0.0.{rng.randint(1, 3)}", **fields))
    return made


def expected(plan: dict[str, Any], events: list[dict[str, Any]]) -> list[int]:
    """How often the reference tells, event by event."""
    planned = plan["correlation"]
    reference = Correlation(planned)
    names = {f"00000000-0000-4000-8000-00000000000{number}": name for number, name in enumerate("abc", 1)}
    inputs = [names[one["rule"]] for one in planned["inputs"]]
    view = planned["inputs"][0]["views"][0]
    told = []
    for one in ruletest.in_order(events):
        fields, count = one["fields"], len(reference.advance(one["time"]))
        name = fields["dns.question.name"]
        if name[0] in inputs:
            key = tuple(fields[alternatives[0]] for alternatives in view["group"])
            value = fields[view["value"][0]] if "value" in view else None
            count += reference.hit(key, [Hit(inputs.index(name[0]), one["time"], value)]) is not None
        told.append(count)
    return told


@pytest.mark.parametrize("seed", range(150))
def test_the_engine_tells_what_the_reference_tells(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)  # noqa: S311
    correlation = random_correlation(rng)
    text = json.dumps(correlation).replace("dns.question.length", "bavn.dns.question_length")
    found = rule_set(tmp_path, json.loads(text))
    assert [d.sentence for d in found.diagnostics] == []
    plan = json.loads(found.plan)["rules"][-1]
    for _ in range(3):
        events = random_events(rng)
        told = [titles.count("Together") for titles in replay(found, events)]
        assert told == expected(plan, events), correlation


@pytest.mark.parametrize(
    ("correlation", "says"),
    [
        ({"type": "event_count", "rules": ["x"], "timespan": "1m", "condition": {"gte": 2}}, "no rule of the id or name"),
        ({"type": "event_count", "rules": ["a"], "timespan": "32d", "condition": {"gte": 2}}, "longer than 31 days"),
        ({"type": "event_count", "rules": ["a"], "timespan": "1", "condition": {"gte": 2}}, "imespan '1' is invalid"),
        ({"type": "event_count", "rules": ["a"], "timespan": "1m", "condition": {"gte": "2"}}, "takes a whole number"),
        ({"type": "event_count", "rules": ["a"], "timespan": "1m", "condition": {"gte": 10**6}}, "a count from 0 to"),
        ({"type": "event_count", "rules": ["a", "a"], "timespan": "1m", "condition": {"gte": 1}}, "names `a` twice"),
        ({"type": "event_count", "rules": ["a"], "group-by": ["nope"], "timespan": "1m", "condition": {"gte": 1}}, "`nope`"),
        ({"type": "event_count", "rules": ["a"], "group-by": ["http.request.method"], "timespan": "1m",
          "condition": {"gte": 1}}, "cannot see"),
        ({"type": "value_count", "rules": ["a"], "timespan": "1m", "condition": {"gte": 1}}, "without field"),
        ({"type": "value_percentile", "rules": ["a"], "timespan": "1m",
          "condition": {"gte": 1, "field": "dns.question.name"}}, "needs `percentile`"),
        ({"type": "temporal_ordered", "rules": ["a", "b"], "timespan": "1m", "condition": "a or b"}, "only join rules by"),
        ({"type": "temporal", "rules": ["a", "b"], "timespan": "1m", "condition": {"gte": 1}}, "takes no number"),
        ({"type": "temporal", "rules": ["a", "b"], "timespan": "1m", "aliases": {"who": {"a": "source.ip"}},
          "group-by": ["who"]}, "says nothing of `b`"),
        ({"type": "nonsense", "rules": ["a"], "timespan": "1m"}, "is no type of correlation"),
        ({"type": "temporal", "rules": ["a"], "timespan": "1m", "window": 3}, "has no `window`"),
        ({"type": "event_count", "rules": ["a"], "timespan": "1m"}, "needs a condition"),
        (["a"], "no mapping"),
    ],
)  # fmt: skip
def test_a_wrong_correlation_is_refused_with_its_reason_and_stops_no_rule(
    correlation: Any, says: str, tmp_path: Path
) -> None:
    found = rule_set(tmp_path, correlation)
    assert len(found.rules) == 3
    (refused,) = found.refused
    assert says in refused.reasons[0].sentence
    assert refused.reasons[0].line > 20
    told = replay(found, [event("a.x", 0), event("b.x", 1)])
    assert told == [["Lookup of a"], ["Lookup of b"]], "rules of a correlation that does not run speak for themselves"


def test_correlations_of_correlations(tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    text = RULES % {"name": "a", "number": 1}
    many = {
        "type": "event_count",
        "rules": ["a"],
        "group-by": ["source.ip"],
        "timespan": "10s",
        "condition": {"gte": 2},
    }
    hosts = {"type": "event_count", "rules": ["many"], "timespan": "1m", "condition": {"gte": 2}}
    # In the wrong order: what is named may stand later.
    text += yaml.safe_dump({"title": "Hosts", "id": "00000000-0000-4000-8000-0000000000f1", "correlation": hosts})
    text += "---\n"
    text += yaml.safe_dump(
        {"title": "Many", "name": "many", "id": "00000000-0000-4000-8000-0000000000f2", "correlation": many}
    )
    path.write_text(text, "utf-8")
    found = check.load_rules([path])
    assert found.refused == ()
    events = [event("a.x", at, f"10.0.0.{host}") for at, host in ((0, 1), (1, 1), (2, 2), (3, 2))]
    assert replay(found, events) == [[], [], [], ["Hosts"]]


def test_a_circle_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    own = {"type": "event_count", "timespan": "10s", "condition": {"gte": 2}}
    documents = [
        {
            "title": name,
            "name": name,
            "id": f"00000000-0000-4000-8000-0000000000f{n}",
            "correlation": {**own, "rules": [of]},
        }
        for n, (name, of) in enumerate((("x", "y"), ("y", "x")))
    ]
    path.write_text("---\n".join(map(yaml.safe_dump, documents)), "utf-8")
    found = check.load_rules([path])
    assert [item.reasons[0].code for item in found.refused] == ["BAVN-E028"] * 2
    assert "circle" in found.refused[0].reasons[0].sentence


def test_an_alert_tells_of_its_group(tmp_path: Path) -> None:
    """Packets in, one alert out: grouped by the client, with the number of hits and the threshold."""
    correlation = {
        "type": "event_count",
        "rules": ["a"],
        "group-by": ["source.ip"],
        "timespan": "1m",
        "condition": {"gte": 3},
    }
    found = rule_set(tmp_path, correlation)
    answers = [{"type": "A", "data": "192.0.2.1"}]
    frames = crafting.craft([{"dns": {"query": f"a.{number}.example", "answers": answers}} for number in range(5)])
    worker = loop.PacketLoop(found.plan, loop.Settings(evidence_bytes=0))
    worker.push(frames, frames[-1][0])
    alerts = [
        json.loads(alert)
        for batch in (worker.step(frames[-1][0]), worker.finish(frames[-1][0]))
        for alert in batch.alerts
    ]
    assert [alert["rule"]["name"] for alert in alerts] == ["Together"]
    matched = alerts[0]["bavn"]["matched"]
    assert matched[0] == {"field": "correlation.event_count", "op": "gte", "value": "3", "observed": "3"}
    assert matched[1]["field"] == "source.ip"
    assert matched[1]["observed"] == alerts[0]["source"]["ip"]
    assert worker.counters()["correlation_groups"] == 1

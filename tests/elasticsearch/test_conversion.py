"""Converted rules find in a real Elasticsearch what the engine finds: shipped rules on our captures, and the vectors of semantics.

What this server cannot run is said in `NOT_HERE`: it has no ES|QL, so ES|QL queries are only held to their text elsewhere.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from elasticsearch import ApiError, BadRequestError, Elasticsearch, helpers
from sigma.backends.elasticsearch import LuceneBackend
from sigma.collection import SigmaCollection
from sigma.conversion.state import ConversionState

from detectors import check, conversion, loop, printed
from detectors.fields import native
from detectors.plan import And, Leaf, Not, Or, Target
from detectors.values import RuleProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster import Cluster

    from detectors.plan import Condition

pytestmark = pytest.mark.real

ROOT: Final = Path(__file__).parents[2]
VECTORS: Final = ROOT / "detectors/engine/tests/vectors/sigma"
RULES: Final = sorted(p for p in (ROOT / "rules").rglob("*.yml") if not p.name.endswith(".test.yml"))
EVENTS: Final = "bavn-events-captures"
VECTOR_EVENTS: Final = "bavn-events-vectors"
MOST: Final = 10_000
NOT_HERE: Final = "the server of these tests has no ES|QL"
# What a query cannot ask: no name of a code word hides a rule that ought to convert.
SAID: Final = ("never stored", "cannot be asked of Elasticsearch", "slides its window", "can say `time`", "can say `fieldref`",
               "stored as text", "keeps IPv4 as IPv6", "beyond")  # fmt: skip
# Where index and engine differ on an event that no sensor prints, or on letters outside ASCII; the engine is right.
KNOWN: Final = {
    "exists": "a list without members is not indexed, so it counts as absent; `bavn events` prints none",
    "exists not": "the same",
    "simple folding beyond ASCII: long s, Kelvin sign, final sigma; no full folding": "the index folds by lower case alone",
}


@pytest.fixture(scope="module")
def server(running_cluster: Cluster) -> Iterator[Elasticsearch]:
    """The server with the template that the queries are made for."""
    with running_cluster.client() as client:
        client.indices.put_index_template(name="bavn-events", **conversion.template())
        yield client
        client.indices.delete(index=[EVENTS, VECTOR_EVENTS], ignore_unavailable=True)


@pytest.fixture(scope="module")
def events(server: Elasticsearch) -> list[dict[str, Any]]:
    """The events of all captures, stored under their number."""
    found = list(printed.of_captures(sorted((ROOT / "pcaps").glob("*/*.pcap"))))
    assert len(found) > 5_000
    store(server, ({"_index": EVENTS, "_id": str(n), "_source": document} for n, document in enumerate(found)))
    return found


def store(server: Elasticsearch, actions: Iterator[dict[str, Any]]) -> None:
    helpers.bulk(server, actions)
    server.indices.refresh(index="bavn-events-*")


def found_by(server: Elasticsearch, index: str, query: str) -> set[int]:
    """Numbers of the events that a Lucene query finds."""
    answer = server.search(
        index=index, size=MOST, source=False, query={"query_string": {"query": query, "lenient": False}}
    )
    hits = answer["hits"]
    assert hits["total"] == {"value": len(hits["hits"]), "relation": "eq"}
    return {int(hit["_id"]) for hit in hits["hits"]}


def lucene(path: Path) -> list[str]:
    """A rule's queries, one a kind of event."""
    backend = LuceneBackend(processing_pipeline=conversion.lucene_pipeline())
    queries: list[str] = backend.convert(SigmaCollection.from_yaml(path.read_text()))
    return queries


def test_rules_find_what_the_engine_finds(server: Elasticsearch, events: list[dict[str, Any]]) -> None:
    differences, refused, with_hits = [], [], 0
    judged = [printed.engine_event(document) for document in events]
    for path in RULES:
        try:
            queries = lucene(path)
        except RuleProblemError as error:
            assert error.code == "BAVN-E066", path  # noqa: PT017
            assert any(words in error.sentence for words in SAID), error.sentence  # noqa: PT017
            refused.append(path.name)
            continue
        except Exception as error:  # noqa: BLE001  (pySigma wraps what the pipeline raises for a correlation)
            assert "correlation" in path.read_text(), error  # noqa: PT017
            refused.append(path.name)
            continue
        engine = loop.Engine(check.load_rules([path]).plan)
        wanted = {n for n, event in enumerate(judged) if engine.match_event(event)}
        found = set().union(*(found_by(server, EVENTS, query) for query in queries))
        with_hits += bool(wanted)
        if found != wanted:
            differences.append((path.name, queries, sorted(found - wanted)[:3], sorted(wanted - found)[:3]))
    assert differences == []
    assert with_hits >= 10, "the captures must let rules fire, or nothing was compared"
    assert len(refused) < len(RULES) / 2


# -- vectors ------------------------------------------------------------------------------


def condition_of(data: dict[str, Any], predicates: list[dict[str, Any]]) -> Condition:
    if "p" in data:
        return Leaf.of(predicates[data["p"]])
    if "not" in data:
        return Not(condition_of(data["not"], predicates))
    kind: type[And | Or] = And if "and" in data else Or
    return kind(tuple(condition_of(part, predicates) for part in data["and" if kind is And else "or"]))


def vectors() -> list[dict[str, Any]]:
    return [case for path in sorted(VECTORS.glob("*.toml")) for case in tomllib.loads(path.read_text())["test"]]


def vector_query(case: dict[str, Any]) -> str:
    predicates = [json.loads(json.dumps(one, default=str)) for one in case.get("predicates") or [case["predicate"]]]
    target = Target(case.get("kind", "http"), condition_of(case.get("condition", {"p": 0}), predicates))
    backend = LuceneBackend()
    backend.init_processing_pipeline()
    query: str = backend.convert_condition(conversion.Writer(native()).target(target), ConversionState())
    return query


def nested(event: dict[str, Any], kind: str) -> dict[str, Any]:
    """An event of a vector as it would be stored."""
    fields = {name: value for name, value in event.items() if name != "?"}
    return {**fields, "event.dataset": f"bavn.{kind}", "bavn.unobserved": event.get("?", [])}


def test_vectors_of_semantics_hold_in_queries(server: Elasticsearch) -> None:
    rows = [
        (case, outcome, nested(event, case.get("kind", "http")))
        for case in vectors()
        for outcome in ("true", "false", "unknown")
        for event in case.get(outcome, ())
    ]
    documents = ({"_index": VECTOR_EVENTS, "_id": str(n), "_source": row[2]} for n, row in enumerate(rows))
    stored = dict(enumerate(helpers.streaming_bulk(server, documents, raise_on_error=False)))
    server.indices.refresh(index="bavn-events-*")
    there = {n for n, (ok, _) in stored.items() if ok}
    differences, asked = [], 0
    for case in vectors():
        mine = {n for n, row in enumerate(rows) if row[0] is case or row[0] == case} & there
        try:
            query = vector_query(case)
        except RuleProblemError as error:
            assert any(words in error.sentence for words in SAID), (case["name"], error.sentence)  # noqa: PT017
            continue
        wanted = {n for n in mine if rows[n][1] == "true"}
        try:
            found = found_by(server, VECTOR_EVENTS, query) & mine
        except BadRequestError as error:
            differences.append((case["name"], query, str(error)[:200]))
            continue
        asked += 1
        if found != wanted and case["name"] not in KNOWN:
            differences.append((case["name"], query, [rows[n][2] for n in sorted(found ^ wanted)][:2]))
    assert differences == []
    assert asked >= 45
    assert len(there) > len(rows) * 0.9


def test_what_this_server_lacks(server: Elasticsearch) -> None:
    """Where this fails the server has learned ES|QL: then ask it what Lucene is asked."""
    with pytest.raises(ApiError) as error:
        server.esql.query(query="ROW a = 1")
    assert error.value.status_code in {400, 405}, NOT_HERE

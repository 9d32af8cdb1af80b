"""A real Elasticsearch that is down, blocked, overloaded or strange: nothing acknowledged is lost, the rest goes on."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from collector.errors import BavnError
from collector.store import AlertQuery, Batch, NewAlert
from collector.store.elastic import ElasticStore
from collector.store.elastic_bulk import _outcome
from collector.store.mapping import CLOCK_INDEX, index_of

from ..lib.alerts_data import alert  # noqa: TID252
from .proxy import Overload, Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Cluster

pytestmark = pytest.mark.real
NOW = datetime(2026, 11, 22, 9, 15, tzinfo=UTC)
TODAY = "bavn-alerts-2026.11.22"


def batch(*seqs: int, **fields: Any) -> Batch:
    documents = {seq: alert(seq) | fields for seq in seqs}
    news = tuple(NewAlert(document["event"]["id"], seq, document) for seq, document in documents.items())
    return Batch(agency="odense", sensor="s1", received=NOW, alerts=news)


def ids(*seqs: int) -> list[str]:
    return [alert(seq)["event"]["id"] for seq in seqs]


def count(store: ElasticStore) -> int:
    store.settle()
    return store.count(AlertQuery())


@pytest.fixture
def store(cluster: Cluster) -> Iterator[ElasticStore]:
    opened = cluster.store()
    yield opened
    opened.close()


@pytest.fixture
def overload() -> Overload:
    return Overload()


@pytest.fixture
def behind(cluster: Cluster, overload: Overload) -> Iterator[ElasticStore]:
    """A store that reaches the cluster through the proxy."""
    with Proxy(int(cluster.url.rsplit(":", 1)[1]), cluster.ca, overload) as proxy:
        opened = ElasticStore(proxy.url, api_key=cluster.api_key)
        yield opened
        opened.close()


def test_the_days_index_is_behind_the_alias_and_strict(cluster: Cluster, store: ElasticStore) -> None:
    assert store.put(batch(1))[0].status == "stored"
    with cluster.client() as client:
        found = client.indices.get(index="bavn-alerts")
        assert set(found) == {TODAY, CLOCK_INDEX}
        mapping = found[TODAY]["mappings"]
        assert mapping["dynamic"] == mapping["properties"]["event"]["dynamic"] == "strict"
        assert mapping["properties"]["source"]["properties"]["ip"]["type"] == "ip"
        before = client.indices.get_mapping(index=TODAY)[TODAY]
        novel = {f"novel{number}": number for number in range(60)}
        assert store.put(batch(2, dns=novel))[0].status == "stored"
        assert client.indices.get_mapping(index=TODAY)[TODAY] == before
        store.settle()
        hits = client.count(index="bavn-alerts", query={"term": {"store.rest.dns.novel59": "59"}})["count"]
        assert hits == 1


def test_clocks_that_are_far_off_share_one_index() -> None:
    assert index_of("2026-11-22T23:59:59Z", NOW) == TODAY
    assert index_of("2026-10-25T00:00:00Z", NOW) == "bavn-alerts-2026.10.25"
    for far in ("2026-10-01T00:00:00Z", "2026-11-24T00:00:00Z", "1970-01-01T00:00:00Z", "2261-01-01T00:00:00Z"):
        assert index_of(far, NOW) == CLOCK_INDEX


def test_a_cluster_that_is_down_means_later(cluster: Cluster) -> None:
    nobody = ElasticStore("https://localhost:1", ca=cluster.ca, api_key=cluster.api_key)
    assert {(result.status, result.code) for result in nobody.put(batch(1, 2))} == {("later", "BAVN-E230")}
    for call in (nobody.health, nobody.heartbeats, lambda: nobody.count(AlertQuery())):
        with pytest.raises(BavnError, match="BAVN-E230"):
            call()


def test_a_wrong_key_or_authority_means_later(cluster: Cluster) -> None:
    wrong = ElasticStore(cluster.url, ca=cluster.ca, api_key="bm9ib2R5OmF0YWxs")
    assert {result.code for result in wrong.put(batch(1))} == {"BAVN-E240"}
    untrusted = ElasticStore(cluster.url, api_key=cluster.api_key)
    assert {result.code for result in untrusted.put(batch(1))} == {"BAVN-E230"}


@pytest.mark.parametrize("block", ["write", "read_only_allow_delete", "read_only"])
def test_a_read_only_index_means_later_and_nothing_is_lost(cluster: Cluster, store: ElasticStore, block: str) -> None:
    assert store.put(batch(1))[0].status == "stored"
    with cluster.client() as client:
        client.indices.put_settings(index=TODAY, settings={f"index.blocks.{block}": True})
        assert {(result.status, result.code) for result in store.put(batch(2, 3))} == {("later", "BAVN-E231")}
        with pytest.raises(BavnError, match="BAVN-E231"):
            store.health()
        client.indices.put_settings(index=TODAY, settings={f"index.blocks.{block}": None})
    assert [result.status for result in store.put(batch(1, 2, 3))] == ["duplicate", "stored", "stored"]
    store.health()
    assert count(store) == 3


def test_only_the_items_that_were_rejected_are_sent_again(behind: ElasticStore, overload: Overload) -> None:
    seen: dict[str, int] = {}

    def twice(id_: str) -> int | None:
        seen[id_] = seen.get(id_, 0) + 1
        return 429 if id_ in ids(2, 5) and seen[id_] <= 2 else None

    overload.reject_item = twice
    assert {result.status for result in behind.put(batch(*range(1, 7)))} == {"stored"}
    assert [seen[id_] for id_ in ids(*range(1, 7))] == [1, 3, 1, 1, 3, 1]
    assert count(behind) == 6


def test_items_that_stay_rejected_are_for_later(behind: ElasticStore, overload: Overload) -> None:
    overload.reject_item = lambda id_: 429 if id_ in ids(2) else None
    results = behind.put(batch(1, 2, 3))
    assert [(result.status, result.code) for result in results] == [
        ("stored", None),
        ("later", "BAVN-E233"),
        ("stored", None),
    ]
    state = behind.sequence("odense", "s1")
    assert state is not None
    assert (state.next, state.highest) == (1, 3)
    overload.reject_item = lambda _id: None
    assert [result.status for result in behind.put(batch(2))] == ["stored"]
    assert count(behind) == 3


def test_a_rejected_request_is_sent_again_and_then_for_later(behind: ElasticStore, overload: Overload) -> None:
    overload.reject_request = lambda number, _size: 429 if number <= 2 else None
    assert {result.status for result in behind.put(batch(1, 2))} == {"stored"}
    overload.reject_request = lambda _number, _size: 503
    assert {(result.status, result.code) for result in behind.put(batch(3))} == {("later", "BAVN-E233")}


def test_a_request_that_is_too_large_is_halved(behind: ElasticStore, overload: Overload) -> None:
    behind.put(batch(1))
    one = len(alert(1)["message"]) + 4000
    overload.reject_request = lambda _number, size: 413 if size > 3 * one else None
    assert {result.status for result in behind.put(batch(*range(2, 30)))} == {"stored"}
    assert count(behind) == 29


def test_an_alert_that_the_mapping_refuses_stops_no_other(cluster: Cluster, store: ElasticStore) -> None:
    store.prepare()
    with cluster.client() as client:
        client.indices.create(
            index=TODAY, mappings={"properties": {"user": {"properties": {"name": {"type": "long"}}}}}
        )
    poison = batch(2, user={"name": "anna"}).alerts
    whole = Batch(agency="odense", sensor="s1", received=NOW, alerts=(*batch(1).alerts, *poison, *batch(3).alerts))
    results = store.put(whole)
    assert [result.status for result in results] == ["stored", "refused", "stored"]
    assert results[1].code == "BAVN-E226"
    store.settle()
    (letter,) = store.dead_letters()
    assert (letter.seq, letter.id) == (2, poison[0].id)
    assert b'"anna"' in letter.body
    state = store.sequence("odense", "s1")
    assert state is not None
    assert state.next == 3


def put_until_taken(collector: ElasticStore, seq: int) -> str:
    """Send one alert as a sensor does: what is told to come later comes again."""
    for _ in range(20):
        try:
            (result,) = collector.put(batch(seq))
        except BavnError as error:
            status = error.code
        else:
            status = result.status
            if status != "later":
                break
        time.sleep(0.5)
    return status


def test_two_collectors_keep_one_sequence(cluster: Cluster) -> None:
    collectors = [cluster.store(), cluster.store()]
    jobs = [(collector, seq) for seq in range(1, 25) for collector in collectors]
    random.Random(3).shuffle(jobs)  # noqa: S311
    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda job: put_until_taken(*job), jobs))
    # A store that was too slow to say so may have taken it all the same: then both answers are "duplicate".
    assert set(statuses) <= {"stored", "duplicate"}
    assert statuses.count("stored") <= 24
    state = collectors[0].sequence("odense", "s1")
    assert state is not None
    assert (state.next, state.gaps) == (24, [])
    assert count(collectors[0]) == 24
    for collector in collectors:
        collector.close()


def test_only_what_the_document_is_blamed_for_is_refused_for_good() -> None:
    def outcome(status: int, kind: str) -> str:
        return _outcome({"status": status, "error": {"type": kind, "reason": "x"}}).status

    for kind in ("document_parsing_exception", "mapper_parsing_exception", "strict_dynamic_mapping_exception"):
        assert outcome(400, kind) == "refused"
    # Of the index or the cluster: too many shards, a closed index, a broken pipeline.
    for kind in (
        "validation_exception",
        "index_closed_exception",
        "illegal_argument_exception",
        "x_content_parse_exception",
    ):
        assert outcome(400, kind) == "later"


def test_time_of_storing_is_that_of_the_request_and_not_of_the_batch(store: ElasticStore) -> None:
    before = datetime.now(UTC)
    whole = Batch(agency="odense", sensor="s1", received=NOW - timedelta(hours=1), alerts=batch(1).alerts)
    assert [result.status for result in store.put(whole)] == ["stored"]
    store.settle()
    (document,) = store.search(AlertQuery())
    assert before <= store.get(document["event"]["id"]).ingested <= datetime.now(UTC)

"""What every store promises, run against each of them."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from collector.alert import check
from collector.errors import BavnError
from collector.store import AlertQuery, Batch, DeadLetter, Gap, Heartbeat, NewAlert, StateChange

from ..lib.alerts_data import alert as made_by_hand  # noqa: TID252

if TYPE_CHECKING:
    from collector.store import Store

NOW = datetime(2026, 11, 22, 9, 15, tzinfo=UTC)
AGENCY, SENSOR = "odense", "odense-1"


def alert(number: int, *, agency: str = AGENCY, sensor: str = SENSOR, **fields: Any) -> dict[str, Any]:
    document = made_by_hand(number, **fields)
    document["organization"] = {"id": agency}
    document["observer"]["name"] = sensor
    document["bavn"]["agency"], document["bavn"]["sensor"] = agency, sensor
    return check(document, agency, sensor)


def new(seq: int, document: dict[str, Any]) -> NewAlert:
    return NewAlert(document["event"]["id"], seq, document)


def batch(*alerts: NewAlert, agency: str = AGENCY, sensor: str = SENSOR, **parts: Any) -> Batch:
    return Batch(**{"agency": agency, "sensor": sensor, "received": NOW, "alerts": alerts, **parts})


def statuses(store: Store, *alerts: NewAlert, **parts: Any) -> list[str]:
    return [result.status for result in store.put(batch(*alerts, **parts))]


def found(store: Store, **conditions: Any) -> set[str]:
    store.settle()
    query = AlertQuery(**conditions)
    ids = [document["event"]["id"] for document in store.search(query)]
    assert len(ids) == len(set(ids)) == store.count(query)
    return set(ids)


def test_what_is_put_comes_back_as_it_was(store: Store) -> None:
    document = alert(1)
    assert statuses(store, new(1, document)) == ["stored"]
    store.settle()
    back = store.get(document["event"]["id"])
    assert back.alert == document
    # Elasticsearch has the time of sending, which `follow` needs.
    assert back.ingested == NOW if store.kind == "sqlite" else abs(datetime.now(UTC) - back.ingested) < timedelta(60)
    assert list(store.search(AlertQuery())) == [document]


def test_each_alert_is_stored_once(store: Store) -> None:
    one, two = new(1, alert(1)), new(2, alert(2))
    assert statuses(store, one, two, one) == ["stored", "stored", "duplicate"]
    assert statuses(store, two, one) == ["duplicate", "duplicate"]
    assert found(store) == {one.id, two.id}


def test_the_same_alert_made_again_on_another_day_is_a_duplicate(store: Store) -> None:
    first = alert(1)
    assert statuses(store, new(1, first)) == ["stored"]
    store.settle()
    again = alert(1)
    again["event"]["created"] = "2026-11-20T09:14:01.000000000Z"
    assert statuses(store, new(2, again)) == ["duplicate"]
    assert found(store) == {first["event"]["id"]}
    assert store.get(first["event"]["id"]).alert == first


def test_batches_sent_three_times_and_out_of_order_are_stored_once(store: Store) -> None:
    everything = [new(seq, alert(seq)) for seq in range(1, 61)]
    batches = [everything[start : start + 6] for start in range(0, 60, 6)] * 3
    random.Random(7).shuffle(batches)  # noqa: S311
    answers = [status for part in batches for status in statuses(store, *part)]
    assert answers.count("stored") == 60
    assert answers.count("duplicate") == 120
    store.settle()
    assert len(list(store.search(AlertQuery(limit=None)))) == store.count(AlertQuery()) == 60
    state = store.sequence(AGENCY, SENSOR)
    assert state is not None
    assert (state.next, state.gaps) == (60, [])


def test_another_sensor_cannot_take_an_identifier(store: Store) -> None:
    mine = alert(1)
    assert statuses(store, new(1, mine)) == ["stored"]
    for settled in (False, True):
        if settled:
            store.settle()
        theirs = alert(1, agency="aarhus", sensor="aarhus-1")
        (result,) = store.put(batch(new(1, theirs), agency="aarhus", sensor="aarhus-1"))
        assert (result.status, result.code) == ("refused", "BAVN-E224")
    store.settle()
    assert store.get(mine["event"]["id"]).alert == mine
    assert [letter.agency for letter in store.dead_letters()] == ["aarhus"]


def test_dead_letters_are_kept_once_and_whole(store: Store) -> None:
    body = b'{"seq": 2, "alert": {"\xff\x00'
    dead = DeadLetter(
        agency=AGENCY, sensor=SENSOR, seq=2, id=None, code="BAVN-E221", reason="no rule", at=NOW, body=body
    )
    for expected in ("stored", "duplicate"):
        assert statuses(store, new(1, alert(1)), dead=(dead,)) == [expected, "refused"]
    store.settle()
    assert store.dead_letters() == [dead]
    state = store.sequence(AGENCY, SENSOR)
    assert state is not None
    assert state.next == 2


def test_gaps_in_a_sequence_are_proven_and_close(store: Store) -> None:
    statuses(store, new(3, alert(3)), new(4, alert(4)), new(9, alert(9)))
    state = store.sequence(AGENCY, SENSOR)
    assert state is not None
    assert (state.next, state.highest, state.gaps) == (0, 9, [Gap(1, 2), Gap(5, 8)])
    statuses(store, new(1, alert(1)), new(2, alert(2)))
    state = store.sequence(AGENCY, SENSOR)
    assert state is not None
    assert (state.next, state.gaps) == (4, [Gap(5, 8)])
    store.settle()
    assert store.sequences() == [state]
    assert store.sequence(AGENCY, "other") is None


def test_search_by_each_condition(store: Store) -> None:
    low = alert(1, level="low")
    low["@timestamp"] = "2026-11-21T00:00:00Z"
    low["source"] = {"ip": "2001:db8::1", "port": 1}
    low["destination"], low["network"] = {"ip": "203.0.113.1"}, {"community_id": "1:abc="}
    high = alert(2, agency="aarhus", sensor="aarhus-1")
    high["source"], high["destination"] = {"ip": "10.1.2.3"}, {"ip": "198.51.100.7"}
    high["threat"] = {"technique": {"id": ["T1071"], "subtechnique": {"id": ["T1071.001"]}}}
    high["rule"]["id"] = "00000000-0000-4000-8000-000000000001"
    high["url"] = {"original": "/Cgi-bin/evil.example?x=%2e"}
    assert statuses(store, new(1, low)) == ["stored"]
    assert statuses(store, new(1, high), agency="aarhus", sensor="aarhus-1") == ["stored"]
    one, two = {low["event"]["id"]}, {high["event"]["id"]}
    assert found(store) == one | two
    assert found(store, levels=("low",)) == one
    assert found(store, levels=("high", "critical")) == two
    assert found(store, agencies=("aarhus",)) == two
    assert found(store, sensors=(SENSOR,)) == one
    assert found(store, rule=high["rule"]["id"]) == two
    assert found(store, technique="T1071.001") == found(store, technique="T1071") == two
    assert found(store, ip="2001:0db8::0001") == found(store, ip="2001:db8::/32") == one
    assert found(store, ip="198.51.100.7") == found(store, ip="10.0.0.0/8") == two
    assert found(store, ip="10.0.0.0/9") == two
    assert found(store, ip="192.168.0.0/16") == set()
    assert found(store, community_id="1:abc=") == one
    assert found(store, since=datetime(2026, 11, 22, tzinfo=UTC)) == two
    assert found(store, until=datetime(2026, 11, 22, tzinfo=UTC)) == one
    assert found(store, since=datetime(2026, 11, 21, tzinfo=UTC)) == one | two
    assert found(store, until=datetime(2026, 11, 21, tzinfo=UTC)) == set()
    with pytest.raises(BavnError, match="BAVN-E241"):
        found(store, ip="10.1.2")


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("EVIL.example", True),
        ("cgi bin evil", True),
        ("example evil", False),
        ("evil", True),
        ("evi", False),
        ("ØRSTED", True),
        ("rested", False),
        ("", False),
        ('" OR 1', False),
        ("evil.example agent", False),
    ],
)
def test_search_by_text(store: Store, text: str, *, hits: bool) -> None:
    document = alert(1)
    document["url"] = {"original": "/Cgi-bin/evil.example"}
    document["user_agent"] = {"original": "agent ørsted"}
    statuses(store, new(1, document))
    assert bool(found(store, text=text)) is hits


def test_search_runs_in_order_and_over_pages(store: Store) -> None:
    documents = []
    for seq in range(1, 1203):
        document = alert(seq)
        document["@timestamp"] = f"2026-11-22T09:{seq % 60:02}:00.{seq % 3:09}Z"
        documents.append(document)
    for part in itertools.batched(documents, 400) if hasattr(itertools, "batched") else _parts(documents, 400):
        assert set(statuses(store, *(new(documents.index(d) + 1, d) for d in part))) == {"stored"}
    store.settle()
    key = [(document["@timestamp"], document["event"]["id"]) for document in documents]
    newest = [(d["@timestamp"], d["event"]["id"]) for d in store.search(AlertQuery(limit=None))]
    assert newest == sorted(key, reverse=True)
    oldest = [(d["@timestamp"], d["event"]["id"]) for d in store.search(AlertQuery(limit=1001, oldest_first=True))]
    assert oldest == sorted(key)[:1001]


def _parts(documents: list[dict[str, Any]], size: int) -> list[list[dict[str, Any]]]:
    return [documents[start : start + size] for start in range(0, len(documents), size)]


def test_short_identifiers(store: Store) -> None:
    documents = [alert(1), alert(2), alert(3)]
    for document, id_ in zip(documents, ("ABCD2" + "A" * 27, "ABCD3" + "A" * 27, "QQQQ2" + "A" * 27), strict=True):
        document["event"]["id"] = id_
    statuses(store, *(new(seq, document) for seq, document in enumerate(documents, 1)))
    store.settle()
    assert store.get("qqqq").alert == documents[2]
    assert store.get("ABCD3").alert == documents[1]
    for prefix, code in (("ABCD", "BAVN-E235"), ("ZZZZ", "BAVN-E234"), ("ABC", "BAVN-E236"), ("AB%_", "BAVN-E236")):
        with pytest.raises(BavnError) as error:
            store.get(prefix)
        assert error.value.code == code


def test_state_lives_beside_the_alert(store: Store) -> None:
    one, two = alert(1), alert(2)
    statuses(store, new(1, one), new(2, two))
    store.settle()
    id_ = one["event"]["id"]
    store.ack(id_, "anna", NOW, "looks bad")
    later = NOW + timedelta(hours=1)
    store.change(id_, StateChange(who="bo", at=later, state="closed", verdict="true_positive", assignee="bo"))
    state = store.get(id_).state
    assert (state.state, state.verdict, state.assignee) == ("closed", "true_positive", "bo")
    assert [(step.who, step.at, step.note) for step in state.history] == [
        ("anna", NOW, "looks bad"),
        ("bo", later, None),
    ]
    assert store.get(id_).alert == one
    assert store.states([id_, two["event"]["id"]]) == {id_: state}
    assert found(store, states=("closed",)) == {id_}
    assert found(store, states=("new", "acknowledged")) == {two["event"]["id"]}
    # A retry by the sensor does not open it again.
    assert statuses(store, new(1, one)) == ["duplicate"]
    assert store.get(id_).state == state
    with pytest.raises(BavnError, match="BAVN-E234"):
        store.ack("ZZZZ", "anna", NOW)


def test_unknown_leaves_of_a_newer_sensor_are_kept(store: Store) -> None:
    document = alert(1)
    document["dns"] = {"answers": [{"name": "a.example", "novel": 1}], "fresh": {"deep": ["x", {"y": 2}]}}
    document["bavn"]["quic"] = {"version": "1", "other": 1.5}
    assert statuses(store, new(1, check(document, AGENCY, SENSOR))) == ["stored"]
    store.settle()
    assert store.get(document["event"]["id"]).alert == document


def test_extreme_values_are_stored(store: Store) -> None:
    document = alert(1)
    document["url"] = {"original": "A" * 200_000, "query": "\x00\x1b[2J\u202e\ud7ff\U0010ffff", "port": 2**63 - 1}
    document["tls"] = {"server": {"not_before": "0001-01-01T00:00:00Z", "not_after": "9999-12-31T23:59:59Z"}}
    document["@timestamp"] = "2261-12-31T23:59:59.999999999Z"
    document["event"]["created"] = "1970-01-01T00:00:00Z"
    document["bavn"]["matched"] = [
        {"field": "url.original", "op": "wildcard", "value": ["a", 1], "observed": None},
        {"field": "url.port", "op": "eq", "value": 80, "observed": 80.5},
        {"field": "tls.resumed", "op": "exists", "value": True, "observed": "x"},
    ]
    assert store.put(batch(new(1, check(document, AGENCY, SENSOR))))[0].status == "stored"
    store.settle()
    assert store.get(document["event"]["id"]).alert == document
    assert found(store, since=datetime(2261, 1, 1, tzinfo=UTC)) == {document["event"]["id"]}


def test_follow_gives_each_alert_once_in_the_order_of_storing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.store.elastic.FOLLOW_LAG", timedelta(0))
    assert store.follow(None).alerts == []
    seen: list[str] = []
    cursor = None
    for start in range(0, 9, 3):
        received = NOW + timedelta(seconds=start)
        statuses(store, *(new(seq, alert(seq)) for seq in range(start, start + 3)), received=received)
        store.settle()
        while (page := store.follow(cursor, 2)).alerts:
            assert len(page.alerts) <= 2
            seen += [document["event"]["id"] for document in page.alerts]
            cursor = page.cursor
    assert len(seen) == 9
    assert set(seen) == {alert(seq)["event"]["id"] for seq in range(9)}
    assert store.follow(store.follow("now").cursor).alerts == []
    with pytest.raises(BavnError, match="BAVN-E241"):
        store.follow("nonsense")


def test_newest_heartbeat_of_each_sensor_is_kept(store: Store) -> None:
    beats = [
        Heartbeat(
            agency="odense",
            sensor=sensor,
            received=NOW + timedelta(seconds=second),
            body={"counters": {"seen": second}},
        )
        for sensor, second in (("a", 1), ("b", 2), ("a", 3))
    ]
    for beat in beats:
        store.heartbeat(beat)
    store.settle()
    assert store.heartbeats() == [beats[2], beats[1]]


def test_healthy(store: Store) -> None:
    store.health()


def test_a_declared_loss_fills_its_number_and_is_counted_once(store: Store) -> None:
    assert statuses(store, new(1, alert(1)), lost=(2, 3)) == ["stored"] * 3
    assert statuses(store, lost=(3, 4)) == ["stored"] * 2
    state = store.sequence(AGENCY, SENSOR)
    assert state is not None
    assert (state.next, state.gaps, state.declared) == (4, [], 3)
    assert store.dead_letters() == []


def test_an_alert_that_the_checks_let_pass_and_no_store_can_take_stops_nothing(store: Store) -> None:
    """As if a check were missing: the store gets what `check` would have refused."""
    bad = made_by_hand(2)
    bad["bavn"] |= {"agency": AGENCY, "sensor": SENSOR}
    bad["event"]["created"] = 5 if store.kind == "elastic" else bad["event"]["created"]
    bad["network"]["community_id"] = ["a"] if store.kind == "sqlite" else "a"
    results = store.put(batch(new(1, alert(1)), new(2, bad), new(3, alert(3))))
    assert [result.status for result in results] == ["stored", "refused", "stored"]
    assert results[1].code == "BAVN-E228"
    assert [letter.code for letter in (store.settle(), store.dead_letters())[1]] == ["BAVN-E228"]
    state = store.sequence(AGENCY, SENSOR)
    assert state is not None
    assert (state.next, state.gaps) == (3, [])

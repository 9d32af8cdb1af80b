"""Alerts in Elasticsearch 8 or 9, behind one alias, in an index per day.

What is acknowledged was answered 201 or 409 under `translog.durability=request`, so it is on the nodes' disks.
"""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
from elastic_transport import TransportError
from elasticsearch import ApiError, AuthenticationException, AuthorizationException, Elasticsearch

from collector import alert as alerts
from collector.errors import BavnError, StoreUnavailableError
from collector.store import mapping, protocol
from collector.store.elastic_bulk import UNSENT, Action, Outcome, bulk
from collector.store.elastic_documents import Documents
from collector.store.elastic_query import body as condition
from collector.store.elastic_query import order
from collector.store.protocol import (
    AlertQuery,
    AlertState,
    Batch,
    DeadLetter,
    Heartbeat,
    Json,
    NewAlert,
    Page,
    PutResult,
    SequenceState,
    StateChange,
    StoredAlert,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PAGE_ROWS: Final = 500
REQUEST_SECONDS: Final = 10.0
# `event.ingested` is set when a request begins. A request takes REQUEST_SECONDS at most, the refresh interval is one
# second, and the collectors' clocks may differ by one: what is older is visible, and nothing can come before it.
FOLLOW_LAG: Final = timedelta(seconds=REQUEST_SECONDS + 2)
STRANGER: Final = "another sensor's alert has this identifier"


class ElasticStore:
    """A cluster. Collectors in front of it keep nothing themselves, so there may be many."""

    kind: Literal["elastic"] = "elastic"

    def __init__(self, url: str, *, ca: str | None = None, api_key: str | None = None, replicas: str = "0-1") -> None:
        trusted: dict[str, Any] = {"ca_certs": ca} if ca else {}
        # The client's own retries would hide from us which items were refused.
        self._client = Elasticsearch(
            url, api_key=api_key, request_timeout=REQUEST_SECONDS, max_retries=0, retry_on_timeout=False, **trusted
        )
        self._replicas = replicas
        self._states = Documents(self._client, mapping.STATE_INDEX)
        self._sequences = Documents(self._client, mapping.SEQUENCE_INDEX)
        self._ready = False

    def prepare(self) -> None:
        """Puts the template and makes the indices that are missing. Done by itself before the first use."""
        with _errors():
            self._client.indices.put_index_template(name=mapping.TEMPLATE, **mapping.template(self._replicas))
            for name in mapping.SIDE_INDICES:
                self._create(name, mapping.side_index(name, self._replicas))
            self._create(mapping.CLOCK_INDEX, {})
        self._ready = True

    def put(self, batch: Batch) -> list[PutResult]:
        """As `Store.put` says."""
        try:
            self._prepare_once()
            with _errors():
                results = self._put_alerts(batch)
                dead = [*batch.dead, *_refused_here(batch, results)]
                self._bury(dead)
                self._mark_seen(batch, results)
        except StoreUnavailableError as error:
            # Some may be stored all the same; sent again they are duplicates. An index may have been removed.
            self._ready = False
            return protocol.later(batch, error.code, error.sentence)
        return results + protocol.of_the_others(batch)

    def get(self, id_or_prefix: str) -> StoredAlert:
        """As `Store.get` says."""
        self._prepare_once()
        prefix = protocol.usable_prefix(id_or_prefix)
        query = {"prefix": {"event.id": {"value": prefix}}}
        hits = self._hits(query=query, sort=[{"event.id": "asc"}], size=3)
        ids = [hit["_id"] for hit in hits]
        source = protocol.only_one(prefix, ids, hits)["_source"]
        ingested = datetime.fromisoformat(source["event"]["ingested"])
        state = self.states(ids).get(ids[0], AlertState())
        return StoredAlert(alert=_alert(source), ingested=ingested, state=state)

    def search(self, query: AlertQuery) -> Iterator[Json]:
        """As `Store.search` says."""
        self._prepare_once()
        found = self._matching(query)
        return itertools.islice((_alert(hit["_source"]) for hit in found), query.limit)

    def count(self, query: AlertQuery) -> int:
        """As `Store.count` says."""
        self._prepare_once()
        if query.states:
            return sum(1 for _ in self._matching(query))
        with _errors():
            return int(self._client.count(index=mapping.ALIAS, query=condition(query))["count"])

    def follow(self, cursor: str | None, limit: int = 500) -> Page:
        """As `Store.follow` says."""
        self._prepare_once()
        until = datetime.now(UTC) - FOLLOW_LAG
        if cursor == "now":
            return Page([], msgspec.json.encode([int(until.timestamp() * 1e9), ""]).decode())
        after = _cursor(cursor) if cursor else None
        hits = self._hits(
            query={"range": {"event.ingested": {"lte": until.isoformat()}}},
            sort=[{"event.ingested": "asc"}, {"event.id": "asc"}],
            size=limit,
            search_after=after,
        )
        last = msgspec.json.encode(hits[-1]["sort"]).decode() if hits else cursor or '[0, ""]'
        return Page([_alert(hit["_source"]) for hit in hits], last)

    def states(self, ids: Iterable[str]) -> dict[str, AlertState]:
        """As `Store.states` says."""
        with _errors():
            bodies = self._states.several(list(ids))
        return {id_: msgspec.convert(body, AlertState) for id_, body in bodies.items()}

    def change(self, id_or_prefix: str, change: StateChange) -> AlertState:
        """As `Store.change` says."""
        id_ = self.get(id_or_prefix).id

        def changed(body: Json | None) -> Json:
            before = msgspec.convert(body, AlertState) if body else AlertState()
            return _plain(before.apply(change))

        with _errors():
            body = self._states.update(id_, changed, lambda body: {"state": body["state"]})
        return msgspec.convert(body, AlertState)

    def ack(self, id_or_prefix: str, who: str, at: datetime, note: str | None = None) -> AlertState:
        """As `Store.ack` says."""
        return self.change(id_or_prefix, StateChange(who=who, at=at, state="acknowledged", note=note))

    def sequence(self, agency: str, sensor: str) -> SequenceState | None:
        """As `Store.sequence` says."""
        self._prepare_once()
        with _errors():
            body = self._sequences.several([f"{agency}/{sensor}"]).get(f"{agency}/{sensor}")
        return _sequence(body) if body else None

    def sequences(self) -> list[SequenceState]:
        """As `Store.sequences` says."""
        return [_sequence(body) for body in self._all(mapping.SEQUENCE_INDEX)]

    def heartbeat(self, beat: Heartbeat) -> None:
        """As `Store.heartbeat` says."""
        self._prepare_once()
        document = {"agency": beat.agency, "sensor": beat.sensor, "body": _plain(beat)}
        with _errors():
            self._client.index(
                index=mapping.HEARTBEAT_INDEX, id=f"{beat.agency}/{beat.sensor}", document=document, refresh=False
            )

    def heartbeats(self) -> list[Heartbeat]:
        """As `Store.heartbeats` says."""
        return [msgspec.convert(body, Heartbeat) for body in self._all(mapping.HEARTBEAT_INDEX)]

    def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """As `Store.dead_letters` says."""
        self._prepare_once()
        hits = self._hits(index=mapping.DEAD_INDEX, query={"match_all": {}}, sort=[{"at": "desc"}], size=limit)
        return [msgspec.convert(hit["_source"]["body"], DeadLetter) for hit in hits]

    def health(self) -> None:
        """Asks the cluster, and whether the alerts' index is blocked."""
        with _errors():
            status = self._client.cluster.health(timeout="3s", master_timeout="3s")["status"]
        if status == "red":
            raise StoreUnavailableError("BAVN-E230", "the cluster's status is red")
        self._prepare_once()
        with _errors():
            settings = self._client.indices.get_settings(index=mapping.ALIAS, name="index.blocks.*")
        blocked = [name for name, found in settings.items() if found["settings"]]
        if blocked:
            raise StoreUnavailableError("BAVN-E231", f"writes are blocked on {', '.join(sorted(blocked)[:3])}")

    def settle(self) -> None:
        """As `Store.settle` says."""
        self._prepare_once()
        with _errors():
            self._client.indices.refresh(index=[mapping.ALIAS, *mapping.SIDE_INDICES])

    def close(self) -> None:
        """As `Store.close` says."""
        self._client.close()

    def _prepare_once(self) -> None:
        if not self._ready:
            self.prepare()

    def _create(self, name: str, settings: Json) -> None:
        try:
            self._client.indices.create(index=name, **settings)
        except ApiError as error:
            if error.error != "resource_already_exists_exception":
                raise

    def _put_alerts(self, batch: Batch) -> list[PutResult]:
        owners = self._elsewhere(batch.alerts)
        made = {number: _made(batch, new) for number, new in enumerate(batch.alerts) if new.id not in owners}
        actions = {number: action for number, action in made.items() if isinstance(action, Action)}
        outcomes = {number: outcome for number, outcome in made.items() if isinstance(outcome, Outcome)}
        outcomes |= zip(actions, bulk(self._client, list(actions.values())), strict=True)
        twins = [action for number, action in actions.items() if outcomes[number].status == "duplicate"]
        owners |= self._owners([(action.index, action.id) for action in twins])
        mine = (batch.agency, batch.sensor)
        return [
            _result(new, outcomes.get(number), is_own=owners.get(new.id, mine) == mine)
            for number, new in enumerate(batch.alerts)
        ]

    def _elsewhere(self, new: tuple[NewAlert, ...]) -> dict[str, tuple[str, str]]:
        """Owners of alerts that are stored already, under whatever day.

        A sensor that analysed the same packets again on another day gives the same identifier with
        another `event.created`; the daily index alone would not notice.
        """
        if not new:
            return {}
        hits = self._client.search(
            index=mapping.ALIAS,
            query={"ids": {"values": [alert.id for alert in new]}},
            source_includes=["bavn.agency", "bavn.sensor"],
            size=len(new),
        )["hits"]["hits"]
        return {hit["_id"]: _owner(hit["_source"]) for hit in hits}

    def _owners(self, places: list[tuple[str, str]]) -> dict[str, tuple[str, str]]:
        if not places:
            return {}
        docs = [{"_index": index, "_id": id_} for index, id_ in places]
        found = self._client.mget(docs=docs, source_includes=["bavn.agency", "bavn.sensor"])["docs"]
        return {doc["_id"]: _owner(doc["_source"]) for doc in found if doc.get("found")}

    def _bury(self, dead: list[DeadLetter]) -> None:
        actions = [
            Action(
                mapping.DEAD_INDEX,
                protocol.letter_id(letter),
                {"agency": letter.agency, "sensor": letter.sensor, "at": letter.at.isoformat(), "body": _plain(letter)},
            )
            for letter in dead
        ]
        for outcome in bulk(self._client, actions):
            if outcome.status not in ("stored", "duplicate"):
                raise StoreUnavailableError(
                    outcome.code or "BAVN-E230", f"a dead letter cannot be kept: {outcome.reason}"
                )

    def _mark_seen(self, batch: Batch, results: list[PutResult]) -> None:
        seen = [result.seq for result in results if result.status != "later" and result.seq is not None]
        seen += [dead.seq for dead in batch.dead if dead.seq is not None]
        seen += batch.lost
        if not seen:
            return

        def marked(body: Json | None) -> Json:
            before = [(first, last) for first, last in body["ranges"]] if body else []
            ranges, hidden = protocol.cap_ranges(protocol.add_ranges(before, seen))
            forgotten = (body["forgotten"] if body else 0) + hidden
            declared = (body.get("declared", 0) if body else 0) + protocol.count_new(before, batch.lost)
            names = {"agency": batch.agency, "sensor": batch.sensor, "updated": batch.received.isoformat()}
            return {**names, "ranges": ranges, "forgotten": forgotten, "declared": declared}

        key = f"{batch.agency}/{batch.sensor}"
        self._sequences.update(key, marked, lambda body: {"agency": body["agency"], "sensor": body["sensor"]})

    def _matching(self, query: AlertQuery) -> Iterator[Json]:
        """Hits page by page; the state is looked up beside, for each page."""
        after: list[Any] | None = None
        rows = PAGE_ROWS if query.limit is None or query.states else max(1, min(PAGE_ROWS, query.limit))
        while True:
            page = self._hits(query=condition(query), sort=order(query), size=rows, search_after=after)
            states = self.states(hit["_id"] for hit in page) if query.states else {}
            for hit in page:
                if not query.states or states.get(hit["_id"], AlertState()).state in query.states:
                    yield hit
            if len(page) < rows:
                return
            after = page[-1]["sort"]

    def _hits(self, *, index: str = mapping.ALIAS, **request: Any) -> list[Json]:  # noqa: ANN401 - as the client takes it
        with _errors():
            answer = self._client.search(
                index=index, source_excludes=["store"], allow_partial_search_results=False, **request
            )
        return list(answer["hits"]["hits"])

    def _all(self, index: str) -> list[Json]:
        """Bodies of an index with one document per sensor, by agency and sensor."""
        self._prepare_once()
        bodies: list[Json] = []
        after: list[Any] | None = None
        while True:
            page = self._hits(
                index=index,
                query={"match_all": {}},
                sort=[{"agency": "asc"}, {"sensor": "asc"}],
                size=PAGE_ROWS,
                search_after=after,
            )
            bodies += [hit["_source"]["body"] for hit in page]
            if len(page) < PAGE_ROWS:
                return bodies
            after = page[-1]["sort"]


def _made(batch: Batch, new: NewAlert) -> Action | Outcome:
    """What to do for an alert; one that nothing can be made of is refused alone."""
    try:
        return _action(batch, new)
    except Exception as error:  # noqa: BLE001 - one alert must not stop the others, whatever is in it
        return Outcome("refused", "BAVN-E228", protocol.unusable(error))


def _action(batch: Batch, new: NewAlert) -> Action:
    index = mapping.index_of(new.alert["event"]["created"], batch.received)
    beside = {"text": alerts.search_text(new.alert), "rest": alerts.unknown_leaves(new.alert)}
    # `event.ingested` comes first of all, where the bulk can find it and set it when it sends.
    document = {"event": {"ingested": UNSENT, **new.alert["event"]}, "store": beside}
    document |= {name: value for name, value in new.alert.items() if name not in document}
    return Action(index, new.id, document)


def _alert(source: Json) -> Json:
    """The alert as it was sent: without what the store added."""
    event = {name: value for name, value in source["event"].items() if name != "ingested"}
    return {**{name: value for name, value in source.items() if name != "store"}, "event": event}


def _result(new: NewAlert, outcome: Outcome | None, *, is_own: bool) -> PutResult:
    if not is_own:
        return PutResult(new.seq, new.id, "refused", "BAVN-E224", STRANGER)
    if outcome is None:
        return PutResult(new.seq, new.id, "duplicate")
    return PutResult(new.seq, new.id, outcome.status, outcome.code, outcome.reason)


def _refused_here(batch: Batch, results: list[PutResult]) -> list[DeadLetter]:
    return [
        protocol.dead_letter(batch, new, result.code or "BAVN-E226", result.reason or "")
        for new, result in zip(batch.alerts, results, strict=True)
        if result.status == "refused"
    ]


def _owner(source: Json) -> tuple[str, str]:
    return source["bavn"]["agency"], source["bavn"]["sensor"]


def _sequence(body: Json) -> SequenceState:
    ranges = [(first, last) for first, last in body["ranges"]]
    updated = datetime.fromisoformat(body["updated"])
    return protocol.sequence_state(
        body["agency"], body["sensor"], ranges, body["forgotten"], body.get("declared", 0), updated=updated
    )


def _plain(value: msgspec.Struct) -> Json:
    """As JSON has it: times as text, bytes as base64."""
    plain: Json = msgspec.to_builtins(value)
    return plain


def _cursor(text: str) -> list[Any]:
    try:
        return list(msgspec.json.decode(text, type=tuple[int, str]))
    except msgspec.DecodeError:
        raise BavnError("BAVN-E241", f"{text[:64]!r} is no place in the list of alerts") from None


@contextmanager
def _errors() -> Iterator[None]:
    """Turns the client's errors into ours."""
    try:
        yield
    except (AuthenticationException, AuthorizationException) as error:
        if error.error == "cluster_block_exception":
            raise StoreUnavailableError("BAVN-E231", "Elasticsearch blocks writes", retry_after=30) from error
        raise StoreUnavailableError("BAVN-E240", f"Elasticsearch refused the key: {error.error}") from error
    except ApiError as error:
        if error.status_code in (429, 503):
            raise StoreUnavailableError("BAVN-E233", f"Elasticsearch asked to wait: {error.error}") from error
        raise StoreUnavailableError(
            "BAVN-E230", f"Elasticsearch answered {error.status_code}: {error.error}"
        ) from error
    except TransportError as error:
        raise StoreUnavailableError("BAVN-E230", f"Elasticsearch is not reachable: {type(error).__name__}") from error

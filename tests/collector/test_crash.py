"""kill -9 in mid-load, of the collector and of Elasticsearch: nothing acknowledged is missing, nothing is twice.

The oracle: every acknowledged alert is there; none that was never issued; each as it was sent; delivery goes on
after the fault; and the fault really happened.
"""

from __future__ import annotations

import random
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from collector.store import AlertQuery
from collector.store.sqlite import SqliteStore

from .site import Process, Sensor, Site

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from collector.store import Store

    from .conftest import Cluster

PER_BATCH = 20
GIVE_UP = 150


class Load:
    """A sensor that keeps what was not acknowledged and sends it again, as the outbox does."""

    def __init__(self, sensor: Sensor, batches: int) -> None:
        self.sensor = sensor
        self.issued = {
            record["alert"]["event"]["id"]: record
            for record in (sensor.record(seq) for seq in range(1, batches * PER_BATCH + 1))
        }
        self.acknowledged: set[str] = set()
        self.failures = 0
        self.refused: list[dict[str, Any]] = []
        self.last_failure = ""

    def run(self) -> None:
        waiting = list(self.issued.values())
        deadline = time.monotonic() + GIVE_UP
        while waiting and time.monotonic() < deadline:
            answers = self.send(waiting[:PER_BATCH])
            done = {answer["id"] for answer in answers if answer["status"] in ("stored", "duplicate")}
            self.acknowledged |= done
            self.refused += [answer for answer in answers if answer["status"] == "refused"]
            waiting = [record for record in waiting if record["alert"]["event"]["id"] not in done]

    def send(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        try:
            answer = self.sensor.post(self.sensor.body(records))
        except httpx2.TransportError:
            answer = None
        if answer is None or answer.status_code in (429, 503):
            self.failures += 1
            self.last_failure = "no connection" if answer is None else answer.text
            time.sleep(0.2)
            return []
        assert answer.status_code == 200, answer.text
        answers: list[dict[str, Any]] = answer.json()["records"]
        return answers

    def wait_for(self, share: float) -> None:
        deadline = time.monotonic() + GIVE_UP
        while len(self.acknowledged) < share * len(self.issued) and time.monotonic() < deadline:
            time.sleep(0.01)

    def check(self, store: Store) -> None:
        store.settle()
        kept = list(store.search(AlertQuery(limit=None)))
        by_id = {document["event"]["id"]: document for document in kept}
        assert self.acknowledged == set(self.issued), f"delivery went on to the end: {self.last_failure}"
        assert self.acknowledged <= set(by_id), "no acknowledged alert is missing"
        assert set(by_id) <= set(self.issued), "no alert that was never issued"
        assert len(kept) == len(by_id), "no alert is there twice"
        assert all(by_id[id_] == self.issued[id_]["alert"] for id_ in by_id), "each as it was sent"
        assert not self.refused
        state = store.sequence(self.sensor.agency, self.sensor.name)
        assert state is not None
        assert (state.next, state.gaps) == (len(self.issued), [])


def run_with(load: Load, fault: Callable[[], None]) -> None:
    """Runs the load, and the fault in its midst."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(load.run)
        load.wait_for(0.05)
        before = len(load.acknowledged)
        fault()
        assert 0 < before < 0.9 * len(load.issued), "the fault struck in mid-load"
        running.result()


def test_collector_killed_in_mid_load(tmp_path: Path) -> None:
    site = Site(tmp_path)
    sensor = site.sensor()
    config = site.write_config("sqlite:alerts.sqlite")
    process = Process(config)
    sensor.url = process.url
    load = Load(sensor, 120)

    def kill_twice() -> None:
        nonlocal process
        for share in (0.25, 0.5):
            load.wait_for(share)
            process.kill()
            process = Process(config)
            sensor.url = process.url

    try:
        run_with(load, kill_twice)
    finally:
        process.kill()
    assert load.failures
    store = SqliteStore(tmp_path / "alerts.sqlite")
    load.check(store)
    store.close()


def limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))


def test_collector_whose_disk_fills_up(tmp_path: Path) -> None:
    site = Site(tmp_path)
    sensor = site.sensor()
    config = site.write_config("sqlite:alerts.sqlite")
    process = Process(config, before=limit_files)
    sensor.url = process.url
    load = Load(sensor, 60)

    def make_room() -> None:
        nonlocal process
        while not load.failures:
            time.sleep(0.01)
        health = sensor.http().get(f"{sensor.url}/v1/health")
        assert health.status_code in (200, 503)
        assert process.process.poll() is None
        process.stop()
        process = Process(config)
        sensor.url = process.url

    try:
        run_with(load, make_room)
    finally:
        process.kill()
    store = SqliteStore(tmp_path / "alerts.sqlite")
    load.check(store)
    store.close()


@pytest.mark.real
def test_elasticsearch_killed_in_mid_load(cluster: Cluster, tmp_path: Path) -> None:
    site = Site(tmp_path)
    sensor = site.sensor()
    process = Process(elastic_config(site, cluster))
    sensor.url = process.url
    load = Load(sensor, 80)

    def kill_and_start() -> None:
        cluster.kill()
        while not load.failures:
            time.sleep(0.01)
        assert sensor.http().get(f"{sensor.url}/v1/health").status_code == 503
        cluster.again()

    try:
        run_with(load, kill_and_start)
        assert process.stop() == 0
    finally:
        process.kill()
    store = cluster.store()
    load.check(store)
    store.close()


def elastic_config(site: Site, cluster: Cluster) -> Path:
    (site.home / "api_key").write_text(cluster.api_key)
    return site.write_config(f"elastic:{cluster.url}", elastic={"ca": cluster.ca, "api_key_file": "api_key"})


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("elastic", marks=pytest.mark.real)])
def test_each_batch_three_times_out_of_order_through_two_collectors(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    site = Site(tmp_path)
    sensor = site.sensor()
    if kind == "sqlite":
        config = site.write_config("sqlite:alerts.sqlite")
    else:
        cluster: Cluster = request.getfixturevalue("cluster")
        config = elastic_config(site, cluster)
    processes = [Process(config), Process(config)]
    records = [sensor.record(seq) for seq in range(1, 201)]
    sends = [records[start : start + 10] for start in range(0, 200, 10)] * 3
    random.Random(11).shuffle(sends)  # noqa: S311
    urls = [processes[number % 2].url for number in range(len(sends))]
    try:
        with ThreadPoolExecutor(3) as pool:
            answers = [
                answer
                for part in pool.map(lambda job: patient(sensor, *job), zip(sends, urls, strict=True))
                for answer in part
            ]
    finally:
        for process in processes:
            process.kill()
    statuses = [answer["status"] for answer in answers]
    assert (statuses.count("stored"), statuses.count("duplicate")) == (200, 400)
    store: Store = SqliteStore(tmp_path / "alerts.sqlite") if kind == "sqlite" else cluster.store()
    store.settle()
    kept = [document["event"]["id"] for document in store.search(AlertQuery(limit=None))]
    assert sorted(kept) == sorted(record["alert"]["event"]["id"] for record in records)
    store.close()


def patient(sensor: Sensor, records: list[dict[str, Any]], url: str) -> list[dict[str, Any]]:
    """Sends again while the collector asks to wait."""
    while True:
        answer = sensor.post(sensor.body(records), url=url)
        if answer.status_code == 200:
            answers: list[dict[str, Any]] = answer.json()["records"]
            return answers
        assert answer.status_code in (429, 503), answer.text
        time.sleep(0.2)

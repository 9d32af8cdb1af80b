"""The HTTP border on a real server process over loopback: who gets in, what is taken, what is answered."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import time
import zlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from collector.pki import Authority
from collector.store import AlertQuery
from collector.store.sqlite import SqliteStore

from .site import Process, Sensor, Site, now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAD_SECONDS = 2


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = Site(tmp_path_factory.mktemp("site"))
    made.settings = {"limits": {"header_seconds": HEAD_SECONDS, "body_seconds": HEAD_SECONDS}}
    return made


@pytest.fixture(scope="module")
def running(site: Site) -> Iterator[Process]:
    process = Process(site.write_config("sqlite:alerts.sqlite"))
    yield process
    assert process.stop() == 0


@pytest.fixture
def sensor(site: Site, running: Process, request: pytest.FixtureRequest) -> Sensor:
    """A sensor of its own for each test."""
    name = request.node.name.translate(str.maketrans("[]: ", "----"))[:60]
    made = site.sensor("odense", name)
    made.url = running.url
    return made


def stored(site: Site, sensor: Sensor) -> list[dict[str, Any]]:
    store = SqliteStore(site.home / "alerts.sqlite")
    try:
        return list(store.search(AlertQuery(sensors=(sensor.name,), limit=None)))
    finally:
        store.close()


def unique(sensor: Sensor, seq: int) -> dict[str, Any]:
    """A record whose identifier no other test uses."""
    return {"seq": seq, "alert": sensor.alert(zlib.crc32(f"{sensor.name}/{seq}".encode()))}


def test_a_batch_is_stored_and_answered_record_by_record(site: Site, sensor: Sensor) -> None:
    records = [unique(sensor, 1), unique(sensor, 2)]
    answer = sensor.post(sensor.body(records))
    assert answer.status_code == 200
    ids = [record["alert"]["event"]["id"] for record in records]
    assert answer.json() == {
        "records": [{"seq": 1, "id": ids[0], "status": "stored"}, {"seq": 2, "id": ids[1], "status": "stored"}],
        "next": 2,
    }
    again = sensor.post(sensor.body(records[::-1]), zipped=True).json()
    assert [record["status"] for record in again["records"]] == ["duplicate", "duplicate"]
    assert [record["seq"] for record in again["records"]] == [2, 1]
    assert sorted(stored(site, sensor), key=str) == sorted((record["alert"] for record in records), key=str)


def test_a_poison_record_stops_nothing(site: Site, sensor: Sensor) -> None:
    wrong_type = unique(sensor, 2)
    wrong_type["alert"]["source"]["port"] = "eighty"
    other_agency = unique(sensor, 3)
    other_agency["alert"]["bavn"]["agency"] = "aarhus"
    unknown = unique(sensor, 4)
    unknown["alert"]["event"]["novel"] = True
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    nested = unique(sensor, 5)
    nested["alert"]["dns"] = {"x": deep}
    huge = unique(sensor, 6)
    huge["alert"]["message"] = "x" * (1 << 20)
    records = [
        unique(sensor, 1),
        wrong_type,
        other_agency,
        unknown,
        nested,
        huge,
        "nonsense",
        {"seq": 8},
        unique(sensor, 9),
    ]
    answers = sensor.send(*records)
    assert [answer["status"] for answer in answers] == ["stored", *["refused"] * 7, "stored"]
    codes = ["221", "223", "222", "221", "225", "220", "220"]
    assert [answer.get("code") for answer in answers] == [None, *(f"BAVN-E{code}" for code in codes), None]
    assert [answer["seq"] for answer in answers] == [1, 2, 3, 4, 5, 6, None, 8, 9]
    assert len(stored(site, sensor)) == 2
    store = SqliteStore(site.home / "alerts.sqlite")
    letters = [letter for letter in store.dead_letters() if letter.sensor == sensor.name]
    state = store.sequence("odense", sensor.name)
    store.close()
    assert sorted(letter.code[-3:] for letter in letters) == sorted(codes)
    assert state is not None
    # The nonsense had no number, so 7 is a proven gap.
    assert (state.next, [(gap.first, gap.last) for gap in state.gaps]) == (6, [(7, 7)])


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"format": "other"}, 400, "BAVN-E207"),
        ({"version": 2}, 400, "BAVN-E207"),
        ({"records": []}, 400, "BAVN-E207"),
        ({"first": 0}, 400, "BAVN-E207"),
        ({"novel": 1}, 400, "BAVN-E207"),
        ({"records": [1] * 5001}, 400, "BAVN-E207"),
        ({"sensor": "other"}, 403, "BAVN-E212"),
    ],
)
def test_malformed_batches(sensor: Sensor, changes: dict[str, Any], status: int, code: str) -> None:
    answer = sensor.post(sensor.body([unique(sensor, 1)], **changes))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["hint"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"format":"bavn-batch"'],
    ids=["empty", "open", "list", "bytes", "deep", "cut"],
)
def test_bodies_that_are_no_batches(sensor: Sensor, body: bytes) -> None:
    answer = sensor.post(body)
    assert (answer.status_code, answer.json()["code"]) == (400, "BAVN-E207")


def test_signatures(site: Site, sensor: Sensor) -> None:
    body = sensor.body([unique(sensor, 1)])
    stranger = site.sensor("odense", "stranger")
    good = sensor.signature(body)
    for signature, code in (
        ("", "BAVN-E205"),
        ("ed25519 x y", "BAVN-E205"),
        (good.replace("ed25519", "rsa"), "BAVN-E205"),
        (stranger.signature(body), "BAVN-E206"),
        (sensor.signature(body + b" "), "BAVN-E206"),
        (good.replace(sensor.files.key_id, "0" * 16), "BAVN-E206"),
    ):
        answer = sensor.post(body, Bavn_Signature=signature)
        assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert stored(site, sensor) == []


def test_bodies_of_more_than_eight_mebibytes(sensor: Sensor) -> None:
    limit = 8 * 1024 * 1024
    body = b" " * (limit + 1)
    for answer in (
        refused(sensor, body, {}),
        refused(sensor, gzip.compress(body), {"Content-Encoding": "gzip"}),
        refused(sensor, gzip.compress(b"\0" * (1 << 26), 9), {"Content-Encoding": "gzip"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (413, "BAVN-E208")


def refused(sensor: Sensor, body: bytes, headers: dict[str, str]) -> httpx2.Response:
    with httpx2.Client(verify=sensor.context(), timeout=20, trust_env=False) as client:
        return client.post(f"{sensor.url}/v1/batches", content=body, headers=headers)


@pytest.mark.parametrize(
    "body", [b"not gzip", gzip.compress(b"{}")[:-4], gzip.compress(b"{}") * 2], ids=["no", "cut", "two"]
)
def test_broken_gzip(sensor: Sensor, body: bytes) -> None:
    answer = refused(sensor, body, {"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (415, "BAVN-E210")
    answer = refused(sensor, b"{}", {"Content-Encoding": "br"})
    assert (answer.status_code, answer.json()["code"]) == (415, "BAVN-E210")


def test_no_certificate_no_connection(site: Site, running: Process) -> None:
    context = ssl.create_default_context(cafile=str(site.authority.certificate_path))
    with pytest.raises(httpx2.TransportError), httpx2.Client(verify=context, trust_env=False) as client:
        client.get(f"{running.url}/v1/health")


def test_certificate_of_another_authority(site: Site, running: Process, tmp_path: Path) -> None:
    other = Authority.create(tmp_path, "another authority", now())
    sensor = site.sensor("odense", "odense-9", authority=other)
    with pytest.raises(httpx2.TransportError):
        sensor.http().get(f"{running.url}/v1/health")


def test_certificate_that_has_expired(site: Site, running: Process) -> None:
    sensor = site.sensor("odense", "old", life=timedelta(seconds=-60))
    with pytest.raises(httpx2.TransportError):
        sensor.http().get(f"{running.url}/v1/health")


def test_certificate_that_expires_on_an_open_connection(site: Site, running: Process) -> None:
    sensor = site.sensor("odense", "short", life=timedelta(seconds=3))
    sensor.url = running.url
    assert sensor.http().get(f"{running.url}/v1/health").status_code == 200
    time.sleep(3.5)
    answer = sensor.http().get(f"{running.url}/v1/health")
    assert (answer.status_code, answer.json()["code"]) == (403, "BAVN-E204")


def test_a_server_certificate_is_no_sensor(site: Site, running: Process) -> None:
    context = ssl.create_default_context(cafile=str(site.authority.certificate_path))
    context.load_cert_chain(site.home / "server/server.crt", site.home / "server/server.key")
    with pytest.raises(httpx2.TransportError), httpx2.Client(verify=context, trust_env=False) as client:
        client.get(f"{running.url}/v1/health")


def test_sensor_that_is_not_registered_or_revoked(site: Site, running: Process) -> None:
    sensor = site.sensor("odense", "unknown", registered=False)
    sensor.url = running.url
    body = sensor.body([sensor.record(1)])
    assert sensor.post(body).json()["code"] == "BAVN-E202"
    site.registry.register("odense", "unknown", sensor.files.public_key)
    assert sensor.post(body).status_code == 200
    site.registry.revoke("odense", "unknown")
    answer = sensor.post(body)
    assert (answer.status_code, answer.json()["code"]) == (403, "BAVN-E203")


def test_another_agencys_certificate_cannot_speak_for_this_one(site: Site, running: Process) -> None:
    victim, thief = site.sensor("odense", "victim"), site.sensor("aarhus", "thief")
    thief.url = running.url
    body = victim.body([victim.record(900)])
    answer = thief.post(body, Bavn_Signature=victim.signature(body))
    assert (answer.status_code, answer.json()["code"]) == (401, "BAVN-E206")
    answer = thief.post(body)
    assert (answer.status_code, answer.json()["code"]) == (403, "BAVN-E212")
    answers = thief.send({"seq": 1, "alert": victim.alert(900)})
    assert [answer["code"] for answer in answers] == ["BAVN-E223"]
    assert stored(site, victim) == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_versions(sensor: Sensor, version: ssl.TLSVersion) -> None:
    context = sensor.context()
    context.minimum_version = context.maximum_version = version
    with httpx2.Client(verify=context, trust_env=False) as client:
        assert client.get(f"{sensor.url}/v1/health").status_code == 200


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_is_refused(sensor: Sensor) -> None:
    context = sensor.context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(httpx2.TransportError), httpx2.Client(verify=context, trust_env=False) as client:
        client.get(f"{sensor.url}/v1/health")


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"GET /v1/health HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/he",
    ],
    ids=["silent", "slow head", "slow second head"],
)
def test_a_slow_head_is_cut_off(sensor: Sensor, running: Process, start: bytes) -> None:
    with connect(sensor, running) as line:
        line.sendall(start)
        begun = time.monotonic()
        line.settimeout(HEAD_SECONDS * 4)
        while trickle(line):
            assert time.monotonic() - begun < HEAD_SECONDS * 4
        assert time.monotonic() - begun >= HEAD_SECONDS * 0.9


def trickle(line: ssl.SSLSocket) -> bool:
    """Sends one more byte of a head that never ends; False once the server has hung up."""
    try:
        line.settimeout(0.3)
        if line.recv(65536) == b"":
            return False
    except TimeoutError:
        pass
    except OSError:
        return False
    try:
        line.sendall(b"a")
    except OSError:
        return False
    return True


def test_a_slow_body_is_cut_off(sensor: Sensor, running: Process) -> None:
    with connect(sensor, running) as line:
        line.sendall(b"POST /v1/batches HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        line.settimeout(HEAD_SECONDS * 4)
        answer = b""
        while chunk := line.recv(65536):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"BAVN-E209" in answer


def connect(sensor: Sensor, running: Process) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", running.port))
    return sensor.context().wrap_socket(plain, server_hostname="localhost")


def test_heartbeats(site: Site, sensor: Sensor) -> None:
    beat = {
        "format": "bavn-heartbeat",
        "version": 1,
        "time": "2026-11-22T09:14:00Z",
        "counters": {"seen": 10, "drop.kernel": 1},
        "outbox": {"unsent": 3, "oldest": "2026-11-22T09:13:00Z"},
        "clock_offset": 0.2,
        "rules": {"digest": "0" * 64, "count": 20},
    }
    sensor.send(unique(sensor, 1))
    answer = sensor.post(json.dumps(beat).encode(), path="/v1/heartbeats")
    assert answer.status_code == 200
    assert answer.json()["next"] == 1
    assert answer.json()["minlog"]["size"] == 0
    store = SqliteStore(site.home / "alerts.sqlite")
    kept = [kept for kept in store.heartbeats() if kept.sensor == sensor.name]
    store.close()
    assert kept[0].body["counters"] == beat["counters"]
    for wrong in ({"counters": {"seen": "x"}}, {"outbox": {}}, {"novel": 1}, {"outbox": {"unsent": -1}}):
        answer = sensor.post(json.dumps(beat | wrong).encode(), path="/v1/heartbeats")
        assert (answer.status_code, answer.json()["code"]) == (400, "BAVN-E207")


def test_pages_that_are_not_there(sensor: Sensor) -> None:
    assert sensor.http().get(f"{sensor.url}/").json()["code"] == "BAVN-E214"
    assert sensor.http().get(f"{sensor.url}/v1/batches").status_code == 405


def test_quota_of_one_agency_leaves_the_others_alone(tmp_path: Path) -> None:
    site = Site(tmp_path)
    config = site.write_config("sqlite:alerts.sqlite", quotas={"alerts_per_second": 1, "burst_seconds": 2})
    process = Process(config)
    try:
        loud, quiet = site.sensor("odense", "loud"), site.sensor("aarhus", "quiet")
        loud.url = quiet.url = process.url
        loud.send(*(loud.record(seq) for seq in range(1, 6)))
        answer = loud.post(loud.body([loud.record(6)]))
        assert (answer.status_code, answer.json()["code"]) == (429, "BAVN-E211")
        wait = int(answer.headers["retry-after"])
        assert 1 <= wait <= 4
        assert quiet.send({"seq": 1, "alert": quiet.alert(77)})[0]["status"] == "stored"
        time.sleep(wait)
        assert loud.send(loud.record(6))[0]["status"] == "stored"
    finally:
        assert process.stop() == 0


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("source.ip", ["10.0.0.1"]),
        ("network.community_id", ["a"]),
        ("bavn.level", ["high"]),
        ("threat.technique.id", [["T1"]]),
        ("network.weird", [["x"]]),
    ],
    ids=["address", "keyword", "choice", "nested", "unknown"],
)
def test_a_list_in_the_wrong_place_is_refused_alone(sensor: Sensor, path: str, value: Any) -> None:
    poison = unique(sensor, 2)
    node: Any = poison["alert"]
    *parents, name = path.split(".")
    for parent in parents:
        node = node[parent]
    node[name] = value
    answers = sensor.send(unique(sensor, 1), poison, unique(sensor, 3))
    assert [answer["status"] for answer in answers] == ["stored", "refused", "stored"]
    assert answers[1]["code"] == "BAVN-E221"


def test_what_a_sensor_gave_up_is_taken_down_and_no_dead_letter(site: Site, sensor: Sensor) -> None:
    records = [unique(sensor, 1), {"seq": 2, "dropped": "outbox_full"}, "nonsense", unique(sensor, 3)]
    answers = sensor.send(*records)
    assert [answer["status"] for answer in answers] == ["stored", "stored", "refused", "stored"]
    assert answers[1] == {"seq": 2, "id": None, "status": "stored", "code": "BAVN-E227", "reason": "taken down as lost"}
    store = SqliteStore(site.home / "alerts.sqlite")
    state = store.sequence("odense", sensor.name)
    letters = [letter.code for letter in store.dead_letters() if letter.sensor == sensor.name]
    store.close()
    assert state is not None
    assert (state.next, state.gaps, state.declared) == (3, [], 1)
    assert letters == ["BAVN-E220"]

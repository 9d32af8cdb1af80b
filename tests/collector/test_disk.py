"""Acknowledged means on disk: failing writes and flushes at every call, power loss after each, a full disk."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from collector.errors import BavnError
from collector.store import AlertQuery, Batch, NewAlert
from collector.store.sqlite import SqliteStore

from ..lib.alerts_data import alert  # noqa: TID252
from .disk import Disk

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 22, 9, 15, tzinfo=UTC)
BATCHES = [tuple(range(start, start + 3)) for start in range(1, 13, 3)]
ISSUED = {seq: alert(seq) for batch in BATCHES for seq in batch}


def batch(seqs: tuple[int, ...], **fields: Any) -> Batch:
    news = tuple(NewAlert(ISSUED[seq]["event"]["id"], seq, ISSUED[seq] | fields) for seq in seqs)
    return Batch(agency="odense", sensor="s1", received=NOW, alerts=news)


def open_on(disk: Disk) -> SqliteStore:
    return SqliteStore("alerts.sqlite", vfs=disk.name, exclusive=True)


def run(disk: Disk) -> tuple[set[str], bool]:
    """Sends everything once; identifiers that were acknowledged, and whether a fault showed."""
    acknowledged: set[str] = set()
    try:
        store = open_on(disk)
        disk.kept.append(store)
        for seqs in BATCHES:
            results = store.put(batch(seqs))
            acknowledged |= {str(result.id) for result in results if result.status in ("stored", "duplicate")}
            if any(result.status == "later" for result in results):
                return acknowledged, True
    except BavnError as error:
        disk.kept.append(error)
        return acknowledged, True
    finally:
        disk.end_process()
    return acknowledged, False


@pytest.mark.parametrize("only_once", [False, True], ids=["stays broken", "fails once"])
def test_no_acknowledged_alert_is_lost_whichever_call_fails(*, only_once: bool) -> None:
    faults, number, faulty = 0, 0, True
    while faulty:
        number += 1
        disk = Disk()
        disk.fail_at, disk.only_once = number, only_once
        acknowledged, faulty = run(disk)
        disk.lose_power(seed=number)
        faults += faulty
        check(disk, acknowledged)
    assert faults > 20
    assert len(acknowledged) == len(ISSUED)


def check(disk: Disk, acknowledged: set[str]) -> None:
    store = open_on(disk)
    by_id = {document["event"]["id"]: document for document in ISSUED.values()}
    kept = {document["event"]["id"]: document for document in store.search(AlertQuery(limit=None))}
    assert acknowledged <= set(kept)
    assert all(by_id[id_] == document for id_, document in kept.items())
    for seqs in BATCHES:
        assert {result.status for result in store.put(batch(seqs))} <= {"stored", "duplicate"}
    assert store.count(AlertQuery()) == len(ISSUED)
    state = store.sequence("odense", "s1")
    assert state is not None
    assert (state.next, state.gaps) == (len(ISSUED), [])


def test_the_disk_model_notices_a_commit_that_is_not_flushed() -> None:
    """With `synchronous` off the same check fails, so it can fail."""
    lost = 0
    for seed in range(20):
        disk = Disk()
        store = open_on(disk)
        store._writer.pragma("synchronous", "off")
        disk.kept.append(store)
        store.put(batch(BATCHES[0]))
        disk.lose_power(seed)
        try:
            lost += open_on(disk).count(AlertQuery()) < len(BATCHES[0])
        except BavnError:
            lost += 1
        disk.end_process()
    assert lost


def test_a_failed_flush_is_no_answer_at_all() -> None:
    disk = Disk()
    store = open_on(disk)
    disk.fail_at = disk.calls + 1
    codes = set()
    for _ in range(3):
        try:
            codes |= {result.code for result in store.put(batch(BATCHES[0]))}
        except BavnError as error:
            codes.add(error.code)
    disk.end_process()
    assert codes
    assert codes <= {"BAVN-E230", "BAVN-E238"}


def test_a_full_disk_means_later_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "alerts.sqlite"
    SqliteStore(path).close()
    store = SqliteStore(path, max_pages=path.stat().st_size // 4096 + 8)
    padding = {"message": "x" * 3000}
    answers = [store.put(batch((seq,), **padding))[0] for seq in ISSUED]
    later = [answer for answer in answers if answer.status == "later"]
    assert later
    assert {answer.code for answer in later} == {"BAVN-E232"}
    assert store.count(AlertQuery()) == len(answers) - len(later)
    store.close()
    store = SqliteStore(path)
    again = [store.put(batch((seq,), **padding))[0].status for seq in ISSUED]
    assert again.count("duplicate") == len(answers) - len(later)
    assert again.count("stored") == len(later)
    assert store.count(AlertQuery()) == len(ISSUED)
    store.close()


def test_a_lock_held_by_another_process_means_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.store.sqlite.BUSY_MS", 50)
    store = SqliteStore(tmp_path / "alerts.sqlite")
    # Not the sqlite3 module: another library's locks do not count within one process.
    other = apsw.Connection(str(tmp_path / "alerts.sqlite"))
    other.execute("BEGIN IMMEDIATE")
    assert {result.code for result in store.put(batch(BATCHES[0]))} == {"BAVN-E233"}
    with pytest.raises(BavnError, match="BAVN-E233"):
        store.health()
    other.execute("ROLLBACK")
    other.close()
    assert {result.status for result in store.put(batch(BATCHES[0]))} == {"stored"}
    store.health()
    store.close()


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_store(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "alerts.sqlite"
    path.write_bytes(content)
    with pytest.raises(BavnError, match="BAVN-E239"):
        SqliteStore(path)


def test_a_store_of_a_newer_version(tmp_path: Path) -> None:
    path = tmp_path / "alerts.sqlite"
    SqliteStore(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(BavnError, match="BAVN-E237"):
        SqliteStore(path)


def test_a_directory_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BavnError, match="BAVN-E230"):
        SqliteStore(tmp_path / "nowhere" / "alerts.sqlite")

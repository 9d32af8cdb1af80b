"""The writer and the evidence store: nothing is lost while the disk is full, and a slow disk does not stop the capture."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from alerts_data import alert_bytes

from sensors.contract import Contract, Enforcer
from sensors.errors import SensorError
from sensors.evidence import EvidenceStore
from sensors.outbox import Outbox
from sensors.writer import MAX_WAITING, Writer

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Batch:
    alerts: list[bytes]
    evidence: list[bytes | None] = field(default_factory=list)
    failures: list[bytes] = field(default_factory=list)


def writer(home: Path, outbox: Outbox | None = None) -> Writer:
    return Writer(
        Enforcer(Contract()), outbox or Outbox(home / "outbox.db"), EvidenceStore(home / "evidence"), time.time_ns
    )


def limit(outbox: Outbox, pages: int) -> None:
    (now,) = next(iter(outbox._db.execute("pragma page_count")))
    outbox._db.execute(f"pragma max_page_count={now + pages}")


def test_alerts_and_evidence_are_on_disk_after_close(tmp_path: Path) -> None:
    one = writer(tmp_path)
    one.start()
    one.submit(Batch([alert_bytes(n) for n in range(50)], [b"capture %d" % (n % 7) for n in range(50)]))
    one.close()
    assert one.tally.queued == Outbox(tmp_path / "outbox.db").backlog().unsent == 50
    store = EvidenceStore(tmp_path / "evidence")
    assert store.count() == 7
    assert store.get(hashlib.sha256(b"capture 3").hexdigest()) == b"capture 3"


def test_packets_of_a_parser_that_failed_are_kept_without_an_alert(tmp_path: Path) -> None:
    one = writer(tmp_path)
    one.start()
    one.submit(Batch([], failures=[b"a case"]))
    one.close()
    assert one.tally.failures == 1
    assert EvidenceStore(tmp_path / "evidence").get(hashlib.sha256(b"a case").hexdigest()) == b"a case"


def test_full_disk_holds_alerts_in_memory_until_there_is_room(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db")
    limit(outbox, 3)
    one = writer(tmp_path, outbox)
    one.write(Batch([alert_bytes(n) for n in range(40)]))
    assert (one.tally.waiting, one.tally.queued) == (40, 0)
    limit(outbox, 10_000)
    one.write(Batch([]))
    assert (one.tally.waiting, one.tally.queued) == (0, 40)
    assert [r.seq for r in outbox.unsent()] == list(range(1, 41))


def test_beyond_the_bound_the_least_important_go_and_are_counted(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db")
    limit(outbox, 0)
    one = writer(tmp_path, outbox)
    critical = [alert_bytes(n, "critical") for n in range(10)]
    low = [alert_bytes(n, "low") for n in range(10, MAX_WAITING + 20)]
    one.write(Batch(critical + low))
    assert one.tally.waiting + one.tally.drops["outbox_unwritable"] == len(critical) + len(low)
    assert one.tally.waiting <= MAX_WAITING
    assert sum(draft.severity == 5 for draft in one._waiting) == 10


def test_evidence_has_a_cap_and_the_oldest_go(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path / "evidence", max_bytes=10_000)
    digests = [store.put([bytes([n]) * 1_000], n)[0] for n in range(30)]
    assert 8 <= store.count() <= 10
    assert store.get(digests[-1]) == bytes([29]) * 1_000
    with pytest.raises(SensorError) as error:
        store.get(digests[0])
    assert error.value.code == "BAVN-E140"


def test_altered_evidence_is_noticed(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path / "evidence")
    (digest,) = store.put([b"packets"], 1)
    store._db.execute("update capture set pcap = cast('other' as blob)")
    with pytest.raises(SensorError) as error:
        store.get(digest)
    assert "hash" in error.value.sentence


def test_evidence_that_cannot_be_written_does_not_hold_the_alert_back(tmp_path: Path) -> None:
    one = writer(tmp_path)
    (pages,) = next(iter(one._evidence._db.execute("pragma page_count")))
    one._evidence._db.execute(f"pragma max_page_count={pages}")
    one.write(Batch([alert_bytes(1)], [b"x" * 100_000]))
    assert one.tally.evidence_errors == 1
    assert one.tally.queued == 1


def test_alerts_that_wait_at_the_end_are_tried_again(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db")
    other = Outbox(tmp_path / "outbox.db")
    outbox._db.set_busy_timeout(1)
    one = writer(tmp_path, outbox)
    other._db.execute("begin immediate")
    one.start()
    one.submit(Batch([alert_bytes(n) for n in range(40)]))
    while not one.tally.retries:
        time.sleep(0.01)
    closing = threading.Thread(target=one.close)
    closing.start()
    time.sleep(0.7)
    other._db.execute("rollback")
    closing.join()
    assert (one.tally.queued, one.tally.waiting, one.tally.lost) == (40, 0, 0)


def test_what_cannot_be_written_at_the_end_is_counted(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db")
    limit(outbox, 0)
    one = Writer(Enforcer(Contract()), outbox, EvidenceStore(tmp_path / "evidence"), time.time_ns, last_try_s=0.2)
    one.start()
    one.submit(Batch([alert_bytes(n) for n in range(40)]))
    one.close()
    assert (one.tally.lost, one.tally.waiting, one.tally.queued) == (40, 0, 0)
    assert one.tally.drops == {"outbox_unwritable": 40}

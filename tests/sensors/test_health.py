"""What the heartbeat may be made of: a status that a live process wrote just now."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from sensors.health import Accounting, Health, heartbeat, is_fresh, read_status, write_status
from sensors.outbox import Backlog
from sensors.sender import Delivery

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 1_000_000_000
NOW = 1_763_802_840 * SECOND


def health(written: int = NOW) -> Health:
    return Health(
        pid=os.getpid(), started=1, written=written, sensor="s1", source="lo", accounting=Accounting(0, 0, {}, exact=True),
        counters={}, alerts=0, queued=0, waiting=0, withheld={}, unsent=7, oldest_unsent=None, dead=0, delivery={},
        rules={}, troubles={"lost": 3},
    )  # fmt: skip


def test_a_status_that_a_hanging_process_left_is_not_fresh() -> None:
    assert is_fresh(health(), NOW + 9 * SECOND)
    assert not is_fresh(health(), NOW + 11 * SECOND)
    assert not is_fresh(health(), NOW - 11 * SECOND), "nor one of a clock that was set back"


def test_a_loss_reaches_the_centre() -> None:
    assert heartbeat(health(), Backlog(0, None, 0), Delivery())["counters"]["trouble_lost"] == 3


def test_the_centre_is_told_of_rules_what_the_border_has_words_for() -> None:
    known = {"count": 26, "digest": "ab", "refused": 1, "reloads": 2, "reloads_failed": 0, "last_error": ""}
    told = heartbeat(msgspec.structs.replace(health(), rules=known), Backlog(0, None, 0), Delivery())
    assert told["rules"] == {"count": 26, "digest": "ab"}, "schema/openapi.yaml takes no other key"


def test_status_can_be_read_beside_a_damaged_outbox(tmp_path: Path) -> None:
    write_status(tmp_path, health())
    (tmp_path / "outbox.db").write_bytes(b"no database" * 1000)
    found = read_status(tmp_path)
    assert found is not None
    assert found.unsent == 7

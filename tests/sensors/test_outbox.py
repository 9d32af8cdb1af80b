"""The outbox: acknowledged means on disk, sequence without gaps, nothing lost in silence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from typing import TYPE_CHECKING

import apsw
import pytest

from sensors.errors import SensorError
from sensors.outbox import Draft, Outbox, Record, open_undamaged, set_aside

if TYPE_CHECKING:
    from pathlib import Path


def drafts(*numbers: int, severity: int = 3) -> list[Draft]:
    return [Draft(f"ID{n}", severity, b'{"n":%d}' % n) for n in numbers]


def test_order_and_once(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db")
    assert box.append(drafts(1, 2), 10) == 2
    assert box.append(drafts(2, 3), 11) == 1
    assert [(r.seq, r.id) for r in box.due(12, 10, 1 << 20)] == [(1, "ID1"), (2, "ID2"), (3, "ID3")]


def test_sequence_goes_on_without_gaps_after_everything_was_sent(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db")
    box.append(drafts(1, 2), 10)
    box.acknowledge([(r, "stored") for r in box.due(11, 10, 1 << 20)], 11)
    box.close()
    box = Outbox(tmp_path / "outbox.db")
    assert box.append(drafts(1), 12) == 0, "sent already"
    box.append(drafts(3), 12)
    assert [r.seq for r in box.due(13, 10, 1 << 20)] == [3]


def test_full_gives_up_the_least_important_and_says_so(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db", max_records=3)
    box.append([*drafts(1, severity=5), *drafts(2, severity=1), *drafts(3, severity=4), *drafts(4, severity=2)], 10)
    records = box.due(11, 10, 1 << 20)
    assert [(r.seq, r.dropped) for r in records] == [(1, None), (2, "outbox_full"), (3, None), (4, None)]
    box.append(drafts(5, 6, 7, 8, severity=5), 12)
    critical = [r.id for r in box.due(13, 20, 1 << 20) if r.alert is not None]
    assert critical == ["ID1", "ID5", "ID6", "ID7", "ID8"], "critical ones stay, whatever the bound"


def test_batch_is_bounded_by_bytes_but_never_empty(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db")
    box.append([Draft(f"B{n}", 3, b"x" * 100) for n in range(5)], 10)
    assert len(box.due(11, 10, 250)) == 2
    assert len(box.due(11, 10, 1)) == 1


def test_postponed_and_refused(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db")
    box.append(drafts(1, 2), 10)
    first, second = box.due(11, 10, 1 << 20)
    box.postpone([first], 100)
    box.refuse(second, "BAVN-E210 poison", 12)
    assert box.due(99, 10, 1 << 20) == []
    assert [r.seq for r in box.due(100, 10, 1 << 20)] == [1]
    assert [(r.id, reason) for r, reason in box.dead()] == [("ID2", "BAVN-E210 poison")]
    assert box.append(drafts(2), 13) == 0, "a dead letter does not come back"


def test_a_file_that_is_no_outbox(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(SensorError) as error:
        Outbox(path)
    assert error.value.code == "BAVN-E111"


def test_full_disk_is_an_error_that_loses_nothing(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db")
    box.append(drafts(1), 10)
    (pages,) = next(iter(box._db.execute("pragma page_count")))
    box._db.execute(f"pragma max_page_count={pages + 2}")
    with pytest.raises(SensorError) as error:
        box.append([Draft(f"L{n}", 3, b"x" * 4000) for n in range(20)], 11)
    assert error.value.code == "BAVN-E110"
    assert [r.id for r in box.due(12, 50, 1 << 20)] == ["ID1"]
    box._db.execute("pragma max_page_count=1000000")
    assert box.append([Draft(f"L{n}", 3, b"x" * 4000) for n in range(20)], 13) == 20
    assert [r.seq for r in box.due(14, 50, 1 << 20)] == list(range(1, 22))


WRITER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from sensors.outbox import Draft, Outbox
    box = Outbox(Path(sys.argv[1]))
    start = int(sys.argv[2])
    for n in range(start, start + 100_000):
        box.append([Draft(f"K{n}", 3, b"x" * 500)], n)
        print(n, flush=True)
""")


def test_kill_9_loses_nothing_that_append_returned_for(tmp_path: Path) -> None:
    path, acknowledged = tmp_path / "outbox.db", []
    for round_ in range(3):
        command = [sys.executable, "-P", "-c", WRITER, str(path), str(round_ * 1_000_000)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout
            acknowledged.extend(int(writer.stdout.readline()) for _ in range(60))
            os.kill(writer.pid, signal.SIGKILL)
            acknowledged += [int(line) for line in writer.stdout.read().split("\n")[:-1]]
    box = Outbox(path)
    records = box.unsent(1_000_000)
    assert {f"K{n}" for n in acknowledged} <= {r.id for r in records}
    assert [r.seq for r in records] == list(range(1, len(records) + 1))
    assert len(records) - len(acknowledged) <= 3, "at most the one in flight at each kill is more"


def test_a_record_put_off_before_the_clock_went_back_is_due(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db")
    box.append(drafts(1, 2), 10)
    hour = 3_600_000_000_000
    box.postpone(box.due(11, 1, 1 << 20), 2 * hour)
    assert [r.seq for r in box.due(hour, 10, 1 << 20)] == [1, 2]
    assert [r.seq for r in box.due(2 * hour - 1_000_000_000, 10, 1 << 20)] == [2], "a minute's wait is a wait"


def test_writers_beside_each_other_never_meet_a_locked_file(tmp_path: Path) -> None:
    path, failures = tmp_path / "outbox.db", []
    Outbox(path).close()

    def acknowledge() -> None:
        box = Outbox(path)
        for _ in range(150):
            try:
                box.acknowledge([(r, "stored") for r in box.due(11, 5, 1 << 20)], 11)
            except SensorError as error:
                failures.append(error)
        box.close()

    threads = [threading.Thread(target=acknowledge) for _ in range(2)]
    for thread in threads:
        thread.start()
    box = Outbox(path)
    for n in range(150):
        box.append(drafts(n), n)
    for thread in threads:
        thread.join()
    assert failures == []


def test_append_waits_for_another_writer_between_its_reading_and_its_writing(tmp_path: Path) -> None:
    box, other = Outbox(tmp_path / "outbox.db"), Outbox(tmp_path / "outbox.db")
    other.append(drafts(1), 9)

    def more():  # noqa: ANN202
        yield from drafts(2)
        other._db.set_busy_timeout(1)
        with pytest.raises(SensorError):
            other.refuse(other.unsent()[0], "while the first one writes", 10)
        yield from drafts(3)

    assert box.append(more(), 10) == 2


@pytest.mark.parametrize(
    "call",
    [
        lambda box: box.append(drafts(9), 1),
        lambda box: box.due(1, 1, 1),
        lambda box: box.acknowledge([], 1),
        lambda box: box.postpone([Record(1, "ID1", None)], 1),
        lambda box: box.backlog(),
        lambda box: box.unsent(),
        lambda box: box.sent(),
        lambda box: box.dead(),
    ],
)
def test_every_failure_of_the_file_is_an_error_with_a_code(tmp_path: Path, call) -> None:  # noqa: ANN001
    box = Outbox(tmp_path / "outbox.db")
    with apsw.Connection(str(tmp_path / "outbox.db")) as other:
        for table in ("record", "counter", "sent", "dead"):
            other.execute(f"drop table {table}")
    with pytest.raises(SensorError) as error:
        call(box)
    assert error.value.code == "BAVN-E110"


@pytest.mark.parametrize("damage", ["head", "middle"])
def test_a_damaged_outbox_is_set_aside_and_a_fresh_one_begun(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "outbox.db"
    box = Outbox(path)
    box.append([Draft(f"L{n}", 3, b"x" * 4000) for n in range(20)], 11)
    box.close()
    data = bytearray(path.read_bytes())
    start = 0 if damage == "head" else 4096
    data[start : start + 8000] = b"\xa5" * 8000
    path.write_bytes(data)
    box, aside = open_undamaged(path, 1_700_000_000_000_000_000)
    assert aside == tmp_path / "outbox.db.damaged-1700000000"
    assert set_aside(path) == [aside]
    assert aside.read_bytes() == data
    assert box.append(drafts(1), 12) == 1
    box.close()
    assert open_undamaged(path, 1)[1] is None

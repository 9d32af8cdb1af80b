"""The access log: the tree of RFC 6962 by its published vectors, and tampering named."""

from __future__ import annotations

import base64
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import apsw
import pytest

from collector import merkle
from collector.accesslog import AccessLog, AccessRecord, Entry, Head
from collector.errors import BavnError

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 22, 9, 15, tzinfo=UTC)

# Test vectors of the Certificate Transparency project (merkletree tests of google/certificate-transparency).
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 1): [],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
HASHES = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int) -> None:
    assert merkle.root(HASHES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(("place", "proof"), INCLUSION.items())
def test_published_inclusion_proofs(place: tuple[int, int], proof: list[str]) -> None:
    index, size = place
    assert [step.hex() for step in merkle.inclusion(HASHES[:size], index)] == proof


@pytest.mark.parametrize(("sizes", "proof"), CONSISTENCY.items())
def test_published_consistency_proofs(sizes: tuple[int, int], proof: list[str]) -> None:
    old, size = sizes
    assert [step.hex() for step in merkle.consistency(HASHES[:size], old)] == proof


def test_proofs_hold_and_forged_ones_do_not() -> None:
    leaves = [merkle.leaf_hash(str(number).encode()) for number in range(23)]
    for size in range(1, 24):
        root = merkle.root(leaves[:size])
        for index in range(size):
            proof = merkle.inclusion(leaves[:size], index)
            assert merkle.check_inclusion(leaves[index], index, size, proof, root)
            assert not merkle.check_inclusion(leaves[(index + 1) % 23], index, size, proof, root)
            assert not merkle.check_inclusion(leaves[index], index, size, [*proof, root], root)
        for old in range(size + 1):
            old_root, proof = merkle.root(leaves[:old]), merkle.consistency(leaves[:size], old)
            assert merkle.check_consistency(old, size, old_root, root, proof)
            assert not merkle.check_consistency(old, size, leaves[0] if old != 1 else root, root, proof) or size == 1


def record(number: int, **changes: Any) -> AccessRecord:
    plain: dict[str, Any] = {
        "time": NOW + timedelta(minutes=number),
        "who": "anna",
        "role": "analyst",
        "purpose": "case C-42",
        "action": "view",
        "objects": [f"alert:{number}"],
        "agency": "odense" if number % 2 else "aarhus",
    }
    return AccessRecord(**plain | changes)


@pytest.fixture
def log(tmp_path: Path) -> AccessLog:
    made = AccessLog(tmp_path / "minlog.sqlite")
    for number in range(9):
        assert made.append(record(number)) == number
    return made


def test_records_come_back_and_hold(log: AccessLog, tmp_path: Path) -> None:
    assert list(log.records()) == [Entry(number, record(number)) for number in range(9)]
    assert [entry.number for entry in log.records(agency="odense")] == [1, 3, 5, 7]
    assert [entry.number for entry in log.records(since=NOW + timedelta(minutes=7))] == [7, 8]
    assert log.verify() == []
    log.close()
    again = AccessLog(tmp_path / "minlog.sqlite")
    assert again.append(record(9)) == 9
    assert again.verify() == []
    assert (tmp_path / "minlog.key").stat().st_mode & 0o077 == 0


def test_checkpoint_is_a_signed_note(log: AccessLog) -> None:
    head = log.head()
    lines = log.checkpoint().split("\n")
    assert lines[:4] == ["bavn minlog", "9", base64.b64encode(head.root).decode(), ""]
    assert lines[4].startswith("\N{EM DASH} bavn-minlog ")
    assert lines[5:] == [""]


def test_two_processes_write_one_log(log: AccessLog, tmp_path: Path) -> None:
    other = AccessLog(tmp_path / "minlog.sqlite")
    assert [(other if turn % 2 else log).append(record(9 + turn)) for turn in range(6)] == list(range(9, 15))
    assert log.verify() == other.verify() == []


def test_proofs_from_the_log(log: AccessLog) -> None:
    old = log.head()
    for number in range(9, 13):
        log.append(record(number))
    new = log.head()
    assert merkle.check_consistency(old.size, new.size, old.root, new.root, log.consistency(old.size))
    leaf = log._leaves()[4]
    assert merkle.check_inclusion(leaf, 4, new.size, log.inclusion(4), new.root)
    with pytest.raises(BavnError, match="BAVN-E252"):
        log.inclusion(13)


def test_a_record_without_purpose_is_refused(log: AccessLog) -> None:
    for part in ("who", "role", "purpose", "action"):
        with pytest.raises(BavnError, match="BAVN-E251"):
            log.append(record(9, **{part: " "}))
    assert log.head().size == 9


def tamper(log: AccessLog, *statements: str) -> list[tuple[str, int | None]]:
    db = apsw.Connection(str(log._path))
    for statement in statements:
        db.execute(statement)
    db.close()
    return [(finding.code, finding.number) for finding in log.verify()]


@pytest.mark.parametrize("number", range(9))
def test_an_altered_record_is_named(log: AccessLog, number: int) -> None:
    body = "cast(replace(cast(body AS TEXT), 'anna', 'bob') AS BLOB)"
    found = tamper(log, f"UPDATE records SET body = {body} WHERE number = {number}")  # noqa: S608
    assert found == [("BAVN-E255", number)]


@pytest.mark.parametrize("number", range(9))
def test_a_removed_record_is_named(log: AccessLog, number: int) -> None:
    assert tamper(log, f"DELETE FROM records WHERE number = {number}") == [("BAVN-E256", number)]  # noqa: S608
    assert ("BAVN-E256", number) in tamper(log, f"DELETE FROM leaves WHERE number = {number}")  # noqa: S608


def test_swapped_records_are_named(log: AccessLog) -> None:
    swap = ("UPDATE records SET number = -1 WHERE number = 2", "UPDATE records SET number = 2 WHERE number = 6")
    found = tamper(log, *swap, "UPDATE records SET number = 6 WHERE number = -1")
    assert found == [("BAVN-E257", 2), ("BAVN-E257", 6)]


def test_a_record_erased_without_a_trace_is_named(log: AccessLog) -> None:
    assert tamper(log, "UPDATE records SET salt = NULL, body = NULL WHERE number = 5") == [("BAVN-E256", 5)]


def test_a_forged_leaf_is_named_by_the_signed_roots(log: AccessLog) -> None:
    forged = "(SELECT leaf FROM leaves WHERE number = 3)"
    found = tamper(
        log,
        f"UPDATE leaves SET leaf = {forged} WHERE number = 4",  # noqa: S608
        "UPDATE records SET (salt, body) = (SELECT salt, body FROM records WHERE number = 3) WHERE number = 4",
    )
    assert ("BAVN-E255", 4) in found


def test_altered_checkpoints_are_named(log: AccessLog) -> None:
    assert tamper(log, "UPDATE checkpoints SET note = replace(note, '7', '8') WHERE size = 7") == [("BAVN-E258", 6)]
    assert tamper(log, "DELETE FROM checkpoints WHERE size = 4")[0] == ("BAVN-E258", 3)


def test_a_cut_tail_is_seen_by_a_witness(log: AccessLog) -> None:
    witness = log.head()
    tables = (("records", "number"), ("leaves", "number"), ("checkpoints", "size - 1"))
    assert tamper(log, *(f"DELETE FROM {table} WHERE {column} >= 7" for table, column in tables)) == []  # noqa: S608
    assert [(finding.code, finding.number) for finding in log.verify([witness])] == [("BAVN-E256", 7)]


def test_a_rewritten_past_is_seen_by_a_witness(log: AccessLog, tmp_path: Path) -> None:
    """Whoever holds the signing key can make another log, but not one that fits what others saw."""
    witness = log.head()
    forged = AccessLog(tmp_path / "forged.sqlite", key=log._key)
    for number in range(9):
        forged.append(record(number, who="nobody"))
    assert forged.verify() == []
    assert [finding.code for finding in forged.verify([witness])] == ["BAVN-E259"]
    assert log.verify([witness, Head(0, merkle.EMPTY)]) == []


def test_erasing_leaves_a_proof_and_the_tree_holds(log: AccessLog) -> None:
    assert log.erase(3, record(9, purpose="request of the person concerned")) == 9
    assert log.verify() == []
    assert [entry.record for entry in log.records()][3] is None
    with pytest.raises(BavnError, match="BAVN-E252"):
        log.erase(77, record(9))


def test_any_flipped_byte_of_a_record_is_found(log: AccessLog) -> None:
    chance = random.Random(1)  # noqa: S311
    db = apsw.Connection(str(log._path))
    for number in range(9):
        ((salt, body),) = db.execute("SELECT salt, body FROM records WHERE number = ?", (number,))
        broken = bytearray(body)
        broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
        db.execute("UPDATE records SET body = ? WHERE number = ?", (bytes(broken), number))
        assert [(finding.code, finding.number) for finding in log.verify()] == [("BAVN-E255", number)]
        db.execute("UPDATE records SET salt = ?, body = ? WHERE number = ?", (salt, body, number))
    assert log.verify() == []


def test_a_file_that_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "minlog.sqlite").write_bytes(b"nonsense" * 1000)
    with pytest.raises(BavnError, match="BAVN-E250"):
        AccessLog(tmp_path / "minlog.sqlite")


def test_a_removed_leaf_is_named_also_to_who_brings_a_witness(log: AccessLog) -> None:
    witness = log.head()
    log._db.execute("DELETE FROM leaves WHERE number = 3")
    assert [(finding.code, finding.number) for finding in log.verify([witness])] == [("BAVN-E256", 3)]

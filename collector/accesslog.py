"""The access log (MinLog): who looked at what, why and when, in a tree that shows tampering.

A record's leaf is a salted commitment, SHA-256(salt || record): erasing record and salt erases the personal
data, and the tree still holds. Each append signs a checkpoint in C2SP's tlog-checkpoint form; heads that
others keep (heartbeats carry them) witness the whole past.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import threading
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import apsw
import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from collector import merkle
from collector.errors import BavnError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ORIGIN: Final = "bavn minlog"
ERASE: Final = "erase"
SALT_BYTES: Final = 32
HASH_BYTES: Final = 32

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS records (number INTEGER PRIMARY KEY, salt BLOB, body BLOB) STRICT;
CREATE TABLE IF NOT EXISTS leaves (number INTEGER PRIMARY KEY, leaf BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS checkpoints (
    size INTEGER PRIMARY KEY, root BLOB NOT NULL, peaks BLOB NOT NULL, note TEXT NOT NULL
) STRICT;
"""


class AccessRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One look-up, export, unmasking or deletion."""

    time: datetime
    who: str
    role: str
    purpose: str
    action: str
    objects: list[str] = []
    case: str | None = None
    agency: str | None = None


class Entry(msgspec.Struct, frozen=True):
    """A record with its number; `None` where it was erased."""

    number: int
    record: AccessRecord | None


class Head(msgspec.Struct, frozen=True):
    """Size and root of the tree: what a witness keeps."""

    size: int
    root: bytes

    @property
    def root_base64(self) -> str:
        """As heartbeats and checkpoints carry it."""
        return base64.b64encode(self.root).decode()


class Finding(msgspec.Struct, frozen=True):
    """What `verify` found: a code of the catalogue, the record it is about, a sentence."""

    code: str
    number: int | None
    sentence: str


class AccessLog:
    """The log in a file of its own; many processes may append. The signing key lies beside it, or is given."""

    def __init__(self, path: str | Path, key: Ed25519PrivateKey | None = None, origin: str = ORIGIN) -> None:
        self._path = Path(path)
        self._origin = origin
        self._lock = threading.RLock()
        self._key = key or _key_beside(self._path)
        with _errors():
            self._db = apsw.Connection(str(self._path))
            self._db.set_busy_timeout(5000)
            self._db.pragma("journal_mode", "wal")
            self._db.pragma("synchronous", "full")
            self._db.execute(_SCHEMA)

    @property
    def public_key(self) -> bytes:
        """Raw Ed25519 key that the checkpoints verify under."""
        return self._key.public_key().public_bytes_raw()

    def append(self, record: AccessRecord) -> int:
        """Adds a record, on disk when it returns; its number, from 0. E251 where who or why is missing."""
        if not all((record.who.strip(), record.role.strip(), record.purpose.strip(), record.action.strip())):
            raise BavnError("BAVN-E251", "a record needs who, role, purpose and action")
        with self._transaction():
            return self._append(record)

    def erase(self, number: int, by: AccessRecord) -> int:
        """Erases a record's content and salt; `by` says who and why and stays in the log as the proof."""
        with self._transaction():
            if not self._db.execute("SELECT 1 FROM records WHERE number = ?", (number,)).fetchone():
                raise BavnError("BAVN-E252", f"the access log has no record {number}")
            self._db.execute("UPDATE records SET salt = NULL, body = NULL WHERE number = ?", (number,))
            return self._append(msgspec.structs.replace(by, action=ERASE, objects=[_name(number)]))

    def records(self, since: datetime | None = None, agency: str | None = None) -> Iterator[Entry]:
        """Records in their order; those that were erased are given without content."""
        with self._use():
            rows = list(self._db.execute("SELECT number, body FROM records ORDER BY number"))
        for number, body in rows:
            record = _decode(body)
            if record is None:
                if since is None and agency is None:
                    yield Entry(number, None)
            elif (since is None or record.time >= since) and agency in (None, record.agency):
                yield Entry(number, record)

    def head(self) -> Head:
        """Newest size and root."""
        with self._use():
            row = self._newest()
        return Head(row[0], row[1]) if row else Head(0, merkle.EMPTY)

    def checkpoint(self) -> str:
        """The newest checkpoint as a signed note; empty for an empty log."""
        with self._use():
            row = self._newest()
        return str(row[3]) if row else ""

    def inclusion(self, number: int) -> list[bytes]:
        """Proof that a record is in the tree of the newest head."""
        leaves = self._leaves()
        if not 0 <= number < len(leaves):
            raise BavnError("BAVN-E252", f"the access log has no record {number}")
        return merkle.inclusion(leaves, number)

    def consistency(self, old_size: int) -> list[bytes]:
        """Proof that an older head is the beginning of the newest."""
        return merkle.consistency(self._leaves(), old_size)

    def verify(self, witnesses: Sequence[Head] = ()) -> list[Finding]:
        """Checks every record, leaf and checkpoint, and heads that others kept; empty where all is well."""
        with self._use(), self._snapshot():
            contents = {row[0]: (row[1], row[2]) for row in self._db.execute("SELECT number, salt, body FROM records")}
            leaves = {row[0]: row[1] for row in self._db.execute("SELECT number, leaf FROM leaves")}
            checkpoints = list(self._db.execute("SELECT size, root, note FROM checkpoints ORDER BY size"))
        return Verification(self._origin, self.public_key, contents, leaves, checkpoints).findings(witnesses)

    def close(self) -> None:
        """Lets go of the file."""
        self._db.close()

    def _append(self, record: AccessRecord) -> int:
        row = self._newest()
        peaks = [row[2][start : start + HASH_BYTES] for start in range(0, len(row[2]), HASH_BYTES)] if row else []
        frontier = merkle.Frontier(row[0] if row else 0, peaks)
        number = frontier.size
        salt, body = secrets.token_bytes(SALT_BYTES), msgspec.json.encode(record)
        leaf = merkle.leaf_hash(commitment(salt, body))
        frontier.add(leaf)
        root = frontier.root()
        note = signed_note(self._origin, frontier.size, root, self._key)
        self._db.execute("INSERT INTO records (number, salt, body) VALUES (?, ?, ?)", (number, salt, body))
        self._db.execute("INSERT INTO leaves (number, leaf) VALUES (?, ?)", (number, leaf))
        self._db.execute(
            "INSERT INTO checkpoints (size, root, peaks, note) VALUES (?, ?, ?, ?)",
            (frontier.size, root, b"".join(frontier.peaks), note),
        )
        return number

    def _newest(self) -> tuple[int, bytes, bytes, str] | None:
        row = self._db.execute("SELECT size, root, peaks, note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
        return None if row is None else (row[0], row[1], row[2], row[3])

    def _leaves(self) -> list[bytes]:
        with self._use():
            return [leaf for (leaf,) in self._db.execute("SELECT leaf FROM leaves ORDER BY number")]

    @contextmanager
    def _use(self) -> Iterator[None]:
        """One thread at a time on the one connection."""
        with self._lock, _errors():
            yield

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._use():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if not self._db.get_autocommit():
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("ROLLBACK")


class Verification:
    """One check of a whole log. Holds what was read; each step names the record that is wrong."""

    def __init__(
        self,
        origin: str,
        public_key: bytes,
        contents: dict[int, tuple[bytes | None, bytes | None]],
        leaves: dict[int, bytes],
        checkpoints: Sequence[tuple[int, bytes, str]],
    ) -> None:
        self._origin = origin
        self._public_key = public_key
        self._contents = contents
        self._leaves = leaves
        self._checkpoints = {size: (root, note) for size, root, note in checkpoints}
        self._size = max([0, *self._checkpoints, *(number + 1 for number in (*leaves, *contents))])

    def findings(self, witnesses: Sequence[Head]) -> list[Finding]:
        """All that is wrong, in the order of the records; an altered past is named at its first record."""
        found = self._records() + self._tree()
        named = {finding.number for finding in found if finding.number is not None}
        # What is named explains every witness; and a root cannot be made where leaves are missing.
        found += [] if named else self._witnesses(witnesses)
        return sorted(found, key=lambda finding: self._size if finding.number is None else finding.number)

    def _records(self) -> list[Finding]:
        erased = self._erased()
        place = {leaf: number for number, leaf in self._leaves.items()}
        found = []
        for number in range(self._size):
            finding = self._record(number, place, erased)
            if finding:
                found.append(finding)
        return found

    def _record(self, number: int, place: dict[bytes, int], erased: set[int]) -> Finding | None:
        leaf, content = self._leaves.get(number), self._contents.get(number)
        if leaf is None or content is None:
            return Finding("BAVN-E256", number, f"record {number} was removed")
        salt, body = content
        if salt is None or body is None:
            unlawful = number not in erased
            return Finding("BAVN-E256", number, f"record {number} was erased without a trace") if unlawful else None
        committed = merkle.leaf_hash(commitment(salt, body))
        if committed == leaf:
            return None
        other = place.get(committed)
        if other is not None:
            return Finding("BAVN-E257", number, f"record {number} holds what belongs to record {other}")
        return Finding("BAVN-E255", number, f"record {number} was altered")

    def _tree(self) -> list[Finding]:
        """The first size whose signed root the leaves do not give; from there on nothing can hold."""
        frontier = merkle.Frontier()
        for size in range(1, self._size + 1):
            leaf = self._leaves.get(size - 1)
            if leaf is None:
                return []
            frontier.add(leaf)
            finding = self._checkpoint(size, frontier.root())
            if finding:
                return [finding]
        return []

    def _checkpoint(self, size: int, root: bytes) -> Finding | None:
        if size not in self._checkpoints:
            return Finding("BAVN-E258", size - 1, f"the checkpoint after record {size - 1} is missing")
        recorded, note = self._checkpoints[size]
        if not note_holds(note, self._origin, size, recorded, self._public_key):
            return Finding("BAVN-E258", size - 1, f"the signature after record {size - 1} is wrong")
        if recorded != root:
            return Finding("BAVN-E255", size - 1, f"record {size - 1} is not the one that was signed")
        return None

    def _erased(self) -> set[int]:
        """Numbers of records that a later record says were erased."""
        erased = set()
        for number, (_, body) in self._contents.items():
            record = _decode(body)
            if record is not None and record.action == ERASE:
                erased |= {target for target in map(_number, record.objects) if target is not None and target < number}
        return erased

    def _witnesses(self, witnesses: Sequence[Head]) -> list[Finding]:
        found = []
        for head in witnesses:
            if head.size > self._size:
                missing = f"a witness saw {head.size} records, here are {self._size}: the last were removed"
                found.append(Finding("BAVN-E256", self._size, missing))
            elif merkle.root([self._leaves[number] for number in range(head.size)]) != head.root:
                rewritten = f"a witness saw another past of the first {head.size} records"
                found.append(Finding("BAVN-E259", None, rewritten))
        return found


def commitment(salt: bytes, body: bytes) -> bytes:
    """What a leaf holds instead of the record."""
    return hashlib.sha256(salt + body).digest()


def signed_note(origin: str, size: int, root: bytes, key: Ed25519PrivateKey) -> str:
    """A checkpoint: origin, size, root; an empty line; a signature line (C2SP signed-note, Ed25519)."""
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    name = _signer(origin)
    identifier = _note_key_id(name, key.public_key().public_bytes_raw())
    signature = base64.b64encode(identifier + key.sign(text.encode())).decode()
    return f"{text}\n\N{EM DASH} {name} {signature}\n"


def note_holds(note: str, origin: str, size: int, root: bytes, public_key: bytes) -> bool:
    """True where the note says exactly this and is signed by that key."""
    text, _, rest = note.partition("\n\n")
    if text != f"{origin}\n{size}\n{base64.b64encode(root).decode()}":
        return False
    name = _signer(origin)
    prefix = f"\N{EM DASH} {name} "
    if not rest.startswith(prefix) or not rest.endswith("\n"):
        return False
    try:
        raw = base64.b64decode(rest[len(prefix) : -1], validate=True)
        if raw[:4] != _note_key_id(name, public_key):
            return False
        Ed25519PublicKey.from_public_bytes(public_key).verify(raw[4:], f"{text}\n".encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _signer(origin: str) -> str:
    return origin.replace(" ", "-")


def _note_key_id(name: str, public_key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n\x01" + public_key).digest()[:4]


def _key_beside(path: Path) -> Ed25519PrivateKey:
    """The raw key in `<log>.key`, made at the first use."""
    file = path.with_suffix(".key")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_key(file)
    with os.fdopen(handle, "wb") as opened:
        key = Ed25519PrivateKey.generate()
        opened.write(key.private_bytes_raw())
        opened.flush()
        os.fsync(opened.fileno())
    return key


def _read_key(file: Path) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(file.read_bytes())
    except (OSError, ValueError) as error:
        raise BavnError("BAVN-E261", f"the access log's key {file} cannot be used: {error}") from error


def _decode(body: bytes | None) -> AccessRecord | None:
    """The record, or None where it is erased or no longer one (then its commitment fails too)."""
    if body is None:
        return None
    try:
        return msgspec.json.decode(body, type=AccessRecord)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _name(number: int) -> str:
    return f"minlog:{number}"


def _number(name: str) -> int | None:
    kind, _, number = name.partition(":")
    return int(number) if kind == "minlog" and number.isdecimal() else None


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        raise BavnError("BAVN-E250", f"the access log cannot be used: {error}") from error

"""`unsafe` stands in the capture ring alone, and each crate but its own forbids it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CRATES = ("sensors/wire", "sensors/lines", "detectors/engine", "detectors/native", "fuzz")
ALLOWED = {"detectors/native/src/ring.rs"}
WORD = re.compile(r"\bunsafe\b")
COMMENT = re.compile(r"//.*")


def sources() -> list[Path]:
    return sorted(p for crate in CRATES for p in (ROOT / crate).rglob("*.rs") if "target" not in p.parts)


def test_unsafe_stands_in_the_ring_alone() -> None:
    found = {
        path.relative_to(ROOT).as_posix() for path in sources() if WORD.search(COMMENT.sub("", path.read_text("utf-8")))
    }
    assert found == ALLOWED


def test_all_below_the_binding_forbid_it() -> None:
    for crate in ("sensors/wire", "sensors/lines", "detectors/engine"):
        assert "#![forbid(unsafe_code)]" in (ROOT / crate / "src/lib.rs").read_text("utf-8"), crate

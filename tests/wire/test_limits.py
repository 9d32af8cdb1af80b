"""Every limit of the readers bites on a capture of ours once a drill lowers it, is counted by its name, and breaks nothing.

`tests/vectors/limits.toml` names a capture for each: a case of its own (`tests/cases/<protocol>-limit/`, which reaches
the limit as it is), or traffic that reaches it once it is low.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import wirecraft

from detectors import _native
from detectors.check import load_rules
from detectors.loop import PacketLoop, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
CAPTURES = tomllib.loads((ROOT / "tests/vectors/limits.toml").read_text("utf-8"))
# Limits of the captures of alerts need alerts; what they count.
OF_ALERTS = {"flow.evidence": "evidence_cut", "flow.finished": "evidence_refused", "flow.waiting": "evidence_cut"}
# What these constants bound is no limit that a reader hits: a form of the format, what a probe looks at, a part that is
# looked at by design, a bound whose user counts it, an error that is told, a size that is fixed when it is built.
MARKS = ("Format:", "Probe:", "Window:", "Shared:", "Error:", "Build:")


@pytest.fixture(scope="module")
def crafted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("limits")


def capture(name: str, folder: Path) -> Path:
    """Give a capture of pcaps/ or tests/cases/, or that of a case which crafts it."""
    if name.startswith(("pcaps/", "tests/")):
        return ROOT / name
    (folder / name).mkdir(exist_ok=True)
    made = folder / name / "crafted.pcap"
    return made if made.exists() else wirecraft.crafted(ROOT / "tests/cases" / name, folder / name)


def counters(path: Path, *low: str, plan: bytes | None = None) -> dict[str, int]:
    """Read a capture with these limits lowered."""
    loop = PacketLoop(plan, Settings(events=True, checksums=True, evidence_bytes=1 << 22, simulate=low))
    loop.open_file(str(path))
    while loop.step(0).more:
        pass
    while loop.finish(0).more:
        pass
    return loop.counters()


def test_every_limit_has_a_capture() -> None:
    assert set(CAPTURES) | set(OF_ALERTS) == {name for name, *_ in _native.limits()}


@pytest.mark.parametrize("name", CAPTURES)
def test_limit_bites_and_is_counted(name: str, crafted: Path) -> None:
    row = CAPTURES[name]
    told = counters(capture(row["capture"], crafted), name, *row.get("with", []))
    assert told[name] > 0
    assert told["frames"] == told["analysed"] + sum(n for drop, n in told.items() if drop.startswith("drop_"))
    assert told["panics"] == 0 or "panic" in row.get("with", [])
    if not name.startswith(("decode.", "flow.")):
        assert told["parser_limit"] >= told[name]


@pytest.mark.parametrize("name", OF_ALERTS)
def test_limit_of_evidence_bites_and_is_counted(name: str) -> None:
    plan = load_rules([ROOT / "rules/http"]).plan
    path = ROOT / "pcaps/web-attacks/web-attacks.pcap"
    plain, told = counters(path, plan=plan), counters(path, name, plan=plan)
    assert plain[OF_ALERTS[name]] == 0
    assert told[name] == told[OF_ALERTS[name]] > 0


def test_a_drill_ends_with_its_loop() -> None:
    path = ROOT / CAPTURES["ssh.names"]["capture"]
    low, again = counters(path, "ssh.names"), counters(path)
    assert low["ssh.names"] > 0
    assert "ssh.names" not in again


def constants() -> Iterator[tuple[str, str]]:
    """Give each `const MAX_…` of the wire with what its comment says."""
    for source in sorted((ROOT / "sensors/wire/src").rglob("*.rs")):
        if "fuzzing" in source.parts or source.name == "fuzzing.rs":
            continue
        found = re.finditer(
            r"((?:^ *///.*\n)*)^ *(?:pub(?:\([a-z: ]+\))? )?const (MAX_\w+):", source.read_text("utf-8"), re.MULTILINE
        )
        for one in found:
            yield f"{source.relative_to(ROOT)}: {one[2]}", one[1].replace("///", "").strip()


def test_each_bound_is_a_limit_or_says_why_not() -> None:
    unmarked = [name for name, comment in constants() if not comment.startswith(MARKS)]
    assert not unmarked, "not in a table of `limits!`, and not marked as what it is"

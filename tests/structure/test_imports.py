"""Imports go one way: sensors <- detectors, collector alone, cli composes all."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"sensors", "detectors", "collector", "cli"}
MAY_IMPORT = {
    "sensors": {"sensors"},
    "detectors": {"detectors", "sensors"},
    "collector": {"collector"},
    "cli": PACKAGES,
}


def imported_modules(path: Path) -> set[str]:
    """Give all modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_imports_go_one_way(package: str) -> None:
    files = [*(ROOT / package).rglob("*.py")]
    assert files
    for path in files:
        ours = {name.split(".")[0] for name in imported_modules(path)} & PACKAGES
        assert ours <= MAY_IMPORT[package], f"{path.relative_to(ROOT)} imports {ours - MAY_IMPORT[package]}"


def test_no_process_imports_scapy_and_the_elasticsearch_client() -> None:
    """Scapy is GPL-2.0-only, the client Apache-2.0: no package holds both, and the command line neither at its top."""
    users: dict[str, set[str]] = {"scapy": set(), "elasticsearch": set()}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for name in imported_modules(path):
                if name.split(".")[0] in users:
                    users[name.split(".")[0]].add(package)
    assert users["elasticsearch"] == {"collector"}
    assert "collector" not in users["scapy"]
    assert users["scapy"] <= {"sensors", "detectors", "cli"}

"""The wheel holds the four packages and nothing that is not for running; the suite runs on it."""

from __future__ import annotations

import importlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP_LEVEL = {"sensors", "detectors", "collector", "cli"}
# pySigma finds plug-ins in its own name space and nowhere else.
PLUGIN = {"sigma/backends/bavn/__init__.py", "sigma/pipelines/bavn/__init__.py"}


@pytest.fixture(scope="module")
def names() -> list[str]:
    wheels = list((ROOT / "dist").glob("bavn-*.whl"))
    assert len(wheels) == 1, "run the suite by `make test`, which builds the wheel"
    with zipfile.ZipFile(wheels[0]) as wheel:
        return wheel.namelist()


def test_top_level_names(names: list[str]) -> None:
    assert {name for name in names if name.startswith("sigma/")} == PLUGIN
    top = {name.split("/")[0] for name in names if name not in PLUGIN}
    assert {name for name in top if not name.endswith((".dist-info", ".libs"))} == TOP_LEVEL


def test_holds_no_sources_of_rust_and_no_captures(names: list[str]) -> None:
    unwanted = (".rs", "Cargo.toml", "Cargo.lock", ".pcap", ".pcapng", ".test.yml")
    assert [name for name in names if name.endswith(unwanted)] == []


def test_holds_rules_taxonomy_stub_and_one_binary(names: list[str]) -> None:
    assert sum(name.startswith("detectors/_rules/") and name.endswith(".yml") for name in names) >= 20
    assert any(name.startswith("detectors/taxonomy/") and name.endswith(".toml") for name in names)
    assert "detectors/_native.pyi" in names
    assert [name for name in names if name.endswith(".so")] == ["detectors/_native.abi3.so"]


@pytest.mark.parametrize("package", sorted(TOP_LEVEL))
def test_suite_runs_on_the_installed_wheel(package: str) -> None:
    file = Path(importlib.import_module(package).__file__ or "")
    assert "site-packages" in file.parts, "the suite must see the wheel, not the checkout"


def test_runs_without_rust() -> None:
    command = [sys.executable, "-P", "-m", "cli", "version"]
    done = subprocess.run(command, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("bavn ")

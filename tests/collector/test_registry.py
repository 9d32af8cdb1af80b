"""The registry: a revocation holds until somebody takes it back, and no change of two at once is lost."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from collector.errors import BavnError
from collector.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

WRITERS, EACH = 6, 15
REGISTER = """
import sys
from collector.registry import Registry
for number in range(int(sys.argv[3])):
    Registry(sys.argv[1]).register("odense", f"s{sys.argv[2]}-{number}", b"k" * 32)
"""


def key() -> bytes:
    return Ed25519PrivateKey.generate().public_key().public_bytes_raw()


@pytest.mark.parametrize("same_key", [True, False])
def test_a_revocation_is_not_taken_back_by_the_way(tmp_path: Path, *, same_key: bool) -> None:
    registry, first = Registry(tmp_path / "registry.json"), key()
    registry.register("odense", "s1", first)
    registry.revoke("odense", "s1")
    again = first if same_key else key()
    with pytest.raises(BavnError) as caught:
        registry.register("odense", "s1", again)
    assert caught.value.code == "BAVN-E203"
    with pytest.raises(BavnError):
        registry.find("odense", "s1")
    registry.register("odense", "s1", again, reinstate=True)
    assert Registry(tmp_path / "registry.json").find("odense", "s1").revoked is False


def test_reinstate_does_not_let_another_key_take_a_name(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry.json")
    registry.register("odense", "s1", key())
    with pytest.raises(BavnError) as caught:
        registry.register("odense", "s1", key(), reinstate=True)
    assert caught.value.code == "BAVN-E262"


def test_processes_that_register_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "registry.json"
    command = [sys.executable, "-P", "-c", REGISTER, str(path)]
    running = [subprocess.Popen([*command, str(writer), str(EACH)]) for writer in range(WRITERS)]
    assert [process.wait(60) for process in running] == [0] * WRITERS
    assert len(Registry(path).sensors()) == WRITERS * EACH

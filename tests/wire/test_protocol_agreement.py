"""What bavn reads of each protocol in our own captures is what tshark reads."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROTOCOLS = sorted(path.stem for path in (ROOT / "bench/protocols").glob("*.py"))


def load() -> ModuleType:
    """Import the comparison, which is a script."""
    sys.path.insert(0, str(ROOT / "bench"))
    spec = importlib.util.spec_from_file_location("agree", ROOT / "bench/agree.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.real
@pytest.mark.parametrize("name", PROTOCOLS)
def test_own_captures_agree(name: str, need: Callable[..., None]) -> None:
    need("tshark")
    agree = load()
    about = agree.module(name)
    captures = sorted(path for case in about.CASES for path in (ROOT / "pcaps" / case).glob("*.pcap*"))
    assert len(captures) >= len(about.CASES) > 0
    counts = agree.compare(captures, about, None, 50_000)
    both, only_tshark, only_bavn = counts
    assert sum(both.values()) >= 3
    assert min(agree.shares(counts)) >= 99, (only_tshark.most_common(5), only_bavn.most_common(5))

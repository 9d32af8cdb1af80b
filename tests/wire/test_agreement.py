"""What bavn reads out of our own captures is what tshark reads: names, targets, server names, fingerprints."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
CASES = (
    "web-benign", "web-attacks", "web-download", "dns-benign", "dns-suspicious", "iodine-tunnel", "tls-modern",
    "tls-browser", "benign-office", "ipv6-web-dns", "vlan-qinq", "clear-text-credentials", "smtp-mail", "beacon-http",
)  # fmt: skip
# What each protocol must at least be compared on, all captures together: an empty comparison proves nothing.
LEAST = {"dns": 100, "http": 100, "tls": 30}


def load() -> ModuleType:
    """Import the comparison, which is a script."""
    sys.path.insert(0, str(ROOT / "bench"))
    spec = importlib.util.spec_from_file_location("agreement", ROOT / "bench/agreement.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["agreement"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.real
def test_own_captures_agree(need: Callable[..., None]) -> None:
    need("tshark")
    agreement = load()
    tallies = {protocol: agreement.Tally() for protocol in agreement.PROTOCOLS}
    captures = sorted(path for case in CASES for path in (ROOT / "pcaps" / case).glob("*.pcap"))
    assert len(captures) >= len(CASES)
    for capture in captures:
        for protocol, tally in agreement.agreement(capture).items():
            tallies[protocol].add(tally, capture.name)
    for protocol, tally in tallies.items():
        assert tally.both >= LEAST[protocol], protocol
        assert min(tally.share("tshark"), tally.share("bavn")) >= 99, (protocol, tally.only, tally.examples)
    values = tallies["tls"].values
    assert {name for name, _ in values} == {"ja3", "ja3s", "version", "cipher"}
    assert not [name for name, alike in values if not alike], tallies["tls"].examples


def test_a_difference_is_seen_and_named(need: Callable[..., None], tmp_path: Path) -> None:
    need("tshark")
    agreement = load()
    capture = next((ROOT / "pcaps/dns-benign").glob("*.pcap"))
    theirs = agreement.tshark_says(agreement.tshark(capture, agreement.FILTER, agreement.FIELDS))
    ours = agreement.bavn_says(agreement.events(capture, tmp_path))
    changed = [ours["dns"][0]._replace(what=("elsewhere", *ours["dns"][0].what[1:])), *ours["dns"][1:]]
    _, only_tshark, only_bavn = agreement.compare(theirs["dns"], changed, "dns")
    assert [said.what[0] for said in only_bavn] == ["elsewhere"]
    assert ours["dns"][0].what in {said.what for said in only_tshark}
    name = agreement.class_of("dns", "tshark", only_tshark[0].what, only_tshark[0].facts, set())
    assert name == "not seen by the other"
    assert agreement.RIGHT[name].counts

"""Files that bavn sees in HTTP are those that tshark exports, by their SHA-256."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PCAPS = Path(__file__).resolve().parents[2] / "pcaps"
# What tshark exports otherwise: the whole form, the whole of what bavn stops to unpack, and a range of a file, of which
# bavn gives no digest.
OTHERWISE = {
    "http-bodies": {"upload", "zeros.gz", "zeros.br", "logo(1).png"},
    "web-benign": {"form(2)", "data.bin"},
    "web-download": {"setup(2).exe"},
}


def carved(capture: Path, home: Path) -> set[str]:
    """Give the SHA-256 of each whole file."""
    command = [sys.executable, "-P", "-m", "cli", "--home", str(home), "events", "--json", str(capture)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode in {0, 5}, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    files = [event["file"] for event in events if event["event"]["dataset"] == "bavn.file"]
    return {file["hash"]["sha256"] for file in files if "hash" in file}


@pytest.mark.real
@pytest.mark.parametrize("case", ["http-bodies", "web-benign", "web-download"])
def test_digests_are_those_of_what_tshark_exports(case: str, tmp_path: Path, need: Callable[..., None]) -> None:
    need("tshark")
    capture, out = PCAPS / case / f"{case}.pcap", tmp_path / "exported"
    out.mkdir()
    export = ["tshark", "-q", "-n", "-r", str(capture), "--export-objects", f"http,{out}"]
    subprocess.run(export, capture_output=True, check=True, timeout=60)
    theirs = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir()}
    ours = carved(capture, tmp_path / "home")
    missing = {name for name, digest in theirs.items() if digest not in ours} - OTHERWISE.get(case, set())
    assert len(theirs) > 10
    assert not missing

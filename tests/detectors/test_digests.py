"""Digests of files: SHA-256 with every file that is told, MD5 and SHA-1 where a rule asks for them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from detectors import check, loop

CAPTURE = Path(__file__).resolve().parents[2] / "pcaps/web-download/web-download.pcap"
RULE = """
title: A file
id: 00000000-0000-4000-8000-0000000000f1
logsource: {product: bavn, service: file}
detection: {selection: {%s}, condition: selection}
level: low
"""


def alerts(tmp_path: Path, selection: str) -> list[dict[str, Any]]:
    path = tmp_path / "rule.yml"
    path.write_text(RULE % selection, "utf-8")
    found = check.load_rules([path])
    assert not found.diagnostics
    packets = loop.PacketLoop(found.plan, loop.Settings(evidence_bytes=0))
    packets.open_file(str(CAPTURE))
    told, more = [], True
    while more:
        batch = packets.step(0)
        told += batch.alerts
        more = batch.more
    return [json.loads(alert)["file"].get("hash", {}) for alert in (*told, *packets.finish(0).alerts)]


@pytest.mark.parametrize("name", ["md5", "sha1"])
def test_a_rule_on_an_older_digest_finds_its_file(name: str, tmp_path: Path) -> None:
    every = alerts(tmp_path, f"file.hash.{name}|exists: true")
    wanted = next(digests[name] for digests in every if name in digests)
    assert len(wanted) == 2 * hashlib.new(name, usedforsecurity=False).digest_size
    found = alerts(tmp_path, f"file.hash.{name}: {wanted}")
    assert found
    assert all(digests[name] == wanted and "sha256" in digests for digests in found)


def test_where_no_rule_asks_there_is_sha256_alone(tmp_path: Path) -> None:
    whole = [digests for digests in alerts(tmp_path, "file.size|gte: 1") if digests]
    assert whole
    assert all(set(digests) == {"sha256"} for digests in whole)

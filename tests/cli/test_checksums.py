"""Checksums are checked where that is asked for; who captures on the sending host is told so."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cli.doctor import check_checksums
from cli.sensor_health import health_lines
from sensors.errors import SensorError
from sensors.health import Accounting, Health, read_status, write_status
from sensors.identity import load_config

if TYPE_CHECKING:
    from pathlib import Path

CLIENT, SERVER = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
PAYLOAD = b"nothing that is known"


def ones_sum(data: bytes) -> int:
    """Add 16-bit words in ones' complement (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def packet(checksum: str) -> bytes:
    """Make an IPv4 packet with a UDP datagram whose checksum is right, wrong, or what an offloading host leaves."""
    payload = PAYLOAD + bytes(len(PAYLOAD) % 2)
    length = 8 + len(payload)
    pseudo = CLIENT + SERVER + struct.pack("!HH", 17, length)
    udp = struct.pack("!HHHH", 40000, 9, length, 0) + payload
    whole = 0xFFFF ^ ones_sum(pseudo + udp)
    told = {"right": whole, "wrong": whole ^ 0x1111, "offloaded": ones_sum(pseudo)}[checksum]
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 1, 0, 64, 17, 0) + CLIENT + SERVER
    header = header[:10] + struct.pack("!H", 0xFFFF ^ ones_sum(header)) + header[12:]
    return header + udp[:6] + struct.pack("!H", told) + payload


def capture(path: Path, *kinds: str) -> Path:
    """Write a capture of raw IP."""
    records = b"".join(
        struct.pack("<IIII", 1_763_802_840, at, len(p), len(p)) + p for at, p in enumerate(map(packet, kinds))
    )
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101) + records)
    return path


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "cli", "--home", str(home), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)


def told(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if line.startswith("checksums")]


@pytest.mark.parametrize("name", ["scan", "events"])
def test_the_switch_and_the_settings_decide(name: str, tmp_path: Path) -> None:
    file = str(capture(tmp_path / "a.pcap", "right", "wrong", "wrong", "offloaded", "right"))
    assert told(run(tmp_path, name, file)) == []
    expected = ["checksums 2 wrong, 1 left to the sender's network card: it ran on that host"]
    assert told(run(tmp_path, name, "--checksums", "check", file)) == expected
    (tmp_path / "bavn.toml").write_text('[sensor]\nchecksums = "check"\n')
    assert told(run(tmp_path, name, file)) == expected
    assert told(run(tmp_path, name, "--checksums", "ignore", file)) == []


def test_a_sensor_takes_the_switch_too(tmp_path: Path) -> None:
    file = str(capture(tmp_path / "a.pcap", "right", "wrong", "offloaded"))
    for words, wrong in ((("--checksums", "check"), 1), ((), 0)):
        run(tmp_path, "sensor", "run", "--read", file, "--no-send", *words)
        status = read_status(tmp_path)
        assert status is not None
        assert status.counters["checksum_wrong"] == wrong


def test_nothing_is_dropped_and_offload_is_an_event(tmp_path: Path) -> None:
    file = str(capture(tmp_path / "a.pcap", *["offloaded"] * 40, *["wrong"] * 2))
    done = run(tmp_path, "events", "--json", "--checksums", "check", file)
    names = [json.loads(line)["bavn"].get("weird", {}).get("name") for line in done.stdout.splitlines()]
    assert names.count("checksum_offload") == 1
    assert "dropped   none" in done.stderr


def health(**counters: int) -> Health:
    return Health(
        pid=os.getpid(), started=1, written=1, sensor="s1", source="eth1", accounting=Accounting(0, 0, {}, exact=True),
        counters=counters, alerts=0, queued=0, waiting=0, withheld={}, unsent=0, oldest_unsent=None, dead=0, delivery={},
        rules={},
    )  # fmt: skip


def test_doctor_and_status_say_where_checksums_look_offloaded(tmp_path: Path) -> None:
    write_status(tmp_path, health(checksum_wrong=3, checksum_offloaded=4000))
    assert list(check_checksums(tmp_path)) == [], "nobody asked"
    (tmp_path / "bavn.toml").write_text('[sensor]\nchecksums = "check"\n')
    (found,) = check_checksums(tmp_path)
    assert not found.well
    assert "look offloaded: 4,000 packets" in found.text
    assert found.fix == "ethtool -K eth1 tx off"
    write_status(tmp_path, health(checksum_wrong=3))
    (found,) = check_checksums(tmp_path)
    assert (found.well, found.text) == (True, "3 wrong")
    assert "checksums 3 wrong" in health_lines(health(checksum_wrong=3), running=True)
    assert not [line for line in health_lines(health(), running=True) if line.startswith("checksums")]


def test_another_word_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bavn.toml").write_text('[sensor]\nchecksums = "maybe"\n')
    with pytest.raises(SensorError, match="maybe"):
        load_config(tmp_path)

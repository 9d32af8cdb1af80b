"""Rules over packets, flows, files, certificates and anomalies, from capture to alert, with either engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from detectors import check, crafting, loop
from detectors.reference.loop import reference_loop

PCAPS = Path(__file__).parents[2] / "pcaps"
NOW = 1_800_000_000_000_000_000
SETTINGS = loop.Settings(evidence_bytes=0)
PACKET = {"product": "bavn", "category": "packet"}


def rules(folder: Path, source: dict[str, str], *detections: dict[str, Any]) -> check.RuleSet:
    """A rule for each detection."""
    documents = [
        {
            "title": f"rule {number}",
            "id": f"{number:08}-0000-4000-8000-000000000000",
            "logsource": source,
            "detection": {"selection": detection, "condition": "selection"},
        }
        for number, detection in enumerate(detections, 1)
    ]
    (folder / "r.yml").write_text(yaml.safe_dump_all(documents, sort_keys=False), "utf-8")
    found = check.load_rules([folder])
    assert [d.sentence for d in found.diagnostics] == []
    return found


def alerts(worker: loop.PacketLoop) -> list[dict[str, Any]]:
    """What comes out until the end."""
    found = []
    for run in (worker.step, worker.finish):
        more = True
        while more:
            batch = run(NOW)
            found += [json.loads(alert) for alert in batch.alerts]
            more = batch.more
    return found


def counts(found: check.RuleSet, capture: str) -> list[int]:
    """How often each rule fired on a capture; both engines say the same."""
    both = []
    for worker in (loop.PacketLoop(found.plan, SETTINGS), reference_loop(found, SETTINGS)):
        worker.open_file(str(next((PCAPS / capture).glob("*.pcap"))))
        names = [alert["rule"]["name"] for alert in alerts(worker)]
        both.append([names.count(rule.title) for rule in found.rules])
    assert both[0] == both[1]
    return both[0]


def test_flags_of_a_scan(tmp_path: Path) -> None:
    """Nmap's probes without flags, with FIN, PSH and URG, and with SYN and FIN; an ordinary SYN is none of them."""
    found = rules(
        tmp_path,
        PACKET,
        {"bavn.header.tcp.bits": 0},
        {"flags": None, "protocol": "tcp"},
        {"bavn.header.tcp.bits": 41},
        {"flags|all": ["SYN", "FIN"]},
        {"flags|all": ["SYN", "ACK"], "sender": "server", "src_ip": "203.0.113.80"},
    )
    none, null, xmas, odd, answers = counts(found, "nmap-scan")
    assert (none, null, xmas, odd) == (25, 25, 10, 20)
    assert answers == 115


def test_payload_by_text_bytes_and_expression(tmp_path: Path) -> None:
    found = rules(
        tmp_path,
        PACKET,
        {"payload|contains": "user-agent: EVIL"},
        {"payload_hex|contains": "00 ff 41 00"},
        {"payload|re": r"^GET /[a-z]{4}\?"},
        {"payload_hex|startswith": "474554", "payload_length|lt": 30},
        {"ttl|lt": 5},
    )
    payloads = [
        b"GET /path?q HTTP/1.1\r\nUser-Agent: evil\r\n\r\n",
        b"\x17\x00\xffA\x00\xfe",
        b"GET / HTTP/1.0\r\n\r\n",
    ]
    ends = {"client": "192.0.2.1", "server": "198.51.100.1", "port": 9}
    frames = crafting.craft([{"udp": {**ends, "send": [{"client": f"hex:{one.hex()}"}]}} for one in payloads])
    for worker in (loop.PacketLoop(found.plan, SETTINGS), reference_loop(found, SETTINGS)):
        worker.push(frames, NOW)
        told = [(alert["rule"]["name"], alert["bavn"]["packet"]) for alert in alerts(worker)]
        assert sorted(told) == [("rule 1", 1), ("rule 2", 2), ("rule 3", 1), ("rule 4", 3)]


def test_packets_are_made_only_where_a_rule_asks(tmp_path: Path) -> None:
    found = rules(tmp_path, {"category": "dns"}, {"query": "a.example"})
    worker = loop.PacketLoop(found.plan, loop.Settings(evidence_bytes=0, events=True))
    worker.open_file(str(next((PCAPS / "nmap-scan").glob("*.pcap"))))
    assert b"bavn.packet" not in worker.step(NOW).events
    (tmp_path / "r.yml").unlink()
    worker.swap(rules(tmp_path, PACKET, {"bavn.header.tcp.bits": 0}).plan)
    worker.open_file(str(next((PCAPS / "nmap-scan").glob("*.pcap"))))
    assert len(alerts(worker)) == 25
    (tmp_path / "r.yml").unlink()
    worker.swap(found.plan)
    worker.open_file(str(next((PCAPS / "nmap-scan").glob("*.pcap"))))
    assert alerts(worker) == []


KINDS = [
    ("file", "web-download", {"file.extension": "exe", "file.mime_type": "application/x-dosexec"}),
    ("file", "web-download", {"file.size|gt": 4000, "bavn.file.source": "http"}),
    ("x509", "certificates", {"bavn.x509.validity_days|gt": 5000, "bavn.x509.ca": False}),
    ("x509", "certificates", {"bavn.x509.position": 0, "bavn.x509.self_signed": True}),
    ("weird", "tcp-oddities", {"bavn.weird.name": "http_head_cut", "bavn.weird.protocol": "http"}),
    ("flow", "web-benign", {"bavn.flow.service": "http", "destination.bytes|gte": 9000, "network.transport": "tcp"}),
    ("flow", "nmap-scan", {"bavn.flow.state": "REJ", "destination.port": 143}),
]


@pytest.mark.parametrize(("kind", "capture", "detection"), KINDS)
def test_own_kinds_from_capture_to_alert(kind: str, capture: str, detection: dict[str, Any], tmp_path: Path) -> None:
    """As often as the printed events have it, counted by other code; and not at all under another value."""
    name, want = next(iter(detection.items()))
    other = {**detection, name: 10**9 if isinstance(want, int) else "something else"}
    found = rules(tmp_path, {"product": "bavn", "service": kind}, detection, other)
    fired, never = counts(found, capture)
    assert (fired, never) == (sum(fits(event, detection) for event in printed(kind, capture)), 0)
    assert fired > 0


def printed(kind: str, capture: str) -> list[dict[str, Any]]:
    """Events of a kind as `bavn events` prints them."""
    worker = loop.PacketLoop(None, loop.Settings(evidence_bytes=0, events=True, kinds=(kind,)))
    worker.open_file(str(next((PCAPS / capture).glob("*.pcap"))))
    lines = []
    for run in (worker.step, worker.finish):
        more = True
        while more:
            batch = run(NOW)
            lines.append(batch.events)
            more = batch.more
    return [json.loads(line) for part in lines for line in part.splitlines()]


def fits(event: dict[str, Any], detection: dict[str, Any]) -> bool:
    """Whether a printed event is what the detection asks for."""
    return all(_fits(event, *key.partition("|")[::2], want) for key, want in detection.items())


def _fits(event: Any, name: str, modifier: str, want: Any) -> bool:
    for step in name.split("."):
        event = event.get(step, {})
    if modifier:
        return bool(event != {} and (event > want if modifier == "gt" else event >= want))
    return bool(event == want)

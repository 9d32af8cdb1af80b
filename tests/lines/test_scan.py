"""`bavn scan` on logs of other sensors: mixed with captures, packed, through a pipe, broken."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CAPTURE = ROOT / "pcaps" / "web-download" / "web-download.pcap"
LOG = ROOT / "tests" / "lines" / "suricata" / "logs" / "dns-suspicious.json.gz"
ZEEK = (
    '{"ts":1795338840.5,"uid":"C1","id.orig_h":"10.0.0.1","id.orig_p":4711,"id.resp_h":"192.0.2.80","id.resp_p":80,'
    '"trans_depth":1,"method":"GET","host":"a.example","uri":"/a?x=/etc/passwd","request_body_len":0,"status_code":200}\n'
)
RULE = """
title: password file asked for
id: 1e0f5c5e-0a52-4c51-9b3b-2f3a1c6a7a01
logsource: {product: zeek, service: http}
detection:
  selection: {uri|contains: /etc/passwd}
  condition: selection
level: high
"""


def scan(*arguments: str, home: Path, data: bytes = b"") -> tuple[int, list[dict[str, object]], str]:
    call = [sys.executable, "-P", "-m", "cli", "--home", str(home), "scan", *arguments]
    done = subprocess.run(call, input=data, capture_output=True, check=False, cwd=home)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def test_a_folder_of_captures_and_logs(tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "a.pcap").write_bytes(CAPTURE.read_bytes())
    (folder / "eve.json.gz").write_bytes(LOG.read_bytes())
    (folder / "notes.json").write_text("[]")
    code, mixed, said = scan(str(folder), "--workers", "2", home=tmp_path)
    _, packets, _ = scan(str(CAPTURE), home=tmp_path)
    _, lines, _ = scan(str(LOG), home=tmp_path)
    assert (code, len(mixed)) == (0, len(packets) + len(lines))
    assert packets
    assert lines
    assert "one worker" in said
    assert "lines/s" in said
    assert "packets/s" in said


def test_a_log_of_zeek_through_a_pipe(tmp_path: Path) -> None:
    rule = tmp_path / "rule.yml"
    rule.write_text(RULE)
    code, alerts, said = scan("-", "--rules", str(rule), home=tmp_path, data=gzip.compress(ZEEK.encode()))
    assert (code, len(alerts)) == (0, 1)
    assert alerts[0]["@timestamp"] == "2026-11-22T09:14:00.500000000Z"
    assert "1 line, " in said
    again = scan("-", "--rules", str(rule), "--engine", "python", home=tmp_path, data=ZEEK.encode())[1]
    assert [alert["event"]["id"] for alert in again] == [alert["event"]["id"] for alert in alerts]  # type: ignore[index]


def test_broken_lines_are_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "http.log"
    log.write_text(ZEEK + "{broken\n" + ZEEK.replace("}", ',"new_key":1}') + ZEEK[:80])
    rule = tmp_path / "rule.yml"
    rule.write_text(RULE)
    code, alerts, said = scan(str(log), "--rules", str(rule), home=tmp_path)
    assert (code, len(alerts)) == (5, 2)
    assert "BAVN-E408 2 of 4 lines cannot be read (line 2: no JSON object, line 4: cut by the file's end)" in said
    assert "Zeek http new_key 1" in said


def test_what_is_no_log_of_lines_is_refused_with_a_reason(tmp_path: Path) -> None:
    for text, why in (("[1]", "one JSON list"), ("#separator \\x09\n", "tabs between")):
        log = tmp_path / "x.log"
        log.write_text(text)
        code, _, said = scan(str(log), home=tmp_path)
        assert code == 3
        assert "BAVN-E407" in said
        assert why in said


def test_several_workers_and_a_pipe(tmp_path: Path) -> None:
    code, _, said = scan("-", "--workers", "2", home=tmp_path, data=ZEEK.encode())
    assert code == 3
    assert "BAVN-E409" in said

"""Hot reload on a live wire: no packet waits for it, none is judged by no rule, and a bad rule set changes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest
from running import NAMESPACE, namespaces_allowed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.real

# Questions are sent all the time while the sensor is told to reload; each must be judged exactly once.
INSIDE = textwrap.dedent("""
    import json, os, signal, socket, struct, subprocess, sys, time
    from pathlib import Path

    home, rules = Path(sys.argv[1]), Path(sys.argv[2])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    RULE = '''title: {title}
    id: 00000000-0000-4000-8000-00000000000{number}
    logsource: {{category: dns}}
    detection:
        selection:
            query|startswith: {name}
        condition: selection
    level: low
    '''

    def write(number, title, name):
        (rules / f"{number}.yml").write_text(RULE.format(number=number, title=title, name=name))

    def status():
        try:
            return json.loads((home / "sensor-status.json").read_text())
        except (OSError, ValueError):
            return {}

    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind(("127.0.0.1", 53))
    sent = 0

    def ask():
        global sent
        labels = b"".join(bytes([len(l)]) + l for l in (b"probe%d" % sent, b"example"))
        query = struct.pack(">HHHHHH", sent & 0xFFFF, 0x0100, 1, 0, 0, 0) + labels + b"\\0" + struct.pack(">HH", 1, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(query, ("127.0.0.1", 53))
        question, client = sink.recvfrom(512)
        sent += 1

    def ask_until(done, most=90.0):
        end = time.monotonic() + most
        while not done(status()):
            assert time.monotonic() < end, status()
            ask()
            time.sleep(0.002)

    write(1, "Every question", "probe")
    sensor = subprocess.Popen([sys.executable, "-P", "-m", "cli", "--home", str(home), "sensor", "run", "-i", "lo",
                               "--no-send", "--rules", str(rules)], stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while not status():
        assert time.monotonic() < end and sensor.poll() is None
        time.sleep(0.05)
    time.sleep(1.0)
    first = status()["rules"]["digest"]
    ask_until(lambda s: s["accounting"]["seen"] > 100)
    write(2, "A second rule", "nobody")
    sensor.send_signal(signal.SIGHUP)
    ask_until(lambda s: s["rules"]["reloads"] == 1)
    second = status()["rules"]
    for path in rules.glob("*.yml"):
        path.write_text("title: [")
    sensor.send_signal(signal.SIGHUP)
    ask_until(lambda s: s["rules"]["reloads_failed"] == 1)
    third = status()["rules"]
    for _ in range(50):
        ask()
    time.sleep(1.0)
    sensor.send_signal(signal.SIGTERM)
    said = sensor.communicate(timeout=60)[1]
    last = status()
    print(json.dumps({"sent": sent, "alerts": last["alerts"], "queued": last["queued"], "first": first, "second": second,
                      "third": third, "accounting": last["accounting"], "said": said, "matches": last["counters"]["rule_matches"]}))
""")


def test_no_question_falls_between_two_rule_sets(tmp_path: Path, need: Callable[..., None]) -> None:
    need("ip", "unshare")
    if not namespaces_allowed():
        pytest.skip("no user namespaces here")
    (tmp_path / "rules").mkdir()
    command = [*NAMESPACE, sys.executable, "-P", "-c", INSIDE, str(tmp_path / "home"), str(tmp_path / "rules")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["accounting"]["exact"]
    assert found["accounting"]["drops"] == {}
    assert found["matches"] == found["sent"], "each question is judged once, by the old rules or by the new ones"
    assert (found["second"]["count"], found["third"]["count"]) == (2, 2)
    assert found["first"] != found["second"]["digest"] == found["third"]["digest"]
    assert "BAVN-E310" in found["third"]["last_error"]
    assert "rules reloaded: 2 run" in found["said"]
    assert "the old ones stay" in found["said"]

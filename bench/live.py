"""How fast a live sensor keeps up: a veth pair in an own network namespace, tcpreplay on one core, the sensor on another.

  python bench/live.py CAPTURE [--source ring|scapy] [--pps N] [--loops N]

Prints what was sent, what the sensor saw, its drops by name, whether the sum is exact, and its CPU time.
Without --pps the replay goes as fast as it can.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BIN = Path(sys.executable).parent
WAIT_S = 60.0


def run(*command: str) -> str:
    """Run a command to its end and give its output."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def inside(options: argparse.Namespace) -> None:
    """Measure; runs in the namespace."""
    run("ip", "link", "add", "bv0", "type", "veth", "peer", "name", "bv1")
    for name in ("bv0", "bv1"):
        run("ip", "link", "set", name, "mtu", "65535", "up")
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        command = [
            str(BIN / "bavn"),
            "--home",
            folder,
            "sensor",
            "run",
            "-i",
            "bv1",
            "--source",
            options.source,
            "--no-send",
        ]
        sensor = subprocess.Popen(["taskset", "-c", str(cores[-1]), *command], stderr=subprocess.DEVNULL)
        status = wait_for(home / "sensor-status.json")
        rate = ["--pps", str(options.pps)] if options.pps else ["--topspeed"]
        replay = ["tcpreplay", "-i", "bv0", "--preload-pcap", "--loop", str(options.loops), *rate, options.capture]
        sent = run("taskset", "-c", str(cores[0]), *replay)
        time.sleep(2)
        sensor.send_signal(signal.SIGTERM)
        _, code, usage = os.wait4(sensor.pid, 0)
        print(report(sent, json.loads(status.read_bytes()), usage.ru_utime + usage.ru_stime, options))
        sys.exit(os.waitstatus_to_exitcode(code))


def wait_for(path: Path) -> Path:
    """Wait until a file is there."""
    end = time.monotonic() + WAIT_S
    while not path.exists():
        if time.monotonic() > end:
            sys.exit("live: the sensor did not start")
        time.sleep(0.1)
    time.sleep(1)
    return path


def report(sent: str, status: dict, cpu: float, options: argparse.Namespace) -> str:
    """Write the result as a row of a table."""
    packets = int(re.search(r"Actual: (\d+) packets", sent)[1])
    rate = float(re.search(r"([\d.]+) pps", sent)[1])
    account = status["accounting"]
    missing = packets - account["seen"]
    return (
        f"| {options.source} | {packets:,} sent at {rate:,.0f}/s | seen {account['seen']:,} | drops {account['drops']} "
        f"| unnamed {missing:,} | exact {account['exact']} | {cpu:.1f} CPU s | {status['alerts']:,} alerts |"
    )


def main() -> None:
    """Enter a namespace and measure there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture")
    parser.add_argument("--source", choices=["ring", "scapy"], default="ring")
    parser.add_argument("--pps", type=int)
    parser.add_argument("--loops", type=int, default=1)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        inside(options)
    again = ["unshare", "-rUn", sys.executable, "-P", __file__, *sys.argv[1:], "--inside"]
    sys.exit(subprocess.run(again, check=False).returncode)


if __name__ == "__main__":
    main()

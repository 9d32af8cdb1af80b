"""`bavn doctor`: checks this machine and this home; each problem with its fix. Exit 1 where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from cli import errors
from cli.errors import has_code
from cli.safe import json_line, safe
from cli.summary import counted
from cli.terminal import ascii_only, command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_OURS: Final = ("sensors", "detectors", "collector", "cli")
_MIN_FREE_BYTES: Final = 1 << 30
_SLOW_FSYNC_S: Final = 0.1
_CERTIFICATE_WARN_S: Final = 24 * 3600
_OFFLOADED: Final = 32


@dataclass(frozen=True, slots=True)
class Finding:
    """A check's outcome; `fix` says what to do where it is not well. A part that is optional is never a problem."""

    name: str
    well: bool
    text: str
    fix: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One finding a line, as JSON.")
@click.pass_obj
def doctor(home: Path, as_json: bool) -> int:
    """Check this machine and this home."""
    _refuse_unsafe_environment()
    findings = [finding for check in CHECKS for finding in _outcome(check, home)]
    problems = sum(not finding.well for finding in findings)
    if as_json or not sys.stdout.isatty():
        for finding in findings:
            print(json_line(_document(finding), terminal=sys.stdout.isatty()))
    else:
        for finding in findings:
            print(_line(finding))
        print(f"{counted(problems, 'problem')}" if problems else "all is well")
    return errors.FINDINGS if problems else errors.OK


def _outcome(check: Callable[[Path], Iterator[Finding]], home: Path) -> Iterator[Finding]:
    """Run a check; one that itself meets an error is a problem, and the others go on."""
    try:
        yield from check(home)
    except Exception as error:
        known = errors.coded(error)
        if known is None or not has_code(known):
            raise
        yield Finding(
            check.__name__.removeprefix("check_"), well=False, text=str(known), fix=command(f"explain {known.code}")
        )


def _document(finding: Finding) -> dict[str, object]:
    document = asdict(finding)
    return document if finding.fix and not finding.well else {k: v for k, v in document.items() if k != "fix"}


def _line(finding: Finding) -> str:
    good, bad = ("ok", "!!") if ascii_only() else ("✔", "✘")
    tail = f"    fix: {finding.fix}" if finding.fix and not finding.well else ""
    return f"{good if finding.well else bad} {finding.name}: {safe(finding.text)}{tail}"


def _refuse_unsafe_environment() -> None:
    if os.environ.get("PYSIGMA_ALLOW_EXTERNAL_SOURCES"):
        print("warning: PYSIGMA_ALLOW_EXTERNAL_SOURCES is set; bavn does not load rules with it", file=sys.stderr)


def check_names(home: Path) -> Iterator[Finding]:
    """No other distribution installed packages of our names."""
    del home
    owners = metadata.packages_distributions()
    others = sorted({owner for name in _OURS for owner in owners.get(name, []) if owner != "bavn"})
    yield Finding(
        "packages", not others, ", ".join(others) or "no other distribution has our names", command("explain BAVN-E307")
    )


def check_native(home: Path) -> Iterator[Finding]:
    """The packet loop loads and the shipped rules compile."""
    from cli.captures import load_rule_set
    from detectors.loop import engine

    del home
    try:
        rules = load_rule_set(())
        loaded = engine(rules.plan).rules()
    except Exception as error:
        if not has_code(error):
            raise
        yield Finding("rules", well=False, text=str(error), fix=command(f"explain {error.code}"))
        return
    broken = [r for r in rules.refused if r.status == "refused"]
    yield Finding("rules", not broken, f"{loaded} run, {len(broken)} refused", command("rules check"))


def check_capture(home: Path) -> Iterator[Finding]:
    """This process may capture, and libpcap is there for filters."""
    import ctypes.util

    del home
    if sys.platform != "linux":
        yield Finding("capture", well=True, text="live capture by scapy only on this system")
        return
    import socket

    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
        yield Finding("capture", well=True, text="this process may open packet sockets")
    except PermissionError:
        yield Finding(
            "capture", well=True, text="this user may not capture; files can be read (run sensors with CAP_NET_RAW)"
        )
    found = ctypes.util.find_library("pcap")
    yield Finding("filters", found is not None, found or "libpcap is not installed", "apt-get install libpcap0.8")


def check_offload(home: Path) -> Iterator[Finding]:
    """The interface of the last live run does not merge packets before they are captured."""
    from sensors.health import read_status

    health = read_status(home)
    if health is None or shutil.which("ethtool") is None or not Path("/sys/class/net", health.source).exists():
        return
    done = subprocess.run(["ethtool", "-k", health.source], capture_output=True, text=True, check=False, timeout=10)
    on = [n for n in ("large-receive-offload", "generic-receive-offload") if f"{n}: on" in done.stdout]
    fix = f"ethtool -K {health.source} lro off gro off"
    yield Finding("offload", not on, f"{', '.join(on)} on {health.source}" if on else "no merging", fix)


def check_checksums(home: Path) -> Iterator[Finding]:
    """Where checksums are checked, the interface's own packets have theirs already when they are captured."""
    from sensors.health import read_status
    from sensors.identity import load_config

    health = read_status(home)
    if health is None or load_config(home).checksums != "check":
        return
    wrong, left = (health.counters.get(f"checksum_{name}", 0) for name in ("wrong", "offloaded"))
    if left < _OFFLOADED:
        yield Finding("checksums", well=True, text=f"{wrong:,} wrong")
        return
    text = (
        f"outgoing checksums look offloaded: {left:,} packets were captured before {health.source} had filled them in"
    )
    yield Finding("checksums", well=False, text=text, fix=f"ethtool -K {health.source} tx off")


def check_home(home: Path) -> Iterator[Finding]:
    """The home can be written and its disk answers."""
    if not home.is_dir():
        yield Finding("home", well=True, text=f"{home} does not exist yet")
        return
    probe = home / f".doctor-{os.getpid()}"
    try:
        start = time.perf_counter()
        with probe.open("wb") as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
        took = time.perf_counter() - start
        yield Finding(
            "disk", took < _SLOW_FSYNC_S, f"fsync {took * 1000:.1f} ms", "alerts are acknowledged only after fsync"
        )
    except OSError as error:
        yield Finding("disk", well=False, text=f"{home}: {error.strerror}", fix="free space or permissions")
    finally:
        probe.unlink(missing_ok=True)
    free = shutil.disk_usage(home).free
    yield Finding("space", free > _MIN_FREE_BYTES, f"{free / 1e9:,.1f} GB free", "free disk space")


def check_sensor(home: Path) -> Iterator[Finding]:
    """Outbox, dead letters, accounting and certificate of a sensor's home."""
    from sensors.health import read_status
    from sensors.outbox import Outbox, set_aside

    for damaged in set_aside(home / "outbox.db"):
        yield Finding("outbox", well=False, text=f"{damaged.name} was damaged", fix=command("explain BAVN-E111"))
    if (home / "outbox.db").is_file():
        outbox = Outbox(home / "outbox.db")
        backlog = outbox.backlog()
        yield Finding("outbox", well=True, text=f"{backlog.unsent:,} unsent")
        for record, reason in outbox.dead(5):
            yield Finding("dead letter", well=False, text=f"{record.id[:6]} {reason}", fix=command("explain BAVN-E133"))
        outbox.close()
    health = read_status(home)
    if health is not None:
        account = health.accounting
        yield Finding("accounting", account.exact, f"seen {account.seen:,} = analysed + drops", "please report this")
    yield from _certificate(home / "sensor.crt")


def _certificate(path: Path) -> Iterator[Finding]:
    if not path.is_file():
        return
    from cryptography import x509

    try:
        end = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc.timestamp()
    except ValueError as error:
        yield Finding("certificate", well=False, text=str(error), fix=command("explain BAVN-E130"))
        return
    left = end - time.time()
    yield Finding(
        "certificate", left > _CERTIFICATE_WARN_S, f"{left / 3600:,.0f} h left", "ask the centre for a new one"
    )


def check_centre(home: Path) -> Iterator[Finding]:
    """Store, dead letters and access log of a collector's home."""
    from cli.store import is_centre, load_config, open_access_log

    try:
        if not is_centre(home):
            return
        store = load_config(home).open_store()
        store.health()
        yield Finding("store", well=True, text=f"{store.kind} answers")
        for letter in store.dead_letters(5):
            yield Finding(
                "dead letter",
                well=False,
                text=f"{letter.agency}/{letter.sensor} {letter.code} {letter.reason}",
                fix=command(f"explain {letter.code}"),
            )
        log = open_access_log(home)
        wrong = log.verify()
        text = wrong[0].sentence if wrong else f"{log.head().size} records, unaltered"
        yield Finding("access log", not wrong, text, command("minlog verify"))
    except Exception as error:
        if not has_code(error):
            raise
        yield Finding("store", well=False, text=str(error), fix=command(f"explain {error.code}"))


def check_sandbox(home: Path) -> Iterator[Finding]:
    """Evidence can be dissected here; without it `--scapy` remains."""
    from cli import sandbox

    del home
    try:
        sandbox.require()
    except errors.CliError as error:
        yield Finding("sandbox", well=True, text=f"none ({error.sentence}): evidence show works with --scapy only")
        return
    tshark = shutil.which("tshark")
    yield Finding(
        "sandbox", well=True, text="own user and network namespace" + ("" if tshark else "; tshark is not installed")
    )


CHECKS: Final[tuple[Callable[[Path], Iterator[Finding]], ...]] = (
    check_names, check_native, check_capture, check_offload, check_checksums, check_home, check_sensor, check_centre, check_sandbox,
)  # fmt: skip

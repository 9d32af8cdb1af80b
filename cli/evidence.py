"""`bavn evidence`: an alert's packets, dissected in a sandbox or opened in scapy."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from cli import errors, sandbox
from cli.errors import CliError
from cli.output import Column, Document, Format, format_options, pick
from cli.reading import SHORT_ID
from cli.safe import safe
from cli.store import access_options, is_centre, log_access, open_store
from cli.terminal import command

if TYPE_CHECKING:
    from collections.abc import Iterator


_MOST_RECORDS: Final = 1_000_000
_FIELDS: Final = ("number", "time", "source", "destination", "protocol", "length", "info")
_SCAPY_FIELDS: Final = ("number", "time", "length", "summary")
_COLUMNS: Final = [
    Column("no", lambda r: r["number"]),
    Column("time", lambda r: r["time"], drop=2),
    Column("from", lambda r: r["source"]),
    Column("to", lambda r: r["destination"]),
    Column("protocol", lambda r: r["protocol"], drop=1),
    Column("info", lambda r: r["info"], wide=True),
]
_SCAPY_COLUMNS: Final = [
    Column("no", lambda r: r["number"]),
    Column("time", lambda r: r["time"], drop=2),
    Column("bytes", lambda r: r["length"], drop=1),
    Column("packet", lambda r: r["summary"], wide=True),
]


@click.group()
def evidence() -> None:
    """Open an alert's packets; each look is in the access log."""


@evidence.command()
@click.argument("alert")
@click.option(
    "--scapy", "with_scapy", is_flag=True, help="Open the packets in scapy instead of Wireshark's dissectors."
)
@click.option("--details", is_flag=True, help="All layers and fields, as JSON Lines.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write the capture itself to a file."
)
@access_options
@format_options
@click.pass_obj
def show(
    home: Path,
    alert: str,
    with_scapy: bool,
    details: bool,
    output: Path | None,
    access: dict[str, str],
    form: Format,
) -> int:
    """Show the packets of an ALERT (id, or its first characters).

    Evidence stays at the agency: this works where the sensor's home is. Wireshark's dissectors run in a sandbox;
    where none can be had they do not run (exit 3).
    """
    if not with_scapy and output is None:
        sandbox.require()
    full, digest, capture = capture_of(home, alert)
    log_access(home, "evidence.export" if output else "evidence.show", [full, f"sha256 {digest}"], access)
    footer = f"sha256 {digest}    next: {command(f'evidence show {full[:SHORT_ID]} -o FILE')}"
    if output is not None:
        output.write_bytes(capture)
        print(f"{len(capture):,} bytes written to {safe(output)}", file=sys.stderr)
        return errors.OK
    if with_scapy:
        form.list(scapy_rows(capture), _SCAPY_COLUMNS, footer, _SCAPY_FIELDS)
        return errors.OK
    rows = list(dissected(capture, home, details=details))
    wanted = Format(json=True) if details else form
    wanted.list([r for r in rows if "note" not in r], _COLUMNS, footer, _FIELDS)
    for row in rows:
        if "note" in row:
            print(safe(row["note"]), file=sys.stderr)
    return errors.OK


def capture_of(home: Path, name: str) -> tuple[str, str, bytes]:
    """Give an alert's id, the hash of its evidence and the capture.

    Raises:
        CliError: BAVN-E301 where the alert has no evidence.
        SensorError: BAVN-E140 where the capture is not on this box.
    """
    from sensors.evidence import EvidenceStore

    alert = open_store(home).get(name).alert if is_centre(home) else _own_alert(home, name)
    full, digest = str(pick(alert, "event.id")), pick(alert, "bavn.evidence.sha256")
    if not isinstance(digest, str):
        sentence = f"{full[:SHORT_ID]} has no evidence"
        raise CliError("BAVN-E301", sentence, "evidence is kept where the sensor has a ring for it")
    return full, digest, EvidenceStore(home / "evidence").get(digest)


def _own_alert(home: Path, name: str) -> Document:
    """Find an alert among those that the sensor of this home made."""
    from sensors.outbox import Outbox

    if not (home / "outbox.db").is_file():
        raise CliError("BAVN-E305", f"neither a collector nor a sensor's outbox is in {home}")
    outbox = Outbox(home / "outbox.db")
    try:
        records = [*outbox.unsent(_MOST_RECORDS), *outbox.sent(_MOST_RECORDS)]
    finally:
        outbox.close()
    found = {r.id: r.alert for r in records if r.alert and r.id and r.id.startswith(name.upper())}
    if len(found) != 1:
        raise CliError("BAVN-E301", f"{len(found) or 'no'} alerts of this sensor begin with {name}")
    document: Document = json.loads(next(iter(found.values())))
    return document


def dissected(capture: bytes, home: Path, *, details: bool) -> Iterator[Document]:
    """Dissect a capture in the sandbox."""
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(capture)
        file.flush()
        # A home that holds the capture or Python itself cannot be hidden.
        needed = (Path(file.name), Path(sys.prefix), Path(__file__).resolve())
        hidden = () if any(path.is_relative_to(home.resolve()) for path in needed) else (str(home.resolve()),)
        output = sandbox.run("cli.dissect", ["details" if details else "summary", file.name], hidden)
    for line in output.splitlines():
        yield json.loads(line)


def scapy_rows(capture: bytes) -> Iterator[Document]:
    """Open a capture in scapy: a row a packet."""
    import io

    from scapy.layers import dns, http, inet, inet6, l2, tls  # noqa: F401
    from scapy.utils import PcapReader

    for number, packet in enumerate(PcapReader(io.BytesIO(capture)), 1):
        row = {
            "number": number,
            "time": f"{float(packet.time):.6f}",
            "length": len(packet),
            "summary": packet.summary(),
        }
        yield row

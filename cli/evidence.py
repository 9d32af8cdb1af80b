"""`bavn evidence`: an alert's packets, dissected in a sandbox or opened in scapy."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import errors, sandbox
from cli.errors import CliError
from cli.output import Column, Document, Format, format_options, pick
from cli.safe import safe
from cli.store import access_options, log_access, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator


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

    Wireshark's dissectors run in a sandbox; where none can be had they do not run (exit 3).
    """
    if not with_scapy and output is None:
        sandbox.require()
    full, digest, capture = capture_of(home, alert)
    log_access(home, "evidence.export" if output else "evidence.show", [full, f"sha256 {digest}"], access)
    if output is not None:
        output.write_bytes(capture)
        print(f"{len(capture):,} bytes written to {output}", file=sys.stderr)
        return errors.OK
    if with_scapy:
        print("\n".join(scapy_lines(capture)))
        return errors.OK
    rows = list(dissected(capture, details=details))
    if details:
        form = Format(json=True)
    notes = [row["note"] for row in rows if "note" in row]
    form.list([r for r in rows if "note" not in r], _columns(), f"sha256 {digest}    next: bavn alerts show {full[:6]}")
    for note in notes:
        print(safe(note), file=sys.stderr)
    return errors.OK


def capture_of(home: Path, name: str) -> tuple[str, str, bytes]:
    """Give an alert's id, the hash of its evidence and the capture.

    Raises:
        CliError: BAVN-E301 where the alert has no evidence.
        SensorError: BAVN-E140 where the capture is not on this box.
    """
    from sensors.evidence import EvidenceStore

    stored = open_store(home).get(name)
    digest = pick(stored.alert, "bavn.evidence.sha256")
    if not isinstance(digest, str):
        raise CliError(
            "BAVN-E301", f"{stored.id[:6]} has no evidence", "evidence is kept where the sensor has a ring for it"
        )
    return stored.id, digest, EvidenceStore(home / "evidence").get(digest)


def dissected(capture: bytes, *, details: bool) -> Iterator[Document]:
    """Dissect a capture in the sandbox."""
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(capture)
        file.flush()
        output = sandbox.run("cli.dissect", ["details" if details else "summary", file.name])
    for line in output.splitlines():
        yield json.loads(line)


def scapy_lines(capture: bytes) -> Iterator[str]:
    """Open a capture in scapy: a line a packet, made safe."""
    import io

    from scapy.layers import dns, http, inet, inet6, l2, tls  # noqa: F401
    from scapy.utils import PcapReader

    for number, packet in enumerate(PcapReader(io.BytesIO(capture)), 1):
        yield f"{number:>4}  {float(packet.time):.6f}  {safe(packet.summary(), 300)}"


def _columns() -> list[Column]:
    return [
        Column("no", lambda r: r["number"]),
        Column("time", lambda r: r["time"]),
        Column("from", lambda r: r["source"]),
        Column("to", lambda r: r["destination"]),
        Column("protocol", lambda r: r["protocol"]),
        Column("info", lambda r: r["info"], wide=True),
    ]

"""`bavn events`: captures in, protocol events out, one line each."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from cli.indicators import indicator_options, indicators_for
from cli.output import Column, Format, format_options, pick
from cli.reading import (
    checksums_option,
    endpoint,
    exit_code,
    loop_settings,
    short_time,
    simulate_option,
    workers_option,
    write_documents,
)
from cli.summary import counted, print_summary
from cli.terminal import command

if TYPE_CHECKING:
    from detectors.loop import Batch

_CSV_FIELDS: Final = (
    "@timestamp", "event.dataset", "source.ip", "source.port", "destination.ip", "destination.port",
    "network.transport", "network.community_id", "dns.question.name", "dns.question.type", "dns.response_code",
    "http.request.method", "url.full", "http.response.status_code", "tls.version", "tls.client.server_name",
    "tls.client.ja3", "tls.client.ja4", "tls.server.ja3s", "bavn.flow.state",
)  # fmt: skip
TOLD: Final = (
    "dns.question.type", "dns.question.name", "dns.response_code", "dns.resolved_ip", "http.request.method", "url.full",
    "http.response.status_code", "tls.version", "tls.client.server_name", "tls.cipher", "bavn.flow.state",
    "bavn.kerberos.request_type", "bavn.kerberos.client", "bavn.kerberos.service", "bavn.kerberos.error",
    "bavn.ldap.operation", "bavn.ldap.dn", "bavn.ldap.filter", "bavn.ldap.result", "bavn.rdp.cookie",
    "bavn.smb.command", "bavn.smb.share", "file.path", "bavn.dce_rpc.endpoint", "bavn.dce_rpc.operation",
    "bavn.ssh.client.software", "bavn.ssh.server.software", "ssh.client.hassh", "bavn.smtp.mail_from", "email.subject",
    "bavn.ftp.command", "bavn.ftp.argument", "bavn.dhcp.message", "bavn.dhcp.assigned_ip", "bavn.dhcp.host_name",
    "bavn.modbus.function", "bavn.dnp3.function", "bavn.s7.function", "bavn.nbns.operation", "bavn.nbns.name",
    "bavn.openvpn.opcode", "bavn.openvpn.protection",
    "x509.subject.common_name", "file.name", "file.mime_type", "file.size", "user.name",
    "network.protocol", "bavn.weird.name", "threat.indicator.name", "threat.enrichments.matched.field",
)  # fmt: skip


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    help="Only events of this kind (dns, http, file, flow, …): docs/protocols.md lists them.",
)
@click.option(
    "--features",
    is_flag=True,
    help="Tell of each flow the sizes, gaps and entropy too (rules that use them always have them).",
)
@indicator_options
@checksums_option
@simulate_option
@workers_option
@format_options
@click.pass_obj
def events(
    home: Path,
    paths: tuple[Path, ...],
    kinds: tuple[str, ...],
    features: bool,
    lists: tuple[Path, ...] | None,
    checksums: str | None,
    simulate: tuple[str, ...],
    workers: int,
    form: Format,
) -> int:
    """Read captures, or logs of other sensors, and print protocol events (`event.dataset` = bavn.dns, bavn.http, …).

    On a terminal a table, in a pipe one ECS event a line; the summary goes to stderr. PATH - is stdin.
    """
    from cli.captures import Summary, find_captures, has_lines, read_all
    from detectors.loop import PacketLoop, event_kinds

    unknown = set(kinds) - set(event_kinds())
    if unknown:
        raise click.BadParameter(f"no such kind: {', '.join(sorted(unknown))}; there are {', '.join(event_kinds())}")
    captures = list(find_captures(paths))
    if workers > 1 and has_lines(captures):
        print("logs of other sensors are read by one worker: --workers is not used", file=sys.stderr)
        workers = 1
    settings = loop_settings(
        home, checksums=checksums, events=True, kinds=kinds, features=features, simulate=simulate, workers=workers
    )
    loop = PacketLoop(None, settings)
    with indicators_for(home, lists) as indicators:
        loop.set_indicators(indicators)
    summary = Summary()
    writer = None if form.raw else form.writer(_columns(form), _CSV_FIELDS)

    def take(batch: Batch) -> None:
        if writer is None:
            write_documents(batch.events)
            return
        for line in batch.events.splitlines():
            writer.add(msgspec.json.decode(line))

    read_all(loop, captures, summary, take, time.time_ns)
    if writer is not None:
        writer.close(f"{counted(writer.count, 'event')}    next: {command('scan ' + str(paths[0]))}")
    sys.stdout.flush()
    print_summary(summary, utc=form.utc, alerts=False)
    return exit_code(summary, None)


def _columns(form: Format) -> list[Column]:
    return [
        Column("time", lambda e: short_time(str(e.get("@timestamp", "")), utc=form.utc), drop=2),
        Column("kind", lambda e: str(pick(e, "event.dataset")).removeprefix("bavn.")),
        Column("from", lambda e: endpoint(e, "source")),
        Column("to", lambda e: endpoint(e, "destination"), drop=1),
        Column("what", _what, wide=True),
    ]


def _what(event: dict[str, object]) -> str:
    values = (pick(event, name) for name in TOLD)
    return " ".join(" ".join(map(str, v)) if isinstance(v, list) else str(v) for v in values if v not in (None, [], ""))

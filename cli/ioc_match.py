"""`bavn ioc match`: values, and captures, against the indicators."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from cli import errors
from cli.indicators import indicator_options, indicators_for
from cli.output import Column, Format, format_options, pick
from cli.reading import checksums_option, endpoint, exit_code, loop_settings, short_time, workers_option
from cli.summary import counted, print_summary
from cli.terminal import command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detectors.loop import Batch, Indicators

_STDIN: Final = "-"
_FIELDS: Final = (
    "@timestamp", "threat.indicator.name", "bavn.indicator.type", "threat.indicator.provider",
    "threat.indicator.marking.tlp", "bavn.indicator.confidence", "threat.enrichments.matched.field",
    "bavn.indicator.observed", "source.ip", "source.port", "destination.ip", "destination.port",
    "threat.indicator.description",
)  # fmt: skip
_SHOWN_IN: Final = {"ip": ("dns", "dns.resolved_ip"), "url": ("http", "url.full"), "domain": ("dns", "dns.question.name"),
                    "md5": ("file", "file.hash.md5"), "sha1": ("file", "file.hash.sha1"),
                    "sha256": ("file", "file.hash.sha256"), "ja4": ("tls", "tls.client.ja4")}  # fmt: skip
_SIXTEEN_BYTES: Final = (
    "tls.client.ja3",
    "tls.server.ja3s",
    "ssh.client.hassh",
    "tls.server.hash.md5",
    "file.hash.md5",
)
_KINDS: Final = {"tls": "tls", "ssh": "ssh", "file": "file"}


@click.command()
@click.argument("what", nargs=-1, required=True, metavar="VALUE|FILE…")
@click.option("--fail-on-match", is_flag=True, help="Exit 1 where anything was found.")
@click.option("--at", "moment", metavar="WHEN", help="Whether values match at that time, not now.")
@indicator_options
@checksums_option
@workers_option
@format_options
@click.pass_obj
def match(home: Path, what: tuple[str, ...], fail_on_match: bool, moment: str | None, lists: tuple[Path, ...] | None,
          checksums: str | None, workers: int, form: Format) -> int:  # fmt: skip
    """Say which indicators VALUES are, or occur in captures (FILE: files or folders); - reads values from stdin.

    A packet is judged by its own time: what had ended by then does not match. Exit codes are those of scan.
    """
    captures = tuple(Path(one) for one in what if one != _STDIN and Path(one).exists())
    values = [one for one in what if one == _STDIN or not Path(one).exists()]
    with indicators_for(home, lists) as indicators:
        if indicators is None:
            raise errors.CliError("BAVN-E315", "no indicators are kept here")
        writer = form.writer(_columns(form), _FIELDS)
        for told in _of_values(values, indicators, moment):
            writer.add(told)
        code = (
            _look_through(home, captures, indicators, writer.add, form, checksums, workers) if captures else errors.OK
        )
    writer.close(f"{counted(writer.count, 'hit')}    next: {command('ioc ls VALUE')}")
    if code == errors.OK and writer.count and fail_on_match:
        return errors.FINDINGS
    return code


def _of_values(values: list[str], indicators: Indicators, moment: str | None) -> Iterator[dict[str, Any]]:
    from detectors.indicators.reading import time_named

    now = int(time.time())
    at = time_named(moment, now) if moment else now
    for value in values:
        for one in _lines() if value == _STDIN else [value]:
            yield from _of_value(one, indicators, at)


def _lines() -> Iterator[str]:
    from detectors.indicators.reading import MAX_LINE

    while line := sys.stdin.readline(MAX_LINE):
        if line.strip():
            yield line.strip()


def _of_value(text: str, indicators: Indicators, at: int) -> Iterator[dict[str, Any]]:
    """The indicators that a value is: it is looked up as if the wire had shown it."""
    from detectors.errors import BavnError
    from detectors.indicators.values import parse

    try:
        kind, value = parse(text)
    except BavnError as error:
        errors.report(error)
        return
    events = [msgspec.json.encode(event) for event in _events(kind, value, at)]
    seen = set()
    for told in (msgspec.json.decode(line) for lines in indicators.look(events) for line in lines):
        fields = told["fields"]
        key = (fields["bavn.indicator.type"], fields["threat.indicator.name"])
        if key not in seen:
            seen.add(key)
            fields["bavn.indicator.observed"] = text
            yield nested(fields)


def _events(kind: str, value: str, at: int) -> Iterator[dict[str, Any]]:
    time_ns = at * 1_000_000_000
    if kind == "ip-port":
        ip, _, port = value.rpartition(":")
        ends = {"ip": ["0.0.0.0" if "." in ip else "::", ip.strip("[]")], "port": [0, int(port)]}  # noqa: S104
        flow = {
            "transport": 6,
            "vlan": [None, None],
            "tunnel": 0,
            "start": 0,
            "last": 0,
            "packets": [0, 0],
            "bytes": [0, 0],
        }
        yield {"kind": "flow", "time": time_ns, "flow": {**ends, **flow, "id": 1}}
        return
    if kind == "md5":
        for field in _SIXTEEN_BYTES:
            yield {"kind": _KINDS[field.partition(".")[0]], "time": time_ns, "fields": {field: value}}
        return
    of_sha = {"sha1": "tls.server.hash.sha1", "sha256": "tls.server.hash.sha256"}.get(kind)
    if of_sha:
        yield {"kind": "tls", "time": time_ns, "fields": {of_sha: value}}
    event, field = _SHOWN_IN[kind if kind in _SHOWN_IN else "ip"]
    if kind == "cidr":
        value = value.partition("/")[0]
    yield {"kind": event, "time": time_ns, "fields": {field: [value] if field == "dns.resolved_ip" else value}}
    if kind == "url":
        yield {"kind": "http", "time": time_ns, "fields": {"url.domain": value.partition("/")[0].partition(":")[0]}}


def nested(fields: dict[str, Any]) -> dict[str, Any]:
    """Dotted names as objects."""
    document: dict[str, Any] = {}
    for name, value in fields.items():
        *parents, last = name.split(".")
        node = document
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    return document


def _look_through(home: Path, captures: tuple[Path, ...], indicators: Indicators, add: Any, form: Format,  # noqa: ANN401
                  checksums: str | None, workers: int) -> int:  # fmt: skip
    from cli.captures import Summary, find_captures, read_all
    from detectors.loop import PacketLoop

    settings = loop_settings(home, checksums=checksums, events=True, kinds=("indicator",), workers=workers)
    loop = PacketLoop(None, settings)
    loop.set_indicators(indicators)
    summary = Summary()

    def take(batch: Batch) -> None:
        for line in batch.events.splitlines():
            add(msgspec.json.decode(line))

    read_all(loop, find_captures(captures), summary, take, time.time_ns)
    sys.stdout.flush()
    print_summary(summary, utc=form.utc, alerts=False)
    return exit_code(summary, None)


def _columns(form: Format) -> list[Column]:
    def text(name: str, title: str, *, wide: bool = False, drop: int = 0) -> Column:
        def cell(event: dict[str, Any]) -> str:
            value = pick(event, name)
            return " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)

        return Column(title, cell, wide=wide, drop=drop)

    def when(event: dict[str, Any]) -> str:
        stamp = event.get("@timestamp")
        return short_time(str(stamp), utc=form.utc) if stamp else ""

    return [
        Column("time", when, drop=4),
        text("threat.indicator.name", "indicator", wide=True),
        text("bavn.indicator.type", "type", drop=5),
        text("threat.indicator.provider", "source", drop=2),
        text("threat.indicator.marking.tlp", "tlp", drop=3),
        text("bavn.indicator.observed", "seen", wide=True),
        text("threat.enrichments.matched.field", "in", drop=6),
        Column("from", lambda e: str(pick(e, "source.ip") or ""), drop=7),
        Column("to", lambda e: endpoint(e, "destination"), drop=8),
    ]

"""Runs inside the sandbox: opens a capture with pyshark and prints its packets as JSON Lines."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

from cli import sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PACKETS: Final = 500
MAX_FIELDS: Final = 80
MAX_VALUE: Final = 300
_NOISE: Final = ("_resolved", "_oui", "_lg", "_ig", "_filtered", "_tree")


def summaries(capture: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    """One line a packet, as Wireshark's packet list has it."""
    for packet in capture:
        yield {
            "number": int(packet.no),
            "time": packet.time,
            "source": packet.source,
            "destination": packet.destination,
            "protocol": packet.protocol,
            "length": packet.length,
            "info": packet.info[:MAX_VALUE],
        }


def details(capture: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    """All layers of a packet with their fields."""
    for number, packet in enumerate(capture, 1):
        layers = [{"layer": layer.layer_name, "fields": _fields(layer)} for layer in packet.layers]
        yield {"number": number, "time": str(packet.sniff_timestamp), "length": str(packet.length), "layers": layers}


def _fields(layer: Any) -> dict[str, str]:  # noqa: ANN401
    names = [name for name in layer.field_names if not name.endswith(_NOISE)][:MAX_FIELDS]
    return {name: str(getattr(layer, name, ""))[:MAX_VALUE] for name in names}


def open_capture(path: str, *, brief: bool) -> Any:  # noqa: ANN401
    """Open a capture with pyshark; `brief` gives packet summaries instead of layers."""
    import pyshark
    from pyshark.tshark.output_parser.base_parser import BaseTsharkOutputParser
    from pyshark.tshark.output_parser.tshark_xml import TsharkXmlParser

    class SummaryParser(TsharkXmlParser):  # type: ignore[misc]
        """Reads the heading once; pyshark 0.6 looks for it before each packet and loses the packets meanwhile."""

        async def get_packets_from_stream(  # type: ignore[no-untyped-def]
            self,
            stream,  # noqa: ANN001
            existing_data: bytes,
            got_first_packet: bool = True,  # noqa: FBT002
        ) -> tuple[object, bytes]:
            if self._psml_structure is None:
                existing_data = await self._get_psml_struct(stream)
            read = BaseTsharkOutputParser.get_packets_from_stream
            found: tuple[object, bytes] = await read(self, stream, existing_data, got_first_packet)
            return found

    class Summaries(pyshark.FileCapture):  # type: ignore[misc]
        def _setup_tshark_output_parser(self) -> SummaryParser:
            return SummaryParser(parse_summaries=True)

    kind = Summaries if brief else pyshark.FileCapture
    return kind(path, keep_packets=False, only_summaries=brief, custom_parameters=["-n"])


def main(mode: str, path: str) -> None:
    """Print one JSON document a packet, and a last one with `note` where the capture ends in the middle."""
    from pyshark.capture.capture import TSharkCrashException

    sandbox.forbid_writing()
    brief = mode == "summary"
    capture = open_capture(path, brief=brief)
    shown = 0
    try:
        for row in summaries(capture) if brief else details(capture):
            print(json.dumps(row))
            shown += 1
            if shown >= MAX_PACKETS:
                break
        capture.close()
    except TSharkCrashException as error:
        if not shown:
            raise
        print(json.dumps({"note": str(error).split("\n")[1][:MAX_VALUE]}))


if __name__ == "__main__":
    main(*sys.argv[1:3])

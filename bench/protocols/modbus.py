"""Modbus: every request and every answer with transaction, unit, function, exception, first address.

Differences that were found, and who is right:
- tshark goes by port 502: what else passes there (port scans, other protocols, halves of messages) is Modbus to it. bavn
  asks for a header and a body that fit. bavn is right.
- A segment that tshark marks as repeated, though its bytes are new to the receiver, is left out by the filter; bavn reads
  each byte of the stream once, whenever it comes.
- The server answers an unknown function with an exception of function 0: bavn ties it to the request and tells the
  request's function. They are made alike here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

CASES = ["modbus"]
FILTER = "modbus && !tcp.analysis.retransmission"
FIELDS = [
    "tcp.dstport", "udp.dstport", "mbtcp.trans_id", "mbtcp.unit_id", "modbus.func_code", "modbus.exception_code",
]  # fmt: skip
DECODE_AS = ["tcp.port==15020,mbtcp"]
SERVERS = {"502", "15020"}


def theirs(rows: list[dict[str, list[str]]]) -> Iterator[Hashable]:
    """Give each message that tshark saw."""
    for row in rows:
        asks = bool(SERVERS & {*row["tcp.dstport"], *row["udp.dstport"]})
        exceptions = iter(row["modbus.exception_code"])
        whole = zip(row["mbtcp.trans_id"], row["mbtcp.unit_id"], row["modbus.func_code"], strict=False)
        for transaction, unit, function in whole:
            # Exceptions stand in a list of their own; which message of several they belong to is not told.
            if asks:
                yield ("request", int(transaction), int(unit), int(function))
            else:
                yield ("answer", int(transaction), int(unit))
        for code in exceptions:
            yield ("exception", int(code))


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give each message that bavn saw, request and answer apart."""
    for event in events:
        if event["event"]["dataset"] != "bavn.modbus":
            continue
        said = event["bavn"]["modbus"]
        unobserved = event["bavn"].get("unobserved", [])
        if "bavn.modbus.rtt" not in unobserved or "bavn.modbus.exception" in unobserved:
            yield ("request", said["transaction_id"], said["unit"], said["function_code"])
        if "bavn.modbus.exception" not in unobserved:
            yield ("answer", said["transaction_id"], said["unit"])
        if "exception_code" in said:
            yield ("exception", said["exception_code"])

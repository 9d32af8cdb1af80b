"""S7comm: every job, answer and message of userdata with reference, and the functions and errors among them.

Differences that were found, and who is right:
- A segment that tshark marks as repeated is left out by the filter, though its bytes may be new; bavn reads each byte of
  the stream once.
- A connection seen from its middle, in the middle of a packet: tshark begins again with each segment, bavn needs a packet
  where its bytes begin.
- Userdata in several messages (long lists): tshark counts each, bavn gives each answer an event of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

CASES = ["s7"]
FILTER = "s7comm && !tcp.analysis.retransmission && !tcp.analysis.spurious_retransmission"
FIELDS = ["s7comm.header.rosctr", "s7comm.header.pduref", "s7comm.param.func", "s7comm.header.errcls"]
JOB, ACK, ACK_DATA, USERDATA = "1", "2", "3", "7"


def theirs(rows: list[dict[str, list[str]]]) -> Iterator[Hashable]:
    """Give each message that tshark saw."""
    for row in rows:
        for rosctr, reference in zip(row["s7comm.header.rosctr"], row["s7comm.header.pduref"], strict=False):
            if rosctr == JOB:
                yield ("job", int(reference))
            elif rosctr in {ACK, ACK_DATA}:
                yield ("answer", int(reference))
        if set(row["s7comm.header.rosctr"]) == {JOB}:
            yield from (("function", int(code, 0)) for code in row["s7comm.param.func"])
        yield from (("error", int(code, 0)) for code in row["s7comm.header.errcls"] if int(code, 0))


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give each message that bavn saw, job and answer apart."""
    for event in events:
        if event["event"]["dataset"] != "bavn.s7" or event["bavn"]["s7"].get("message") != "job":
            continue
        said = event["bavn"]["s7"]
        unobserved = event["bavn"].get("unobserved", [])
        answered = "bavn.s7.error_class" not in unobserved
        if "rtt" in said or not answered:
            yield ("job", said["reference"])
            yield ("function", said["function_code"])
        if answered:
            yield ("answer", said["reference"])
        if "error_class_code" in said:
            yield ("error", said["error_class_code"])

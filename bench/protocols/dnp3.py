"""DNP3: every request (addresses, function, sequence number) and every answer's last fragment (function, indications).

Differences that were found, and who is right:
- A capture that begins within a stream or holds a frame with a wrong CRC: each skips what it cannot check, not always the
  same frame.
- A segment that tshark marks as repeated is left out by the filter, though its bytes may be new; bavn reads each byte of
  the stream once.
- An answer in several fragments, or asked by a request that was repeated: bavn joins the indications of all fragments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

CASES = ["dnp3"]
FILTER = "dnp3.al.func && !tcp.analysis.retransmission && !tcp.analysis.spurious_retransmission"
FIELDS = ["dnp3.al.func", "dnp3.al.seq", "dnp3.al.fin", "dnp3.al.iin"]
ANSWERS = {129, 130, 131}


def theirs(rows: list[dict[str, list[str]]]) -> Iterator[Hashable]:
    """Give each message that tshark saw, confirmations apart."""
    for row in rows:
        indications = iter(row["dnp3.al.iin"])
        for function, sequence, final in zip(row["dnp3.al.func"], row["dnp3.al.seq"], row["dnp3.al.fin"], strict=False):
            code = int(function, 0)
            if code in ANSWERS:
                iin = int(next(indications, "0"), 0)
                if final in {"1", "True"}:
                    yield ("answer", code, iin)
            elif code:
                yield ("request", code, int(sequence))


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give each message that bavn saw, request and answer apart."""
    for event in events:
        if event["event"]["dataset"] != "bavn.dnp3":
            continue
        said = event["bavn"]["dnp3"]
        if "function_code" in said:
            yield ("request", said["function_code"], said["sequence"])
        if "response_code" in said:
            yield ("answer", said["response_code"], said["iin"])

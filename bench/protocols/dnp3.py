"""DNP3: every request (addresses, function, sequence number) and every answer's last fragment (function, indications).

Differences that were found, and who is right:
- A capture that begins within a stream or holds a frame with a wrong CRC: each skips what it cannot check, not always the
  same frame.
- A segment that tshark marks as repeated is left out by the filter, though its bytes may be new; bavn reads each byte of
  the stream once.
- Some 30 messages on ports 1080 and 20000: tshark takes the one for SOCKS, bavn goes by content and is right. The others that
  only bavn shows are of repeated segments, of which the filter leaves all out; not each was looked into.
- A frame whose link function carries no user data (reset, test, link status) and yet has a body, 3 on the public captures:
  tshark reads the body as a request. bavn goes by the function (IEEE 1815 9.2.4) and is right.
- Answers to authentication (function 131): tshark 4.0 does not show their indications; they are compared without.
- An answer in several fragments, or asked by a request that was repeated: bavn joins the indications of all fragments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

CASES = ["dnp3"]
FILTER = "dnp3.al.func && !tcp.analysis.retransmission && !tcp.analysis.spurious_retransmission"
FIELDS = ["dnp3.al.func", "dnp3.al.seq", "dnp3.al.fin", "dnp3.al.iin"]
AUTHENTICATION = 131
ANSWERS = {129, 130, AUTHENTICATION}


def theirs(rows: list[dict[str, list[str]]]) -> Iterator[Hashable]:
    """Give each message that tshark saw, confirmations apart."""
    for row in rows:
        indications = iter(row["dnp3.al.iin"])
        for function, sequence, final in zip(row["dnp3.al.func"], row["dnp3.al.seq"], row["dnp3.al.fin"], strict=False):
            code = int(function, 0)
            if code in ANSWERS:
                iin = 0 if code == AUTHENTICATION else int(next(indications, "0"), 0)
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
            code = said["response_code"]
            yield ("answer", code, 0 if code == AUTHENTICATION else said["iin"])

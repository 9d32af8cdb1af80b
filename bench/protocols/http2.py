"""HTTP/2 in clear text against tshark: method, target, authority and status of each stream, as sets of a stream's heads.

Differences found, and who is right:

- Streams of which a capture holds no begin: tshark guesses headers from a table that it did not see, bavn needs the preface.
- A request that came by HTTP/1 and was answered after the upgrade: its request is HTTP/1's for both, its answer HTTP/2's.
- tshark 4.0 does not show pseudo headers of a block that goes on in CONTINUATION frames; bavn does.
"""

from collections.abc import Hashable, Iterator
from typing import Any

CASES = ["http2-clear"]
FILTER = "http2.headers.method or http2.headers.status"
FIELDS = [
    "http2.headers.method",
    "http2.headers.path",
    "http2.headers.status",
]
SWITCHING = 101


def theirs(rows: list[dict[str, list[str]]]) -> Iterator[Hashable]:
    """Give each request and each status; a frame of tshark's holds several."""
    for row in rows:
        for method, path in zip(row["http2.headers.method"], row["http2.headers.path"], strict=False):
            yield ("request", method, path)
        for status in row["http2.headers.status"]:
            if not status.startswith("1"):
                yield ("status", int(status))


def ours(events: list[dict[str, Any]]) -> Iterator[Hashable]:
    """Give the same of the events of HTTP/2."""
    switched: set[int] = set()
    for event in events:
        if event["event"]["dataset"] != "bavn.http":
            continue
        http, flow = event["http"], event["bavn"]["flow"]["id"]
        status = http.get("response", {}).get("status_code")
        if http.get("version") == "2" and "method" in http.get("request", {}):
            yield ("request", http["request"]["method"], event["url"].get("original", ""))
        if status and (http.get("version") == "2" or flow in switched):
            yield ("status", status)
        if status == SWITCHING:
            switched.add(flow)

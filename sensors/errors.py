"""Errors of the sensor's side: a code, a sentence, the evidence, a hint."""

from __future__ import annotations

from typing import Final

CATALOGUE: Final[dict[str, tuple[str, str, str]]] = {
    "BAVN-E101": (
        "the interface cannot be opened",
        "The capture source could not be opened: the interface does not exist, is down, or the process may not capture on it.",
        "list interfaces with `ip link`; run as root or give the process CAP_NET_RAW",
    ),
    "BAVN-E102": (
        "the capture filter is not valid",
        "libpcap could not compile the BPF expression.",
        "test it with `tcpdump -d 'EXPRESSION'`; libpcap must be installed (Debian: libpcap0.8)",
    ),
    "BAVN-E103": (
        "the kernel ring is not to be had",
        "The packet ring (TPACKET_V3) exists on Linux only and needs a packet socket.",
        "use `--source scapy`",
    ),
    "BAVN-E110": (
        "the outbox cannot be written",
        "Alerts are kept on disk until the collector has acknowledged them; the disk is full or the file cannot be written. "
        "bavn holds alerts in memory, within a bound, and tries again.",
        "free disk space under the sensor's home; see `bavn doctor`",
    ),
    "BAVN-E111": (
        "the outbox is damaged",
        "The outbox file is not a database that bavn wrote, or it is corrupt. It is kept beside the new one.",
        "send the kept file to your maintainer; unsent alerts in it may be readable with sqlite3",
    ),
    "BAVN-E120": (
        "the sharing contract is not valid",
        "The contract decides what leaves the agency; a contract that cannot be read lets nothing leave.",
        "compare with `bavn contract show --default`",
    ),
    "BAVN-E121": (
        "the sharing contract has expired",
        "Each contract has a last day; after it nothing leaves until the agency renews it.",
        "renew `expires` in the contract",
    ),
    "BAVN-E130": (
        "the sensor is not enrolled",
        "Certificate, keys or the collector's address are missing from the sensor's home.",
        "make them with `bavn demo`, or ask the centre for an enrolment",
    ),
    "BAVN-E131": (
        "the collector refused the certificate",
        "The collector did not accept this sensor's certificate, or this sensor does not trust the collector's.",
        "check the certificate's dates and issuer: `bavn doctor`",
    ),
    "BAVN-E132": (
        "the collector cannot be reached",
        "No connection to the collector could be made. Alerts stay in the outbox and are sent when it answers.",
        "check address and network; `bavn status` shows the oldest unsent alert",
    ),
    "BAVN-E133": (
        "the collector refused a record",
        "A record was refused for good; it is kept among the dead letters and the others go on.",
        "see `bavn doctor`",
    ),
    "BAVN-E140": (
        "the evidence cannot be kept",
        "The capture of an alert could not be written or does not have the hash that the alert names.",
        "free disk space; a wrong hash means the file was altered",
    ),
    "BAVN-E401": ("the capture is empty", "The file has no bytes.", "check how it was written"),
    "BAVN-E402": (
        "that is no capture",
        "The file begins neither as pcap nor as pcapng, plain or packed with gzip or zstd.",
        "see what it is: file NAME",
    ),
    "BAVN-E403": (
        "the capture is cut",
        "The file ends in the middle of a record. All whole packets before it were read.",
        "the writer was stopped or the disk was full; the rest cannot be had from this file",
    ),
    "BAVN-E404": (
        "the capture is corrupt",
        "A record's length or a block's structure contradicts itself. All packets before it were read.",
        "try to mend it with pcapfix, or read the parts with editcap",
    ),
    "BAVN-E405": (
        "the capture cannot be read",
        "The system refused to open or read the file.",
        "check the path and its permissions",
    ),
    "BAVN-E406": (
        "this form of capture is not supported",
        "The file is a capture, but of a version or with a feature that bavn does not read.",
        "convert it: editcap -F pcapng IN OUT",
    ),
    "BAVN-E407": (
        "the log is no JSON Lines",
        "Logs of other sensors are read line by line, each an object of JSON. This file is one list of JSON, or a log of Zeek "
        "in its own form with tabs.",
        "for Zeek: `@load policy/tuning/json-logs`, or `zeek -C -r … LogAscii::use_json=T`; for a list: jq -c '.[]' FILE",
    ),
    "BAVN-E408": (
        "lines of a log cannot be read",
        "Some lines are no JSON, are cut, break a limit (1 MiB, 32 levels, 65,536 values), hold a key twice, have no time, or are "
        "of no log that is known. They are counted by reason, the first ones are named, and all others were read.",
        "look at the lines named; a log that is still being written ends in a cut line",
    ),
    "BAVN-E409": (
        "lines are read by one worker",
        "Captures can be spread over several workers, logs of other sensors cannot: a line is an event already.",
        "leave out --workers",
    ),
}
"""Code -> title, explanation, hint; `bavn explain CODE` prints it."""


class SensorError(Exception):
    """An error that a person can act on.

    Attributes:
        code: `BAVN-E1nn`, a key of `CATALOGUE`.
        sentence: what went wrong, with the values of this case.
        hint: what to do.
    """

    def __init__(self, code: str, sentence: str, hint: str | None = None) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence
        self.hint = hint if hint is not None else CATALOGUE[code][2]

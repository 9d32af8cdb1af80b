"""Compare bavn's JA4 and HASSH with the published results for published captures.

  python bench/fingerprints.py FOLDER [--events-from COMMAND]

FOLDER is a checkout of github.com/FoxIO-LLC/ja4: `pcap/` holds captures and `rust/ja4/src/snapshots/` what its own
program says of them (JA4, and for SSH the HASSH of either side). Nothing of it is kept here. Ends with 1 where a
fingerprint differs that is not in KNOWN.

Differences that were found:
- An ALPN value whose ends are not alphanumeric: the published result says `99`, as the specification did before it took the
  hex form ("ALPN Extension Value"). bavn goes by the specification as it is now.
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from agree import bavn, events

if TYPE_CHECKING:
    from collections.abc import Iterator

Said = tuple[str, str]
KNOWN = {
    ("ja4", "t13d151699_8daaf6152771_e5627efa2ab1"),
    ("ja4", "t13d1516bd_8daaf6152771_e5627efa2ab1"),
}


def published(snapshot: Path) -> Iterator[Said]:
    """Give the fingerprints that a snapshot names."""
    for name, value in re.findall(r"^ +(ja4|hassh|hassh_server): ([\w-]+)$", snapshot.read_text("utf-8"), re.MULTILINE):
        if value != "null":
            yield name, value


def ours(found: list[dict[str, Any]]) -> Iterator[Said]:
    """Give those of bavn's events; published are JA4 of TLS and QUIC."""
    for event in found:
        if event["event"]["dataset"] in {"bavn.tls", "bavn.quic"} and event["tls"].get("version_protocol") != "dtls":
            yield from (("ja4", value) for value in [event["tls"].get("client", {}).get("ja4")] if value)
        if event["event"]["dataset"] == "bavn.ssh":
            for side, name in (("client", "hassh"), ("server", "hassh_server")):
                value = event.get("ssh", {}).get(side, {}).get("hassh")
                yield from [(name, value)] if value else []


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events-from", type=shlex.split, help="a command that prints a capture's events")
    options = parser.parse_args()
    alike, differ, captures = Counter[str](), Counter[Said](), 0
    with tempfile.TemporaryDirectory() as home:
        for snapshot in sorted((options.folder / "rust/ja4/src/snapshots").glob("*@*.snap")):
            capture = options.folder / "pcap" / snapshot.stem.partition("@")[2]
            if not capture.exists():
                continue
            captures += 1
            theirs = Counter(published(snapshot))
            mine = Counter(ours(events(capture, options.events_from or bavn(home))))
            alike.update(name for name, _ in (theirs & mine).elements())
            for side, only in (("published", theirs - mine), ("bavn", mine - theirs)):
                for said, count in only.items():
                    differ[said] += count
                    print(f"only {side}: {capture.name} {count} x {said}")
    print(f"{captures} captures: {dict(alike)} alike, {sum(differ.values())} differ")
    sys.exit(int(bool(differ.keys() - KNOWN) or not alike))


if __name__ == "__main__":
    main()

"""`bavn version`: versions of bavn and of what it stands on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from typing import Final

import click

from cli.safe import json_line

_PARTS: Final = ("pysigma", "scapy", "apsw", "cryptography", "elasticsearch", "pyshark", "click", "rich")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def version(as_json: bool) -> None:
    """Versions of bavn and its parts."""
    parts = {name: _version(name) for name in _PARTS}
    if as_json:
        print(json_line({"bavn": installed("bavn"), "python": platform.python_version(), **parts}, terminal=False))
        return
    print(f"bavn {installed('bavn')}  (EUPL-1.2)")
    print(f"python {platform.python_version()} on {platform.system()} {platform.machine()}")
    for name, number in parts.items():
        print(f"{name} {number or 'not installed'}")


def _version(name: str) -> str | None:
    try:
        return installed(name)
    except PackageNotFoundError:
        return None

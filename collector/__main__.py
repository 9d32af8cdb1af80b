"""`python -m collector FILE`: runs the collector of a configuration file."""

from __future__ import annotations

import argparse
import logging
import sys

from collector import config
from collector.errors import BavnError
from collector.server import serve


def main() -> int:
    """Exit codes: 0 ended by a signal, 2 usage, 3 configuration or files."""
    parser = argparse.ArgumentParser(prog="python -m collector", description="Runs the collector.")
    parser.add_argument("config", help="TOML file with a [collector] table")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("elastic_transport").setLevel(logging.WARNING)
    try:
        serve(config.load(options.config), ready=_say)
    except BavnError as error:
        sys.stderr.write(f"{error}\n  = {error.hint}\n")
        return 3
    return 0


def _say(port: int) -> None:
    sys.stdout.write(f"listening on port {port}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

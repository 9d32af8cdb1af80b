"""`bavn collector`: the centre's side."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from cli import errors


@click.group()
def collector() -> None:
    """Run the collector."""


@collector.command()
@click.pass_obj
def run(home: Path) -> int:
    """Take alerts from sensors over HTTPS into the store that the home's bavn.toml names; until SIGTERM or Ctrl-C."""
    from cli.store import load_config
    from collector.server import serve

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    serve(load_config(home), ready=lambda port: print(f"listening on port {port}", flush=True))
    return errors.OK


@collector.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--agency", required=True, help="The agency's id.")
@click.option("--sensor", required=True, help="The sensor's id.")
@click.option("--address", default="https://127.0.0.1:9443", help="Where the sensor reaches this collector.")
@click.pass_obj
def enrol(home: Path, directory: Path, agency: str, sensor: str, address: str) -> int:
    """Make a sensor's home in DIRECTORY: certificate, keys and configuration, known to this collector.

    The authority and the collector's own certificate and configuration are made at the first call.
    """
    from cli.setup import make_centre, make_sensor

    make_centre(home)
    make_sensor(home, directory, agency, sensor, address)
    print(f"{agency}/{sensor}: copy {directory} to the sensor's box, then: bavn --home {directory} sensor run -i IFACE")
    return errors.OK

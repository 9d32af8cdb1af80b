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
@click.option("--name", "names", multiple=True, help="Host name or address that sensors use (may be repeated).")
@click.option("--listen", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 is all.")
@click.option("--port", default=9443, show_default=True, type=click.IntRange(0, 65535))
@click.option("--store", default="sqlite:alerts.db", show_default=True, help="sqlite:PATH or elastic:URL.")
@click.pass_obj
def init(home: Path, names: tuple[str, ...], listen: str, port: int, store: str) -> int:
    """Make the authority, the server's certificate and the configuration of a collector; what is there stays."""
    from cli.setup import LOCAL_NAMES, Centre, make_centre

    make_centre(home, Centre((*names, *LOCAL_NAMES), listen, port, store))
    print(f"{home}: authority, server certificate and bavn.toml are there    next: bavn collector enrol DIRECTORY …")
    return errors.OK


@collector.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--agency", required=True, help="The agency's id.")
@click.option("--sensor", required=True, help="The sensor's id.")
@click.option(
    "--address", default="https://localhost:9443", show_default=True, help="Where the sensor reaches the collector."
)
@click.option(
    "--hours", default=72, show_default=True, type=click.IntRange(1, 24 * 366), help="Life of the certificate."
)
@click.option("--reinstate", is_flag=True, help="Let a revoked sensor send again.")
@click.pass_obj
def enrol(home: Path, directory: Path, agency: str, sensor: str, address: str, hours: int, *, reinstate: bool) -> int:
    """Make a sensor's home in DIRECTORY: certificate, keys and configuration, known to this collector.

    For a sensor's home that is there already, the certificate is issued anew and the keys stay. The centre is made
    with its defaults where it is not there yet (see `bavn collector init`). A revoked sensor stays revoked
    without --reinstate.
    """
    from datetime import timedelta

    from cli.setup import Centre, make_centre, make_sensor
    from sensors.identity import SensorConfig

    make_centre(home, Centre())
    config = SensorConfig(agency=agency, sensor=sensor, collector=address)
    make_sensor(home, directory, config, timedelta(hours=hours), reinstate=reinstate)
    print(f"{agency}/{sensor}: copy {directory} to the sensor's box, then: bavn --home {directory} sensor run -i IFACE")
    return errors.OK


@collector.command()
@click.option("--agency", required=True)
@click.option("--sensor", required=True)
@click.pass_obj
def revoke(home: Path, agency: str, sensor: str) -> int:
    """Take the right to send from a sensor, at once, also on open connections."""
    from cli.store import load_config
    from collector.registry import Registry

    config = load_config(home)
    Registry(config.path(config.registry)).revoke(agency, sensor)
    print(f"{agency}/{sensor} may no longer send")
    return errors.OK


@collector.command()
@click.option("--name", "names", multiple=True, required=True, help="Host name or address that sensors use.")
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, 366))
@click.pass_obj
def renew(home: Path, names: tuple[str, ...], days: int) -> int:
    """Issue the collector's own certificate anew; then start the collector again."""
    from datetime import timedelta

    from cli.setup import LOCAL_NAMES, renew_centre

    renew_centre(home, (*names, *LOCAL_NAMES), timedelta(days=days))
    print("the collector's certificate was issued anew; start the collector again")
    return errors.OK

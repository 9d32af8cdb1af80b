"""Runs the real thing for tests: the command, a collector on loopback, homes, namespaces."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PCAPS = ROOT / "pcaps"
NAMESPACE = ["unshare", "-rUn"]


def bavn(*arguments: str | Path, home: Path | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the command as its own process."""
    place = ["--home", str(home)] if home else []
    command = [sys.executable, "-P", "-m", "cli", *place, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if check and done.returncode != 0:
        message = f"{arguments} ended with {done.returncode}:\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}"
        raise AssertionError(message)
    return done


def namespaces_allowed() -> bool:
    """Tell whether an own user and network namespace can be had."""
    try:
        return subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@contextmanager
def collector(home: Path) -> Iterator[str]:
    """Run a collector of a home on a free port; gives its address."""
    command = [sys.executable, "-P", "-m", "cli", "--home", str(home), "collector", "run"]
    with (
        (home / "collector.log").open("wb") as log,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
        ) as process,
    ):
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line.startswith("listening on port "), (home / "collector.log").read_text()
            yield f"https://localhost:{int(line.split()[-1])}"
        finally:
            process.terminate()
            process.wait(30)

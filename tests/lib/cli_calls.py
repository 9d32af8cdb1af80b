"""Calls of the installed command: in a pipe, and on a terminal of its own."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = [sys.executable, "-P", "-m", "cli"]
LIMIT_S = 60.0


@dataclass(frozen=True)
class Done:
    """What came of a call."""

    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """A small environment, the same on every machine."""
    keep = {name: os.environ[name] for name in ("PATH", "XDG_CACHE_HOME") if name in os.environ}
    return {"LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": "/nonexistent", **keep, **more}


def call(*arguments: object, home: Path, stdin: bytes = b"", cwd: Path | None = None, **env: str) -> Done:
    """Call the command with pipes."""
    command = [*COMMAND, "--home", str(home), *map(str, arguments)]
    done = subprocess.run(
        command, input=stdin, capture_output=True, env=environment(**env), timeout=LIMIT_S, check=False, cwd=cwd
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def on_terminal(*arguments: object, home: Path, columns: int = 120, **env: str) -> Done:
    """Call the command on a terminal; stdout and stderr come together, lines end with a newline alone."""
    command = [*COMMAND, "--home", str(home), *map(str, arguments)]
    leader, follower = pty.openpty()
    with subprocess.Popen(
        command, stdin=follower, stdout=follower, stderr=follower, env=environment(COLUMNS=str(columns), **env)
    ) as child:
        os.close(follower)
        out = _read_all(leader)
        code = child.wait(LIMIT_S)
    os.close(leader)
    return Done(code, out.decode().replace("\r\n", "\n"), "")


def _read_all(leader: int) -> bytes:
    out = b""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        if not select.select([leader], [], [], 1.0)[0]:
            continue
        try:
            piece = os.read(leader, 65_536)
        except OSError:
            return out
        if not piece:
            return out
        out += piece
    raise AssertionError("the command did not end")

"""What runs in the sandbox reaches nothing outside of it."""

from __future__ import annotations

import os
import resource
from typing import TYPE_CHECKING

from cli import sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TRIES = """
import os, sys
from cli import sandbox
path, secret, pid = sys.argv[1], sys.argv[2], int(sys.argv[3])
sandbox.forbid_writing()
for name, call in (
    ("truncate", lambda: os.truncate(path, 0)),
    ("write", lambda: open(path, "ab")),
    ("kill", lambda: os.kill(pid, 0)),
    ("read", lambda: open(secret).read()),
):
    try:
        call()
        print(name)
    except OSError:
        pass
print("end")
"""


def test_nothing_outside_is_reached(tmp_path: Path, need: Callable[..., None]) -> None:
    need("unshare")
    (tmp_path / "home").mkdir()
    for name in ("file", "home/secret"):
        (tmp_path / name).write_text("x")
    runner = "import sys; exec(sys.argv.pop(1))"
    arguments = [TRIES, str(tmp_path / "file"), str(tmp_path / "home/secret"), str(os.getpid())]
    output = sandbox.run_code(runner, arguments, (str(tmp_path / "home"),))
    assert output == b"end\n"
    assert (tmp_path / "file").read_text() == "x"


def test_output_is_cut_at_a_line_and_does_not_grow_the_parent(need: Callable[..., None]) -> None:
    need("unshare")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    output = sandbox.run_code("for _ in range(700): print('x' * (1 << 20))", [])
    assert len(output) <= sandbox.OUTPUT_BYTES
    assert output.endswith(b"x\n")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10

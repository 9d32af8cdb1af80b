"""Writes the README's picture of the demo: runs `bavn demo` in a pseudo-terminal and keeps what a first-time user sees.

python scripts/record_demo.py        (the command must be on the PATH or beside this python)
"""

from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = 118
BEGIN, END = "<!-- demo -->\n", "<!-- /demo -->"


def record(home: str) -> str:
    """Run the demo on a terminal of its own and give its text without colours."""
    master, slave = pty.openpty()
    ioctl(slave, TIOCSWINSZ, struct.pack("HHHH", 60, COLUMNS, 0, 0))
    command = [str(Path(sys.executable).parent / "bavn"), "--home", home, "demo"]
    with subprocess.Popen(
        command, stdout=slave, stderr=slave, cwd=ROOT, env={**os.environ, "COLUMNS": str(COLUMNS)}
    ) as run:
        os.close(slave)
        chunks = []
        while True:
            try:
                chunk = os.read(master, 1 << 16)
            except OSError:
                break
            if not chunk:
                break
            chunks.append(chunk)
        run.wait()
    text = b"".join(chunks).decode().replace("\r\n", "\n")
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def shorten(text: str, home: str) -> str:
    """Leave out what is this machine's: the home, and lines' trailing blanks."""
    text = text.replace(f"{Path(sys.executable).parent}/bavn", "bavn").replace(home, "HOME")
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def main() -> None:
    """Put the recording between the marks in README.md."""
    with tempfile.TemporaryDirectory() as home:
        text = shorten(record(home), home)
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    readme.write_text(f"{before}{BEGIN}```\n$ make demo\n{text}\n```\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()

"""A sandbox for dissecting hostile captures: own user and network namespace, no writing, limits on all it may use.

Wireshark's dissectors are large and have many advisories a year; what they do to a hostile capture stays in here.
"""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import subprocess
import sys
from typing import Final

from cli.errors import CliError

MEMORY_BYTES: Final = 2 << 30
CPU_SECONDS: Final = 30
WALL_SECONDS: Final = 60
OUTPUT_BYTES: Final = 8 << 20
OPEN_FILES: Final = 256

# linux/landlock.h and asm-generic/unistd.h
_LANDLOCK_CREATE_RULESET: Final = 444
_LANDLOCK_RESTRICT_SELF: Final = 446
_PR_SET_NO_NEW_PRIVS: Final = 38
_WRITE_ACCESS: Final = 0b1_1111_1111_0010
"""Rights of Landlock's first version that change anything: write, remove and make of every kind."""


def require() -> None:
    """Make sure that a sandbox can be had here.

    Raises:
        CliError: BAVN-E303 where it cannot.
    """
    if sys.platform != "linux" or shutil.which("unshare") is None:
        raise CliError("BAVN-E303", "namespaces need Linux and `unshare`")
    probe = subprocess.run(["unshare", "-rUn", "true"], capture_output=True, check=False, timeout=10)
    if probe.returncode != 0:
        raise CliError("BAVN-E303", "this machine does not allow an own user and network namespace")


def run(module: str, arguments: list[str]) -> bytes:
    """Run a module of ours in the sandbox and give its output.

    Raises:
        CliError: BAVN-E303 where there is no sandbox, or what ran in it broke a limit or failed.
    """
    require()
    command = ["unshare", "-rUn", sys.executable, "-P", "-m", module, *arguments]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
    try:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
            preexec_fn=limit, start_new_session=True,  # noqa: PLW1509
        ) as child:  # fmt: skip
            try:
                output, errors = child.communicate(timeout=WALL_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, 9)
                raise CliError("BAVN-E303", f"the dissection took over {WALL_SECONDS} s and was ended") from None
    except OSError as error:
        raise CliError("BAVN-E303", str(error)) from error
    if child.returncode != 0:
        last = errors.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"ended with {child.returncode}"]
        raise CliError("BAVN-E303", f"the dissection failed: {last[0][:200]}")
    return output[:OUTPUT_BYTES]


def limit() -> None:
    """Bound memory, CPU time, file sizes and descriptors of the process that is about to start."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def forbid_writing() -> bool:
    """Take from this process, and all that it starts, the right to change any file (Landlock).

    Returns:
        False where the kernel has no Landlock; namespaces and limits hold all the same.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    handled = ctypes.c_uint64(_WRITE_ACCESS)
    ruleset = libc.syscall(_LANDLOCK_CREATE_RULESET, ctypes.byref(handled), ctypes.sizeof(handled), 0)
    if ruleset < 0:
        return False
    try:
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return bool(libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)

"""A sandbox for dissecting hostile captures: own user and network namespace, no writing, limits on all it may use.

Wireshark's dissectors are large and have many advisories a year; what they do to a hostile capture stays in here.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import shutil
import subprocess
import sys
import time
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
_LANDLOCK_VERSION: Final = 1
_WRITE_ACCESS: Final = ((1, 0b1_1111_1111_0010), (2, 1 << 13), (3, 1 << 14), (5, 1 << 15))
"""Rights that change anything, by Landlock's version: write, remove, make; move; truncate; ioctl of devices."""
_SCOPES: Final = 0b11
"""Abstract sockets and signals to the outside; version 6."""
_SCOPES_SINCE: Final = 6
_UNSHARE: Final = ("unshare", "-rUnmpi", "--fork", "--kill-child", "--mount-proc")
_MOUNTS: Final = 'while [ "$1" != -- ]; do mount -t tmpfs -o ro tmpfs "$1" || exit 1; shift; done; shift; exec "$@"'
PROCESSES: Final = 64


def require() -> None:
    """Make sure that a sandbox can be had here.

    Raises:
        CliError: BAVN-E303 where it cannot.
    """
    if sys.platform != "linux" or shutil.which("unshare") is None:
        raise CliError("BAVN-E303", "namespaces need Linux and `unshare`")
    probe = subprocess.run(
        [*_UNSHARE, "sh", "-c", _MOUNTS, "sh", "/run", "--", "true"], capture_output=True, check=False, timeout=10
    )
    if probe.returncode != 0:
        raise CliError("BAVN-E303", "this machine does not allow an own user, mount and network namespace")


def run(module: str, arguments: list[str], hidden: tuple[str, ...] = ()) -> bytes:
    """Run a module of ours in the sandbox, with the `hidden` folders empty, and give its output.

    Raises:
        CliError: BAVN-E303 where there is no sandbox, or what ran in it broke a limit or failed.
    """
    return _run(["-m", module, *arguments], hidden)


def run_code(code: str, arguments: list[str], hidden: tuple[str, ...] = ()) -> bytes:
    """Run Python code in the sandbox as `run` does a module."""
    return _run(["-c", code, *arguments], hidden)


def _run(arguments: list[str], hidden: tuple[str, ...]) -> bytes:
    require()
    command = [*_UNSHARE, "sh", "-c", _MOUNTS, "sh", "/run", *hidden, "--", sys.executable, "-P", *arguments]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
    try:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
            preexec_fn=limit, start_new_session=True,  # noqa: PLW1509
        ) as child:  # fmt: skip
            try:
                output, errors = _collect(child)
            except TimeoutError:
                raise CliError("BAVN-E303", f"the dissection took over {WALL_SECONDS} s and was ended") from None
            finally:
                if child.poll() is None:
                    os.killpg(child.pid, 9)
    except OSError as error:
        raise CliError("BAVN-E303", str(error)) from error
    if len(output) > OUTPUT_BYTES:
        return bytes(output[: output.rfind(b"\n", 0, OUTPUT_BYTES) + 1])
    if child.returncode != 0:
        last = errors.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"ended with {child.returncode}"]
        raise CliError("BAVN-E303", f"the dissection failed: {last[0][:200]}")
    return bytes(output)


def _collect(child: subprocess.Popen[bytes]) -> tuple[bytearray, bytearray]:
    """Read output and errors to their end, and no further than one byte over the limit."""
    assert child.stdout is not None  # noqa: S101  (both are pipes)
    assert child.stderr is not None  # noqa: S101
    read = {child.stdout.fileno(): bytearray(), child.stderr.fileno(): bytearray()}
    found = list(read.values())
    end = time.monotonic() + WALL_SECONDS
    while read and max(map(len, found)) <= OUTPUT_BYTES:
        ready, _, _ = select.select(list(read), [], [], max(0.0, end - time.monotonic()))
        if not ready:
            raise TimeoutError
        for handle in ready:
            part = os.read(handle, 1 << 16)
            read[handle] += part
            if not part:
                del read[handle]
    if not read:
        child.wait(5)
    return found[0], found[1]


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
    resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)
    rights = sum(bits for since, bits in _WRITE_ACCESS if since <= version)
    scopes = _SCOPES if version >= _SCOPES_SINCE else 0
    # struct landlock_ruleset_attr: file rights, network rights, scopes; older kernels know a part of it.
    attributes = (ctypes.c_uint64 * (3 if scopes else 1))(rights, *((0, scopes) if scopes else ()))
    ruleset = libc.syscall(_LANDLOCK_CREATE_RULESET, ctypes.byref(attributes), ctypes.sizeof(attributes), 0)
    if ruleset < 0:
        return False
    try:
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return bool(libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)

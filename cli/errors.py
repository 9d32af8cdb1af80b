"""How errors reach a person: code, sentence, evidence, hint; and which exit code they end with."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, NoReturn, TypeGuard

from cli.safe import safe

if TYPE_CHECKING:

    class Coded(Exception):  # noqa: N818  (each package names its own)
        """An error that carries a code; each package has its own class."""

        code: str


OK: Final = 0
FINDINGS: Final = 1
USAGE: Final = 2
UNREADABLE: Final = 3
UNREACHABLE: Final = 4
PARTIAL: Final = 5
INTERRUPTED: Final = 130

CATALOGUE: Final[dict[str, tuple[str, str, str]]] = {
    "BAVN-E301": (
        "no such alert",
        "No alert has this id or begins with it, or several do.",
        "list them: bavn alerts ls",
    ),
    "BAVN-E302": (
        "nothing to explain",
        "The name is no code of bavn's, no rule that is loaded and no alert in the store.",
        "codes look like BAVN-E031; rules: bavn rules ls; alerts: bavn alerts ls",
    ),
    "BAVN-E303": (
        "no sandbox for deep inspection",
        "Evidence is dissected only inside a sandbox with its own user and network namespace and limits; this machine "
        "does not allow one, or tshark is not installed.",
        "allow user namespaces, install tshark, or read the packets with --scapy",
    ),
    "BAVN-E304": (
        "the path cannot be read",
        "The file or folder does not exist or may not be read.",
        "check the path and its permissions",
    ),
    "BAVN-E305": (
        "no store is set up here",
        "No collector is set up in this home, so there are no alerts to show.",
        "try `bavn demo`, or name the home with --home",
    ),
    "BAVN-E306": (
        "a part is not installed",
        "This command needs an optional part of bavn.",
        "pip install 'bavn[all]'",
    ),
    "BAVN-E307": (
        "other distributions installed the same names",
        "Another Python distribution brings a top-level package called sensors, detectors, collector or cli.",
        "give bavn a virtual environment of its own",
    ),
    "BAVN-E308": (
        "the access log has been altered",
        "A record of the access log, or its order, is not what its tree says.",
        "keep the file, compare with the published checkpoints: bavn minlog verify",
    ),
    "BAVN-E309": (
        "the demo could not be set up",
        "A part of the demo did not start.",
        "see the message above; `bavn doctor` checks this machine",
    ),
    "BAVN-E310": (
        "no rule to run",
        "The path holds no rule, or none that can run, so nothing would be detected.",
        "see why: bavn rules check PATH",
    ),
    "BAVN-E311": (
        "no sensor has run here",
        "This home has no status of a sensor.",
        "start one: bavn sensor run -i IFACE, or name the home with --home",
    ),
    "BAVN-E312": (
        "the system refused",
        "A file, a folder or a device could not be read or written.",
        "check the path, its permissions and the space on its disk",
    ),
    "BAVN-E313": (
        "no rule test",
        "There is no test beside the rules that were named.",
        "a test stands beside its rule: my_rule.yml, my_rule.test.yml",
    ),
    "BAVN-E314": (
        "the file is already there",
        "A scaffold never replaces a rule or a test that somebody wrote.",
        "name another file",
    ),
    "BAVN-E315": (
        "no indicators to look for",
        "Nothing is kept in this home, and no list was named.",
        "keep some: bavn ioc import LIST, or name a list with --indicators",
    ),
}
"""Code -> title, explanation, hint; `bavn explain CODE` prints it."""


class CliError(Exception):
    """An error of the command line.

    Attributes:
        code: `BAVN-E3nn`.
        sentence: what went wrong here.
        hint: what to do.
        exit_code: what the process ends with.
    """

    def __init__(self, code: str, sentence: str, hint: str | None = None, exit_code: int = UNREADABLE) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence
        self.hint = hint if hint is not None else CATALOGUE[code][2]
        self.exit_code = exit_code


def catalogue() -> dict[str, tuple[str, str, str]]:
    """Join the catalogues of all packages."""
    import collector.errors
    import detectors.errors
    import sensors.errors

    return detectors.errors.CATALOGUE | sensors.errors.CATALOGUE | collector.errors.CATALOGUE | CATALOGUE


_UNREACHABLE_CODES: Final = frozenset({"BAVN-E132", "BAVN-E131"})


_OPTIONAL: Final = {
    "uvicorn": "collector", "starlette": "collector", "elasticsearch": "elastic", "pyshark": "evidence",
}  # fmt: skip


def has_code(error: Exception) -> TypeGuard[Coded]:
    """Tell whether an error carries a code."""
    return isinstance(getattr(error, "code", None), str)


def coded(error: Exception) -> Exception | None:
    """Give an error that carries a code; None where there is none for it."""
    if has_code(error):
        return error
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] in _OPTIONAL:
        extra = _OPTIONAL[(error.name or "").split(".")[0]]
        return CliError("BAVN-E306", f"{error.name} is not installed", f"pip install 'bavn[{extra}]'")
    if isinstance(error, OSError) and error.strerror:
        return CliError("BAVN-E312", f"{error.filename or 'the system says'}: {error.strerror}")
    return None


def exit_code_of(error: Exception) -> int:
    """Give the exit code of an error that carries a code."""
    own = getattr(error, "exit_code", None)
    if isinstance(own, int):
        return own
    return UNREACHABLE if getattr(error, "code", "") in _UNREACHABLE_CODES else UNREADABLE


def report(error: Exception) -> None:
    """Print an error that carries code, sentence and hint to stderr."""
    code = getattr(error, "code", "BAVN-E000")
    print(f"error[{code}]: {safe(getattr(error, 'sentence', error))}", file=sys.stderr)
    evidence = getattr(error, "evidence", "")
    if evidence:
        print(f"  | {safe(evidence)}", file=sys.stderr)
    hint = getattr(error, "hint", "")
    if hint:
        print(f"  = hint: {safe(hint)}", file=sys.stderr)
    print(f"  = more: bavn explain {code}", file=sys.stderr)


def stop(error: Exception) -> NoReturn:
    """Report an error and end the process with its exit code."""
    report(error)
    raise SystemExit(exit_code_of(error))

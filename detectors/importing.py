"""Takes the network rules of a folder that others keep (a clone of SigmaHQ, a release): which run here, which do not and why.

What runs is copied unchanged into a folder of its own, with the licence, a notice that names each rule's author, and a lock file.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from detectors import rulefiles, taxonomy
from detectors.check import LOCK, TEST_SUFFIX, Refused, RuleFile, RuleSet
from detectors.errors import BavnError
from detectors.fields import native
from detectors.rawfiles import RuleFileError, read_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from detectors.check import LoadedRule

NOTICE: Final = "NOTICE.md"
FORMAT: Final = "bavn-rules-import"
VERSION: Final = 1
MAX_FILES: Final = 50_000

# Logs that are written on the network; the rest of a clone is about hosts, clouds and applications.
_CATEGORIES: Final = frozenset({"dns", "firewall", "proxy", "webserver"})
_PRODUCTS: Final = frozenset({"bavn", "zeek"})
_LICENCES: Final = ("LICENSE", "LICENSE.*", "LICENCE", "LICENCE.*", "COPYING", "NOTICE", "NOTICE.*")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where rules came from; `remote` and `commit` are empty where the folder is no git clone."""

    path: str
    remote: str
    commit: str


@dataclass(frozen=True, slots=True)
class Found:
    """The rules of a folder, judged; `raw` has each read file by its name."""

    origin: Origin
    rules: RuleSet
    raw: Mapping[str, bytes]

    def of_status(self, status: str) -> list[Refused]:
        """Rules that do not run: unfillable or refused."""
        return [item for item in self.rules.refused if item.status == status]

    def to_dict(self) -> dict[str, list[dict[str, Any]]]:
        """Runnable, unfillable, refused; the last two with their reasons."""
        runnable = [
            {"id": r.id, "title": r.title, "source": r.source, "kinds": list(r.kinds)} for r in self.rules.rules
        ]
        return {
            "runnable": runnable,
            "unfillable": [_reasons(item) for item in self.of_status("unfillable")],
            "refused": [_reasons(item) for item in self.of_status("refused")],
        }


@dataclass(frozen=True, slots=True)
class Changes:
    """What an import changed in the folder that it wrote, by file."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


def _reasons(item: Refused) -> dict[str, Any]:
    reasons = [{"code": d.code, "sentence": d.sentence, "line": d.line} for d in item.reasons]
    return {"id": item.id, "title": item.title, "source": item.source, "reasons": reasons}


# -- reading ------------------------------------------------------------------------------


def look(root: Path, *, everything: bool = False) -> Found:
    """Judges the network rules below a folder, or every rule. Raises BavnError (E001, E065)."""
    if not root.is_dir():
        raise BavnError("BAVN-E001", f"there is no folder {root}", "Name a clone or an unpacked release.")
    files: list[RuleFile] = []
    unreadable: list[Refused] = []
    for path in _rule_files(root):
        source = path.relative_to(root).as_posix()
        try:
            raw = read_file(path, source)[0]
        except RuleFileError as error:
            unreadable.append(Refused("", "", source, "refused", (error.diagnostic,)))
            continue
        if everything or _is_about_networks(raw, source):
            files.append(RuleFile(source, raw, root.name))
    from detectors.loader import compile_files  # noqa: PLC0415  (brings pySigma)

    found = compile_files(files, native(), taxonomy.packaged(), None)
    rules = RuleSet(found.plan, found.rules, (*unreadable, *found.refused), found.warnings)
    return Found(origin(root), rules, {file.source: file.raw for file in files})


def _rule_files(root: Path) -> Iterator[Path]:
    """Rule files in the folders `rules*`, or anywhere where there is none of these; links that lead out are left alone."""
    folders = [p for p in sorted(root.iterdir()) if p.is_dir() and p.name.startswith("rules")] or [root]
    count = 0
    for path in (p for folder in folders for p in sorted(folder.rglob("*"))):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if hidden or path.suffix not in (".yml", ".yaml") or path.name.endswith(TEST_SUFFIX):
            continue
        if not path.is_file() or not path.resolve().is_relative_to(root.resolve()):
            continue
        count += 1
        if count > MAX_FILES:
            raise BavnError("BAVN-E065", f"there are more than {MAX_FILES} rule files in {root}")
        yield path


def _is_about_networks(raw: bytes, source: str) -> bool:
    """True where a document names a log of the network, is a correlation, or cannot be read: then it is told of."""
    try:
        documents = rulefiles.parse(rulefiles.decode(raw, source), source)
    except RuleFileError:
        return True
    return any(is_network(document.data) for document in documents)


def is_network(data: Any) -> bool:  # noqa: ANN401
    """True for a rule of a log that is written on the network, and for what has no log source of its own."""
    if not isinstance(data, dict) or "correlation" in data:
        return True
    source = data.get("logsource")
    if not isinstance(source, dict):
        return True
    return source.get("product") in _PRODUCTS or (source.get("category") in _CATEGORIES)


def origin(root: Path) -> Origin:
    """Commit and remote of a clone, read from its files: no program runs on what others wrote."""
    git = root / ".git"
    return Origin(str(root), _remote(git), _commit(git))


def _commit(git: Path) -> str:
    head = _text(git / "HEAD").strip()
    name = head.removeprefix("ref: ")
    if name == head or ".." in name:
        return head if _COMMIT.fullmatch(head) else ""
    loose = _text(git / name).strip()
    if _COMMIT.fullmatch(loose):
        return loose
    packed = (line.split(" ") for line in _text(git / "packed-refs").splitlines())
    return next((line[0] for line in packed if line[1:] == [name]), "")


def _remote(git: Path) -> str:
    config = configparser.ConfigParser(strict=False, interpolation=None)
    try:
        config.read_string(_text(git / "config"))
    except configparser.Error:
        return ""
    return config.get('remote "origin"', "url", fallback="")


def _text(path: Path) -> str:
    try:
        return read_file(path)[1]
    except RuleFileError:
        return ""


# -- writing ------------------------------------------------------------------------------


def write(found: Found, target: Path, *, now: str) -> Changes:
    """Copies what runs into `target`, which is made anew. `now`: RFC 3339.

    Raises BavnError (E064) where `target` holds something that no import wrote, or that was changed since.
    """
    before = _files_of(target)
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    lock = _lock(found, now)
    for name in lock["files"]:
        _put(fresh / name, found.raw[name])
    for licence in _licences(Path(found.origin.path)):
        _put(fresh / licence.name, licence.read_bytes())
    _put(fresh / NOTICE, notice(found).encode())
    _put(fresh / LOCK, (json.dumps(lock, indent=1, ensure_ascii=False) + "\n").encode())
    _replace(fresh, target)
    return _changes(before, lock["files"])


def _replace(fresh: Path, target: Path) -> None:
    """The old folder stays until the new one is whole."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _licences(root: Path) -> list[Path]:
    found = {p for pattern in _LICENCES for p in root.glob(pattern) if p.is_file() and not p.is_symlink()}
    return sorted(p for p in found if p.name != NOTICE)


def _files_of(target: Path) -> dict[str, str]:
    """File -> digest of the import that stands there; empty where there is none."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return {}
    try:
        lock = json.loads((target / LOCK).read_bytes())
        files: dict[str, str] = dict(lock["files"]) if lock["format"] == FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BavnError("BAVN-E064", f"{target} holds something that no import wrote") from error
    altered = [name for name, digest in files.items() if _digest_of(target / name) not in (digest, "")]
    if altered:
        raise BavnError("BAVN-E064", f"{altered[0]} was changed in {target} since its import")
    return files


def _digest_of(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> Changes:
    return Changes(
        tuple(sorted(after.keys() - before.keys())),
        tuple(sorted(name for name in after.keys() & before.keys() if after[name] != before[name])),
        tuple(sorted(before.keys() - after.keys())),
    )


def _lock(found: Found, now: str) -> dict[str, Any]:
    runnable = sorted({rule.source for rule in found.rules.rules})
    return {
        "format": FORMAT,
        "version": VERSION,
        "imported": now,
        "origin": {"path": found.origin.path, "remote": found.origin.remote, "commit": found.origin.commit},
        "files": {name: hashlib.sha256(found.raw[name]).hexdigest() for name in runnable},
        "licences": {p.name: _digest_of(p) for p in _licences(Path(found.origin.path))},
        **found.to_dict(),
    }


def notice(found: Found) -> str:
    """What the licence of others asks for: origin, and each rule's title, author and references."""
    where = found.origin.remote or found.origin.path
    commit = f", commit {found.origin.commit}" if found.origin.commit else ""
    lines = [
        "# Notice",
        "",
        f"The rules in this folder come unchanged from {where}{commit}.",
        "They are under their own licence, which stands beside this file; alerts name each rule's author.",
        "",
        *(_credit(rule) for rule in sorted(found.rules.rules, key=lambda r: r.source)),
    ]
    return "\n".join(lines) + "\n"


def _credit(rule: LoadedRule) -> str:
    author = " ".join(str(rule.document.get("author") or "author not named").split())
    licence = f", {rule.document['license']}" if rule.document.get("license") else ""
    return f"- `{rule.source}`: {' '.join(rule.title.split())} ({rule.id}), by {author}{licence}"

"""Keeps compiled plans by content, so that an unchanged rule set loads at once."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import stat
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detectors import plan
from detectors.diagnostics import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detectors.check import RuleFile, RuleSet


class Cache:
    """One rule set's place in a cache folder; `fields` and `names` are the digests of the tables behind the plan."""

    def __init__(self, folder: Path, files: Iterable[RuleFile], fields: str, names: str) -> None:
        self._path = folder / f"{_key(files, fields, names)}.json"

    def get(self) -> RuleSet | None:
        """The kept result; None where there is none, or it is damaged."""
        try:
            return _unpacked(_own_bytes(self._path))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, found: RuleSet) -> None:
        """Keeps a result; a cache that cannot be written is no error."""
        import tempfile  # noqa: PLC0415  (only what changed is written)

        data = _packed(found)
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._path.parent)
        except OSError:
            return
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            Path(temporary).replace(self._path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)


def _own_bytes(path: Path) -> bytes:
    """The file's bytes; OSError where anybody else could have written it, for a plan says what the sensor looks for."""
    _require_own(path.parent.stat())
    with path.open("rb") as stream:
        _require_own(os.fstat(stream.fileno()))
        return stream.read()


def _require_own(status: os.stat_result) -> None:
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError("others may write here")


def _key(files: Iterable[RuleFile], fields: str, names: str) -> str:
    parts = [f"{plan.BACKEND_VERSION} {_version('bavn')} {_version('pysigma')} {fields} {names}"]
    parts += [f"{f.ruleset}\0{f.licence}\0{f.source}\0{hashlib.sha256(f.raw).hexdigest()}" for f in files]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "none"


def _packed(found: RuleSet) -> bytes:
    """A digest of all that follows, the plan's length, the plan as it is, and the rest as JSON."""
    body = b"%d\n" % len(found.plan) + found.plan + plan.canonical(_to_data(found)).encode()
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def _unpacked(data: bytes) -> RuleSet:
    """What was packed. ValueError where it is damaged."""
    digest, _, body = data.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise ValueError("damaged")
    length, _, rest = body.partition(b"\n")
    return _from_data(rest[: int(length)], json.loads(rest[int(length) :]))


def _to_data(found: RuleSet) -> dict[str, Any]:
    return {
        "rules": [dataclasses.asdict(rule) for rule in found.rules],
        "refused": [dataclasses.asdict(item) for item in found.refused],
        "warnings": [item.to_dict() for item in found.warnings],
        "filters": list(found.filters),
    }


def _from_data(plan_bytes: bytes, data: dict[str, Any]) -> RuleSet:
    from detectors.check import LoadedRule, Refused, RuleSet  # noqa: PLC0415  (check imports this)

    return RuleSet(
        plan=plan_bytes,
        rules=tuple(LoadedRule(**{**rule, "kinds": tuple(rule["kinds"])}) for rule in data["rules"]),
        refused=tuple(
            Refused(**{**item, "reasons": tuple(map(Diagnostic.from_dict, item["reasons"]))})
            for item in data["refused"]
        ),
        warnings=tuple(map(Diagnostic.from_dict, data["warnings"])),
        filters=tuple(data["filters"]),
    )

"""Loads rules: every problem gets a place and a reason, and one bad rule stops no other."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from detectors import plancache, taxonomy
from detectors.errors import BavnError
from detectors.fields import FieldTable, native, native_digest
from detectors.rawfiles import RuleFileError, read_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sigma.processing.pipeline import ProcessingPipeline

    from detectors.diagnostics import Diagnostic
    from detectors.taxonomy import Taxonomy

Status = Literal["unfillable", "refused"]

TEST_SUFFIX: Final = ".test.yml"
# Name of the rule set that comes with bavn.
OWN: Final = "bavn"
# What `bavn rules import` writes beside the rules that it took.
LOCK: Final = "import.lock.json"


@dataclass(frozen=True, slots=True)
class LoadedRule:
    """A rule that runs: its head in the plan, and the kinds of event it judges."""

    id: str
    title: str
    level: str
    source: str
    kinds: tuple[str, ...]
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """A rule that does not run, and why: the sensor cannot see it, or it is wrong."""

    id: str
    title: str
    source: str
    status: Status
    reasons: tuple[Diagnostic, ...]
    document: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What came of loading: the plan, the rules in its order, the refused, the warnings, the filters that hold."""

    plan: bytes
    rules: tuple[LoadedRule, ...]
    refused: tuple[Refused, ...]
    warnings: tuple[Diagnostic, ...]
    filters: tuple[Mapping[str, Any], ...] = ()

    @property
    def quiet(self) -> frozenset[str]:
        """Ids of rules that make no alert of their own: what correlations count."""
        return frozenset(rule["id"] for rule in json.loads(self.plan)["rules"] if rule.get("quiet"))

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """Every error and warning, by file and line."""
        found = [d for item in self.refused for d in item.reasons] + list(self.warnings)
        return sorted(found, key=lambda d: (d.path, d.line, d.column, d.code))


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A rule file as read: its name below its folder, its bytes, the rule set it belongs to, and the licence of an import."""

    source: str
    raw: bytes
    ruleset: str
    licence: str = ""


def default_rules() -> Path:
    """The folder of the rules that come with bavn."""
    packaged = Path(__file__).parent / "_rules"
    if packaged.is_dir():
        return packaged
    return packaged.parent.parent / "rules"


def load_rules(
    paths: Sequence[Path],
    *,
    cache: Path | None = None,
    fields: FieldTable | None = None,
    tables: Taxonomy | None = None,
    pipeline: ProcessingPipeline | None = None,
) -> RuleSet:
    """Compiles all rules under the paths (files or folders).

    `cache` keeps plans by content; it is not used with a pipeline. Raises BavnError
    (E001) where a path does not exist; everything else is in the result.
    """
    files, unreadable = read_all(paths)
    kept = _cache(cache, files, fields, tables) if cache and not pipeline else None
    found = kept.get() if kept else None
    if found is None:
        from detectors.loader import compile_files  # noqa: PLC0415  (brings pySigma, which a kept plan does not need)

        found = compile_files(files, fields or native(), tables or taxonomy.packaged(), pipeline)
        if kept:
            kept.put(found)
    return RuleSet(found.plan, found.rules, (*unreadable, *found.refused), found.warnings, found.filters)


def _cache(
    folder: Path, files: Sequence[RuleFile], fields: FieldTable | None, tables: Taxonomy | None
) -> plancache.Cache:
    """The place of these files' plan; the tables are known by their digests alone."""
    field_digest = fields.digest if fields else native_digest()
    return plancache.Cache(folder, files, field_digest, tables.digest if tables else taxonomy.packaged_digest())


def read_all(paths: Sequence[Path]) -> tuple[list[RuleFile], list[Refused]]:
    """Every rule file in order; those that cannot be read are refused."""
    files: list[RuleFile] = []
    refused: list[Refused] = []
    for root in paths:
        ruleset = OWN if root == default_rules() else root.stem
        licence = "" if ruleset == OWN else imported_licence(root)
        for file, source in _rule_files(root):
            try:
                files.append(RuleFile(source, read_file(file, source)[0], ruleset, licence))
            except RuleFileError as error:
                refused.append(Refused("", "", source, "refused", (error.diagnostic,)))
    return files, refused


def imported_licence(root: Path) -> str:
    """Where the licence of imported rules stands, for rules that state none themselves; empty where nothing was imported.

    It is read from the lock file of `bavn rules import`, in `root` or above it.
    """
    lock = next((folder / LOCK for folder in (root, *root.absolute().parents) if (folder / LOCK).is_file()), None)
    try:
        data = json.loads(lock.read_bytes()) if lock else {}
        names, remote = ", ".join(data["licences"]), (data["origin"]["remote"] or "").rpartition("@")[2]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""
    return f"{names} of {remote or 'the imported rules'}" if names else ""


def _rule_files(root: Path) -> list[tuple[Path, str]]:
    if not root.exists():
        raise BavnError("BAVN-E001", f"there is no {root}", "Check the path.")
    if root.is_file():
        return [(root, str(root))]
    found = (f for f in sorted(root.rglob("*")) if f.suffix in (".yml", ".yaml") and f.is_file())
    return [(f, f.relative_to(root).as_posix()) for f in found if not f.name.endswith(TEST_SUFFIX)]

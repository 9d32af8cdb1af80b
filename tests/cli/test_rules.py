"""The rule author's commands, as they are called."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cli_calls import call

if TYPE_CHECKING:
    from pathlib import Path

DNS = """title: Name asked for
id: 2f0f4a6e-0a30-4c0e-9a52-0c6a3e2d6a01
logsource: {category: dns}
detection:
    selection:
        query: a.example
    condition: selection
level: low
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_import_says_what_runs_and_writes_nothing_when_dry(tmp_path: Path) -> None:
    write(tmp_path / "clone", "rules/dns.yml", DNS)
    done = call("rules", "import", tmp_path / "clone", "--dry-run", "--json", home=tmp_path / "home")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found.keys() == {"runnable", "unfillable", "refused"}
    assert [item["source"] for item in found["runnable"]] == ["rules/dns.yml"]
    assert not (tmp_path / "home").exists()


def test_imported_rules_run(tmp_path: Path) -> None:
    write(tmp_path / "clone", "rules/dns.yml", DNS)
    home = tmp_path / "home"
    assert call("rules", "import", tmp_path / "clone", home=home).code == 0
    listed = call("rules", "ls", home / "rules/clone", home=home)
    assert [json.loads(line)["status"] for line in listed.out.splitlines()] == ["runs"]


def test_a_rule_that_the_sensor_cannot_fill_is_told_apart(tmp_path: Path) -> None:
    path = write(tmp_path, "blind.yml", DNS.replace("query:", "Image:").replace("category: dns", "category: dns_query"))
    done = call("rules", "check", path, home=tmp_path)
    assert done.code == 0
    assert done.out.startswith("unfillable[BAVN-E032]")
    assert "0 errors, 1 unfillable, 0 warnings" in done.out
    assert call("rules", "check", "--strict", path, home=tmp_path).code == 1

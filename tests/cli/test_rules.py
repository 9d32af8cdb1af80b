"""The rule author's commands, as they are called."""

from __future__ import annotations

import json
from pathlib import Path

from cli_calls import call

WEB = Path(__file__).resolve().parents[2] / "pcaps/web-attacks/web-attacks.pcap"
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


KEYWORD = """title: Words
id: 2f0f4a6e-0a30-4c0e-9a52-0c6a3e2d6a02
logsource: {category: webserver}
detection:
    keywords: ['${jndi:']
    condition: keywords
level: low
"""


def test_convert_says_what_it_leaves_out(tmp_path: Path) -> None:
    write(tmp_path / "rules", "dns.yml", DNS)
    write(tmp_path / "rules", "words.yml", KEYWORD)
    done = call("rules", "convert", tmp_path / "rules", "--json", home=tmp_path)
    assert done.code == 5
    first, second = (json.loads(line) for line in done.out.splitlines())
    assert first["queries"] == ["event.dataset:bavn.dns AND dns.question.name:a.example"]
    assert second["queries"] == []
    assert "never stored" in second["reason"]
    assert "1 converted, 1 left out" in done.err


def test_convert_to_esql_and_the_template(tmp_path: Path) -> None:
    path = write(tmp_path, "dns.yml", DNS)
    done = call("rules", "convert", path, "--to", "esql", home=tmp_path)
    assert done.code == 0, done.err
    assert 'from bavn-events-* metadata _id, _index, _version | where event.dataset=="bavn.dns"' in done.out
    assert "run on no server" in done.err
    template = json.loads(call("rules", "convert", "--template", home=tmp_path).out)
    assert template["index_patterns"] == ["bavn-events-*"]


def test_diff_tells_rules_and_alerts(tmp_path: Path) -> None:
    old = write(tmp_path, "a.yml", KEYWORD.replace("keywords: ['${jndi:']", "keywords: [passwd]"))
    new = write(tmp_path, "b.yml", KEYWORD.replace("keywords: ['${jndi:']", "keywords: [GET]"))
    done = call("rules", "diff", old, new, "--on", WEB, "--json", home=tmp_path)
    assert done.code == 1, done.err
    rule, alerts = (json.loads(line) for line in done.out.splitlines())
    assert (rule["what"], rule["parts"]) == ("changed", ["detection"])
    assert alerts["before"] < alerts["after"]
    same = call("rules", "diff", old, old, "--on", WEB, home=tmp_path)
    assert (same.code, same.out) == (0, "0 rules differ, 0 rules alert otherwise on 1 capture\n")

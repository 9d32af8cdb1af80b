"""Every way a rule author's file can be wrong has a code, a place and a hint, and costs the other rules nothing."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from detectors import check, errors, loader, loop, plan, ruletest, taxonomy
from detectors.fields import native

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER: Final = Path(__file__).parents[1] / "vectors/bad-input"
CASES: Final = [case for path in sorted(FOLDER.glob("*.toml")) for case in tomllib.loads(path.read_text())["case"]]
GOOD: Final = """title: good
name: good
id: 10000000-0000-4000-8000-000000000000
logsource: {category: dns}
detection:
  s: {query: good.example}
  condition: s
"""
# Codes that are no fault of a file that an author writes, with where they are provoked.
ELSEWHERE: Final = {
    "BAVN-E002": "tests that hide the compiled part",
    "BAVN-E003": "a fallback for refusals without a code",
    "BAVN-E035": "test_check: what nobody foresaw",
    "BAVN-E047": "test_check: the engine's own limits on expressions",
    "BAVN-E064": "test_importing", "BAVN-E065": "test_importing", "BAVN-E066": "tests/elasticsearch, cli/test_rules",
    "BAVN-E067": "test_scaffold",
    "BAVN-E070": "test_analytics", "BAVN-E071": "test_analytics", "BAVN-E072": "test_analytics",
    **{f"BAVN-E{number:03}": "test_indicators" for number in range(80, 96)}, "BAVN-W020": "cli/test_ioc",
    "BAVN-W007": "test_vetting", "BAVN-W008": "test_vetting", "BAVN-W009": "test_vetting",
}  # fmt: skip


def told(folder: Path, case: dict[str, Any]) -> list[Any]:
    """What is said of a case; the good rule beside it must run."""
    (folder / "a_good.yml").write_text(GOOD)
    (folder / "bad.yml").write_text(case["rule"].removeprefix("\n"))
    if "test" not in case:
        found = check.load_rules([folder])
        assert "good" in [rule.title for rule in found.rules]
        return found.diagnostics
    (folder / "bad.test.yml").write_text(case["test"])
    return [result.failure for result in ruletest.run_tests([folder])]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_code_place_and_hint(case: dict[str, Any], tmp_path: Path) -> None:
    found = [problem for problem in told(tmp_path, case) if problem.code == case["code"]]
    assert found, case
    assert (found[0].line, bool(found[0].sentence), bool(found[0].hint)) == (case["line"], True, True)
    assert found[0].path.endswith("bad.test.yml" if "test" in case else "bad.yml")


# -- plans and events that are not what the backend makes ------------------------------------


def whole() -> dict[str, Any]:
    file = check.RuleFile("good.yml", GOOD.encode(), "mine")
    made: dict[str, Any] = json.loads(loader.compile_files([file], native(), taxonomy.packaged(), None).plan)
    return made


def signed(body: dict[str, Any]) -> bytes:
    body["digest"] = plan.digest(plan.canonical(body).encode())
    return plan.canonical(body).encode()


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    body = whole()
    change(body)
    return signed(body)


def predicate(**values: object) -> bytes:
    return changed(lambda body: body["predicates"][0].update(values))


def condition(value: object) -> bytes:
    return changed(lambda body: body["rules"][0]["targets"][0].update(condition=value))


def deep(levels: int) -> Any:
    made: Any = {"p": 0}
    for _ in range(levels):
        made = {"not": made}
    return made


PLANS: Final = {
    "BAVN-E040": b"{",
    "BAVN-E041": changed(lambda body: body.update(version=99)),
    "BAVN-E042": plan.canonical({**whole(), "digest": "0" * 64}).encode(),
    "BAVN-E043": predicate(value=["x"] * 1_000_000),
    "BAVN-E044": changed(lambda body: body["rules"][0].pop("id")),
    "BAVN-E045": predicate(field="no.such.field"),
    "BAVN-E046": predicate(op="sounds-like"),
    "BAVN-E048": predicate(field="source.ip", op="cidr", value="10.0.0.1/8"),
    "BAVN-E049": condition({"p": 7}),
}


@pytest.mark.parametrize("code", PLANS)
def test_a_plan_that_is_none(code: str) -> None:
    with pytest.raises(errors.BavnError) as error:
        loop.engine(PLANS[code])
    assert error.value.code == code


def test_an_event_that_is_none() -> None:
    for event in (b"{", b'{"kind":"toast","fields":{}}', b'{"kind":"dns","fields":{"no.such.field":1}}'):
        with pytest.raises(errors.BavnError) as error:
            loop.Engine(plan.canonical(whole()).encode()).match_event(event)
        assert error.value.code == "BAVN-E050"


def test_a_path_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(errors.BavnError) as error:
        check.load_rules([tmp_path / "nowhere"])
    assert error.value.code == "BAVN-E001"


def test_every_code_is_provoked() -> None:
    provoked = {case["code"] for case in CASES} | PLANS.keys() | {"BAVN-E050", "BAVN-E001"}
    assert set(errors.CATALOGUE) - provoked - ELSEWHERE.keys() == set()
    assert provoked <= errors.CATALOGUE.keys()


# -- hostile files cost bounded time and memory -----------------------------------------------

HEAD: Final = "title: t\nlogsource: {category: dns}\ndetection:\n  condition: s\n  s:\n"
ASKS: Final = "title: t\nlogsource: {category: dns}\ndetection:\n  s: {query: a}\n  condition: "
HOSTILE: Final = {
    "a billion laughs": "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n" + "".join(f"d{n}: [*c, *c]\n" for n in range(30)),
    "nesting": "a: " + "[" * 100_000,
    "flow nesting that closes": "a: " + "[" * 5_000 + "]" * 5_000,
    "mappings in mappings": "".join("  " * n + f"k{n}:\n" for n in range(400)),
    "a huge list": HEAD + "    query:\n" + "      - x\n" * 90_000,
    "a long list": HEAD + "    query: [" + ", ".join(f"n{n}.example" for n in range(40_000)) + "]\n",
    "a huge value": HEAD + "    query: " + "x" * 900_000 + "\n",
    "a file too large": "#" * 2_000_000,
    "many documents": "---\ntitle: t\n" * 60_000,
    "an expression that explodes": HEAD + "    query|re: '(a+)+(b+)+(a{1000}){1000}$'\n",
    "an expression of many classes": HEAD + "    query|re: '" + r"[\w\p{L}]{900}" * 20 + "'\n",
    "many wildcards": HEAD + "    query: '" + "*a" * 5_000 + "'\n",
    "many dashes": HEAD + "    query|windash: '" + " -a" * 2_000 + "'\n",
    "many parentheses": ASKS + "(" * 3_000 + "s" + ")" * 3_000 + "\n",
    "a condition of many words": ASKS + "s and " * 9_000 + "s\n",
    "many nots": ASKS + "not " * 900 + "s\n",
    "a number of many digits": HEAD + "    query: " + "9" * 30_000 + "\n",
    "base64 of base64": HEAD + "    query|" + "base64|" * 200 + "contains: aaaaaaaa\n",
    "NUL and control bytes": "title: \x00\x1b[2J\n",
}  # fmt: skip
MEMORY: Final = 1 << 30
SECONDS: Final = 60
PROGRAM: Final = textwrap.dedent("""
    import sys
    from pathlib import Path
    from detectors import check
    found = check.load_rules([Path(sys.argv[1])])
    print([rule.title for rule in found.rules].count("good"), len(found.refused))
""")


def bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def test_hostile_files_cost_bounded_time_and_memory(tmp_path: Path) -> None:
    (tmp_path / "a_good.yml").write_text(GOOD)
    for number, text in enumerate(HOSTILE.values()):
        (tmp_path / f"hostile{number:02}.yml").write_text(text)
    command = [sys.executable, "-P", "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=bounded)
    assert done.returncode == 0, done.stderr[-2_000:]
    good, refused = map(int, done.stdout.split())
    assert good == 1
    assert refused >= len(HOSTILE) - 4

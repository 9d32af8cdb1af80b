"""The pages say what is so: generated ones are fresh, commands, options, links and codes exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from cli.errors import catalogue
from cli.main import bavn

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
UNITS = sorted((ROOT / "docs/systemd").glob("*.service"))
FENCE = re.compile(r"^```.*?\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"(?<![\w-])(?:BAVN-)?([EW]\d{3})\b")
SEPARATORS = re.compile(r"\s\|\s|&&|;|\s>|\s{2,}|\$\(|\s#")
START = re.compile(r"^(?:\$\s+|sudo\s+|ExecStart=|[A-Z_]+=\S+\s+)*(?:\S*/)?bavn\s+(?=\S)")


def ids(path: Path) -> str:
    return path.name


def snippets(path: Path) -> Iterator[str]:
    """Give each line of code of a page, in blocks and inline; of a unit each line."""
    text = path.read_text("utf-8")
    if path.suffix != ".md":
        yield from text.splitlines()
        return
    for block in FENCE.findall(text):
        yield from block.replace("\\\n", " ").splitlines()
    yield from INLINE.findall(FENCE.sub("", text))


def commands(path: Path) -> Iterator[str]:
    """Give what stands behind `bavn` in each command of a page."""
    for line in snippets(path):
        for part in SEPARATORS.split(line):
            begin = START.match(part.strip())
            if begin:
                yield part.strip()[begin.end() :].rstrip(")")


def words_of(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def problems(group: click.Command, words: list[str], path: str = "bavn") -> Iterator[str]:
    """Walk a command line: each name must be a command, each option one of its command's."""
    ctx = click.Context(group, info_name=path)
    options = {name: param for param in group.get_params(ctx) for name in (*param.opts, *param.secondary_opts)}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, _, value = word.partition("=")
        if name.startswith("-") and name != "-":
            yield from option_problems(options.get(name), f"{path} {name}", value or (rest[0] if rest else ""))
            if name in options and takes_value(options[name]) and not value and rest:
                rest.pop(0)
        elif isinstance(group, click.Group) and word not in {"…", "..."}:
            for one in word.rstrip(",").split("|"):
                child = group.get_command(ctx, one)
                if child is None:
                    yield f"{path} has no command {one}"
                else:
                    yield from problems(child, rest, f"{path} {one}")
            return


def takes_value(param: click.Parameter) -> bool:
    return isinstance(param, click.Option) and not param.is_flag and not param.count


def option_problems(param: click.Parameter | None, name: str, value: str) -> Iterator[str]:
    if param is None:
        yield f"there is no {name}"
    elif isinstance(param.type, click.Choice) and not value.isupper():
        allowed = {str(choice) for choice in param.type.choices}
        yield from (f"{name} does not take {one}" for one in value.split("|") if one not in allowed)


def test_generated_pages_are_fresh() -> None:
    command = [sys.executable, "-P", str(ROOT / "scripts/make_docs.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", [*PAGES, *UNITS], ids=ids)
def test_commands_exist(path: Path) -> None:
    found = [f"{command}: {problem}" for command in commands(path) for problem in problems(bavn, words_of(command))]
    assert found == []


def test_commands_are_found_at_all() -> None:
    for name in ("README.md", "docs/agency.md", "docs/analyst.md", "docs/author.md"):
        assert len(list(commands(ROOT / name))) >= 5, name
    assert list(problems(bavn, ["alerts", "ls|shew", "--levle", "high"]))
    assert list(problems(bavn, ["alerts", "ls", "--level", "hihg"]))
    assert not list(problems(bavn, ["--home", "x", "alerts", "ls|show", "--json"]))


@pytest.mark.parametrize("path", PAGES, ids=ids)
def test_links_lead_somewhere(path: Path) -> None:
    targets = [link.partition("#")[0] for link in LINK.findall(path.read_text("utf-8")) if "://" not in link]
    assert [target for target in targets if target and not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", PAGES, ids=ids)
def test_codes_exist(path: Path) -> None:
    known = {code.removeprefix("BAVN-") for code in catalogue()}
    assert [code for code in CODE.findall(path.read_text("utf-8")) if code not in known] == []

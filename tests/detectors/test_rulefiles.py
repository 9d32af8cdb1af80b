"""YAML without its traps: what is refused, where, and what is read."""

from __future__ import annotations

import time

import pytest

from detectors import rulefiles
from detectors.rulefiles import RuleFileError

REFUSED = {
    "duplicate key": ("a: 1\nb: 2\na: 3\n", "BAVN-E011", 3, 1),
    "duplicate key inside": ("a:\n  b: 1\n  b: 2\n", "BAVN-E011", 3, 3),
    "anchor": ("a: &x 1\n", "BAVN-E012", 1, 4),
    "alias": ("a: *x\n", "BAVN-E012", 1, 4),
    "merge key": ("a:\n  <<: {b: 1}\n", "BAVN-E012", 2, 3),
    "custom tag": ("a: !!python/object/apply:os.system ['id']\n", "BAVN-E012", 1, 4),
    "private tag": ("a: !secret x\n", "BAVN-E012", 1, 4),
    "binary tag": ("a: !!binary aGk=\n", "BAVN-E012", 1, 4),
    "key that is a list": ("? [a, b]\n: 1\n", "BAVN-E012", 1, 3),
    "broken": ("a: [1, 2\nb: 3\n", "BAVN-E010", 2, 2),
    "tab for indentation": ("a:\n\tb: 1\n", "BAVN-E010", 2, 1),
    "not a date": ("a: 2026-02-31\n", "BAVN-E010", 1, 4),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_its_place(name: str) -> None:
    text, code, line, column = REFUSED[name]
    with pytest.raises(RuleFileError) as caught:
        rulefiles.parse(text, "x.yml")
    found = caught.value.diagnostic
    assert (found.code, found.line, found.column) == (code, line, column)


def test_a_bomb_costs_nothing() -> None:
    layers = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    layers += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    start = time.perf_counter()
    with pytest.raises(RuleFileError, match="anchors"):
        rulefiles.parse("\n".join(layers), "bomb.yml")
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[" * 40 + "]" * 40, "nesting"),
        ("- x\n" * (rulefiles.MAX_NODES + 1), "values"),
        ("a: " + "x" * (rulefiles.MAX_SCALAR_CHARS + 1), "characters"),
        ("--- a\n" * (rulefiles.MAX_DOCUMENTS + 1), "documents"),
    ],
)
def test_limits(text: str, what: str) -> None:
    with pytest.raises(RuleFileError, match=what) as caught:
        rulefiles.parse(text, "big.yml")
    assert caught.value.diagnostic.code == "BAVN-E013"


def test_deep_nesting_is_refused_before_it_recurses() -> None:
    with pytest.raises(RuleFileError):
        rulefiles.parse("a: " + "{a: " * 100_000, "deep.yml")


def test_places_of_keys_and_values() -> None:
    (document,) = rulefiles.parse("title: x\ndetection:\n  sel:\n    - query|contains: 'a'\n", "x.yml")
    key = document.position(("detection", "sel", 0, "query|contains"))
    assert (key.line, key.column, key.length) == (4, 7, len("query|contains"))
    value = document.position(("detection", "sel", 0, "query|contains"), value=True)
    assert (value.line, value.column) == (4, 23)
    assert document.position(("detection", "nothing")).line == 2


def test_several_documents_and_empty_ones() -> None:
    found = rulefiles.parse("a: 1\n---\n---\nb: 2\n", "x.yml")
    assert [document.data for document in found] == [{"a": 1}, {"b": 2}]


def test_values_that_yaml_reads_otherwise_are_noted() -> None:
    text = "a: yes\nb: 010\nc: 1:30\nd: true\ne: 42\nf: 'no'\ng: 0x1f\n"
    (document,) = rulefiles.parse(text, "x.yml")
    assert [value for _, value in document.ambiguous] == ["yes", "010", "1:30"]
    assert document.data["f"] == "no"


def test_not_utf8_names_the_line(tmp_path) -> None:  # noqa: ANN001
    path = tmp_path / "x.yml"
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(RuleFileError) as caught:
        rulefiles.read_file(path)
    assert (caught.value.diagnostic.code, caught.value.diagnostic.line) == ("BAVN-E010", 2)


def test_too_large_a_file_is_not_read_whole(tmp_path) -> None:  # noqa: ANN001
    path = tmp_path / "x.yml"
    path.write_bytes(b"a" * (rulefiles.MAX_FILE_BYTES + 1))
    with pytest.raises(RuleFileError) as caught:
        rulefiles.read_file(path)
    assert caught.value.diagnostic.code == "BAVN-E013"

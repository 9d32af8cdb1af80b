"""Redaction against its vectors, and in bounded time on hostile text."""

from __future__ import annotations

import time
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.redaction import redact_query, redact_text, redact_userinfo

VECTORS = Path(__file__).resolve().parents[1] / "vectors/redaction/text.toml"
CASES = tomllib.loads(VECTORS.read_text("utf-8"))["case"]
BOTH = frozenset({"cpr", "email"})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_vector(case: dict[str, str]) -> None:
    found: Counter[str] = Counter()
    assert redact_text(case["in"], BOTH, found) == case["out"]
    assert bool(found) == (case["in"] != case["out"])


@given(st.dates(), st.integers(0, 9999), st.sampled_from(["", "-", " ", "%2d"]))
def test_every_date_with_four_digits_is_taken_out(day, tail, mark) -> None:  # noqa: ANN001
    number = f"{day:%d%m%y}{mark}{tail:04d}"
    assert redact_text(f"x={number}.", BOTH, Counter()) == "x=[cpr]."


@given(st.text(max_size=400))
def test_any_text_is_taken_and_a_second_pass_changes_nothing(text: str) -> None:
    once = redact_text(text, BOTH, Counter())
    assert redact_text(once, BOTH, Counter()) == once


@pytest.mark.parametrize(
    "unit",
    ["a", "a@", "a.", "%40", "0707", "a@a.", "-", "a@b-", "%", "%25", "%41", "%2540", "\u00f8", "//a@", "//", "?#"],
)
def test_hostile_text_costs_linear_time(unit: str) -> None:
    def cost(n: int) -> float:
        text = unit * n
        start = time.process_time()
        redact_text(text, BOTH, Counter())
        redact_userinfo(text, Counter())
        redact_query(text, Counter())
        return time.process_time() - start

    small = max(cost(20_000), 1e-3)
    assert cost(80_000) < 20 * small


def test_query_is_taken_off() -> None:
    found: Counter[str] = Counter()
    assert redact_query("/a/b?x=1&y=2", found) == "/a/b?[query]"
    assert redact_query("/a/b?", found) == "/a/b?"
    assert redact_query("/a/b", found) == "/a/b"
    assert found == {"query": 1}


def test_fragment_and_userinfo_are_taken_off() -> None:
    found: Counter[str] = Counter()
    assert redact_query("/a#access_token=x?y", found) == "/a#[query]"
    assert redact_userinfo("http://jens:hem@lig@a.example/x@y //b@c", found) == (
        "http://[authorization]@a.example/x@y //[authorization]@c"
    )
    assert redact_userinfo("http://a.example/@x", found) == "http://a.example/@x"
    assert found == {"query": 1, "authorization": 2}

"""Expressions for Lucene: what is said is the same, what cannot be said is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import lucene_regex

SAME = [
    r"a", r"^a$", r"(^|/)x", r"x(\?|$)", r"(^a|b$)", r"(?i)ab[c-e]\d", r"[^\s/]+", r"a.b", r"(?s)a.b", r"\.\./", r"\w+\D",
    r"(?:foo|^bar)baz$", "", r"a{2,4}?", r"[^\d]x", r"\A[ab]\Z", r"x|y", r"(a|(b|^c))d", r"a$|^b", r"(?i)[^x]y",
]  # fmt: skip
REFUSED = [r"a\b", r"(?m)^a", r"a(?=b)", r"(a)\1", r"[^&]{0,80}x", r"[\Wa]", "x" * 2_000, r"a^b", r"("]


def python_form(expression: str) -> re.Pattern[str]:
    """Lucene's own syntax, as far as `translate` writes it, is Python's too, anchored, with a dot that takes line breaks."""
    return re.compile(expression, re.DOTALL)


@pytest.mark.parametrize("pattern", SAME)
@given(text=st.text(alphabet="ab./\\?xyABCcde1 \nfo=rz&", max_size=8))
def test_translation_matches_what_the_original_finds(pattern: str, text: str) -> None:
    lucene = python_form(lucene_regex.translate(pattern))
    # The engine's `$` is the end of the text; Python's is also before a last line break.
    original = re.compile(re.sub(r"(?<!\\)\$", r"\\Z", pattern), re.ASCII)
    assert (lucene.fullmatch(text) is not None) == (original.search(text) is not None)


@pytest.mark.parametrize("pattern", REFUSED, ids=lambda pattern: pattern[:20])
def test_what_lucene_cannot_say_is_refused(pattern: str) -> None:
    with pytest.raises(lucene_regex.CannotSayError):
        lucene_regex.translate(pattern)


@given(st.text(max_size=20))
def test_a_literal_is_itself(text: str) -> None:
    assert python_form(lucene_regex.literal(text)).fullmatch(text)


@given(st.text(alphabet="ab(|)[]^$*+?{}\\.,1-:&~#@<>\"'/ ", max_size=20))
def test_any_expression_is_translated_or_refused(pattern: str) -> None:
    try:
        lucene_regex.translate(pattern)
    except lucene_regex.CannotSayError as error:
        assert str(error)  # noqa: PT017

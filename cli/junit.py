"""Test results as JUnit XML, which build servers show."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from detectors.diagnostics import place, render

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from detectors.ruletest import Result

# What XML 1.0 cannot hold, in whatever form.
_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(results: Sequence[Result]) -> bytes:
    """Write results as a document: a suite a rule file, a case a case."""
    failed = sum(not result.passed for result in results)
    root = ET.Element("testsuites", name="bavn rules test", tests=str(len(results)), failures=str(failed), errors="0")
    for rule, cases in groupby(results, key=lambda result: result.rule):
        root.append(_suite(rule, list(cases)))
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _suite(rule: str, cases: Sequence[Result]) -> ET.Element:
    failed = sum(not case.passed for case in cases)
    suite = ET.Element("testsuite", name=_clean(rule), tests=str(len(cases)), failures=str(failed), errors="0")
    suite.extend(_cases(cases))
    return suite


def _cases(cases: Iterable[Result]) -> Iterable[ET.Element]:
    for case in cases:
        element = ET.Element("testcase", classname=_clean(case.rule), name=_clean(case.case or "the test file"))
        if case.failure is not None:
            message = _clean(case.failure.sentence)
            failure = ET.SubElement(element, "failure", message=message, type=case.failure.code)
            failure.text = _clean(f"{place(case.failure)}\n{render(case.failure)}")
        yield element


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)

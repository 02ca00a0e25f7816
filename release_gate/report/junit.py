"""junit.xml, for what only reads that: one suite per candidate cell, one case per check."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from release_gate.model import ComparisonKind, Outcome, Satisfaction, Tier

if TYPE_CHECKING:
    from release_gate.report.document import ComparisonReport, Report

__all__ = ["render_junit"]

#: What XML 1.0 cannot hold, even escaped.
_INVALID = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(report: Report) -> str:
    """Return the report as JUnit XML.

    Failures are what the library did wrong and the baseline did not; what the baseline does wrong
    too and what has no answer is `skipped`, with the reason. The last suite holds the requirements,
    so that an unanswered one makes the file red, as the verdict is not GO.
    """
    root = ET.Element("testsuites", name="release-gate")
    by_cell: dict[str, list[ComparisonReport]] = defaultdict(list)
    for each in report.comparisons:
        by_cell[each.cell].append(each)
    for cell in report.cells:
        if rows := by_cell[cell.id]:
            suite = _suite(root, cell.id, cell.seconds)
            for row in rows:
                _case(suite, row)
            _count(suite)
    suite = _suite(root, "requirements", 0.0)
    for requirement in report.requirements:
        case = ET.SubElement(
            suite, "testcase", classname="requirements", name=_text(requirement.id)
        )
        if requirement.satisfaction is not Satisfaction.SATISFIED:
            kind = "failure" if requirement.tier is Tier.BLOCKING else "skipped"
            message = f"{requirement.satisfaction}: {requirement.why}"
            ET.SubElement(case, kind, message=_text(message))
    _count(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(root: ET.Element, name: str, seconds: float) -> ET.Element:
    return ET.SubElement(root, "testsuite", name=_text(name), time=f"{seconds:.3f}")


def _case(suite: ET.Element, row: ComparisonReport) -> None:
    case = ET.SubElement(suite, "testcase", classname=_text(row.cell), name=_text(row.check))
    message = _text(f"{row.kind}: {row.reason}" if row.reason else str(row.kind))
    match row.kind:
        case ComparisonKind.REGRESSED | ComparisonKind.NEW | ComparisonKind.FLAKY:
            ET.SubElement(case, "failure", type=str(row.candidate), message=message)
        case ComparisonKind.STILL_FAILING:
            ET.SubElement(case, "skipped", message=message)
        case ComparisonKind.LOST | ComparisonKind.UNKNOWN:
            kind = "error" if row.candidate in {None, Outcome.ERROR} else "skipped"
            ET.SubElement(case, kind, message=message)
        case ComparisonKind.FIXED | ComparisonKind.CHANGED | ComparisonKind.STILL_PASSING:
            pass


def _count(suite: ET.Element) -> None:
    suite.set("tests", str(len(suite)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))


def _text(text: str) -> str:
    return _INVALID.sub("\ufffd", text)

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from gate_report import report
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from release_gate.model import Case, IssueMatch, MatchStanding, NotCovered, Reproducer
from release_gate.report.markdown import LIMIT, MARKER, code, escape, render_markdown

if TYPE_CHECKING:
    from release_gate.report.document import Report

REPORT = report()

HOSTILE = [
    "@numpy/release",
    "#1234",
    "GH-12",
    "numpy/numpy#31618",
    "| a | b |",
    "```\nbroken out\n```",
    "````",
    "`x`",
    "<script>alert(1)</script>",
    "<!-- release-gate:v1 -->",
    "</details>",
    "[click](https://example.org)",
    "![](https://example.org/x.png)",
    "https://example.org/",
    "www.example.org",
    "\\",
    "\r\n\r\n# heading",
    "\u202eevil",
    "&lt;",
    "**bold** _it_ ~~x~~",
    "$$x$$",
]
hostile = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=40), max_size=8).map("".join)


def outside_code(markdown: str) -> str:
    """Return what is left when code blocks and code spans are taken out, as GitHub reads them."""
    lines, fence = [], ""
    for line in markdown.splitlines():
        mark = re.match(r"`{3,}", line)
        if fence:
            if line.rstrip() == fence:
                fence = ""
        elif mark:
            fence = mark[0]
        else:
            lines.append(line)
    assert not fence, "a code block is not closed"
    return re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", "\n".join(lines))


def assert_sound(markdown: str, limit: int = LIMIT) -> None:
    """Check all that must hold whatever the content is."""
    assert len(markdown) <= limit
    first, _, rest = markdown.partition("\n")
    assert first.startswith(MARKER)
    assert first.endswith("-->")
    text = outside_code(rest)
    assert not re.search(r"@\w", text)
    assert not re.search(r"(?<!&)#\d", re.sub(r"\]\(https://[^)]*\)", "", text))
    links = re.findall(r"\]\((.*?)\)", text)
    assert all(link.startswith("https://github.com/") for link in links)
    assert set(re.findall(r"<[^>]*>?", text)) <= {
        "<br>",
        "<details>",
        "<summary>",
        "</summary>",
        "</details>",
    }
    assert text.count("<details>") == text.count("</details>")
    columns = 0
    for line in markdown.splitlines():
        if line.startswith("|"):
            count = line.count("|")
            assert count == (columns or count), f"a table row has other columns: {line}"
            columns = count
        else:
            columns = 0


def poisoned(text: str) -> Report:
    """Return the report with `text` wherever a text can come from outside."""
    first = REPORT.findings[0]
    failure = attrs.evolve(
        first.failures[0],
        reason=text,
        evidence=attrs.evolve(
            first.failures[0].evidence,
            stack=text,
            log=text,
            cases=(Case(routine=text, message=text),),
        ),
    )
    finding = attrs.evolve(
        first,
        id=text,
        summary=text,
        symptom=text,
        failures=(failure, *first.failures[1:]),
        first=0,
        issues=tuple(
            IssueMatch(
                id=text,
                url=url,
                title=text,
                why_matched=text,
                score=1.0,
                standing=MatchStanding.IN_RANGE,
            )
            for url in (text, "https://github.com/a/b/issues/1")
        ),
        reproducer=Reproducer(path=text, command=text, hits=1, tries=2),
    )
    return attrs.evolve(
        REPORT,
        headline=text,
        command=text,
        baseline=text,
        candidates=(text,),
        host=attrs.evolve(REPORT.host, cpu=text, system=text),
        findings=(finding, *REPORT.findings[1:]),
        requirements=tuple(
            attrs.evolve(each, title=text, why=text) for each in REPORT.requirements
        ),
        not_covered=(NotCovered(what=text, why=text),),
        cells=(
            attrs.evolve(REPORT.cells[0], id=text, kernel_observed=text, present=False),
            *REPORT.cells[1:],
        ),
        configuration=(attrs.evolve(REPORT.configuration[0], key=text, value=[text]),),
        digests=(attrs.evolve(REPORT.digests[0], what=text, sha256=text),),
    )


def test_the_first_line_is_the_marker_and_the_verdict_comes_next() -> None:
    lines = render_markdown(REPORT, key="nightly linux").splitlines()
    assert lines[0] == "<!-- release-gate:v1 key=nightly_linux verdict=NO_GO -->"
    assert lines[1] == "## ✗ NO-GO: NumPy 2.5.5"
    assert lines[-1].startswith("Next: `PYTHONPATH=site python3.12 reproducers/exact.gemm-")


def test_a_real_report_has_everything() -> None:
    text = render_markdown(REPORT)
    assert_sound(text)
    for part in (
        "### Requirements",
        "### Findings",
        "### Not covered (3)",
        "### Cells without a result (1)",
        "### Known issues",
        "### Digests",
        "(3 of 3 runs showed it)",
        "(https://github.com/OpenMathLib/OpenBLAS/issues/6013)",
        "dgemm_kernel_HASWELL+0x6ea6",
    ):
        assert part in text
    assert "Left out" not in text


@given(hostile)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_nothing_from_outside_breaks_out(text: str) -> None:
    assert_sound(render_markdown(poisoned(text), key=text))


@given(hostile)
def test_escaped_text_is_one_line_without_meaning(text: str) -> None:
    line = escape(text)
    assert "\n" not in line
    assert not re.search(r"[|`<>\[\]*~\\]|@\w|#\d(?!\d*;)|://|\b_", line)
    assert len(code(text).splitlines()) <= 1


@pytest.mark.parametrize("size", [10, 1_000, 100_000])
def test_it_is_never_too_long_and_keeps_the_verdict(size: int) -> None:
    huge: dict[str, Any] = {
        "findings": REPORT.findings * size,
        "not_covered": REPORT.not_covered * size,
        "digests": REPORT.digests * 1_000,
    }
    if size > 1_000:
        huge = {"headline": "x" * size, "command": "y" * size, "candidates": ("z" * size,)}
    text = render_markdown(attrs.evolve(REPORT, **huge))
    assert_sound(text)
    assert "## ✗ NO-GO" in text
    assert "### Requirements" in text


def test_the_least_important_goes_first_and_whole() -> None:
    full = render_markdown(REPORT)
    for limit in range(len(full) - 1, 3_000, -997):
        text = render_markdown(REPORT, limit=limit)
        assert_sound(text, limit)
        assert "Left out or shortened" in text
        assert "### Requirements" in text
    assert "### Digests" not in render_markdown(REPORT, limit=len(full) - 1)

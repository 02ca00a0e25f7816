from __future__ import annotations

import re
from typing import Any

import attrs
import pytest
from gate_report import report_with_waivers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_rules import REPORT, assert_quiet, hostile, poisoned

from release_gate.model import Reproducer
from release_gate.report.markdown import (
    LIMIT,
    MARKER,
    Section,
    code,
    escape,
    fitting,
    render_markdown,
)


def assert_sound(markdown: str, limit: int = LIMIT) -> None:
    """Check all that must hold whatever the content is."""
    assert len(markdown) <= limit
    first, _, rest = markdown.partition("\n")
    assert first.startswith(MARKER)
    assert first.endswith("-->")
    assert_quiet(rest)


def test_the_first_line_is_the_marker_and_the_verdict_comes_next() -> None:
    lines = render_markdown(REPORT, key="nightly linux").splitlines()
    assert lines[0] == "<!-- release-gate:v1 key=nightly_linux verdict=NO_GO -->"
    assert lines[1] == "## ✗ NO-GO: NumPy 2.5.5"
    assert lines[-1].startswith("Next: `PYTHONPATH=site python reproducers/exact.gemm-")


def test_a_comment_tells_commands_for_other_machines_than_this() -> None:
    here = Reproducer(
        path="/home/me/gate-report/reproducers/a.py",
        command="PYTHONPATH=/home/me/site /home/me/python /home/me/gate-report/reproducers/a.py",
        hits=3,
        tries=3,
    )
    findings = tuple(attrs.evolve(each, reproducer=here) for each in REPORT.findings)
    text = render_markdown(attrs.evolve(REPORT, findings=findings))
    assert "PYTHONPATH=site python reproducers/a.py" in text
    assert "/home/me" not in text


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


@given(hostile, st.integers(1, 400))
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=30)
def test_counts_and_links_are_there_whatever_else_is_not(text: str, times: int) -> None:
    shown = poisoned(text * times)
    many = attrs.evolve(shown, findings=(*shown.findings, *shown.findings[1:2] * times))
    markdown = render_markdown(many)
    assert_sound(markdown)
    assert "## ✗ NO-GO" in markdown
    blocking = sum(each.blocking for each in many.findings)
    assert f"**{blocking}** blocking findings · " in markdown
    assert re.search(r"\*\*\d+\*\* of \d+ questions answered", markdown)
    assert "](https://github.com/OpenMathLib/OpenBLAS/issues/6021)" in markdown


def test_a_stack_of_ten_megabytes_is_one_of_many_parts() -> None:
    first, *others = REPORT.findings
    stack = "```\n| @numpy <b> |\n" * 600_000
    evidence = attrs.evolve(first.failures[0].evidence, stack=stack, log=stack)
    endless = attrs.evolve(first.failures[0], evidence=evidence, reason=stack)
    finding = attrs.evolve(first, first=0, summary=stack, failures=(endless, *first.failures[1:]))
    text = render_markdown(attrs.evolve(REPORT, findings=(finding, *others)))
    assert_sound(text)
    assert "### Known issues" in text


def test_waivers_toggles_and_the_standing_of_matches_are_told() -> None:
    text = render_markdown(report_with_waivers())
    assert_sound(text)
    assert "## ✗ NO-GO: NumPy 2.5.5" in text
    for part in (
        "### Waivers",
        "| ! EXPIRED, does nothing | `special.nan` | `>=0.3.34,<0.3.35` | 2026-10-31 |",
        "**1** waived finding ·",
        "| kernel | 1 thread | 8 threads |",
        "| chosen by the library (Haswell) | 3 of 3 |  |",
        "(in range, score ",
    ):
        assert part in text


@given(
    st.lists(st.tuples(st.integers(0, 5), st.lists(st.integers(0, 300), min_size=1, max_size=3))),
    st.integers(0, 1_000),
)
def test_what_matters_less_gives_way_first(parts: list[tuple[int, list[int]]], room: int) -> None:
    sections = []
    for number, (rank, sizes) in enumerate(parts):
        text, *shorter = (f"<{number}>{'x' * size}" for size in sorted(sizes, reverse=True))
        sections.append(Section(rank, text, tuple(shorter)))
    body, changed = fitting(sections, room)
    assert len(body) <= room
    kept = body.split("\n\n")[1:]
    whole = {section.text for section in sections if section.text in kept}
    assert changed == len(sections) - len(whole)
    assert [int(text[1 : text.index(">")]) for text in kept] == sorted(
        int(text[1 : text.index(">")]) for text in kept
    )
    forms = {form for section in sections for form in (section.text, *section.shorter)}
    assert set(kept) <= forms
    worst = max((each.rank for each in sections if each.text in whole), default=-1)
    cut = min((each.rank for each in sections if each.text not in whole), default=9)
    assert worst <= cut


def test_the_least_important_goes_first_and_whole() -> None:
    full = render_markdown(REPORT)
    for limit in range(len(full) - 1, 3_000, -997):
        text = render_markdown(REPORT, limit=limit)
        assert_sound(text, limit)
        assert "Left out or shortened" in text
        assert "### Requirements" in text
    assert "### Digests" not in render_markdown(REPORT, limit=len(full) - 1)

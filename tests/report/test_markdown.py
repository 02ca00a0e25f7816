from __future__ import annotations

import re
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from markdown_rules import REPORT, assert_quiet, hostile, poisoned

from release_gate.report.markdown import LIMIT, MARKER, code, escape, render_markdown


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

"""Measure how large the page of a large report is, and how soon a browser has opened it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from big_report import big_report
from browser import chromium, opened

from release_gate.report.html import render_html

__all__ = ["page_rows"]

#: Milliseconds from asking for the page until it is there: read and built, and painted.
TIMES = """() => {
    const [entry] = performance.getEntriesByType("navigation");
    return [entry.domContentLoadedEventEnd, entry.loadEventEnd];
}"""


def page_rows(rounds: int = 5) -> list[tuple[str, str, str]]:
    """Return rows of (what, figure, target); the times are the best of `rounds`."""
    report = big_report()
    what = f"report.html of {len(report.cells)} cells and 200 checks"
    begin = time.monotonic()
    text = render_html(report)
    written = time.monotonic() - begin
    rows = [(what, f"{len(text.encode()) / 1e6:.1f} MB, made in {written:.1f} s", "< 5 MB")]
    try:
        with tempfile.TemporaryDirectory() as folder, chromium() as browser:
            path = Path(folder) / "report.html"
            path.write_text(text, "utf-8")
            times = []
            for _ in range(rounds):
                with opened(browser, path) as page:
                    page.wait_for_load_state()
                    times.append(page.evaluate(TIMES))
    except pytest.skip.Exception as reason:
        return [*rows, ("the same opened by a browser", f"not measured: {reason}", "< 1 s")]
    built, loaded = (min(column) / 1000 for column in zip(*times, strict=True))
    figure = f"{built:.2f} s until built, {loaded:.2f} s until loaded"
    return [*rows, ("the same opened by Chromium", figure, "< 1 s")]

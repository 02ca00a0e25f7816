"""The files of a report: report.json, report.md, report.html, junit.xml, drafts of issues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_gate.report.document import write_report
from release_gate.report.html import render_html
from release_gate.report.junit import render_junit
from release_gate.report.markdown import render_markdown
from release_gate.report.new_issue import write_drafts
from release_gate.wire import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from release_gate.report.document import Report

__all__ = ["write_files"]


def write_files(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write every rendering of `report` into `folder` and return their paths, the page first.

    A finding without a match in range also gets the draft of an issue.

    Raises InfrastructureError when one cannot be written; those before it are whole.
    """
    texts = {
        "report.html": render_html(report),
        "report.md": render_markdown(report),
        "junit.xml": render_junit(report),
    }
    write_report(folder / "report.json", report)
    for name, text in texts.items():
        # Library output may hold lone surrogates, which no encoding takes.
        write_atomically(folder / name, text.encode("utf-8", "replace"))
    return (
        *(folder / name for name in texts),
        folder / "report.json",
        *write_drafts(report, folder),
    )

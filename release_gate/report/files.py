"""All files of a report, in one folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_gate.report.document import write_report
from release_gate.report.html import render_html
from release_gate.report.junit import render_junit
from release_gate.report.markdown import render_markdown
from release_gate.wire import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from release_gate.report.document import Report

__all__ = ["write_reports"]


def write_reports(report: Report, folder: Path) -> None:
    """Write report.json, report.html, report.md and junit.xml.

    Raises InfrastructureError when one of them cannot be written.
    """
    write_report(folder / "report.json", report)
    texts = {
        "report.html": render_html(report),
        "report.md": render_markdown(report),
        "junit.xml": render_junit(report),
    }
    for name, text in texts.items():
        write_atomically(folder / name, text.encode())

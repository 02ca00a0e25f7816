"""The sub-commands for a written report: draft, diff. They build and run nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from release_gate import wire
from release_gate.errors import ConfigurationError, ExitCode, GateError, Problem
from release_gate.report.difference import compare_reports
from release_gate.report.document import finding_called, read_report, report_file
from release_gate.report.new_issue import write_draft
from release_gate.report.side_by_side import render_difference

if TYPE_CHECKING:
    from pathlib import Path

    from release_gate.report.document import Report
    from release_gate.report.page import Style

__all__ = ["diff", "draft"]

DIFF_SCHEMA = "release-gate/diff/1"


def draft(finding: str, folder: Path | None, *, as_data: bool) -> str:
    """Write the text of a new issue for any finding of a report; return where it is, and its link.

    Raises ConfigurationError when there is no such finding, InfrastructureError when it cannot be
    written.
    """
    path = report_file(folder)
    report = read_report(path)
    written, issue = write_draft(report, finding_called(finding, report, path), path.parent)
    if as_data:
        fields = {"path": str(written), "title": issue.title, "body": issue.body}
        return json.dumps(fields | {"link": issue.link}, indent=1)
    return f"{issue.title}\n\ntext: {written}\nform: {issue.link}\n\nnothing has been sent"


def diff(before: Path, after: Path, *, as_data: bool, style: Style) -> tuple[str, ExitCode]:
    """Return what changed from one report to another; the exit code is NO_GO if anything got worse.

    Raises ConfigurationError with all that is wrong with both.
    """
    reports: list[Report] = []
    problems: list[Problem] = []
    for folder in (before, after):
        try:
            reports.append(read_report(report_file(folder)))
        except GateError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems)
    difference = compare_reports(*reports)
    code = ExitCode.NO_GO if difference.worse else ExitCode.GO
    if as_data:
        return wire.document(DIFF_SCHEMA, difference), code
    return render_difference(difference, style), code

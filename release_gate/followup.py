"""The sub-commands for a written report: lookup, draft, diff. They build and run nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from release_gate import wire
from release_gate.errors import ConfigurationError, ExitCode, GateError, Problem
from release_gate.github.client import Access, Client
from release_gate.github.lookup import look_up
from release_gate.report.difference import compare_reports
from release_gate.report.document import finding_called, read_report, report_file
from release_gate.report.looked_up import render_lookup
from release_gate.report.new_issue import write_draft
from release_gate.report.side_by_side import render_difference

if TYPE_CHECKING:
    from pathlib import Path

    from release_gate.progress import Progress
    from release_gate.report.document import Report
    from release_gate.report.page import Style

__all__ = ["diff", "draft", "lookup"]

DIFF_SCHEMA = "release-gate/diff/1"
LOOKUP_SCHEMA = "release-gate/lookup/1"


def lookup(
    folder: Path | None, *, as_data: bool, strict: bool, style: Style, progress: Progress
) -> tuple[str, ExitCode]:
    """Return what GitHub says about the report in `folder`, and the exit code.

    That is GO, whatever could be asked; with `strict`, INFRASTRUCTURE when something could not.
    Raises ConfigurationError for what is no report, no address or no token.
    """
    access = Access.from_environment()
    found = look_up(read_report(report_file(folder)), Client(access, say=progress.say))
    code = ExitCode.INFRASTRUCTURE if strict and found.not_asked else ExitCode.GO
    if as_data:
        return _data(LOOKUP_SCHEMA, found), code
    return render_lookup(found, style), code


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
        return _data(DIFF_SCHEMA, difference), code
    return render_difference(difference, style), code


def _data(schema: str, value: object) -> str:
    return json.dumps({"schema": schema, **wire.to_data(value)}, indent=1)

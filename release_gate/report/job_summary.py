"""The summary of a job on GitHub: report.md with more room, written where the runner looks for it.

A step may write 1 MiB (1,048,576 bytes) to its summary; beyond that GitHub shows none of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from release_gate.errors import InfrastructureError, Problem
from release_gate.report.markdown import render_markdown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release_gate.report.document import Report

__all__ = ["LEAST", "LIMIT", "VARIABLE", "render_job_summary", "write_job_summary"]

LIMIT = 1024 * 1024

#: Where the runner says which file is the summary of the running step.
VARIABLE = "GITHUB_STEP_SUMMARY"

#: More than what is never left out can take: verdict, counts, links, whatever they are made of.
LEAST = 32_768


def render_job_summary(report: Report, room: int = LIMIT) -> str:
    """Return the report as Markdown of fewer than `room` bytes in UTF-8, cut as report.md is.

    room: `LEAST` or more.
    """
    limit = room
    while True:
        text = render_markdown(report, limit=limit)
        size = len(text.encode("utf-8", "replace"))
        if size < room or limit <= 0:
            return text
        # Characters of several bytes: as many fewer as that takes, and at least some.
        limit = min(limit * room // size, limit - 64)


def write_job_summary(report: Report, environment: Mapping[str, str]) -> Path | None:
    """Append the summary to the file that `environment` names; return it, or None without one.

    Raises InfrastructureError when the file cannot be written, or is too full for a verdict.
    """
    name = environment.get(VARIABLE)
    if not name:
        return None
    path = Path(name)
    try:
        taken = path.stat().st_size if path.exists() else 0
        if LIMIT - taken < LEAST:
            what = f"{path}: {taken:,} of the {LIMIT:,} bytes of the step's summary are taken"
            raise InfrastructureError(Problem(what=what, hint="use a step of its own"))
        text = f"\n{render_job_summary(report, LIMIT - taken - 1)}"
        with path.open("ab") as file:
            file.write(text.encode("utf-8", "replace"))
    except OSError as error:
        what = f"cannot write the job's summary to {path}: {error.strerror}"
        raise InfrastructureError(Problem(what=what, hint=f"see {VARIABLE}")) from error
    return path

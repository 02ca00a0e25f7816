"""What the gate answers to a command in a comment, as Markdown.

What comes from the comment is escaped: it notifies nobody and is no command of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_gate.checklist import PROFILES
from release_gate.report.markdown import block, code, escape, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from release_gate.errors import Problem
    from release_gate.github.request import RunRequest
    from release_gate.matrix.tables import Matrices
    from release_gate.report.history import Run

__all__ = ["render_accepted", "render_help", "render_refusal", "render_rerun", "render_status"]

#: Mistakes that are told one by one.
_TOLD = 20


def render_help(matrices: Matrices) -> str:
    """Return what commands there are, with the values that are known."""
    known = ", ".join(row.name for row in matrices.platforms if not row.unreachable)
    numpy, newest = matrices.newest_numpy().version, matrices.newest_pin().version
    keys = [
        ["numpy", "a release, tag, branch or whole SHA of numpy/numpy", numpy],
        ["baseline", "a version of scipy-openblas64, shipped, none", "shipped"],
        ["candidate", "a version of scipy-openblas64, newest", f"newest ({newest})"],
        ["profile", ", ".join(PROFILES), matrices.defaults.profile],
        ["platforms", f"{known}; several with commas", "all of these"],
    ]
    commands = [
        "/gate run [key=value ...]   check, judge and report here",
        "/gate status                what the last run said",
        "/gate rerun-failed          run the failed jobs of the last run again",
        "/gate help                  this text",
    ]
    head = "One command in a comment, on a line of its own, from whoever may write here:"
    listed = table("Keys of a run", ["key", "values", "default"], keys)
    return "\n".join([head, "", block("\n".join(commands)), "", listed])


def render_refusal(problems: Sequence[Problem], matrices: Matrices) -> str:
    """Return all that is wrong with a command, and how one is written."""
    lines = ["Nothing has been started:", ""]
    for each in problems[:_TOLD]:
        where = f"{each.where}: " if each.where else ""
        hint = f" ({each.hint})" if each.hint else ""
        lines.append(f"- {escape(f'{where}{each.what}{hint}')}")
    if len(problems) > _TOLD:
        lines.append(f"- and {len(problems) - _TOLD} more")
    return "\n".join([*lines, "", render_help(matrices)])


def render_accepted(request: RunRequest, url: str | None) -> str:
    """Return what is going to run; url: of the workflow run, which is ours."""
    numpy = request.numpy
    exact = f", {code(numpy.sha)}" if numpy.sha else ""
    link = f" in [this run]({url})" if url else ""
    return "\n".join(
        [
            f"The gate runs{link}; the report will be a comment here.",
            "",
            f"- NumPy: {escape(numpy.found_as)}{exact}",
            f"- candidate: {escape(request.candidate)}",
            f"- baseline: {escape(request.baseline)}",
            f"- profile: {escape(request.profile)}",
            f"- platforms: {escape(', '.join(request.platforms))}",
        ]
    )


def render_status(gates: Iterable[tuple[str, str, Run | None]]) -> str:
    """Return what the last runs said.

    gates: per comment of `publish` its key, its address, and the last run of its history.
    """
    lines = []
    for key, url, run in gates:
        name = "" if key == "default" else f" of {escape(key)}"
        told = "there is a report"
        if run is not None:
            told = f"{run.verdict}, {run.finished[:16].replace('T', ' ')} UTC"
            told += f", [run]({run.url})" if run.url else ""
        lines.append(f"- last run{name}: {told}, [report]({url})")
    return "\n".join(lines) or "No run has been reported here yet."


def render_rerun(url: str) -> str:
    return f"The failed jobs [run again]({url}); the report will be updated."

"""report.html: one file without any outside resource, made of the report by templates."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

import jinja2
from attrs import frozen

from release_gate.judgement.audit import IssueState
from release_gate.judgement.catalogue import Severity
from release_gate.report.document import verdict_words
from release_gate.report.evidence import causes, cut, following
from release_gate.report.heatmap import HALF, PITCH, TILES, heat_map
from release_gate.report.new_issue import FOLDER, is_unknown
from release_gate.report.next_step import next_command
from release_gate.report.page import duration
from release_gate.report.places import where
from release_gate.report.presentation import ARRIVES, MISSING, look
from release_gate.report.tally import tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release_gate.judgement.audit import KnownIssueStatus
    from release_gate.report.document import ComparisonReport, Report

__all__ = ["render_html"]

#: Entries of a list that may be long without end; the others are in report.json.
LISTED = 1_000

#: Most rows of a part that is open from the start.
OPEN = 40

_SEVERITIES = {
    Severity.SILENT: "wrong numbers, and nobody is told",
    Severity.FATAL: "the process ends, or never does",
    Severity.HARMFUL: "memory that is read, kept or used in excess",
    Severity.ANNOYING: "slow, or hard to build",
}


@frozen(kw_only=True)
class KnownGroup:
    """Known issues of one severity; `impossible` are those that no machine can show."""

    severity: Severity
    means: str
    states: tuple[tuple[IssueState, int], ...]
    possible: tuple[KnownIssueStatus, ...]
    impossible: tuple[KnownIssueStatus, ...]


def render_html(report: Report) -> str:
    """Return the report as one HTML document of at most a few megabytes."""
    told, named = causes(report.findings)
    return _template().render(
        report=report,
        verdict=verdict_words(report),
        figures=tally(report),
        causes=told,
        named=named,
        maps=[heat_map(report, candidate) for candidate in report.candidates],
        requirements=sorted(
            report.requirements,
            key=lambda each: (look(each.tier).rank, look(each.satisfaction).rank),
        ),
        wheel_rows=_wheel_rows(report),
        known=tuple(_known(report)),
        next_command=next_command(report),
        spent=sum(stage.seconds for stage in report.timings),
        longest=max((stage.seconds for stage in report.timings), default=0.0) or 1.0,
        coverage=[cell for cell in report.cells if cell.kernel is not None],
        cpus=_cpus(report),
        ran=_ran(report),
    )


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("release_gate.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "cut": cut,
        "duration": duration,
        "following": following,
        "json": _json,
        "look": look,
        "where": where,
    }
    environment.tests |= {"new": is_unknown}
    environment.globals |= {
        "drafts": FOLDER,
        "half": HALF,
        "listed": LISTED,
        "missing": MISSING,
        "arrives": ARRIVES,
        "open_rows": OPEN,
        "pitch": PITCH,
        "tiles": tuple(TILES.values()),
    }
    return environment.get_template("report.html")


def _wheel_rows(report: Report) -> list[tuple[str, ComparisonReport]]:
    wheels = {cell.id: cell.pin for cell in report.cells if cell.kernel is None}
    rows = [(wheels[each.cell], each) for each in report.comparisons if each.cell in wheels]
    return sorted(rows, key=lambda row: (look(row[1].kind).rank, row[0], row[1].check))


def _known(report: Report) -> Iterator[KnownGroup]:
    for severity, means in _SEVERITIES.items():
        issues = [each for each in report.known_issues if each.severity is severity]
        if issues:
            states = Counter(each.state for each in issues)
            impossible = [each for each in issues if each.state is IssueState.IMPOSSIBLE]
            yield KnownGroup(
                severity=severity,
                means=means,
                states=tuple(sorted(states.items(), key=lambda pair: look(pair[0]).rank)),
                possible=tuple(each for each in issues if each not in impossible),
                impossible=tuple(impossible),
            )


def _cpus(report: Report) -> list[tuple[str, int]]:
    """Return the CPUs that cells ran on, with how many of them, emulated ones apart."""
    ran = (
        f"{cell.host_cpu}, emulating by {cell.emulator}" if cell.emulator else cell.host_cpu
        for cell in report.cells
        if cell.present and cell.host_cpu and cell.kernel is not None
    )
    return Counter(ran).most_common()


def _ran(report: Report) -> list[tuple[str, str, str, int]]:
    """Return pin, digests of wheel and library, and cells, as the cells themselves tell them."""
    cells = (cell for cell in report.cells if cell.present)
    seen = Counter((cell.pin, cell.wheel_sha256, cell.openblas_sha256) for cell in cells)
    return [(*what, number) for what, number in seen.items()]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)

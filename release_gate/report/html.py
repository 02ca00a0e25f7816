"""report.html: one file without any outside resource, made of the report by a template."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

import jinja2
from attrs import frozen

from release_gate.model import ComparisonKind, Outcome, Role
from release_gate.report.presentation import LOOKS, MISSING, Look, look
from release_gate.report.terminal import duration, next_command, where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release_gate.report.document import CellReport, ComparisonReport, Report

__all__ = ["HeatMap", "Square", "heat_map", "render_html"]


@frozen(kw_only=True)
class Square:
    """One check in one place: how the baseline and the candidate did. None: not planned there."""

    baseline: Look
    candidate: Look
    kind: Look
    finding: str  # id of the finding it belongs to, or ""
    title: str


@frozen(kw_only=True)
class Column:
    """One kernel with its thread counts, as the head of a heat map shows it."""

    kernel: str
    observed: str
    threads: tuple[int, ...]


@frozen(kw_only=True)
class Row:
    """One check over all places."""

    check: str
    squares: tuple[Square | None, ...]
    worst: int


@frozen(kw_only=True)
class HeatMap:
    """Checks by kernels and threads, for one candidate beside the baseline."""

    candidate: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def starts(self) -> frozenset[int]:
        """Return the places, counted from 0, at which a kernel's thread counts begin."""
        counts = [len(column.threads) for column in self.columns]
        return frozenset(sum(counts[:index]) for index in range(len(counts)))


def render_html(report: Report) -> str:
    """Return the report as one HTML document."""
    return _template().render(
        report=report,
        maps=[heat_map(report, candidate) for candidate in report.candidates],
        requirements=sorted(
            report.requirements,
            key=lambda each: (look(each.tier).rank, look(each.satisfaction).rank),
        ),
        wheel_rows=_wheel_rows(report),
        next_command=next_command(report),
        spent=sum(stage.seconds for stage in report.timings),
        longest=max((stage.seconds for stage in report.timings), default=0.0) or 1.0,
        legend=_legend(),
        coverage=[cell for cell in report.cells if cell.kernel is not None],
        missing=MISSING,
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
    environment.filters |= {"look": look, "duration": duration, "json": _json, "where": where}
    return environment.get_template("report.html")


def heat_map(report: Report, candidate: str) -> HeatMap:
    """Return the checks of `candidate` by kernel and thread count; the worst rows come first."""
    cells = {
        cell.id: cell
        for cell in report.cells
        if cell.role is Role.CANDIDATE and cell.pin == candidate and cell.kernel is not None
    }
    places = list(dict.fromkeys((cell.kernel or "", cell.threads) for cell in cells.values()))
    rows: dict[str, dict[tuple[str, int], ComparisonReport]] = {}
    for each in report.comparisons:
        if each.cell in cells:
            cell = cells[each.cell]
            rows.setdefault(each.check, {})[cell.kernel or "", cell.threads] = each
    findings = _findings_of(report)
    made = [
        Row(
            check=check,
            squares=tuple(
                _square(of[place], findings) if place in of else None for place in places
            ),
            worst=min(look(each.kind).rank for each in of.values()),
        )
        for check, of in rows.items()
    ]
    return HeatMap(
        candidate=candidate,
        columns=_columns(list(cells.values())),
        rows=tuple(sorted(made, key=lambda row: (row.worst, row.check))),
    )


def _columns(cells: Sequence[CellReport]) -> tuple[Column, ...]:
    kernels: dict[str, list[CellReport]] = {}
    for cell in cells:
        kernels.setdefault(cell.kernel or "", []).append(cell)
    return tuple(
        Column(
            kernel=kernel,
            observed=", ".join(
                dict.fromkeys(cell.kernel_observed for cell in of if cell.kernel_observed)
            ),
            threads=tuple(dict.fromkeys(cell.threads for cell in of)),
        )
        for kernel, of in kernels.items()
    )


def _findings_of(report: Report) -> dict[tuple[str, str], str]:
    return {
        (finding.check, cell): finding.id for finding in report.findings for cell in finding.cells
    }


def _square(each: ComparisonReport, findings: dict[tuple[str, str], str]) -> Square:
    kind = look(each.kind)
    sides = f"baseline {look(each.baseline).label}, candidate {look(each.candidate).label}"
    reason = f": {each.reason}" if each.reason else ""
    return Square(
        baseline=look(each.baseline),
        candidate=LOOKS[ComparisonKind.FLAKY] if each.flaky else look(each.candidate),
        kind=kind,
        finding=findings.get((each.check, each.cell), ""),
        title=f"{each.check}: {kind.label} ({sides}){reason}",
    )


def _wheel_rows(report: Report) -> list[tuple[str, ComparisonReport]]:
    wheels = {cell.id: cell.pin for cell in report.cells if cell.kernel is None}
    rows = [(wheels[each.cell], each) for each in report.comparisons if each.cell in wheels]
    return sorted(rows, key=lambda row: (look(row[1].kind).rank, row[0], row[1].check))


def _legend() -> list[Look]:
    return [*(LOOKS[outcome] for outcome in Outcome), LOOKS[ComparisonKind.FLAKY], MISSING]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)

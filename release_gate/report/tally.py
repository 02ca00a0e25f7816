"""The figures of a report that stand beside its verdict in every rendering."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from release_gate.model import ComparisonKind, Role
from release_gate.report.presentation import Tone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release_gate.report.document import Report

__all__ = ["Figure", "tally"]


@frozen
class Figure:
    """A number of things, and whether that is good or bad to hear."""

    number: int
    what: str
    tone: Tone
    of: int | None = None

    def __str__(self) -> str:
        total = "" if self.of is None else f" of {self.of}"
        return f"{self.number}{total} {self.what}"


def tally(report: Report) -> tuple[Figure, ...]:
    """Return the figures of `report`, those that decide first; a zero is told if it matters."""
    return tuple(_figures(report))


def _figures(report: Report) -> Iterator[Figure]:
    blocking = sum(each.blocking for each in report.findings)
    waived = sum(each.waived for each in report.findings)
    others = len(report.findings) - blocking - waived
    fixed = sum(each.kind is ComparisonKind.FIXED for each in report.comparisons)
    answered = sum(
        each.candidate is not None and each.candidate.is_answer for each in report.comparisons
    )
    cells = [cell for cell in report.cells if cell.role is Role.CANDIDATE]
    silent = sum(not cell.present for cell in cells)
    yield Figure(blocking, _many(blocking, "blocking finding"), Tone.BAD if blocking else Tone.GOOD)
    if waived:
        yield Figure(waived, _many(waived, "waived finding"), Tone.WARN)
    if others:
        does = "does" if others == 1 else "do"
        yield Figure(others, f"{_many(others, 'finding')} that {does} not block", Tone.NOTE)
    if fixed:
        yield Figure(fixed, _many(fixed, "answer") + " fixed since the baseline", Tone.NOTE)
    yield Figure(
        answered,
        "questions answered",
        Tone.GOOD if answered == len(report.comparisons) else Tone.WARN,
        of=len(report.comparisons),
    )
    yield Figure(
        silent,
        "candidate cells without a result",
        Tone.WARN if silent else Tone.GOOD,
        of=len(cells),
    )
    if report.not_covered:
        number = len(report.not_covered)
        yield Figure(number, _many(number, "thing") + " not covered", Tone.QUIET)


def _many(number: int, thing: str) -> str:
    return thing if number == 1 else f"{thing}s"

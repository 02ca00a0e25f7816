"""The map of checks by kernels and threads, as SVG that tens of thousands of squares keep small.

A square is drawn in two halves, the baseline above the candidate. Each class of answer is one
*tile*, an SVG pattern as wide as a square, with a shape of its own, so that it is told apart
without colour; a run of equal halves is one rectangle filled with that pattern. A row therefore
takes a few paths, whatever its length.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING

from attrs import frozen

from release_gate.model import ComparisonKind, Outcome, Role
from release_gate.report.places import name_places
from release_gate.report.presentation import Look, look

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from enum import StrEnum

    from release_gate.report.document import CellReport, ComparisonReport, Report

__all__ = [
    "HALF",
    "PITCH",
    "TILES",
    "Column",
    "HeatMap",
    "Layer",
    "Note",
    "Row",
    "Tile",
    "heat_map",
]

#: Width of a square and height of each of its halves, in pixels.
PITCH = 20
HALF = 13

#: Kernels that a note names before it only counts them.
NAMED = 4

#: Widths of a letter in the head, along the text and, turned, across it.
LETTER = 6.7
LINE = 15


@frozen
class Tile:
    """How a half square of one class is drawn: a stroked path in a box of 10 by 10."""

    id: str
    look: Look
    shape: str


_RING = "M5 1.8a3.2 3.2 0 1 1 0 6.4a3.2 3.2 0 1 1 0-6.4z"

_SHAPES: Mapping[StrEnum | None, str] = {
    Outcome.PASSED: "M1.5 5l2.6 2.8 4.4-5.6",
    Outcome.FAILED: "M2 2l6 6M8 2l-6 6",
    Outcome.CRASHED: "M3.2 9.3v-2.2a3.4 3.4 0 1 1 3.6 0v2.2zM3.7 4.2v.9M6.3 4.2v.9",
    Outcome.HUNG: "M5 5c1-2 4.2-2.6 4.2 0s-3.2 2-4.2 0-4.2-2.6-4.2 0 3.2 2 4.2 0z",
    Outcome.ERROR: "M5 1v5M5 8.2v1",
    Outcome.NOT_EXERCISED: _RING,
    Outcome.UNSUPPORTED: f"{_RING}M2.8 7.2l4.4-4.4",
    ComparisonKind.FLAKY: "M1 3.8q2-2.4 4 0t4 0M1 7.2q2-2.4 4 0t4 0",
    None: "M1.8 1.8h6.4v6.4h-6.4z",
}

#: By what was answered; ``flaky`` stands in for the answer of a check that gave two, None for none.
TILES: Mapping[StrEnum | None, Tile] = {
    value: Tile(value or "missing", look(value), shape) for value, shape in _SHAPES.items()
}


@frozen(kw_only=True)
class Column:
    """One kernel: its thread counts, and where it begins, in pixels."""

    kernel: str
    observed: str
    threads: tuple[int, ...]
    left: int


@frozen(kw_only=True)
class Layer:
    """All half squares of one row with one tile, as the data of one path."""

    tile: str
    path: str


@frozen(kw_only=True)
class Note:
    """What a row has to say besides that it passes, and the outline of the squares it is about."""

    kind: Look
    where: str
    finding: str  # id of the finding that it belongs to, or ""
    outline: str


@frozen(kw_only=True)
class Row:
    """One check over all places. A row without notes passes wherever it was planned."""

    check: str
    layers: tuple[Layer, ...]
    notes: tuple[Note, ...]
    answers: int
    worst: int


@frozen(kw_only=True)
class HeatMap:
    """Checks by kernels and threads, for one candidate beside the baseline, worst rows first."""

    candidate: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    places: int

    @property
    def width(self) -> int:
        return max(self.places, 1) * PITCH

    @property
    def turned(self) -> bool:
        """Whether some kernel's name is wider than its columns, so that names are set upright."""
        return any(
            len(column.kernel) * LETTER > len(column.threads) * PITCH for column in self.columns
        )

    @property
    def head(self) -> int:
        """Return the height of the names above the map, in pixels."""
        longest = max((len(column.kernel) for column in self.columns), default=0)
        return round(longest * LETTER) + 6 if self.turned else LINE

    @property
    def rules(self) -> str:
        """Return the path of the lines between kernels that have several columns each."""
        grouped = any(len(column.threads) > 1 for column in self.columns)
        lines = (f"M{column.left} 0v{2 * HALF}" for column in self.columns[1:])
        return "".join(lines) if grouped else ""

    @property
    def telling(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.notes)

    @property
    def passing(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if not row.notes)

    @property
    def renamed(self) -> tuple[Column, ...]:
        """Return the kernels that the library calls otherwise than they were asked for."""
        return tuple(
            column
            for column in self.columns
            if column.observed and column.observed.casefold() != column.kernel.casefold()
        )


#: A column group: kernel by platform and emulator, which are "" where there is only one.
_Place = tuple[str, int]


def heat_map(report: Report, candidate: str) -> HeatMap:
    """Return the map of `candidate`: each check that was planned with a kernel, in each place."""
    cells = {
        cell.id: cell
        for cell in report.cells
        if cell.role is Role.CANDIDATE
        and cell.pin == candidate
        and cell.kernel is not None
        and not cell.left_out
    }
    names = {
        id_: f"{cell.place} (emulated)" if cell.emulator else cell.place
        for id_, cell in cells.items()
    }
    columns = _columns(cells, names)
    places = {
        place: index
        for index, place in enumerate(
            (column.kernel, count) for column in columns for count in column.threads
        )
    }
    rows: dict[str, dict[int, ComparisonReport]] = defaultdict(dict)
    for each in report.comparisons:
        if each.cell in cells:
            rows[each.check][places[names[each.cell], cells[each.cell].threads]] = each
    findings = {
        (finding.check, cell): finding.id for finding in report.findings for cell in finding.cells
    }
    made = [_row(check, of, list(places), findings) for check, of in rows.items()]
    return HeatMap(
        candidate=candidate,
        columns=columns,
        rows=tuple(sorted(made, key=lambda row: (row.worst, row.check))),
        places=len(places),
    )


def _columns(cells: Mapping[str, CellReport], names: Mapping[str, str]) -> tuple[Column, ...]:
    kernels: dict[str, list[CellReport]] = defaultdict(list)
    for id_, cell in cells.items():
        kernels[names[id_]].append(cell)
    columns, left = [], 0
    for kernel, of in kernels.items():
        observed = dict.fromkeys(cell.kernel_observed for cell in of if cell.kernel_observed)
        threads = tuple(dict.fromkeys(cell.threads for cell in of))
        same = {cell.kernel for cell in of} == set(observed)
        columns.append(
            Column(
                kernel=kernel,
                observed=kernel if same else ", ".join(observed),
                threads=threads,
                left=left,
            )
        )
        left += len(threads) * PITCH
    return tuple(columns)


def _row(
    check: str,
    of: Mapping[int, ComparisonReport],
    places: Sequence[_Place],
    findings: Mapping[tuple[str, str], str],
) -> Row:
    halves: dict[str, list[str]] = defaultdict(list)
    baseline = {index: TILES[each.baseline].id for index, each in of.items()}
    candidate = {
        index: TILES[ComparisonKind.FLAKY if each.flaky else each.candidate].id
        for index, each in of.items()
    }
    for top, half in ((0, baseline), (HALF, candidate)):
        for tile, first, last in _runs(half):
            halves[tile].append(_box(first, last, top, HALF))
    told: dict[tuple[ComparisonKind, str], list[int]] = defaultdict(list)
    for index, each in sorted(of.items()):
        if each.kind is not ComparisonKind.STILL_PASSING:
            told[each.kind, findings.get((check, each.cell), "")].append(index)
    notes = [
        Note(
            kind=look(kind),
            where=_where(indices, of, places),
            finding=finding,
            outline="".join(
                _box(first, last, 0, 2 * HALF)
                for _, first, last in _runs(dict.fromkeys(indices, ""))
            ),
        )
        for (kind, finding), indices in told.items()
    ]
    return Row(
        check=check,
        layers=tuple(Layer(tile=tile, path="".join(boxes)) for tile, boxes in halves.items()),
        notes=tuple(sorted(notes, key=lambda note: note.kind.rank)),
        answers=len(of),
        worst=min(look(each.kind).rank for each in of.values()),
    )


def _runs(values: Mapping[int, str]) -> list[tuple[str, int, int]]:
    """Return (value, first, last) of each run of neighbours with the same value."""
    runs = groupby(enumerate(sorted(values)), key=lambda pair: (values[pair[1]], pair[1] - pair[0]))
    made = []
    for (value, _), pairs in runs:
        indices = [index for _, index in pairs]
        made.append((value, indices[0], indices[-1]))
    return made


def _box(first: int, last: int, top: int, height: int) -> str:
    width = (last - first + 1) * PITCH
    return f"M{first * PITCH} {top}h{width}v{height}h-{width}z"


def _where(
    indices: Sequence[int], of: Mapping[int, ComparisonReport], places: Sequence[_Place]
) -> str:
    if len(indices) == len(of) and len(of) > 1:
        return "wherever it was asked"
    return name_places((places[index] for index in indices), NAMED)

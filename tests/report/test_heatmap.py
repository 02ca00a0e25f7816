from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs
import pytest
from gate_report import report
from gate_values import CANDIDATE
from hypothesis import given
from hypothesis import strategies as st

from release_gate.model import ComparisonKind, Outcome, Role
from release_gate.report.heatmap import HALF, PITCH, TILES, HeatMap, Row, heat_map
from release_gate.report.presentation import LOOKS

if TYPE_CHECKING:
    from collections.abc import Iterator

REPORT = report()
MAP = heat_map(REPORT, str(CANDIDATE))

#: "M40 13h60v13h-60z"
BOX = re.compile(r"M(\d+) (\d+)h(\d+)v(\d+)h-\3z")


def boxes(path: str) -> Iterator[tuple[int, int]]:
    """Yield column and half (0 or 1) of each half square that `path` covers."""
    assert BOX.sub("", path) == ""
    for left, top, width, height in (map(int, box) for box in BOX.findall(path)):
        assert left % PITCH == width % PITCH == top % HALF == height % HALF == 0
        for column in range(left // PITCH, (left + width) // PITCH):
            for half in range(top // HALF, (top + height) // HALF):
                yield column, half


def halves(row: Row) -> dict[tuple[int, int], str]:
    """Return the tile of each half square; fails where two lie on each other."""
    drawn: dict[tuple[int, int], str] = {}
    for layer in row.layers:
        for place in boxes(layer.path):
            assert place not in drawn
            drawn[place] = layer.tile
    return drawn


def row_of(check: str, of: HeatMap = MAP) -> Row:
    return next(row for row in of.rows if row.check == check)


def test_kernels_and_threads_are_the_columns() -> None:
    assert [column.kernel for column in MAP.columns] == [
        "Katmai",
        "Nehalem",
        "Sandybridge",
        "Haswell",
        "SkylakeX",
    ]
    assert [column.left for column in MAP.columns] == [0, 40, 80, 120, 160]
    assert {column.threads for column in MAP.columns} == {(1, 8)}
    assert MAP.places == 10
    assert not MAP.renamed


def test_every_answer_of_both_sides_is_drawn_once() -> None:
    cells = {cell.id: cell for cell in REPORT.cells if cell.role is Role.CANDIDATE}
    columns = {
        (column.kernel, count): column.left // PITCH + index
        for column in MAP.columns
        for index, count in enumerate(column.threads)
    }
    expected: dict[str, dict[tuple[int, int], str]] = {}
    for each in REPORT.comparisons:
        cell = cells[each.cell]
        if cell.kernel is None:
            continue
        place = columns[cell.kernel, cell.threads]
        drawn = expected.setdefault(each.check, {})
        drawn[place, 0] = "missing" if each.baseline is None else each.baseline
        drawn[place, 1] = "flaky" if each.flaky else each.candidate or "missing"
    assert {row.check: halves(row) for row in MAP.rows} == expected


def test_a_note_has_the_finding_the_places_in_words_and_their_outline() -> None:
    regressed, lost = row_of("exact.gemm").notes
    assert regressed.kind is LOOKS[ComparisonKind.REGRESSED]
    assert regressed.where == "Haswell 1, 8"
    assert regressed.finding == REPORT.findings[0].id
    assert set(boxes(regressed.outline)) == {(6, 0), (6, 1), (7, 0), (7, 1)}
    assert lost.where == "Sandybridge 1"
    assert not lost.finding


def test_the_worst_comes_first_and_what_only_passes_is_apart() -> None:
    assert MAP.rows[0].check == "exact.gemm"
    assert [row.worst for row in MAP.rows] == sorted(row.worst for row in MAP.rows)
    calm = attrs.evolve(
        REPORT,
        comparisons=tuple(
            attrs.evolve(each, kind=ComparisonKind.STILL_PASSING)
            if each.check == "exact.syrk"
            else each
            for each in REPORT.comparisons
        ),
    )
    made = heat_map(calm, str(CANDIDATE))
    assert [row.check for row in made.passing] == ["exact.syrk"]
    assert len(made.telling) == len(made.rows) - 1


def test_cells_of_several_platforms_and_emulators_have_columns_of_their_own() -> None:
    cells = tuple(
        attrs.evolve(
            cell,
            place=f"linux-aarch64 {cell.kernel}",
            platform="linux-aarch64",
            emulator="qemu",
            kernel_observed="armv8",
        )
        if cell.kernel == "Katmai"
        else cell
        for cell in REPORT.cells
    )
    made = heat_map(attrs.evolve(REPORT, cells=cells), str(CANDIDATE))
    assert made.columns[0].kernel == "linux-aarch64 Katmai (emulated)"
    assert made.columns[1].kernel == "Nehalem"
    assert [column.observed for column in made.renamed] == ["armv8"]
    assert made.turned
    assert made.head > heat_map(REPORT, str(CANDIDATE)).head


def test_a_candidate_without_cells_is_an_empty_map() -> None:
    made = heat_map(REPORT, "none")
    assert (made.rows, made.columns, made.width) == ((), (), PITCH)


@given(st.lists(st.sampled_from([None, *Outcome]), min_size=1, max_size=60))
def test_any_row_of_answers_is_drawn_as_it_is(answers: list[Outcome | None]) -> None:
    cell = next(cell for cell in REPORT.cells if cell.role is Role.CANDIDATE and cell.kernel)
    cells = tuple(
        attrs.evolve(cell, id=str(index), threads=index + 1) for index in range(len(answers))
    )
    comparisons = tuple(
        attrs.evolve(REPORT.comparisons[0], cell=str(index), candidate=answer, flaky=False)
        for index, answer in enumerate(answers)
    )
    made = heat_map(attrs.evolve(REPORT, cells=cells, comparisons=comparisons), cell.pin)
    drawn = halves(made.rows[0])
    assert [drawn[index, 1] for index in range(len(answers))] == [
        answer or "missing" for answer in answers
    ]


@pytest.mark.parametrize("value", list(TILES))
def test_every_answer_has_a_tile_of_its_own(value: Outcome | ComparisonKind | None) -> None:
    shapes = [tile.shape for tile in TILES.values()]
    assert shapes.count(TILES[value].shape) == 1
    assert set(Outcome) < set(TILES)

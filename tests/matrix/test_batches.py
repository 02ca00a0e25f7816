from __future__ import annotations

import pytest
from attrs import evolve
from gate_values import cell
from hypothesis import given
from hypothesis import strategies as st

from release_gate.matrix.batches import MOST_BESIDE, batches_of, wall_seconds
from release_gate.model import PlannedCell


def planned(kernel: str | None, threads: int) -> PlannedCell:
    return PlannedCell(cell=cell(kernel=kernel, threads=threads), checks=("exact.gemm",))


CELLS = (
    planned(None, 0),
    *(planned(kernel, threads) for kernel in ("Haswell", "SkylakeX") for threads in (1, 8)),
)


@pytest.mark.parametrize(
    ("cores", "most", "widths"),
    [
        (1, None, [1, 1, 1]),
        (2, None, [1, 2, 1]),
        (2, 1, [1, 1, 1]),
        (2, 8, [1, 2, 1]),
        (16, None, [1, MOST_BESIDE, 2]),
        (16, 1, [1, 1, 1]),
        (128, None, [1, MOST_BESIDE, MOST_BESIDE]),
    ],
)
def test_cells_share_the_cores(cores: int, most: int | None, widths: list[int]) -> None:
    batches = batches_of(CELLS, cores=cores, most=most)
    assert [batch.width for batch in batches] == widths
    assert [[entry.cell.threads for entry in batch.cells] for batch in batches] == [
        [0],
        [1, 1],
        [8, 8],
    ]


@given(
    threads=st.lists(st.integers(0, 64), max_size=12),
    cores=st.integers(1, 256),
    most=st.none() | st.integers(1, 300),
)
def test_every_cell_is_in_one_batch_and_no_core_is_taken_twice(
    threads: list[int], cores: int, most: int | None
) -> None:
    cells = [planned(f"Kernel{number}", count) for number, count in enumerate(threads)]
    batches = batches_of(cells, cores=cores, most=most)
    assert sorted((entry for batch in batches for entry in batch.cells), key=cells.index) == cells
    for batch in batches:
        counts = {entry.cell.threads for entry in batch.cells}
        assert len(counts) == 1
        assert batch.width == 1 or batch.width * max(counts) <= cores
        assert batch.width <= min(MOST_BESIDE, most or cores)


def test_what_has_most_checks_begins_first_and_equals_keep_their_order() -> None:
    cells = [planned(f"Kernel{number}", 1) for number in range(4)]
    cells[2] = evolve(cells[2], checks=("exact.gemm", "exact.dot"))
    (batch,) = batches_of(cells, cores=2, most=None)
    assert batch.cells == (cells[2], cells[0], cells[1], cells[3])


def test_wall_time_is_that_of_the_batches() -> None:
    seconds = (1.0, 10.0, 100.0, 30.0, 300.0)
    costs = {entry.cell.id: each for entry, each in zip(CELLS, seconds, strict=True)}
    # Haswell t1 10 s beside SkylakeX t1 30 s; the others one by one.
    assert wall_seconds(CELLS, costs, cores=2, most=None) == 1.0 + 30.0 + 400.0
    assert wall_seconds(CELLS, costs, cores=2, most=1) == 441.0
    assert wall_seconds((), {}, cores=2, most=None) == 0.0

from __future__ import annotations

import pytest
from gate_values import cell
from hypothesis import given
from hypothesis import strategies as st

from release_gate.matrix.rooms import MOST_BESIDE, Room, in_order, wall_seconds
from release_gate.model import PlannedCell


def planned(kernel: str | None, threads: int) -> PlannedCell:
    return PlannedCell(cell=cell(kernel=kernel, threads=threads), checks=("exact.gemm",))


CELLS = (
    planned(None, 0),
    *(planned(kernel, threads) for kernel in ("Haswell", "SkylakeX") for threads in (1, 8)),
)


@pytest.mark.parametrize(
    ("cores", "most", "threads", "running", "admitted"),
    [
        (1, None, 1, [], True),
        (1, None, 8, [], True),
        (1, None, 1, [1], False),
        (2, None, 1, [1], True),
        (2, None, 1, [1, 1], False),
        (2, None, 1, [8], True),
        (2, None, 8, [1], True),
        (2, None, 8, [8], False),
        (2, None, 2, [8], False),
        (2, 1, 1, [8], False),
        (16, None, 8, [8], True),
        (16, None, 1, [8, 8], False),
        (16, None, 16, [8], False),
        (16, None, 1, [16], True),
        (128, None, 8, [8] * (MOST_BESIDE - 1), True),
        (128, None, 8, [8] * MOST_BESIDE, False),
        (128, 2, 1, [1, 1], False),
    ],
)
def test_who_may_begin(
    cores: int, most: int | None, threads: int, running: list[int], *, admitted: bool
) -> None:
    assert Room(cores=cores, most=most).admits(threads, running) is admitted


@given(
    threads=st.integers(0, 64),
    cores=st.integers(1, 256),
    most=st.none() | st.integers(1, 300),
    running=st.lists(st.integers(0, 64), max_size=6),
)
def test_no_core_is_promised_twice_and_nobody_waits_for_an_empty_room(
    threads: int, cores: int, most: int | None, running: list[int]
) -> None:
    room = Room(cores=cores, most=most)
    assert room.admits(threads, [])
    if room.admits(threads, running):
        together = [*running, threads]
        assert len(together) <= min(MOST_BESIDE, most or cores)
        if len(together) > 1:
            assert sum(max(1, min(each, cores - 1)) for each in together) <= cores
            assert sum(each >= cores for each in together) <= 1


def test_inspections_come_first_then_most_threads() -> None:
    ordered = [(entry.cell.kernel, entry.cell.threads) for entry in in_order(CELLS)]
    crowded, light = [("Haswell", 8), ("SkylakeX", 8)], [("Haswell", 1), ("SkylakeX", 1)]
    assert ordered == [(None, 0), *crowded, *light]


def test_wall_time_is_that_of_cells_beside_each_other() -> None:
    seconds = (1.0, 10.0, 100.0, 30.0, 300.0)
    costs = {entry.cell.id: each for entry, each in zip(CELLS, seconds, strict=True)}
    # Haswell t8 100 s, then SkylakeX t8 300 s; beside them 1 s, then the two of one thread.
    assert wall_seconds(CELLS, costs, Room(cores=2)) == 400.0
    assert wall_seconds(CELLS, costs, Room(cores=2, most=1)) == 441.0
    assert wall_seconds((), {}, Room(cores=2)) == 0.0
    costs = {entry.cell.id: 10.0 for entry in CELLS}
    # 0 and 8; 1; then 8 and 1.
    assert wall_seconds(CELLS, costs, Room(cores=2)) == 30.0

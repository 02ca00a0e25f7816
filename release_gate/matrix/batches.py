"""Which cells run at the same time: those whose BLAS threads would leave cores of the host idle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from release_gate.model import PlannedCell

__all__ = ["MOST_BESIDE", "Batch", "batches_of", "wall_seconds", "width"]

#: Cells at once, however many cores there are: each needs memory, half a GiB in smoke.
MOST_BESIDE: Final = 4


@frozen(kw_only=True)
class Batch:
    """Cells of one thread count, of which `width` run at the same time."""

    width: int
    cells: tuple[PlannedCell, ...]


def width(threads: int, *, cores: int, most: int | None) -> int:
    """Return how many cells of so many BLAS threads run at the same time.

    `cores`: what the process may use; `most`: what the user allows (None: all of them).
    Inspections of wheels, which have no threads, run one by one.
    """
    if threads == 0:
        return 1
    return max(1, min(cores // threads, MOST_BESIDE, most or cores))


def batches_of(cells: Sequence[PlannedCell], *, cores: int, most: int | None) -> tuple[Batch, ...]:
    """Return `cells` by thread count, the fewest threads first.

    In a batch those with most checks begin first: a long one that begins last leaves cores idle.
    """
    counts = sorted({entry.cell.threads for entry in cells})
    return tuple(
        Batch(
            width=width(count, cores=cores, most=most),
            cells=tuple(
                sorted(
                    (entry for entry in cells if entry.cell.threads == count),
                    key=lambda entry: -len(entry.checks),
                )
            ),
        )
        for count in counts
    )


def wall_seconds(
    cells: Sequence[PlannedCell], costs: Mapping[str, float], *, cores: int, most: int | None
) -> float:
    """Return what `cells` should take in their batches; `costs`: seconds alone, by id of the cell.

    An estimate: a batch takes as long as its cells shared out evenly, or as its longest.
    """
    seconds = 0.0
    for batch in batches_of(cells, cores=cores, most=most):
        alone = [costs[entry.cell.id] for entry in batch.cells]
        seconds += max(sum(alone) / batch.width, *alone)
    return seconds

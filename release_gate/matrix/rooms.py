"""Which cells run at the same time: those that would leave cores of the host idle."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from release_gate.model import PlannedCell

__all__ = ["MOST_BESIDE", "Room", "in_order", "seconds_beside", "wall_seconds"]

#: Cells at once, however many cores there are: each needs memory, half a GiB in smoke.
MOST_BESIDE: Final = 4


@frozen(kw_only=True)
class Room:
    """The cores that cells share.

    `cores`: what the process may use; `most`: cells at a time that the user allows (None: any).

    A cell takes as many cores as it has BLAS threads. One that could have all of them leaves one to
    a cell of one thread: between its calls it computes with one thread itself, and its checks of
    races look for what comes of crowded cores. Of such cells there is one at a time.
    """

    cores: int
    most: int | None = None

    @property
    def width(self) -> int:
        """How many cells run at the same time at most."""
        return min(self.cores, MOST_BESIDE, self.most or self.cores)

    def admits(self, threads: int, running: Collection[int]) -> bool:
        """Say whether a cell of so many BLAS threads may begin beside cells of `running` ones."""
        if len(running) >= self.width:
            return False
        if self._is_crowded(threads) and any(map(self._is_crowded, running)):
            return False
        return sum(map(self._taken, running)) + self._taken(threads) <= self.cores

    def _is_crowded(self, threads: int) -> bool:
        return threads >= max(self.cores, 2)

    def _taken(self, threads: int) -> int:
        return max(1, min(threads, self.cores - 1))


def in_order(cells: Iterable[PlannedCell]) -> list[PlannedCell]:
    """Return the order in which cells are given out: inspections of wheels, then by threads.

    Most threads first: those that are one at a time begin early, and the others fill what they
    leave.
    """
    return sorted(cells, key=lambda entry: -entry.cell.threads if entry.cell.kernel else -1_000_000)


def wall_seconds(cells: Iterable[PlannedCell], costs: Mapping[str, float], room: Room) -> float:
    """Return what `cells` should take beside each other; `costs`: seconds alone, by cell id."""
    ordered = in_order(cells)
    return seconds_beside([(entry.cell.threads, costs[entry.cell.id]) for entry in ordered], room)


def seconds_beside(waiting: Sequence[tuple[int, float]], room: Room) -> float:
    """Return what cells take in that order, each told by its threads and its seconds alone."""
    running: list[tuple[float, int]] = []  # when it ends, its threads
    now = 0.0
    while waiting or running:
        left = []
        for threads, seconds in waiting:
            if room.admits(threads, [each for _, each in running]):
                heapq.heappush(running, (now + seconds, threads))
            else:
                left.append((threads, seconds))
        waiting = left
        now, _ = heapq.heappop(running)
    return now

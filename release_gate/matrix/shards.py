"""The cells of a plan packed into jobs: a pure function of the plan, so that a job finds its own.

Each shard is of one platform. Cells of the baseline and of the candidates with the same kernel and
threads stay together: they are compared, and machines of one kind have different CPUs.
"""

from __future__ import annotations

from collections import defaultdict
from math import ceil
from typing import TYPE_CHECKING, Final

from attrs import frozen

from release_gate.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from release_gate.model import Plan, PlannedCell

__all__ = ["MOST_SHARDS", "SHARD_SECONDS", "Shard", "shards_of"]

#: GitHub takes no more jobs of one matrix.
MOST_SHARDS: Final = 256

#: What a shard should take: long beside the minute or two in which its machine gets ready.
SHARD_SECONDS: Final = 600.0


@frozen(kw_only=True)
class Shard:
    """Cells that one machine checks, in the order of the plan."""

    id: str  # "linux-aarch64-02": usable as a file name
    platform: str
    cells: tuple[PlannedCell, ...]

    @property
    def seconds(self) -> float:
        """Return what its cells should take together."""
        return sum(entry.seconds for entry in self.cells)


def shards_of(plan: Plan, most: int = MOST_SHARDS) -> tuple[Shard, ...]:
    """Return at most `most` shards that hold each cell of `plan` once, of about equal cost.

    Raises ConfigurationError when `most` is less than one for each platform.
    """
    groups: dict[str, list[list[PlannedCell]]] = defaultdict(list)
    of_place: dict[tuple[object, ...], list[PlannedCell]] = {}
    for entry in plan.cells:
        cell = entry.cell
        place = (cell.platform, cell.kernel, cell.threads, cell.emulator)
        if place not in of_place:
            of_place[place] = []
            groups[cell.platform].append(of_place[place])
        of_place[place].append(entry)
    if len(groups) > most:
        raise ConfigurationError(
            Problem(
                what=f"{len(groups)} platforms do not fit into {most} jobs", where="--platforms"
            )
        )
    order = {entry.cell.id: index for index, entry in enumerate(plan.cells)}
    shares = _shares(groups, most)
    shards = []
    for platform, of in groups.items():
        width = max(2, len(str(shares[platform])))
        for number, bin_ in enumerate(_packed(of, shares[platform]), start=1):
            cells = sorted(bin_, key=lambda entry: order[entry.cell.id])
            id_ = f"{platform}-{number:0{width}}"
            shards.append(Shard(id=id_, platform=platform, cells=tuple(cells)))
    return tuple(shards)


def _shares(groups: Mapping[str, Sequence[Sequence[PlannedCell]]], most: int) -> dict[str, int]:
    """Return how many shards each platform gets: what its cost asks for, then one less by one.

    While there are too many in all, the platform gives way whose shards are the shortest.
    """
    costs = {platform: sum(map(_seconds, of)) for platform, of in groups.items()}
    shares = {
        platform: max(1, min(len(of), ceil(costs[platform] / SHARD_SECONDS)))
        for platform, of in groups.items()
    }
    while sum(shares.values()) > most:
        splittable = [platform for platform, share in shares.items() if share > 1]
        shares[min(splittable, key=lambda name: (costs[name] / shares[name], name))] -= 1
    return shares


def _packed(groups: Sequence[Sequence[PlannedCell]], share: int) -> list[list[PlannedCell]]:
    """Return `share` bins, none of them empty: the longest group first, into the emptiest bin."""
    bins: list[list[PlannedCell]] = [[] for _ in range(share)]
    for group in sorted(groups, key=lambda of: (-_seconds(of), of[0].cell.id)):
        min(bins, key=lambda held: (_seconds(held), len(held))).extend(group)
    return bins


def _seconds(cells: Sequence[PlannedCell]) -> float:
    return sum(entry.seconds for entry in cells)

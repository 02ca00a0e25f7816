"""Which results count as answers of which planned cells, and why the others do not."""

from __future__ import annotations

from collections import defaultdict
from enum import IntEnum
from typing import TYPE_CHECKING

from attrs import frozen

from release_gate.judgement.classify import severity
from release_gate.model import Cell, CellResult, NotCovered, Observation, Plan
from release_gate.wire import to_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from release_gate.model import Pin

__all__ = ["Admitted", "admit"]


class _Trust(IntEnum):
    """How far a result answers for its cell."""

    NOTHING = 0  # it is the answer to another question (another kernel ran)
    FAILURES = 1  # what it saw failing did fail; what it saw passing may be something else
    ALL = 2


@frozen(kw_only=True)
class Admitted:
    """What counts. `observations`: per cell id, per check id, of the planned checks only.

    `doubts`: per cell id, why its answers do not count (fully); `missing`: the planned cells that
    have no result that counts; `left_out`: per cell id, why its kernel could not run where it was
    to be checked; `notes`: results that were left aside.
    """

    observations: Mapping[str, Mapping[str, Observation]]
    doubts: Mapping[str, str]
    missing: tuple[Cell, ...]
    left_out: Mapping[str, str]
    notes: tuple[NotCovered, ...]


def admit(plan: Plan, results: Iterable[CellResult]) -> Admitted:
    """Sort out which of `results` answer for the cells of `plan`, in whatever order they come.

    A result that ran another kernel or thread count than was asked for does not count. Where the
    library died before it could say what it runs, or where the results of one pin come from
    different wheels, failures count and passes do not: doubt never turns a failure into silence.

    A kernel that could not run where it was to be checked is left out, as it is of a plan that
    knows the machine. Where no kernel of a pin ran on a platform at all, that is no gap that can be
    told and passed over: these cells are missing.
    """
    of_cell, notes = _of_cells(plan, results)
    left_out = _left_out(plan, of_cell)
    mixed = _mixed_wheels(of_cell.values())
    observations: dict[str, dict[str, Observation]] = {}
    doubts: dict[str, str] = {}
    missing = []
    for entry in plan.cells:
        cell_id = entry.cell.id
        judged = [(result, *_trust(result, mixed)) for result in of_cell.get(cell_id, ())]
        seen: dict[str, list[Observation]] = defaultdict(list)
        for result, trust, _ in judged:
            for observation in result.observations:
                if trust is _Trust.ALL or (
                    trust is _Trust.FAILURES and observation.outcome.is_failure
                ):
                    seen[observation.check].append(observation)
        notes += _unplanned(cell_id, seen, entry.checks)
        observations[cell_id] = {
            check: max(seen[check], key=_badness) for check in entry.checks if check in seen
        }
        if cell_id in left_out:
            continue
        # A second, sound result of the cell lifts the doubt about the first.
        if judged and all(trust is not _Trust.ALL for _, trust, _ in judged):
            doubts[cell_id] = "; ".join(sorted({why for _, _, why in judged}))
        if not any(trust for _, trust, _ in judged):
            missing.append(entry.cell)
    return Admitted(
        observations=observations,
        doubts=doubts,
        missing=tuple(missing),
        left_out=left_out,
        notes=tuple(sorted(notes, key=lambda note: (note.what, note.why))),
    )


def _of_cells(
    plan: Plan, results: Iterable[CellResult]
) -> tuple[dict[str, list[CellResult]], list[NotCovered]]:
    """Return the results of each planned cell, by its id, and what is to be said of the others."""
    planned = {entry.cell.id: entry.cell for entry in plan.cells}
    of_cell: dict[str, list[CellResult]] = defaultdict(list)
    notes = []
    for result in results:
        if planned.get(result.cell.id) == result.cell:
            of_cell[result.cell.id].append(result)
        else:
            notes.append(NotCovered(what=result.cell.id, why="a result of no cell of this plan"))
    notes += [
        NotCovered(
            what=cell_id, why=f"{len(sources)} results of one cell; of each check the worst counts"
        )
        for cell_id, sources in of_cell.items()
        if len(sources) > 1
    ]
    return of_cell, notes


def _left_out(plan: Plan, of_cell: Mapping[str, Sequence[CellResult]]) -> dict[str, str]:
    """Return, per cell id, why its kernel could not run: of pins that ran another one there."""
    of_pin: dict[tuple[str, Pin], list[str]] = defaultdict(list)
    for entry in plan.cells:
        if entry.cell.kernel is not None:
            of_pin[entry.cell.platform, entry.cell.pin].append(entry.cell.id)
    reasons = {
        cell_id: "; ".join(sorted({result.left_out for result in sources}))
        for cell_id, sources in of_cell.items()
        if all(result.left_out and not result.observations for result in sources)
    }
    return {
        cell_id: reasons[cell_id]
        for cells in of_pin.values()
        if not reasons.keys() >= {*cells}
        for cell_id in cells
        if cell_id in reasons
    }


def _mixed_wheels(groups: Iterable[Sequence[CellResult]]) -> frozenset[str]:
    """Return the digests of the pins whose results come from more than one wheel."""
    wheels = defaultdict(set)
    for group in groups:
        for result in group:
            wheels[result.cell.pin.sha256].add(result.wheel_sha256)
    return frozenset(pin for pin, digests in wheels.items() if len(digests) > 1)


def _trust(result: CellResult, mixed: frozenset[str]) -> tuple[_Trust, str]:
    cell, kernel, threads = result.cell, result.kernel.observed, result.threads.observed
    if result.openblas.pin.sha256 != cell.pin.sha256:
        return _Trust.NOTHING, f"ran {result.openblas.pin}, not {cell.pin}"
    if result.left_out:
        # With answers it contradicts itself; without, no kernel of its library ran anywhere.
        trust = _Trust.FAILURES if result.observations else _Trust.NOTHING
        return trust, f"its kernel was left out: {result.left_out}"
    if (
        cell.kernel is not None
        and kernel is not None
        and kernel.casefold() != cell.kernel.casefold()
    ):
        return _Trust.NOTHING, f"ran the kernel {kernel}, not {cell.kernel}"
    if cell.kernel is not None and threads not in {None, cell.threads}:
        return _Trust.NOTHING, f"ran {threads} BLAS threads, not {cell.threads}"
    why = ""
    if cell.kernel is not None and None in {kernel, threads}:
        why = "never said which kernel and how many threads it runs"
    elif cell.pin.sha256 in mixed:
        why = f"the results of {cell.pin} come from different wheels"
    return (_Trust.FAILURES, why) if why else (_Trust.ALL, "")


def _unplanned(
    cell_id: str, seen: Mapping[str, Sequence[Observation]], planned: Sequence[str]
) -> list[NotCovered]:
    """Note failures of checks that the plan did not ask for: they are not judged, nor hidden."""
    return [
        NotCovered(what=f"{check} in {cell_id}", why="failed, but is not part of this plan")
        for check, observations in seen.items()
        if check not in planned and any(each.outcome.is_failure for each in observations)
    ]


def _badness(observation: Observation) -> tuple[int, str]:
    # The text only makes the choice between equals independent of their order.
    return severity(observation), repr(to_data(observation))

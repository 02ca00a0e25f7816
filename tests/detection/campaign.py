"""The planted faults against the checks: smoke first, full for what escapes it.

1. Each check runs without a fault in each cell. It is noted how long it takes, which routines it
   calls and what it answers.
2. Each fault is tried in the cells that it needs: the checks that call its routine, cheapest first,
   up to the first that fails. The answer of the others cannot change. What told it in an earlier
   campaign, with other checks, another library or on another machine, goes before all.
"""

from __future__ import annotations

from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from attrs import frozen

from release_gate.matrix.selection import is_asked
from tests.detection.later import before, digests
from tests.detection.results import Results, digest_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.detection.faults import Fault
    from tests.detection.subject import Run, Subject

__all__ = ["FEW", "KERNEL", "MANY", "Campaign", "Cell", "cells_needed", "cells_of"]

#: Where a fault without a condition on the kernel is tried; it stands for the one kernel that some
#: checks are asked with in a default run, too.
KERNEL = "Haswell"
#: The thread counts of the gate's default cells.
FEW, MANY = 1, 8

MOST_REASON = 200


@frozen
class Cell:
    """Kernel and threads that a fault is tried with."""

    kernel: str
    threads: int


def cells_of(fault: Fault) -> tuple[Cell, ...]:
    """Return the cells of a default run in which `fault` can be in force, cheapest first."""
    kernel = KERNEL if fault.kernel == "any" else fault.kernel
    threads = (MANY,) if fault.threads == "many" else (FEW, MANY)
    return tuple(Cell(kernel, each) for each in threads)


class Campaign:
    """Trials of faults in `subject`, with their results in `folder`.

    `told`: by fault and profile, the check that told it elsewhere.
    """

    def __init__(
        self,
        subject: Subject,
        folder: Path,
        checks: str = "*",
        told: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        self.subject = subject
        self.told = told or {}
        self.specs = {spec.id: spec for spec in subject.shop.checks if fnmatch(spec.id, checks)}
        self.reach = Results(folder / "reach.jsonl")
        self.trials = Results(folder / "planted.jsonl")

    def asked(self, cell: Cell, profile: str) -> list[str]:
        """Return the checks of a cell, as the gate plans them."""
        return [
            spec.id
            for spec in self.specs.values()
            if profile in spec.profiles
            and is_asked(spec, profile, cell.threads, (FEW, MANY), shared=cell.kernel == KERNEL)
        ]

    def _reach_key(self, cell: Cell, profile: str, check: str) -> str:
        state = digest_of(self.subject.digest, self.specs[check].digest, "failing")
        return f"{check} {cell.kernel} t{cell.threads} {profile} {state}"

    def measure(self, cell: Cell, profile: str) -> None:
        """Run the checks of a cell without a fault, except those that are known."""
        keys = {check: self._reach_key(cell, profile, check) for check in self.asked(cell, profile)}
        missing = [check for check, key in keys.items() if key not in self.reach]
        if not missing:
            return
        run = self.subject.ask(missing, kernel=cell.kernel, threads=cell.threads, profile=profile)
        for answer in run.answers:
            if answer.check in keys:
                self.reach.put(
                    keys[answer.check],
                    check=answer.check,
                    kernel=cell.kernel,
                    threads=cell.threads,
                    profile=profile,
                    outcome=answer.outcome,
                    reason=answer.reason[:MOST_REASON],
                    seconds=round(answer.seconds, 2),
                    calls=sorted(answer.calls),
                    failing=sorted(answer.failing),
                )

    def measured(self, cell: Cell, profile: str) -> list[dict[str, Any]]:
        """Return what `measure` has found, cheapest check first."""
        checks = self.asked(cell, profile)
        known = self.reach.of(self._reach_key(cell, profile, check) for check in checks)
        return sorted(known, key=lambda line: (line["seconds"], line["check"]))

    def candidates(
        self, fault: Fault, cell: Cell, profile: str
    ) -> dict[str, frozenset[str] | None]:
        """Return the checks that could tell `fault` in `cell`, cheapest first.

        Each with the routines in which it fails without a fault (None: it passes), as it does on a
        true bug of the library: it can tell others then. One without an answer can tell nothing.
        """
        return {
            line["check"]: frozenset(line["failing"]) if line["outcome"] == "failed" else None
            for line in self.measured(cell, profile)
            if fault.routine.name in line["calls"] and line["outcome"] in {"passed", "failed"}
        }

    def key(self, fault: Fault, missing: Collection[str] = ()) -> str:
        """Return the name of a fault's result: it changes with the library and with any check.

        missing: checks that were not there yet.
        """
        return f"{fault.id} {digest_of(self.subject.digest, digests(self.specs.values(), missing))}"

    def tried(self, faults: Iterable[Fault]) -> list[dict[str, Any]]:
        """Return the newest result of each that has one; `missing`: checks that came later."""
        lines = []
        for fault in faults:
            for missing in before():
                line = self.trials.get(self.key(fault, missing))
                if line is not None:
                    lines.append(line | {"missing": missing})
                    break
        return lines

    def attempt(self, fault: Fault, profile: str) -> dict[str, Any]:
        """Try one fault and return the line of its result; that of an earlier session, if any."""
        key = self.key(fault)
        facts: dict[str, Any] = self.trials.get(key) or {
            "fault": fault.id,
            "routine": fault.routine.name,
            "family": fault.routine.family,
            "lapack": fault.routine.lapack,
            "kind": fault.kind,
        }
        if facts.get(profile) is None:
            facts = self.trials.put(
                **(facts | {"key": key, profile: self._attempt(fault, profile)})
            )
        return facts

    def escapes(self, fault: Fault, profile: str) -> bool:
        """Say whether `fault` was tried in a profile, and nothing told it."""
        line = self.trials.get(self.key(fault)) or {}
        return (line.get(profile) or {"check": ""})["check"] is None

    def _attempt(self, fault: Fault, profile: str) -> dict[str, Any]:
        seconds, in_force, asked, errors = 0.0, 0, 0, []
        for cell, checks in self._order(fault, profile):
            known = {check: failing for check, failing in checks.items() if failing is not None}
            run = self.subject.ask(
                list(checks),
                known=known,
                fault=fault.spec,
                kernel=cell.kernel,
                threads=cell.threads,
                profile=profile,
            )
            seconds += sum(answer.seconds for answer in run.answers)
            in_force += run.in_force
            asked += len(run.answers)
            errors += [each.check for each in run.answers if each.outcome == "error"]
            if run.found is not None:
                return _found(run, cell) | _effort(seconds, in_force, asked, errors)
        return {"check": None} | _effort(seconds, in_force, asked, errors)

    def _order(
        self, fault: Fault, profile: str
    ) -> Iterator[tuple[Cell, dict[str, frozenset[str] | None]]]:
        """Yield the cells of `fault` with the checks to ask there."""
        told = {
            (found["check"], found["kernel"], found["threads"])
            for line in self.trials
            if line["fault"] == fault.id and (found := line.get(profile) or {}).get("check")
        }
        elsewhere = self.told.get((fault.id, profile))
        every = [(cell, self.candidates(fault, cell, profile)) for cell in cells_of(fault)]
        for cell, checks in every:
            first = [
                name
                for name in checks
                if (name, cell.kernel, cell.threads) in told or name == elsewhere
            ]
            if first:
                yield cell, {name: checks[name] for name in first}
        yield from ((cell, checks) for cell, checks in every if checks)


def _found(run: Run, cell: Cell) -> dict[str, Any]:
    assert run.found is not None
    return {
        "check": run.found.check,
        "outcome": run.found.outcome,
        "reason": run.found.reason[:MOST_REASON],
        "kernel": cell.kernel,
        "threads": cell.threads,
    }


def _effort(seconds: float, in_force: int, asked: int, errors: Sequence[str]) -> dict[str, Any]:
    return {
        "seconds": round(seconds, 2),
        "in_force": in_force,
        "asked": asked,
        "errors": sorted(set(errors)),
    }


def cells_needed(faults: Iterable[Fault]) -> list[Cell]:
    """Return all cells that `faults` are tried in."""
    cells = {cell for fault in faults for cell in cells_of(fault)}
    return sorted(cells, key=lambda cell: (cell.kernel, cell.threads))

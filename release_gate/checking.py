"""The stage between wheels and judgement: every planned cell answered, several at a time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from release_gate import __version__, wire
from release_gate.execution.beside import run_beside
from release_gate.execution.cell import run_cell
from release_gate.execution.environment import keeping_bytecode
from release_gate.execution.store import Kept, environment_key
from release_gate.matrix.batches import batches_of
from release_gate.model import CellResult, KernelSeen, OpenBLASSeen, Role, ThreadsSeen
from release_gate.pipeline import SEED
from release_gate.progress import Shared
from release_gate.store import digest_of
from release_gate.wheels.inspection import inspect_wheel
from release_gate.wheels.suites import SuiteKit, obtain_suites, suites_among

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from release_gate.model import Artifact, Pin, Plan, PlannedCell
    from release_gate.pipeline import Workshop
    from release_gate.progress import Stage

__all__ = ["check_cells"]


def check_cells(
    shop: Workshop, plan: Plan, wheels: Mapping[Pin, Artifact], out: Path | None = None
) -> list[CellResult]:
    """Run every planned cell that has a wheel; write each result to ``out/cells`` at its end.

    Cells of few BLAS threads run beside each other on the cores that they leave idle. The results
    are in the order of the plan.
    """
    entries = [entry for entry in plan.cells if entry.cell.pin in wheels]
    steps = sum(len(entry.checks) for entry in entries)
    results: dict[str, CellResult] = {}
    with shop.progress.stage("check", steps=steps, seconds=plan.estimate.check) as stage:
        kits = _suite_kits(shop, wheels, entries, stage)
        baselines = {
            entry.cell.platform: wheels[entry.cell.pin]
            for entry in entries
            if entry.cell.role is Role.BASELINE
        }
        run = _Run(
            shop=shop, profile=plan.profile, wheels=wheels, baselines=baselines, kits=kits, out=out
        )
        shared = Shared(stage)
        for batch in batches_of(entries, cores=shop.host.cores, most=shop.settings.jobs):
            tasks = [run.task(entry, shared.part(entry.cell.id)) for entry in batch.cells]
            for result in run_beside(tasks, batch.width):
                results[result.cell.id] = result
        stage.step(steps, "done")
    return [results[entry.cell.id] for entry in entries]


@frozen(kw_only=True)
class _Run:
    """What all cells of a run have in common; `baselines` are the baseline's wheels by platform."""

    shop: Workshop
    profile: str
    wheels: Mapping[Pin, Artifact]
    baselines: Mapping[str, Artifact]
    kits: Mapping[Pin, SuiteKit]
    out: Path | None

    def task(self, entry: PlannedCell, stage: Stage) -> Callable[[threading.Event], CellResult]:
        """Return what answers `entry` and writes the result."""

        def answer(stop: threading.Event) -> CellResult:
            if entry.cell.kernel is None:
                result = self._inspect(entry, stage)
            else:
                result = self._check(entry, stage, stop)
            if self.out is not None:
                wire.write_cell(self.out / "cells" / f"{entry.cell.id}.json", result)
            return result

        return answer

    def _check(self, entry: PlannedCell, stage: Stage, stop: threading.Event) -> CellResult:
        shop = self.shop
        kit = self.kits.get(entry.cell.pin, SuiteKit())
        return run_cell(
            entry,
            self.wheels[entry.cell.pin],
            kit.specs(shop.specs),
            shop.modules,
            shop.host,
            shop.store,
            profile=self.profile,
            seed=SEED,
            stage=stage,
            fresh=shop.settings.fresh,
            stop=stop,
            variables={**keeping_bytecode(shop.cache / "bytecode"), **kit.environment},
            without=kit.without,
        )

    def _inspect(self, entry: PlannedCell, stage: Stage) -> CellResult:
        begin = time.monotonic()
        stage.step(0, f"{entry.cell.id}: wheel inspection")
        shop, wheel = self.shop, self.wheels[entry.cell.pin]
        is_candidate = entry.cell.role is Role.CANDIDATE
        baseline = self.baselines.get(entry.cell.platform) if is_candidate else None
        key = digest_of(
            environment_key(entry.cell, wheel, shop.host, profile=self.profile, seed=SEED),
            baseline and baseline.sha256,
        )
        specs = {check: shop.specs[check] for check in entry.checks}
        kept = (
            {}
            if shop.settings.fresh
            else {check: shop.store.get(key, specs[check]) for check in specs}
        )
        known = {check: each.observation for check, each in kept.items() if each is not None}
        asked = inspect_wheel(wheel, baseline, [check for check in specs if check not in known])
        for observation in asked:
            shop.store.put(key, specs[observation.check], Kept(seen=None, observation=observation))
        observations = {each.check: each for each in asked} | {
            check: evolve(observation, reused=True) for check, observation in known.items()
        }
        stage.step(len(observations), f"{entry.cell.id}: wheel inspection")
        return CellResult(
            cell=entry.cell,
            tool_version=__version__,
            wheel_name=wheel.name,
            wheel_sha256=wheel.sha256,
            openblas=OpenBLASSeen(config=wheel.config, pin=wheel.pin, sha256=wheel.library_sha256),
            kernel=KernelSeen(requested=None, observed=None),
            threads=ThreadsSeen(requested=0, observed=None),
            host=shop.host,
            python=wheel.interpreter.version,
            observations=tuple(observations[check] for check in entry.checks),
            reused=not asked,
            seconds=round(time.monotonic() - begin, 3),
        )


def _suite_kits(
    shop: Workshop,
    wheels: Mapping[Pin, Artifact],
    entries: Iterable[PlannedCell],
    stage: Stage,
) -> dict[Pin, SuiteKit]:
    """Return, for each pin of which suites are asked, what they need."""
    suites: dict[Pin, list[str]] = {}
    for entry in entries:
        if of_cell := suites_among(entry.checks):
            suites.setdefault(entry.cell.pin, []).extend(of_cell)
    kits = {}
    for pin, checks in suites.items():
        stage.step(0, f"{pin}: what the suites need")
        kits[pin] = obtain_suites(
            wheels[pin],
            dict.fromkeys(checks),
            table=shop.matrices.suites,
            pins=shop.matrices.pin_files,
            host=shop.host,
            index=shop.index,
            cache=shop.cache,
        )
    return kits

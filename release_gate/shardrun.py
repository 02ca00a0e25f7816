"""What ``release-gate cells`` does: one shard of a plan, checked on a machine of its platform."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from release_gate import __version__, wire
from release_gate.checking import check_cells
from release_gate.errors import (
    ConfigurationError,
    GateError,
    InfrastructureError,
    Problem,
    did_you_mean,
)
from release_gate.matrix.batches import wall_seconds
from release_gate.matrix.interpreters import interpreter_of_tag
from release_gate.matrix.shards import shards_of
from release_gate.model import CellResult, KernelSeen, OpenBLASSeen, ThreadsSeen
from release_gate.openblas.kernels import why_not_held
from release_gate.openblas.library import code_digest, obtain_library, pin_facts
from release_gate.openblas.pins import suits
from release_gate.pipeline import kernels_held
from release_gate.shardfolder import file_digest, write_shard
from release_gate.wheels.obtain import runs
from release_gate.wheels.site import make_artifact

if TYPE_CHECKING:
    from release_gate.matrix.shards import Shard
    from release_gate.model import Artifact, Cell, Interpreter, Pin, Plan
    from release_gate.pipeline import Workshop

__all__ = ["CheckedShard", "check_shard"]

#: The inspection that holds a wheel's library against the pin.
PIN_CHECK: Final = "wheel.pin"


@frozen(kw_only=True)
class CheckedShard:
    """The folder that was written, what is in it, and why it does not hold all cells."""

    folder: Path
    results: tuple[CellResult, ...]
    problems: tuple[Problem, ...]


def check_shard(
    shop: Workshop, plan_file: Path, shard_id: str, *, wheelhouse: Path, out: Path
) -> CheckedShard:
    """Check the cells of a shard with the wheels in `wheelhouse`, and write ``out/shard-<id>``.

    Cells whose wheel cannot be had are left for others to miss; kernels that this machine cannot
    run are left out, with the reason. Raises ConfigurationError when the plan is not for this gate
    or has no such shard, InfrastructureError when nothing at all can be measured here; either tells
    all problems.
    """
    plan = wire.read_plan(plan_file)
    shard = _shard(shop, plan, plan_file, shard_id)
    interpreter = _interpreter(shop, plan, shard)
    wheels: dict[Pin, Artifact] = {}
    problems: list[Problem] = []
    for pin in dict.fromkeys(entry.cell.pin for entry in shard.cells):
        try:
            wheels[pin] = _wheel(shop, plan, pin, interpreter, wheelhouse)
        except GateError as error:
            problems += error.problems
    if not wheels:
        raise InfrastructureError(problems)
    reasons = _left_out(shop, shard, wheels)
    measured = tuple(entry for entry in shard.cells if entry.cell.id not in reasons)
    costs = {entry.cell.id: entry.seconds for entry in measured}
    seconds = wall_seconds(measured, costs, cores=shop.host.cores, most=shop.settings.jobs)
    here = evolve(plan, cells=measured, estimate=evolve(plan.estimate, build=0.0, check=seconds))
    found = {result.cell.id: result for result in check_cells(shop, here, wheels)}
    found |= {
        entry.cell.id: _not_run(shop, entry.cell, wheels[entry.cell.pin], reasons[entry.cell.id])
        for entry in shard.cells
        if entry.cell.id in reasons
    }
    results = tuple(found[entry.cell.id] for entry in shard.cells if entry.cell.id in found)
    folder = write_shard(out, shard.id, results, plan_sha256=file_digest(plan_file), host=shop.host)
    return CheckedShard(folder=folder, results=results, problems=tuple(problems))


def _shard(shop: Workshop, plan: Plan, plan_file: Path, shard_id: str) -> Shard:
    """Return the shard called `shard_id`, once plan, gate and machine fit together."""
    shards = {shard.id: shard for shard in shards_of(plan)}
    wrong: list[Problem] = []
    where = str(plan_file)
    if plan.tool_version != __version__:
        what = f"release-gate {plan.tool_version} made the plan, this is {__version__}"
        hint = "plan again, or check out the same version"
        wrong.append(Problem(what=what, where=where, hint=hint))
    unknown = {check for entry in plan.cells for check in entry.checks} - shop.specs.keys()
    wrong += (
        Problem(
            what=f"this gate has no check {check!r}",
            where=where,
            hint=did_you_mean(check, list(shop.specs)) or "check out what the plan was made with",
        )
        for check in sorted(unknown)
    )
    if shard_id not in shards:
        known = ", ".join(shards)
        hint = did_you_mean(shard_id, list(shards)) or f"it has {known:.200}"
        what = f"the plan has no shard {shard_id!r}"
        wrong.append(Problem(what=what, where="--shard", hint=hint))
    if wrong:
        raise ConfigurationError(wrong)
    return shards[shard_id]


def _interpreter(shop: Workshop, plan: Plan, shard: Shard) -> Interpreter:
    """Return an interpreter here with the wheels' tag; raise if the machine is of another kind."""
    wrong: list[Problem] = []
    row = shop.matrices.platform_of(shop.host)
    if shard.platform not in {shop.host.platform, row and row.name}:
        what = f"shard {shard.id} is for {shard.platform}, this is {shop.host.platform}"
        wrong.append(Problem(what=what, where="--shard", hint="run it on such a machine"))
    tag = plan.interpreter.tag
    asked_for = shop.settings.python
    chosen = interpreter_of_tag(shop.interpreters(), tag, wanted=asked_for, build=False)
    if chosen is None:
        asked = f" that is {asked_for}" if asked_for else ""
        what = f"no interpreter for {tag}{asked} at hand"
        wrong.append(Problem(what=what, where="--python", hint="the wheels are built for that one"))
    if wrong or chosen is None:
        raise InfrastructureError(wrong)
    return chosen


def _wheel(
    shop: Workshop, plan: Plan, pin: Pin, interpreter: Interpreter, wheelhouse: Path
) -> Artifact:
    """Return the wheel for `pin` in its folder, unpacked."""
    folder = wheelhouse / pin.version
    there = sorted(folder.glob("*.whl"))
    fitting = [path for path in there if _fits(path, plan, interpreter, shop)]
    if len(fitting) != 1:
        names = ", ".join(path.name for path in fitting or there) or "nothing"
        raise InfrastructureError(
            Problem(
                what=f"{len(fitting) or 'no'} wheels of NumPy {plan.numpy.version} for "
                f"{interpreter.tag} on {shop.host.platform}; there is {names:.300}",
                where=str(folder),
                hint="release-gate build --plan ... --out puts one there",
            )
        )
    artifact = make_artifact(fitting[0], interpreter, shop.cache, made="file", pin=pin)
    facts = pin_facts(obtain_library(pin, shop.index, shop.cache))
    if code_digest(Path(artifact.library)) != facts["pin_code"]:
        problem = Problem(
            what=f"the OpenBLAS inside is another than {pin}",
            where=str(fitting[0]),
            hint="the wheel was built with what the build machine had",
        )
        asked = any(PIN_CHECK in each.checks for each in plan.cells if each.cell.pin == pin)
        if not asked:
            raise InfrastructureError(problem)
        shop.progress.say(str(problem))  # a finding of that check
    return evolve(artifact, details=artifact.details | facts)


def _fits(path: Path, plan: Plan, interpreter: Interpreter, shop: Workshop) -> bool:
    try:
        project, version, _, tags = parse_wheel_filename(path.name)
        same = version.base_version == Version(plan.numpy.version).base_version
    except (InvalidWheelFilename, InvalidVersion):
        return False
    return (
        project == "numpy"
        and same
        and any(runs(tag, interpreter) and suits(tag.platform, shop.host) for tag in tags)
    )


def _left_out(shop: Workshop, shard: Shard, wheels: dict[Pin, Artifact]) -> dict[str, str]:
    """Return, per cell id, why this machine cannot run its kernel with its library."""
    held = {pin: kernels_held(shop, pin) for pin in wheels}
    reasons = {
        entry.cell.id: why_not_held(held[entry.cell.pin], entry.cell.kernel)
        for entry in shard.cells
        if entry.cell.kernel is not None and entry.cell.pin in held
    }
    return {cell_id: reason for cell_id, reason in reasons.items() if reason}


def _not_run(shop: Workshop, cell: Cell, wheel: Artifact, reason: str) -> CellResult:
    return CellResult(
        cell=cell,
        tool_version=__version__,
        wheel_name=wheel.name,
        wheel_sha256=wheel.sha256,
        openblas=OpenBLASSeen(config=wheel.config, pin=wheel.pin, sha256=wheel.library_sha256),
        kernel=KernelSeen(requested=cell.kernel, observed=None),
        threads=ThreadsSeen(requested=cell.threads, observed=None),
        host=shop.host,
        python=wheel.interpreter.version,
        observations=(),
        left_out=reason,
    )

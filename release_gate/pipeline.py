"""The order of the stages: the only module that knows all of them.

`Workshop` holds what every stage needs; `prepare` makes the plan, `build_wheels` and `check_cells`
(of `release_gate.checking`) carry it out, `judge_results` and `write_reports` end it. Each stage
leaves what it has finished in the cache or in the output folder, so that a run which was killed
goes on where it stopped.
"""

from __future__ import annotations

import functools
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import define, field, frozen
from packaging.version import Version

from release_gate import __version__
from release_gate.checklist import read_checks
from release_gate.errors import ConfigurationError, GateError, Problem
from release_gate.execution.store import ObservationStore, environment_key
from release_gate.judgement.audit import statuses
from release_gate.judgement.catalogue import load_known_issues
from release_gate.judgement.decide import decide
from release_gate.judgement.issues import with_issues
from release_gate.judgement.waivers import load_waivers
from release_gate.matrix.host import probe_host
from release_gate.matrix.interpreters import choose_interpreter, choose_numpy, find_interpreters
from release_gate.matrix.load import load_matrices
from release_gate.matrix.plan import make_plan
from release_gate.matrix.settings import make_settings
from release_gate.matrix.tables import NEWEST
from release_gate.matrix.targets import Target, platform_target, this_machine
from release_gate.model import (
    Artifact,
    CellResult,
    CheckSpec,
    Decision,
    Host,
    Interpreter,
    NotCovered,
    NumPySource,
    Pin,
    Plan,
    Provider,
    Role,
)
from release_gate.openblas.index import Index
from release_gate.openblas.kernels import KernelHeld, held_kernels
from release_gate.openblas.library import obtain_library
from release_gate.openblas.pins import resolve_pin
from release_gate.report.record import RunRecord, StageTime
from release_gate.resources import checks_dir, matrices_dir
from release_gate.wheels.inspection import INSPECTIONS
from release_gate.wheels.native import build_wheel, wheel_cached
from release_gate.wheels.obtain import open_wheel
from release_gate.wheels.source import resolve_numpy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from typing import Any

    from release_gate.judgement.catalogue import KnownIssue
    from release_gate.judgement.waivers import Waivers
    from release_gate.matrix.interpreters import FoundInterpreter
    from release_gate.matrix.settings import Settings
    from release_gate.matrix.tables import Matrices
    from release_gate.progress import Progress

__all__ = [
    "SEED",
    "Clock",
    "Workshop",
    "all_checks",
    "build_wheels",
    "claim_folder",
    "distinct_kernels",
    "judge_results",
    "kernels_held",
    "known_issues",
    "open_any_wheel",
    "open_workshop",
    "plan_one_wheel",
    "prepare",
    "record_of",
    "waivers_of",
]

#: Base of all random input of the checks: fixed, so that two runs ask the same questions.
SEED = 20260117

#: What a run writes into its output folder, and clears away before it starts.
OUTPUTS = (
    *("plan.json", "report.json", "report.html", "report.md", "junit.xml"),
    *("cells/*.json", "reproducers/*.py", "new-issues/*.md"),
)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@define
class Clock:
    """Wall time per stage of a run."""

    started: str = field(factory=_now)
    stages: list[StageTime] = field(factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what is done inside."""
        begin = time.monotonic()
        try:
            yield
        finally:
            self.stages.append(StageTime(name=name, seconds=round(time.monotonic() - begin, 2)))


@frozen(kw_only=True)
class Workshop:
    """What every stage needs. `checks` are those of checks/, without the inspections of wheels."""

    settings: Settings
    matrices: Matrices
    host: Host
    cache: Path
    index: Index
    checks: tuple[CheckSpec, ...]
    progress: Progress

    @property
    def specs(self) -> dict[str, CheckSpec]:
        """Return all checks by id, the inspections included."""
        return {spec.id: spec for spec in (*INSPECTIONS, *self.checks)}

    @property
    def modules(self) -> dict[str, str]:
        """Return the module of `checks` that holds each check, by id."""
        return {spec.id: spec.module for spec in self.checks}

    @property
    def store(self) -> ObservationStore:
        return ObservationStore(self.cache)

    def interpreters(self) -> tuple[FoundInterpreter, ...]:
        """Return the interpreters at hand, --python among them if it is a path."""
        extra = [self.settings.python] if self.settings.python else []
        return find_interpreters(self.cache, extra=extra)


@functools.cache
def _checks() -> tuple[CheckSpec, ...]:
    return read_checks(checks_dir())  # half a second


def all_checks() -> tuple[CheckSpec, ...]:
    """Return the project's inspections and checks; raises ConfigurationError as `read_checks`."""
    return (*INSPECTIONS, *_checks())


def open_workshop(progress: Progress, matrices: Path | None = None, **options: Any) -> Workshop:  # noqa: ANN401
    """Read matrices and checks, settle the options; raise ConfigurationError with all problems."""
    tables = load_matrices(matrices or matrices_dir())
    settings = make_settings(tables, all_checks(), **options)
    cache = Path(settings.cache).expanduser()
    return Workshop(
        settings=settings,
        matrices=tables,
        host=probe_host(),
        cache=cache,
        index=Index(cache, settings.index_url, say=progress.say),
        checks=_checks(),
        progress=progress,
    )


def prepare(shop: Workshop) -> Plan:
    """Settle what is to run: NumPy, interpreter, pins, the kernels that each library holds.

    With --platforms nothing is asked of this machine but NumPy's source and an interpreter.
    """
    numpy, interpreter, why = _numpy_and_interpreter(shop)
    if shop.settings.platforms:
        return make_plan(
            shop.settings,
            shop.matrices,
            host=shop.host,
            numpy=numpy,
            interpreter=interpreter,
            why_interpreter=why,
            targets=_platform_targets(shop),
            checks=shop.checks,
            inspections=INSPECTIONS,
        )
    sides = _pins(shop, shop.host)
    pins = tuple(dict.fromkeys(pin for _, pin in sides))
    held = {}
    with shop.progress.stage("ask libraries for their kernels", steps=len(pins)) as stage:
        for done, pin in enumerate(pins):
            stage.step(done, str(pin))
            held[pin] = kernels_held(shop, pin)
    built = {} if shop.settings.fresh else _wheels_at_hand(shop, numpy, interpreter, pins)
    known: dict[str, frozenset[str]] = {}

    def answered(cell: Any, check: str) -> bool:  # noqa: ANN401
        if shop.settings.fresh or cell.pin not in built or cell.kernel is None:
            return False
        if cell.id not in known:
            key = environment_key(
                cell, built[cell.pin], shop.host, profile=shop.settings.profile, seed=SEED
            )
            known[cell.id] = shop.store.known(key, shop.specs)
        return check in known[cell.id]

    return make_plan(
        shop.settings,
        shop.matrices,
        host=shop.host,
        numpy=numpy,
        interpreter=interpreter,
        why_interpreter=why,
        targets=[this_machine(shop.host, sides, held, shop.settings, shop.matrices)],
        checks=shop.checks,
        inspections=INSPECTIONS,
        built=frozenset(built),
        answered=answered,
    )


def plan_one_wheel(shop: Workshop, wheel: Artifact) -> Plan:
    """Return the plan of ``check``: one finished wheel, nothing to compare with."""
    own = resolve_pin(wheel.library, pins={}, host=shop.host, index=shop.index)
    return make_plan(
        shop.settings,
        shop.matrices,
        host=shop.host,
        numpy=NumPySource(
            kind="wheel", version=wheel.numpy_version, location=wheel.path, sha256=wheel.sha256
        ),
        interpreter=wheel.interpreter,
        why_interpreter=f"{wheel.name} is for it",
        targets=[
            this_machine(
                shop.host,
                [(Role.CANDIDATE, wheel.pin)],
                {wheel.pin: kernels_held(shop, own)},
                shop.settings,
                shop.matrices,
            )
        ],
        checks=shop.checks,
        inspections=INSPECTIONS,
        built=(wheel.pin,),
    )


def kernels_held(shop: Workshop, pin: Pin) -> tuple[KernelHeld, ...]:
    """Return what the library of `pin` answers when it is asked for each kernel of this machine."""
    library = obtain_library(pin, shop.index, shop.cache)
    names = shop.matrices.kernel_flags(shop.host.machine)
    return held_kernels(library, names, shop.host, shop.cache)


def distinct_kernels(shop: Workshop, pins: Iterable[Pin]) -> dict[Pin, tuple[str, ...]]:
    """Return one name to ask for of each kernel that the library of each pin runs here."""
    kernels = {}
    for pin in pins:
        names: dict[str, str] = {}
        for held in kernels_held(shop, pin):
            if held.observed is not None:
                names.setdefault(held.observed, held.asked)
        kernels[pin] = tuple(names.values())
    return kernels


def _numpy_and_interpreter(shop: Workshop) -> tuple[NumPySource, Interpreter, str]:
    settings, matrices = shop.settings, shop.matrices
    sdists = {row.version: (row.sdist, row.sha256) for row in matrices.numpy}
    if settings.numpy == NEWEST or settings.numpy in sdists:
        choice = choose_numpy(
            matrices.numpy_by_age(),
            shop.interpreters(),
            version=None if settings.numpy == NEWEST else settings.numpy,
            python=settings.python,
        )
        source = resolve_numpy(choice.release.version, sdists=sdists, index=shop.index)
        return source, choice.interpreter, choice.why
    source = resolve_numpy(settings.numpy, sdists=sdists, index=shop.index)
    if source.kind == "wheel":
        wheel = open_any_wheel(shop, settings.numpy)
        return source, wheel.interpreter, f"{wheel.name} is for it"
    interpreter, why = choose_interpreter(
        shop.interpreters(), _requires_python(source, matrices), wanted=settings.python
    )
    return source, interpreter, why


def open_any_wheel(shop: Workshop, text: str) -> Artifact:
    """Return the wheel that `text` names (a file or a requirement), for an interpreter at hand."""
    found = shop.interpreters()
    if shop.settings.python:
        wanted, _ = choose_interpreter(found, ">=3.9", wanted=shop.settings.python, build=False)
        interpreters: tuple[Interpreter, ...] = (wanted,)
    else:
        interpreters = tuple(each.interpreter for each in found)
    return open_wheel(text, interpreters, host=shop.host, index=shop.index, cache=shop.cache)


def _requires_python(source: NumPySource, matrices: Matrices) -> str:
    """Return what the nearest release that is not newer needs (a checkout is newer than all)."""
    for release in matrices.numpy_by_age():
        if Version(release.version).release[:2] <= Version(source.version).release[:2]:
            return release.requires_python
    return ">=3.9"


def _platform_targets(shop: Workshop) -> list[Target]:
    """Return the platforms of --platforms; raise one error with what is wrong on each."""
    targets: list[Target] = []
    problems: list[Problem] = []
    for row in shop.matrices.platforms:
        if row.name not in shop.settings.platforms:
            continue
        try:
            sides = _pins(shop, row.machine_like())
        except GateError as error:
            problems += error.problems
            continue
        problems += (
            Problem(
                what="a file is of one platform; a plan over platforms needs versions",
                where=str(pin),
                hint="leave out --platforms, or name a version of scipy-openblas64",
            )
            for _, pin in sides
            if pin.provider is Provider.FILE
        )
        targets.append(platform_target(row, sides, shop.settings))
    if problems:
        raise ConfigurationError(dict.fromkeys(problems))
    return targets


def _pins(shop: Workshop, host: Host) -> list[tuple[Role, Pin]]:
    """Resolve all pins, the baseline first; raise one error with what is wrong with each."""
    problems: list[Problem] = []
    errors: list[GateError] = []

    def resolve(text: str) -> Pin | None:
        try:
            return resolve_pin(text, pins=shop.matrices.pin_files, host=host, index=shop.index)
        except GateError as error:
            problems.extend(error.problems)
            errors.append(error)
            return None

    baseline = resolve(shop.settings.baseline) if shop.settings.baseline else None
    candidates = [resolve(text) for text in shop.settings.candidates]
    if errors:
        raise type(errors[0])(problems)
    sides = [(Role.BASELINE, baseline), *((Role.CANDIDATE, pin) for pin in candidates)]
    return [(role, pin) for role, pin in sides if pin is not None]


def _wheels_at_hand(
    shop: Workshop, numpy: NumPySource, interpreter: Interpreter, pins: Sequence[Pin]
) -> dict[Pin, Artifact]:
    return {
        pin: _build(shop, numpy, interpreter, pin, fresh=False)
        for pin in pins
        if wheel_cached(numpy, pin, interpreter, cache=shop.cache)
    }


def _build(
    shop: Workshop, numpy: NumPySource, interpreter: Interpreter, pin: Pin, *, fresh: bool
) -> Artifact:
    return build_wheel(
        numpy,
        pin,
        interpreter,
        index=shop.index,
        cache=shop.cache,
        fresh=fresh,
        progress=shop.progress,
        jobs=shop.settings.jobs,
    )


def build_wheels(shop: Workshop, plan: Plan) -> tuple[dict[Pin, Artifact], list[Problem]]:
    """Return the wheel of each pin of the plan, and what went wrong with the others.

    Raises GateError with all problems when no wheel at all could be had.
    """
    wheels: dict[Pin, Artifact] = {}
    errors: list[GateError] = []
    for pin in plan.pins:
        try:
            wheels[pin] = _build(shop, plan.numpy, plan.interpreter, pin, fresh=shop.settings.fresh)
        except GateError as error:
            errors.append(error)
    problems = [problem for error in errors for problem in error.problems]
    if errors and not wheels:
        raise type(errors[0])(problems)
    return wheels, problems


def known_issues() -> tuple[KnownIssue, ...]:
    """Return the catalogue; raise ConfigurationError with all that is wrong in it."""
    kernels = load_matrices(matrices_dir()).kernels
    return load_known_issues(
        matrices_dir() / "known_issues",
        checks={spec.id for spec in all_checks()},
        kernels={name for kernel in kernels for name in kernel.names},
    )


def waivers_of(folder: Path, matrices: Matrices, today: date | None = None) -> Waivers:
    """Return the waivers in `folder` as they stand on `today` (default: this day, UTC)."""
    return load_waivers(
        folder / "waivers.toml",
        checks={spec.id for spec in all_checks()},
        kernels={name for kernel in matrices.kernels for name in kernel.names},
        today=today or datetime.now(UTC).date(),
    )


def judge_results(
    plan: Plan,
    results: Sequence[CellResult],
    matrices: Matrices,
    specs: Sequence[CheckSpec],
    issues: Sequence[KnownIssue],
    *,
    waivers: Waivers,
    refused: Sequence[NotCovered] = (),
) -> Decision:
    """Return the decision, each finding linked to those of `issues` that it looks like.

    `refused`: results that were not let in, to be told.
    """
    decision = decide(plan, results, matrices.requirements, specs, waivers, refused=refused)
    return with_issues(decision, issues, results)


def record_of(
    plan: Plan,
    results: Sequence[CellResult],
    decision: Decision,
    *,
    issues: Sequence[KnownIssue],
    clock: Clock,
    command: str,
    wheels: Mapping[Pin, Artifact] | None = None,
) -> RunRecord:
    """Return what the reports are made of."""
    return RunRecord(
        plan=plan,
        results=tuple(results),
        artifacts=tuple((wheels or {}).values()),
        decision=decision,
        known_issues=statuses(decision, issues, plan, _hosts(plan, results)),
        stages=tuple(clock.stages),
        started=clock.started,
        finished=_now(),
        tool_version=__version__,
        command=command,
    )


def _hosts(plan: Plan, results: Sequence[CellResult]) -> list[Host]:
    """Return the machines that answered; without an answer, the one that made the plan."""
    return list(dict.fromkeys(result.host for result in results)) or [plan.host]


def claim_folder(out: Path, *, clear: bool = True) -> None:
    """Make `out` ready for a report: create it, prove that it can be written, clear it.

    Only what a run writes is removed, so that a folder given by mistake loses nothing else; with
    `clear` false, nothing is. Raises ConfigurationError when the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".writable"
        probe.touch()
        probe.unlink()
        for pattern in OUTPUTS if clear else ():
            for old in out.glob(pattern):
                old.unlink()
    except OSError as error:
        raise ConfigurationError(
            Problem(
                what=f"cannot write into {out}: {error.strerror or error}",
                where="--out",
                hint="choose another folder",
            )
        ) from error

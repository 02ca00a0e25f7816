"""What will run, what will not and why, and how long it should take: pure, before any work."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from release_gate import __version__
from release_gate.errors import ConfigurationError, Problem
from release_gate.matrix.coverage import not_covered
from release_gate.matrix.kernels import select_kernels
from release_gate.matrix.selection import applies, asked_once, one_kernel, takes
from release_gate.model import Cell, Estimate, Plan, PlannedCell, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from release_gate.matrix.kernels import PinKernels
    from release_gate.matrix.settings import Settings
    from release_gate.matrix.tables import Matrices, Timing
    from release_gate.model import CheckSpec, Host, Interpreter, NumPySource, Pin
    from release_gate.openblas.kernels import KernelHeld

__all__ = ["make_plan"]

#: The kind of a `NumPySource` that needs no build.
WHEEL = "wheel"


def make_plan(
    settings: Settings,
    matrices: Matrices,
    *,
    host: Host,
    numpy: NumPySource,
    interpreter: Interpreter,
    why_interpreter: str,
    baseline: Pin | None,
    candidates: Sequence[Pin],
    held: Mapping[Pin, Sequence[KernelHeld]],
    checks: Sequence[CheckSpec],
    inspections: Sequence[CheckSpec],
    built: Collection[Pin] = (),
    answered: Callable[[Cell, str], bool] = lambda _cell, _check: False,
) -> Plan:
    """Return the plan: per pin (baseline first) the wheel's cell, then kernels by threads.

    `held`: what each pin's library answered when it was asked for each kernel of the table.
    `built`: pins whose wheels are in the cache; `answered`: whether a check's answer in a cell is.
    Raises ConfigurationError when a pin would not be checked at all.
    """
    by_pin = {pin: select_kernels(pin, held.get(pin, ()), settings, matrices, host) for pin in held}
    sides = [(Role.BASELINE, baseline)] if baseline is not None else []
    sides += [(Role.CANDIDATE, pin) for pin in candidates]
    only = one_kernel([by_pin[pin].run for _, pin in sides])
    cells = [
        planned
        for role, pin in sides
        for planned in _cells_of(
            role,
            by_pin[pin],
            settings,
            host,
            numpy,
            only=only,
            checks=checks,
            inspections=inspections,
        )
    ]
    _refuse_empty(settings, [by_pin[pin] for _, pin in sides], cells, checks, host)
    return Plan(
        tool_version=__version__,
        host=host,
        numpy=numpy,
        interpreter=interpreter,
        why_interpreter=why_interpreter,
        baseline=baseline,
        candidates=tuple(candidates),
        profile=settings.profile,
        cells=tuple(cells),
        not_covered=tuple(
            not_covered(
                settings,
                matrices,
                host=host,
                interpreter=interpreter,
                kernels=by_pin.values(),
                only=only,
                specs=[*inspections, *checks],
            )
        ),
        estimate=_estimate(matrices.timing, settings, numpy, cells, built=built, answered=answered),
        settings=settings.as_data(),
        changed=settings.changed,
    )


def _cells_of(
    role: Role,
    kernels: PinKernels,
    settings: Settings,
    host: Host,
    numpy: NumPySource,
    *,
    only: str | None,
    checks: Sequence[CheckSpec],
    inspections: Sequence[CheckSpec],
) -> Iterator[PlannedCell]:
    """Yield the cells of one pin that have something to answer; `only`: see `one_kernel`."""
    places = [(None, 0), *((name, count) for name in kernels.run for count in settings.threads)]
    for kernel, threads in places:
        if kernel is None:
            asked = [spec for spec in inspections if applies(spec, settings, host)]
        else:
            asked = [
                spec
                for spec in checks
                if applies(spec, settings, host)
                and takes(spec, threads)
                and (only in {None, kernel} or not asked_once(spec, settings.profile))
            ]
        if asked:
            cell = Cell(
                role=role,
                numpy=numpy.version,
                pin=kernels.pin,
                platform=host.platform,
                kernel=kernel,
                threads=threads,
            )
            yield PlannedCell(cell=cell, checks=tuple(spec.id for spec in asked))


def _refuse_empty(
    settings: Settings,
    kernels: Sequence[PinKernels],
    cells: Sequence[PlannedCell],
    checks: Sequence[CheckSpec],
    host: Host,
) -> None:
    """Raise ConfigurationError for each pin without a cell that its checks could run in."""
    wanted = [spec for spec in checks if applies(spec, settings, host)]
    problems = [
        Problem(
            what="no kernel of this library can be checked here",
            where=str(one.pin),
            hint="; ".join(
                f"{', '.join(names)}: {reason}" for reason, names in one.left_out.items()
            ),
        )
        for one in kernels
        if wanted and not one.run
    ]
    if wanted and not problems and not any(entry.cell.kernel for entry in cells):
        needed = sorted({spec.min_threads for spec in wanted})
        problems.append(
            Problem(
                what="none of the checks is for these thread counts",
                where="--threads",
                hint=f"they need at least {', '.join(map(str, needed))}",
            )
        )
    if not cells and not problems:
        problems.append(
            Problem(
                what="nothing is left to run",
                where="--checks",
                hint=f"no check that is selected runs on {host.platform}",
            )
        )
    if problems:
        raise ConfigurationError(problems)


def _estimate(
    timing: Timing,
    settings: Settings,
    numpy: NumPySource,
    cells: Sequence[PlannedCell],
    *,
    built: Collection[Pin],
    answered: Callable[[Cell, str], bool],
) -> Estimate:
    """Return the seconds that are left to spend; what is `built` or `answered` costs nothing."""
    pins = {entry.cell.pin for entry in cells}
    to_build = [] if numpy.kind == WHEEL else [pin for pin in pins if pin not in built]
    build = timing.cold_build + timing.next_build * (len(to_build) - 1) if to_build else 0.0
    check, reused = 0.0, 0
    for entry in cells:
        open_checks = [name for name in entry.checks if not answered(entry.cell, name)]
        reused += len(entry.checks) - len(open_checks)
        if entry.cell.kernel is None:
            check += timing.inspection * len(open_checks)
        elif open_checks:
            factor = timing.profiles.get(settings.profile, 1.0)
            check += timing.cell + factor * sum(_seconds(timing, name) for name in open_checks)
    return Estimate(
        build=round(build, 1),
        check=round(check, 1),
        cached_wheels=sum(pin in built for pin in pins),
        cached_observations=reused,
    )


def _seconds(timing: Timing, check: str) -> float:
    for pattern, seconds in timing.checks.items():
        if fnmatchcase(check, pattern):
            return seconds
    return timing.check

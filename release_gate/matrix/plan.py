"""What will run, what will not and why, and how long it should take: pure, before any work."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from release_gate import __version__
from release_gate.errors import ConfigurationError, Problem
from release_gate.matrix.batches import wall_seconds
from release_gate.matrix.coverage import not_covered
from release_gate.matrix.selection import applies, is_asked
from release_gate.model import Cell, Estimate, Plan, PlannedCell, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from release_gate.matrix.kernels import PinKernels
    from release_gate.matrix.settings import Settings
    from release_gate.matrix.tables import Matrices, Timing
    from release_gate.matrix.targets import Target
    from release_gate.model import CheckSpec, Host, Interpreter, NumPySource, Pin

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
    targets: Sequence[Target],
    checks: Sequence[CheckSpec],
    inspections: Sequence[CheckSpec],
    built: Collection[Pin] = (),
    answered: Callable[[Cell, str], bool] = lambda _cell, _check: False,
) -> Plan:
    """Return the plan: per target and pin (baseline first) the wheel, then kernels by threads.

    `built`: pins whose wheels are in the cache; `answered`: whether a check's answer in a cell is.
    Raises ConfigurationError when a pin would not be checked at all on one of `targets`.
    """
    cells: list[PlannedCell] = []
    problems: list[Problem] = []
    for target in targets:
        made = [
            planned
            for role, pin in target.sides
            for planned in _cells_of(
                role,
                target,
                target.kernels[pin],
                settings,
                numpy,
                checks=checks,
                inspections=inspections,
                timing=matrices.timing,
            )
        ]
        problems += _empty(settings, target, made, checks)
        cells += made
    if problems:
        raise ConfigurationError(problems)
    sides = targets[0].sides
    return Plan(
        tool_version=__version__,
        host=host,
        numpy=numpy,
        interpreter=interpreter,
        why_interpreter=why_interpreter,
        baseline=next((pin for role, pin in sides if role is Role.BASELINE), None),
        candidates=tuple(pin for role, pin in sides if role is Role.CANDIDATE),
        profile=settings.profile,
        cells=tuple(cells),
        not_covered=tuple(
            not_covered(
                settings,
                matrices,
                host=host,
                targets=targets,
                interpreter=interpreter,
                specs=[*inspections, *checks],
            )
        ),
        estimate=_estimate(
            matrices.timing, settings, host, numpy, cells, built=built, answered=answered
        ),
        settings=settings.as_data(),
        changed=settings.changed,
    )


def _cells_of(
    role: Role,
    target: Target,
    kernels: PinKernels,
    settings: Settings,
    numpy: NumPySource,
    *,
    checks: Sequence[CheckSpec],
    inspections: Sequence[CheckSpec],
    timing: Timing,
) -> Iterator[PlannedCell]:
    """Yield the cells of one pin on one target that have something to answer."""
    only = target.only
    places = [(None, 0), *((name, count) for name in kernels.run for count in settings.threads)]
    for kernel, threads in places:
        if kernel is None:
            asked = [spec for spec in inspections if applies(spec, settings, target.system)]
        else:
            asked = [
                spec
                for spec in checks
                if applies(spec, settings, target.system)
                and is_asked(
                    spec, settings.profile, threads, settings.threads, shared=only in {None, kernel}
                )
            ]
        if asked:
            cell = Cell(
                role=role,
                numpy=numpy.version,
                pin=kernels.pin,
                platform=target.platform,
                kernel=kernel,
                threads=threads,
            )
            ids = tuple(spec.id for spec in asked)
            seconds = round(_cost(timing, settings.profile, cell, ids), 2)
            yield PlannedCell(cell=cell, checks=ids, seconds=seconds)


def _empty(
    settings: Settings, target: Target, cells: Sequence[PlannedCell], checks: Sequence[CheckSpec]
) -> list[Problem]:
    """Return a problem for each pin of `target` without a cell that its checks could run in."""
    wanted = [spec for spec in checks if applies(spec, settings, target.system)]
    several = f" on {target.platform}" if settings.platforms else ""
    problems = [
        Problem(
            what="no kernel of this library can be checked " + (several.strip() or "here"),
            where=str(pin),
            hint="; ".join(
                f"{', '.join(names)}: {reason}"
                for reason, names in target.kernels[pin].left_out.items()
            ),
        )
        for _, pin in target.sides
        if wanted and not target.kernels[pin].run
    ]
    if wanted and not problems and not any(entry.cell.kernel for entry in cells):
        needed = sorted({spec.min_threads for spec in wanted})
        problems.append(
            Problem(
                what=f"none of the checks{several} is for these thread counts",
                where="--threads",
                hint=f"they need at least {', '.join(map(str, needed))}",
            )
        )
    if not cells and not problems:
        problems.append(
            Problem(
                what=f"nothing is left to run{several}",
                where="--checks",
                hint=f"no check that is selected runs on {target.platform}",
            )
        )
    return problems


def _estimate(
    timing: Timing,
    settings: Settings,
    host: Host,
    numpy: NumPySource,
    cells: Sequence[PlannedCell],
    *,
    built: Collection[Pin],
    answered: Callable[[Cell, str], bool],
) -> Estimate:
    """Return the seconds that are left to spend; what is `built` or `answered` costs nothing.

    Those of checks are wall time on `host`; over platforms, of all their machines together.
    """
    pins = {(entry.cell.platform, entry.cell.pin) for entry in cells}
    to_build = Counter(
        platform for platform, pin in pins if numpy.kind != WHEEL and pin not in built
    )
    build = sum(timing.cold_build + timing.next_build * (n - 1) for n in to_build.values())
    costs, reused = {}, 0
    for entry in cells:
        open_checks = [name for name in entry.checks if not answered(entry.cell, name)]
        reused += len(entry.checks) - len(open_checks)
        costs[entry.cell.id] = _cost(timing, settings.profile, entry.cell, open_checks)
    if settings.platforms:
        check = sum(costs.values())
    else:
        check = wall_seconds(cells, costs, cores=host.cores, most=settings.jobs)
    return Estimate(
        build=round(build, 1),
        check=round(check, 1),
        cached_wheels=sum(pin in built for _, pin in pins),
        cached_observations=reused,
    )


def _cost(timing: Timing, profile: str, cell: Cell, checks: Sequence[str]) -> float:
    """Return the seconds that `checks` take in `cell`."""
    if cell.kernel is None:
        return timing.inspection * len(checks)
    if not checks:
        return 0.0
    factor = timing.profiles.get(profile, 1.0)
    return timing.cell + factor * sum(_seconds(timing, name) for name in checks)


def _seconds(timing: Timing, check: str) -> float:
    for pattern, seconds in timing.checks.items():
        if fnmatchcase(check, pattern):
            return seconds
    return timing.check

"""What a reader may believe to be covered by a run and is not, with the reasons."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from attrs import evolve

from release_gate.matrix.selection import applies, asked_once, count_for, takes
from release_gate.model import NotCovered, Tier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from release_gate.matrix.kernels import PinKernels
    from release_gate.matrix.settings import Settings
    from release_gate.matrix.tables import Matrices, PlatformRow
    from release_gate.matrix.targets import Target
    from release_gate.model import CheckSpec, Host, Interpreter

__all__ = ["not_covered"]

#: The category of checks that look at the wheel, whatever the threads.
INSPECTION = "wheel"


def not_covered(
    settings: Settings,
    matrices: Matrices,
    *,
    host: Host,
    targets: Sequence[Target],
    interpreter: Interpreter,
    specs: Sequence[CheckSpec],
) -> Iterator[NotCovered]:
    """Yield what a run leaves out: kernels, checks, threads, platforms and interpreters."""
    for target in targets:
        on = f" on {target.platform}" if len(targets) > 1 else ""
        for entry in _of_target(target, settings, specs):
            yield evolve(entry, what=entry.what + on)
    if settings.platforms:
        yield from _other_platforms(matrices, targets)
    else:
        over = [count for count in settings.threads if count > host.cores]
        if over:
            yield NotCovered(
                what=f"{_listed(over)} threads in parallel",
                why=f"this process may use {host.cores} CPUs: the threads take turns",
            )
        yield from _platforms(matrices, host)
    yield NotCovered(
        what=f"Pythons other than {interpreter.version}, and free-threaded ones",
        why="one wheel is built per OpenBLAS, for one interpreter",
    )


def _of_target(
    target: Target, settings: Settings, specs: Sequence[CheckSpec]
) -> Iterator[NotCovered]:
    kernels, only = list(target.kernels.values()), target.only
    yield from _kernels(kernels)
    yield from _checks(settings, target.system, specs)
    once = [
        spec.id
        for spec in specs
        if asked_once(spec, settings.profile) and applies(spec, settings, target.system)
    ]
    if once and any(set(each.run) - {only} for each in kernels) and only is not None:
        yield _elsewhere(once, f"kernels but {only}", "one kernel what all share")
    by_count: dict[int, list[str]] = defaultdict(list)
    for spec in specs:
        count = count_for(spec, settings.profile, settings.threads)
        if count is None or not applies(spec, settings, target.system):
            continue
        if any(takes(spec, each) for each in settings.threads if each != count):
            by_count[count].append(spec.id)
    for count, names in by_count.items():
        yield _elsewhere(
            names, f"threads but {count}", "the most threads what one goes through too"
        )


def _elsewhere(names: Sequence[str], where: str, asked: str) -> NotCovered:
    """Return the line of checks that smoke does not ask `where`, since it asks others instead."""
    return NotCovered(
        what=f"check{'s' if len(names) > 1 else ''} {_listed(names)} with {where}",
        why=f"smoke asks {asked}; --profile full asks each",
    )


def _kernels(kernels: Sequence[PinKernels]) -> Iterator[NotCovered]:
    """Yield one line per reason, naming the pins where the reason does not hold for all."""
    pins_of: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for one in kernels:
        for reason, names in one.left_out.items():
            pins_of[reason, names].append(str(one.pin))
    for (reason, names), pins in pins_of.items():
        of = f" of {_listed(pins)}" if len(pins) < len(kernels) else ""
        plural = "s" if len(names) > 1 else ""
        yield NotCovered(what=f"kernel{plural} {_listed(names)}{of}", why=reason)


def _checks(settings: Settings, system: str, specs: Sequence[CheckSpec]) -> Iterator[NotCovered]:
    by_reason: dict[str, list[str]] = defaultdict(list)
    selected = [spec for spec in specs if settings.selects(spec.id)]
    for spec in selected:
        if reason := _why_not_asked(spec, settings, system):
            by_reason[reason].append(spec.id)
    yield from _lines("check", by_reason)
    if left := len(specs) - len(selected):
        yield NotCovered(what=f"{left} of {len(specs)} checks", why="not selected by --checks")


def _why_not_asked(spec: CheckSpec, settings: Settings, system: str) -> str:
    """Return why a selected check is asked in no cell, or an empty string."""
    if settings.profile not in spec.profiles:
        return f"only in the profile {' or '.join(spec.profiles)}"
    if spec.systems and system not in spec.systems:
        return f"only on {' or '.join(spec.systems)}"
    if spec.category == INSPECTION or any(takes(spec, count) for count in settings.threads):
        return ""
    most = "" if spec.max_threads is None else f" and at most {spec.max_threads}"
    return f"needs at least {spec.min_threads}{most} threads"


def _platforms(matrices: Matrices, host: Host) -> Iterator[NotCovered]:
    here = matrices.platform_of(host)
    by_reason: dict[str, list[str]] = defaultdict(list)
    for row in matrices.platforms:
        if row is not here:
            by_reason[_why_not_here(row, host)].append(row.name)
    if here is None:
        yield NotCovered(
            what=f"a platform of NumPy's wheels: {host.platform} is none",
            why="platforms.toml has no such row; what is checked here may not hold elsewhere",
        )
    yield from _lines("platform", by_reason)


def _other_platforms(matrices: Matrices, targets: Sequence[Target]) -> Iterator[NotCovered]:
    planned = {target.platform for target in targets}
    by_reason: dict[str, list[str]] = defaultdict(list)
    for row in matrices.platforms:
        if row.name not in planned:
            by_reason[row.unreachable or "not named by --platforms"].append(row.name)
    yield from _lines("platform", by_reason)


def _why_not_here(row: PlatformRow, host: Host) -> str:
    if not row.blas.startswith("scipy-openblas"):
        return "its wheels carry no OpenBLAS"
    if row.tier is Tier.BLOCKING:
        return f"this machine is {host.platform}; run the gate there too"
    if not row.wheel_tags:
        return f"this machine is {host.platform}, and NumPy has no wheels for it"
    return f"this machine is {host.platform}"


def _lines(kind: str, by_reason: Mapping[str, Sequence[str]]) -> Iterator[NotCovered]:
    for reason, names in by_reason.items():
        plural = "s" if len(names) > 1 else ""
        yield NotCovered(what=f"{kind}{plural} {_listed(names)}", why=reason)


def _listed(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))

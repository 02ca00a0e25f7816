"""Which kernels of a library are to run: each core once, and the reasons for the others."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from release_gate.matrix.settings import Settings
    from release_gate.matrix.tables import Kernel, Matrices, PlatformRow
    from release_gate.model import Host, Pin
    from release_gate.openblas.kernels import KernelHeld

__all__ = ["PinKernels", "expected_kernels", "select_kernels"]

_NOT_NAMED = "not named by --kernels"


@frozen(kw_only=True)
class PinKernels:
    """The kernels of one pin that run (by the names that the library reports), and the others.

    `left_out` maps each reason to the names that it holds for.
    """

    pin: Pin
    run: tuple[str, ...]
    left_out: Mapping[str, tuple[str, ...]]


def expected_kernels(pin: Pin, row: PlatformRow, settings: Settings) -> PinKernels:
    """Return which kernels of a library run on a platform, going by the table alone."""
    left_out: dict[str, list[str]] = defaultdict(list)
    run = []
    for name in row.kernels:
        if settings.all_kernels or name in settings.kernels:
            run.append(name)
        else:
            left_out[_NOT_NAMED].append(name)
    return PinKernels(
        pin=pin,
        run=tuple(run),
        left_out={reason: tuple(names) for reason, names in left_out.items()},
    )


def select_kernels(
    pin: Pin,
    held: Sequence[KernelHeld],
    settings: Settings,
    matrices: Matrices,
    host: Host,
) -> PinKernels:
    """Return which kernels of a library run, in the order of `held`.

    `held`: what the library answered when it was asked for each kernel of the table. Left out is
    what the CPU cannot execute, what the library lacks (it then runs another core), what --kernels
    does not name, and what it names of other architectures.
    """
    table = {kernel.name: kernel for kernel in matrices.kernels_of(host.machine)}
    run: dict[str, str] = {}
    left_out: dict[str, list[str]] = defaultdict(list)
    for answer in held:
        if (kernel := table.get(answer.asked)) is None:
            continue
        core = _core(kernel, answer, table.values())
        if reason := _why_not(kernel, answer, core, settings, host):
            left_out[reason].append(kernel.name)
        elif core is not None:
            run.setdefault(core.casefold(), core)
    if not settings.all_kernels:
        for kernel in matrices.kernels:
            if kernel.name in settings.kernels and kernel.name not in table:
                reason = f"kernel of {kernel.architecture}; this machine is {host.machine}"
                left_out[reason].append(kernel.name)
    return PinKernels(
        pin=pin,
        run=tuple(run.values()),
        left_out={reason: tuple(names) for reason, names in left_out.items()},
    )


def _core(kernel: Kernel, answer: KernelHeld, known: Iterable[Kernel]) -> str | None:
    """Return the core that asking for `kernel` adds to a run; None when it is another row's."""
    if answer.observed is None:
        return None
    if _is_called(kernel, answer.observed):
        return kernel.name
    if any(_is_called(other, answer.observed) for other in known):
        return None
    return answer.observed  # a core that the table does not know yet: better run than missed


def _why_not(
    kernel: Kernel, answer: KernelHeld, core: str | None, settings: Settings, host: Host
) -> str:
    """Return why a kernel does not run, or an empty string."""
    if missing := [flag for flag in kernel.flags if flag not in host.flags]:
        return f"this CPU lacks {', '.join(missing)}"
    if answer.observed is None:
        return answer.note or "the library did not say"
    if core is None:
        return f"the library does not hold it and runs {answer.observed}"
    if not settings.all_kernels and kernel.name not in settings.kernels:
        return _NOT_NAMED
    return ""


def _is_called(kernel: Kernel, core: str) -> bool:
    return core.casefold() in {name.casefold() for name in kernel.names}

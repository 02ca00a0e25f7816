"""Which checks are asked where."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release_gate.matrix.settings import Settings
    from release_gate.model import CheckSpec

__all__ = ["applies", "asked_once", "count_for", "is_asked", "one_kernel", "takes"]

#: The profile that asks some checks with one kernel, or one thread count, only.
SMOKE = "smoke"


def takes(spec: CheckSpec, threads: int) -> bool:
    """Say whether a check is asked in cells with so many threads."""
    return spec.min_threads <= threads <= (spec.max_threads or threads)


def applies(spec: CheckSpec, settings: Settings, system: str) -> bool:
    """Say whether a check is asked on `system` ("linux", ...) at all."""
    return (
        settings.selects(spec.id)
        and settings.profile in spec.profiles
        and (not spec.systems or system in spec.systems)
    )


def asked_once(spec: CheckSpec, profile: str) -> bool:
    """Say whether a check is asked with one kernel of each library only."""
    return spec.once and profile == SMOKE


def count_for(spec: CheckSpec, profile: str, counts: Sequence[int]) -> int | None:
    """Return the one thread count of `counts` that a check is asked with; None for all it takes."""
    if not spec.most_threads or profile != SMOKE:
        return None
    return max((count for count in counts if takes(spec, count)), default=None)


def is_asked(
    spec: CheckSpec, profile: str, threads: int, counts: Sequence[int], *, shared: bool
) -> bool:
    """Say whether a check is asked in the cell of a kernel with `threads`, one of its `counts`.

    `shared`: whether it is the kernel for checks that are asked once, or there is none.
    """
    return (
        takes(spec, threads)
        and (shared or not asked_once(spec, profile))
        and count_for(spec, profile, counts) in {None, threads}
    )


def one_kernel(run: Sequence[Sequence[str]]) -> str | None:
    """Return the kernel for checks that are asked once: the newest that all libraries run.

    `run`: the kernels of each library, oldest first. None if they have none in common: such checks
    are then asked with all, so that none is lost.
    """
    if not run:
        return None
    common = [name for name in run[0] if all(name in names for names in run)]
    return common[-1] if common else None

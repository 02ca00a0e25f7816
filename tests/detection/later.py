"""Checks that were added after results were recorded, which say of the others what they did."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from release_gate.model import CheckSpec

__all__ = ["LATER", "before", "digests"]

#: In the order in which they came.
LATER = (
    *("exact.gemm-panels", "bounds.workspace", "concurrency.nested-threads"),
    *("exact.gemm-groups", "exact.geadd", "exact.geadd-transposed"),
    *("exact.row-exchanges", "accuracy.lapack-ranges", "special.lapack-workspace"),
    *("accuracy.lapack-alternatives", "accuracy.divide-and-conquer", "special.scaling"),
    *("special.scaling-extremes", "special.infinite-lapack", "special.infinite-eigen"),
    *("accuracy.norms", "exact.lower-case", "special.lapack-empty", "exact.gemv-long"),
    *("exact.scal-range", "accuracy.complex-rotg-ordinary"),
)


def before() -> Iterator[tuple[str, ...]]:
    """Yield what was missing at each time, newest first: nothing now."""
    for count in range(len(LATER), -1, -1):
        yield LATER[count:]


def digests(specs: Iterable[CheckSpec], missing: Collection[str] = ()) -> list[str]:
    """Return what results of `specs`, but for those that were `missing`, depend on.

    It is what they do, and with which kernels and threads a profile asks them.
    """
    return sorted(
        f"{spec.digest} {' '.join(spec.profiles)} {spec.min_threads} {spec.max_threads}"
        f" {spec.once} {spec.most_threads}"
        for spec in specs
        if spec.id not in missing
    )

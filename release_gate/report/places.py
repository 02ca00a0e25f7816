"""Kernels with their thread counts, in words: "Haswell 1, 8; SkylakeX 8"; "Haswell, 8 threads"."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from release_gate.report.document import FindingReport

__all__ = ["name_cell", "name_places", "where"]


def name_cell(kernel: str | None, threads: int) -> str:
    """Return one kernel and thread count; a kernel of None, or 0 threads, is the wheel itself."""
    if not threads:
        return kernel or "wheel"
    return f"{kernel}, {threads} thread{'' if threads == 1 else 's'}"


def name_places(places: Iterable[tuple[str | None, int]], most: int | None = None) -> str:
    """Return kernels and thread counts in the order in which kernels first come.

    A kernel of None is the wheel itself, as are 0 threads. Beyond `most` kernels the rest is only
    counted.
    """
    kernels: dict[str, set[int]] = {}
    for kernel, threads in places:
        kernels.setdefault(kernel or "wheel", set()).add(threads)
    told = [
        kernel if threads <= {0} else f"{kernel} {', '.join(map(str, sorted(threads)))}"
        for kernel, threads in kernels.items()
    ]
    if most is not None and len(told) > most:
        told[most:] = [f"and {len(told) - most} more kernels"]
    return "; ".join(told)


def where(finding: FindingReport) -> str:
    """Return the kernels and thread counts of a finding: "Haswell 1, 8; SkylakeX 8"."""
    return name_places((failure.place, failure.threads) for failure in finding.failures)

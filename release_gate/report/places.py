"""Kernels with their thread counts, in words: "Haswell 1, 8; SkylakeX 8"."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["name_places"]


def name_places(places: Iterable[tuple[str | None, int]], most: int | None = None) -> str:
    """Return kernels and thread counts in the order in which kernels first come.

    A kernel of None is the wheel itself. Beyond `most` kernels the rest is only counted.
    """
    kernels: dict[str, set[int]] = {}
    for kernel, threads in places:
        kernels.setdefault(kernel or "wheel", set()).add(threads)
    told = [
        kernel if kernel == "wheel" else f"{kernel} {', '.join(map(str, sorted(threads)))}"
        for kernel, threads in kernels.items()
    ]
    if most is not None and len(told) > most:
        told[most:] = [f"and {len(told) - most} more kernels"]
    return "; ".join(told)

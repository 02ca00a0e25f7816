"""One name for each core: releases of OpenBLAS tell the same one by different names.

Prescott is Katmai in the libraries of today, and told itself as Prescott until 0.3.23.
"""

from __future__ import annotations

import functools

from release_gate.matrix.load import load_matrices
from release_gate.resources import matrices_dir

__all__ = ["canonical"]


def canonical(core: str | None) -> str | None:
    """Return the name that matrices/kernels.toml has for what a library calls its core."""
    return None if core is None else _names().get(core.casefold(), core)


@functools.cache
def _names() -> dict[str, str]:
    kernels = load_matrices(matrices_dir()).kernels
    return {alias.casefold(): kernel.name for kernel in kernels for alias in kernel.aliases}

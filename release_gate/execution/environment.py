"""The environment that children run in: nothing inherited that changes what NumPy or BLAS do."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["TOKEN", "child_environment", "keeping_bytecode", "settings"]

#: Variable that marks every process of one child, also those that leave its session.
TOKEN = "RELEASE_GATE_CHILD"  # noqa: S105  (a label, no secret)

#: Prefixes of variables that steer BLAS, threading runtimes, NumPy, Python or the loader.
STEERING = (
    "BLIS_",
    "DYLD_INSERT_",
    "GLIBC_TUNABLES",
    "GOMP_",
    "GOTO_",
    "KMP_",
    "LD_AUDIT",
    "LD_PRELOAD",
    "MALLOC_",
    "MKL_",
    "NPY_",
    "NUMBA_",
    "NUMEXPR_",
    "NUMPY_",
    "OMP_",
    "OPENBLAS_",
    "PYTHON",
    "VECLIB_",
)


def settings(kernel: str | None, threads: int) -> dict[str, str]:
    """Return the variables that the gate itself sets for a cell.

    OPENBLAS_VERBOSE=2 has the library name its kernel on stderr before anything can go wrong.
    OPENBLAS_NUM_THREADS is capped at the CPU count, so the child sets the threads by call as well.
    """
    chosen = {
        "OPENBLAS_NUM_THREADS": str(threads),
        "OPENBLAS_VERBOSE": "2",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }
    if kernel is not None:
        chosen["OPENBLAS_CORETYPE"] = kernel
    return chosen


def keeping_bytecode(folder: Path) -> dict[str, str]:
    """Return the variables that have Python keep in `folder` what it compiles of imported modules.

    Nothing is written beside the modules, and no child compiles NumPy again: that takes longer than
    many a check.
    """
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder)}


def child_environment(
    kernel: str | None, threads: int, *, inherited: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return `inherited` (default: this process's) without what steers, with the cell's settings.

    LD_LIBRARY_PATH stays, since an interpreter may need it to start; that NumPy has loaded the
    wheel's library is verified in the child.
    """
    kept = {
        name: value
        for name, value in (os.environ if inherited is None else inherited).items()
        if not name.upper().startswith(STEERING)
    }
    return kept | settings(kernel, threads)

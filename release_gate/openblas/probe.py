"""Ask a library about itself in a child process, where a crash or a hang harms nobody."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from attrs import frozen

from release_gate.openblas.sharedobject import read_shared_object

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Naming", "Probe", "clean_environment", "naming_of", "probe"]

#: Settings of BLAS libraries, of NumPy and of the interpreter that a child must not inherit.
_FOREIGN = ("OPENBLAS_", "GOTO_", "OMP_", "KMP_", "MKL_", "BLIS_", "NPY_", "PYTHON")
_FOREIGN_NAMES = frozenset({"LD_PRELOAD", "DYLD_INSERT_LIBRARIES"})

#: Seconds after which a library that does not even tell its name is given up (it loads in 0.2 s).
TIMEOUT = 60.0

_SCRIPT = """
import ctypes, json, sys
path, prefix, suffix, *first = sys.argv[1:]
for companion in first:
    ctypes.CDLL(companion)
library = ctypes.CDLL(path)
def text(name):
    function = getattr(library, prefix + name + suffix, None)
    if function is None:
        return None
    function.restype = ctypes.c_char_p
    return function().decode("ascii", "replace")
print(json.dumps({"config": text("openblas_get_config"), "core": text("openblas_get_corename")}))
"""

_CONFIG = "openblas_get_config"


@frozen(kw_only=True)
class Naming:
    """How a library's symbols are spelt around their names: `scipy_` dgemm_ `64_`."""

    prefix: str
    suffix: str

    def __str__(self) -> str:
        return f"{self.prefix}*{self.suffix}"


@frozen(kw_only=True)
class Probe:
    """What a library said. `failure` is None when it said it all and exited cleanly."""

    config: str | None
    core: str | None
    stderr: str
    failure: str | None


def clean_environment(**extra: str) -> dict[str, str]:
    """Return this process's environment without settings that change what a library does."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN) and name not in _FOREIGN_NAMES
    }
    return kept | extra


def naming_of(exported: frozenset[str]) -> Naming | None:
    """Return the naming of a library that exports `exported`; None if it is not an OpenBLAS."""
    found = [
        Naming(prefix=prefix, suffix=suffix)
        for name in exported
        for prefix, middle, suffix in [name.partition(_CONFIG)]
        if middle
    ]
    # 0.3.x may export the Fortran spelling `openblas_get_config_` beside the C one: the C one is
    # the shortest.
    return min(found, key=lambda naming: len(str(naming)), default=None)


def probe(path: Path, naming: Naming, *, core: str | None = None) -> Probe:
    """Load the library `path` in a child and ask for its config string and its core's name.

    `core` is asked for by OPENBLAS_CORETYPE; the library tells on stderr when it has none such.
    """
    environment = clean_environment(OPENBLAS_VERBOSE="2", OPENBLAS_NUM_THREADS="1")
    if core is not None:
        environment["OPENBLAS_CORETYPE"] = core
    arguments = [str(path), naming.prefix, naming.suffix, *map(str, _companions(path))]
    try:
        child = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _SCRIPT, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Probe(config=None, core=None, stderr="", failure=f"no answer in {TIMEOUT:g} s")
    stderr = child.stderr.decode(errors="replace")
    if child.returncode < 0:
        try:
            name = signal.Signals(-child.returncode).name
        except ValueError:
            name = f"signal {-child.returncode}"
        return Probe(config=None, core=None, stderr=stderr, failure=f"killed by {name}")
    if child.returncode > 0:
        last = stderr.strip().rpartition("\n")[2]
        return Probe(config=None, core=None, stderr=stderr, failure=f"cannot be loaded: {last}")
    try:
        answer = json.loads(child.stdout)
    except ValueError:
        return Probe(config=None, core=None, stderr=stderr, failure="exited before it answered")
    return Probe(config=answer["config"], core=answer["core"], stderr=stderr, failure=None)


def _companions(path: Path) -> list[Path]:
    """Return the libraries beside `path` that it needs, those that others need first.

    Some wheels name their folder only in the extension modules (RPATH is inherited): there the
    library cannot find libgfortran when it is loaded alone.
    """
    ordered: list[Path] = []

    def visit(one: Path) -> None:
        for name in read_shared_object(one).needed:
            beside = path.parent / name
            if beside not in {path, *ordered} and beside.is_file():
                visit(beside)
                ordered.append(beside)

    visit(path)
    return ordered

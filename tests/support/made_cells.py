"""Cells that start in milliseconds: a NumPy and an OpenBLAS of a few lines, and made-up checks.

The runner, the check's interface and the library's bindings are the real ones. What real NumPy adds
is tried by the tests that are marked `network`.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve, field, frozen

from release_gate.execution.cell import run_cell
from release_gate.execution.store import ObservationStore, environment_key
from release_gate.model import (
    Artifact,
    Cell,
    CellResult,
    CheckSpec,
    Host,
    Interpreter,
    Observation,
    Pin,
    PlannedCell,
    Provider,
    Role,
)
from release_gate.resources import checks_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIBRARY_NAME = "libscipy_openblas64_-0.so"

LIBRARY = """
#include <stdlib.h>
static int threads = 1;
const char *scipy_openblas_get_config64_(void) { return "OpenBLAS 0.3.99 USE64BITINT made up"; }
const char *scipy_openblas_get_corename64_(void) { return getenv("OPENBLAS_CORETYPE"); }
int scipy_openblas_get_num_threads64_(void) { return threads; }
void scipy_openblas_set_num_threads64_(int n) { threads = n > 64 ? 64 : n; }
"""

NUMPY = f"""
import contextlib, ctypes, os, types
__version__ = "2.0.0"
handle = ctypes.CDLL(
    os.path.join(os.path.dirname(__file__), os.pardir, "numpy.libs", {LIBRARY_NAME!r})
)
linalg = types.SimpleNamespace(LinAlgError=type("LinAlgError", (ValueError,), {{}}))
errstate = contextlib.nullcontext
"""

PIN = Pin(
    provider=Provider.SCIPY_OPENBLAS64, version="0.3.99.0.0", filename="made.whl", sha256="0" * 64
)

HOST = Host(system="linux", machine="x86_64", cpu="made up", flags=("avx2",), cores=2)

CELL = Cell(
    role=Role.CANDIDATE,
    numpy="2.0.0",
    pin=PIN,
    platform=HOST.platform,
    kernel="Haswell",
    threads=8,
)

INTERPRETER = Interpreter(executable=sys.executable, version=platform.python_version())


def make_site(folder: Path, *, numpy: str = NUMPY) -> Artifact:
    """Return an artifact whose site in `folder` holds a NumPy of the source `numpy`."""
    library = folder / "numpy.libs" / LIBRARY_NAME
    library.parent.mkdir(parents=True)
    source = folder / "library.c"
    source.write_text(LIBRARY)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True, timeout=60)
    (folder / "numpy").mkdir()
    (folder / "numpy" / "__init__.py").write_text(numpy)
    return Artifact(
        path=str(folder),
        name="numpy-2.0.0-made.whl",
        sha256="1" * 64,
        made="file",
        numpy_version="2.0.0",
        pin=PIN,
        site=str(folder),
        library=str(library),
        library_sha256="2" * 64,
        config="",
        symbol_prefix="scipy_",
        symbol_suffix="64_",
        interpreter=INTERPRETER,
    )


def make_checks(folder: Path, **bodies: str) -> Path:
    """Return a package `checks` with the checks ``made.NAME``, each with the body of a function.

    A body may use `ctx`, the modules imported below, `ask_count`, and `marks`, a folder that
    outlives the child.
    """
    package = folder / "checks"
    marks = folder / "marks"
    marks.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir()
    for name in ("__init__", "__main__", "api", "blas"):
        shutil.copy(checks_dir() / f"{name}.py", package)
    lines = [
        "import ctypes, os, pathlib, signal, subprocess, sys, threading, time, warnings",
        "import numpy as np",
        "from checks.api import check",
        f"marks = pathlib.Path({str(marks)!r})",
        "def ask_count(path):",
        '    """Return how often this was called with `path`, in whatever process."""',
        '    with path.open("a") as stream:',
        '        stream.write("x")',
        "    return path.stat().st_size",
    ]
    for name, body in bodies.items():
        lines += [
            f'@check(id="made.{name}", title="", category="made", routines=(), oracle="",',
            '       catches="")',
            f"def {name}(ctx):",
            textwrap.indent(textwrap.dedent(body).strip(), "    "),
        ]
    (package / "made.py").write_text("\n".join(lines) + "\n")
    return package


def spec(name: str, *, budget: float = 20.0, idle: float = 5.0, digest: str = "d") -> CheckSpec:
    return CheckSpec(
        id=f"made.{name}",
        title="",
        category="made",
        routines=(),
        oracle="",
        catches="",
        min_threads=1,
        max_threads=None,
        profiles=(),
        budget=budget,
        idle=idle,
        systems=(),
        digest=digest,
    )


@frozen(kw_only=True)
class Told:
    """A stage that remembers what it was told."""

    steps: list[tuple[int, str]] = field(factory=list)
    notes: list[str] = field(factory=list)

    def total(self, steps: int) -> None:
        raise AssertionError(f"a cell does not know the total, but told {steps}")

    def step(self, done: int, doing: str) -> None:
        self.steps.append((done, doing))

    def note(self, text: str) -> None:
        self.notes.append(text)


@frozen(kw_only=True)
class MadeCell:
    """A folder with a site, checks and a store, in which cells can be run."""

    folder: Path
    artifact: Artifact
    checks: Path
    specs: dict[str, CheckSpec]
    told: Told = field(factory=Told)
    cell: Cell = CELL
    profile: str = "full"

    @property
    def store(self) -> ObservationStore:
        return ObservationStore(self.folder / "cache")

    @property
    def key(self) -> str:
        return environment_key(self.cell, self.artifact, HOST, profile=self.profile, seed=7)

    def run(self, *names: str, **options: Any) -> CellResult:
        """Run the checks `names`, or all."""
        ids = tuple(f"made.{name}" for name in names) or tuple(self.specs)
        return run_cell(
            PlannedCell(cell=self.cell, checks=ids),
            self.artifact,
            self.specs,
            dict.fromkeys(ids, "checks.made"),
            HOST,
            self.store,
            profile=self.profile,
            seed=7,
            stage=self.told,
            checks=self.checks,
            **options,
        )

    def observe(self, name: str) -> Observation:
        """Run one check and return what was observed."""
        (observation,) = self.run(name).observations
        return observation

    def with_checks(self, **bodies: str) -> MadeCell:
        """Return the same cell with other checks, each with a digest of its body."""
        package = make_checks(self.folder, **bodies)
        specs = {f"made.{name}": spec(name, digest=body) for name, body in bodies.items()}
        return evolve(self, checks=package, specs=specs)

    def with_limits(self, name: str, *, budget: float, idle: float) -> MadeCell:
        changed = evolve(self.specs[f"made.{name}"], budget=budget, idle=idle)
        return evolve(self, specs=self.specs | {changed.id: changed})


def make_cell(folder: Path, artifact: Artifact, **bodies: str) -> MadeCell:
    empty = MadeCell(folder=folder, artifact=artifact, checks=folder, specs={})
    return empty.with_checks(**bodies)


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie that nobody reaps does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] not in {"Z", "X"}


def wait_dead(pid: int) -> None:
    deadline = time.monotonic() + 30
    while is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} still lives"
        time.sleep(0.02)


@contextmanager
def gate_at(
    folder: Path, script: str, ready: Callable[[], object]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `script`, told `folder`, and yield its process once it is `ready`; kill it at the end.

    Its temporary files are in ``folder/temporary``.
    """
    temporary = folder / "temporary"
    temporary.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(temporary)},
    ) as process:
        try:
            deadline = time.monotonic() + 60
            while not ready():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield process
        finally:
            process.kill()


def end(gate: subprocess.Popen[bytes], number: signal.Signals) -> int:
    """Send `gate` a signal and return its exit status; skip the test where it is ignored."""
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip(f"{number.name} is ignored here, as under nohup, and so by the gate")
    gate.send_signal(number)
    return gate.wait(30)

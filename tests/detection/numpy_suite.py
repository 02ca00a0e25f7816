"""NumPy's own tests on the same faults: numpy.linalg, and matmul, dot, einsum of numpy._core."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uv

from release_gate.execution.environment import child_environment
from tests.detection.campaign import cells_of
from tests.detection.results import Results, digest_of
from tests.detection.routines import ROUTINES
from tests.detection.subject import counting

if TYPE_CHECKING:
    from tests.detection.campaign import Cell
    from tests.detection.faults import Fault
    from tests.detection.subject import Subject

__all__ = ["NOT_CALLED", "NumPySuite"]

ROOT = Path(__file__).resolve().parents[2]

#: Sets the thread count as the gate's own children do; the environment variable is capped.
PLUGIN = """
import os, numpy
from checks.__main__ import die_with_parent
from checks.blas import find_library
die_with_parent()
library = find_library(numpy)
library.set_num_threads(int(os.environ["DETECTION_THREADS"]))
"""

FILES = ("multiarray", "numeric", "einsum", "ufunc", "umath", "multithreading")
WORDS = ("linalg", "matmul", "dot", "einsum", "inner", "matvec", "vecmat", "gemm")

#: A run that takes so many times as long as without a fault hangs.
HANG_FACTOR = 5.0

#: Why tests that never call a routine do not catch its faults.
NOT_CALLED = "not called"


class NumPySuite:
    """Runs of those tests of `subject`, with their results in `folder`."""

    def __init__(self, subject: Subject, folder: Path) -> None:
        self.subject = subject
        self.results = Results(folder / "numpy.jsonl")
        self.folder = folder
        self.tools = folder / "tools"

    def prepare(self) -> None:
        """Install pytest for the interpreter, beside it."""
        if (self.tools / "set_threads.py").is_file():
            return
        interpreter = self.subject.artifact.interpreter.executable
        install = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python", interpreter]
        install += ["--target", str(self.tools), "pytest", "hypothesis", "typing_extensions"]
        subprocess.run(install, check=True)
        (self.tools / "set_threads.py").write_text(PLUGIN)

    def key(self, fault: Fault) -> str:
        """Return the name of a fault's result."""
        return f"{fault.id} {self._state()}"

    def measure(self, cell: Cell) -> dict[str, Any]:
        """Run the tests without a fault and return the line of what they call."""
        key = f"none t{cell.threads} {self._state()}"
        known = self.results.get(key)
        if known is not None:
            return known
        self.prepare()
        with counting() as counts:
            status, seconds, last = self._run(cell, "", counts.path, limit=1200)
            calls = [r.name for r, n in zip(ROUTINES, counts.read()[1:], strict=True) if n]
        if status != 0:
            raise SystemExit(f"NumPy's tests fail without a fault: {last}")
        return self.results.put(key, seconds=round(seconds, 1), calls=calls, last=last)

    def calls(self, fault: Fault) -> bool:
        """Say whether any of the tests calls the routine of `fault`."""
        return fault.routine.name in self.measure(_cell(fault))["calls"]

    def attempt(self, fault: Fault) -> dict[str, Any]:
        """Run the tests with `fault`, unless none of them calls its routine."""
        key = self.key(fault)
        known = self.results.get(key)
        if known is not None:
            return known
        if not self.calls(fault):
            return self.results.put(key, fault=fault.id, caught=False, why=NOT_CALLED)
        cell = _cell(fault)
        good = self.measure(cell)
        with counting() as counts:
            status, seconds, last = self._run(
                cell, fault.spec, counts.path, limit=30 + HANG_FACTOR * good["seconds"]
            )
            in_force = counts.read()[0]
        return self.results.put(
            key,
            fault=fault.id,
            caught=status != 0,
            why=last,
            seconds=round(seconds, 1),
            in_force=in_force,
        )

    def _state(self) -> str:
        return digest_of(self.subject.digest, FILES, WORDS)

    def _run(self, cell: Cell, fault: str, counts: Path, *, limit: float) -> tuple[int, float, str]:
        """Return the exit status (of a hang: that of its signal), the seconds and the last line."""
        site = self.subject.artifact.site
        environment = child_environment(cell.kernel, cell.threads) | {
            "PYTHONPATH": os.pathsep.join([site, str(self.tools), str(ROOT)]),
            "DETECTION_THREADS": str(cell.threads),
            "PLANTED_FAULT": fault,
            "PLANTED_COUNTS": str(counts),
        }
        numpy = Path(site) / "numpy"
        files = [numpy / "_core" / "tests" / f"test_{name}.py" for name in FILES]
        command = [self.subject.artifact.interpreter.executable, "-m", "pytest", "-x", "-q"]
        command += ["-p", "set_threads", "-p", "no:cacheprovider", "-k", " or ".join(WORDS)]
        command += [str(numpy / "linalg"), *(str(file) for file in files if file.is_file())]
        begin = time.monotonic()
        with subprocess.Popen(
            command,
            env=environment,
            cwd=self.tools,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                output, _ = process.communicate()
                output += "\nhung"
            except BaseException:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise
        return process.returncode, time.monotonic() - begin, _last_line(output)


def _cell(fault: Fault) -> Cell:
    """Return the last cell of a fault: one thread count is enough, most is threaded in it."""
    return cells_of(fault)[-1]


def _last_line(output: str) -> str:
    """Return the test that failed, or how the run ended; no paths of this machine."""
    lines = [line for line in output.strip().splitlines() if line.strip()]
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR", "Fatal"))]
    text = (failed or lines[-1:] or [""])[0]
    return re.sub(r"\S*/site/", "", text)[:200]

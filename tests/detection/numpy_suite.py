"""NumPy's own tests on the same faults: numpy.linalg, and matmul, dot, einsum of numpy._core."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from installing import TEST_TOOLS, install_for

from release_gate.execution.environment import child_environment, keeping_bytecode
from tests.detection.campaign import cells_of
from tests.detection.results import Results, digest_of
from tests.detection.routines import ROUTINES
from tests.detection.subject import counting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.detection.campaign import Cell
    from tests.detection.faults import Fault
    from tests.detection.subject import Subject

__all__ = ["NOT_CALLED", "NumPySuite"]

ROOT = Path(__file__).resolve().parents[2]

#: Sets the thread count as the gate's own children do (the environment variable is capped), notes
#: what each test calls, and leaves out all tests but those that are asked for.
PLUGIN = """
import json, mmap, os, struct
import numpy
from checks.__main__ import die_with_parent
from checks.blas import find_library
die_with_parent()
library = find_library(numpy)
library.set_num_threads(int(os.environ["DETECTION_THREADS"]))
with open(os.environ["PLANTED_COUNTS"], "r+b") as stream:
    counters = mmap.mmap(stream.fileno(), 0)
before = None

def pytest_collection_modifyitems(items):
    global before
    if "DETECTION_TESTS" in os.environ:
        with open(os.environ["DETECTION_TESTS"], encoding="utf-8") as stream:
            wanted = set(json.load(stream))
        items[:] = [item for item in items if item.nodeid in wanted]
    before = counters[:]

def pytest_runtest_logfinish(nodeid):
    global before
    now = counters[:]
    if now != before and "DETECTION_CALLS" in os.environ:
        pairs = zip(struct.iter_unpack("q", before[8:]), struct.iter_unpack("q", now[8:]))
        called = [index for index, (old, new) in enumerate(pairs) if old != new]
        with open(os.environ["DETECTION_CALLS"], "a", encoding="utf-8") as stream:
            print(json.dumps([nodeid, called]), file=stream)
    before = now
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
        plugin = self.tools / "set_threads.py"
        if plugin.is_file() and plugin.read_text("utf-8") == PLUGIN:
            return
        interpreter = self.subject.artifact.interpreter.executable
        install_for(interpreter, self.tools, *TEST_TOOLS)
        plugin.write_text(PLUGIN, "utf-8")

    def key(self, fault: Fault) -> str:
        """Return the name of a fault's result."""
        return f"{fault.id} {self._state()}"

    def measure(self, cell: Cell) -> dict[str, Any]:
        """Run the tests without a fault and return the line of what they call.

        `calls`: by routine, the places in `tests` of those that call it; none when only the import
        of NumPy does.
        """
        key = f"none t{cell.threads} {self._state()}"
        known = self.results.get(key)
        if known is not None:
            return known
        self.prepare()
        with counting() as counts:
            told = counts.path.with_name("calls")
            asked = {"PLANTED_COUNTS": str(counts.path), "DETECTION_CALLS": str(told)}
            status, seconds, last = self._run(cell, asked, limit=1200)
            lines = [json.loads(line) for line in told.read_text("utf-8").splitlines()]
            called = [r.name for r, n in zip(ROUTINES, counts.read()[1:], strict=True) if n]
        if status != 0:
            raise SystemExit(f"NumPy's tests fail without a fault: {last}")
        tests = [test for test, _ in lines]
        calls: dict[str, list[int]] = {name: [] for name in called}
        for place, (_, routines) in enumerate(lines):
            for index in routines:
                calls[ROUTINES[index].name].append(place)
        return self.results.put(key, seconds=round(seconds, 1), tests=tests, calls=calls, last=last)

    def calls(self, fault: Fault) -> bool:
        """Say whether any of the tests calls the routine of `fault`."""
        return fault.routine.name in self.measure(_cell(fault))["calls"]

    def attempt(self, fault: Fault) -> dict[str, Any]:
        """Run those tests with `fault` that call its routine: it cannot reach the others."""
        key = self.key(fault)
        known = self.results.get(key)
        if known is not None:
            return known
        if not self.calls(fault):
            return self.results.put(key, fault=fault.id, caught=False, why=NOT_CALLED)
        cell = _cell(fault)
        good = self.measure(cell)
        chosen = [good["tests"][place] for place in good["calls"][fault.routine.name]]
        limit = 30 + HANG_FACTOR * good["seconds"]
        with counting() as counts:
            tests = counts.path.with_name("tests")
            tests.write_text(json.dumps(chosen or good["tests"][:1]), "utf-8")
            asked = {
                "PLANTED_FAULT": fault.spec,
                "PLANTED_COUNTS": str(counts.path),
                "DETECTION_TESTS": str(tests),
            }
            status, seconds, last = self._run(cell, asked, limit=limit)
            in_force = counts.read()[0]
        return self.results.put(
            key,
            fault=fault.id,
            caught=status != 0,
            why=last,
            seconds=round(seconds, 1),
            in_force=in_force,
            tests=len(chosen),
        )

    def _state(self) -> str:
        return digest_of(self.subject.digest, FILES, WORDS, PLUGIN)

    def _run(self, cell: Cell, asked: Mapping[str, str], *, limit: float) -> tuple[int, float, str]:
        """Return the exit status (of a hang: that of its signal), the seconds and the last line."""
        site = self.subject.artifact.site
        environment = child_environment(cell.kernel, cell.threads)
        environment |= keeping_bytecode(self.tools.with_name("bytecode"))
        environment |= {
            "PYTHONPATH": os.pathsep.join([site, str(self.tools), str(ROOT)]),
            "DETECTION_THREADS": str(cell.threads),
            **asked,
        }
        numpy = Path(site) / "numpy"
        files = [numpy / "_core" / "tests" / f"test_{name}.py" for name in FILES]
        command = [self.subject.artifact.interpreter.executable, "-m", "pytest", "-x", "-q"]
        command += ["-p", "set_threads", "-p", "no:cacheprovider", "-k", " or ".join(WORDS)]
        command += [f"--rootdir={site}"]  # tests have the same names, whichever are asked
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

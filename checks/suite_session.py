"""A pytest session of SciPy's tests in a process of its own, told test by test.

`follow` starts it and yields what it tells: one JSON object per line, ``{"event": ...}``::

    {"event": "hello", "scipy": version, "config": ..., "corename": ..., "threads": ...}
    {"event": "started", "test": NAME}
    {"event": "finished", "test": NAME, "outcome": "passed" | "failed" | "skipped", "message": ...}
    {"event": "uncollected", "test": FILE, "message": ...}

and last ``{"event": "ended", "status": exit status of the process, -N for signal N}``, so that a
test which kills the process is known by its name. The session has ended when `follow` returns.
"""

import ctypes
import glob
import json
import os
import subprocess
import sys

from checks import blas

__all__ = ["follow", "main"]

#: What the interpreter runs: the wheel under test, SciPy and the checks before what is its own,
#: pytest after all.
START = """
import sys
sys.path[:0] = sys.argv[1:4]
sys.path.append(sys.argv[4])
from checks.suite_session import main
main(int(sys.argv[5]), sys.argv[2], sys.argv[6:])
"""

#: SciPy's conftest.py brings the fixtures of its tests. It is named as a plugin, since pytest looks
#: for such files only at and below what it takes for the project.
OPTIONS = (
    *("-q", "--noconftest", "-p", "scipy.conftest", "-p", "no:cacheprovider", "--tb=line"),
    *("-m", "not slow and not xslow", "-o", "addopts=", "-W", "ignore"),
    *("-c", os.devnull, "--continue-on-collection-errors"),
)


def follow(numpy_site, scipy_site, tools, threads, files, work):
    """Run the tests in `files` of one folder with `threads` BLAS threads; yield the events.

    `numpy_site`, `scipy_site` and `tools` (pytest with what it needs) go on the module path; `work`
    is an empty folder.
    """
    project = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    command = [sys.executable, "-S", "-s", "-B", "-c", START, numpy_site, scipy_site, project]
    command += [tools, str(threads), *OPTIONS, "--rootdir", os.path.dirname(files[0]), *files]
    with subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE) as process:
        try:
            for line in process.stdout:
                if line.endswith(b"\n"):  # a line that was cut by a death says nothing
                    yield json.loads(line)
        except BaseException:  # whoever listens has heard enough
            process.kill()
            raise
    yield {"event": "ended", "status": process.returncode}


def main(threads, scipy_site, arguments):
    """Be the process: import SciPy, set the threads of both libraries, run pytest."""
    stream = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what pytest and the tests print is talk

    def tell(event, **facts):
        stream.write(json.dumps(dict(facts, event=event)) + "\n")

    import numpy as np
    import pytest
    import scipy.linalg

    library = _library_of(scipy_site)
    for each in (blas.find_library(np), library):
        each.set_num_threads(threads)
    tell(
        "hello",
        scipy=scipy.__version__,
        config=library.config(),
        corename=library.corename(),
        threads=library.get_num_threads(),
    )
    raise SystemExit(pytest.main(arguments, plugins=[_Teller(tell)]))


def _library_of(site):
    """Return the `blas.Library` that SciPy has loaded; OSError when it has not loaded that file."""
    (path,) = glob.glob(os.path.join(site, "scipy.libs", "*openblas*"))
    handle = ctypes.CDLL(path, mode=os.RTLD_NOW | os.RTLD_NOLOAD)
    for prefix, suffix in blas.NAMINGS:
        if hasattr(handle, prefix + "openblas_get_config" + suffix):
            return blas.Library(path, prefix, suffix)
    raise blas.LibraryNotFound("no known symbol names in %s" % path)


class _Teller:
    """A plugin that tells each test as it starts and ends."""

    def __init__(self, tell):
        self.tell = tell
        self.outcome = "passed"
        self.message = ""

    def pytest_runtest_logstart(self, nodeid):
        self.outcome, self.message = "passed", ""
        self.tell("started", test=nodeid)

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.outcome, self.message = "failed", _message(report)
        elif report.skipped and self.outcome == "passed":  # an expected failure as well
            self.outcome = "skipped"

    def pytest_runtest_logfinish(self, nodeid):
        self.tell("finished", test=nodeid, outcome=self.outcome, message=self.message)

    def pytest_collectreport(self, report):
        if report.failed:
            self.tell("uncollected", test=report.nodeid, message=_message(report))


def _message(report):
    """Return what went wrong in one line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(report.longrepr) if crash is None else crash.message
    if crash is None:  # a traceback: its last line tells
        text = text.strip().rpartition("\n")[2].lstrip("E ")
    return " ".join(text.split())[:200]

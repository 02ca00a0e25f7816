"""SciPy's own tests of scipy.linalg with the library under test, as a tier that informs.

NumPy's wheels hold OpenBLAS with 64-bit integers, SciPy's with 32-bit ones: the gate makes a SciPy
with the 32-bit build of the same version and names its folder in RELEASE_GATE_SUITE_SCIPY.
"""

import glob
import os
import signal
import tempfile

import numpy as np

from checks import suite, suite_session
from checks.api import check

__all__ = ["scipy_linalg"]

VARIABLE = "RELEASE_GATE_SUITE_SCIPY"

#: Those of scipy/linalg/tests that call BLAS or LAPACK. Not every release has each of them.
FILES = (
    *("test_basic.py", "test_batch.py", "test_blas.py", "test_cython_blas.py"),
    *("test_cython_lapack.py", "test_decomp*.py", "test_fblas.py", "test_interpolative.py"),
    *("test_lapack.py", "test_matfuncs.py", "test_solvers.py"),
)


@check(
    id="suite.scipy-linalg",
    title="SciPy's tests of scipy.linalg pass",
    category="suite",
    routines=[
        "?gemm", "?gemv", "?ger", "?symm", "?hemm", "?syrk", "?herk", "?syr2k", "?her2k", "?trmm",
        "?trsm", "?trsv", "?gesv", "?sysv", "?hesv", "?posv", "?pbsv", "?gbsv", "?gtsv", "?ptsv",
        "?getrf", "?potrf", "?pstrf", "?geqrf", "?geqp3", "?gerqf", "?sytrf", "?hetrf", "?gelss",
        "?gelsd", "?gelsy", "?gesdd", "?gesvd", "?syevr", "?heevr", "?syevd", "?sygvd", "?geev",
        "?ggev", "?gges", "?gees", "?gehrd", "?orcsd", "?trsyl", "?tgsen",
    ],
    oracle=(
        "The tests of scipy.linalg that call BLAS or LAPACK, without those marked slow, in a SciPy "
        "whose OpenBLAS was replaced by the 32-bit-integer build of the version under test; a test "
        "that fails is a case. That it fails with the baseline as well is for the comparison."
    ),
    catches=(
        "Routines that NumPy never calls but SciPy's users do, as SciPy's maintainers would see "
        "it: scipy#19831, scipy#24319, scipy#11577."
    ),
    profiles=("full", "stress"),
    max_threads=1,
    budget=600.0,
    idle=60.0,
)  # fmt: skip
def scipy_linalg(ctx):
    tools, site = os.environ.get(suite.VARIABLE, ""), os.environ.get(VARIABLE, "")
    tests = os.path.join(site, "scipy", "linalg", "tests")
    if not os.path.isdir(os.path.join(tools, "pytest")):
        ctx.unsupported("no pytest: %s names no folder that holds it" % suite.VARIABLE)
    files = sorted(path for name in FILES for path in glob.glob(os.path.join(tests, name)))
    if not site or not files:
        ctx.unsupported("no SciPy with its tests: %s names no folder of it" % VARIABLE)
    numpy_site = os.path.dirname(os.path.dirname(np.__file__))
    session = _Session(ctx)
    with tempfile.TemporaryDirectory() as work:
        for event in suite_session.follow(numpy_site, site, tools, ctx.threads, files, work):
            session.hear(event)


class _Session:
    """What the session has told so far; `test` is the one that runs."""

    def __init__(self, ctx):
        self.ctx = ctx
        self.test = None

    def hear(self, event):
        getattr(self, "_" + event["event"])(event)

    def _hello(self, event):
        self.ctx.details.update(
            scipy=event["scipy"], openblas=event["config"], kernel=event["corename"], skipped=0
        )
        here = self.ctx.blas.corename()
        if event["corename"].casefold() != here.casefold():
            self.ctx.not_exercised("SciPy's OpenBLAS runs %s, not %s" % (event["corename"], here))
        if event["threads"] != self.ctx.threads:
            self.ctx.not_exercised("SciPy's OpenBLAS uses %d threads" % event["threads"])

    def _started(self, event):
        self.test = event["test"]
        self.ctx.trying("tests", {"test": self.test})

    def _finished(self, event):
        self.test = None
        if event["outcome"] == "skipped":
            self.ctx.details["skipped"] += 1
            return
        self.ctx.ran()
        if event["outcome"] == "failed":
            self._fail(event["test"], event["message"])

    def _uncollected(self, event):
        self.ctx.ran()
        self._fail(event["test"], event["message"])

    def _ended(self, event):
        status = event["status"]
        if status < 0:
            self.ctx.ran()
            self._fail(self.test, "the process was killed by %s" % _signal(-status))
        elif status > 1:  # 0: all passed, 1: some failed
            self.ctx.ran()
            self._fail(self.test, "pytest ended with status %d" % status)
        elif "kernel" not in self.ctx.details:
            self.ctx.ran()
            self._fail(None, "the session did not start (its traceback is in the log)")

    def _fail(self, test, message):
        name = test or "scipy.linalg"
        self.ctx.fail("tests", "%s: %s" % (name, message), {"test": name})


def _signal(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number

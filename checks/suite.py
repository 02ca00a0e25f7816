"""NumPy's own tests of linear algebra and products, as a tier that informs.

They need pytest, which no wheel carries: the environment variable RELEASE_GATE_SUITE_PATH names a
folder that holds it (``pip install --target FOLDER pytest``). It is searched after the wheel.
"""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

import numpy as np

from checks.api import check

__all__ = ["numpy_linalg", "numpy_products"]

VARIABLE = "RELEASE_GATE_SUITE_PATH"

#: The tests are run without NumPy's conftest.py, which wants hypothesis, by this interpreter
#: without what is installed beside it.
PROGRAM = """
import sys
sys.path[:0] = [sys.argv[1]]
sys.path.append(sys.argv[2])
import pytest
raise SystemExit(pytest.main(sys.argv[3:]))
"""


@check(
    id="suite.numpy-linalg",
    title="NumPy's tests of numpy.linalg pass",
    category="suite",
    routines=["?gesv", "?getrf", "?potrf", "?geqrf", "?syevd", "?geev", "?gesdd", "?gelsd"],
    oracle=(
        "numpy.linalg's tests in the wheel under test, without those marked slow; a test that "
        "fails is a case. That it fails with the baseline as well is for the comparison to tell."
    ),
    catches="What NumPy's maintainers would see first: numpy PR#20660, numpy#22502.",
    profiles=("full", "stress"),
    max_threads=1,
    budget=600.0,
    idle=60.0,
)  # fmt: skip
def numpy_linalg(ctx):
    _run(ctx, ["linalg/tests/test_linalg.py"], "")


@check(
    id="suite.numpy-products",
    title="NumPy's tests of matmul, dot and einsum pass",
    category="suite",
    routines=["?gemm", "?gemv", "?syrk", "?dot"],
    oracle=(
        "The tests of numpy._core (numpy.core before 2.0) about matmul, dot, inner, vdot, "
        "tensordot and einsum, without those marked slow; a test that fails is a case."
    ),
    catches="What NumPy's maintainers would see first: numpy#14438, numpy#24067.",
    profiles=("full", "stress"),
    max_threads=1,
    budget=600.0,
    idle=60.0,
)
def numpy_products(ctx):
    core = "_core" if os.path.isdir(_place("_core", "tests")) else "core"
    names = ("test_multiarray.py", "test_einsum.py", "test_numeric.py")
    words = "matmul or MatMul or dot or Dot or inner or vdot or tensordot or einsum or Einsum"
    _run(ctx, ["%s/tests/%s" % (core, name) for name in names], words)


def _place(*parts):
    return os.path.join(os.path.dirname(np.__file__), *parts)


def _run(ctx, files, words):
    """Run the tests in `files` (relative to NumPy) whose names match `words`, one case each."""
    folder = os.environ.get(VARIABLE)
    if not folder or not os.path.isdir(os.path.join(folder, "pytest")):
        ctx.unsupported("no pytest: %s names no folder that holds it" % VARIABLE)
    paths = [_place(*name.split("/")) for name in files]
    missing = [path for path in paths if not os.path.isfile(path)]
    if missing:
        ctx.unsupported("the wheel carries no tests (%s)" % os.path.basename(missing[0]))
    with tempfile.TemporaryDirectory() as work:
        report = os.path.join(work, "report.xml")
        options = ["-q", "--noconftest", "-p", "no:cacheprovider", "-m", "not slow", "--tb=line"]
        options += ["-o", "addopts=", "-W", "ignore", "--rootdir", work, "--junit-xml", report]
        options += ["-k", words] if words else []
        command = [sys.executable, "-S", "-s", "-B", "-c", PROGRAM, _place(os.pardir), folder]
        ended = subprocess.run(
            [*command, *options, *paths], cwd=work, stdout=sys.stderr.fileno(), check=False
        )
        if not os.path.isfile(report):
            ctx.ran()
            ctx.fail("tests", "pytest ended with %d and no report" % ended.returncode, {})
            return
        cases = ET.parse(report).iter("testcase")  # noqa: S314  (written by pytest just now)
        skipped = 0
        for case in cases:
            if case.find("skipped") is not None:
                skipped += 1
                continue
            ctx.ran()
            problem = case.find("failure")
            problem = case.find("error") if problem is None else problem
            if problem is not None:
                name = "%s.%s" % (case.get("classname"), case.get("name"))
                first = (problem.get("message") or "").strip().split("\n")[0]
                ctx.fail("tests", "%s: %s" % (name, first[:200]), {"test": name})
    ctx.details["skipped"] = skipped

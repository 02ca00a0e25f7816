"""Runs one of NumPy's own tests. Exits with 1 when it fails, with 2 where pytest is missing."""
# reproduces: suite.numpy-linalg, suite.numpy-products

import glob
import os
import sys

PARAMETERS = {
    "kernel": "Haswell", "threads": 1,
    "test": "numpy.linalg.tests.test_linalg.TestSolve.test_sq_cases",
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import prepare  # noqa: E402

sys.path.append(os.environ.get("RELEASE_GATE_SUITE_PATH", ""))  # a folder that holds pytest
try:
    import pytest
except ImportError:
    print("this needs pytest: name a folder that holds it in RELEASE_GATE_SUITE_PATH")
    raise SystemExit(2) from None

prepare()
plain, bracket, case = PARAMETERS["test"].partition("[")
words = plain.split(".")
at = next(index for index, word in enumerate(words) if word.startswith("test_"))
pattern = "/**/%s/tests/%s.py" % (words[at - 2], words[at])
(path,) = glob.glob(os.path.dirname(np.__file__) + pattern, recursive=True)
node = "::".join([path, *words[at + 1 :]]) + bracket + case
print("pytest %s" % node)
options = ["-q", "--noconftest", "-p", "no:cacheprovider", "-o", "addopts=", "-W", "ignore"]
status = pytest.main([*options, "--rootdir", os.path.dirname(path), node])
raise SystemExit(int(status) if status in (0, 1) else 2)

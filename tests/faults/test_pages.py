"""What a forked sweep says of refused calls reaches the check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from planted import ask_checks

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.network

#: A library that refuses one routine, with an error of Python as NumPy's own xerbla_ sets it.
_REFUSING = """
from checks.cblas import Cblas
call = Cblas.call
def refusing(self, routine, dtype, *arguments):
    if (routine, dtype) == ("symm", "float64") and os.environ["PLANTED_FAULT"]:
        raise ValueError("parameter 3 had an illegal value")
    return call(self, routine, dtype, *arguments)
Cblas.call = refusing
"""


def test_a_refused_call_fails_and_the_sweep_goes_on(numpy_site: Path) -> None:
    asked = [("refuses", "bounds.level3", 1), ("", "bounds.level3", 1)]
    refused, good = ask_checks(numpy_site, ["bounds"], asked, kernel="Haswell", before=_REFUSING)
    assert (good["outcome"], good["cases"]) == ("passed", [])
    assert (refused["outcome"], refused["failed"]) == ("failed", 1)
    (case,) = refused["cases"]
    assert case["routine"] == "dsymm"
    assert case["message"] == "refused: parameter 3 had an illegal value"
    assert case["parameters"]["routine"] == "symm"
    assert 0.9 * good["run"] < refused["run"] < good["run"]

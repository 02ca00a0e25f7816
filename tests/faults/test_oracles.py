"""What checks make of input: ratios over zero, growth that ends, triangles to be inverted."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from release_gate.execution.environment import child_environment

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.network
def test_a_ratio_over_zero_is_an_answer(numpy_site: Path) -> None:
    """A solver that returns 0 makes the bound 0: that fails the check, it does not end it."""
    script = "from checks.oracles import over; print(over(0.0, 0.0), over(1.0, 0.0), over(1, 2))"
    assert numbers_of(numpy_site, script) == [0.0, math.inf, 0.5]


LEAKS = """
import ctypes
from checks.leaks import Memory

malloc = ctypes.PyDLL(None).malloc
malloc.argtypes, malloc.restype = [ctypes.c_size_t], ctypes.c_void_p

def growth(last):
    made = []
    def call():
        made.append(malloc(100000) if len(made) < last else None)
    return Memory().growth([call], 1)

print(growth(0), growth(6), growth(1000) // 100000)
"""


@pytest.mark.network
def test_memory_is_lost_only_by_what_does_not_end(numpy_site: Path) -> None:
    """Six calls fill the first measurement and begin the second, which is then no leak."""
    assert numbers_of(numpy_site, LEAKS) == [0.0, 0.0, 1.0]


TRIANGLES = """
from types import SimpleNamespace
import numpy as np
from checks.accuracy_lapack_systems import TRIANGLES, _triangle
from checks.lapack_trials import Trial

lapack = SimpleNamespace(integers=np.dtype(np.int64))
for seed in range(20):
    trial = Trial(lapack, "float32", 331, "random", seed)
    for flags in TRIANGLES:
        print(np.linalg.cond(_triangle(trial, flags).astype(float)))
"""


@pytest.mark.network
def test_triangles_have_an_inverse_in_single_precision(numpy_site: Path) -> None:
    """Of random elements alone, those of order 129 do not."""
    conditions = numbers_of(numpy_site, TRIANGLES)
    assert conditions
    assert max(conditions) < 100


def numbers_of(numpy_site: Path, script: str) -> list[float]:
    """Return what a script prints that uses checks with the NumPy in that site."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        env=child_environment(None, 1) | {"PYTHONPATH": f"{numpy_site}:{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return [float(word) for word in done.stdout.split()]

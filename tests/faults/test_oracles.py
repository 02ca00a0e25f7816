"""Ratios that have no finite value, which no input of a good library has."""

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
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        env=child_environment(None, 1) | {"PYTHONPATH": f"{numpy_site}:{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [float(word) for word in done.stdout.split()] == [0.0, math.inf, 0.5]

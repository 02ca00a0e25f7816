"""What the order of the stages decides by itself; whole runs are in test_run.py."""

from __future__ import annotations

import pytest

from release_gate.matrix.load import load_matrices
from release_gate.model import NumPySource
from release_gate.pipeline import _requires_python
from release_gate.resources import matrices_dir


@pytest.mark.parametrize(
    ("version", "like"),
    [("2.4.9", "2.4.6"), ("2.5.0.dev0", "2.5.5"), ("2.10.0", "2.5.5"), ("1.26.4", None)],
)
def test_a_source_needs_the_python_of_the_nearest_release(version: str, like: str | None) -> None:
    matrices = load_matrices(matrices_dir())
    source = NumPySource(kind="checkout", version=version, location="numpy", sha256="0" * 64)
    expected = {release.version: release.requires_python for release in matrices.numpy}
    assert _requires_python(source, matrices) == (expected[like] if like else ">=3.9")

"""The matrices, images and flags of the exact calls, against naive definitions."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from release_gate.execution.environment import child_environment

pytestmark = pytest.mark.network

SCRIPT = Path(__file__).with_name("exact_calls_hold.py")
NAMES = [
    node.name
    for node in ast.parse(SCRIPT.read_text()).body
    if isinstance(node, ast.FunctionDef) and not node.args.args
]


@pytest.mark.parametrize("name", NAMES)
def test_what_exact_calls_rest_on(name: str, numpy_site: Path) -> None:
    environment = child_environment(None, 1)
    project = Path(__file__).parents[2]
    environment["PYTHONPATH"] = os.pathsep.join([str(numpy_site), str(project)])
    done = subprocess.run(
        [sys.executable, "-S", "-B", str(SCRIPT), name],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr

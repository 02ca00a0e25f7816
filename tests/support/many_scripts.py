"""Programs and many scripts run with the NumPy of a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from release_gate.execution.environment import child_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["failing_scripts", "run_program"]

#: Runs many scripts in one process that is forked for each: what costs time is to load NumPy.
_RUNNER = """
import json, os, sys, traceback, numpy
for index, script in enumerate(json.load(sys.stdin)):
    child = os.fork()
    if child == 0:
        status = 70
        try:
            exec(compile(script, "script", "exec"), {})
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    if os.waitpid(child, 0)[1]:
        print("FAILED", index, flush=True)
"""


def run_program(site: Path, program: str, given: str = "") -> str:
    """Run a program with the NumPy of `site`, on one kernel; return what it says."""
    environment = child_environment("Nehalem", 1)
    environment["PYTHONPATH"] = os.pathsep.join([str(site), str(Path(__file__).parents[2])])
    done = subprocess.run(
        [sys.executable, "-S", "-B", "-c", program],
        input=given,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def failing_scripts(site: Path, scripts: Sequence[str]) -> list[int]:
    """Return the indices of those that do not end with 0."""
    said = run_program(site, _RUNNER, json.dumps(scripts))
    return [int(line.split()[1]) for line in said.splitlines() if line[:6] == "FAILED"]

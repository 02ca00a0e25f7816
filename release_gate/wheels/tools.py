"""Programs that the gate brings along as dependencies, found without relying on PATH."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from release_gate.errors import InfrastructureError, Problem
from release_gate.openblas.probe import clean_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["find_tool", "run_tool", "tool_environment"]

_SHOWN_LINES = 15


def _script_folders() -> list[str]:
    return [str(Path(sys.executable).parent), sysconfig.get_path("scripts")]


def find_tool(name: str) -> str:
    """Return the path of a program of the gate's own environment, else of PATH."""
    path = shutil.which(name, path=os.pathsep.join(_script_folders())) or shutil.which(name)
    if path is None:
        raise InfrastructureError(
            Problem(
                what=f"{name} is not installed",
                where="the environment of release-gate",
                hint=f"install the package {name!r} there, or release-gate again",
            )
        )
    return path


def tool_environment(**extra: str) -> dict[str, str]:
    """Return a clean environment in which the gate's own programs come first on PATH."""
    environment = clean_environment()
    path = os.pathsep.join([*_script_folders(), environment.get("PATH", os.defpath)])
    return environment | {"PATH": path} | extra


def run_tool(
    command: Sequence[str], *, timeout: float, cwd: Path | None = None, **extra: str
) -> str:
    """Run a program and return its stdout; raise InfrastructureError with the end of its stderr.

    `timeout` is in seconds, `extra` are environment variables.
    """
    name = Path(command[0]).name
    shown = shlex.join("..." if "\n" in part else part for part in command)  # a script
    try:
        done = subprocess.run(
            command,
            env=tool_environment(**extra),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InfrastructureError(
            Problem(what=f"{name} did not end in {timeout:g} s", where=shown)
        ) from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()[-_SHOWN_LINES:]
        raise InfrastructureError(
            Problem(
                what=f"{name} failed (exit status {done.returncode}):\n" + "\n".join(lines),
                where=shown,
            )
        )
    return done.stdout

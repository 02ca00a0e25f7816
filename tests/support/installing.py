"""Packages for an interpreter that is not this one, in a folder of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uv
from planted import run_tool

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["TEST_TOOLS", "install_for"]

#: What NumPy's own tests import.
TEST_TOOLS = ("pytest", "hypothesis", "typing_extensions")


def install_for(interpreter: str, folder: Path, *requirements: str) -> None:
    """Install `requirements` into `folder`; raises with the installer's words when that fails."""
    install = (uv.find_uv_bin(), "pip", "install", "--quiet")
    run_tool(*install, "--python", interpreter, "--target", str(folder), *requirements)

"""Where the checks and the matrices are: in the checkout, or bundled in an installed gate."""

from __future__ import annotations

from pathlib import Path

__all__ = ["checks_dir", "matrices_dir", "schema_path"]

_PACKAGE = Path(__file__).resolve().parent


def _data(name: str) -> Path:
    checkout = _PACKAGE.parent / name
    return checkout if checkout.is_dir() else _PACKAGE / "_bundled" / name


def checks_dir() -> Path:
    """Return the folder of the package `checks`, which runs in the child."""
    return _data("checks")


def matrices_dir() -> Path:
    """Return the folder of pins, kernels, platforms and policy."""
    return _data("matrices")


def schema_path(name: str) -> Path:
    """Return the JSON Schema file of "plan", "cell" or "report"."""
    return _PACKAGE / "schemas" / f"{name}.schema.json"

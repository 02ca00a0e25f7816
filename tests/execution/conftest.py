"""Fixtures of the tests of execution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from made_cells import MadeCell, make_cell, make_site

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from release_gate.model import Artifact


@pytest.fixture(scope="session")
def made_artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return make_site(tmp_path_factory.mktemp("made") / "site")


@pytest.fixture
def made(tmp_path: Path, made_artifact: Artifact) -> Callable[..., MadeCell]:
    """Return a function that makes a cell whose checks have the given bodies."""
    return lambda **bodies: make_cell(tmp_path, made_artifact, **bodies)

"""Fixtures: made-up cells, and a real NumPy wheel from the index, unpacked once for all runs."""

from __future__ import annotations

import platform
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import platformdirs
import pytest
from hypothesis import settings
from made_cells import MadeCell, make_cell, make_site

from release_gate.matrix.host import probe_host
from release_gate.model import Host, Interpreter
from release_gate.openblas.index import Index
from release_gate.openblas.library import obtain_library
from release_gate.openblas.pins import resolve_pin
from release_gate.wheels.obtain import open_wheel
from release_gate.wheels.swap import swap_library

if TYPE_CHECKING:
    from collections.abc import Callable

    from release_gate.model import Artifact


#: Tests that compile, fork or look into libraries; elsewhere even the import of a module may fail.
LINUX_ONLY = {"detection", "execution", "faults", "openblas", "scripts", "wheels"}
LINUX_MODULES = {"test_run.py", "test_wheelhouse.py", "test_flow.py"}
ELSEWHERE = platform.system() != "Linux"
NOT_LINUX = "builds, libraries and children are looked into on Linux only (see platforms.toml)"

# What is started in the background by a shell ignores Ctrl-C, and so would all its children.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine makes any single example slow; what a test may take is pytest's to limit.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")


class _Elsewhere(pytest.Module):
    """A module of tests that says why it is not run, without being imported."""

    def collect(self) -> NoReturn:
        pytest.skip(NOT_LINUX, allow_module_level=True)


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """Leave out what cannot run on this system."""
    folder = module_path.parent.name
    linux_only = folder in LINUX_ONLY or module_path.name in LINUX_MODULES
    if not (ELSEWHERE and linux_only):
        return None
    module = _Elsewhere.from_parent(parent, path=module_path)
    assert isinstance(module, _Elsewhere)
    return module


@pytest.fixture(scope="session")
def made_artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Return a NumPy and an OpenBLAS of a few lines, which start in milliseconds."""
    if ELSEWHERE:
        pytest.skip(NOT_LINUX)
    return make_site(tmp_path_factory.mktemp("made") / "site")


@pytest.fixture
def made(tmp_path: Path, made_artifact: Artifact) -> Callable[..., MadeCell]:
    """Return a function that makes a cell whose checks have the given bodies."""
    return lambda **bodies: make_cell(tmp_path, made_artifact, **bodies)


@pytest.fixture(scope="session")
def index_cache() -> Path:
    """Return the folder of what tests have fetched from the index; it outlives them."""
    return Path(platformdirs.user_cache_path("release-gate-tests"))


@pytest.fixture(scope="session")
def this_host() -> Host:
    return probe_host()


@pytest.fixture(scope="session")
def this_interpreter() -> Interpreter:
    return Interpreter(executable=sys.executable, version=platform.python_version())


@pytest.fixture(scope="session")
def numpy_wheel(index_cache: Path, this_host: Host, this_interpreter: Interpreter) -> Artifact:
    """Return a released NumPy for the running interpreter. For tests that are marked `network`."""
    if ELSEWHERE:
        pytest.skip(NOT_LINUX)
    return open_wheel(
        "numpy==2.4.6",
        [this_interpreter],
        host=this_host,
        index=Index(index_cache),
        cache=index_cache,
    )


@pytest.fixture(scope="session")
def numpy_site(numpy_wheel: Artifact) -> Path:
    """Return the folder in which that NumPy is unpacked."""
    return Path(numpy_wheel.site)


@pytest.fixture(scope="session")
def with_library(
    numpy_wheel: Artifact, this_host: Host, index_cache: Path
) -> Callable[[str], Artifact]:
    """Return a function that gives that NumPy with the scipy-openblas64 of a version."""

    def swapped(version: str) -> Artifact:
        index = Index(index_cache)
        pin = resolve_pin(f"scipy-openblas64=={version}", pins={}, host=this_host, index=index)
        return swap_library(numpy_wheel, obtain_library(pin, index, index_cache), pin, index_cache)

    return swapped

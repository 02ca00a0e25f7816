"""Real wheels of the index: NumPy as it is published, with the OpenBLAS in it swapped."""

from __future__ import annotations

import os
import platform
import subprocess
import zipfile
from pathlib import Path

import pytest
from made_wheels import INTERPRETER
from platformdirs import user_cache_path

from release_gate.model import Artifact, Host, Outcome
from release_gate.openblas.index import Index
from release_gate.openblas.kernels import held_kernels
from release_gate.openblas.library import obtain_library
from release_gate.openblas.pins import resolve_pin
from release_gate.openblas.probe import clean_environment
from release_gate.progress import Silent
from release_gate.wheels.inspection import INSPECTIONS, inspect_wheel
from release_gate.wheels.native import build_wheel, wheel_cached
from release_gate.wheels.obtain import open_wheel
from release_gate.wheels.source import resolve_numpy
from release_gate.wheels.swap import swap_library

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(
        (platform.system(), platform.machine()) != ("Linux", "x86_64"), reason="x86-64 Linux only"
    ),
]

HOST = Host(
    system="linux",
    machine="x86_64",
    cpu="this one",
    flags=("pni",),
    cores=os.cpu_count() or 1,
    libc=" ".join(platform.libc_ver()),
)
MULTIPLY = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
a = np.arange(40000.0).reshape(200, 200) % 7
assert np.array_equal(a @ a.T, (a.astype(int) @ a.T.astype(int)))
"""


@pytest.fixture(scope="module")
def cache() -> Path:
    """Downloads are kept between runs: another run needs no network."""
    return user_cache_path("release-gate-tests")


@pytest.fixture(scope="module")
def index(cache: Path) -> Index:
    return Index(cache)


@pytest.fixture(scope="module")
def published(cache: Path, index: Index) -> Artifact:
    return open_wheel("numpy==2.4.6", [INTERPRETER], host=HOST, index=index, cache=cache)


def outcomes(artifact: Artifact, baseline: Artifact) -> dict[str, Outcome]:
    ids = [spec.id for spec in INSPECTIONS]
    return {seen.check: seen.outcome for seen in inspect_wheel(artifact, baseline, ids)}


def test_a_published_wheel(published: Artifact) -> None:
    assert published.pin.version == "0.3.31.188.0"
    assert (published.symbol_prefix, published.symbol_suffix) == ("scipy_", "64_")
    seen = outcomes(published, published)
    assert seen.pop("wheel.pin") is Outcome.UNSUPPORTED
    assert set(seen.values()) == {Outcome.PASSED}, seen


def test_another_library_in_a_published_wheel(
    published: Artifact, cache: Path, index: Index
) -> None:
    pin = resolve_pin("0.3.33.112.0", pins={}, host=HOST, index=index)
    swapped = swap_library(published, obtain_library(pin, index, cache), pin, cache)
    assert swapped.config.startswith("OpenBLAS 0.3.33.112.0 ")
    seen = outcomes(swapped, published)
    assert seen["wheel.pin"] is seen["wheel.config"] is seen["wheel.symbols"] is Outcome.PASSED
    assert seen["wheel.foreign"] is Outcome.PASSED
    command = [swapped.interpreter.executable, "-I", "-c", MULTIPLY, swapped.site]
    subprocess.run(command, env=clean_environment(), check=True, timeout=60)


def test_kernels_of_a_real_library(cache: Path, index: Index) -> None:
    pin = resolve_pin("0.3.33.112.0", pins={}, host=HOST, index=index)
    library = obtain_library(pin, index, cache)
    names: dict[str, list[str]] = {"Prescott": ["pni"], "Bogus": [], "SkylakeX": ["no-such-flag"]}
    held = held_kernels(library, names, HOST, cache)
    assert [kernel.observed for kernel in held] == ["Katmai", None, None]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_linked_wheel_equals_one_built_from_scratch(tmp_path: Path) -> None:
    """Compile for one pin and link for another; then build for that one from nothing.

    Both happen at the same paths, since these go into `numpy/__config__.py`.
    """
    index = Index(user_cache_path("release-gate-tests"))
    numpy = resolve_numpy("2.4.6", sdists={}, index=index)
    first, second = (
        resolve_pin(version, pins={}, host=HOST, index=index)
        for version in ("0.3.34.237.2", "0.3.34.481.3")
    )
    options = {"index": index, "cache": tmp_path, "progress": Silent()}
    build_wheel(numpy, first, INTERPRETER, **options)  # type: ignore[arg-type]
    linked = build_wheel(numpy, second, INTERPRETER, **options)  # type: ignore[arg-type]
    assert linked.details["how"] == "linked"
    assert wheel_cached(numpy, second, INTERPRETER, cache=tmp_path)
    kept = contents(Path(linked.path))
    built = build_wheel(numpy, second, INTERPRETER, fresh=True, **options)  # type: ignore[arg-type]
    assert built.details["how"] == "compiled"
    scratch = contents(Path(built.path))
    assert sorted(kept) == sorted(scratch)
    assert [name for name in kept if kept[name] != scratch[name]] == []
    assert linked.sha256 == built.sha256


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}

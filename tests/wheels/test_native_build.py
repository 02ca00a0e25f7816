"""Wheels per pin, from source to repaired wheel, with a compiler run that takes no minutes.

Only what runs `python -m build` and ninja is replaced; linking, licences, RECORD, auditwheel, the
cache and the trial import are the real ones.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import frozen
from made_wheels import (
    HOST,
    INTERPRETER,
    LINALG,
    NUMPY,
    MadeIndex,
    compile_user,
    make_numpy_wheel,
    make_openblas_wheel,
    write_wheel,
)

from release_gate.errors import ConfigurationError, InfrastructureError, Problem
from release_gate.model import Artifact, NumPySource, Outcome, Pin
from release_gate.openblas.index import Index
from release_gate.openblas.pins import resolve_pin
from release_gate.progress import Silent
from release_gate.wheels import native
from release_gate.wheels.inspection import INSPECTIONS, inspect_wheel
from release_gate.wheels.source import resolve_numpy
from release_gate.wheels.toolchain import BuildEnvironment
from release_gate.wheels.tree import BuildTree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OLD, NEW = "0.3.98.0.0", "0.3.99.1.0"
MODULE = "numpy/_core/_multiarray_umath.cpython-made.so"
CONFIG = """
blas = {{"version": "{0}", "openblas configuration": r"USE_64BITINT=1 DYNAMIC_ARCH=1"}}
lapack = {{"version": "{0}", "openblas configuration": r"USE_64BITINT=1 DYNAMIC_ARCH=1"}}
"""
PACKAGE = NUMPY.replace('"BUILT"', "__config__.blas['version']")


class QuickTree(BuildTree):
    """A tree whose compiler makes one module and whose ninja links it again."""

    runs: list[str]  # set by the fixture
    also: str = ""  # what ninja does beside linking
    fails: bool = False

    def _run(
        self, command: Sequence[str], cwd: Path, epoch: int, see: Callable[[str], object]
    ) -> None:
        del cwd, epoch
        module = self.build / MODULE
        library = self.openblas / "lib" / "libscipy_openblas64_.so"
        if "build" not in command:
            self.runs.append("link")
            compile_user(module, library, rpath=str(library.parent))
            see(f"[1/1] Linking target {MODULE}")
            if self.also:
                see(f"[2/2] {self.also}")
            return
        self.runs.append("compile")
        if self.fails:
            self.build.mkdir()
            raise InfrastructureError(Problem(what="the build failed"))
        compile_user(module, library, rpath=str(library.parent))
        pc = (self.openblas / "scipy-openblas.pc").read_text()
        version = next(line.split()[1] for line in pc.splitlines() if line.startswith("Version"))
        files = {
            "numpy/__init__.py": f"from numpy import __config__\n{PACKAGE}".encode(),
            "numpy/__config__.py": CONFIG.format(version).encode(),
            "numpy/linalg/__init__.py": LINALG.encode(),
            MODULE: module.read_bytes(),
            "numpy-2.4.6.dist-info/licenses/LICENSE.txt": b"NumPy's own\n",
        }
        tag = f"{INTERPRETER.tag}-{INTERPRETER.tag}-linux_x86_64"
        write_wheel(self.raw / f"numpy-2.4.6-{tag}.whl", "numpy", "2.4.6", files)


@frozen(kw_only=True)
class Bench:
    """What the tests build with."""

    cache: Path
    index: Index
    numpy: NumPySource
    runs: list[str]

    def pin(self, version: str) -> Pin:
        return resolve_pin(version, pins={}, host=HOST, index=self.index)

    def build(self, version: str, *, fresh: bool = False) -> Artifact:
        return native.build_wheel(
            self.numpy,
            self.pin(version),
            INTERPRETER,
            index=self.index,
            cache=self.cache,
            fresh=fresh,
            progress=Silent(),
        )

    def cached(self, version: str) -> bool:
        return native.wheel_cached(self.numpy, self.pin(version), INTERPRETER, cache=self.cache)


@pytest.fixture
def bench(made_index: MadeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    archive = tmp_path / "numpy-2.4.6.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        info = tarfile.TarInfo("numpy-2.4.6/meson.build")
        info.mtime = 1_700_000_000
        tar.addfile(info, io.BytesIO())
    made_index.add("numpy", archive)
    for version in (OLD, NEW):
        made_index.add("scipy-openblas64", make_openblas_wheel(tmp_path, version))
    cache = tmp_path / "cache"
    index = Index(cache, made_index.url)
    environment = BuildEnvironment(folder=tmp_path / "venv", frozen="meson==1")
    monkeypatch.setattr(native, "build_environment", lambda *_: environment)
    monkeypatch.setattr(native, "frozen_names", lambda *_: environment.frozen)
    monkeypatch.setattr(native, "BuildTree", QuickTree)
    runs: list[str] = []
    monkeypatch.setattr(QuickTree, "runs", runs, raising=False)
    numpy = resolve_numpy("2.4.6", sdists={}, index=index)
    return Bench(cache=cache, index=index, numpy=numpy, runs=runs)


def test_compile_once_link_per_pin(bench: Bench) -> None:
    assert not bench.cached(OLD)
    first = bench.build(OLD)
    second = bench.build(NEW)
    assert bench.runs == ["compile", "link"]
    assert [artifact.details["how"] for artifact in (first, second)] == ["compiled", "linked"]
    assert first.config.startswith(f"OpenBLAS {OLD}")
    assert second.config.startswith(f"OpenBLAS {NEW}")
    assert bench.cached(OLD)
    assert bench.cached(NEW)
    again = bench.build(NEW)
    assert bench.runs == ["compile", "link"]
    assert again.reused
    assert (again.sha256, again.site) == (second.sha256, second.site)


def test_a_built_wheel_passes_its_inspections(bench: Bench) -> None:
    baseline, artifact = bench.build(OLD), bench.build(NEW)
    ids = [spec.id for spec in INSPECTIONS]
    seen = {s.check: (s.outcome, s.reason) for s in inspect_wheel(artifact, baseline, ids)}
    assert {outcome for outcome, _ in seen.values()} == {Outcome.PASSED}, seen


def test_a_linked_wheel_equals_a_compiled_one(bench: Bench) -> None:
    bench.build(OLD)
    linked = bench.build(NEW)
    compiled = bench.build(NEW, fresh=True)
    assert bench.runs == ["compile", "link", "compile"]
    assert linked.sha256 == compiled.sha256


def test_when_linking_is_not_enough_all_is_built(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.build(OLD)
    monkeypatch.setattr(QuickTree, "also", "Compiling C object a.o")
    artifact = bench.build(NEW)
    assert bench.runs == ["compile", "link", "compile"]
    assert artifact.details["how"] == "compiled"
    assert artifact.config.startswith(f"OpenBLAS {NEW}")


def test_a_damaged_wheel_is_made_again(bench: Bench) -> None:
    artifact = bench.build(OLD)
    wheel = Path(artifact.path)
    whole = wheel.read_bytes()
    wheel.write_bytes(whole[:-10])
    assert not bench.cached(OLD)
    assert Path(bench.build(OLD).path).read_bytes() == whole
    assert bench.runs == ["compile", "link"]


def test_a_failed_build_leaves_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QuickTree, "fails", True)
    with pytest.raises(InfrastructureError, match="the build failed"):
        bench.build(OLD)
    trees = bench.cache / "trees"
    files = [path.name for path in trees.rglob("*") if path.is_file()]
    assert [name for name in files if not name.endswith(".lock")] == []
    assert [path for path in (bench.cache / "wheels").iterdir() if path.is_dir()] == []
    monkeypatch.undo()


def test_an_old_numpy_is_told_apart(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "CONFIG", "blas = {{'version': '{0}'}}\n")
    with pytest.raises(ConfigurationError, match="the gate builds NumPy 2 and later"):
        bench.build(OLD)


def test_a_numpy_that_is_a_wheel_gets_the_library_swapped_in(bench: Bench, tmp_path: Path) -> None:
    wheel = make_numpy_wheel(tmp_path)
    artifact = native.build_wheel(
        resolve_numpy(str(wheel), sdists={}, index=bench.index),
        bench.pin(OLD),
        INTERPRETER,
        index=bench.index,
        cache=bench.cache,
        progress=Silent(),
    )
    assert artifact.made == "swap"
    assert artifact.config.startswith(f"OpenBLAS {OLD}")
    assert bench.runs == []

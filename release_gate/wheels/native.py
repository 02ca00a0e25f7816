"""Wheels built on this machine: compiled once per NumPy and interpreter, linked once per pin."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve

from release_gate.errors import ConfigurationError, Problem
from release_gate.openblas.library import obtain_library, pin_facts
from release_gate.store import Store, digest_of, remove, storage_errors
from release_gate.wheels.repair import append_licences, pack_wheel, repair_wheel
from release_gate.wheels.site import make_artifact
from release_gate.wheels.swap import swap_library
from release_gate.wheels.toolchain import build_environment, find_toolchain, frozen_names
from release_gate.wheels.tree import BuildTree, NotLinkedOnly, setup_arguments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release_gate.model import Artifact, Interpreter, NumPySource, Pin
    from release_gate.openblas.index import Index
    from release_gate.openblas.library import Library
    from release_gate.progress import Progress, Stage
    from release_gate.wheels.toolchain import BuildEnvironment, Toolchain

__all__ = ["COLD_SECONDS", "LINK_SECONDS", "alone", "build_wheel", "wheel_cached"]

#: What a build takes on two cores, for estimates before any was seen here.
COLD_SECONDS = 240.0
LINK_SECONDS = 10.0

#: Part of every key: raise it when wheels are made in another way.
_RECIPE = 1


def build_wheel(
    numpy: NumPySource,
    pin: Pin,
    interpreter: Interpreter,
    *,
    index: Index,
    cache: Path,
    fresh: bool = False,
    progress: Progress,
    jobs: int | None = None,
) -> Artifact:
    """Return a repaired wheel of `numpy` that carries `pin`, from the cache or built.

    The first pin of a (source, compiler, interpreter, build requirements) is compiled; for another
    one the modules that use OpenBLAS are linked again. With `fresh` nothing that was built is used.
    A `numpy` that is a wheel gets the library swapped in. `jobs` limits parallel compilation.
    Raises ConfigurationError and InfrastructureError, each with all that is wrong.
    """
    cache = cache.resolve()
    library = obtain_library(pin, index, cache)
    if numpy.kind == "wheel":
        wheel = Path(numpy.location)
        return swap_library(
            make_artifact(wheel, interpreter, cache, made="file", fresh=fresh), library, pin, cache
        )
    toolchain = find_toolchain(interpreter)
    environment = build_environment(interpreter, index, cache)
    store = Store(cache)
    key = _wheel_key(numpy, pin, interpreter, toolchain, environment.frozen)
    wheel_folder = None if fresh else store.find("wheels", key)
    started = time.monotonic()
    how = "cached"
    if wheel_folder is None:
        tree = _tree(
            cache,
            numpy=numpy,
            library=library,
            interpreter=interpreter,
            toolchain=toolchain,
            environment=environment,
        )
        quick = not fresh and tree.facts is not None
        name = f"link numpy {numpy.version} to {pin}" if quick else f"build numpy {numpy.version}"
        expected = LINK_SECONDS if quick else COLD_SECONDS

        def make(work: Path) -> None:
            nonlocal how
            with progress.stage(name, seconds=expected) as stage, alone(tree, stage):
                how = _make(
                    work,
                    tree,
                    numpy=numpy,
                    library=library,
                    index=index,
                    stage=stage,
                    fresh=fresh,
                    jobs=jobs,
                )

        wheel_folder = store.obtain("wheels", key, make, fresh=fresh)
    (wheel,) = wheel_folder.glob("*.whl")
    artifact = make_artifact(wheel, interpreter, cache, made="native", pin=pin, fresh=fresh)
    return evolve(
        artifact,
        seconds=time.monotonic() - started,
        reused=how == "cached",
        details={"how": how, **pin_facts(library)},
    )


def wheel_cached(numpy: NumPySource, pin: Pin, interpreter: Interpreter, *, cache: Path) -> bool:
    """Whether `build_wheel` would build nothing. Asks neither the index nor a compiler to work."""
    cache = cache.resolve()
    if numpy.kind == "wheel":
        return True
    frozen = frozen_names(interpreter, cache)
    if frozen is None:
        return False
    key = _wheel_key(numpy, pin, interpreter, find_toolchain(interpreter), frozen)
    return Store(cache).find("wheels", key) is not None


def _make(
    work: Path,
    tree: BuildTree,
    *,
    numpy: NumPySource,
    library: Library,
    index: Index,
    stage: Stage,
    fresh: bool,
    jobs: int | None,
) -> str:
    """Put the repaired wheel into `work`; return how it came about."""
    if not fresh and tree.facts is not None:
        try:
            _finish(work, tree, library, tree.link(library, stage))
        except NotLinkedOnly as reason:
            stage.note(f"linking is not enough ({reason}); building from scratch")
        else:
            return "linked"
    tree.compile(numpy, library, index, stage, jobs)
    try:
        _finish(work, tree, library, [])
    except NotLinkedOnly as reason:
        raise ConfigurationError(
            Problem(
                what=f"this NumPy does not say what it was linked to: {reason}",
                where=f"numpy {numpy.version}",
                hint="the gate builds NumPy 2 and later; check older ones as published wheels",
            )
        ) from reason
    return "compiled"


def _finish(work: Path, tree: BuildTree, library: Library, linked: list[str]) -> None:
    facts = tree.facts
    if facts is None:
        raise NotLinkedOnly("the tree is not whole")
    files, raw = work / "files", work / "raw"
    try:
        tree.assemble(files, library, linked)
        append_licences(files, tree.source, library.licence)
        raw.mkdir()
        repair_wheel(pack_wheel(files, facts.wheel, raw), work, facts.epoch)
    finally:
        remove(files)
        remove(raw)


def _identity(
    numpy: NumPySource, interpreter: Interpreter, toolchain: Toolchain, frozen: str
) -> tuple[object, ...]:
    return (
        _RECIPE,
        numpy.sha256,
        interpreter.executable,
        interpreter.version,
        interpreter.free_threaded,
        toolchain.identity,
        frozen,
    )


def _wheel_key(
    numpy: NumPySource, pin: Pin, interpreter: Interpreter, toolchain: Toolchain, frozen: str
) -> str:
    return digest_of(*_identity(numpy, interpreter, toolchain, frozen), pin.sha256, pin.version)


def _tree(
    cache: Path,
    *,
    numpy: NumPySource,
    library: Library,
    interpreter: Interpreter,
    toolchain: Toolchain,
    environment: BuildEnvironment,
) -> BuildTree:
    key = digest_of(
        *_identity(numpy, interpreter, toolchain, environment.frozen),
        library.path.name,
        library.cflags,
        setup_arguments(library),
    )
    # A short name: the path goes into the wheel's modules, and compilers print it often.
    return BuildTree(cache / "trees" / f"numpy-{numpy.version}-{key[:16]}", environment)


@contextmanager
def alone(tree: BuildTree, stage: Stage) -> Iterator[None]:
    """Keep other processes out of a build tree, and those of a killed gate that still compile."""
    import fcntl  # noqa: PLC0415  (nothing is built on Windows, but a plan may be made there)

    tree.folder.parent.mkdir(parents=True, exist_ok=True)
    path = tree.folder.with_name(f".{tree.folder.name}.lock")
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        with storage_errors(tree.folder):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                stage.note(f"another build still uses {tree.folder}; waiting for it")
                fcntl.flock(handle, fcntl.LOCK_EX)
        tree.lock = handle  # the compilers inherit it
        yield
    finally:
        os.close(handle)

"""The same wheel with another OpenBLAS: one build, or none, tried against many libraries."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve

from release_gate.errors import ConfigurationError, InfrastructureError, Problem
from release_gate.openblas.index import file_sha256
from release_gate.openblas.library import pin_facts, require_names
from release_gate.store import Store, digest_of
from release_gate.wheels.site import bundled_library, names_needed
from release_gate.wheels.tools import find_tool, run_tool

if TYPE_CHECKING:
    from release_gate.model import Artifact, Pin
    from release_gate.openblas.library import Library

__all__ = ["place_library", "require_fit", "swap_library"]

#: Part of the key: raise it when a swap is done in another way.
_LAYOUT = 1

_PATCH_TIMEOUT = 60.0


def swap_library(artifact: Artifact, library: Library, pin: Pin, cache: Path) -> Artifact:
    """Return `artifact` with `library` (which is `pin`) in the place of its OpenBLAS.

    The new site shares all other files with the old one (hard links). The library gets the file
    name and the soname of the one it replaces, and brings its own libgfortran and libquadmath.
    Raises ConfigurationError when its symbol names or its interface are others than the wheel
    needs, InfrastructureError when it cannot be put there.
    """
    place = os.path.relpath(artifact.library, artifact.site)
    key = digest_of(
        artifact.sha256,
        artifact.interpreter.executable,
        artifact.interpreter.version,
        library.sha256,
        [file_sha256(path) for path in library.companions],
        str(library.path) if library.licence is None else "",  # $ORIGIN of a file is its folder
        _LAYOUT,
    )

    def make(work: Path) -> None:
        require_fit(Path(artifact.site), artifact.name, library, pin)
        site = work / "site"
        shutil.copytree(artifact.site, site, copy_function=_link)
        place_library(library, site / place)

    store = Store(cache)
    reused = store.find("swaps", key) is not None
    site = store.obtain("swaps", key, make) / "site"
    return evolve(
        artifact,
        made="swap",
        pin=pin,
        site=str(site),
        library=str(site / place),
        library_sha256=file_sha256(site / place),
        config=library.config,
        reused=reused,
        details=artifact.details | {"swapped_from": artifact.config, **pin_facts(library)},
    )


def require_fit(site: Path, wheel: str, library: Library, pin: Pin, package: str = "numpy") -> Path:
    """Return the file in `site`, a `wheel` unpacked, whose place `library` (`pin`) can take.

    Raises ConfigurationError when `package` needs other symbol names or another interface.
    """
    old = bundled_library(site, wheel, package)
    if (old.naming, old.interface) != (library.naming, library.interface):
        raise ConfigurationError(
            Problem(
                what=f"{library.path.name} names its symbols {library.naming} ({library.interface})"
                f", {wheel} needs {old.naming} ({old.interface})",
                where=str(pin),
                hint="take a library with the wheel's names and integer size (scipy-openblas64 for "
                "NumPy >= 2), or build a wheel for this one",
            )
        )
    # Other names come from libraries beside it, such as libgfortran, which stay where they are.
    spelt = frozenset(name for name in old.exported if name.startswith(old.naming.prefix))
    require_names(library, names_needed(site, spelt, package), wheel)
    return old.path


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, target)


def place_library(library: Library, target: Path) -> None:
    """Put a copy of `library` in the place of `target`, and its companions beside it.

    Raises InfrastructureError when another companion of that name is there.
    """
    target.unlink()  # the file itself may be shared with another site
    shutil.copyfile(library.path, target)
    target.chmod(0o755)
    run_tool(
        [find_tool("patchelf"), "--set-soname", target.name, "--set-rpath", "$ORIGIN", str(target)],
        timeout=_PATCH_TIMEOUT,
    )
    for companion in library.companions:
        beside = target.parent / companion.name
        if beside.exists():
            if file_sha256(beside) == file_sha256(companion):
                continue
            raise InfrastructureError(
                Problem(
                    what=f"the wheel already has another {companion.name}",
                    where=str(library.path),
                    hint="build a wheel for this library instead of swapping it in",
                )
            )
        shutil.copyfile(companion, beside)
        beside.chmod(0o755)

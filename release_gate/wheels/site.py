"""A wheel unpacked into a folder of the cache, with the OpenBLAS in it found and asked."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from email import message_from_string
from typing import TYPE_CHECKING

from attrs import frozen

from release_gate.errors import ConfigurationError, InfrastructureError, Problem
from release_gate.model import Artifact, Pin, Provider
from release_gate.openblas.index import file_sha256
from release_gate.openblas.pins import library_version
from release_gate.openblas.probe import Naming, naming_of, probe
from release_gate.openblas.sharedobject import (
    SharedObject,
    reachable_symbols,
    read_shared_object,
)
from release_gate.store import Store, digest_of

if TYPE_CHECKING:
    from pathlib import Path

    from release_gate.model import Interpreter

__all__ = [
    "Bundled",
    "bundled_library",
    "extension_modules",
    "make_artifact",
    "names_needed",
    "unpack_wheel",
    "wheel_metadata",
]

#: Where repair tools put the libraries of a wheel: auditwheel, old auditwheel, delocate.
_LIBRARY_FOLDERS = ("{package}.libs", "{package}/.libs", "{package}/.dylibs")

#: Part of the key of an unpacked wheel: raise it when what is kept of one changes.
_LAYOUT = 1
_FACTS = "artifact.json"


@frozen(kw_only=True)
class Bundled:
    """The OpenBLAS inside an unpacked wheel."""

    path: Path
    naming: Naming
    config: str
    exported: frozenset[str]

    @property
    def interface(self) -> str:
        """Return "ilp64" or "lp64"."""
        return "ilp64" if "USE64BITINT" in self.config else "lp64"


def wheel_metadata(wheel: Path) -> tuple[str, str]:
    """Return the project's name and version; raise ConfigurationError when it is not a wheel."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            folders = [n.partition("/")[0] for n in names if n.endswith(".dist-info/WHEEL")]
            if len(folders) != 1:
                raise _no_wheel(wheel, "it has no .dist-info/WHEEL")
            text = archive.read(f"{folders[0]}/METADATA").decode()
    except FileNotFoundError as error:
        raise ConfigurationError(
            Problem(
                what="no such wheel",
                where=str(wheel),
                hint="give the path of a .whl file or a requirement such as numpy==2.4.6",
            )
        ) from error
    except OSError as error:
        raise ConfigurationError(
            Problem(what=f"cannot read: {error.strerror or error}", where=str(wheel))
        ) from error
    except zipfile.BadZipFile as error:
        raise _no_wheel(wheel, "it is not a zip file, or is cut short") from error
    except KeyError as error:
        raise _no_wheel(wheel, "it has no METADATA") from error
    metadata = message_from_string(text)
    return metadata.get("Name", ""), metadata.get("Version", "")


def unpack_wheel(wheel: Path, site: Path) -> None:
    """Unpack a wheel's files, with their times; raise ConfigurationError when it is damaged."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                name = entry.filename
                if name.startswith("/") or ".." in name.split("/"):
                    raise _no_wheel(wheel, f"it would write outside of its folder ({name})")
                if entry.is_dir():
                    continue
                target = site / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, target.open("wb") as stream:
                    shutil.copyfileobj(source, stream)
                if mode := (entry.external_attr >> 16) & 0o777:
                    target.chmod(mode | 0o600)
    except zipfile.BadZipFile as error:
        raise _no_wheel(wheel, str(error)) from error


def extension_modules(site: Path, package: str = "numpy") -> list[Path]:
    """Return the extension modules of `package` below `site`, in order."""
    return sorted(path for path in (site / package).rglob("*.so") if ".libs" not in path.parts)


def names_needed(site: Path, exported: frozenset[str], package: str = "numpy") -> frozenset[str]:
    """Return those of `exported` that some extension module of `package` takes from a library."""
    needed: frozenset[str] = frozenset()
    for module in extension_modules(site, package):
        needed |= read_shared_object(module).undefined & exported
    return needed


def bundled_library(site: Path, wheel: str, package: str = "numpy") -> Bundled:
    """Return the OpenBLAS of `package`; raise ConfigurationError when there is not exactly one."""
    found: list[tuple[SharedObject, Naming]] = []
    for folder in _LIBRARY_FOLDERS:
        for path in sorted((site / folder.format(package=package)).glob("*")):
            if "openblas" in path.name:
                library = read_shared_object(path)
                if (naming := naming_of(reachable_symbols(library))) is not None:
                    found.append((library, naming))
    if len(found) != 1:
        raise ConfigurationError(
            Problem(
                what="no OpenBLAS in the wheel"
                if not found
                else f"{len(found)} OpenBLAS libraries in the wheel",
                where=wheel,
                hint="it was built with another BLAS or never repaired; take a wheel that carries "
                "its OpenBLAS (auditwheel repair), or one of the index",
            )
        )
    library, naming = found[0]
    answer = probe(library.path, naming)
    if answer.failure is not None or answer.config is None:
        raise InfrastructureError(
            Problem(
                what=f"the OpenBLAS in the wheel does not work here: {answer.failure}",
                where=f"{wheel}: {library.path.name}",
            )
        )
    return Bundled(
        path=library.path,
        naming=naming,
        config=answer.config,
        exported=reachable_symbols(library),
    )


def make_artifact(
    wheel: Path,
    interpreter: Interpreter,
    cache: Path,
    *,
    made: str,
    pin: Pin | None = None,
    fresh: bool = False,
) -> Artifact:
    """Unpack `wheel` into the cache and say what is in it.

    That it imports is not asked here: a library that kills NumPy is a finding, not an error.

    Without a `pin` the library is known as what the wheel bundles.
    """
    sha256 = file_sha256(wheel)
    key = digest_of(sha256, interpreter.executable, interpreter.version, _LAYOUT)

    def make(work: Path) -> None:
        site = work / "site"
        unpack_wheel(wheel, site)
        bundled = bundled_library(site, wheel.name)
        facts = {
            "numpy_version": wheel_metadata(wheel)[1],
            "library": os.path.relpath(bundled.path, site),
            "library_sha256": file_sha256(bundled.path),
            "config": bundled.config,
            "symbol_prefix": bundled.naming.prefix,
            "symbol_suffix": bundled.naming.suffix,
        }
        (work / _FACTS).write_text(json.dumps(facts), encoding="utf-8")

    store = Store(cache)
    reused = not fresh and store.find("sites", key) is not None
    folder = store.obtain("sites", key, make, fresh=fresh)
    facts = json.loads((folder / _FACTS).read_bytes())
    library = folder / "site" / facts.pop("library")
    return Artifact(
        path=str(wheel),
        name=wheel.name,
        sha256=sha256,
        made=made,
        pin=pin or _bundled_pin(library, facts["config"], facts["library_sha256"]),
        site=str(folder / "site"),
        library=str(library),
        interpreter=interpreter,
        reused=reused,
        **facts,
    )


def _bundled_pin(library: Path, config: str, sha256: str) -> Pin:
    return Pin(
        provider=Provider.BUNDLED,
        version=library_version(config) or "unknown",
        filename=library.name,
        sha256=sha256,
        pinned=False,
    )


def _no_wheel(wheel: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        Problem(
            what=f"not a wheel: {why}",
            where=str(wheel),
            hint="give the path of a .whl file or a requirement such as numpy==2.4.6",
        )
    )

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
from release_gate.wheels.tools import run_tool

if TYPE_CHECKING:
    from pathlib import Path

    from release_gate.model import Interpreter

__all__ = [
    "Bundled",
    "bundled_library",
    "extension_modules",
    "make_artifact",
    "names_needed",
    "try_import",
    "unpack_wheel",
    "wheel_metadata",
]

#: Where repair tools put the libraries of a wheel: auditwheel, old auditwheel, delocate.
_LIBRARY_FOLDERS = ("numpy.libs", "numpy/.libs", "numpy/.dylibs")

#: Part of the key of an unpacked wheel: raise it when what is kept of one changes.
_LAYOUT = 1
_FACTS = "artifact.json"

#: Seconds for the first import of a NumPy, which compiles its Python files (3 s when quiet).
_IMPORT_TIMEOUT = 180.0

_IMPORT = """
import json, sys
sys.path.insert(0, sys.argv[1])
import numpy, numpy.linalg
a = numpy.array([[4.0, 1.0], [2.0, 3.0]])
assert abs(numpy.linalg.inv(a).dot(a) - numpy.eye(2)).max() < 1e-12, "a 2 x 2 inverse is wrong"
loaded = []
try:
    with open("/proc/self/maps") as maps:
        loaded = sorted({line.split(None, 5)[5].strip() for line in maps if ".so" in line})
except OSError:
    pass
print(json.dumps({"version": numpy.__version__, "file": numpy.__file__, "loaded": loaded}))
"""


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


def extension_modules(site: Path) -> list[Path]:
    """Return NumPy's extension modules below `site`, in order."""
    return sorted(path for path in (site / "numpy").rglob("*.so") if ".libs" not in path.parts)


def names_needed(site: Path, exported: frozenset[str]) -> frozenset[str]:
    """Return those of `exported` that some extension module below `site` takes from a library."""
    needed: frozenset[str] = frozenset()
    for module in extension_modules(site):
        needed |= read_shared_object(module).undefined & exported
    return needed


def bundled_library(site: Path, wheel: str) -> Bundled:
    """Return the OpenBLAS below `site`; raise ConfigurationError when there is not exactly one."""
    found: list[tuple[SharedObject, Naming]] = []
    for folder in _LIBRARY_FOLDERS:
        for path in sorted((site / folder).glob("*")):
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


def try_import(site: Path, library: Path, interpreter: Interpreter) -> str:
    """Import the NumPy below `site`, use `library` through it, and return NumPy's version.

    Raises InfrastructureError when it does not import, or when it takes another library.
    """
    output = run_tool(
        [interpreter.executable, "-I", "-c", _IMPORT, str(site)],
        timeout=_IMPORT_TIMEOUT,
        OPENBLAS_NUM_THREADS="1",
    )
    answer = json.loads(output.splitlines()[-1])
    real = os.path.realpath
    if not real(answer["file"]).startswith(real(site) + os.sep):
        raise InfrastructureError(
            Problem(what=f"another NumPy was imported: {answer['file']}", where=str(site))
        )
    if answer["loaded"] and real(library) not in answer["loaded"]:
        others = [path for path in answer["loaded"] if "blas" in path]
        raise InfrastructureError(
            Problem(
                what=f"NumPy does not use this library but {', '.join(others) or 'none'}",
                where=str(library),
            )
        )
    version: str = answer["version"]
    return version


def make_artifact(
    wheel: Path,
    interpreter: Interpreter,
    cache: Path,
    *,
    made: str,
    pin: Pin | None = None,
    fresh: bool = False,
) -> Artifact:
    """Unpack `wheel` into the cache, try it with `interpreter` and say what is in it.

    Without a `pin` the library is known as what the wheel bundles.
    """
    sha256 = file_sha256(wheel)
    key = digest_of(sha256, interpreter.executable, interpreter.version, _LAYOUT)

    def make(work: Path) -> None:
        site = work / "site"
        unpack_wheel(wheel, site)
        bundled = bundled_library(site, wheel.name)
        facts = {
            "numpy_version": try_import(site, bundled.path, interpreter),
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

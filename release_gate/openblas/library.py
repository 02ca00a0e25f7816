"""A pin made a library on disk: the shared object, its headers and what it says of itself."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from release_gate.errors import ConfigurationError, InfrastructureError, Problem
from release_gate.model import Pin, Provider
from release_gate.openblas.index import file_sha256
from release_gate.openblas.probe import Naming, naming_of, probe
from release_gate.openblas.sharedobject import reachable_symbols, read_shared_object
from release_gate.store import Store, digest_of

if TYPE_CHECKING:
    from release_gate.openblas.index import Index

__all__ = ["Library", "code_digest", "obtain_library", "pin_facts", "require_names"]

#: Part of the key of an extracted library: raise it when what is kept of a wheel changes.
_LAYOUT = 1
_FACTS = "library.json"
_SHOWN = 5


@frozen(kw_only=True)
class Library:
    """An OpenBLAS on disk.

    `path` is the shared object as its provider made it, `companions` the private libraries that it
    needs beside it (libgfortran, libquadmath), `include` the folder of its headers, `build_options`
    the `openblas_config` of its pkg-config file, `licence` the text that its provider ships.
    """

    path: Path
    sha256: str
    naming: Naming
    interface: str  # "ilp64" or "lp64": 64 or 32 bits per integer argument
    version: str
    config: str
    companions: tuple[Path, ...] = ()
    include: Path | None = None
    build_options: str = ""
    licence: Path | None = None

    @property
    def dynamic(self) -> bool:
        """Whether it holds several kernels (DYNAMIC_ARCH)."""
        return "DYNAMIC_ARCH" in self.config

    def symbols(self) -> frozenset[str]:
        """Return all that whoever loads it can call (read from the file at each call)."""
        return reachable_symbols(read_shared_object(self.path))

    @property
    def cflags(self) -> tuple[str, ...]:
        """The definitions that code which calls it is compiled with, as in its provider's .pc."""
        flags = []
        if self.naming.prefix:
            flags.append(f"-DBLAS_SYMBOL_PREFIX={self.naming.prefix}")
        if self.naming.suffix:
            flags.append(f"-DBLAS_SYMBOL_SUFFIX={self.naming.suffix}")
        if self.interface == "ilp64":
            flags.append("-DHAVE_BLAS_ILP64")
        if self.naming.suffix == "64_":
            flags.append("-DOPENBLAS_ILP64_NAMING_SCHEME")
        return tuple(flags)


def obtain_library(pin: Pin, index: Index, cache: Path) -> Library:
    """Return the library of `pin`, taken from its wheel (which is fetched) or from its file.

    Raises ConfigurationError when the file is not what `pin` says or holds no OpenBLAS, and
    InfrastructureError when it cannot be fetched or kept.
    """
    if pin.provider is Provider.BUNDLED:
        raise ConfigurationError(
            Problem(what="the bundled library is part of its wheel", where=str(pin))
        )
    if pin.provider is Provider.FILE:
        return _from_file(Path(pin.filename), pin)
    store = Store(cache)
    key = digest_of(pin.sha256, _LAYOUT)
    folder = store.find("openblas", key)
    if folder is None:
        wheel = index.fetch_pinned(str(pin.provider), pin.filename, pin.sha256)
        folder = store.obtain("openblas", key, lambda work: _extract(wheel, work))
    return _from_folder(folder, pin)


def require_names(library: Library, needed: frozenset[str], where: str) -> None:
    """Raise ConfigurationError unless `library` exports every symbol of `needed`."""
    missing = sorted(needed - library.symbols())
    if not missing:
        return
    shown = ", ".join(missing[:_SHOWN]) + (", ..." if len(missing) > _SHOWN else "")
    raise ConfigurationError(
        Problem(
            what=f"{library.path.name} (names {library.naming}) lacks {len(missing)} symbols that "
            f"{where} needs: {shown}",
            where=str(library.path),
            hint="its symbol names or its interface are others than those the wheel was built for; "
            "take a library of the same provider, or build a wheel for this one",
        )
    )


def code_digest(library: Path) -> str:
    """Return the SHA-256 of a library's code and constants.

    Repair tools change names and paths in a library, never these sections: two files with the same
    digest compute the same.
    """
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415  (0.1 s; not for `--help`)

    digest = hashlib.sha256()
    with library.open("rb") as stream:
        elf = ELFFile(stream)
        for name in (".text", ".rodata"):
            section = elf.get_section_by_name(name)
            digest.update(section.data() if section is not None else b"")
    return digest.hexdigest()


def pin_facts(library: Library) -> dict[str, str]:
    """Return what a wheel that carries `library` is recognised by, for `Artifact.details`."""
    return {"pin_config": library.config, "pin_code": code_digest(library.path)}


def _extract(wheel: Path, work: Path) -> None:
    """Keep of a provider's wheel its libraries, headers, pkg-config file and licence."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                parts = entry.filename.split("/")
                if entry.is_dir() or ".." in parts:
                    continue
                folder = parts[1] if len(parts) > 2 and parts[0].startswith("scipy_") else ""
                if folder in {"lib", "include"}:
                    target = work.joinpath(folder, *parts[2:])
                elif parts[-1].startswith("LICENSE") and ".dist-info" in parts[0]:
                    target = work / "LICENSE.txt"
                else:
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, target.open("wb") as stream:
                    shutil.copyfileobj(source, stream)
    except zipfile.BadZipFile as error:
        raise ConfigurationError(Problem(what="not a wheel", where=str(wheel))) from error
    libraries = [path for path in sorted((work / "lib").glob("*")) if _names_openblas(path.name)]
    if len(libraries) != 1:
        raise ConfigurationError(
            Problem(
                what=f"expected one OpenBLAS in the wheel, found {len(libraries)}",
                where=str(wheel),
            )
        )
    naming, config = _ask(libraries[0])
    facts = {
        "library": os.path.relpath(libraries[0], work),
        "prefix": naming.prefix,
        "suffix": naming.suffix,
        "config": config,
        "sha256": file_sha256(libraries[0]),
    }
    (work / _FACTS).write_text(json.dumps(facts), encoding="utf-8")


def _from_folder(folder: Path, pin: Pin) -> Library:
    facts = json.loads((folder / _FACTS).read_bytes())
    path = folder / facts["library"]
    pc = _package_config(folder / "lib" / "pkgconfig")
    licence = folder / "LICENSE.txt"
    return Library(
        path=path,
        sha256=facts["sha256"],
        naming=Naming(prefix=facts["prefix"], suffix=facts["suffix"]),
        interface=_interface(facts["config"]),
        version=pin.version,
        config=facts["config"],
        companions=tuple(
            other for other in sorted(path.parent.glob("*.so*")) if other.name != path.name
        ),
        include=folder / "include",
        build_options=pc.get("openblas_config", facts["config"]),
        licence=licence if licence.is_file() else None,
    )


def _from_file(path: Path, pin: Pin) -> Library:
    naming, config = _ask(path)
    digest = file_sha256(path)
    if digest != pin.sha256:
        raise ConfigurationError(
            Problem(
                what=f"digest mismatch: expected sha256 {pin.sha256}, the file has {digest}",
                where=str(path),
                hint="the file changed since the plan was made; plan again",
            )
        )
    return Library(
        path=path,
        sha256=digest,
        naming=naming,
        interface=_interface(config),
        version=pin.version,
        config=config,
        companions=tuple(
            path.parent / name
            for name in read_shared_object(path).needed
            if name.startswith(("libgfortran-", "libquadmath-")) and (path.parent / name).is_file()
        ),
        build_options=config,
    )


def _ask(path: Path) -> tuple[Naming, str]:
    naming = naming_of(reachable_symbols(read_shared_object(path)))
    if naming is None:
        raise ConfigurationError(
            Problem(
                what="not an OpenBLAS: it does not export openblas_get_config",
                where=str(path),
                hint="give the library itself, not a wrapper of it",
            )
        )
    answer = probe(path, naming)
    if answer.failure is not None or answer.config is None:
        raise InfrastructureError(
            Problem(
                what=f"the library does not work here: {answer.failure or 'it has no config'}",
                where=str(path),
                hint="is it for this machine, and are the libraries it needs beside it?",
            )
        )
    return naming, answer.config


def _interface(config: str) -> str:
    return "ilp64" if "USE64BITINT" in config else "lp64"


def _names_openblas(name: str) -> bool:
    return "openblas" in name and (name.endswith((".so", ".dylib", ".dll")) or ".so." in name)


def _package_config(folder: Path) -> dict[str, str]:
    """Return the variables and the keywords of the one pkg-config file in `folder`."""
    values: dict[str, str] = {}
    for path in sorted(folder.glob("*.pc"))[:1]:
        for line in path.read_text(encoding="utf-8").splitlines():
            for separator in ("=", ":"):
                name, found, value = line.partition(separator)
                if found and name.strip().isidentifier():
                    values[name.strip()] = value.strip()
                    break
    return values

"""What an ELF shared object says of itself, read without loading it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from attrs import frozen

from release_gate.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from elftools.elf.elffile import ELFFile

__all__ = ["MACHINES", "SharedObject", "reachable_symbols", "read_shared_object"]

#: ELF machine -> the name that wheels' platform tags use.
MACHINES = {
    "EM_X86_64": "x86_64",
    "EM_386": "i686",
    "EM_AARCH64": "aarch64",
    "EM_ARM": "armv7l",
    "EM_PPC64": "ppc64le",
    "EM_S390": "s390x",
    "EM_RISCV": "riscv64",
}


#: Entry of the dynamic section -> where pyelftools keeps its text.
_TAGS = {"DT_SONAME": "soname", "DT_NEEDED": "needed", "DT_RUNPATH": "runpath", "DT_RPATH": "rpath"}


@frozen(kw_only=True)
class SharedObject:
    """The dynamic section and the dynamic symbols of one shared object."""

    path: Path
    machine: str
    soname: str | None
    needed: tuple[str, ...]
    runpath: tuple[str, ...]
    exported: frozenset[str]
    undefined: frozenset[str]


def read_shared_object(path: Path) -> SharedObject:
    """Read `path`; raise ConfigurationError when it is not an ELF shared object.

    A file that did not change since is not read again: an OpenBLAS takes a third of a second, and
    is asked for its names, its dependencies and its naming by stages that share nothing else.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    return _read_once(path, (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns))


@lru_cache(maxsize=64)
def _read_once(path: Path, identity: tuple[int, ...]) -> SharedObject:
    del identity  # a part of the key
    from elftools.common.exceptions import ELFError  # noqa: PLC0415  (0.1 s; not for `--help`)
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415

    try:
        with path.open("rb") as stream:
            elf = ELFFile(stream)
            if elf["e_type"] != "ET_DYN":
                raise _not_shared(path, f"its ELF type is {elf['e_type']}")
            return _read(path, elf)
    except OSError as error:
        raise _unreadable(path, error) from error
    except (ELFError, UnicodeDecodeError, KeyError) as error:
        raise _not_shared(path, str(error) or type(error).__name__) from error


def reachable_symbols(found: SharedObject) -> frozenset[str]:
    """Return what `found` exports together with the libraries beside it that it needs.

    Whoever loads a library sees the symbols of its dependencies too, so one that replaces a few
    routines and names the real library as its dependency is a whole OpenBLAS.
    """
    symbols: set[str] = set()
    seen: set[Path] = set()
    queue = [found]
    while queue:
        one = queue.pop()
        if one.path in seen:
            continue
        seen.add(one.path)
        symbols |= one.exported
        beside = [one.path.parent / name for name in one.needed]  # an absolute name stays one
        queue += [read_shared_object(path) for path in beside if path.is_file()]
    return frozenset(symbols)


def _read(path: Path, elf: ELFFile) -> SharedObject:
    from elftools.elf.dynamic import DynamicSection  # noqa: PLC0415  (as above)
    from elftools.elf.sections import SymbolTableSection  # noqa: PLC0415

    told: dict[str, list[str]] = {tag: [] for tag in _TAGS}
    exported: set[str] = set()
    undefined: set[str] = set()
    for section in elf.iter_sections():
        if isinstance(section, DynamicSection):
            for tag in section.iter_tags():
                if (attribute := _TAGS.get(tag.entry.d_tag)) is not None:
                    told[tag.entry.d_tag].append(getattr(tag, attribute))
        elif isinstance(section, SymbolTableSection) and section["sh_type"] == "SHT_DYNSYM":
            for symbol in section.iter_symbols():
                if symbol["st_info"]["bind"] in {"STB_GLOBAL", "STB_WEAK"}:
                    (undefined if symbol["st_shndx"] == "SHN_UNDEF" else exported).add(symbol.name)
    return SharedObject(
        path=path,
        machine=MACHINES.get(elf["e_machine"], str(elf["e_machine"])),
        soname=next(iter(told["DT_SONAME"]), None),
        needed=tuple(told["DT_NEEDED"]),
        runpath=tuple(":".join(told["DT_RUNPATH"] or told["DT_RPATH"]).split(":")),
        exported=frozenset(exported),
        undefined=frozenset(undefined),
    )


def _unreadable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        Problem(what=f"cannot read: {error.strerror or error}", where=str(path))
    )


def _not_shared(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        Problem(
            what=f"not an ELF shared library ({why})",
            where=str(path),
            hint="give the .so file of an OpenBLAS, or a pin such as scipy-openblas64==VERSION",
        )
    )

"""What a user writes for an OpenBLAS, made one exact file with its digest."""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from release_gate.errors import ConfigurationError, Problem, did_you_mean
from release_gate.model import Pin, Provider
from release_gate.openblas.index import file_sha256
from release_gate.openblas.probe import naming_of, probe
from release_gate.openblas.sharedobject import reachable_symbols, read_shared_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from release_gate.model import Host
    from release_gate.openblas.index import Index

__all__ = ["choose_wheel", "library_version", "nearest_versions", "resolve_pin", "suits"]


#: glibc versions that the legacy names stand for (PEP 600).
_LEGACY = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}

_TAG = re.compile(r"(manylinux|musllinux|macosx)_(\d+)_(\d+)_(.+)")
_ARCHES = {"amd64": "x86_64", "arm64": "aarch64"}


def resolve_pin(
    text: str, *, pins: Mapping[tuple[str, str], Mapping[str, str]], host: Host, index: Index
) -> Pin:
    """Return the pin that `text` means on `host`.

    `text` is a version ("0.3.34.481.3", of scipy-openblas64), a requirement
    ("scipy-openblas64==0.3.34.481.3") or the path of a shared library. A version that `pins` do not
    hold is looked up on the index and marked as not pinned.
    Raises ConfigurationError with the nearest versions when there is no such thing.
    """
    if _is_path(text):
        return _file_pin(Path(text).expanduser())
    name, given, version = text.partition("==")
    provider = _provider(name.strip() if given else Provider.SCIPY_OPENBLAS64, text)
    version = (version if given else text).strip()
    if (known := pins.get((provider, version))) is not None:
        filename = choose_wheel(known, host)
        if filename is None:
            raise _no_file(f"{provider}=={version}", known, host)
        return Pin(
            provider=provider, version=version, filename=filename, sha256=known[filename].lower()
        )
    return _index_pin(provider, version, pins, host, index)


def choose_wheel(filenames: Iterable[str], host: Host) -> str | None:
    """Return the wheel with the newest platform tag that `host` runs, or None."""
    ranked = []
    for filename in filenames:
        try:
            _, _, build, tags = parse_wheel_filename(filename)
        except InvalidWheelFilename:
            continue
        ranks = [rank for tag in tags if (rank := suits(tag.platform, host)) is not None]
        if ranks:
            ranked.append((max(ranks), build, filename))
    return max(ranked)[-1] if ranked else None


def suits(tag: str, host: Host) -> tuple[int, int] | None:
    """Return how specific a platform tag that `host` runs is (larger is newer), or None.

    The host may be another machine than this one, so `packaging.tags` cannot be asked.
    """
    for legacy, (major, minor) in _LEGACY.items():
        tag = re.sub(rf"^{legacy}_", f"manylinux_{major}_{minor}_", tag)
    if tag == "any":
        return (0, 0)
    if match := _TAG.fullmatch(tag):
        kind, needed, arch = match[1], (int(match[2]), int(match[3])), match[4]
        if kind == "macosx":
            fits = host.system == "darwin" and arch in {host.machine, "universal2"}
        else:
            family, had = _libc(host)
            fits = (
                host.system == "linux"
                and family == ("musl" if kind == "musllinux" else "glibc")
                and had >= needed
            )
        return needed if fits and _same_arch(arch, host.machine) else None
    system, _, arch = tag.partition("_")
    named = {"linux": "linux", "win": "windows", "win32": "windows"}.get(system)
    arch = "i686" if tag == "win32" else arch
    return (0, 1) if named == host.system and _same_arch(arch, host.machine) else None


def library_version(config: str | None) -> str | None:
    """Return the version in a config string: the word after "OpenBLAS"."""
    match = re.match(r"OpenBLAS\s+(\S+)", config or "")
    return match[1] if match else None


def _same_arch(one: str, other: str) -> bool:
    return "universal2" in {one, other} or _ARCHES.get(one, one) == _ARCHES.get(other, other)


def _libc(host: Host) -> tuple[str, tuple[int, int]]:
    """Return the C library of `host`; of one that does not tell, that of this machine."""
    text = host.libc or " ".join(platform.libc_ver())
    match = re.search(r"(\d+)\.(\d+)", text)
    version = (int(match[1]), int(match[2])) if match else (0, 0)
    return ("musl" if "musl" in text else "glibc"), version


def _is_path(text: str) -> bool:
    return "/" in text or re.search(r"\.(so|dylib|dll)(\.[0-9.]+)?$", text) is not None


def _provider(name: str, text: str) -> Provider:
    known = [str(Provider.SCIPY_OPENBLAS64), str(Provider.SCIPY_OPENBLAS32)]
    spelt = re.sub(r"[-_.]+", "-", name).lower()
    if spelt in known:
        return Provider(spelt)
    raise ConfigurationError(
        Problem(
            what=f"unknown provider {name!r} of OpenBLAS",
            where=text,
            hint=did_you_mean(spelt, known) or f"known are {', '.join(known)}, or a .so file",
        )
    )


def _file_pin(path: Path) -> Pin:
    found = read_shared_object(path)
    naming = naming_of(reachable_symbols(found))
    if naming is None:
        raise ConfigurationError(
            Problem(
                what="not an OpenBLAS: it does not export openblas_get_config",
                where=str(path),
                hint="give the library itself, not a wrapper of it",
            )
        )
    answer = probe(path.resolve(), naming)
    if answer.failure is not None:
        raise ConfigurationError(
            Problem(what=f"the library does not work here: {answer.failure}", where=str(path))
        )
    return Pin(
        provider=Provider.FILE,
        version=library_version(answer.config) or "unknown",
        filename=str(path.resolve()),
        sha256=file_sha256(path),
        pinned=False,
    )


def _index_pin(
    provider: Provider,
    version: str,
    pins: Mapping[tuple[str, str], Mapping[str, str]],
    host: Host,
    index: Index,
) -> Pin:
    files = [file for file in index.files(str(provider)) if file.filename.endswith(".whl")]
    offered = {file.filename: file for file in files if file.version == version}
    if not offered:
        known = {file.version for file in files} | {v for name, v in pins if name == provider}
        raise ConfigurationError(
            Problem(
                what=f"no version {version!r} of {provider} in matrices/ or on the index",
                where=f"{provider}=={version}",
                hint=f"nearest are {', '.join(nearest_versions(version, known))}",
            )
        )
    filename = choose_wheel(offered, host)
    if filename is None:
        raise _no_file(f"{provider}=={version}", offered, host)
    file = offered[filename]
    return Pin(
        provider=provider, version=version, filename=filename, sha256=file.sha256, pinned=False
    )


def nearest_versions(version: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return the `count` versions of `known` around `version`, or the newest ones."""
    ordered = sorted((v for v in known if _is_version(v)), key=Version)
    if not _is_version(version):
        guess = did_you_mean(version, ordered)
        return [guess.split("'")[1]] if guess else ordered[-count:]
    place = sum(Version(other) < Version(version) for other in ordered)
    first = max(0, min(place - count // 2 - 1, len(ordered) - count))
    return ordered[first : first + count]


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _no_file(what: str, filenames: Iterable[str], host: Host) -> ConfigurationError:
    return ConfigurationError(
        Problem(
            what=f"no file for {host.platform}",
            where=what,
            hint=f"there are {', '.join(sorted(filenames)) or 'none at all'}",
        )
    )

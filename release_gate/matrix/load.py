"""Read matrices/*.toml strictly: every problem of every file at once, with file and key.

`tomllib` reads (TOML 1.0, in the standard library); `toml` only writes, see `pins`.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attrs import frozen
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from release_gate import wire
from release_gate.checklist import PROFILES, SYSTEMS
from release_gate.errors import ConfigurationError, Problem, did_you_mean
from release_gate.matrix.suites import SuiteTable, suite_problems
from release_gate.matrix.tables import (
    Defaults,
    Kernel,
    Matrices,
    NumPyRelease,
    PinRow,
    PlatformRow,
    Timing,
)
from release_gate.model import Requirement  # noqa: TC001  (cattrs needs it at run time)
from release_gate.versions import OpenBLASVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator
    from pathlib import Path

__all__ = ["load_matrices"]

T = TypeVar("T")

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_LINE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_BLAS: Final = ("scipy-openblas64", "scipy-openblas32", "accelerate", "none")
_LIBC: Final = ("", "glibc", "musl")
_REPAIR: Final = ("", "auditwheel", "delocate", "delvewheel")


@frozen(kw_only=True)
class _OpenBLASFile:
    pins: tuple[PinRow, ...]


@frozen(kw_only=True)
class _NumPyFile:
    releases: tuple[NumPyRelease, ...]


@frozen(kw_only=True)
class _KernelsFile:
    kernels: tuple[Kernel, ...]


@frozen(kw_only=True)
class _PlatformsFile:
    platforms: tuple[PlatformRow, ...]


@frozen(kw_only=True)
class _PolicyFile:
    requirements: tuple[Requirement, ...]


@frozen(kw_only=True)
class _GateFile:
    defaults: Defaults
    timing: Timing


def load_matrices(folder: Path) -> Matrices:
    """Return all tables of `folder`.

    Raises ConfigurationError with every problem of every file: missing file, TOML syntax, unknown
    or missing key, value of another type, and rows that contradict each other.
    """
    reader = _Reader(folder)
    openblas = reader.read("openblas.toml", _OpenBLASFile)
    numpy = reader.read("numpy.toml", _NumPyFile)
    kernels = reader.read("kernels.toml", _KernelsFile)
    platforms = reader.read("platforms.toml", _PlatformsFile)
    policy = reader.read("policy.toml", _PolicyFile)
    gate = reader.read("gate.toml", _GateFile)
    suites = reader.read("suites.toml", SuiteTable)
    if openblas:
        reader.check("openblas.toml", _pin_problems(openblas.pins))
    if numpy:
        known = None if openblas is None else [str(row) for row in openblas.pins]
        reader.check("numpy.toml", _numpy_problems(numpy.releases, known))
    if kernels:
        reader.check("kernels.toml", _kernel_problems(kernels.kernels))
    if platforms:
        cores = None if kernels is None else kernels.kernels
        reader.check("platforms.toml", _platform_problems(platforms.platforms, cores))
    if policy:
        reader.check("policy.toml", _policy_problems(policy.requirements))
    if gate:
        reader.check("gate.toml", _gate_problems(gate))
    if suites:
        reader.check("suites.toml", suite_problems(suites))
    if reader.problems or not (
        openblas and numpy and kernels and platforms and policy and gate and suites
    ):
        raise ConfigurationError(reader.problems)
    return Matrices(
        pins=openblas.pins,
        numpy=numpy.releases,
        kernels=kernels.kernels,
        platforms=platforms.platforms,
        requirements=policy.requirements,
        defaults=gate.defaults,
        timing=gate.timing,
        suites=suites,
        digests=reader.digests,
    )


class _Reader:
    """Reads one file after another and keeps what was wrong with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self.digests: dict[str, str] = {}

    def read(self, name: str, kind: type[T]) -> T | None:
        """Return the file as a `kind`, or None when there are problems."""
        path = self.folder / name
        try:
            data = self._parse(path)
            return wire.from_data(data, kind, str(path))
        except ConfigurationError as error:
            self.problems += error.problems
            return None

    def check(self, name: str, found: Iterable[tuple[str, str]]) -> None:
        """Keep problems given as (key, what)."""
        where = self.folder / name
        self.problems += (Problem(what=what, where=f"{where}: {key}") for key, what in found)

    def _parse(self, path: Path) -> dict[str, Any]:
        try:
            content = path.read_bytes()
            self.digests[path.name] = hashlib.sha256(content).hexdigest()
            return tomllib.loads(content.decode())
        except OSError as error:
            present = [other.name for other in self.folder.glob("*.toml")]
            what = f"cannot read: {error.strerror or error}"
            hint = did_you_mean(path.name, present) or "choose the folder with --matrices"
            raise ConfigurationError(Problem(what=what, where=str(path), hint=hint)) from error
        except UnicodeDecodeError as error:
            what = f"not UTF-8 (byte {error.start})"
            raise ConfigurationError(Problem(what=what, where=str(path))) from error
        except tomllib.TOMLDecodeError as error:
            match = _LINE.search(str(error))
            line = match[1] if match and match[1] else content.count(b"\n") + 1
            what = f"TOML syntax: {_LINE.sub('', str(error))}"
            raise ConfigurationError(Problem(what=what, where=f"{path}:{line}")) from error


def _pin_problems(rows: tuple[PinRow, ...]) -> Iterator[tuple[str, str]]:
    yield from _empty("pins", rows)
    yield from _repeated("pins", rows, lambda row: (row.provider, row.version))
    for index, row in enumerate(rows):
        key = f"pins[{index}]"
        yield from _no_date(f"{key}.released", row.released)
        try:
            OpenBLASVersion.parse(row.version)
        except ConfigurationError as error:
            yield f"{key}.version", error.problems[0].what
        yield from _empty(f"{key}.files", row.files)
        begin = f"{row.provider.replace('-', '_')}-{row.version}-"
        for name, digest in row.files.items():
            yield from _no_sha256(f"{key}.files.{name}", digest)
            if not (name.startswith(begin) and name.endswith(".whl")):
                yield f"{key}.files.{name}", f"is not the name of a wheel that begins with {begin}"


def _numpy_problems(
    rows: tuple[NumPyRelease, ...], pins: list[str] | None
) -> Iterator[tuple[str, str]]:
    yield from _empty("releases", rows)
    yield from _repeated("releases", rows, lambda row: row.version)
    for index, row in enumerate(rows):
        key = f"releases[{index}]"
        yield from _no_sha256(f"{key}.sha256", row.sha256)
        yield from _no_date(f"{key}.released", row.released)
        try:
            Version(row.version)
            SpecifierSet(row.requires_python)
        except (InvalidVersion, InvalidSpecifier) as error:
            yield key, str(error)
        if row.sdist != f"numpy-{row.version}.tar.gz":
            yield f"{key}.sdist", f"{row.sdist!r} is not the source of NumPy {row.version}"
        if pins is not None and row.ships not in pins:
            yield f"{key}.ships", _unknown("pin", row.ships, pins)


def _kernel_problems(rows: tuple[Kernel, ...]) -> Iterator[tuple[str, str]]:
    yield from _empty("kernels", rows)
    names = [
        (row.architecture, name.casefold()) for row in rows for name in (row.name, *row.aliases)
    ]
    for (architecture, name), count in Counter(names).items():
        if count > 1:
            yield "kernels", f"{name!r} of {architecture} stands {count} times"
    for index, row in enumerate(rows):
        known = [other.name for other in rows if other.architecture == row.architecture]
        for name in row.instead:
            if name not in known:
                yield f"kernels[{index}].instead", _unknown("kernel", name, known)
        if not row.source.strip():
            yield f"kernels[{index}].source", "is empty: say where the facts come from"


def _platform_problems(
    rows: tuple[PlatformRow, ...], cores: tuple[Kernel, ...] | None
) -> Iterator[tuple[str, str]]:
    yield from _empty("platforms", rows)
    yield from _repeated("platforms", rows, lambda row: row.name)
    for index, row in enumerate(rows):
        key = f"platforms[{index}]"
        for field, word, known in (
            ("system", row.system, SYSTEMS),
            ("blas", row.blas, _BLAS),
            ("libc", row.libc, _LIBC),
            ("repair", row.repair, _REPAIR),
        ):
            if word not in known:
                yield f"{key}.{field}", _unknown(field, word, known)
        if row.interface not in {0, 32, 64}:
            yield f"{key}.interface", f"{row.interface} is not one of 0, 32, 64"
        if not row.why.strip():
            yield f"{key}.why", "is empty"
        yield from _cores_problems(key, row, cores)
        for needed in () if row.unreachable else ("runner", "identifier", "kernels", "everywhere"):
            if not getattr(row, needed):
                yield f"{key}.{needed}", "is empty, and the row does not say 'unreachable'"


def _cores_problems(
    key: str, row: PlatformRow, cores: tuple[Kernel, ...] | None
) -> Iterator[tuple[str, str]]:
    known = [kernel.name for kernel in cores or () if kernel.architecture == row.machine]
    for name in row.kernels:
        if cores is not None and name not in known:
            yield f"{key}.kernels", _unknown("kernel", name, known)
    if row.everywhere and row.everywhere not in row.kernels:
        yield f"{key}.everywhere", _unknown("kernel", row.everywhere, row.kernels)
    if row.kernels and not row.kernels_from.strip():
        yield f"{key}.kernels_from", "is empty: say where the kernels are known from"


def _policy_problems(rows: tuple[Requirement, ...]) -> Iterator[tuple[str, str]]:
    yield from _empty("requirements", rows)
    yield from _repeated("requirements", rows, lambda row: row.id)
    for index, row in enumerate(rows):
        key = f"requirements[{index}]"
        for field in ("id", "title", "owner", "reason"):
            if not getattr(row, field).strip():
                yield f"{key}.{field}", "is empty: a requirement has an owner and a reason"
        yield from _empty(f"{key}.checks", row.checks)
        if not row.forbid and not row.answers:
            yield key, "asks for nothing: give 'forbid', or 'answers = true'"


def _gate_problems(gate: _GateFile) -> Iterator[tuple[str, str]]:
    defaults, timing = gate.defaults, gate.timing
    if defaults.profile not in PROFILES:
        yield "defaults.profile", _unknown("profile", defaults.profile, PROFILES)
    for field in ("candidates", "kernels", "threads", "checks"):
        yield from _empty(f"defaults.{field}", getattr(defaults, field))
    for count in defaults.threads:
        if count < 1:
            yield "defaults.threads", f"{count} is below 1"
    for name in timing.profiles:
        if name not in PROFILES:
            yield f"timing.profiles.{name}", _unknown("profile", name, PROFILES)
    for field in ("cold_build", "next_build", "cell", "check", "inspection"):
        if getattr(timing, field) < 0:
            yield f"timing.{field}", "is below zero seconds"


def _empty(key: str, values: Iterable[object]) -> Iterator[tuple[str, str]]:
    if not list(values):
        yield key, "is empty"


def _repeated(
    key: str, rows: Iterable[T], identity: Callable[[T], Hashable]
) -> Iterator[tuple[str, str]]:
    for value, count in Counter(map(identity, rows)).items():
        if count > 1:
            name = "==".join(map(str, value)) if isinstance(value, tuple) else value
            yield key, f"{name!r} stands {count} times"


def _no_sha256(key: str, digest: str) -> Iterator[tuple[str, str]]:
    if not _SHA256.fullmatch(digest):
        yield key, f"{digest!r} is no SHA-256: 64 digits 0-9, a-f"


def _no_date(key: str, text: str) -> Iterator[tuple[str, str]]:
    try:
        date.fromisoformat(text)
    except ValueError:
        yield key, f"{text!r} is no date like 2026-11-02"


def _unknown(kind: str, word: str, known: Iterable[str]) -> str:
    names = [name for name in known if name]
    hint = did_you_mean(word, names) or f"known are {', '.join(names)}"
    return f"unknown {kind} {word!r}; {hint}"

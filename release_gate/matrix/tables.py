"""The rows of matrices/*.toml as values."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from attrs import Factory, frozen

from release_gate.model import Host, Provider, Requirement, Tier
from release_gate.versions import OpenBLASVersion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release_gate.matrix.suites import SuiteTable

__all__ = [
    "ALL",
    "NEWEST",
    "NONE",
    "SHIPPED",
    "Defaults",
    "Kernel",
    "Matrices",
    "NumPyRelease",
    "PinRow",
    "PlatformRow",
    "Timing",
    "pin_name",
]

#: Words that stand for a choice which only the tables or the machine can make.
ALL: Final = "all"
NEWEST: Final = "newest"
NONE: Final = "none"
SHIPPED: Final = "shipped"


@frozen(kw_only=True)
class PinRow:
    """One OpenBLAS of a provider: `files` maps the name of each wheel to its SHA-256."""

    provider: Provider
    version: str
    released: str  # ISO date of the first upload
    files: dict[str, str]
    note: str = ""

    def __str__(self) -> str:
        return f"{self.provider}=={self.version}"


@frozen(kw_only=True)
class NumPyRelease:
    """One source distribution; `ships` is the OpenBLAS in the wheels of the same release."""

    version: str
    released: str
    requires_python: str
    sdist: str
    sha256: str
    ships: str  # "scipy-openblas64==0.3.34.237.2"


@frozen(kw_only=True)
class Kernel:
    """One OpenBLAS core.

    `name` is what the library calls it; OPENBLAS_CORETYPE takes it as well, in any case, and the
    `aliases`, which are other names of the same core. A library that lacks the core silently runs
    that of `instead`, the first of them that it holds. `flags` are the CPU features that its code
    uses, by their names in /proc/cpuinfo.
    """

    architecture: str
    name: str
    flags: tuple[str, ...]
    source: str
    instead: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return everything that OPENBLAS_CORETYPE takes for this core."""
        return (self.name, *self.aliases)


@frozen(kw_only=True)
class PlatformRow:
    """One kind of machine that NumPy releases wheels for (or once did).

    `runner` is the label of GitHub's own machine of the kind, `identifier` what cibuildwheel calls
    it, `kernels` what its library is believed to hold (according to `kernels_from`). `unreachable`
    says why a plan over several platforms has no cells there; empty where it has.
    """

    name: str
    system: str
    machine: str
    blas: str  # "scipy-openblas64", "scipy-openblas32", "accelerate" or "none"
    interface: int  # bits of BLAS integers; 0 without BLAS
    library: str  # pattern of the library's file inside a wheel; empty without OpenBLAS
    wheel_tags: tuple[str, ...]
    tier: Tier
    why: str
    libc: str = ""  # "glibc" or "musl" where it matters
    runner: str = ""
    identifier: str = ""  # "manylinux_x86_64"
    repair: str = ""  # the tool that puts the library into the wheel
    symbols: str = ""  # "scipy_*64_": how the library spells its names
    kernels: tuple[str, ...] = ()
    kernels_from: str = ""
    everywhere: str = ""  # the newest of them that each runner executes
    unreachable: str = ""

    def machine_like(self) -> Host:
        """Return a machine that runs all wheels of this row, for the choice of files only.

        Its C library is as old as the newest tag allows.
        """
        versions = [
            (int(match[1]), int(match[2]))
            for tag in self.wheel_tags
            if (match := re.match(r"(?:many|musl)linux_(\d+)_(\d+)_", tag))
        ]
        libc = "{} {}.{}".format(self.libc, *max(versions)) if versions else None
        return Host(system=self.system, machine=self.machine, cpu="", flags=(), cores=0, libc=libc)

    def is_host(self, host: Host) -> bool:
        """Whether `host` is such a machine."""
        libc = (host.libc or "glibc").partition(" ")[0]
        return (self.system, self.machine) == (host.system, host.machine) and (
            not self.libc or self.libc == libc
        )


@frozen(kw_only=True)
class Defaults:
    """What runs when no option says otherwise."""

    numpy: str
    baseline: str
    candidates: tuple[str, ...]
    kernels: tuple[str, ...]
    threads: tuple[int, ...]
    checks: tuple[str, ...]
    profile: str
    out: str


@frozen(kw_only=True)
class Timing:
    """Seconds for the estimate, measured once on two cores; they decide nothing.

    `checks` maps shell patterns of check ids to the seconds of one check in one cell; the first
    pattern that matches counts, and `check` where none does. `profiles` are factors.
    """

    cold_build: float
    next_build: float
    cell: float
    check: float
    inspection: float
    checks: dict[str, float] = Factory(dict)
    profiles: dict[str, float] = Factory(dict)


@frozen(kw_only=True)
class Matrices:
    """Everything in matrices/, checked; `digests` maps each file name to its SHA-256."""

    pins: tuple[PinRow, ...]
    numpy: tuple[NumPyRelease, ...]
    kernels: tuple[Kernel, ...]
    platforms: tuple[PlatformRow, ...]
    requirements: tuple[Requirement, ...]
    defaults: Defaults
    timing: Timing
    suites: SuiteTable
    digests: dict[str, str]

    @property
    def pin_files(self) -> dict[tuple[str, str], Mapping[str, str]]:
        """Return the files (name to SHA-256) of each (provider, version)."""
        return {(str(row.provider), row.version): MappingProxyType(row.files) for row in self.pins}

    def newest_pin(self) -> PinRow:
        """Return the pin with the highest OpenBLAS version among those that NumPy uses."""
        shipped = {release.ships.partition("==")[0] for release in self.numpy}
        rows = [row for row in self.pins if row.provider in shipped]
        return max(rows, key=lambda row: OpenBLASVersion.parse(row.version))

    def newest_numpy(self) -> NumPyRelease:
        """Return the NumPy with the highest version."""
        return self.numpy_by_age()[0]

    def numpy_by_age(self) -> tuple[NumPyRelease, ...]:
        """Return the NumPy releases, newest first."""
        return tuple(sorted(self.numpy, key=lambda row: _numbers(row.version), reverse=True))

    def kernels_of(self, machine: str) -> tuple[Kernel, ...]:
        """Return the kernels of an architecture, in the order of the table (oldest first)."""
        return tuple(kernel for kernel in self.kernels if kernel.architecture == machine)

    def kernel_flags(self, machine: str) -> dict[str, tuple[str, ...]]:
        """Return, for each name to force on `machine`, the CPU flags that its kernel needs."""
        return {kernel.name: kernel.flags for kernel in self.kernels_of(machine)}

    def platform_of(self, host: Host) -> PlatformRow | None:
        """Return the row that `host` is an instance of."""
        return next((row for row in self.platforms if row.is_host(host)), None)


def pin_name(text: str) -> str:
    """Return "scipy-openblas64==0.3.34.0.0" for "0.3.34.0.0", and anything else as it is."""
    return f"{Provider.SCIPY_OPENBLAS64}=={text}" if re.fullmatch(r"v?\d[\w.]*", text) else text


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))

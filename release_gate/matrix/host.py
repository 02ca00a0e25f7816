"""What the machine is, as far as a numerical result can depend on it."""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path
from typing import Final

from release_gate.model import Host

__all__ = ["flags_of", "probe_host"]

_MACHINES: Final = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64", "i386": "i686"}
_SYSTEMS: Final = {"win32": "windows", "cygwin": "windows", "darwin": "darwin"}

#: Other systems' names of flags, as Linux writes them.
_SPELLINGS: Final = {"sse3": "pni", "sse4.1": "sse4_1", "sse4.2": "sse4_2", "avx1.0": "avx"}

_NAME_KEYS: Final = ("model name", "cpu model", "cpu", "uarch", "processor 0")
_FLAG_KEYS: Final = ("flags", "features")


def probe_host() -> Host:
    """Return this machine. `cores` counts the CPUs that this process may use."""
    machine = platform.machine().lower()
    machine = _MACHINES.get(machine, machine)
    system = _SYSTEMS.get(sys.platform, "linux")
    name, flags = _linux_cpu(machine) if system == "linux" else _other_cpu(machine)
    return Host(
        system=system,
        machine=machine,
        cpu=name or platform.processor() or machine,
        flags=flags,
        cores=_usable_cores(),
        libc=_libc() if system == "linux" else None,
    )


def flags_of(cpuinfo: str, machine: str) -> tuple[str, tuple[str, ...]]:
    """Return the CPU's name and sorted flags from the text of /proc/cpuinfo.

    Flags are those that every CPU has (cores of one machine may differ). Architectures without
    such a line get theirs from what they do write: the generation on POWER ("power8" up to the
    CPU's own), the extensions in the ISA string on RISC-V.
    """
    names: list[str] = []
    flags: list[set[str]] = []
    for line in cpuinfo.splitlines():
        key, _, value = (part.strip() for part in line.partition(":"))
        key = key.lower()
        if key in _NAME_KEYS:
            names.append(value)
        if key in _FLAG_KEYS:
            flags.append(set(value.lower().split()))
        elif key == "isa":
            flags.append(_riscv_extensions(value.lower()))
        elif key == "cpu" and (match := re.match(r"POWER(\d+)", value)):
            flags.append({f"power{n}" for n in range(8, int(match[1]) + 1)})
    common = set.intersection(*flags) if flags else set()
    return (names[0] if names else ""), _complete(common, machine)


def _complete(flags: set[str], machine: str) -> tuple[str, ...]:
    implied = {"asimd"} if machine == "aarch64" else set()
    return tuple(sorted({_SPELLINGS.get(flag, flag) for flag in flags} | implied))


def _riscv_extensions(isa: str) -> set[str]:
    base, *extensions = isa.split("_")
    letters = set(base.removeprefix("rv64").removeprefix("rv32"))
    return letters | set(extensions)


def _linux_cpu(machine: str) -> tuple[str, tuple[str, ...]]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "", ()
    return flags_of(text, machine)


def _other_cpu(machine: str) -> tuple[str, tuple[str, ...]]:
    # On Linux py-cpuinfo starts several programs for what /proc/cpuinfo says at once.
    from cpuinfo import get_cpu_info  # noqa: PLC0415  (slow to import)

    told = get_cpu_info()
    flags = {str(flag).lower() for flag in told.get("flags", ())}
    return str(told.get("brand_raw", "")), _complete(flags, machine)


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _libc() -> str:
    name, version = platform.libc_ver()
    if name:
        return f"{name} {version}"
    # platform knows no musl; its loader is named after it.
    loaders = sorted(Path("/lib").glob("ld-musl-*.so.1"))
    return "musl 1.2" if loaders else "unknown"

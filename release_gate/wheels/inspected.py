"""What the wheel inspections look at: the files, what the libraries say, what a child sees."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen
from packaging.version import Version

from release_gate.openblas.sharedobject import SharedObject, reachable_symbols, read_shared_object
from release_gate.wheels.tools import run_tool

if TYPE_CHECKING:
    from release_gate.model import Artifact

__all__ = [
    "GROWTH",
    "ILP64_SINCE",
    "LARGEST",
    "Answer",
    "Failed",
    "Inspected",
    "NoQuestion",
    "platform_libraries",
    "promises_no_more",
    "same_release",
]

_TIMEOUT = 120.0

#: Runs in the wheel's own interpreter; threadpoolctl is loaded from its file, so that nothing else
#: of the gate's environment is in reach.
_ASK = """
import importlib.util, json, sys
site, path = sys.argv[1:]
sys.path.insert(0, site)
sys.dont_write_bytecode = True
import numpy, numpy.linalg
spec = importlib.util.spec_from_file_location("threadpoolctl", path)
threadpoolctl = importlib.util.module_from_spec(spec)
sys.modules["threadpoolctl"] = threadpoolctl
spec.loader.exec_module(threadpoolctl)
try:
    config = numpy.show_config(mode="dicts")
except TypeError:  # NumPy < 1.25
    config = None
print(json.dumps({"config": config, "pools": threadpoolctl.threadpool_info()}))
"""


#: The first NumPy whose 64-bit wheels take 64-bit integers to BLAS.
ILP64_SINCE = Version("1.22")

#: Growth of a wheel or of its OpenBLAS against the baseline that nobody intends: a set of kernels
#: is some 4 MB of 24 MB, debug information doubles the library.
GROWTH = 1.25

#: What the public index takes of one file without being asked, in bytes.
LARGEST = 100 * 2**20


class Failed(Exception):  # noqa: N818  (an outcome, not an error)
    """The wheel is not as it should be; the text says how."""


class NoQuestion(Exception):  # noqa: N818
    """The question does not apply to this wheel; the text says why."""


@frozen(kw_only=True)
class Answer:
    """A passed inspection: what was seen, and figures for the report."""

    seen: str
    details: dict[str, Any]


class Inspected:
    """An artifact with its baseline, and what several inspections need of it, read once."""

    def __init__(self, artifact: Artifact, baseline: Artifact | None) -> None:
        self.artifact = artifact
        self.baseline = baseline
        self.site = Path(artifact.site)
        self.library = Path(artifact.library)
        self._modules: tuple[SharedObject, ...] | None = None
        self._child: dict[str, Any] | None = None

    def binaries(self) -> tuple[SharedObject, ...]:
        """Return all shared objects below the site."""
        if self._modules is None:
            paths = sorted(p for p in self.site.rglob("*") if ".so" in p.suffixes and p.is_file())
            self._modules = tuple(read_shared_object(path) for path in paths)
        return self._modules

    def exported(self) -> frozenset[str]:
        """Return the symbols that the bundled OpenBLAS offers."""
        return reachable_symbols(read_shared_object(self.library))

    def licence_texts(self) -> str:
        """Return all licence files of the wheel, joined."""
        info = next(iter(sorted(self.site.glob("numpy-*.dist-info"))), self.site)
        files = [path for path in sorted(info.rglob("*LICENSE*")) if path.is_file()]
        return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)

    def said_by_child(self) -> dict[str, Any]:
        """Return what numpy.show_config and threadpoolctl say in the wheel's interpreter."""
        if self._child is None:
            spec = importlib.util.find_spec("threadpoolctl")
            script = str(spec.origin) if spec is not None else "threadpoolctl"
            output = run_tool(
                [self.artifact.interpreter.executable, "-I", "-c", _ASK, str(self.site), script],
                timeout=_TIMEOUT,
            )
            self._child = json.loads(output.splitlines()[-1])
        return self._child

    def require_built(self, what: str) -> None:
        """End the inspection when the wheel's library was swapped: its file is the old one."""
        if self.artifact.made == "swap":
            raise NoQuestion(
                f"the library was swapped into {self.artifact.name}; {what} belongs to that file"
            )


def platform_libraries() -> frozenset[str]:
    """Return the libraries that every system of this kind has, by auditwheel's policies."""
    from auditwheel.architecture import Architecture  # noqa: PLC0415  (not for `--help`)
    from auditwheel.libc import Libc  # noqa: PLC0415
    from auditwheel.policy import WheelPolicies  # noqa: PLC0415

    policies = WheelPolicies(libc=Libc.detect(), arch=Architecture.detect())
    return frozenset(name for policy in policies for name in policy.whitelist)


def promises_no_more(tag: str, honest: str) -> bool:
    """Whether `tag` promises no more than `honest`: a C library at least as new."""
    one, other = (re.fullmatch(r"([a-z]+)_(\d+)_(\d+)_(.+)", _modern(t)) for t in (tag, honest))
    if one is None or other is None:
        return False  # "linux_*" was never audited
    same = (one[1], one[4]) == (other[1], other[4])
    return same and (int(one[2]), int(one[3])) >= (int(other[2]), int(other[3]))


def _modern(tag: str) -> str:
    for old, new in (
        ("manylinux1_", "2_5"),
        ("manylinux2010_", "2_12"),
        ("manylinux2014_", "2_17"),
    ):
        tag = tag.replace(old, f"manylinux_{new}_")
    return tag


def same_release(packaged: str, told: str) -> bool:
    """Whether the version of a package of OpenBLAS can be what its library tells.

    Before 0.3.31 the library tells fewer parts. One that tells ``0.3.31.dev`` was built of commits
    after the tag, as 0.3.31.22.1 was, and does not say which.
    """
    if told.endswith(".dev"):
        told = told.removesuffix(".dev")
        return packaged.startswith(f"{told}.") and not packaged.startswith(f"{told}.0.")
    short, long = sorted((packaged.split("."), told.split(".")), key=len)
    return long[: len(short)] == short

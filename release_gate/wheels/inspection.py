"""Checks of the wheel itself: is the right OpenBLAS in it, and could it be shipped like this?

Each inspection is a function of an `Inspected`: it returns an `Answer`, or raises `Failed` (the
wheel is wrong) or `NoQuestion` (it cannot be asked of this wheel).
"""

from __future__ import annotations

import hashlib
import inspect
import json
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import parse_wheel_filename
from packaging.version import Version

from release_gate.errors import GateError
from release_gate.model import Case, CheckSpec, Evidence, Observation, Outcome, Provider
from release_gate.openblas.library import code_digest
from release_gate.openblas.pins import library_version
from release_gate.wheels import inspected as inspected_module
from release_gate.wheels.inspected import (
    GROWTH,
    ILP64_SINCE,
    LARGEST,
    Answer,
    Failed,
    Inspected,
    NoQuestion,
    platform_libraries,
    promises_no_more,
    same_release,
)
from release_gate.wheels.tools import run_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from release_gate.model import Artifact

__all__ = ["INSPECTIONS", "inspect_wheel"]

_SHOWN = 6


def _pin(wheel: Inspected) -> Answer:
    artifact = wheel.artifact
    if artifact.pin.provider is Provider.BUNDLED:
        raise NoQuestion("the wheel was taken as it is: there is no pin that it should carry")
    expected, code = artifact.details.get("pin_config"), artifact.details.get("pin_code")
    if expected is None or code is None:
        raise NoQuestion("the wheel was not made by this gate, which knows the pin's library")
    if artifact.config != expected:
        raise Failed(f"the library says {artifact.config!r}, the pin says {expected!r}")
    if code_digest(wheel.library) != code:
        raise Failed(f"{wheel.library.name} has other code than the library of {artifact.pin}")
    return Answer(seen=f"carries {artifact.config}", details={"config": artifact.config})


def _symbols(wheel: Inspected) -> Answer:
    artifact = wheel.artifact
    prefix, suffix = re.escape(artifact.symbol_prefix), re.escape(artifact.symbol_suffix)
    blas = re.compile(rf"{prefix}(cblas_[a-z]\w*?|[a-z]\w*_){suffix}")
    exported = wheel.exported()
    users = [one for one in wheel.binaries() if wheel.library.name in one.needed]
    needed = {name for one in users for name in one.undefined if blas.fullmatch(name)}
    if not any("gemm" in name for name in needed):
        raise Failed("no module takes a gemm from the bundled library: NumPy was built without it")
    if missing := sorted(needed - exported):
        raise Failed(f"{len(missing)} symbols are missing: {', '.join(missing[:_SHOWN])}")
    ilp64 = "USE64BITINT" in artifact.config
    wanted = (
        artifact.pin.provider is not Provider.SCIPY_OPENBLAS32
        and Version(artifact.numpy_version) >= ILP64_SINCE
        and sys.maxsize > 2**32
    )
    if ilp64 != wanted:
        raise Failed(f"integers have {64 if ilp64 else 32} bits in it, expected the other size")
    if ilp64 and not artifact.symbol_suffix:
        raise Failed("64-bit integers under the symbol names of 32-bit ones: SciPy would crash")
    return Answer(
        seen=f"{len(needed)} symbols, all of them exported", details={"needed": len(needed)}
    )


def _foreign(wheel: Inspected) -> Answer:
    allowed = platform_libraries()
    binaries = wheel.binaries()
    own = {one.path.name for one in binaries}
    cases = [
        f"{one.path.relative_to(wheel.site)} needs {name}"
        for one in binaries
        for name in one.needed
        if name not in own and name not in allowed and not name.startswith(("ld-linux", "ld64"))
    ]
    cases += [
        f"{one.path.relative_to(wheel.site)} looks into {folder}"
        for one in binaries
        for folder in one.runpath
        if folder and not folder.startswith("$ORIGIN")
    ]
    if cases:
        raise Failed("; ".join(cases[:_SHOWN]))
    return Answer(
        seen=f"{len(binaries)} binaries need each other and the platform's libraries only",
        details={"binaries": len(binaries)},
    )


def _tag(wheel: Inspected) -> Answer:
    wheel.require_built("the platform tag")
    path = wheel.artifact.path
    tags = {tag.platform for tag in parse_wheel_filename(Path(path).name)[3]}
    told = run_tool([sys.executable, "-m", "auditwheel", "show", "--json", path], timeout=120)
    honest = json.loads(told)["overall_tag"]
    if not all(promises_no_more(tag, honest) for tag in tags):
        raise Failed(f"tagged {', '.join(sorted(tags))}, but auditwheel says {honest}")
    return Answer(seen=f"runs where {honest} does", details={"auditwheel": honest})


def _licences(wheel: Inspected) -> Answer:
    wheel.require_built("the licence file")
    if wheel.artifact.pin.provider is Provider.FILE:
        raise NoQuestion("a library that is given as a file comes without its licence text")
    text = wheel.licence_texts()
    binary = wheel.library.read_bytes()
    names = " ".join(one.path.name for one in wheel.binaries())
    wanted = {"OpenBLAS": "The OpenBLAS Project", "LAPACK": "University of Tennessee"}
    if "libgfortran" in names or b"Fortran runtime error" in binary:
        wanted["GCC runtime library"] = "GCC RUNTIME LIBRARY EXCEPTION"
    if "libquadmath" in names:
        wanted["libquadmath"] = "GCC Quad-Precision Math Library"
    missing = [
        name for name, phrase in wanted.items() if not re.search(phrase, text, re.IGNORECASE)
    ]
    if missing:
        raise Failed(f"no licence text of {', '.join(missing)}, which the wheel contains")
    return Answer(seen=f"texts of {', '.join(wanted)}", details={"texts": len(wanted)})


def _config(wheel: Inspected) -> Answer:
    artifact = wheel.artifact
    said = wheel.said_by_child()
    pools = [pool for pool in said["pools"] if pool.get("internal_api") == "openblas"]
    if len(pools) != 1:
        raise Failed(f"threadpoolctl sees {len(pools)} OpenBLAS libraries, expected 1")
    runtime = library_version(artifact.config)
    if Path(pools[0]["filepath"]).resolve() != wheel.library.resolve():
        raise Failed(f"NumPy loads {pools[0]['filepath']}, not the library in the wheel")
    if pools[0]["version"] != runtime:
        raise Failed(f"threadpoolctl says {pools[0]['version']}, the library {runtime}")
    details = {"threadpoolctl": runtime, "threading": pools[0].get("threading_layer")}
    if artifact.made == "swap":
        return Answer(
            seen=f"threadpoolctl says {runtime}; the library was swapped", details=details
        )
    if said["config"] is None:
        return Answer(seen=f"threadpoolctl says {runtime}; no show_config to read", details=details)
    for part in ("blas", "lapack"):
        told = said["config"].get("Build Dependencies", {}).get(part, {})
        name = told.get("name", "")
        if name.startswith("dep"):
            continue  # NumPy 1.26 takes LAPACK from BLAS, under meson's number of the dependency
        if "openblas" not in name:
            raise Failed(f"numpy.show_config names {name!r} as {part}")
        if not same_release(str(told.get("version")), str(runtime)):
            raise Failed(f"numpy.show_config says {part} {told.get('version')}, not {runtime}")
    return Answer(seen=f"show_config and threadpoolctl say {runtime}", details=details)


def _size(wheel: Inspected) -> Answer:
    wheel.require_built("the size")
    sizes = {
        "wheel_bytes": Path(wheel.artifact.path).stat().st_size,
        "library_bytes": wheel.library.stat().st_size,
    }
    if sizes["wheel_bytes"] > LARGEST:
        raise Failed(f"the wheel has {sizes['wheel_bytes']} bytes, the index takes {LARGEST}")
    if wheel.baseline is None or wheel.baseline.made == "swap":
        return Answer(seen=f"{sizes['wheel_bytes'] / 2**20:.1f} MiB, no baseline", details=sizes)
    before = {
        "wheel_bytes": Path(wheel.baseline.path).stat().st_size,
        "library_bytes": Path(wheel.baseline.library).stat().st_size,
    }
    for what, size in sizes.items():
        if size > GROWTH * before[what]:
            raise Failed(
                f"{what.replace('_', ' ')}: {size}, {size / before[what]:.2f} times the baseline's "
                f"(limit {GROWTH})"
            )
    ratio = sizes["library_bytes"] / before["library_bytes"]
    return Answer(
        seen=f"{sizes['wheel_bytes'] / 2**20:.1f} MiB, library {ratio:.2f} x the baseline's",
        details={**sizes, **{f"baseline_{name}": size for name, size in before.items()}},
    )


def _spec(
    function: Callable[[Inspected], Answer], *, title: str, oracle: str, catches: str
) -> CheckSpec:
    # All inspections share what `inspected` reads and the helpers beside them.
    sources = (inspect.getsource(function), inspect.getsource(inspected_module))
    return CheckSpec(
        id=f"wheel.{function.__name__.removeprefix('_')}",
        title=title,
        category="wheel",
        routines=(),
        oracle=oracle,
        catches=catches,
        min_threads=0,
        max_threads=0,
        profiles=("smoke", "full", "stress"),
        budget=120.0,
        idle=60.0,
        systems=("linux",),
        digest=hashlib.sha256("\n".join(sources).encode()).hexdigest(),
    )


_FUNCTIONS: dict[str, Callable[[Inspected], Answer]] = {}


def _registered() -> tuple[CheckSpec, ...]:
    specs = []
    for function, title, oracle, catches in (
        (
            _pin,
            "The OpenBLAS inside is the pin",
            "its config string and the digest of its code and constants equal the pin's",
            "a wheel that took another OpenBLAS of the build machine, or a stale one of a cache",
        ),
        (
            _symbols,
            "Every BLAS symbol that the modules need is in the library, with 64-bit integers",
            "undefined symbols of the modules against those exported, by their ELF tables",
            "a library of another naming or integer size: integers of the wrong width are read",
        ),
        (
            _foreign,
            "No foreign shared libraries",
            "NEEDED of each binary is in the wheel or on auditwheel's list; rpath is relative",
            "libraries or folders of the build machine that users do not have",
        ),
        (
            _tag,
            "The platform tag is honest",
            "auditwheel's verdict on the symbol versions against the tags in the file name",
            "a wheel that pip installs on systems where it cannot load",
        ),
        (
            _licences,
            "Licence texts of all bundled libraries are there",
            "a phrase of each licence in the wheel's licence files, for what the wheel contains",
            "a release that may not be distributed",
        ),
        (
            _config,
            "numpy.show_config and threadpoolctl name the library that is loaded",
            "both asked in a child with this wheel, against the library's own config string",
            "bug reports and thread limits that are about another library than the one that runs",
        ),
        (
            _size,
            "The wheel has not grown",
            f"bytes of wheel and library: at most {GROWTH} x the baseline's, and {LARGEST} in all",
            "debug information or a set of kernels that nobody meant to ship",
        ),
    ):
        spec = _spec(function, title=title, oracle=oracle, catches=catches)
        _FUNCTIONS[spec.id] = function
        specs.append(spec)
    return tuple(specs)


#: What can be asked of a wheel, in the order in which it is best read.
INSPECTIONS: tuple[CheckSpec, ...] = _registered()


def inspect_wheel(
    artifact: Artifact, baseline: Artifact | None, checks: Iterable[str]
) -> tuple[Observation, ...]:
    """Return the outcome of the inspections with the ids `checks`, in the order of `INSPECTIONS`.

    `baseline` is what the size is compared with. What cannot be found out is an `error`
    observation, never an exception.
    """
    chosen = set(checks)
    wheel = Inspected(artifact, baseline)
    return tuple(_observe(spec, wheel) for spec in INSPECTIONS if spec.id in chosen)


def _observe(spec: CheckSpec, wheel: Inspected) -> Observation:
    started = time.monotonic()
    evidence = Evidence(cases_run=1)
    try:
        answer = _FUNCTIONS[spec.id](wheel)
    except Failed as failure:
        case = Case(routine="wheel", message=str(failure))
        outcome, reason = Outcome.FAILED, str(failure)
        evidence = Evidence(
            cases_run=1, cases_failed=1, routines_failed={"wheel": 1}, cases=(case,)
        )
    except NoQuestion as why:
        outcome, reason, evidence = Outcome.UNSUPPORTED, str(why), Evidence()
    except (GateError, OSError, ValueError, LookupError) as error:
        outcome, evidence = Outcome.ERROR, Evidence()
        reason = f"{type(error).__name__}: {error}"
    else:
        outcome, reason = Outcome.PASSED, answer.seen
        evidence = Evidence(cases_run=1, details=answer.details)
    return Observation(
        check=spec.id,
        outcome=outcome,
        reason=reason,
        evidence=evidence,
        seconds=time.monotonic() - started,
    )

"""A third opinion: the checks ask another BLAS, MKL, in the place of OpenBLAS.

What an independent library passes too is nothing that only OpenBLAS does; what it fails is its own
fault, or a check that asks for too much, and is said with the reason. A library that forwards the
names of scipy-openblas64 to those of MKL takes its place in NumPy; x86-64 and ELF only, as MKL is.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen
from installing import install_for
from planted import run_tool

from release_gate.execution.environment import child_environment
from release_gate.matrix.selection import takes
from release_gate.openblas.sharedobject import read_shared_object
from release_gate.pipeline import SEED, open_any_wheel
from tests.detection.results import Results, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from release_gate.model import Artifact, CheckSpec
    from release_gate.pipeline import Workshop

__all__ = ["DEVIATIONS", "LIBRARY", "THREADS", "Deviation", "ThirdOpinion", "forwarded"]

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = "mkl==2026.2.0"
THREADS = (1, 2)

#: Those about numbers; the others are about processes, forks and what OpenBLAS alone exports.
CATEGORIES = ("accuracy", "bounds", "concurrency", "exact", "metamorphic", "special")


@frozen(kw_only=True)
class Deviation:
    """Why the other library fails cases of `routines` (globs) that agree with all that is given.

    `check` and `message` are globs; a case agrees with `parameters` if it has one of these names
    with one of these values, or if none is given.
    """

    reason: str
    check: str = "*"
    routines: tuple[str, ...] = ("*",)
    message: str = "*"
    parameters: Mapping[str, tuple[object, ...]] = {}

    def explains(self, check: str, case: Mapping[str, Any]) -> bool:
        given = case["parameters"]
        return (
            fnmatch(check, self.check)
            and any(fnmatch(case["routine"], glob) for glob in self.routines)
            and fnmatch(case["message"], self.message)
            and (
                not self.parameters
                or any(given.get(name) in values for name, values in self.parameters.items())
            )
        )


#: Settings of MKL, which by itself takes no more threads than there are cores.
ENVIRONMENT = {
    "MKL_INTERFACE_LAYER": "LP64",  # names with _64 have 64-bit integers all the same
    "MKL_THREADING_LAYER": "INTEL",
    "MKL_DYNAMIC": "FALSE",
}

CONJUGATE = (114, "R")  # CblasConjNoTrans

DEVIATIONS = (
    Deviation(
        reason="MKL does not know CblasConjNoTrans, an extension of OpenBLAS",
        parameters={"trans": CONJUGATE, "ta": CONJUGATE, "tb": CONJUGATE},
    ),
    *(
        Deviation(
            reason=(
                "MKL takes increments that are not positive, with which reference BLAS does nothing"
            ),
            check=check,
            routines=("*scal", "*asum"),
            parameters={"incx": (0, -1, -2)},
        )
        for check in ("exact.level1", "exact.fortran")
    ),
    Deviation(
        reason="MKL reads imaginary parts of C's diagonal, which BLAS assumes to be zero",
        routines=("?herk", "?her2k"),
        message="*(nan+0j)*",
    ),
    Deviation(
        reason="MKL answers an illegal argument of trtri with a positive INFO",
        check="special.lapack-info",
        routines=("?trtri",),
        parameters={"kind": ("illegal",)},
    ),
    Deviation(
        reason="MKL's D1 is up to 100 units in the last place off (seen in exact arithmetic)",
        check="accuracy.rotmg",
    ),
    Deviation(
        reason="OpenMP keeps a team of threads for each that called it",
        check="concurrency.churn",
    ),
    Deviation(
        reason="OpenMP keeps a team of threads for each that called it",
        check="concurrency.native-threads",
        message="*threads more than before*",
    ),
    Deviation(
        reason="MKL returns NaN for huge numbers",
        check="accuracy.complex-rotg",
    ),
    Deviation(
        reason="MKL divides by a subnormal pivot by way of its reciprocal, which overflows",
        routines=("?getrf", "?gesv"),
        parameters={"kind": ("subnormal-pivot",)},
    ),
)

#: Routines that have the same name whatever integers are.
WITHOUT_INTEGERS = ("rotg", "rotmg")

#: Checks that end in a crash of MKL.
DEATHS = {
    "special.nan-lapack": "MKL dies in geev of NaN, which its gebal refuses",
    "special.not-finite-lapack": "MKL dies in geev of NaN, which its gebal refuses",
}

_CHILD = """
import importlib, json, sys
import numpy
from checks import api, blas
from checks.__main__ import die_with_parent
die_with_parent()
check, module, threads, seed = json.loads(sys.argv[1])
api.KEPT_CASES = 10**6
library = blas.find_library(numpy)
importlib.import_module(module)
library.set_num_threads(threads)
context = api.Context(blas=library, threads=threads, profile="smoke", seed=seed)
reason = ""
try:
    api.CHECKS[check].function(context)
    outcome = "failed" if context.cases_failed else "passed"
except (api.NotExercised, api.Unsupported) as error:
    outcome, reason = "not asked", str(error)
answer = {"outcome": outcome, "reason": reason, "cases": context.cases, "run": context.cases_run}
print("ANSWER", json.dumps(answer), flush=True)
"""

#: What the gate asks of a library before anything else.
_ABOUT = """
void MKL_Set_Num_Threads(int);
int MKL_Get_Max_Threads(void);
char *scipy_openblas_get_config64_(void) { return "OpenBLAS 0.0 (MKL) USE64BITINT"; }
char *scipy_openblas_get_corename64_(void) { return "MKL"; }
void scipy_openblas_set_num_threads64_(int count) { MKL_Set_Num_Threads(count); }
int scipy_openblas_get_num_threads64_(void) { return MKL_Get_Max_Threads(); }
int scipy_openblas_get_parallel64_(void) { return 1; }
"""


def forwarded(asked: Iterable[str], offered: frozenset[str]) -> dict[str, str]:
    """Return {name of scipy-openblas64: name of MKL with 64-bit integers}, where it has one."""
    pairs: dict[str, str] = {}
    for name in asked:
        plain = name.removeprefix("scipy_").removesuffix("64_")
        other = f"{plain}_64" if plain.startswith("cblas_") else f"{plain}64_"
        if plain.endswith(WITHOUT_INTEGERS) and plain.startswith("cblas_"):
            other = plain
        if other in offered:
            pairs[name] = other
    return pairs


class ThirdOpinion:
    """Answers of that library to the checks, with their results in `folder`."""

    def __init__(self, shop: Workshop, numpy: str, folder: Path) -> None:
        self.shop = shop
        self.numpy = numpy
        self.folder = folder
        self.results = Results(folder / "third.jsonl")

    def asked(self) -> list[tuple[CheckSpec, int]]:
        """Return the checks of numbers that belong to smoke, and the threads to ask them with."""
        return [
            (spec, threads)
            for _, spec in sorted(self.shop.specs.items())
            if spec.category in CATEGORIES and "smoke" in spec.profiles
            for threads in THREADS
            if takes(spec, threads)
        ]

    def lines(self) -> list[dict[str, Any]]:
        """Return the answers that there are to the checks as they are now."""
        return self.results.of(self.key(spec, threads) for spec, threads in self.asked())

    def key(self, spec: CheckSpec, threads: int) -> str:
        """Return the name of a check's answer."""
        state = digest_of(LIBRARY, self.numpy, spec.digest, ENVIRONMENT, repr(DEVIATIONS))
        return f"{spec.id} {threads} {state}"

    def attempt(self, spec: CheckSpec, threads: int) -> dict[str, Any]:
        """Return the answer to one check; of an earlier session, if it was asked then."""
        key = self.key(spec, threads)
        known = self.results.get(key)
        if known is not None:
            return known
        answer = self._ask(spec, threads)
        reasons: dict[str, int] = {}
        for case in answer.pop("cases", ()):
            reason = next((d.reason for d in DEVIATIONS if d.explains(spec.id, case)), None)
            reason = reason or f"unexplained: {case['routine']}: {case['message']:.200}"
            reasons[reason] = reasons.get(reason, 0) + 1
        return self.results.put(key, check=spec.id, threads=threads, reasons=reasons, **answer)

    def _ask(self, spec: CheckSpec, threads: int) -> dict[str, Any]:
        artifact, site = self._site()
        environment = child_environment(None, threads)
        environment["PYTHONPATH"] = os.pathsep.join([str(site), str(ROOT)])
        environment |= ENVIRONMENT
        given = json.dumps([spec.id, spec.module, threads, SEED])
        done = subprocess.run(
            [artifact.interpreter.executable, "-S", "-B", "-c", _CHILD, given],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        for line in done.stdout.splitlines():
            if line.startswith("ANSWER "):
                answer: dict[str, Any] = json.loads(line.removeprefix("ANSWER "))
                return answer
        why = DEATHS.get(spec.id, f"unexplained: died with status {done.returncode}")
        return {"outcome": "died", "reason": why, "run": 0}

    def _site(self) -> tuple[Artifact, Path]:
        """Return the NumPy that is asked, and where it is with the forwarding library."""
        good = open_any_wheel(self.shop, self.numpy)
        place = self.folder / f"third-{digest_of(LIBRARY, good.sha256, _ABOUT, WITHOUT_INTEGERS)}"
        site, whole = place / "site", place / "whole"
        if not whole.exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            install_for(good.interpreter.executable, place / "mkl", LIBRARY)
            shutil.copytree(good.site, site)
            _forward(site / "numpy.libs" / Path(good.library).name, place / "mkl" / "lib", place)
            whole.touch()
        return good, site


def _forward(library: Path, mkl: Path, work: Path) -> None:
    """Put a library in the place of `library` that jumps to MKL's routines."""
    (other,) = mkl.glob("libmkl_rt.so.*")
    asked = sorted(read_shared_object(library).exported)
    pairs = forwarded(asked, read_shared_object(other).exported)
    jumps = [".text"]
    for name, target in pairs.items():
        jumps += [f".globl {name}", f".type {name},@function"]
        jumps.append(f"{name}: jmp *{target}@GOTPCREL(%rip)")
    (work / "jumps.s").write_text("\n".join([*jumps, '.section .note.GNU-stack,"",@progbits', ""]))
    (work / "about.c").write_text(_ABOUT)
    library.unlink()
    run_tool(
        os.environ.get("CC", "cc"),
        *("-shared", "-fPIC", "-o", str(library), f"-Wl,-soname,{library.name}"),
        *(str(work / "jumps.s"), str(work / "about.c")),
        *(str(other), f"-Wl,-rpath,{mkl}"),
    )

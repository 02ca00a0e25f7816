"""Made-up values of the model, as real runs produce them, for the tests of judgement and report."""

from __future__ import annotations

import hashlib
from typing import Any

import attrs

from release_gate.model import (
    Artifact,
    Attempt,
    Case,
    Cell,
    CellResult,
    CheckSpec,
    ComparisonKind,
    Estimate,
    Evidence,
    HangKind,
    Host,
    Interpreter,
    KernelSeen,
    NotCovered,
    NumPySource,
    Observation,
    OpenBLASSeen,
    Outcome,
    Pin,
    Plan,
    PlannedCell,
    Provider,
    Requirement,
    Role,
    ThreadsSeen,
    Tier,
)

NUMPY = "2.5.5"


def sha(text: str) -> str:
    """Return a digest that looks like one and differs for different `text`."""
    return hashlib.sha256(text.encode()).hexdigest()


def pin(version: str) -> Pin:
    return Pin(
        provider=Provider.SCIPY_OPENBLAS64,
        version=version,
        filename=f"scipy_openblas64-{version}-py3-none-manylinux_2_27_x86_64.whl",
        sha256=sha(version),
    )


BASELINE = pin("0.3.33.112.0")
CANDIDATE = pin("0.3.34.106.0")

HOST = Host(
    system="linux",
    machine="x86_64",
    cpu="AMD EPYC 9V74 80-Core Processor",
    flags=("avx", "avx2", "avx512_bf16", "avx512f", "fma", "sse4_2"),
    cores=2,
    libc="glibc 2.36",
)

INTERPRETER = Interpreter(executable="/usr/bin/python3.12", version="3.12.1")


def cell(
    role: Role = Role.CANDIDATE,
    kernel: str | None = "Haswell",
    threads: int = 1,
    *,
    of: Pin | None = None,
    emulator: str | None = None,
) -> Cell:
    return Cell(
        role=role,
        numpy=NUMPY,
        pin=of or (BASELINE if role is Role.BASELINE else CANDIDATE),
        platform=HOST.platform,
        kernel=kernel,
        threads=0 if kernel is None else threads,
        emulator=emulator,
    )


def spec(check: str, title: str, *routines: str, min_threads: int = 1) -> CheckSpec:
    return CheckSpec(
        id=check,
        title=title,
        category=check.partition(".")[0],
        routines=routines,
        oracle="integer operands, so that every partial sum is exact in any order",
        catches="wrong indices, lost tiles, tail errors",
        min_threads=min_threads,
        max_threads=None,
        profiles=("smoke", "full", "stress"),
        budget=60.0,
        idle=20.0,
        systems=(),
        digest=sha(check),
    )


SPECS = (
    spec("exact.gemm", "exact integer products", "?gemm"),
    spec("exact.syrk", "exact integer A @ A.T", "?syrk"),
    spec("accuracy.svd", "LAPACK test ratios of svd", "dgesdd", "zgesdd"),
    spec("special.nan", "NaN and Inf reach the result", "?gemm", "?scal"),
    spec("concurrency.mixed-matmul", "transposed beside plain products", "?gemm", min_threads=2),
    spec("forking.lu", "threaded LU after fork", "dgetrf", min_threads=2),
    spec("process.small_stack", "product in a thread with a small stack", "?gemm"),
)
WHEEL_SPECS = (
    spec("wheel.library", "the OpenBLAS inside is the pin"),
    spec("wheel.size", "size against the baseline"),
)


def plan(
    cells: tuple[PlannedCell, ...] | None = None,
    *,
    kernels: tuple[str, ...] = ("Haswell", "SkylakeX"),
    threads: tuple[int, ...] = (1, 8),
    checks: tuple[str, ...] = ("exact.gemm", "exact.syrk"),
    candidates: tuple[Pin, ...] = (CANDIDATE,),
    wheel_checks: tuple[str, ...] = (),
    not_covered: tuple[NotCovered, ...] = (),
) -> Plan:
    """Return a plan of both sides over `kernels` x `threads` (or of the given `cells`)."""
    if cells is None:
        sides = [(Role.BASELINE, BASELINE), *((Role.CANDIDATE, each) for each in candidates)]
        least = {each.id: each.min_threads for each in SPECS}
        cells = tuple(
            PlannedCell(
                cell=cell(role, kernel, count, of=of),
                checks=tuple(each for each in checks if count >= least.get(each, 1)),
            )
            for role, of in sides
            for kernel in kernels
            for count in threads
        ) + tuple(
            PlannedCell(cell=cell(role, None, of=of), checks=wheel_checks)
            for role, of in sides
            if wheel_checks
        )
    return Plan(
        tool_version="0.1.0",
        host=HOST,
        numpy=NumPySource(
            kind="sdist",
            version=NUMPY,
            location=f"numpy-{NUMPY}.tar.gz",
            sha256=sha("numpy"),
        ),
        interpreter=INTERPRETER,
        why_interpreter="newest at hand that NumPy 2.5.5 supports",
        baseline=BASELINE,
        candidates=candidates,
        profile="full",
        cells=cells,
        not_covered=not_covered,
        estimate=Estimate(build=370.0, check=160.0, cached_wheels=0, cached_observations=0),
        settings={
            "threads": [1, 8],
            "candidate": [str(each) for each in candidates],
            "baseline": str(BASELINE),
            "profile": "full",
        },
        changed=("candidate",),
    )


def observation(
    check: str, outcome: Outcome = Outcome.PASSED, reason: str = "", **evidence: Any
) -> Observation:
    repeat = None
    if again := evidence.pop("again", None):
        repeat = Attempt(outcome=again, reason="second run in a fresh process", seconds=0.7)
    return Observation(
        check=check,
        outcome=outcome,
        reason=reason,
        evidence=Evidence(**({"cases_run": 240} | evidence)),
        seconds=0.75,
        repeat=repeat,
    )


def result(
    of: Cell,
    observations: tuple[Observation, ...] = (),
    *,
    kernel: str | None = "as asked",
    threads: int | str | None = "as asked",
    wheel: str = "",
) -> CellResult:
    """Return the result of cell `of`; `kernel` and `threads` are what was read back."""
    wheel = wheel or f"{of.numpy}+{of.pin}"
    return CellResult(
        cell=of,
        tool_version="0.1.0",
        wheel_name=f"numpy-{of.numpy}-cp312-cp312-manylinux_2_36_x86_64.whl",
        wheel_sha256=sha(wheel),
        openblas=OpenBLASSeen(
            config=f"OpenBLAS {of.pin.version}  USE64BITINT DYNAMIC_ARCH NO_AFFINITY "
            f"{of.kernel} MAX_THREADS=64",
            pin=of.pin,
            sha256=sha(f"library {of.pin}"),
        ),
        kernel=KernelSeen(
            requested=of.kernel, observed=of.kernel if kernel == "as asked" else kernel
        ),
        threads=ThreadsSeen(
            requested=of.threads, observed=of.threads if isinstance(threads, str) else threads
        ),
        host=HOST,
        python="3.12.1",
        observations=observations,
        seconds=sum(each.seconds for each in observations) + 0.5,
    )


def passing(of: Plan) -> list[CellResult]:
    """Return a result for each cell of the plan in which every check passed."""
    return [
        result(entry.cell, tuple(observation(check) for check in entry.checks))
        for entry in of.cells
    ]


def with_observation(results: list[CellResult], of: Cell, new: Observation) -> list[CellResult]:
    """Return `results` with the observation of `new.check` in cell `of` replaced by `new`."""
    return [
        attrs.evolve(
            each,
            observations=tuple(new if old.check == new.check else old for old in each.observations),
        )
        if each.cell == of
        else each
        for each in results
    ]


FORBIDDEN = (ComparisonKind.REGRESSED, ComparisonKind.NEW, ComparisonKind.FLAKY)


def requirement(id: str = "numeric", *checks: str, **changes: Any) -> Requirement:  # noqa: A002
    line = Requirement(
        id=id,
        title=f"no new failures in {id} checks",
        tier=Tier.BLOCKING,
        owner="release manager",
        reason="wrong results reach every user of NumPy",
        checks=checks or ("exact.*", "accuracy.*", "special.*"),
        forbid=FORBIDDEN,
        answers=True,
    )
    return attrs.evolve(line, **changes)


POLICY = (
    requirement("wheel", "wheel.*"),
    requirement("numeric"),
    requirement("threading", "concurrency.*", "forking.*", "process.*"),
    requirement(
        "still-failing",
        "*",
        title="known failures of the baseline do not stay",
        tier=Tier.INFORMING,
        forbid=(ComparisonKind.STILL_FAILING,),
        answers=False,
    ),
)


def gemm_case(dtype: str = "float64", k: int = 300) -> Case:
    routine = {"float32": "sgemm", "float64": "dgemm", "complex128": "zgemm"}[dtype]
    return Case(
        routine=routine,
        message=f"{routine} 64x64x{k}: 12 of 4096 elements are wrong",
        parameters={"dtype": dtype, "m": 64, "n": 64, "k": k, "layout": "CC", "seed": 20},
        first_bad=(0, 32),
        bad=12,
        of=4096,
        box=((0, 3), (32, 34)),
    )


def artifact(of: Pin, made: str = "native", site: str = "/cache/wheels/site") -> Artifact:
    name = f"numpy-{NUMPY}-cp312-cp312-manylinux_2_36_x86_64.whl"
    return Artifact(
        path=f"/cache/wheels/{of.version}/{name}",
        name=name,
        sha256=sha(f"{NUMPY}+{of}"),
        made=made,
        numpy_version=NUMPY,
        pin=of,
        site=site,
        library=f"{site}/numpy.libs/libscipy_openblas64_-{of.sha256[:8]}.so",
        library_sha256=sha(f"library {of}"),
        config=f"OpenBLAS {of.version}  USE64BITINT DYNAMIC_ARCH NO_AFFINITY Zen MAX_THREADS=64",
        symbol_prefix="scipy_",
        symbol_suffix="64_",
        interpreter=INTERPRETER,
        seconds=354.0 if of == BASELINE else 11.0,
    )


STACK = """\
Thread 1 (most recent call last):
  File "checks/exact.py", line 118, in gemm
    found = left @ right
  C  dgemm_kernel_HASWELL+0x6ea6
"""


def no_go_run() -> tuple[Plan, list[CellResult]]:
    """Return a plan and results with one of everything that a report must be able to show."""
    checks = tuple(each.id for each in SPECS)
    the_plan = plan(
        kernels=("Katmai", "Nehalem", "Sandybridge", "Haswell", "SkylakeX"),
        checks=checks,
        wheel_checks=tuple(each.id for each in WHEEL_SPECS),
        not_covered=(
            NotCovered(what="aarch64, ppc64le, s390x, riscv64", why="this host is x86_64"),
            NotCovered(what="kernel Cooperlake", why="the library answers SkylakeX when asked"),
        ),
    )
    results = passing(the_plan)

    def put(role: Role, kernel: str, threads: int, new: Observation) -> None:
        nonlocal results
        results = with_observation(results, cell(role, kernel, threads), new)

    for threads in (1, 8):
        put(
            Role.CANDIDATE,
            "Haswell",
            threads,
            observation(
                "exact.gemm",
                Outcome.CRASHED,
                "the process died of SIGSEGV while dgemm ran",
                signal="SIGSEGV",
                stack=STACK,
                cases_run=31,
            ),
        )
        put(
            Role.CANDIDATE,
            "Haswell",
            threads,
            observation(
                "exact.syrk",
                Outcome.FAILED,
                "2 of 96 products are wrong",
                cases_failed=2,
                cases=(
                    Case(
                        routine="dsyrk",
                        message="dsyrk 55x165: 7 of 3025 elements are wrong",
                        parameters={"dtype": "float64", "n": 55, "k": 165, "seed": 20},
                        first_bad=(4, 0),
                        bad=7,
                        of=3025,
                    ),
                ),
                again=Outcome.FAILED,
            ),
        )
        for role in Role:
            put(
                role,
                "Katmai",
                threads,
                observation(
                    "special.nan",
                    Outcome.FAILED,
                    "NaN was lost in 1 of 64 cases",
                    cases_failed=1,
                    cases=(
                        Case(
                            routine="zscal",
                            message="zscal alpha=0: a NaN became 0",
                            parameters={"dtype": "complex128", "n": 33, "seed": 20},
                        ),
                    ),
                ),
            )
        put(
            Role.CANDIDATE,
            "Nehalem",
            threads,
            observation("accuracy.svd", Outcome.ERROR, "no memory left on the machine"),
        )
        for role, answer in ((Role.BASELINE, "NaN is kept"), (Role.CANDIDATE, "NaN is lost")):
            put(
                role,
                "Sandybridge",
                threads,
                observation("special.nan", recorded={"zaxpy with alpha = 0": answer}),
            )
        put(
            Role.BASELINE,
            "SkylakeX",
            threads,
            observation("process.small_stack", Outcome.CRASHED, "died of SIGBUS", signal="SIGBUS"),
        )
    put(
        Role.CANDIDATE,
        "SkylakeX",
        8,
        observation(
            "concurrency.mixed-matmul",
            Outcome.FAILED,
            "3 of 400 rounds gave another result",
            cases_failed=3,
            cases=(gemm_case(),),
            rounds=400,
            threads_used=8,
            again=Outcome.PASSED,
        ),
    )
    put(
        Role.CANDIDATE,
        "Haswell",
        8,
        observation(
            "forking.lu",
            Outcome.HUNG,
            "no CPU time used for 20 s",
            hang=HangKind.DEADLOCK,
            stack=STACK,
        ),
    )
    for role in Role:
        put(
            role,
            "Sandybridge",
            8,
            observation("forking.lu", Outcome.UNSUPPORTED, "fork is not available"),
        )
    gone = cell(Role.CANDIDATE, "Sandybridge", 1)
    return the_plan, [each for each in results if each.cell != gone]

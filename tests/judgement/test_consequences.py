from __future__ import annotations

import pytest
from attrs import evolve
from gate_values import CANDIDATE, POLICY, SPECS, cell, no_go_run

from release_gate.judgement.consequences import with_consequences
from release_gate.judgement.decide import decide
from release_gate.model import Comparison, ComparisonKind, Finding, Role

GEMM = ("Haswell", "Katmai")


def finding(
    name: str,
    *routines: str,
    kernels: tuple[str, ...] = ("Haswell",),
    kind: ComparisonKind = ComparisonKind.REGRESSED,
) -> Finding:
    return Finding(
        id=name,
        check="exact.lu",
        kind=kind,
        symptom="crash (SIGSEGV)",
        summary="",
        routines=routines,
        candidate=CANDIDATE,
        blocking=True,
        comparisons=tuple(
            Comparison(
                check="exact.lu",
                kind=kind,
                candidate=cell(Role.CANDIDATE, kernel, 1),
                baseline=None,
                candidate_observation=None,
                baseline_observation=None,
            )
            for kernel in kernels
        ),
    )


CAUSE = finding("gemm", "dgemm", "sgemm", kernels=GEMM)


@pytest.mark.parametrize(
    ("of", "follows"),
    [
        (finding("lu", "sgetrf"), ("gemm",)),
        (finding("symm", "dsymm", kernels=GEMM), ("gemm",)),
        (finding("flaky", "dpotrf", kind=ComparisonKind.FLAKY), ("gemm",)),
        # gemm is right on one of its kernels: it cannot be the reason there.
        (finding("other", "sgetrf", kernels=("Haswell", "SkylakeX")), ()),
        (finding("level2", "dgemv"), ()),
        (finding("mixed", "dgetrf", "dscal"), ()),
        (finding("another", "zgemm"), ()),
        (finding("python", "np.matmul"), ()),
        (finding("nothing"), ()),
        (evolve(finding("hang", "dgetrf"), symptom="hang (deadlock)"), ()),
        (finding("old", "sgetrf", kind=ComparisonKind.STILL_FAILING), ()),
    ],
    ids=lambda value: value.id if isinstance(value, Finding) else "",
)
def test_what_is_made_of_gemm_may_fail_where_gemm_does(
    of: Finding, follows: tuple[str, ...]
) -> None:
    first, last = with_consequences([CAUSE, of])
    assert first == CAUSE
    assert last.follows == follows


def test_several_findings_of_gemm_may_be_the_reason_together() -> None:
    other = finding("other", "zgemm", kernels=("SkylakeX",))
    lu = finding("lu", "dgetrf", kernels=("Haswell", "SkylakeX"))
    assert with_consequences([CAUSE, other, lu])[2].follows == ("gemm", "other")


def test_an_old_fault_of_gemm_is_no_reason_for_a_new_one() -> None:
    old = evolve(CAUSE, kind=ComparisonKind.STILL_FAILING)
    assert with_consequences([old, finding("lu", "dgetrf")])[1].follows == ()


def test_one_candidate_explains_nothing_of_another() -> None:
    other = evolve(finding("lu", "dgetrf"), candidate=evolve(CANDIDATE, version="0.3.35.0.0"))
    assert with_consequences([CAUSE, other])[1].follows == ()


def test_a_consequence_still_blocks() -> None:
    plan, results = no_go_run()
    decided = decide(plan, results, POLICY, SPECS)
    told = {each.check: each for each in decided.findings if each.kind is ComparisonKind.REGRESSED}
    assert told["exact.syrk"].follows == (told["exact.gemm"].id,)
    assert told["exact.syrk"].blocking

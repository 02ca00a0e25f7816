from __future__ import annotations

from itertools import permutations

import pytest
from gate_values import (
    CANDIDATE,
    POLICY,
    SPECS,
    cell,
    gemm_case,
    no_go_run,
    observation,
    passing,
    pin,
    plan,
    requirement,
    with_observation,
)

from release_gate.judgement.decide import decide
from release_gate.judgement.findings import first_failing, routine_family, symptom
from release_gate.model import (
    Case,
    CellResult,
    ComparisonKind,
    Finding,
    HangKind,
    Observation,
    Outcome,
    Role,
)

PLAN = plan(kernels=("Haswell", "SkylakeX", "Zen"), checks=("exact.gemm",))
POLICY_OF_ONE = (requirement("numeric"),)


def wrong(routine: str, message: str = "1 element is wrong") -> Observation:
    return observation(
        "exact.gemm",
        Outcome.FAILED,
        cases_failed=1,
        cases=(Case(routine=routine, message=message, parameters={"n": 3}),),
        again=Outcome.FAILED,
    )


def findings(**kernels: Observation) -> tuple[Finding, ...]:
    results: list[CellResult] = passing(PLAN)
    for kernel, new in kernels.items():
        results = with_observation(results, cell(Role.CANDIDATE, kernel, 8), new)
    return decide(PLAN, results, POLICY_OF_ONE, SPECS).findings


@pytest.mark.parametrize(
    ("routine", "family"),
    [
        ("dgemm", "?gemm"),
        ("ZGEMM", "?gemm"),
        ("?gemm", "?gemm"),
        ("sdot", "?dot"),
        ("dgetrf", "?getrf"),
        ("np.matmul", "np.matmul"),
        ("dot", "dot"),
    ],
)
def test_routine_family(routine: str, family: str) -> None:
    assert routine_family(routine) == family


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (None, "no answer"),
        (observation("c"), "right result"),
        (observation("c", Outcome.FAILED), "wrong result"),
        (observation("c", Outcome.CRASHED, signal="SIGSEGV"), "crash (SIGSEGV)"),
        (observation("c", Outcome.CRASHED, exit_status=0), "crash (exit status 0)"),
        (observation("c", Outcome.CRASHED), "crash (early exit)"),
        (observation("c", Outcome.HUNG, hang=HangKind.DEADLOCK), "hang (deadlock)"),
        (observation("c", Outcome.HUNG, hang=HangKind.BUSY), "hang (busy)"),
        (observation("c", Outcome.ERROR), "no answer"),
    ],
)
def test_symptom(seen: Observation | None, words: str) -> None:
    assert symptom(seen) == words


def test_one_cause_on_many_kernels_and_precisions_is_one_finding() -> None:
    (finding,) = findings(Haswell=wrong("dgemm"), SkylakeX=wrong("zgemm"))
    assert finding.kind is ComparisonKind.REGRESSED
    assert finding.routines == ("dgemm", "zgemm")
    assert [each.candidate.kernel for each in finding.comparisons] == ["Haswell", "SkylakeX"]
    assert finding.summary == (
        "Wrong result in exact integer products (dgemm, zgemm) on Haswell, SkylakeX with 8 threads."
        " The baseline passes. First: 1 element is wrong."
    )


def test_another_routine_family_or_symptom_is_another_finding() -> None:
    crash = observation("exact.gemm", Outcome.CRASHED, signal="SIGSEGV")
    found = findings(Haswell=wrong("dgemm"), SkylakeX=wrong("dsyrk"), Zen=crash)
    assert {each.symptom for each in found} == {"wrong result", "crash (SIGSEGV)"}
    assert len(found) == len({each.id for each in found}) == 3
    by_symptom = next(each for each in found if each.symptom == "crash (SIGSEGV)")
    assert by_symptom.routines == ("?gemm",)  # lent by the check, which died before it could say


def test_cases_that_share_a_family_link_cells_whatever_their_order() -> None:
    both = observation(
        "exact.gemm",
        Outcome.FAILED,
        cases=(Case(routine="dgemm", message="a"), Case(routine="dsyrk", message="b")),
    )
    ids = set()
    for order in permutations([("Haswell", wrong("dgemm")), ("SkylakeX", wrong("dsyrk"))]):
        (finding,) = findings(**dict([*order, ("Zen", both)]))
        assert len(finding.comparisons) == 3
        ids.add(finding.id)
    assert len(ids) == 1


def test_the_id_is_stable_across_runs_and_differs_by_candidate() -> None:
    (first,) = findings(Haswell=wrong("dgemm", "3 elements are wrong"))
    (again,) = findings(SkylakeX=wrong("sgemm"))
    assert first.id == again.id
    assert first.id.startswith("exact.gemm-")
    other = pin("0.3.34.237.2")
    two = plan(candidates=(CANDIDATE, other), checks=("exact.gemm",))
    results = passing(two)
    for of in (CANDIDATE, other):
        results = with_observation(
            results, cell(Role.CANDIDATE, "Haswell", 8, of=of), wrong("dgemm")
        )
    found = decide(two, results, POLICY_OF_ONE).findings
    assert len({each.id for each in found}) == 2
    assert first.id in {each.id for each in found}


def test_flaky_is_apart_from_regressed() -> None:
    race = observation("exact.gemm", Outcome.FAILED, cases=(gemm_case(),), again=Outcome.PASSED)
    found = findings(Haswell=wrong("dgemm"), SkylakeX=race)
    assert [each.kind for each in found] == [ComparisonKind.REGRESSED, ComparisonKind.FLAKY]
    assert "The same input gave two answers" in found[1].summary


def test_the_case_to_reproduce_is_the_worst_with_parameters() -> None:
    bare = observation("exact.gemm", Outcome.FAILED, cases=(Case(routine="dgemm", message="x"),))
    (finding,) = findings(Haswell=bare, SkylakeX=wrong("dgemm"))
    shown = first_failing(finding)
    assert shown is not None
    assert shown[0].candidate.kernel == "SkylakeX"


def test_lost_answers_are_findings_but_missing_cells_and_errors_are_not() -> None:
    the_plan, results = no_go_run()
    decision = decide(the_plan, results, POLICY, SPECS)
    assert not [each for each in decision.findings if each.kind is ComparisonKind.LOST]
    (lost,) = findings(Haswell=observation("exact.gemm", Outcome.NOT_EXERCISED, "ran 1 thread"))
    assert lost.kind is ComparisonKind.LOST
    assert lost.symptom == "no answer"
    assert lost.summary.endswith("The baseline answered, the candidate did not. Ran 1 thread.")
    assert first_failing(lost) is None


def test_blocking_findings_come_first() -> None:
    the_plan, results = no_go_run()
    found = decide(the_plan, results, POLICY, SPECS).findings
    assert [each.blocking for each in found] == sorted(
        (each.blocking for each in found), reverse=True
    )
    assert {each.check for each in found if each.blocking} == {
        "exact.gemm",
        "exact.syrk",
        "concurrency.mixed-matmul",
        "forking.lu",
    }


def test_a_library_that_numpy_cannot_be_imported_with_is_one_finding() -> None:
    the_plan = plan(kernels=("Haswell",))
    results = passing(the_plan)
    for check in ("exact.gemm", "exact.syrk"):
        died = observation(check, Outcome.CRASHED, signal="SIGILL", details={"phase": "start"})
        for threads in (1, 8):
            results = with_observation(results, cell(Role.CANDIDATE, "Haswell", threads), died)
    (finding,) = decide(the_plan, results, POLICY_OF_ONE, SPECS).findings
    assert finding.check == "import"
    assert len(finding.comparisons) == 4
    assert finding.summary.startswith(
        "Crash (SIGILL) in importing NumPy on Haswell with 1, 8 threads."
    )

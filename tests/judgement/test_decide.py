"""The verdict: worked examples first, then the properties that no example may break."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest
from gate_values import (
    BASELINE,
    CANDIDATE,
    POLICY,
    SPECS,
    cell,
    no_go_run,
    observation,
    passing,
    pin,
    plan,
    requirement,
    result,
    with_observation,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from release_gate.judgement.decide import decide, exit_code
from release_gate.model import (
    Case,
    CellResult,
    ComparisonKind,
    Decision,
    Observation,
    Outcome,
    PlannedCell,
    Requirement,
    Role,
    Satisfaction,
    Tier,
    Verdict,
)

if TYPE_CHECKING:
    from random import Random

PLAN = plan()
NUMERIC = (requirement("numeric"),)
HASWELL = cell(Role.CANDIDATE, "Haswell", 1)
BASELINE_HASWELL = cell(Role.BASELINE, "Haswell", 1)
CRASH = observation("exact.gemm", Outcome.CRASHED, "died of SIGSEGV", signal="SIGSEGV")


def why(decision: Decision, requirement_id: str = "numeric") -> str:
    return next(each.why for each in decision.requirements if each.id == requirement_id)


def test_all_passed_is_go() -> None:
    decision = decide(PLAN, passing(PLAN), NUMERIC)
    assert decision.verdict is Verdict.GO
    assert why(decision) == "8 of 8 comparisons answered, none forbidden"
    assert decision.findings == ()
    assert decision.missing_cells == ()


def test_a_regression_is_no_go_and_says_what_and_where() -> None:
    results = with_observation(passing(PLAN), HASWELL, CRASH)
    results = with_observation(results, cell(Role.CANDIDATE, "Haswell", 8), CRASH)
    decision = decide(PLAN, results, NUMERIC)
    assert decision.verdict is Verdict.NO_GO
    assert why(decision) == "exact.gemm regressed on Haswell (1, 8 threads)"
    (finding,) = decision.findings
    assert finding.blocking
    assert finding.kind is ComparisonKind.REGRESSED


def test_a_baseline_that_fails_too_does_not_stop_the_release() -> None:
    results = with_observation(passing(PLAN), HASWELL, CRASH)
    results = with_observation(results, BASELINE_HASWELL, CRASH)
    decision = decide(PLAN, results, NUMERIC)
    assert decision.verdict is Verdict.GO
    (finding,) = decision.findings
    assert not finding.blocking
    assert finding.kind is ComparisonKind.STILL_FAILING


def wrong(*routines: str) -> Observation:
    cases = [Case(routine=name, message=f"{name} is wrong") for name in routines]
    return observation(
        "exact.gemm",
        Outcome.FAILED,
        cases_failed=len(cases),
        cases=tuple(cases),
        routines_failed=dict.fromkeys(routines, 1),
    )


def test_a_baseline_that_fails_elsewhere_in_the_check_does_not_excuse() -> None:
    results = with_observation(passing(PLAN), HASWELL, wrong("dgemm", "zgemm"))
    results = with_observation(results, BASELINE_HASWELL, wrong("dgemm"))
    decision = decide(PLAN, results, NUMERIC)
    assert decision.verdict is Verdict.NO_GO
    (finding,) = decision.findings
    assert finding.kind is ComparisonKind.REGRESSED
    assert finding.routines == ("zgemm",)
    assert "baseline fails too, but not" in finding.summary
    assert "First: zgemm is wrong" in finding.summary


def test_without_a_baseline_every_failure_is_new() -> None:
    alone = plan(tuple(each for each in PLAN.cells if each.cell.role is Role.CANDIDATE))
    assert decide(alone, passing(alone), NUMERIC).verdict is Verdict.GO
    decision = decide(alone, with_observation(passing(alone), HASWELL, CRASH), NUMERIC)
    assert decision.verdict is Verdict.NO_GO
    assert {each.kind for each in decision.findings} == {ComparisonKind.NEW}


@pytest.mark.parametrize("gone", [HASWELL, BASELINE_HASWELL])
def test_a_cell_without_result_is_inconclusive_on_either_side(gone: object) -> None:
    decision = decide(PLAN, [each for each in passing(PLAN) if each.cell != gone], NUMERIC)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.missing_cells == (gone,)
    assert "no result" in why(decision)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kernel": "Sandybridge"}, "ran the kernel Sandybridge, not Haswell"),
        ({"threads": 2}, "ran 2 BLAS threads, not 1"),
        ({"kernel": None}, "never said which kernel"),
        ({"threads": None}, "never said which kernel and how many threads"),
    ],
)
def test_what_ran_must_be_what_was_asked_for(changes: dict[str, object], reason: str) -> None:
    results = [
        result(each.cell, each.observations, **changes)  # type: ignore[arg-type]
        if each.cell == HASWELL
        else each
        for each in passing(PLAN)
    ]
    decision = decide(PLAN, results, NUMERIC)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert reason in why(decision)
    assert any(reason in each.why for each in decision.not_covered)


def test_the_kernel_is_compared_without_regard_to_case() -> None:
    results = [
        result(each.cell, each.observations, kernel="haswell") if each.cell == HASWELL else each
        for each in passing(PLAN)
    ]
    assert decide(PLAN, results, NUMERIC).verdict is Verdict.GO


def test_a_failure_under_another_kernel_does_not_count_here() -> None:
    results = [each for each in passing(PLAN) if each.cell != HASWELL]
    results.append(result(HASWELL, (CRASH,), kernel="Sandybridge"))
    assert decide(PLAN, results, NUMERIC).verdict is Verdict.INCONCLUSIVE


def test_a_library_that_dies_before_it_says_its_kernel_is_no_go() -> None:
    results = [each for each in passing(PLAN) if each.cell != HASWELL]
    results.append(result(HASWELL, (CRASH,), kernel=None, threads=None))
    assert decide(PLAN, results, NUMERIC).verdict is Verdict.NO_GO


def test_a_result_of_another_plan_is_noted_and_ignored() -> None:
    stranger = cell(Role.CANDIDATE, "Zen", 1, of=pin("0.3.30.0.1"))
    decision = decide(PLAN, [*passing(PLAN), result(stranger, (CRASH,))], NUMERIC)
    assert decision.verdict is Verdict.GO
    assert any(each.what == stranger.id for each in decision.not_covered)


def test_a_result_of_the_wrong_library_does_not_count() -> None:
    results = [
        attrs.evolve(each, openblas=attrs.evolve(each.openblas, pin=BASELINE))
        if each.cell == HASWELL
        else each
        for each in passing(PLAN)
    ]
    decision = decide(PLAN, results, NUMERIC)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert f"ran {BASELINE}, not {CANDIDATE}" in why(decision)


def test_of_two_results_of_one_cell_the_failure_counts() -> None:
    twice = [result(HASWELL, (CRASH,)), *passing(PLAN)]
    for results in (twice, twice[::-1]):
        decision = decide(PLAN, results, NUMERIC)
        assert decision.verdict is Verdict.NO_GO
        assert any("2 results of one cell" in each.why for each in decision.not_covered)


def test_passes_of_two_wheels_of_one_pin_do_not_count_and_failures_do() -> None:
    rest = [each for each in passing(PLAN) if each.cell != HASWELL]
    checks = (observation("exact.gemm"), observation("exact.syrk"))
    decision = decide(PLAN, [*rest, result(HASWELL, checks, wheel="other")], NUMERIC)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert "different wheels" in why(decision)
    decision = decide(PLAN, [*rest, result(HASWELL, (CRASH,), wheel="other")], NUMERIC)
    assert decision.verdict is Verdict.NO_GO


@pytest.mark.parametrize("outcome", [Outcome.NOT_EXERCISED, Outcome.ERROR, Outcome.UNSUPPORTED])
def test_an_answer_that_the_baseline_gave_is_owed(outcome: Outcome) -> None:
    results = with_observation(passing(PLAN), HASWELL, observation("exact.gemm", outcome))
    decision = decide(PLAN, results, NUMERIC)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert why(decision) == f"no answer: exact.gemm {outcome} on Haswell (1 thread)"


def test_what_neither_side_supports_is_not_covered_and_does_not_block() -> None:
    results = passing(PLAN)
    for role in Role:
        for threads in (1, 8):
            results = with_observation(
                results,
                cell(role, "Haswell", threads),
                observation("exact.gemm", Outcome.UNSUPPORTED, "no such symbol"),
            )
    decision = decide(PLAN, results, NUMERIC)
    assert decision.verdict is Verdict.GO
    (entry,) = decision.not_covered
    assert entry.what.startswith("exact.gemm in candidate-")
    assert entry.what.endswith("and 1 more")
    assert entry.why == "no such symbol"


def test_nothing_but_unsupported_is_no_go_ahead() -> None:
    unsupported = tuple(
        observation(check, Outcome.UNSUPPORTED) for check in ("exact.gemm", "exact.syrk")
    )
    results = [result(entry.cell, unsupported) for entry in PLAN.cells]
    assert decide(PLAN, results, NUMERIC).verdict is Verdict.INCONCLUSIVE


def test_a_requirement_that_nothing_was_planned_for_is_unanswered() -> None:
    decision = decide(PLAN, passing(PLAN), (*NUMERIC, requirement("fork", "forking.*")))
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert why(decision, "fork") == "none of its checks was planned"


@pytest.mark.parametrize("policy", [(), (requirement("numeric", tier=Tier.INFORMING),)])
def test_without_a_blocking_requirement_nothing_is_decided(policy: tuple[Requirement, ...]) -> None:
    assert decide(PLAN, passing(PLAN), policy).verdict is Verdict.INCONCLUSIVE


def test_an_informing_requirement_never_stops_a_release() -> None:
    policy = (
        requirement("gemm", "exact.gemm"),
        requirement("syrk", "exact.syrk", tier=Tier.INFORMING),
    )
    failed = observation("exact.syrk", Outcome.FAILED, again=Outcome.FAILED)
    decision = decide(PLAN, with_observation(passing(PLAN), HASWELL, failed), policy)
    assert decision.verdict is Verdict.GO
    assert [each.satisfaction for each in decision.requirements] == [
        Satisfaction.SATISFIED,
        Satisfaction.VIOLATED,
    ]
    assert not decision.findings[0].blocking


def test_what_a_line_is_not_about_does_not_violate_it() -> None:
    results = with_observation(passing(PLAN), PLAN.cells[-1].cell, CRASH)
    assert PLAN.cells[-1].cell.role is Role.CANDIDATE
    assert decide(PLAN, results, (requirement("numeric"),)).verdict is Verdict.NO_GO
    besides = requirement("numeric", besides=(CRASH.check,))
    assert decide(PLAN, results, (besides,)).verdict is not Verdict.NO_GO


def test_an_emulated_cell_counts_only_where_the_policy_says_so() -> None:
    emulated = tuple(
        PlannedCell(cell=cell(role, "Haswell", 1, emulator="qemu"), checks=("exact.gemm",))
        for role in Role
    )
    mixed = plan(cells=(*PLAN.cells, *emulated))
    results = with_observation(passing(mixed), emulated[1].cell, CRASH)
    assert decide(mixed, results, NUMERIC).verdict is Verdict.GO
    strict = (requirement("numeric", emulated=True),)
    assert decide(mixed, results, strict).verdict is Verdict.NO_GO


def test_two_candidates_are_each_compared_with_the_baseline() -> None:
    other = pin("0.3.34.481.3")
    both = plan(candidates=(CANDIDATE, other))
    decision = decide(both, with_observation(passing(both), HASWELL, CRASH), NUMERIC)
    assert decision.verdict is Verdict.NO_GO
    assert {each.candidate for each in decision.findings} == {CANDIDATE}


def test_a_failing_check_outside_the_plan_is_not_hidden() -> None:
    stray = observation("exact.dot", Outcome.FAILED)
    results = [
        attrs.evolve(each, observations=(*each.observations, stray)) for each in passing(PLAN)
    ]
    decision = decide(PLAN, results, NUMERIC)
    assert decision.verdict is Verdict.GO
    assert sum(each.what.startswith("exact.dot") for each in decision.not_covered) == 8


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.GO, 0),
        (Verdict.NO_GO, 1),
        (Verdict.INCONCLUSIVE, 3),
    ],
)
def test_exit_codes(verdict: Verdict, code: int) -> None:
    assert exit_code(verdict) == code


def test_a_full_run_holds_one_of_everything() -> None:
    the_plan, results = no_go_run()
    decision = decide(the_plan, results, POLICY, SPECS)
    assert decision.verdict is Verdict.NO_GO
    assert {each.kind for each in decision.comparisons} >= set(ComparisonKind) - {
        ComparisonKind.NEW
    }


OUTCOMES = st.sampled_from(Outcome)
FAILURES = st.sampled_from([Outcome.FAILED, Outcome.CRASHED, Outcome.HUNG])
BETTER = {Verdict.NO_GO: 0, Verdict.INCONCLUSIVE: 1, Verdict.GO: 2}
SMALL = plan(kernels=("Haswell",), threads=(1, 8))


@st.composite
def runs(draw: st.DrawFn, baseline: st.SearchStrategy[Outcome] = OUTCOMES) -> list[CellResult]:
    """Draw results of SMALL: some missing, some twice, some of another kernel."""
    results = []
    for entry in SMALL.cells:
        outcomes = baseline if entry.cell.role is Role.BASELINE else OUTCOMES
        for _ in range(draw(st.sampled_from([0, 1, 1, 1, 1, 2]))):
            seen = tuple(
                observation(check, draw(outcomes), again=draw(st.none() | OUTCOMES))
                for check in entry.checks
                if draw(st.sampled_from([True, True, True, False]))
            )
            kernel = draw(st.sampled_from(["Haswell", "Haswell", "Haswell", "Zen", None]))
            results.append(result(entry.cell, seen, kernel=kernel))
    return results


@given(runs(), st.randoms())
def test_the_order_of_results_is_irrelevant(results: list[CellResult], random: Random) -> None:
    shuffled = list(results)
    random.shuffle(shuffled)
    assert decide(SMALL, shuffled, NUMERIC) == decide(SMALL, results, NUMERIC)


@given(st.data())
def test_a_missing_result_is_never_a_pass(data: st.DataObject) -> None:
    results = data.draw(runs())
    victim = data.draw(st.sampled_from(SMALL.cells)).cell
    fewer = [each for each in results if each.cell != victim]
    assert decide(SMALL, fewer, NUMERIC).verdict is not Verdict.GO


@given(st.data())
def test_a_missing_observation_is_never_a_pass(data: st.DataObject) -> None:
    entry = data.draw(st.sampled_from([e for e in SMALL.cells if e.cell.role is Role.CANDIDATE]))
    check = data.draw(st.sampled_from(entry.checks))
    results = [
        attrs.evolve(each, observations=tuple(o for o in each.observations if o.check != check))
        if each.cell == entry.cell
        else each
        for each in data.draw(runs())
    ]
    assert decide(SMALL, results, NUMERIC).verdict is not Verdict.GO


@given(st.data())
@settings(max_examples=200)
def test_a_further_failure_never_improves_the_verdict(data: st.DataObject) -> None:
    # Of a baseline that does not fail itself: what fails on both sides is no reason to stop.
    sound = st.sampled_from([each for each in Outcome if not each.is_failure])
    results = data.draw(runs(sound))
    entry = data.draw(st.sampled_from([e for e in SMALL.cells if e.cell.role is Role.CANDIDATE]))
    failure = observation(
        data.draw(st.sampled_from(entry.checks)),
        data.draw(FAILURES),
        again=data.draw(st.none() | OUTCOMES),
    )
    kernel = data.draw(st.sampled_from(["Haswell", "Zen", None]))
    before = decide(SMALL, results, NUMERIC).verdict
    after = decide(SMALL, [*results, result(entry.cell, (failure,), kernel=kernel)], NUMERIC)
    assert BETTER[after.verdict] <= BETTER[before]
    replaced = decide(SMALL, with_observation(results, entry.cell, failure), NUMERIC)
    assert BETTER[replaced.verdict] <= BETTER[before]


@given(runs(), st.sampled_from([Outcome.CRASHED, Outcome.HUNG]))
def test_a_crash_or_a_hang_is_never_retried_away(
    results: list[CellResult], outcome: Outcome
) -> None:
    sound = [each for each in results if each.cell.role is not Role.BASELINE]
    sound += [each for each in passing(SMALL) if each.cell.role is Role.BASELINE]
    died = observation("exact.gemm", outcome, again=Outcome.PASSED)
    assert decide(SMALL, [*sound, result(HASWELL, (died,))], NUMERIC).verdict is Verdict.NO_GO


@given(runs())
def test_go_means_that_everything_was_answered(results: list[CellResult]) -> None:
    decision = decide(SMALL, results, NUMERIC)
    if decision.verdict is Verdict.GO:
        assert not decision.missing_cells
        for each in decision.comparisons:
            assert each.candidate_observation is not None
            assert (
                each.candidate_observation.outcome.is_answer
                or each.candidate_observation.outcome is Outcome.UNSUPPORTED
            )
    else:
        assert any(
            each.satisfaction is not Satisfaction.SATISFIED for each in decision.requirements
        ) or not any(
            each.candidate_observation and each.candidate_observation.outcome.is_answer
            for each in decision.comparisons
        )

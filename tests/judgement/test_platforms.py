"""Plans over several platforms: what is left out there, and whose answer an answer is."""

from __future__ import annotations

import attrs
import pytest
from gate_values import cell, observation, passing, plan, requirement, with_observation

from release_gate.judgement.decide import decide
from release_gate.model import CellResult, Outcome, Plan, Role, Verdict

NUMERIC = (requirement("numeric"),)
AVX512 = "this CPU lacks avx512f"


def two_platforms() -> Plan:
    """Return a plan with each cell on x86-64 and, with files of its own, on AArch64."""
    made = plan()
    there = [
        attrs.evolve(
            entry,
            cell=attrs.evolve(
                entry.cell,
                platform="linux-aarch64",
                kernel=entry.cell.kernel and f"A{entry.cell.kernel}",
                pin=attrs.evolve(entry.cell.pin, sha256="c" + entry.cell.pin.sha256[1:]),
            ),
        )
        for entry in made.cells
    ]
    return attrs.evolve(made, cells=(*made.cells, *there))


PLAN = plan()
KERNELS = tuple(dict.fromkeys(entry.cell.kernel for entry in PLAN.cells if entry.cell.kernel))
LAST = KERNELS[-1]


def left_out(results: list[CellResult], *kernels: str, roles: tuple[Role, ...]) -> list[CellResult]:
    return [
        attrs.evolve(each, observations=(), left_out=AVX512)
        if each.cell.kernel in kernels and each.cell.role in roles
        else each
        for each in results
    ]


def test_a_kernel_that_no_machine_could_run_is_not_covered_and_no_pass() -> None:
    decision = decide(PLAN, left_out(passing(PLAN), LAST, roles=tuple(Role)), NUMERIC)
    assert decision.verdict is Verdict.GO
    assert decision.missing_cells == ()
    assert all(each.candidate.kernel != LAST for each in decision.comparisons)
    told = [entry for entry in decision.not_covered if entry.why == AVX512]
    assert len(told) == 1
    assert told[0].what.startswith(f"kernel {LAST} of ")
    assert told[0].what.endswith(" on linux-x86_64")


def test_a_kernel_that_the_baseline_lacks_has_nothing_to_be_compared_with() -> None:
    results = left_out(passing(PLAN), LAST, roles=(Role.BASELINE,))
    decision = decide(PLAN, results, NUMERIC)
    assert decision.verdict is Verdict.GO
    assert {each.baseline for each in decision.comparisons if each.candidate.kernel == LAST} == {
        None
    }
    failed = observation("exact.gemm", Outcome.FAILED, again=Outcome.FAILED)
    where = next(
        entry.cell
        for entry in PLAN.cells
        if entry.cell.kernel == LAST
        and entry.cell.role is Role.CANDIDATE
        and "exact.gemm" in entry.checks
    )
    assert decide(PLAN, with_observation(results, where, failed), NUMERIC).verdict is Verdict.NO_GO


@pytest.mark.parametrize("roles", [tuple(Role), (Role.CANDIDATE,), (Role.BASELINE,)])
def test_a_library_of_which_no_kernel_ran_is_missing(roles: tuple[Role, ...]) -> None:
    decision = decide(PLAN, left_out(passing(PLAN), *KERNELS, roles=roles), NUMERIC)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert {each.role for each in decision.missing_cells} == set(roles)


def test_a_result_that_was_left_out_and_failed_still_failed() -> None:
    failed = observation("exact.gemm", Outcome.FAILED, again=Outcome.FAILED)
    where = cell(Role.CANDIDATE, "Haswell", 8)
    results = [
        attrs.evolve(each, left_out=AVX512) if each.cell == where else each
        for each in with_observation(passing(PLAN), where, failed)
    ]
    assert decide(PLAN, results, NUMERIC).verdict is Verdict.NO_GO
    honest = [
        attrs.evolve(each, left_out=AVX512) if each.cell == where else each
        for each in passing(PLAN)
    ]
    assert decide(PLAN, honest, NUMERIC).verdict is Verdict.INCONCLUSIVE


def test_one_bug_on_two_platforms_is_one_finding_that_names_both() -> None:
    both = two_platforms()
    results = passing(both)
    assert decide(both, results, NUMERIC).verdict is Verdict.GO
    failed = observation("exact.gemm", Outcome.FAILED, again=Outcome.FAILED)
    for entry in both.cells:
        if entry.cell.role is Role.CANDIDATE and entry.cell.kernel in {"Haswell", "AHaswell"}:
            results = with_observation(results, entry.cell, failed)
    decision = decide(both, results, NUMERIC)
    (finding,) = decision.findings
    assert "linux-aarch64 AHaswell, linux-x86_64 Haswell" in finding.summary
    assert "linux-aarch64 AHaswell" in decision.requirements[0].why
    assert {each.candidate.platform for each in finding.comparisons} == set(both.platforms)
    for each in decision.comparisons:
        assert each.baseline is not None
        assert each.baseline.platform == each.candidate.platform

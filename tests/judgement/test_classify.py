from __future__ import annotations

import pytest
from attrs import evolve
from gate_values import observation
from hypothesis import given
from hypothesis import strategies as st

from release_gate.judgement.classify import changes, compare, newly_failing, only, severity
from release_gate.model import (
    Attempt,
    Case,
    ComparisonKind,
    Evidence,
    Observation,
    Outcome,
)

PASSED = observation("c")
FAILED = observation("c", Outcome.FAILED)
FAILED_TWICE = observation("c", Outcome.FAILED, again=Outcome.FAILED)
FLAKY = observation("c", Outcome.FAILED, again=Outcome.PASSED)
CRASHED = observation("c", Outcome.CRASHED)
CRASHED_ONCE = observation("c", Outcome.CRASHED, again=Outcome.PASSED)
HUNG_ONCE = observation("c", Outcome.HUNG, again=Outcome.PASSED)
NOT_EXERCISED = observation("c", Outcome.NOT_EXERCISED)
UNSUPPORTED = observation("c", Outcome.UNSUPPORTED)
ERROR = observation("c", Outcome.ERROR)

K = ComparisonKind

outcomes = st.sampled_from(Outcome)
observations = st.none() | st.builds(
    lambda outcome, again: observation("c", outcome, again=again),
    outcomes,
    st.none() | outcomes,
)


@pytest.mark.parametrize(
    ("candidate", "baseline", "kind"),
    [
        (PASSED, PASSED, K.STILL_PASSING),
        (PASSED, None, K.STILL_PASSING),
        (PASSED, ERROR, K.STILL_PASSING),
        (PASSED, FAILED, K.FIXED),
        (PASSED, CRASHED, K.FIXED),
        (PASSED, FLAKY, K.FIXED),
        (FAILED, PASSED, K.REGRESSED),
        (FAILED_TWICE, PASSED, K.REGRESSED),
        (CRASHED, PASSED, K.REGRESSED),
        (FAILED, None, K.NEW),
        (CRASHED, NOT_EXERCISED, K.NEW),
        (FAILED, UNSUPPORTED, K.NEW),
        (FAILED, FAILED, K.STILL_FAILING),
        (CRASHED, FAILED, K.REGRESSED),
        (FAILED, CRASHED, K.STILL_FAILING),
        (FLAKY, PASSED, K.FLAKY),
        (FLAKY, FLAKY, K.STILL_FAILING),
        (FLAKY, FAILED, K.STILL_FAILING),
        (FLAKY, CRASHED, K.STILL_FAILING),
        (FLAKY, None, K.FLAKY),
        (FAILED, FLAKY, K.STILL_FAILING),
        # One crash or hang is enough, and a baseline that fails at times does not excuse it.
        (CRASHED_ONCE, PASSED, K.REGRESSED),
        (HUNG_ONCE, PASSED, K.REGRESSED),
        (CRASHED, FLAKY, K.REGRESSED),
        (observation("c", Outcome.FAILED, again=Outcome.CRASHED), FLAKY, K.REGRESSED),
        # A second run that gave no answer does not take the first one back.
        (observation("c", Outcome.FAILED, again=Outcome.ERROR), PASSED, K.REGRESSED),
        (None, PASSED, K.LOST),
        (ERROR, FAILED, K.LOST),
        (UNSUPPORTED, PASSED, K.LOST),
        (NOT_EXERCISED, FLAKY, K.LOST),
        (None, None, K.UNKNOWN),
        (UNSUPPORTED, UNSUPPORTED, K.UNKNOWN),
        (NOT_EXERCISED, ERROR, K.UNKNOWN),
    ],
)
def test_what_two_sides_say_together(
    candidate: Observation | None, baseline: Observation | None, kind: ComparisonKind
) -> None:
    assert compare(candidate, baseline) is kind


def failing(*runs: tuple[str, ...]) -> Observation:
    """A check that failed in these routines, in one or two runs."""
    seen = [
        Evidence(
            cases_run=100,
            cases_failed=2 * len(run),
            routines_failed=dict.fromkeys(run, 2),
            cases=tuple(Case(routine=name, message=f"{name} is wrong") for name in run),
        )
        for run in runs
    ]
    again = Attempt(outcome=Outcome.FAILED, reason="", evidence=seen[1]) if seen[1:] else None
    return Observation(check="c", outcome=Outcome.FAILED, evidence=seen[0], repeat=again)


@pytest.mark.parametrize(
    ("candidate", "baseline", "new"),
    [
        (failing(("ccopy", "zscal")), failing(("zscal",)), {"ccopy"}),
        (failing(("ccopy", "zscal"), ("ccopy",)), failing(("zscal",), ("zscal",)), {"ccopy"}),
        # What fails in one of two runs is luck, on either side.
        (failing(("ccopy", "zscal"), ("zscal",)), failing(("zscal",)), set()),
        (failing(("ccopy",)), failing(("zscal",), ("ccopy", "zscal")), set()),
        (failing(("zscal",)), failing(("ccopy", "zscal")), set()),
        # A baseline that does not say in what it failed may have failed in the same.
        (failing(("ccopy",)), FAILED, set()),
        (failing(("ccopy",)), PASSED, set()),
    ],
)
def test_a_known_fault_does_not_hide_the_next(
    candidate: Observation, baseline: Observation, new: set[str]
) -> None:
    assert newly_failing(candidate, baseline) == new
    if baseline.outcome is Outcome.FAILED:
        assert compare(candidate, baseline) is (K.REGRESSED if new else K.STILL_FAILING)


def test_only_what_is_new_is_told() -> None:
    narrowed = only(failing(("zscal", "ccopy"), ("ccopy", "zscal")), {"ccopy"})
    assert narrowed.repeat is not None
    for run in narrowed, narrowed.repeat:
        assert [case.routine for case in run.evidence.cases] == ["ccopy"]
        assert run.evidence.routines_failed == {"ccopy": 2}
        assert run.evidence.cases_failed == 2
    assert "ccopy" in narrowed.reason
    assert "zscal" not in narrowed.reason


@given(observations, observations)
def test_only_an_answer_is_a_pass(
    candidate: Observation | None, baseline: Observation | None
) -> None:
    kind = compare(candidate, baseline)
    passed = candidate is not None and candidate.outcome is Outcome.PASSED
    assert (kind in {K.FIXED, K.STILL_PASSING, K.CHANGED}) == passed
    answered = candidate is not None and candidate.outcome.is_answer
    assert (kind in {K.LOST, K.UNKNOWN}) == (not answered)


@given(st.sampled_from([Outcome.CRASHED, Outcome.HUNG]), st.none() | outcomes, observations)
def test_no_repeat_softens_a_crash_or_a_hang(
    outcome: Outcome, again: Outcome | None, baseline: Observation | None
) -> None:
    once = compare(observation("c", outcome, again=again), baseline)
    assert once is compare(observation("c", outcome), baseline)
    assert once in {K.REGRESSED, K.NEW, K.STILL_FAILING}


def test_every_outcome_has_its_own_rank() -> None:
    ranks = [severity(observation("c", outcome)) for outcome in Outcome]
    assert len(set(ranks)) == len(Outcome)
    assert max(ranks) == severity(CRASHED_ONCE)
    assert severity(PASSED) < severity(FLAKY) < severity(FAILED)


def recorded(outcome: Outcome = Outcome.PASSED, **behaviour: str) -> Observation:
    return evolve(observation("c", outcome), evidence=Evidence(recorded=behaviour))


def test_other_behaviour_where_no_standard_says_what_is_right_is_a_change() -> None:
    before, after = recorded(nan="kept", only_before="1"), recorded(nan="lost", only_after="2")
    assert compare(after, before) is K.CHANGED
    assert changes(after, before) == {"nan": ("kept", "lost")}
    assert compare(before, before) is K.STILL_PASSING
    assert compare(recorded(new="1"), recorded(old="1")) is K.STILL_PASSING
    assert compare(recorded(Outcome.FAILED, nan="lost"), before) is K.REGRESSED
    assert compare(after, recorded(Outcome.FAILED, nan="kept")) is K.FIXED

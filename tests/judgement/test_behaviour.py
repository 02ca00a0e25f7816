"""Behaviour that no standard settles: where cells disagree, and where a candidate changes it."""

from __future__ import annotations

from attrs import evolve
from gate_values import SPECS, no_go_run, requirement

from release_gate.judgement.behaviour import disagreements
from release_gate.judgement.decide import decide
from release_gate.model import Behaviour, ComparisonKind, Role, Satisfaction, Tier

INFORMING = evolve(
    requirement("no-changed-behaviour"), tier=Tier.INFORMING, forbid=(ComparisonKind.CHANGED,)
)


def test_what_cells_disagree_on_is_told_with_every_answer() -> None:
    _, results = no_go_run()
    of = {
        role: tuple(
            sorted(
                each.cell.id
                for each in results
                if each.cell.role is role and each.cell.kernel == "Sandybridge"
            )
        )
        for role in (Role.BASELINE, Role.CANDIDATE)
    }
    assert disagreements(results) == (
        Behaviour(
            check="special.nan",
            name="zaxpy with alpha = 0",
            answers={"NaN is kept": of[Role.BASELINE], "NaN is lost": of[Role.CANDIDATE]},
        ),
    )


def test_what_all_cells_agree_on_is_not_worth_a_line() -> None:
    _, results = no_go_run()
    assert disagreements(each for each in results if each.cell.role is Role.CANDIDATE) == ()


def test_a_change_informs_and_says_what_it_is() -> None:
    the_plan, results = no_go_run()
    decision = decide(the_plan, results, (INFORMING,), SPECS)
    (changed,) = (each for each in decision.findings if each.kind is ComparisonKind.CHANGED)
    assert not changed.blocking
    assert changed.symptom == "other behaviour"
    assert changed.summary.endswith(
        "on Sandybridge with 8 threads. Nothing is wrong; the baseline does otherwise."
        " Zaxpy with alpha = 0: NaN is kept before, NaN is lost now."
    )
    (line,) = decision.requirements
    assert line.satisfaction is Satisfaction.VIOLATED
    assert "special.nan changed on Sandybridge (8 threads)" in line.why

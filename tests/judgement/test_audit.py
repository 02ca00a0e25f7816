from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest
from gate_values import CANDIDATE, HOST, POLICY, SPECS, no_go_run, passing, pin, plan

from release_gate.judgement.audit import IssueState, audit, statuses
from release_gate.judgement.catalogue import Confidence, KnownIssue, Severity, Symptom
from release_gate.judgement.decide import decide
from release_gate.judgement.issues import with_issues
from release_gate.pipeline import known_issues
from release_gate.versions import VersionRange

if TYPE_CHECKING:
    from release_gate.model import Pin

CATALOGUE = known_issues()
ISSUE = KnownIssue(
    id="X#1",
    url="https://example.org/1",
    title="t",
    symptoms=(Symptom.CRASH,),
    checks=("exact.*",),
    affected=">=0.3.34",
    versions=VersionRange.parse(">=0.3.34"),
    fixed_in="",
    confidence=Confidence.HIGH,
    facts="f",
    source="s",
    category="kernel",
)


def test_what_became_of_the_issues_that_hold_the_candidate() -> None:
    the_plan, results = no_go_run()
    linked = with_issues(decide(the_plan, results, POLICY, SPECS), CATALOGUE, results)
    rows = {row.id: row for row in statuses(linked, CATALOGUE, the_plan, [HOST])}
    assert rows["OpenBLAS#6013"].state is IssueState.REPRODUCED
    assert rows["OpenBLAS#6013"].why.startswith("finding exact.gemm-")
    assert rows["OpenBLAS#6013"].severity is Severity.SILENT
    assert "OpenBLAS#5520" not in rows  # its versions do not hold the candidate


@pytest.mark.parametrize(
    ("changes", "state", "why"),
    [
        ({}, IssueState.NOT_SEEN, "by exact.gemm"),
        ({"checks": ("forking.*",)}, IssueState.NOT_EXERCISED, "no check that can see it"),
        ({"kernels": ("Zen",)}, IssueState.NOT_EXERCISED, "needs the kernel Zen"),
        ({"cpus": ("Apple",)}, IssueState.ELSEWHERE, "needs a CPU of Apple"),
        ({"min_threads": 16}, IssueState.NOT_EXERCISED, "needs 16 or more threads"),
        ({"architectures": ("aarch64", "s390x")}, IssueState.ELSEWHERE, "needs aarch64 or s390x"),
        ({"systems": ("darwin",)}, IssueState.ELSEWHERE, "needs darwin"),
        ({"build": ("USE_OPENMP=1",)}, IssueState.IMPOSSIBLE, "needs a build with USE_OPENMP=1"),
        ({"checks": (), "unseen": "is slow only"}, IssueState.IMPOSSIBLE, "is slow only"),
    ],
)
def test_not_seen_is_said_only_of_what_was_exercised(
    changes: dict[str, object], state: IssueState, why: str
) -> None:
    issue = attrs.evolve(ISSUE, **changes)  # type: ignore[arg-type]
    the_plan = plan(checks=("exact.gemm",))
    decision = decide(the_plan, passing(the_plan), POLICY)
    (row,) = statuses(decision, [issue], the_plan, [HOST])
    assert row.state is state
    assert row.why.startswith(why)
    unanswered = decide(the_plan, [], POLICY)
    (row,) = statuses(unanswered, [issue], the_plan, [HOST])
    assert row.state is (IssueState.NOT_EXERCISED if state is IssueState.NOT_SEEN else state)


def test_without_a_run_it_is_told_what_this_machine_could_show() -> None:
    def row(**changes: object) -> tuple[IssueState, str]:
        issue = attrs.evolve(ISSUE, **changes)  # type: ignore[arg-type]
        (only,) = audit([issue], CANDIDATE, HOST, ["Haswell", "SkylakeX"])
        return only.state, only.why

    assert row() == (IssueState.NOT_EXERCISED, "by exact.*")
    assert row(min_threads=8) == (IssueState.NOT_EXERCISED, "by exact.*, with 8 or more threads")
    assert row(kernels=("haswell",))[0] is IssueState.NOT_EXERCISED
    assert row(kernels=("VORTEX",)) == (IssueState.ELSEWHERE, "needs the kernel VORTEX")
    assert row(architectures=("s390x",)) == (IssueState.ELSEWHERE, "needs s390x")


def test_what_the_baseline_does_not_have_comes_with_the_candidate() -> None:
    the_plan = plan(checks=("exact.gemm",))
    decision = decide(the_plan, passing(the_plan), POLICY)

    def arrives(baseline: Pin | None, versions: str) -> bool:
        issue = attrs.evolve(ISSUE, versions=VersionRange.parse(versions))
        the_plan_then = attrs.evolve(the_plan, baseline=baseline)
        (row,) = statuses(decision, [issue], the_plan_then, [HOST])
        return row.arrives

    assert arrives(pin("0.3.33.112.0"), ">=0.3.34")
    assert not arrives(pin("0.3.33.112.0"), ">=0.3.33")
    assert not arrives(pin("local"), ">=0.3.34")  # of which nothing is known
    assert not arrives(None, ">=0.3.34")


def test_a_machine_that_can_show_it_among_several_is_enough() -> None:
    issue = attrs.evolve(ISSUE, architectures=("aarch64",))
    the_plan = plan(checks=("exact.gemm",))
    decision = decide(the_plan, passing(the_plan), POLICY)
    arm = attrs.evolve(HOST, machine="aarch64")
    (row,) = statuses(decision, [issue], the_plan, [HOST, arm])
    assert row.state is IssueState.NOT_SEEN


def test_versions_outside_and_versions_that_are_none_have_no_known_issues() -> None:
    assert audit([ISSUE], pin("0.3.33"), HOST, []) == ()
    assert audit([ISSUE], pin("local"), HOST, []) == ()
    assert audit([attrs.evolve(ISSUE, versions=None)], CANDIDATE, HOST, []) == ()


def test_the_worst_comes_first_and_of_equals_what_is_sure() -> None:
    issues = [
        attrs.evolve(ISSUE, id="X#2", symptoms=(Symptom.SLOW,)),
        attrs.evolve(ISSUE, id="X#3", confidence=Confidence.LOW),
        attrs.evolve(ISSUE, id="X#4"),
        attrs.evolve(ISSUE, id="X#5", symptoms=(Symptom.BUILD, Symptom.NAN)),
        attrs.evolve(ISSUE, id="X#6", symptoms=(Symptom.MEMORY,)),
    ]
    rows = audit(issues, CANDIDATE, HOST, [])
    assert [row.id for row in rows] == ["X#5", "X#4", "X#3", "X#6", "X#2"]
    assert [row.severity for row in rows] == [
        *(Severity.SILENT, Severity.FATAL, Severity.FATAL),
        *(Severity.HARMFUL, Severity.ANNOYING),
    ]


def test_the_library_that_numpy_ships_next_has_few_silent_issues() -> None:
    rows = audit(CATALOGUE, pin("0.3.34.481.3"), HOST, ["Haswell", "SkylakeX"])
    here = [row for row in rows if row.state is IssueState.NOT_EXERCISED]
    assert 0 < len(rows) < len(CATALOGUE) / 2
    assert len(here) < len(rows)

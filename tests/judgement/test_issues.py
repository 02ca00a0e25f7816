from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs
import pytest
from gate_values import (
    CANDIDATE,
    HOST,
    POLICY,
    SPECS,
    cell,
    no_go_run,
    observation,
    passing,
    pin,
    plan,
    with_observation,
)

from release_gate.errors import ConfigurationError
from release_gate.judgement.catalogue import KnownIssue, Symptom, load_known_issues
from release_gate.judgement.decide import decide
from release_gate.judgement.issues import IssueState, match_issues, statuses, with_issues
from release_gate.model import Case, Finding, HangKind, Observation, Outcome, Role
from release_gate.resources import matrices_dir
from release_gate.versions import VersionRange

if TYPE_CHECKING:
    from pathlib import Path

CATALOGUE = load_known_issues(matrices_dir() / "known_issues.toml")
BY_ID = {issue.id: issue for issue in CATALOGUE}
AMD = HOST.cpu


def finding(
    check: str,
    failure: Observation,
    *,
    kernel: str = "Haswell",
    threads: int = 8,
    version: str = CANDIDATE.version,
    baseline: Observation | None = None,
) -> Finding:
    of = pin(version)
    the_plan = plan(kernels=(kernel,), threads=(threads,), checks=(check,), candidates=(of,))
    results = with_observation(
        passing(the_plan), cell(Role.CANDIDATE, kernel, threads, of=of), failure
    )
    if baseline is not None:
        results = with_observation(results, cell(Role.BASELINE, kernel, threads), baseline)
    (found,) = decide(the_plan, results, POLICY, SPECS).findings
    return found


CRASH = observation("exact.gemm", Outcome.CRASHED, signal="SIGSEGV")
HANG = observation("forking.lu_after_fork", Outcome.HUNG, hang=HangKind.DEADLOCK)
RACE = observation(
    "concurrency.mixed_gemm",
    Outcome.FAILED,
    cases=(Case(routine="dgemm", message="another result"),),
    again=Outcome.PASSED,
)


def ids(found: Finding, cpu: str = AMD) -> list[str]:
    return [match.id for match in match_issues(found, CATALOGUE, cpu)]


def test_the_stack_overrun_of_haswell_on_amd_is_recognised() -> None:
    found = finding("exact.gemm", CRASH, threads=1)
    first, second = match_issues(found, CATALOGUE, AMD)  # the one that names the CPU comes first
    assert (first.id, second.id) == ("OpenBLAS#6013", "OpenBLAS#6026")
    assert first.why_matched == (
        "exact.gemm can see it, and it shows as crash (SIGSEGV); in ?gemm; on the kernel Haswell; "
        f"on this CPU ({AMD}); 0.3.34.106.0 is in >=0.3.34,<0.3.34.481.0"
    )


@pytest.mark.parametrize(
    ("changes", "cpu"),
    [
        ({"kernel": "SkylakeX"}, AMD),
        ({"version": "0.3.34.481.3"}, AMD),
        ({}, "Intel(R) Xeon(R) Platinum 8370C"),
    ],
)
def test_it_is_not_blamed_on_another_kernel_version_or_cpu(
    changes: dict[str, str], cpu: str
) -> None:
    found = finding("exact.gemm", CRASH, **changes)  # type: ignore[arg-type]
    likely = [
        match.id for match in match_issues(found, CATALOGUE, cpu) if " is in " in match.why_matched
    ]
    assert "OpenBLAS#6013" not in likely


def test_the_hang_after_fork_needs_four_threads() -> None:
    hang = {"check": "forking.lu_after_fork", "failure": HANG, "version": "0.3.30.0.1"}
    assert ids(finding(**hang, threads=8))[0] == "OpenBLAS#5520"  # type: ignore[arg-type]
    assert "OpenBLAS#5520" not in ids(finding(**hang, threads=2))  # type: ignore[arg-type]


def test_a_race_is_recognised_and_another_routine_is_not() -> None:
    old = {"version": "0.3.33.0.0"}
    found = finding("concurrency.mixed_gemm", RACE, **old)  # type: ignore[arg-type]
    assert ids(found) == ["OpenBLAS#5836", "OpenBLAS#5825"]
    other = attrs.evolve(
        RACE, evidence=attrs.evolve(RACE.evidence, cases=(Case(routine="dgelsd", message="x"),))
    )
    assert ids(finding("concurrency.mixed_gemm", other, **old)) == []  # type: ignore[arg-type]


def test_versions_outside_are_offered_only_when_nothing_else_matches_and_say_so() -> None:
    found = finding("exact.gemm", CRASH, kernel="Haswell", threads=1, version="0.3.34.481.3")
    matches = match_issues(found, CATALOGUE, AMD)
    assert 1 <= len(matches) <= 2
    assert all("may be back, or this is another bug" in match.why_matched for match in matches)


def test_a_library_without_a_version_is_matched_by_what_is_left() -> None:
    found = attrs.evolve(
        finding("exact.gemm", CRASH), candidate=attrs.evolve(CANDIDATE, version="local")
    )
    assert "is not known, it affects" in match_issues(found, CATALOGUE, AMD)[0].why_matched


def test_a_sound_baseline_inside_the_range_weakens_a_match() -> None:
    issue = attrs.evolve(BY_ID["OpenBLAS#6026"], affected=VersionRange.parse(">=0.3.33"))
    (match,) = match_issues(finding("exact.gemm", CRASH), [issue], AMD)
    assert "though the baseline is too and does not show it" in match.why_matched


def test_linking_never_changes_the_verdict_or_the_findings() -> None:
    the_plan, results = no_go_run()
    decision = decide(the_plan, results, POLICY, SPECS)
    linked = with_issues(decision, CATALOGUE, AMD)
    assert linked.verdict is decision.verdict
    assert linked.requirements == decision.requirements
    bare = tuple(attrs.evolve(each, issues=()) for each in linked.findings)
    assert bare == decision.findings
    assert any(each.issues for each in linked.findings)


def test_what_became_of_the_issues_that_hold_the_candidate() -> None:
    the_plan, results = no_go_run()
    linked = with_issues(decide(the_plan, results, POLICY, SPECS), CATALOGUE, AMD)
    rows = {row.id: row for row in statuses(linked, CATALOGUE, the_plan.candidates, AMD)}
    assert set(rows) == {"OpenBLAS#6013", "OpenBLAS#6026"}
    assert rows["OpenBLAS#6013"].state is IssueState.REPRODUCED
    assert rows["OpenBLAS#6013"].why.startswith("finding exact.gemm-")


@pytest.mark.parametrize(
    ("changes", "state", "why"),
    [
        ({}, IssueState.NOT_SEEN, "by exact.gemm"),
        ({"checks": ("forking.*",)}, IssueState.NOT_EXERCISED, "no check that can see it"),
        ({"kernels": ("Zen",)}, IssueState.NOT_EXERCISED, "needs the kernel Zen"),
        ({"cpus": ("Apple",)}, IssueState.NOT_EXERCISED, "needs a CPU of Apple"),
        ({"min_threads": 16}, IssueState.NOT_EXERCISED, "needs 16 or more threads"),
    ],
)
def test_not_seen_is_said_only_of_what_was_exercised(
    changes: dict[str, object], state: IssueState, why: str
) -> None:
    issue = attrs.evolve(
        KnownIssue(
            id="X#1",
            url="https://example.org/1",
            title="t",
            symptoms=(Symptom.CRASH,),
            checks=("exact.*",),
            affected=VersionRange.parse(">=0.3.34"),
            fixed_in="",
        ),
        **changes,  # type: ignore[arg-type]
    )
    the_plan = plan(checks=("exact.gemm",))
    decision = decide(the_plan, passing(the_plan), POLICY)
    (row,) = statuses(decision, [issue], the_plan.candidates, AMD)
    assert row.state is state
    assert row.why.startswith(why)
    unanswered = decide(the_plan, [], POLICY)
    (row,) = statuses(unanswered, [issue], the_plan.candidates, AMD)
    assert row.state is IssueState.NOT_EXERCISED


def test_the_catalogue_is_complete_and_plausible() -> None:
    assert len(CATALOGUE) >= 12
    for issue in CATALOGUE:
        assert re.fullmatch(r"(OpenBLAS|numpy)#\d+", issue.id)
        assert issue.url.endswith(issue.id.partition("#")[2])
        assert issue.fixed_in
        assert issue.facts
        assert issue.min_threads >= 1
        assert not issue.title.endswith(".")


BAD = """
[[issue]]
id = "OpenBLAS"
url = "http://example.org/1"
title = "t"
symptoms = []
checks = ["exact.*"]
affected = ">=0.3.34,<0.3.30"
fixed_in = "x"

[[issue]]
id = "OpenBLAS"
url = "https://example.org/1"
title = "t"
symptoms = ["crash"]
checks = []
affected = "newer"
fixed_in = "x"
"""


def test_every_mistake_in_the_file_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "known_issues.toml"
    path.write_text(BAD)
    with pytest.raises(ConfigurationError) as caught:
        load_known_issues(path)
    text = str(caught.value)
    assert len(caught.value.problems) == 8
    for part in (
        "OpenBLAS.id: is no issue",
        "no https address",
        "issue[0] OpenBLAS.symptoms: must name at least one",
        "no version is in the range",
        "this id is there twice",
        "issue[1] OpenBLAS.checks: must name at least one",
        "'newer' is not a comparison",
    ):
        assert part in text


def test_unknown_keys_and_symptoms_get_a_hint(tmp_path: Path) -> None:
    path = tmp_path / "known_issues.toml"
    path.write_text(
        BAD.replace('symptoms = ["crash"]', 'symptoms = ["crashed"]').replace("title", "titel")
    )
    with pytest.raises(ConfigurationError) as caught:
        load_known_issues(path)
    assert "did you mean 'crash'?" in str(caught.value)
    assert "did you mean 'title'?" in str(caught.value)


@pytest.mark.parametrize("content", ["[[issue]", None])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "known_issues.toml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"known_issues\.toml"):
        load_known_issues(path)

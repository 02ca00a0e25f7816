from __future__ import annotations

from pathlib import Path

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
from own_symptoms import document, place_of, ranks

from release_gate.judgement.catalogue import Confidence, KnownIssue, Symptom
from release_gate.judgement.decide import decide
from release_gate.judgement.issues import match_issues, observed, with_issues
from release_gate.model import (
    Case,
    Finding,
    HangKind,
    IssueMatch,
    MatchStanding,
    Observation,
    Outcome,
    Role,
)
from release_gate.pipeline import known_issues
from release_gate.versions import VersionRange

CATALOGUE = known_issues()
BY_ID = {issue.id: issue for issue in CATALOGUE}
AMD = HOST.cpu
ANY_CRASH = KnownIssue(
    id="X#1",
    url="https://example.org/1",
    title="t",
    symptoms=(Symptom.CRASH,),
    checks=("exact.*",),
    affected=">=0.3.34",
    versions=VersionRange.parse(">=0.3.34"),
    fixed_in="",
    confidence=Confidence.LOW,
    facts="f",
    source="s",
    category="kernel",
)


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
HANG = observation("forking.lu", Outcome.HUNG, hang=HangKind.DEADLOCK)
RACE = observation(
    "concurrency.mixed-matmul",
    Outcome.FAILED,
    cases=(Case(routine="dgemm", message="another result"),),
    again=Outcome.PASSED,
)


def ids(found: Finding, cpu: str = AMD) -> list[str]:
    return [match.id for match in match_issues(found, CATALOGUE, cpu)]


def in_range(matches: tuple[IssueMatch, ...]) -> list[str]:
    return [each.id for each in matches if each.standing is MatchStanding.IN_RANGE]


def test_the_stack_overrun_of_haswell_on_amd_is_recognised() -> None:
    found = finding("exact.gemm", CRASH, threads=1)
    first, *others = match_issues(found, CATALOGUE, AMD)  # the one that names the CPU comes first
    assert first.id == "OpenBLAS#6013"
    assert "OpenBLAS#6026" in {each.id for each in others}
    assert first.standing is MatchStanding.IN_RANGE
    assert first.score > others[0].score
    for reason in (
        "shows as crash (SIGSEGV)",
        "exact.gemm can see it",
        "in ?gemm",
        "on the kernel Haswell",
        f"on this CPU ({AMD})",
        "0.3.34.106.0 is in >=0.3.34,<0.3.34.481.0",
    ):
        assert reason in first.why_matched


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
    likely = in_range(match_issues(found, CATALOGUE, cpu))
    assert "OpenBLAS#6013" not in likely


def test_the_hang_after_fork_needs_four_threads() -> None:
    hang = {"check": "forking.lu", "failure": HANG, "version": "0.3.30.0.1"}
    assert ids(finding(**hang, threads=8))[0] == "OpenBLAS#5520"  # type: ignore[arg-type]
    assert "OpenBLAS#5520" not in ids(finding(**hang, threads=2))  # type: ignore[arg-type]


def test_a_race_is_recognised_and_another_routine_is_not() -> None:
    old = {"version": "0.3.33.0.0"}
    found = finding("concurrency.mixed-matmul", RACE, **old)  # type: ignore[arg-type]
    assert ids(found) == ["OpenBLAS#5836", "OpenBLAS#5825"]
    other = attrs.evolve(
        RACE, evidence=attrs.evolve(RACE.evidence, cases=(Case(routine="dgelsd", message="x"),))
    )
    assert ids(finding("concurrency.mixed-matmul", other, **old)) == []  # type: ignore[arg-type]


def test_versions_outside_are_offered_only_when_nothing_else_matches_and_say_so() -> None:
    found = finding("exact.gemm", CRASH, kernel="Haswell", threads=1, version="0.3.34.481.3")
    matches = match_issues(found, [BY_ID["OpenBLAS#6013"]], AMD)
    assert [match.standing for match in matches] == [MatchStanding.BELIEVED_FIXED]
    assert "is outside of >=0.3.34,<0.3.34.481.0, believed fixed in" in matches[0].why_matched
    assert matches[0].why_matched.endswith("a regression, or another bug")
    both = match_issues(found, [BY_ID["OpenBLAS#6013"], ANY_CRASH], AMD)
    assert [match.id for match in both] == ["X#1"]


def test_a_library_older_than_an_issue_is_told_so() -> None:
    found = finding("exact.gemm", CRASH, threads=1, version="0.3.20")
    (match,) = match_issues(found, [BY_ID["OpenBLAS#6013"]], AMD)
    assert match.standing is MatchStanding.OLDER
    assert "is older than all that are known to show it" in match.why_matched


def test_outside_of_its_versions_an_issue_needs_check_routine_and_symptom() -> None:
    found = finding("exact.gemm", CRASH, threads=1, version="0.3.34.481.3")
    known = BY_ID["OpenBLAS#6013"]
    for less in (
        attrs.evolve(known, checks=("forking.*",)),
        attrs.evolve(known, routines=()),
        attrs.evolve(known, symptoms=(Symptom.OVER_READ,)),
    ):
        assert match_issues(found, [less], AMD) == ()


def test_a_library_without_a_version_is_matched_by_what_is_left() -> None:
    found = attrs.evolve(
        finding("exact.gemm", CRASH), candidate=attrs.evolve(CANDIDATE, version="local")
    )
    match = match_issues(found, CATALOGUE, AMD)[0]
    assert match.standing is MatchStanding.VERSION_UNKNOWN
    assert "is not known, it affects" in match.why_matched


def test_what_is_no_fault_of_openblas_is_offered_with_that_word() -> None:
    issue = attrs.evolve(BY_ID["OpenBLAS#6013"], versions=None)
    (match,) = match_issues(finding("exact.gemm", CRASH), [issue], AMD)
    assert match.standing is MatchStanding.NOT_OPENBLAS


def test_a_sound_baseline_inside_the_range_weakens_a_match() -> None:
    issue = attrs.evolve(BY_ID["OpenBLAS#6026"], versions=VersionRange.parse(">=0.3.33"))
    (match,) = match_issues(finding("exact.gemm", CRASH), [issue], AMD)
    assert "though the baseline is too and does not show it" in match.why_matched


def test_an_issue_of_another_build_architecture_or_system_is_no_match_or_a_weak_one() -> None:
    found = finding("exact.gemm", CRASH)
    (plain,) = match_issues(found, [ANY_CRASH], AMD)
    (built,) = match_issues(found, [attrs.evolve(ANY_CRASH, build=("USE_OPENMP=1",))], AMD)
    assert built.score < plain.score
    assert "known of builds with USE_OPENMP=1 only" in built.why_matched
    for elsewhere in (
        attrs.evolve(ANY_CRASH, architectures=("aarch64",)),
        attrs.evolve(ANY_CRASH, systems=("windows",)),
    ):
        assert match_issues(found, [elsewhere], AMD) == ()
    (here,) = match_issues(found, [attrs.evolve(ANY_CRASH, systems=("linux",))], AMD)
    assert "on the system linux" in here.why_matched


@pytest.mark.parametrize(
    ("check", "message", "expected"),
    [
        ("exact.gemm", "3 of 9 elements wrong", Symptom.WRONG),
        ("exact.gemm", "element 3 is nan, exactly 2", Symptom.NAN),
        ("exact.level3", "wrote outside of its operands", Symptom.OVER_READ),
        ("accuracy.lapack-systems", "wrote behind argument 5 (2 words)", Symptom.OVER_READ),
        ("special.not-finite-eigen", "nan at (0, 0): does not end within 2 s", Symptom.HANG),
        ("bounds.level2", "SIGSEGV", Symptom.OVER_READ),
        ("process.leaks", "64 bytes stay behind", Symptom.MEMORY),
        ("concurrency.lapack", "9 calls have left 300 KiB of memory behind", Symptom.MEMORY),
        ("special.level3-nan", "nan is lost", Symptom.NAN),
        ("wheel.symbols", "does not export cblas_dgemm", Symptom.BUILD),
    ],
)
def test_the_manner_of_failing_is_told_from_check_and_message(
    check: str, message: str, expected: Symptom
) -> None:
    failure = observation(
        check, Outcome.FAILED, cases=(Case(routine="dgemm", message=message),), again=Outcome.FAILED
    )
    assert observed(finding(check, failure)) is expected


def test_each_entry_is_found_by_its_own_symptom() -> None:
    rows = list(ranks())
    assert len(rows) > 100
    behind = {row[0].id: row[2][:1] for row in rows if place_of(*row) not in {"first", "same"}}
    assert behind == {}
    assert sum(len(ids) for _, _, ids in rows) / len(rows) < 2.5


def test_the_figures_in_the_documentation_are_those_of_the_catalogue() -> None:
    path = Path(__file__).parents[2] / "docs" / "matching.md"
    assert path.read_text(encoding="utf-8") == document()


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("OpenBLAS 0.3.34 NO_AFFINITY SINGLE_THREADED", "built with USE_THREAD=0"),
        ("OpenBLAS 0.3.34 NO_AFFINITY USE_LOCKING SINGLE_THREADED", "known of builds with"),
        ("OpenBLAS 0.3.34 NO_AFFINITY MAX_THREADS=64", "known of builds with"),
        ("", "known of builds with"),
    ],
)
def test_an_issue_of_special_builds_counts_where_the_library_says_so(
    config: str, reason: str
) -> None:
    check = "concurrency.same-operation"
    found = finding(check, attrs.evolve(RACE, check=check))
    unlocked = BY_ID["OpenBLAS#1755"]  # of builds with USE_THREAD=0 and USE_LOCKING=0
    (match,) = match_issues(found, [unlocked], AMD, config)
    (plain,) = match_issues(found, [attrs.evolve(unlocked, build=())], AMD, config)
    assert reason in match.why_matched
    assert (match.score > plain.score) is reason.startswith("built")


def test_linking_never_changes_the_verdict_or_the_findings() -> None:
    the_plan, results = no_go_run()
    decision = decide(the_plan, results, POLICY, SPECS)
    linked = with_issues(decision, CATALOGUE, results)
    assert linked.verdict is decision.verdict
    assert linked.requirements == decision.requirements
    bare = tuple(attrs.evolve(each, issues=()) for each in linked.findings)
    assert bare == decision.findings
    assert any(each.issues for each in linked.findings)

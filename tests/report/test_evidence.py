from __future__ import annotations

import attrs
import pytest
from gate_report import report, report_with_waivers

from release_gate.model import MatchStanding
from release_gate.report.evidence import TEXT, TEXTS, TOLD, causes, cut, following, toggle_grid

REPORT = report()
FIRST = REPORT.findings[0]


def test_findings_that_one_issue_fits_best_are_one_cause() -> None:
    again = attrs.evolve(FIRST, id="again")
    other = attrs.evolve(FIRST, id="other", issues=())
    told, named = causes([FIRST, other, again])
    assert [[each.finding.id for each in cause.findings] for cause in told] == [
        [FIRST.id, "again"],
        ["other"],
    ]
    assert told[0].shared == FIRST.issues[0]
    assert told[1].shared is None
    assert not named


def test_what_may_follow_from_a_finding_is_told_with_its_cause() -> None:
    follows = (FIRST.id, "b", "c", "d", "e")
    lu = attrs.evolve(FIRST, id="lu", issues=(), follows=follows)
    (cause,), _ = causes([lu, FIRST])
    assert [each.finding.id for each in cause.findings] == ["lu", FIRST.id]
    assert cause.shared == FIRST.issues[0]
    assert following(lu) == (
        f"may follow from {FIRST.id}, b, c and 2 more: gemm, of which it is made, fails there too"
    )


def test_an_issue_that_is_believed_fixed_ties_nothing() -> None:
    fixed = attrs.evolve(FIRST.issues[0], standing=MatchStanding.BELIEVED_FIXED)
    one = attrs.evolve(FIRST, issues=(fixed,))
    told, _ = causes([one, attrs.evolve(one, id="again")])
    assert len(told) == 2


def test_cells_in_which_the_same_was_seen_are_told_once() -> None:
    failure = FIRST.failures[0]
    failures = tuple(attrs.evolve(failure, cell=str(n), threads=n) for n in range(1, 9))
    failures += (attrs.evolve(failure, cell="9", threads=9, reason="otherwise"),)
    ((cause,), _) = causes([attrs.evolve(FIRST, failures=failures, first=0)])
    (told,) = cause.findings
    assert told.first is not None
    assert told.first.cell == "1"
    assert [(each.where, each.cells) for each in told.others] == [
        ("Haswell 2, 3, 4, 5, 6, 7, 8", 7),
        ("Haswell 9", 1),
    ]
    assert told.hidden == 0


def test_many_ways_of_failing_are_counted() -> None:
    failures = tuple(attrs.evolve(FIRST.failures[0], reason=str(n)) for n in range(40))
    ((cause,), _) = causes([attrs.evolve(FIRST, failures=failures, first=0)])
    (told,) = cause.findings
    assert len(told.others) + told.hidden == 39


def test_texts_share_a_limit_and_the_end_of_a_log_is_kept() -> None:
    evidence = attrs.evolve(FIRST.failures[0].evidence, stack="s" * 10**6, log="l" * 10**6 + "end")
    failure = attrs.evolve(FIRST.failures[0], evidence=evidence)
    many = [attrs.evolve(FIRST, id=str(n), failures=(failure,), first=0) for n in range(TOLD + 5)]
    told, named = causes(many)
    shown = [each.first.evidence for cause in told for each in cause.findings if each.first]
    assert len(shown) == TOLD
    assert len(named) == 5
    assert shown[0].log is not None
    assert shown[0].log.endswith("end")
    assert all(len(each.stack or "") < TEXT + 80 for each in shown)
    assert sum(len(each.stack or "") + len(each.log or "") for each in shown) < TEXTS + TOLD * 200


@pytest.mark.parametrize("keep_end", [False, True])
def test_what_is_cut_says_so(*, keep_end: bool) -> None:
    assert cut("short", 10) == "short"
    text = cut("a" * 2_000 + "b" * 2_000, 100, keep_end=keep_end)
    assert "… 3,900 more characters are in report.json …" in text
    assert ("b" * 100 in text) is keep_end


def test_toggles_are_a_table_with_the_library_s_own_choice_first() -> None:
    assert toggle_grid(()) is None
    grid = toggle_grid(report_with_waivers().findings[0].toggles)
    assert grid is not None
    assert grid.threads == (1, 8)
    names = [kernel for kernel, _ in grid.rows]
    assert names == ["chosen by the library (Haswell)", "Haswell", "SkylakeX"]
    assert [[each and each.hits for each in row] for _, row in grid.rows] == [
        [3, None],
        [3, 1],
        [None, 0],
    ]

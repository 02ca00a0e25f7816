"""What is searched for, and in which order hits are shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
from gate_report import report
from hypothesis import given
from hypothesis import strategies as st

from release_gate.github.candidates import LONGEST_QUERY, MOST, Hit, Wanted, queries, rank

NOW = datetime(2026, 11, 22, tzinfo=UTC)
WANTED = Wanted(routines=("dsyrk",), kernels=("haswell",), words=("wrong", "incorrect"))


def hit(number: int, title: str, **fields: Any) -> Hit:
    first = Hit(
        id=f"OpenBLAS#{number}",
        url=f"https://github.com/OpenMathLib/OpenBLAS/issues/{number}",
        title=title,
        body="",
        state="closed",
        updated=datetime(2020, 1, 1, tzinfo=UTC),
    )
    return attrs.evolve(first, **fields)


def test_a_finding_says_what_an_issue_about_it_would_speak_of() -> None:
    by_check = {each.check: Wanted.of(each) for each in report().findings if each.first is not None}
    assert by_check["exact.syrk"].routines == ("dsyrk",)
    assert by_check["exact.syrk"].kernels == ("haswell",)
    assert by_check["exact.syrk"].words[0] == "wrong"
    assert by_check["exact.gemm"].routines == ("gemm",)
    assert by_check["exact.gemm"].words[0] == "crash"
    assert by_check["forking.lu"].words[0] == "hang"
    assert by_check["special.nan"].words == ("nan", "inf")


def test_a_second_search_leaves_out_the_kernel() -> None:
    assert list(queries(WANTED, "numpy/numpy")) == [
        "repo:numpy/numpy is:issue dsyrk haswell",
        "repo:numpy/numpy is:issue dsyrk wrong",
    ]
    bare = Wanted(routines=(), kernels=(), words=("illegal instruction",))
    assert list(queries(bare, "a/b")) == ['repo:a/b is:issue "illegal instruction"']
    assert not list(queries(Wanted(routines=(), kernels=(), words=()), "a/b"))


@given(st.builds(Wanted, **{f.name: st.just(("x" * 300,)) for f in attrs.fields(Wanted)}))
def test_no_search_is_longer_than_github_takes(wanted: Wanted) -> None:
    assert all(len(each) <= LONGEST_QUERY for each in queries(wanted, "OpenMathLib/OpenBLAS"))


def test_routine_comes_before_kernel_before_symptom_and_the_rank_is_told() -> None:
    hits = [
        hit(1, "results are wrong", body="haswell"),
        hit(2, "wrong numbers on Haswell", body="calls ssyrk_"),
        hit(3, "DSYRK is wrong", body="on Haswell"),
        hit(4, "build fails on AIX"),
        hit(5, "dsyrk_thread_LT crashes"),
    ]
    ranked = rank(hits, WANTED, NOW)
    assert [each.id for each in ranked] == ["OpenBLAS#3", "OpenBLAS#2", "OpenBLAS#5", "OpenBLAS#1"]
    assert ranked[0].why == (
        "names the routine dsyrk in its title; names the kernel haswell in its text; "
        "speaks of wrong in its title; last touched 2020-01-01; closed"
    )
    assert "names ssyrk in its text" in ranked[1].why


def test_of_equals_the_open_and_the_recent_come_first() -> None:
    title = "dsyrk is wrong"
    recent = {"updated": datetime(2026, 10, 1, tzinfo=UTC)}
    hits = [hit(1, title), hit(2, title, **recent), hit(3, title, state="open", **recent)]
    hits.append(hit(4, title, updated=datetime(2020, 6, 1, tzinfo=UTC)))
    ranked = rank(hits, WANTED, NOW)
    assert [each.id[-1] for each in ranked] == ["3", "2", "4", "1"]
    assert "within a year" in ranked[0].why
    assert "; open" in ranked[0].why


def test_each_issue_is_there_once_and_few_are() -> None:
    hits = [hit(number % 9, "dsyrk is wrong") for number in range(40)]
    ranked = rank(hits, WANTED, NOW)
    assert len(ranked) == len({each.url for each in ranked}) == MOST


def test_a_part_of_a_word_is_no_routine() -> None:
    hits = [hit(1, "xdsyrk and wrongful"), hit(2, "syrkle")]
    wanted = attrs.evolve(WANTED, words=())
    assert rank(hits[:1], wanted, NOW) == ()

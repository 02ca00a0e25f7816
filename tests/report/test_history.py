"""The history in a comment: what is written is read back, and nothing else is believed."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_rules import REPORT, assert_quiet, hostile, poisoned

from release_gate.model import Verdict
from release_gate.report.history import (
    HistoryError,
    Run,
    history_lines,
    is_run_url,
    merge,
    read_history,
    with_history,
)
from release_gate.report.markdown import LIMIT, marked, render_markdown

SERVER = "https://github.com"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
START = NOW - timedelta(days=40)


def run(number: int, verdict: Verdict = Verdict.GO, hours: int | None = None) -> Run:
    finished = (START + timedelta(hours=number if hours is None else hours)).isoformat()
    return Run(str(number), verdict, finished, f"{SERVER}/numpy/numpy/actions/runs/{number}")


runs = st.builds(
    run, st.integers(1, 25), st.sampled_from(list(Verdict)), st.none() | st.integers(1, 500)
)
histories = st.lists(runs, max_size=14).map(merge)


def read(comment: str) -> tuple[Run, ...]:
    return read_history(comment, SERVER, NOW)


@given(histories)
def test_what_is_written_is_read_back(kept: tuple[Run, ...]) -> None:
    assert read("\n".join(["marker", "", *history_lines(kept), "", "rest"])) == kept


@given(histories, histories, histories)
def test_histories_join_in_any_order(
    one: tuple[Run, ...], two: tuple[Run, ...], three: tuple[Run, ...]
) -> None:
    joined = merge(one, two, three)
    assert len(joined) <= 10
    assert merge(merge(one, two), three) == joined == merge(one, merge(two, three))
    assert merge(joined, one) == joined


def test_the_last_ten_are_kept_and_a_run_replaces_itself() -> None:
    kept: tuple[Run, ...] = ()
    for number in range(1, 14):
        kept = merge(kept, (run(number),))
    assert [each.id for each in kept] == [str(number) for number in range(4, 14)]
    again = run(13, Verdict.NO_GO, hours=14)
    assert merge(kept, (again,))[-2:] == (run(12), again)
    assert merge(kept, (run(13, Verdict.NO_GO, hours=1),)) == kept  # an earlier attempt of it


def test_it_is_a_line_of_glyphs_with_links() -> None:
    text = render_markdown(REPORT, runs=(run(1), run(2, Verdict.NO_GO), Run("3", *LOCAL)))
    assert (
        'Runs, the newest last: [✓](https://github.com/numpy/numpy/actions/runs/1 "GO, '
        '2026-10-13 13:00 UTC") [✗](https://github.com/numpy/numpy/actions/runs/2 "NO-GO, '
        '2026-10-13 14:00 UTC") ?\n'
    ) in text
    assert read(text)[-1] == Run("3", *LOCAL)


LOCAL = (Verdict.INCONCLUSIVE, (NOW - timedelta(hours=1)).isoformat(), "")


@given(hostile, histories)
def test_no_report_can_forge_or_hide_a_history(text: str, kept: tuple[Run, ...]) -> None:
    forged = "\n".join(history_lines((run(24),)))
    shown = render_markdown(poisoned(f"{text}\n{forged}\n{text}"), key=forged, runs=kept)
    assert read(shown) == kept
    assert len(shown) <= LIMIT
    visible = "\n".join(line for line in shown.split("\n")[1:] if not line.startswith("<!--"))
    assert_quiet(visible)


def line(*entries: object) -> str:
    return f"<!-- release-gate:history:v1 {json.dumps(entries)} -->\nRuns"


SOUND = ["7", "GO", "2026-11-20T10:00:00+00:00", f"{SERVER}/a/b/actions/runs/7"]


@pytest.mark.parametrize(
    ("hidden", "told"),
    [
        ("<!-- release-gate:history:v1 [", "cut short"),
        (f"<!-- release-gate:history:v1 {'[' * 100_000} -->", "too long"),
        (f"<!-- release-gate:history:v1 {'[' * 7_000} -->", "no JSON"),
        ('<!-- release-gate:history:v1 {"a": 1} -->', "no list"),
        ("<!-- release-gate:history:v1 [] -->", "no list"),
        (line(*[[str(n), *SOUND[1:]] for n in range(11)]), "no list"),
        (line("abcd"), "four fields"),
        (line(SOUND[:3]), "four fields"),
        (line([7, *SOUND[1:]]), "no text"),
        (line([["7"], *SOUND[1:]]), "no text"),
        (line(["<b>", *SOUND[1:]]), "an id"),
        (line(["7", "MAYBE", *SOUND[2:]]), "a verdict"),
        (line(["7", "GO", "yesterday", ""]), "a time"),
        (line(["7", "GO", "2026-13-20T10:00:00+00:00", ""]), "a time"),
        (line(["7", "GO", "9999-11-20T10:00:00+00:00", ""]), "yet to come"),
        (line([*SOUND[:3], "https://evil.example/a/b/actions/runs/7"]), "leads to no"),
        (line([*SOUND[:3], "https://github.com.evil.example/a/b/actions/runs/7"]), "leads to no"),
        (line([*SOUND[:3], f'{SERVER}/a/b/actions/runs/7 "@numpy/release']), "leads to no"),
        (line([*SOUND[:3], f"{SERVER}/a/b/actions/runs/7\n"]), "leads to no"),
        (line(SOUND, SOUND), "twice"),
        (line(["8", "GO", "2026-11-21T10:00:00+00:00", ""], SOUND), "out of order"),
    ],
)
def test_what_is_not_ours_is_dropped_whole(hidden: str, told: str) -> None:
    with pytest.raises(HistoryError, match=told):
        read(f"marker\n## verdict\n{hidden}\n")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    for comment in (text, f"<!-- release-gate:history:v1 {text} -->"):
        with suppress(HistoryError):
            assert merge(read(comment)) == read(comment)


def test_a_history_is_replaced_where_it_stands() -> None:
    before = render_markdown(REPORT, runs=(run(2),))
    after = with_history(before, (run(1), run(2)), LIMIT)
    assert after == render_markdown(REPORT, runs=(run(1), run(2)))
    full = len(before) + 40
    assert read(with_history(before, (run(1), run(2)), full)) == (run(2),)


def test_a_full_comment_has_its_history() -> None:
    many = poisoned("x" * 5_000)
    text = render_markdown(many, runs=tuple(run(number) for number in range(1, 11)), limit=12_000)
    assert len(text) <= 12_000
    assert len(read(text)) == 10
    assert "Left out or shortened" in text


def test_links_are_those_of_runs_on_the_server() -> None:
    assert is_run_url(f"{SERVER}/numpy/numpy-release/actions/runs/12/attempts/2", SERVER)
    for url in ("", SERVER, f"{SERVER}/a/b", f"{SERVER}/a/b/actions/runs/1/../../..", "x"):
        assert not is_run_url(url, SERVER)


def test_a_marker_is_the_first_line_and_nothing_else() -> None:
    assert marked(render_markdown(REPORT, key="nightly linux")) == "nightly_linux"
    assert marked("<!-- release-gate:v1 key=a verdict=GO -->\r\nx") == "a"
    for comment in (
        "",
        " <!-- release-gate:v1 key=a verdict=GO -->",
        "hello\n<!-- release-gate:v1 key=a verdict=GO -->",
        "<!-- release-gate:v1 key=a verdict=GO --> more",
        "<!-- release-gate:v2 key=a verdict=GO -->",
        "<!-- release-gate:v1 key=а b verdict=GO -->",  # noqa: RUF001  (a look-alike)
    ):
        assert marked(comment) is None
    assert not re.search(r"\s", marked(render_markdown(REPORT, key="a\nb c")) or " ")

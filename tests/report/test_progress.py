from __future__ import annotations

import io
import re

import pytest

from release_gate.progress import Progress, Shared, Stage
from release_gate.report.progress import LiveProgress, PlainProgress, Remaining, make_progress


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "GITHUB_ACTIONS", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


def run(progress: Progress, clock: Clock) -> None:
    with progress.stage("build", steps=None, seconds=100.0) as stage:
        assert isinstance(stage, Stage)
        stage.total(400)
        clock.now += 10
        stage.step(20, "compile umath")
        clock.now += 10
        stage.step(100, "compile linalg")
        stage.note("a wheel [bold] is ready")
        clock.now += 1
        stage.step(101, "compile more")
    progress.say("::error::outside")


def test_plain_lines_carry_the_time_and_come_at_a_pace() -> None:
    stream, clock = io.StringIO(), Clock()
    run(PlainProgress(stream, clock=clock), clock)
    assert stream.getvalue().splitlines() == [
        "[  0:00] build (about 1 min 40 s)",
        "[  0:20]   100/400, 1 min 15 s left: compile linalg",
        "[  0:20]   a wheel [bold] is ready",
        "[  0:21] build: done in 21 s",
        "[  0:21] ::error::outside",
    ]


def test_groups_on_github_are_closed_and_nothing_else_is_a_command() -> None:
    stream, clock = io.StringIO(), Clock()
    run(PlainProgress(stream, groups=True, clock=clock), clock)
    commands = [line for line in stream.getvalue().splitlines() if line.startswith("::")]
    assert commands == ["::group::build (about 1 min 40 s)", "::endgroup::"]


@pytest.mark.parametrize(
    ("error", "word"), [(KeyboardInterrupt, "interrupted"), (ValueError, "failed")]
)
def test_a_stage_that_does_not_end_well_says_so(error: type[BaseException], word: str) -> None:
    stream = io.StringIO()
    with pytest.raises(error), PlainProgress(stream, groups=True).stage("check"):
        raise error
    assert "::endgroup::" in stream.getvalue()
    assert f"check: {word} in" in stream.getvalue()


def test_live_shows_steps_time_left_and_keeps_notes() -> None:
    stream, clock = Terminal(), Clock()
    progress = LiveProgress(stream, clock=clock)
    with progress.stage("check", steps=4, seconds=40.0) as stage:
        clock.now += 10
        stage.step(1, "exact.gemm on Haswell")
        stage.note("[red]Katmai t1: 9 passed")
        with progress.stage("inner", steps=2):
            pass
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue())
    assert "1/4" in text
    assert "30 s left" in text
    assert "exact.gemm on Haswell" in text
    assert "[red]Katmai t1: 9 passed" in text
    assert text.index("inner (") < text.index("check (10 s)")
    progress.say("afterwards")
    assert stream.getvalue().endswith("afterwards\n")


@pytest.mark.parametrize(
    ("environment", "terminal", "kind"),
    [
        ({}, True, LiveProgress),
        ({}, False, PlainProgress),
        ({"CI": "1"}, True, PlainProgress),
        ({"GITHUB_ACTIONS": "true"}, True, PlainProgress),
        ({"TERM": "dumb"}, True, PlainProgress),
        ({"FORCE_COLOR": "1"}, False, PlainProgress),
    ],
)
def test_the_renderer_fits_the_stream(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], *, terminal: bool, kind: type
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    progress = make_progress(Terminal() if terminal else io.StringIO())
    assert type(progress) is kind
    assert isinstance(progress, Progress)


def test_groups_are_opened_on_github_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, grouped in (("true", True), ("", False)):
        monkeypatch.setenv("GITHUB_ACTIONS", value)
        stream = io.StringIO()
        with make_progress(stream).stage("plan"):
            pass
        assert ("::group::plan" in stream.getvalue()) is grouped


@pytest.mark.parametrize(
    ("expected", "steps", "done", "spent", "left"),
    [
        (None, None, 0, 5.0, None),
        (100.0, None, 0, 30.0, 70.0),
        (10.0, 4, 0, 30.0, 0.0),
        (None, 4, 1, 10.0, 30.0),
        (100.0, 4, 2, 20.0, 50.0),
        (100.0, 4, 4, 20.0, 0.0),
    ],
)
def test_time_left_goes_from_the_estimate_to_the_pace_seen(
    expected: float | None, steps: int | None, done: int, spent: float, left: float | None
) -> None:
    assert Remaining(expected, steps, done).after(spent) == left


def test_parts_of_a_stage_are_shown_as_one() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = PlainProgress(stream, clock=clock)
    with progress.stage("check", steps=8) as stage:
        shared = Shared(stage)
        first, second = shared.part("Haswell"), shared.part("SkylakeX")
        assert isinstance(first, Stage)
        first.step(3, "Haswell: exact.gemm")
        clock.now += 20
        second.step(1, "SkylakeX: exact.dot")
        second.note("exact.dot failed")
        clock.now += 20
        first.step(4, "Haswell: exact.trsm")
    assert stream.getvalue().splitlines() == [
        "[  0:00] check",
        "[  0:20]   4/8, 20 s left: SkylakeX: exact.dot",
        "[  0:20]   exact.dot failed",
        "[  0:40]   5/8, 24 s left: Haswell: exact.trsm",
        "[  0:40] check: done in 40 s",
    ]

from __future__ import annotations

import io
import re

import attrs
import pytest
from gate_report import record, report
from gate_values import no_go_run, observation, passing, plan, with_observation

from release_gate.judgement.audit import IssueState
from release_gate.judgement.catalogue import Severity
from release_gate.model import NotCovered, Outcome, Role, Verdict
from release_gate.report.document import Report, make_report
from release_gate.report.new_issue import is_unknown
from release_gate.report.next_step import next_command
from release_gate.report.page import Style, duration
from release_gate.report.terminal import render_cells, render_plan, render_summary


class Terminal(io.TextIOWrapper):
    def __init__(self, encoding: str = "utf-8", *, terminal: bool = True) -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m| +(?=(?:\x1b\[[0-9;]*m)*$)", "", text, flags=re.MULTILINE)


def incomplete() -> Report:
    the_plan = plan(checks=("exact.gemm",))
    return make_report(record(the_plan, passing(the_plan)))


def test_the_plan_says_what_will_run_and_what_will_not() -> None:
    text = render_plan(no_go_run()[0])
    for part in (
        "scipy-openblas64==0.3.33.112.0",
        "Katmai, Nehalem, Sandybridge, Haswell, SkylakeX",
        "about 8 min 50 s (build 6 min 10 s, check 2 min 40 s)",
        "newest at hand that NumPy 2.5.5 supports",
        "candidate = ['scipy-openblas64==0.3.34.106.0']",
        "Will not be covered (2)",
        "aarch64, ppc64le, s390x, riscv64: this host is x86_64",
    ):
        assert part in text


def test_what_is_not_covered_is_told_in_full_where_there_is_no_report_to_look_into() -> None:
    the_plan = no_go_run()[0]
    entries = tuple(NotCovered(what=f"thing {number}", why="no") for number in range(40))
    shown = report()
    for text in (
        render_plan(attrs.evolve(the_plan, not_covered=entries)),
        render_cells((), entries, Style()),
    ):
        assert "thing 39: no" in text
        assert "report.json" not in text
    text = render_summary(attrs.evolve(shown, not_covered=entries))
    assert "thing 39" not in text
    assert "... and 28 more in report.json" in text


def test_the_verdict_is_on_the_last_line_but_one_and_the_next_command_after_it() -> None:
    *_, verdict, command = render_summary(report(), "gate-report").splitlines()
    assert verdict.startswith("✗ NO-GO: 4 blocking findings: exact.gemm")
    assert command.startswith("next: PYTHONPATH=site python3.12 reproducers/exact.gemm-")


def test_known_issues_that_nothing_showed_are_told_before_those_that_no_machine_can_show() -> None:
    shown = report()
    silent = [each.id for each in shown.known_issues if each.severity is Severity.SILENT]
    *impossible, elsewhere = silent[:4]
    states = {**dict.fromkeys(impossible, IssueState.IMPOSSIBLE), elsewhere: IssueState.ELSEWHERE}
    rows = tuple(
        attrs.evolve(each, state=states[each.id], why="needs aarch64", arrives=True)
        if each.id in states
        else each
        for each in shown.known_issues
    )
    text = " ".join(plain(render_summary(attrs.evolve(shown, known_issues=rows))).split())
    known = text[text.index("Known issues whose versions hold the candidate (") :]
    assert f"{elsewhere} (silent, new with the candidate)" in known
    assert ": needs aarch64" in known
    assert not any(f"{each} (silent" in known for each in impossible)
    reproduced = sum(each.state is IssueState.REPRODUCED for each in rows)
    told = sum(each.state not in {IssueState.REPRODUCED, IssueState.IMPOSSIBLE} for each in rows)
    assert f"{reproduced} reproduced: see Findings" in known
    assert f"... and {len(rows) - reproduced - min(told, 12)} more in report.json" in known


@pytest.mark.parametrize("width", [40, 80, 200])
def test_nothing_but_what_is_to_be_copied_is_wider_than_the_terminal(width: int) -> None:
    *lines, _, _ = render_summary(report(), style=Style(width=width)).splitlines()
    commands = [line for line in lines if "PYTHONPATH=" in line]  # each on one line, to be pasted
    assert commands
    assert max(len(line) for line in lines if line not in commands) <= width
    assert len(render_summary(report(), style=Style(width=width)).splitlines()[-1]) > 60


def test_findings_carry_their_issue_reproducer_and_the_doubt_about_the_version() -> None:
    text = " ".join(render_summary(report(), style=Style(width=160)).split())
    assert "https://github.com/OpenMathLib/OpenBLAS/issues/6013" in text
    assert "(3 of 3 runs show it)" in text
    assert "OpenBLAS#5520" in text
    assert "believed fixed in" in text
    assert "a regression, or another bug" in text
    assert "Sandybridge, 1 thread" in text
    assert "fork is not available" in text


def test_a_finding_that_no_known_issue_explains_names_its_draft() -> None:
    text = " ".join(plain(render_summary(report(), "gate-report")).split())
    unknown = [each for each in report().findings if is_unknown(each)]
    assert unknown
    for each in report().findings:
        draft = f"new no known issue; draft: gate-report/new-issues/{each.id}.md"
        assert (draft in text) == (each in unknown)


def test_what_stands_in_brackets_is_not_taken_for_markup() -> None:
    odd = "[bold]not markup[/bold] [red]x"
    text = render_plan(attrs.evolve(plan(), why_interpreter=odd))
    assert odd in text


def test_ascii_only_where_the_stream_cannot_do_more() -> None:
    text = render_summary(report(), style=Style(unicode=False))
    assert text.isascii()
    assert "x NO-GO" in text


@pytest.mark.parametrize(
    ("environment", "terminal", "colour"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_colour_follows_the_stream_and_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], *, terminal: bool, colour: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    style = Style.of(Terminal(terminal=terminal))
    assert style.colour is colour
    text = render_summary(report(), style=Style(colour=colour))
    assert ("\x1b[" in text) is colour
    assert plain(text) == render_summary(report())


def test_style_of_a_stream_without_unicode() -> None:
    assert not Style.of(Terminal("ascii")).unicode
    assert Style.of(Terminal("utf-8")).unicode


def test_the_next_command_fits_the_verdict() -> None:
    assert next_command(report()).startswith("PYTHONPATH=")
    assert incomplete().verdict is Verdict.INCONCLUSIVE
    assert next_command(incomplete()) == incomplete().command


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (370, "6 min 10 s"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_what_the_candidate_fixes_is_told() -> None:
    the_plan = plan(checks=("exact.gemm",))
    results = passing(the_plan)
    crash = observation("exact.gemm", Outcome.CRASHED, "died of SIGSEGV")
    baseline = next(entry for entry in the_plan.cells if entry.cell.role is Role.BASELINE)
    shown = make_report(record(the_plan, with_observation(results, baseline.cell, crash)))
    text = plain(render_summary(shown))
    assert "Fixed: wrong with the baseline, right with the candidate (1)" in text
    kernel, threads = baseline.cell.kernel, baseline.cell.threads
    assert f"exact.gemm crashed on {kernel} {threads}" in text


def test_the_next_command_is_a_script_that_showed_its_fault() -> None:
    shown = report()
    first, *_ = (each for each in shown.findings if each.blocking and each.reproducer is not None)
    assert first.reproducer is not None
    assert next_command(shown) == first.reproducer.command
    missed = attrs.evolve(first.reproducer, hits=0, tries=3)
    other = attrs.evolve(first.reproducer, command="python other.py", hits=1, tries=3)
    findings = (
        attrs.evolve(first, reproducer=missed),
        attrs.evolve(first, reproducer=other),
    )
    assert next_command(attrs.evolve(shown, findings=findings)) == "python other.py"

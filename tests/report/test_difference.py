from __future__ import annotations

import json
from typing import TYPE_CHECKING

import attrs
import pytest
from gate_report import record, report
from gate_values import (
    BASELINE,
    CANDIDATE,
    cell,
    observation,
    passing,
    pin,
    plan,
    with_observation,
)

from release_gate.cli import main
from release_gate.errors import ExitCode
from release_gate.model import Outcome, Role, Satisfaction, Tier
from release_gate.report.difference import Change, compare_reports
from release_gate.report.document import Report, make_report, write_report
from release_gate.report.page import Style
from release_gate.report.side_by_side import render_difference

if TYPE_CHECKING:
    from pathlib import Path

    from release_gate.model import Cell, Plan

REPORT = report()
PLAN = plan(checks=("exact.gemm", "exact.syrk"))


def run(*seen: tuple[Cell, Outcome], of: Plan = PLAN) -> Report:
    """Return the report of a run in which exact.gemm answered as `seen`, and all else passed."""
    results = passing(of)
    for where, outcome in seen:
        results = with_observation(results, where, observation("exact.gemm", outcome))
    return make_report(record(of, results))


GOOD = run()
BAD = run((cell(), Outcome.FAILED))


def test_a_report_does_not_differ_from_itself() -> None:
    for each in (REPORT, GOOD):
        difference = compare_reports(each, each)
        assert difference.is_empty
        assert not difference.worse
        assert difference.timings == ()
        assert set(difference.same_findings) == {finding.id for finding in each.findings}
        assert "nothing changed" in render_difference(difference)


def test_a_new_failure_is_worse_and_its_end_is_better() -> None:
    worse, better = compare_reports(GOOD, BAD), compare_reports(BAD, GOOD)
    assert worse.worse
    assert not better.worse
    (change,) = worse.outcomes
    assert (change.check, change.before, change.after) == (
        "exact.gemm",
        Outcome.PASSED,
        Outcome.FAILED,
    )
    assert change.cell == f"candidate {CANDIDATE}, linux-x86_64: Haswell, 1 thread"
    (finding,) = worse.findings
    assert (finding.before, finding.after, finding.change) == ("", "blocking", Change.WORSE)
    assert [(each.what, each.change) for each in worse.requirements] == [("numeric", Change.WORSE)]
    assert worse.verdict.change is Change.WORSE
    opposite = {Change.WORSE: Change.BETTER, Change.OTHER: Change.OTHER}
    for one, other in zip(worse.outcomes, better.outcomes, strict=True):
        assert other.change is opposite[one.change]
    assert better.findings[0].change is Change.BETTER


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (Outcome.PASSED, Outcome.CRASHED, Change.WORSE),
        (Outcome.PASSED, Outcome.ERROR, Change.WORSE),
        (Outcome.ERROR, Outcome.FAILED, Change.WORSE),
        (Outcome.UNSUPPORTED, Outcome.PASSED, Change.BETTER),
        (Outcome.FAILED, Outcome.CRASHED, Change.OTHER),
        (Outcome.UNSUPPORTED, Outcome.NOT_EXERCISED, Change.OTHER),
    ],
)
def test_outcomes_have_an_order(before: Outcome, after: Outcome, change: Change) -> None:
    difference = compare_reports(run((cell(), before)), run((cell(), after)))
    assert [each.change for each in difference.outcomes] == [change]


def test_what_the_baseline_does_says_nothing_about_the_candidate_by_itself() -> None:
    difference = compare_reports(GOOD, run((cell(Role.BASELINE), Outcome.FAILED)))
    assert [each.change for each in difference.outcomes] == [Change.OTHER]


def test_a_lost_result_is_worse_and_is_said_once_not_per_check() -> None:
    the_plan = PLAN
    gone = cell(threads=8)
    results = [each for each in passing(the_plan) if each.cell != gone]
    less = make_report(record(the_plan, results))
    difference = compare_reports(GOOD, less)
    (change,) = difference.cells
    assert (change.before, change.after, change.change) == ("answered", "no result", Change.WORSE)
    assert difference.outcomes == ()
    assert difference.worse


def test_a_kernel_that_is_not_asked_any_more_is_worse_and_a_further_one_is_not() -> None:
    few, many = run(of=plan(kernels=("Haswell",))), GOOD
    fewer, more = compare_reports(many, few), compare_reports(few, many)
    assert {each.after for each in fewer.cells} == {""}
    assert fewer.worse
    assert len(more.cells) == len(fewer.cells) > 0
    assert not any(each.change is Change.WORSE for each in more.cells)


def test_another_candidate_stands_in_the_place_of_the_one_before() -> None:
    newer = pin("0.3.34.237.2")
    the_plan = plan(checks=("exact.gemm", "exact.syrk"), candidates=(newer,))
    failing = (cell(of=newer), Outcome.FAILED)
    same = compare_reports(BAD, run(failing, of=the_plan))
    assert same.cells == ()
    assert same.outcomes == ()
    assert same.findings == ()
    assert len(same.same_findings) == 1
    assert not same.worse
    changed = {each.what: (each.before, each.after) for each in same.setup}
    assert changed["candidates"] == (str(CANDIDATE), str(newer))
    assert any(each.startswith("SHA-256 of ") for each in changed)


def test_another_baseline_stands_in_the_place_of_the_one_before() -> None:
    cells = tuple(
        attrs.evolve(each, id=f"{each.id}x", pin="scipy-openblas64==0.3.32.0.0")
        if each.pin == str(BASELINE)
        else each
        for each in GOOD.cells
    )
    other = attrs.evolve(GOOD, cells=cells, baseline="scipy-openblas64==0.3.32.0.0")
    difference = compare_reports(GOOD, other)
    assert difference.cells == ()
    assert [each.what for each in difference.setup] == ["baseline"]


def test_a_waived_finding_is_better_than_one_that_blocks() -> None:
    waived = tuple(attrs.evolve(each, blocking=False, waived=True) for each in BAD.findings)
    difference = compare_reports(BAD, attrs.evolve(BAD, findings=waived))
    (change,) = difference.findings
    assert (change.before, change.after, change.change) == ("blocking", "waived", Change.BETTER)


def test_a_requirement_that_is_left_out_of_the_policy_is_worse() -> None:
    first, *rest = GOOD.requirements
    assert first.tier is Tier.BLOCKING
    difference = compare_reports(GOOD, attrs.evolve(GOOD, requirements=tuple(rest)))
    assert [(each.what, each.after, each.change) for each in difference.requirements] == [
        (first.id, "", Change.WORSE)
    ]
    violated = attrs.evolve(first, satisfaction=Satisfaction.VIOLATED)
    added = compare_reports(
        attrs.evolve(GOOD, requirements=tuple(rest)),
        attrs.evolve(GOOD, requirements=(violated, *rest)),
    )
    assert added.worse


def test_configuration_host_and_times_are_told_and_are_not_worse() -> None:
    first, *rest = REPORT.configuration
    slow = tuple(
        attrs.evolve(each, seconds=each.seconds * 2 if each.name == "check" else each.seconds * 1.1)
        for each in REPORT.timings
    )
    other = attrs.evolve(
        REPORT,
        host=attrs.evolve(REPORT.host, cpu="Intel Xeon", cores=4),
        configuration=(attrs.evolve(first, value=["other"]), *rest),
        timings=slow,
    )
    difference = compare_reports(REPORT, other)
    assert {each.what for each in difference.setup} == {"CPU", "cores"}
    assert [each.what for each in difference.configuration] == [first.key]
    assert [(each.name, each.before, each.after) for each in difference.timings] == [
        ("check", 141.0, 282.0)
    ]
    assert not difference.worse
    text = " ".join(render_difference(difference).split())
    assert "AMD EPYC 9V74 80-Core Processor -> Intel Xeon" in text
    assert "check 2 min 21 s -> 4 min 42 s" in text
    assert text.endswith("nothing got worse")


@pytest.mark.parametrize("style", [Style(), Style(unicode=False), Style(width=40)])
def test_the_text_says_what_got_worse_first_and_fits(style: Style) -> None:
    text = render_difference(compare_reports(GOOD, REPORT), style)
    *lines, last = text.splitlines()
    assert last == "something got worse"
    assert max(map(len, lines)) <= style.width
    assert style.unicode or text.isascii()
    heading = next(index for index, line in enumerate(lines) if line.startswith("Requirements"))
    assert lines[heading + 1].strip().startswith("▼" if style.unicode else "x")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    for name, each in (("good", GOOD), ("bad", BAD)):
        write_report(tmp_path / name / "report.json", each)
    return str(tmp_path / "good"), str(tmp_path / "bad" / "report.json")


def test_the_command(folders: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = folders
    assert main(["diff", good, bad]) == ExitCode.NO_GO
    assert "exact.gemm" in capsys.readouterr().out
    assert main(["diff", bad, good]) == ExitCode.GO
    assert main(["diff", good, good]) == ExitCode.GO
    capsys.readouterr()
    assert main(["diff", good, bad, "--json"]) == ExitCode.NO_GO
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "release-gate/diff/1"
    assert data["worse"] is True
    assert data["outcomes"][0]["after"] == "failed"


def test_what_cannot_be_compared_is_all_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.json"
    other.write_text('{"schema": "release-gate/report/2"}')
    assert main(["diff", str(other), str(tmp_path / "gone")]) == ExitCode.CONFIGURATION
    told = capsys.readouterr().err
    assert "schema is 'release-gate/report/2', expected 'release-gate/report/1'" in told
    assert "another version of release-gate wrote it" in told
    assert "gone" in told

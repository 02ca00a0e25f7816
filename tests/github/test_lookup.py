"""A report held against a GitHub: states, candidates, and what could not be asked."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import attrs
import pytest
from gate_report import report
from made_github import Fault, MadeGitHub, primary_limit

from release_gate.cli import main
from release_gate.errors import ExitCode
from release_gate.github import client as client_module
from release_gate.github.client import Access, Client
from release_gate.github.lookup import look_up
from release_gate.report.document import Report, write_report
from release_gate.report.looked_up import render_lookup
from release_gate.report.page import Style

if TYPE_CHECKING:
    from pathlib import Path

    from openapi_core import OpenAPI

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BLAS = "OpenMathLib/OpenBLAS"
REPORT = report()


@pytest.fixture
def filled(github: MadeGitHub) -> MadeGitHub:
    """Serve some of the issues that the report's findings were matched with, and others."""
    milestone = github.milestone(BLAS, "0.3.35")
    github.add(BLAS, 6013, "dgemm kernel overruns its stack", milestone=milestone)
    github.add(
        BLAS,
        5520,
        "LU hangs after fork",
        state="closed",
        state_reason="not_planned",
        closed_at="2026-03-04T05:06:07Z",
    )
    merged = {
        "url": f"https://api.github.com/repos/{BLAS}/pulls/6021",
        "html_url": f"https://github.com/{BLAS}/pull/6021",
        "diff_url": f"https://github.com/{BLAS}/pull/6021.diff",
        "patch_url": f"https://github.com/{BLAS}/pull/6021.patch",
        "merged_at": "2026-08-01T00:00:00Z",
    }
    closed = {"state": "closed", "closed_at": "2026-08-01T00:00:00Z"}
    github.add(BLAS, 6021, "Unroll numbers of Zen 4", pull_request=merged, **closed)
    github.add(BLAS, 77, "dgetrf deadlocks on Haswell", body="in exec_blas")
    github.add("numpy/numpy", 88, "np.linalg.solve hangs", body="in dgetrf after a fork")
    github.add("numpy/numpy", 99, "zscal loses NaN", body="with katmai", state="closed")
    return github


def unmatched(of: Report) -> Report:
    """Return the report with findings that nothing was matched with."""
    return attrs.evolve(of, findings=tuple(attrs.evolve(each, issues=()) for each in of.findings))


def test_matched_issues_are_refreshed(filled: MadeGitHub, client: Client) -> None:
    found = look_up(REPORT, client, NOW)
    by_id = {each.id: each for each in found.issues}
    assert set(by_id) == {issue.id for each in REPORT.findings for issue in each.issues}
    stack, hang, merged = (by_id[f"OpenBLAS#{number}"] for number in (6013, 5520, 6021))
    assert (stack.state, stack.milestone, stack.closed) == ("open", "0.3.35", "")
    assert (hang.state, hang.reason, hang.closed) == ("closed", "not planned", "2026-03-04")
    assert merged.state == "merged"
    gemm = next(each for each in REPORT.findings if each.check == "exact.gemm")
    assert gemm.id in stack.findings
    assert len([each for each in filled.requests if "/6013" in each]) == 1


def test_an_issue_that_is_gone_takes_nothing_from_the_rest(
    filled: MadeGitHub, client: Client
) -> None:
    found = look_up(REPORT, client, NOW)
    gone = {each.id for each in found.issues if each.state is None}
    assert "OpenBLAS#3057" in gone
    assert {each.what for each in found.not_asked} == {f"state of {each}" for each in gone}
    assert all("HTTP status 404" in each.why for each in found.not_asked)
    assert filled.violations == []


def test_candidates_are_searched_for_what_has_no_match_in_range(
    filled: MadeGitHub, client: Client
) -> None:
    found = look_up(REPORT, client, NOW)
    by_check = {each.finding.rpartition("-")[0]: each for each in found.searched}
    assert set(by_check) == {"forking.lu", "special.nan"}  # other findings match, or passed
    ranked = by_check["forking.lu"].candidates
    assert [each.id for each in ranked] == ["OpenBLAS#77", "numpy#88"]
    assert "names the routine dgetrf in its title" in ranked[0].why
    assert [each.id for each in by_check["special.nan"].candidates] == ["numpy#99"]
    assert all(each.complete for each in found.searched)
    assert any("repo%3Anumpy%2Fnumpy" in each for each in filled.requests)


def test_the_same_search_is_asked_once(filled: MadeGitHub, client: Client) -> None:
    first = unmatched(REPORT).findings[0]
    twice = attrs.evolve(REPORT, findings=(first, attrs.evolve(first, id="other")))
    look_up(twice, client, NOW)
    assert len(filled.requests) == len(set(filled.requests)) > 0


def test_without_the_limit_of_searches_states_are_still_told(
    filled: MadeGitHub, client: Client
) -> None:
    states = len(look_up(REPORT, client, NOW).issues)
    filled.faults = [primary_limit(2_000_000_000)]
    found = look_up(unmatched(REPORT), client, NOW)
    assert states > 0
    assert not any(each.complete for each in found.searched)
    assert all("until 03:33 UTC" in each.why for each in found.not_asked)
    text = " ".join(render_lookup(found).split())
    assert "none is known: not all could be asked" in text


def test_offline_says_what_could_not_be_asked(pauses: list[float]) -> None:
    found = look_up(REPORT, Client(Access(url="http://127.0.0.1:9"), sleep=pauses.append), NOW)
    assert all(each.state is None for each in found.issues)
    assert len(found.not_asked) >= len(found.issues)
    assert len(pauses) == 2  # of the first request; the others are not even tried
    text = render_lookup(found)
    assert "not asked OpenBLAS#6013" in text
    assert "ConnectionError" in text


def test_what_is_no_issue_on_github_is_not_asked(github: MadeGitHub, client: Client) -> None:
    finding = REPORT.findings[0]
    page = attrs.evolve(finding.issues[0], url="docs/found/small-stack.md", id="found/small-stack")
    other = attrs.evolve(REPORT, findings=(attrs.evolve(finding, issues=(page,)),))
    found = look_up(other, client, NOW)
    assert [each.why for each in found.not_asked] == ["it is no issue on GitHub"]
    assert github.requests == []


def test_the_text_tells_candidates_from_matches(filled: MadeGitHub, client: Client) -> None:
    text = " ".join(render_lookup(look_up(REPORT, client, NOW), Style(width=200)).split())
    for part in (
        "open OpenBLAS#6013",
        "milestone 0.3.35",
        "closed 2026-03-04 as not planned",
        "they look alike, nobody has compared them",
        "OpenBLAS#77 dgetrf deadlocks on Haswell",
        "names the routine dgetrf in its title",
    ):
        assert part in text
    assert filled.violations == []


def test_a_title_cannot_steer_the_terminal(github: MadeGitHub, client: Client) -> None:
    github.add(BLAS, 77, "dgetrf \x1b[2J\x1b]0;x\x07 hangs \u202eelpmis [red]on haswell")
    text = render_lookup(look_up(REPORT, client, NOW))
    assert "dgetrf [2J ]0;x hangs elpmis [red]on haswell" in " ".join(text.split())
    assert not any(char in text for char in "\x1b\x07\u202e")


@pytest.mark.network
def test_the_stand_in_is_held_against_what_github_says_of_itself(
    contract: OpenAPI | None, github: MadeGitHub
) -> None:
    if contract is None:
        pytest.skip("GitHub's description of its API is not cached, and npm does not give it")
    for target in ("/search/issues", "/repos/a/b/issues/none", "/no/such/place"):
        answer = github.answer(target, {})
        assert not isinstance(answer, Fault)
        assert answer[0] == 422
    assert len(github.violations) == 3
    github.add(BLAS, 1, "title", state_reason="tired")
    github.answer(f"/repos/{BLAS}/issues/1", {})
    assert "tired" in github.violations.pop()
    github.violations.clear()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a report, with nothing in the environment that leads to GitHub."""
    for name in ("GITHUB_API_URL", "GITHUB_TOKEN", "GH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(client_module, "PAUSE", 0.0)
    write_report(tmp_path / "report.json", REPORT)
    return tmp_path


def test_the_command(
    filled: MadeGitHub,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GITHUB_API_URL", filled.url)
    monkeypatch.setenv("GH_TOKEN", "t0ken")
    assert main(["lookup", str(folder), "--json"]) == ExitCode.GO
    captured = capsys.readouterr()
    data = json.loads(captured.out)
    assert data["schema"] == "release-gate/lookup/1"
    assert {"open", "closed", "merged", None} == {each["state"] for each in data["issues"]}
    assert "t0ken" not in captured.out + captured.err
    assert filled.tokens == {"token t0ken"}


@pytest.mark.parametrize(
    ("options", "code"), [([], ExitCode.GO), (["--strict"], ExitCode.INFRASTRUCTURE)]
)
def test_the_command_without_a_network(
    options: list[str],
    code: ExitCode,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:9")
    assert main(["lookup", str(folder), *options]) == code
    told = capsys.readouterr().out
    assert "Could not be asked" in told
    assert "ConnectionError" in told


def test_the_command_refuses_a_bad_address(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "git.example")
    assert main(["lookup", str(folder)]) == ExitCode.CONFIGURATION
    assert "GITHUB_API_URL" in capsys.readouterr().err

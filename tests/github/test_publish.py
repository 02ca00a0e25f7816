"""The command: a comment, a check run or a status, and what is told when GitHub refuses."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from made_github import Fault, MadeGitHub, secondary_limit
from made_publications import ACTIONS, SHA, USER, app
from markdown_rules import HOSTILE, REPORT, poisoned

from release_gate.cli import main
from release_gate.errors import ConfigurationError, ExitCode
from release_gate.github.target import Target
from release_gate.model import Verdict
from release_gate.report.document import write_report
from release_gate.wire import REPORT_SCHEMA, to_data

if TYPE_CHECKING:
    from pathlib import Path

REPO = "numpy/numpy-release"
ISSUE = ["--issue", f"{REPO}#7"]
COMMIT = ["--commit", SHA]
RUN_URL = f"https://github.com/{REPO}/actions/runs/42"
TOKEN = "ghp_verySecret123"  # noqa: S105  (made up)

pytestmark = pytest.mark.usefixtures("hurried")

Publish = Any


def dated(report: Any, day: int = 1) -> Any:
    """Return the report as of a day that is over, wherever the clock stands."""
    times = {"started": f"2024-03-{day:02}T09:00:00+01:00", "finished": f"2024-03-{day:02}T10:00Z"}
    return attrs.evolve(report, **times)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, github: MadeGitHub) -> Path:
    """Return the folder of a report, in an environment that leads to the made-up GitHub."""
    for name in ("GH_TOKEN", "GITHUB_REPOSITORY", "GITHUB_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_API_URL", github.url)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    github.accounts[f"token {TOKEN}"] = ACTIONS
    github.add(REPO, 7, "Release 2.5.5")
    write_report(tmp_path / "report.json", dated(REPORT))
    return tmp_path


@pytest.fixture
def publish(folder: Path, capsys: pytest.CaptureFixture[str]) -> Publish:
    """Return a function that runs the command with --json; its output must not hold the token."""

    def run(*options: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = main(["publish", str(folder), "--json", *options])
        captured = capsys.readouterr()
        assert TOKEN not in captured.out + captured.err
        return code, json.loads(captured.out)

    return run


def test_all_is_written(github: MadeGitHub, publish: Publish) -> None:
    code, data = publish(*ISSUE, *COMMIT, "--run-url", RUN_URL, "--key", "linux")
    assert code == ExitCode.GO  # whatever the verdict
    assert data["schema"] == "release-gate/publish/1"
    assert data["verdict"] == "NO-GO"
    (comment,), (run,) = github.publications.comments, github.publications.check_runs
    assert [each["url"] for each in data["written"]] == [comment["html_url"], run["html_url"]]
    assert comment["body"].startswith("<!-- release-gate:v1 key=linux verdict=NO_GO -->\n")
    assert '[["42","NO-GO","2024-03-01T10:00:00+00:00"' in comment["body"]
    assert (run["name"], run["external_id"]) == ("release-gate: linux",) * 2
    assert (run["status"], run["conclusion"]) == ("completed", "failure")
    assert (run["started_at"], run["completed_at"]) == (
        "2024-03-01T08:00:00Z",
        "2024-03-01T10:00:00Z",
    )
    assert run["details_url"] == RUN_URL
    assert run["output"]["title"].startswith("NO-GO: ")
    assert "### Requirements" in run["output"]["summary"]


def test_a_second_time_nothing_is_sent(github: MadeGitHub, publish: Publish) -> None:
    publish(*ISSUE, *COMMIT)
    sent = list(github.changes)
    assert publish(*ISSUE, *COMMIT)[0] == ExitCode.GO
    assert github.changes == sent


def test_a_later_run_updates_in_place(github: MadeGitHub, publish: Publish, folder: Path) -> None:
    publish(*ISSUE, *COMMIT)
    write_report(folder / "report.json", dated(attrs.evolve(REPORT, verdict=Verdict.GO), 2))
    publish(*ISSUE, *COMMIT)
    (run,) = github.publications.check_runs
    assert run["conclusion"] == "success"
    assert len(github.publications.comments) == 1
    write_report(folder / "report.json", dated(REPORT, 1))
    _, data = publish("--repository", REPO, *COMMIT)
    assert run["conclusion"] == "success"
    assert data["notes"] == ["it shows a run that ended at 2024-03-02T10:00:00Z"]


@pytest.mark.parametrize(
    ("verdict", "conclusion", "state"),
    [
        (Verdict.GO, "success", "success"),
        (Verdict.NO_GO, "failure", "failure"),
        (Verdict.INCONCLUSIVE, "action_required", "error"),
    ],
)
def test_conclusions(  # noqa: PLR0917  (fixtures)
    verdict: Verdict,
    conclusion: str,
    state: str,
    github: MadeGitHub,
    publish: Publish,
    folder: Path,
) -> None:
    write_report(folder / "report.json", dated(attrs.evolve(REPORT, verdict=verdict)))
    publish("--repository", REPO, *COMMIT)
    assert [each["conclusion"] for each in github.publications.check_runs] == [conclusion]
    github.accounts.clear()
    _, data = publish("--repository", REPO, *COMMIT, "--run-url", RUN_URL)
    (status,) = github.publications.statuses
    assert (status["state"], status["context"]) == (state, "release-gate")
    assert status["target_url"] == RUN_URL
    assert len(status["description"]) <= 140
    assert (
        "only the token of an app may do it; a commit status is there instead" in (data["notes"][0])
    )
    assert publish("--repository", REPO, *COMMIT, "--run-url", RUN_URL)[0] == ExitCode.GO
    assert len(github.publications.statuses) == 1


def test_a_check_run_of_another_app_is_left_alone(github: MadeGitHub, publish: Publish) -> None:
    publish(*ISSUE, *COMMIT)
    (run,) = github.publications.check_runs
    run["app"], run["conclusion"] = app("other-app", 9), "success"
    publish(*ISSUE, *COMMIT)
    assert [each["conclusion"] for each in github.publications.check_runs] == [
        "success",
        "failure",
    ]


@pytest.mark.parametrize("after", [True, False])
def test_a_check_run_is_created_once(*, after: bool, github: MadeGitHub, publish: Publish) -> None:
    github.faults = [Fault(status=0, method="POST", after=after)]
    github.requests.clear()
    assert publish("--repository", REPO, *COMMIT)[0] == ExitCode.GO
    assert len(github.publications.check_runs) == 1


def test_a_check_run_that_is_limited_is_no_status(github: MadeGitHub, publish: Publish) -> None:
    limit = secondary_limit(**{"Retry-After": "9999"})
    github.publications.rights.discard("issues")

    def refuse(method: str, target: str) -> None:
        if method == "POST" and target.endswith("check-runs"):
            github.faults = [limit]

    github.before = refuse
    code, data = publish(*COMMIT, "--repository", REPO)
    assert code == ExitCode.INFRASTRUCTURE
    assert [each["why"] for each in data["not_written"]] == ["the rate limit is used up"]
    assert github.publications.statuses == []


def test_what_cannot_be_written_takes_nothing_from_the_rest(
    github: MadeGitHub, folder: Path, publish: Publish, capsys: pytest.CaptureFixture[str]
) -> None:
    github.publications.rights.discard("issues")
    code, data = publish(*ISSUE, *COMMIT)
    assert code == ExitCode.INFRASTRUCTURE
    assert [each["what"] for each in data["written"]] == [f"check run on {REPO}@{SHA[:10]}"]
    assert "issues: write" in data["not_written"][0]["hint"]
    assert main(["publish", str(folder), *ISSUE]) == ExitCode.INFRASTRUCTURE
    told = capsys.readouterr().out
    assert f"not written: comment on {REPO}#7 is refused" in told
    assert told.endswith("the verdict is NO-GO all the same\n")
    github.publications.rights.clear()
    github.publications.check_runs.clear()
    assert len(publish(*ISSUE, *COMMIT)[1]["not_written"]) == 3


def test_a_commit_that_is_not_there(publish: Publish) -> None:
    code, data = publish("--repository", REPO, "--commit", "0" * 40)
    assert code == ExitCode.INFRASTRUCTURE
    assert data["not_written"][0]["why"].endswith("there is no such commit")


def test_a_dry_run_prints_what_is_then_sent(
    github: MadeGitHub, folder: Path, publish: Publish, capsys: pytest.CaptureFixture[str]
) -> None:
    for expected in (["POST", "POST", "POST"], ["PATCH", "PATCH", "POST"]):
        sent = len(github.changes)
        code, data = publish(*ISSUE, *COMMIT, "--dry-run")
        assert code == ExitCode.GO
        assert len(github.changes) == sent
        requests = data["requests"]
        assert [each["method"] for each in requests] == expected
        assert requests[2]["only_if"] == "the check run is refused (HTTP status 403)"
        assert main(["publish", str(folder), *ISSUE, *COMMIT, "--dry-run"]) == ExitCode.GO
        told = capsys.readouterr().out
        for each in requests:
            assert f"{each['method']} {each['path']}\n{json.dumps(each['body'], indent=1)}" in told
        assert told.endswith("nothing has been sent\n")
        publish(*ISSUE, *COMMIT)
        there = [f"{each['method']} {each['path']}" for each in requests[:2]]
        assert github.changes[sent:] == there
        assert github.publications.comments[0]["body"] == requests[0]["body"]["body"]
        write_report(folder / "report.json", dated(REPORT, 5))


def test_a_dry_run_needs_neither_token_nor_network(
    monkeypatch: pytest.MonkeyPatch, publish: Publish
) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:9")
    code, data = publish(*ISSUE, *COMMIT, "--dry-run")
    assert code == ExitCode.GO
    assert [each["method"] for each in data["requests"]] == ["POST", "POST", "POST"]
    assert "ConnectionError" in data["not_read"][0]["why"]
    monkeypatch.delenv("GITHUB_TOKEN")
    code, data = publish(*ISSUE, *COMMIT, "--dry-run")
    assert code == ExitCode.GO
    assert [each["why"] for each in data["not_read"]] == ["there is no token"]
    code, data = publish(*ISSUE, *COMMIT)
    assert code == ExitCode.INFRASTRUCTURE
    assert {each["why"] for each in data["not_written"]} == {"there is no token"}
    assert {each["hint"] for each in data["not_written"]} == {"set GH_TOKEN or GITHUB_TOKEN"}


def test_the_token_is_nowhere(
    github: MadeGitHub, publish: Publish, caplog: pytest.LogCaptureFixture
) -> None:
    github.accounts.clear()
    with caplog.at_level(logging.DEBUG):
        publish(*ISSUE, *COMMIT)
        for status in (0, 401, 403, 404, 422, 500):
            message = "refused"
            github.faults = [Fault(status=status, message=message, method="POST")] * 2
            publish(*ISSUE, *COMMIT, "--key", f"key{status}")
    assert TOKEN not in caplog.text
    for each in (*github.publications.comments, *github.publications.statuses):
        assert TOKEN not in json.dumps(each)


def test_a_large_report_fits(github: MadeGitHub, folder: Path, publish: Publish) -> None:
    many = attrs.evolve(REPORT, headline="ж" * 4_000, findings=REPORT.findings * 60)
    write_report(folder / "report.json", dated(many))
    assert publish(*ISSUE, *COMMIT)[0] == ExitCode.GO
    (run,) = github.publications.check_runs
    assert len(run["output"]["title"]) <= 255
    assert 60_000 < len(run["output"]["summary"].encode()) <= 65_535
    assert 60_000 < len(github.publications.comments[0]["body"]) <= 65_536


def test_whatever_a_report_holds_can_be_sent(
    github: MadeGitHub, folder: Path, publish: Publish
) -> None:
    text = " ".join(HOSTILE)
    report = {"schema": REPORT_SCHEMA, **to_data(dated(poisoned(f"{text}\udc80")))}
    (folder / "report.json").write_text(json.dumps(report), "utf-8")
    assert publish(*ISSUE, *COMMIT)[0] == ExitCode.GO
    title = github.publications.check_runs[-1]["output"]["title"]
    assert "\n" not in title
    assert "@n" not in title


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"issue": None}, ["--issue or --commit"]),
        ({"issue": "numpy#7"}, ["is no issue"]),
        ({"issue": "numpy/numpy#0"}, ["is no issue"]),
        ({"issue": "numpy/numpy#7/../8"}, ["is no issue"]),
        ({"issue": "numpy/..#7"}, ["is no issue"]),
        ({"issue": "numpy/numpy#7", "commit": "main"}, ["is no SHA"]),
        ({"issue": None, "commit": "a" * 40}, ["--repository"]),
        (
            {"issue": "x", "commit": "y", "repository": "z", "run_url": "https://evil.example"},
            ["is no issue", "is no SHA", "--repository", "--run-url"],
        ),
    ],
)
def test_every_bad_option_is_told_at_once(
    options: dict[str, Any], told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    monkeypatch.delenv("GITHUB_SERVER_URL", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        Target.parse(**options)
    assert len(caught.value.problems) == len(told)
    for text, problem in zip(told, caught.value.problems, strict=True):
        assert text in str(problem)


def test_the_commit_may_be_of_another_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORY", "numpy/numpy")
    assert Target.parse(issue=None, commit=SHA).of_commit == "numpy/numpy"
    assert Target.parse(issue=f"{REPO}#7", commit=SHA.upper()).of_commit == REPO
    both = Target.parse(issue=f"{REPO}#7", commit=SHA, repository="numpy/numpy")
    assert (both.repository, both.number, both.of_commit, both.sha) == (REPO, 7, "numpy/numpy", SHA)


def test_a_report_without_times_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = attrs.evolve(REPORT, started="now", finished="2024-03-01T10:00:00")
    write_report(folder / "report.json", broken)
    assert main(["publish", str(folder), *ISSUE]) == ExitCode.CONFIGURATION
    assert capsys.readouterr().err.count("is no time with a zone") == 2


def test_a_person_publishes_too(github: MadeGitHub, publish: Publish) -> None:
    github.accounts.clear()
    publish(*ISSUE)
    assert [each["user"] for each in github.publications.comments] == [USER]

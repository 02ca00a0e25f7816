"""The one comment of a gate: created once, edited in place, whatever the connection does."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from made_github import Fault, MadeGitHub, primary_limit, secondary_limit
from made_publications import ACTIONS, LONGEST, STRANGER, USER
from markdown_rules import REPORT, assert_quiet, poisoned

from release_gate.github.client import Access, Client
from release_gate.github.comment import Draft, OneComment
from release_gate.github.identity import Viewer, ask_viewer
from release_gate.github.refusals import NoAnswerError
from release_gate.github.settling import settle
from release_gate.model import Verdict
from release_gate.report.history import Run, read_history
from release_gate.report.markdown import render_markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release_gate.report.document import Report

REPO = "numpy/numpy-release"
PLACE = f"/repos/{REPO}/issues/7/comments"
SERVER = "https://github.com"
START = datetime(2024, 3, 1, tzinfo=UTC)
ME = Viewer(login="octocat", id=1)

pytestmark = pytest.mark.usefixtures("hurried", "issue")


@pytest.fixture
def issue(github: MadeGitHub) -> None:
    github.add(REPO, 7, "Release 2.5.5")


def run(number: int, verdict: Verdict = Verdict.NO_GO) -> Run:
    finished = (START + timedelta(hours=number)).isoformat()
    return Run(str(number), verdict, finished, f"{SERVER}/{REPO}/actions/runs/{number}")


def draft(number: int, key: str = "default", report: Report = REPORT) -> Draft:
    def write(runs: Sequence[Run]) -> str:
        return render_markdown(report, key=key, runs=runs)

    return Draft(key=key, run=run(number), server=SERVER, write=write)


def publish(client: Client, number: int, key: str = "default") -> OneComment:
    """Publish run `number` with the patience of the command."""
    work = OneComment(client, REPO, 7, ME, draft(number, key))
    settle(work, client)
    return work


def bodies(github: MadeGitHub) -> list[str]:
    return [each["body"] for each in github.publications.comments]


def ids(body: str) -> list[int]:
    return [int(each.id) for each in read_history(body, SERVER, datetime.now(UTC))]


def test_it_is_created_once_and_edited_in_place(github: MadeGitHub, client: Client) -> None:
    first = publish(client, 1)
    assert github.changes == [f"POST {PLACE}"]
    assert first.url == f"{SERVER}/{REPO}/issues/7#issuecomment-101"
    publish(client, 2)
    assert github.changes[1:] == [f"PATCH /repos/{REPO}/issues/comments/101"]
    assert bodies(github) == [render_markdown(REPORT, key="default", runs=(run(1), run(2)))]


def test_an_edit_that_changes_nothing_is_not_sent(github: MadeGitHub, client: Client) -> None:
    publish(client, 1)
    sent = list(github.changes)
    comment = github.publications.comments[0]
    comment["body"] = comment["body"].replace("\n", "\r\n").strip()  # as an editor leaves it
    publish(client, 1)
    assert github.changes == sent


def test_each_gate_has_its_comment(github: MadeGitHub, client: Client) -> None:
    for number in (1, 2):
        publish(client, number, "linux")
        publish(client, number, "windows")
    assert [ids(body) for body in bodies(github)] == [[1, 2], [1, 2]]


def test_markers_of_others_are_left_alone(github: MadeGitHub, client: Client) -> None:
    forged = render_markdown(REPORT, key="default", runs=(run(9),))
    for author in (STRANGER, None, ACTIONS):
        github.publications.comment(REPO, 7, forged, author)
    github.publications.comment(REPO, 7, f"quoted:\n{forged}", USER)
    publish(client, 1)
    assert bodies(github)[:4] == [forged, forged, forged, f"quoted:\n{forged}"]
    assert ids(bodies(github)[4]) == [1]


def test_it_is_found_among_hundreds(github: MadeGitHub, client: Client) -> None:
    for number in range(130):
        github.publications.comment(REPO, 7, f"comment {number}", STRANGER)
    publish(client, 1)
    for number in range(130):
        github.publications.comment(REPO, 7, f"more {number}", USER)
    patient = Client(Access(url=github.url, token="t0ken"), per_page=100)  # noqa: S106
    publish(patient, 2)
    assert len(bodies(github)) == 261
    assert ids(bodies(github)[130]) == [1, 2]
    assert f"{PLACE}?page=3&per_page=100" in github.requests


def test_the_last_ten_runs_are_kept(github: MadeGitHub, client: Client) -> None:
    for number in range(1, 14):
        publish(client, number)
    assert ids(bodies(github)[0]) == list(range(4, 14))
    assert bodies(github)[0].count("/actions/runs/") == 20  # hidden, and seen


def test_an_older_run_does_not_hide_a_newer_one(github: MadeGitHub, client: Client) -> None:
    publish(client, 5)
    shown = OneComment(client, REPO, 7, ME, draft(3, report=poisoned("older")))
    settle(shown, client)
    assert bodies(github) == [render_markdown(REPORT, key="default", runs=(run(3), run(5)))]
    assert "newer than this one" in shown.notes[0]


@pytest.mark.parametrize("status", [0, 500, 502])
@pytest.mark.parametrize("after", [True, False])
def test_a_post_that_got_no_answer_is_looked_for(
    status: int, *, after: bool, github: MadeGitHub, client: Client
) -> None:
    github.faults = [Fault(status=status, method="POST", after=after)]
    publish(client, 1)
    assert len(bodies(github)) == 1
    assert github.changes == [f"POST {PLACE}"] * (1 if after else 2)


def test_a_post_that_shows_late_leaves_one_comment(github: MadeGitHub, client: Client) -> None:
    github.publications.stale = 1
    publish(client, 1)
    assert github.changes == [f"POST {PLACE}"]
    # Unseen and without an answer: it can only be sent again, and is folded when both are seen.
    github.publications.comments.clear()
    github.publications.stale = 1
    github.faults = [Fault(status=0, method="POST", after=True)]
    publish(client, 2)
    assert len(bodies(github)) == 1
    assert github.changes[-1].startswith("DELETE")


def test_a_fault_that_stays_ends_after_three_attempts(github: MadeGitHub, client: Client) -> None:
    github.faults = [Fault(status=503, method="POST")] * 9
    with pytest.raises(NoAnswerError, match="HTTP status 503"):
        publish(client, 1)
    assert len(github.changes) == 3
    github.faults = [Fault(status=0, method="POST")] * 2 + [
        Fault(status=0, method="POST", after=True)
    ]
    publish(client, 1)  # the third one arrived, as the last look tells
    assert len(bodies(github)) == 1


def test_duplicates_are_folded_into_the_oldest(github: MadeGitHub, client: Client) -> None:
    for number in (4, 2, 3):
        text = render_markdown(REPORT, key="default", runs=(run(number),))
        github.publications.comment(REPO, 7, text, USER)
    work = publish(client, 6)
    assert [ids(body) for body in bodies(github)] == [[2, 3, 4, 6]]
    assert github.publications.comments[0]["id"] == 101
    assert [change.split()[0] for change in github.changes] == ["PATCH", "DELETE", "DELETE"]
    assert work.notes == ["deleted a second comment of this gate; its runs are in the first"]


def test_duplicates_that_somebody_else_deletes_are_no_fault(
    github: MadeGitHub, client: Client
) -> None:
    for number in (4, 2):
        text = render_markdown(REPORT, key="default", runs=(run(number),))
        github.publications.comment(REPO, 7, text, USER)

    def tidy_up(method: str, _target: str) -> None:
        if method == "DELETE":
            del github.publications.comments[1:]

    github.before = tidy_up
    publish(client, 6)
    assert [ids(body) for body in bodies(github)] == [[2, 4, 6]]


def test_a_comment_that_is_deleted_meanwhile_is_made_anew(
    github: MadeGitHub, client: Client
) -> None:
    publish(client, 1)
    github.before = lambda method, _: (
        github.publications.comments.clear() if method == "PATCH" else None
    )
    publish(client, 2)
    assert [ids(body) for body in bodies(github)] == [[2]]


@pytest.mark.parametrize("jobs", [2, 4])
def test_jobs_that_publish_at_once_leave_one_comment(jobs: int, github: MadeGitHub) -> None:
    """All look before any of them writes: each creates one."""
    looked = threading.Barrier(jobs)

    def hold(method: str, _target: str) -> None:
        if method == "POST":  # sent by one that has looked and found none
            looked.wait(60)

    github.before = hold
    errors: list[BaseException] = []

    def job(number: int) -> None:
        try:
            publish(Client(Access(url=github.url, token="t0ken")), number)  # noqa: S106
        except BaseException as error:  # noqa: BLE001  (told below)
            errors.append(error)

    threads = [threading.Thread(target=job, args=(number,)) for number in range(1, jobs + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    github.before = None
    publish(Client(Access(url=github.url, token="t0ken")), jobs + 1)  # noqa: S106
    assert len(bodies(github)) == 1
    assert ids(bodies(github)[0])[-1] == jobs + 1
    assert sum(change.startswith("POST") for change in github.changes) == jobs


def test_a_history_that_is_not_ours_is_dropped_and_said(github: MadeGitHub, client: Client) -> None:
    publish(client, 1)
    comment = github.publications.comments[0]
    comment["body"] = comment["body"].replace(f"{SERVER}/{REPO}", "https://evil.example/x/y")
    work = publish(client, 2)
    assert [ids(body) for body in bodies(github)] == [[2]]
    assert "evil" not in bodies(github)[0]
    assert work.notes[0].startswith("the history of earlier runs is dropped: a link leads to no")


def test_it_pings_nobody_and_fits(github: MadeGitHub, client: Client) -> None:
    for number in range(1, 12):
        publish(client, number)
    loud = poisoned("@numpy/release #1 numpy/numpy#2 <!-- release-gate:v1 key=x --> " * 900)
    settle(OneComment(client, REPO, 7, ME, draft(12, report=loud)), client)
    (body,) = bodies(github)
    assert len(body) <= LONGEST
    lines = body.split("\n")
    assert_quiet("\n".join(line for line in lines if not line.startswith("<!--")))
    assert sum(line.startswith("<!--") for line in lines) == 2


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault(status=401, message="Bad credentials"), "not accepted"),
        (Fault(status=403, message="Repository was archived so is read-only."), "is archived"),
        (Fault(status=403, message="Resource not accessible by integration"), "no right to"),
        (Fault(status=403, message="nobody knows"), r"status 403\)$"),
        (Fault(status=404, message="Not Found"), "there is no comment on numpy/numpy-release#7"),
        (Fault(status=410, message="This issue was deleted"), "status 410"),
        (Fault(status=422, message="Validation Failed"), "cannot use what was sent"),
        (primary_limit(2_000_000_000), "used up until 03:33 UTC"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refusal_is_final_and_told(
    method: str, fault: Fault, told: str, github: MadeGitHub, client: Client
) -> None:
    fault = Fault(status=fault.status, message=fault.message, headers=fault.headers, method=method)
    github.faults = [fault] * 4
    with pytest.raises(NoAnswerError) as caught:
        publish(client, 1)
    assert re.search(told, caught.value.why)
    assert len(github.faults) == 3
    assert bodies(github) == []


def test_a_locked_issue_and_one_that_is_gone(github: MadeGitHub, client: Client) -> None:
    github.issues[REPO, 7]["locked"] = True
    with pytest.raises(NoAnswerError, match="the conversation is locked") as caught:
        publish(client, 1)
    assert caught.value.problems[0].hint == "unlock it, or name another issue"
    github.publications.deleted.add((REPO, 7))
    with pytest.raises(NoAnswerError, match="HTTP status 410"):
        publish(client, 1)


def test_limits_are_waited_out(github: MadeGitHub, client: Client, pauses: list[float]) -> None:
    limits = [
        secondary_limit(**{"Retry-After": "7"}),
        Fault(status=429, message="Too many requests", headers={"Retry-After": "3"}),
    ]
    github.faults = [
        Fault(status=each.status, message=each.message, headers=each.headers, method="POST")
        for each in limits
    ]
    publish(client, 1)
    assert len(bodies(github)) == 1
    assert {7.0, 3.0} <= set(pauses)


def test_whose_token_it_is(github: MadeGitHub, client: Client) -> None:
    assert ask_viewer(client) == ME
    github.accounts["token t0ken"] = ACTIONS
    bot = ask_viewer(client)
    assert (bot.id, bot.app) == (41898282, "github-actions")
    assert ME.app is None
    with pytest.raises(NoAnswerError, match="there is no token"):
        ask_viewer(Client(Access(url=github.url)))
    github.faults = [Fault(status=200, raw=b'{"data": {"viewer": {"login": "x"}}}')]
    with pytest.raises(NoAnswerError, match="none of GitHub's"):
        ask_viewer(client)
    limited = b'{"errors": [{"type": "RATE_LIMITED", "message": "slow down"}]}'
    github.faults = [Fault(status=200, raw=limited)]
    assert ask_viewer(client) == bot

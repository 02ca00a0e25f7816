"""What GitHub says today about the findings of a written report.

Issues that a finding was matched with are asked for their state. For a finding without a match in
range, OpenBLAS and NumPy are searched for candidates. What cannot be asked is listed with the
reason, and takes nothing from the rest.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from release_gate.github.candidates import Candidate, Hit, Wanted, queries, rank
from release_gate.github.refusals import NoAnswerError
from release_gate.report.new_issue import is_unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from github import Github
    from github.Issue import Issue

    from release_gate.github.client import Client
    from release_gate.model import IssueMatch
    from release_gate.report.document import FindingReport, Report

__all__ = ["FindingCandidates", "IssueNow", "LookUp", "NotAsked", "look_up"]

#: Where a bug of OpenBLAS is told of.
REPOSITORIES: Final = ("OpenMathLib/OpenBLAS", "numpy/numpy")

#: Hits of one search that make a wider one unnecessary.
ENOUGH: Final = 3

#: Anybody can give an issue a title, and with these steer the terminal that shows it.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")

_ISSUE: Final = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+)/(?:issues|pull)/([0-9]+)")


@frozen(kw_only=True)
class IssueNow:
    """A matched issue: `state` is open, closed or merged; None where GitHub could not be asked.

    `reason` is why it was closed (completed, not planned, duplicate), `updated` and `closed` are
    days in ISO 8601, `findings` the ids of the findings that it was matched with.
    """

    id: str
    url: str
    title: str
    standing: str
    findings: tuple[str, ...]
    state: str | None = None
    reason: str = ""
    milestone: str = ""
    updated: str = ""
    closed: str = ""


@frozen(kw_only=True)
class FindingCandidates:
    """What a search found for a finding without a match: candidates, and no matches.

    `complete`: every search was answered, so that no candidates means that none was found.
    """

    finding: str
    summary: str
    searches: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    complete: bool


@frozen(kw_only=True)
class NotAsked:
    """Something that was to be asked and was not answered, with the reason."""

    what: str
    why: str


@frozen(kw_only=True)
class LookUp:
    """All of it; `asked` is when, ISO 8601 in UTC, `where` the address of the API."""

    asked: str
    where: str
    issues: tuple[IssueNow, ...]
    searched: tuple[FindingCandidates, ...]
    not_asked: tuple[NotAsked, ...]


def look_up(report: Report, client: Client, now: datetime | None = None) -> LookUp:
    """Ask GitHub about every finding of `report`; never raises for want of an answer."""
    now = now or datetime.now(UTC)
    not_asked: list[NotAsked] = []
    issues = tuple(_state(issue, client, not_asked) for issue in _matched(report))
    search = _Search(client)
    unknown = filter(is_unknown, report.findings)
    searched = tuple(_searched(each, search, now, not_asked) for each in unknown)
    return LookUp(
        asked=now.isoformat(timespec="seconds"),
        where=client.access.url,
        issues=issues,
        searched=searched,
        not_asked=tuple(dict.fromkeys(not_asked)),
    )


def _matched(report: Report) -> Iterator[IssueNow]:
    """Yield each issue that findings were matched with, once, in the order of the findings."""
    matches: dict[str, tuple[IssueMatch, list[str]]] = {}
    for finding in report.findings:
        for issue in finding.issues:
            matches.setdefault(issue.url, (issue, []))[1].append(finding.id)
    for issue, findings in matches.values():
        yield IssueNow(
            id=issue.id,
            url=issue.url,
            title=issue.title,
            standing=issue.standing,
            findings=tuple(dict.fromkeys(findings)),
        )


def _state(known: IssueNow, client: Client, not_asked: list[NotAsked]) -> IssueNow:
    place = _ISSUE.fullmatch(known.url)
    if place is None:
        not_asked.append(NotAsked(what=f"state of {known.id}", why="it is no issue on GitHub"))
        return known

    def request(github: Github) -> IssueNow:
        repository = github.get_repo(place[1])
        return _now(repository.get_issue(int(place[2])), known)

    try:
        return client.ask(f"issue {known.id}", request)
    except NoAnswerError as error:
        not_asked.append(NotAsked(what=f"state of {known.id}", why=error.why))
        return known


def _now(issue: Issue, known: IssueNow) -> IssueNow:
    # PyGithub types what may be null as if it never were.
    merged = getattr(issue.pull_request, "merged_at", None) is not None
    milestone = getattr(issue.milestone, "title", "")
    return evolve(
        known,
        state="merged" if merged else _text(issue.state),
        reason="" if merged else _text(issue.state_reason or "").replace("_", " "),
        milestone=_text(milestone),
        updated=_day(issue.updated_at),
        closed=_day(issue.closed_at),
    )


def _text(value: object) -> str:
    """Return a text that every issue has, fit for a terminal; without it nothing is an issue."""
    if not isinstance(value, str):
        raise TypeError(type(value).__name__)
    return _CONTROL.sub(" ", value)


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d}"


class _Search:
    """Searches issues; the same question, of several findings, is asked once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._answers: dict[str, list[Hit]] = {}

    def __call__(self, query: str) -> list[Hit]:
        if query not in self._answers:
            self._answers[query] = self._client.ask(
                f"search {query!r}", _searching(query), limit="search"
            )
        return self._answers[query]


def _searching(query: str) -> Callable[[Github], list[Hit]]:
    def request(github: Github) -> list[Hit]:
        return [_hit(issue) for issue in github.search_issues(query).get_page(0)]

    return request


def _hit(issue: Issue) -> Hit:
    url = _text(issue.html_url)
    place = _ISSUE.fullmatch(url)
    if place is None:
        raise ValueError(url)
    return Hit(
        id=f"{place[1].rpartition('/')[2]}#{place[2]}",
        url=url,
        title=_text(issue.title),
        body=issue.body or "",
        state=_text(issue.state),
        updated=issue.updated_at,
    )


def _searched(
    finding: FindingReport, search: _Search, now: datetime, not_asked: list[NotAsked]
) -> FindingCandidates:
    wanted = Wanted.of(finding)
    asked: list[str] = []
    hits: list[Hit] = []
    complete = True
    for repository in REPOSITORIES:
        found = 0
        for query in queries(wanted, repository):
            if found >= ENOUGH:
                break
            try:
                answer = search(query)
            except NoAnswerError as error:
                complete = False
                not_asked.append(NotAsked(what=f"search {query!r}", why=error.why))
                continue
            asked.append(query)
            found += len(answer)
            hits += answer
    return FindingCandidates(
        finding=finding.id,
        summary=finding.summary,
        searches=tuple(asked),
        candidates=rank(hits, wanted, now),
        complete=complete,
    )

"""The one issue about an OpenBLAS that is newer than the pins: found by marker and author.

As long as it is open, a still newer OpenBLAS takes it over. One that people have closed stays
closed: what it names has been decided on. Issues cannot be deleted, so that of two that were opened
at the same time the later is closed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from attrs import frozen

from release_gate.github.client import Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from github import Github

    from release_gate.github.client import Client
    from release_gate.github.identity import Viewer

__all__ = ["OneIssue", "Subject"]

_MARK: Final = re.compile(
    r"<!-- release-gate:newest:v1 provider=([\w-]{1,60}) version=([0-9.]{1,60}) -->", re.ASCII
)

_SECOND: Final = {"state": "closed", "state_reason": "not_planned"}


@frozen(kw_only=True)
class Subject:
    """What the issue is about: a version of a provider; `text` is Markdown, escaped."""

    provider: str
    version: str
    title: str
    text: str

    @property
    def body(self) -> str:
        mark = f"<!-- release-gate:newest:v1 provider={self.provider} version={self.version} -->"
        return f"{mark}\n{self.text}"


@frozen(kw_only=True)
class _Issue:
    number: int
    open: bool
    title: str
    body: str
    url: str

    @property
    def about(self) -> tuple[str, str] | None:
        """Return provider and version that its first line names."""
        mark = _MARK.fullmatch(self.body.partition("\n")[0].rstrip("\r"))
        return (mark[1], mark[2]) if mark else None


class OneIssue:
    """The issue of `subject` in a repository, as `Work`; `number` is its own once it is there."""

    def __init__(self, client: Client, repository: str, viewer: Viewer, subject: Subject) -> None:
        self.what = f"issue about {subject.provider} in {repository}"
        self.url: str | None = None
        self.number: int | None = None
        self.notes: list[str] = []
        self._client = client
        self._viewer = viewer
        self._subject = subject
        self._path = f"/repos/{repository}/issues"
        self._own: tuple[_Issue, ...] = ()
        self._created: _Issue | None = None
        self._kept_as: dict[str, str] = {}  # what GitHub made of a text that it was sent

    def look(self) -> None:
        listed = {each.number: each for each in self._client.ask(self.what, self._listed)}
        if self._created is not None:
            # A list may lag behind: what was answered is there.
            listed.setdefault(self._created.number, self._created)
        self._own = tuple(listed[number] for number in sorted(listed))
        kept = self._kept()
        if kept is not None:
            self.url, self.number = kept.url, kept.number

    def todo(self) -> Sequence[Change]:
        wanted = {"title": self._subject.title, "body": self._subject.body}
        kept = self._kept()
        if kept is None:
            return [Change(method="POST", path=self._path, body=wanted)]
        changes: list[Change] = []
        if kept.open and not self._says(kept, wanted):
            changes.append(self._change(kept, wanted))
        others = (each for each in self._own if each.open and each.number != kept.number)
        changes += (self._change(each, _SECOND) for each in others)
        return changes

    def answered(self, change: Change, data: object) -> None:
        if change.body == _SECOND:
            self.notes.append("closed a second issue about the same")
            return
        issue = _issue(data)
        if issue is not None and change.body is not None:
            self._kept_as[change.body["body"]] = issue.body
            if change.method == "POST":
                self._created = issue

    def _kept(self) -> _Issue | None:
        """Return the issue to use: the oldest about this version, else the oldest open one."""
        here = [each for each in self._own if each.about == self._about]
        still = [each for each in self._own if each.open]
        return next(iter((*_open_first(here), *still)), None)

    @property
    def _about(self) -> tuple[str, str]:
        return self._subject.provider, self._subject.version

    def _change(self, issue: _Issue, body: dict[str, str]) -> Change:
        return Change(method="PATCH", path=f"{self._path}/{issue.number}", body=dict(body))

    def _says(self, issue: _Issue, wanted: dict[str, str]) -> bool:
        body = wanted["body"]
        same = _tidy(issue.body) in {_tidy(body), _tidy(self._kept_as.get(body, body))}
        return same and issue.title == wanted["title"]

    def _listed(self, github: Github) -> list[_Issue]:
        """Return our own issues about the provider, in any state."""
        from github.Issue import Issue  # noqa: PLC0415  (0.3 s)
        from github.PaginatedList import PaginatedList  # noqa: PLC0415

        query = {"creator": self._viewer.login, "state": "all"}
        listed = PaginatedList(Issue, github.requester, self._path, query)
        own = (
            _Issue(
                number=each.number,
                open=each.state == "open",
                title=each.title,
                body=each.body or "",
                url=each.html_url,
            )
            for each in listed
            # Pull requests are listed like issues; the account of an author may be gone.
            if "/pull/" not in each.html_url and getattr(each.user, "id", None) == self._viewer.id
        )
        return [each for each in own if each.about and each.about[0] == self._subject.provider]


def _open_first(issues: Sequence[_Issue]) -> list[_Issue]:
    return sorted(issues, key=lambda each: not each.open)


def _issue(data: object) -> _Issue | None:
    """Return the issue in the answer to a change."""
    match data:
        case {
            "number": int(number),
            "state": str(state),
            "title": str(title),
            "body": str(body),
            "html_url": str(url),
        }:
            return _Issue(number=number, open=state == "open", title=title, body=body, url=url)
    return None


def _tidy(text: str) -> str:
    return text.replace("\r\n", "\n").strip()

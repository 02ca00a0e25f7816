"""The verdict at a commit: a check run, or a commit status where the token may not write one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from attrs import frozen

from release_gate.github.client import Change
from release_gate.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from github import Github
    from github.CheckRun import CheckRun

    from release_gate.github.client import Client
    from release_gate.github.identity import Viewer

__all__ = ["Mark", "OneCheckRun", "OneStatus"]

#: INCONCLUSIVE is not neutral: a branch that requires the check would let neutral through, and no
#: answer is not a yes. Somebody has to see to the cells that gave none.
CONCLUSIONS: Final[Mapping[Verdict, str]] = {
    Verdict.GO: "success",
    Verdict.NO_GO: "failure",
    Verdict.INCONCLUSIVE: "action_required",
}

#: A pending status would promise an answer that nothing is working on.
STATES: Final[Mapping[Verdict, str]] = {
    Verdict.GO: "success",
    Verdict.NO_GO: "failure",
    Verdict.INCONCLUSIVE: "error",
}

#: Characters of a title and of a description; bytes of a summary.
TITLE: Final = 255
DESCRIPTION: Final = 140
SUMMARY: Final = 65_535


@frozen(kw_only=True)
class Mark:
    """What is said at commit `sha` of `repository`; `name` tells gates of one commit apart.

    title: one line, cut where it is too long. summary: Markdown of `SUMMARY` bytes or less.
    finished: in UTC. url: of the run, or empty.
    """

    repository: str
    sha: str
    name: str
    verdict: Verdict
    title: str
    summary: str
    started: datetime
    finished: datetime
    url: str


class OneCheckRun:
    """The check run of a mark, as `Work`: updated in place when the app of the token made one."""

    def __init__(self, client: Client, viewer: Viewer | None, mark: Mark) -> None:
        self.what = f"check run on {mark.repository}@{mark.sha[:10]}"
        self.url: str | None = None
        self.notes: list[str] = []
        self._client = client
        self._viewer = viewer
        self._mark = mark
        self._runs = f"/repos/{mark.repository}/check-runs"
        self._newest: CheckRun | None = None
        self._created = False

    def look(self) -> None:
        self._newest = self._client.ask(self.what, self._listed)
        if self._newest is not None:
            self.url = self._newest.html_url

    def todo(self) -> Sequence[Change]:
        mark, there = self._mark, self._newest
        body = {
            "name": mark.name,
            "external_id": mark.name,
            "status": "completed",
            "conclusion": CONCLUSIONS[mark.verdict],
            "started_at": _time(mark.started),
            "completed_at": _time(mark.finished),
            "output": {"title": _cut(mark.title, TITLE), "summary": mark.summary},
            **({"details_url": mark.url} if mark.url else {}),
        }
        if there is None:
            # A list may lag behind: what was answered is there.
            body |= {"head_sha": mark.sha}
            done = self._created
            return [] if done else [Change(method="POST", path=self._runs, body=body)]
        if there.completed_at is not None and there.completed_at > mark.finished:
            self.notes = [f"it shows a run that ended at {there.completed_at:%Y-%m-%dT%H:%M:%SZ}"]
            return []
        same = (
            there.status == "completed"
            and there.conclusion == body["conclusion"]
            and there.completed_at == mark.finished
            and there.details_url == (mark.url or there.details_url)
            and there.output.title == _cut(mark.title, TITLE)
            and (there.output.summary or "").strip() == mark.summary.strip()
        )
        return [] if same else [Change(method="PATCH", path=f"{self._runs}/{there.id}", body=body)]

    def answered(self, change: Change, data: object) -> None:
        if isinstance(data, dict) and isinstance(url := data.get("html_url"), str):
            self.url = url
            self._created = self._created or change.method == "POST"

    def _listed(self, github: Github) -> CheckRun | None:
        """Return the newest check run that is ours; GitHub goes by the newest of a name."""
        from github.CheckRun import CheckRun  # noqa: PLC0415  (0.3 s)
        from github.PaginatedList import PaginatedList  # noqa: PLC0415

        path = f"/repos/{self._mark.repository}/commits/{self._mark.sha}/check-runs"
        asked = {"check_name": self._mark.name, "filter": "all"}
        listed = PaginatedList(CheckRun, github.requester, path, asked, list_item="check_runs")
        app = self._viewer and self._viewer.app
        own = (
            each
            for each in listed
            if app
            and each.external_id == self._mark.name
            # That of another app may be hidden.
            and getattr(each.app, "slug", None) == app
        )
        return max(own, key=lambda each: each.id, default=None)


class OneStatus:
    """The commit status of a mark, as `Work`. GitHub shows the last of a context."""

    def __init__(self, client: Client, viewer: Viewer | None, mark: Mark) -> None:
        self.what = f"commit status on {mark.repository}@{mark.sha[:10]}"
        self.url: str | None = None
        self.notes: list[str] = []
        self._client = client
        self._viewer = viewer
        self._mark = mark
        self._there: tuple[str, str, str] | None = None
        self._created = False

    def look(self) -> None:
        self._there = self._client.ask(self.what, self._listed)
        if self._there is not None:
            self.url = f"{self._client.access.url}{self._statuses}"

    def todo(self) -> Sequence[Change]:
        mark = self._mark
        state, description = STATES[mark.verdict], _cut(mark.title, DESCRIPTION)
        if self._created or self._there == (state, description, mark.url):
            return []
        body = {"state": state, "description": description, "context": mark.name}
        body |= {"target_url": mark.url} if mark.url else {}
        return [Change(method="POST", path=self._statuses, body=body)]

    def answered(self, change: Change, data: object) -> None:
        if isinstance(data, dict) and isinstance(url := data.get("url"), str):
            self.url = url
            self._created = change.method == "POST"

    @property
    def _statuses(self) -> str:
        return f"/repos/{self._mark.repository}/statuses/{self._mark.sha}"

    def _listed(self, github: Github) -> tuple[str, str, str] | None:
        """Return state, description and link of the last status of our context, if it is ours."""
        from github.CommitStatus import CommitStatus  # noqa: PLC0415  (0.3 s)
        from github.PaginatedList import PaginatedList  # noqa: PLC0415

        path = f"/repos/{self._mark.repository}/commits/{self._mark.sha}/statuses"
        context = self._mark.name.casefold()
        for each in PaginatedList(CommitStatus, github.requester, path, None):
            if each.context.casefold() == context:
                # Who made it may be gone.
                ours = self._viewer and getattr(each.creator, "id", None) == self._viewer.id
                return (each.state, each.description or "", each.target_url or "") if ours else None
        return None


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _cut(line: str, limit: int) -> str:
    return line if len(line) <= limit else line[: limit - 2] + " …"

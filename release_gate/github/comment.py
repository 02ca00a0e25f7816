"""The one comment of a gate on an issue: found by marker and author, edited in place.

It holds the newest run and the history of the last ones, which makes it the same in whatever order
runs publish: each adds itself to what it finds. When two jobs created one each, the oldest is
kept, takes the history of the others, and those are deleted: to hide them would leave them there to
be found again, and a deletion that is repeated does no harm.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from attrs import frozen

from release_gate.github.client import Change
from release_gate.report.history import HistoryError, merge, read_history, with_history
from release_gate.report.markdown import LIMIT, marked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from github import Github

    from release_gate.github.client import Client
    from release_gate.github.identity import Viewer
    from release_gate.report.history import Run

__all__ = ["Draft", "OneComment"]


@frozen(kw_only=True)
class Draft:
    """What is to be said: `write` returns the comment for a history whose last run is `run`.

    key: that of the marker. server: where links of a history must lead.
    """

    key: str
    run: Run
    server: str
    write: Callable[[Sequence[Run]], str]


@frozen(kw_only=True)
class _Comment:
    id: int
    body: str
    url: str


class OneComment:
    """The comment of `draft` on an issue, as `Work`."""

    def __init__(
        self, client: Client, repository: str, number: int, viewer: Viewer | None, draft: Draft
    ) -> None:
        """viewer: the account whose comments are ours; None when it is not known."""
        self.what = f"comment on {repository}#{number}"
        self.url: str | None = None
        self.notes: list[str] = []
        self._client = client
        self._viewer = viewer
        self._draft = draft
        self._comments = f"/repos/{repository}/issues/{number}/comments"
        self._one = f"/repos/{repository}/issues/comments"
        self._own: tuple[_Comment, ...] = ()
        self._created: _Comment | None = None
        self._kept_as: dict[str, str] = {}  # what GitHub made of a text that it was sent

    def look(self) -> None:
        found = self._client.ask(self.what, self._listed)
        if self._created is not None and not found:
            found = (self._created,)  # a list may lag behind: what was answered is there
        self._own = found
        self.url = found[0].url if found else None

    def todo(self) -> Sequence[Change]:
        body = self._wanted()
        if not self._own:
            return [Change(method="POST", path=self._comments, body={"body": body})]
        kept, *others = self._own
        changes = [Change(method="DELETE", path=f"{self._one}/{each.id}") for each in others]
        if _tidy(kept.body) not in {_tidy(body), _tidy(self._kept_as.get(body, body))}:
            path = f"{self._one}/{kept.id}"
            changes.insert(0, Change(method="PATCH", path=path, body={"body": body}))
        return changes

    def answered(self, change: Change, data: object) -> None:
        if change.method == "DELETE":
            self._note("deleted a second comment of this gate; its runs are in the first")
        elif isinstance(data, dict) and change.body is not None:
            match data:
                case {"id": int(name), "body": str(body), "html_url": str(url)}:
                    self._kept_as[change.body["body"]] = body
                    if change.method == "POST":
                        self._created = _Comment(id=name, body=body, url=url)

    def _listed(self, github: Github) -> tuple[_Comment, ...]:
        """Return our own comments, oldest first."""
        from github.IssueComment import IssueComment  # noqa: PLC0415  (0.3 s)
        from github.PaginatedList import PaginatedList  # noqa: PLC0415

        listed = PaginatedList(IssueComment, github.requester, self._comments, None)
        own = (
            _Comment(id=each.id, body=each.body.replace("\r\n", "\n"), url=each.html_url)
            for each in listed
            # The account of an author may be gone.
            if self._viewer and getattr(each.user, "id", None) == self._viewer.id
        )
        return tuple(
            sorted(
                (each for each in own if marked(each.body) == self._draft.key),
                key=lambda each: each.id,
            )
        )

    def _wanted(self) -> str:
        """Return the comment that shows the newest of all runs, and has every one in its history.

        That run may be one of a job that was faster: what it wrote then stays, but for the history.
        """
        run = self._draft.run
        histories = {each.id: tuple(self._history(each)) for each in self._own}
        runs = merge(*histories.values(), (run,))
        newest = runs[-1]
        if newest == run:
            return self._draft.write(runs)
        self._note(f"it shows the run that ended at {newest.finished}: that is newer than this one")
        shown = next(each for each in self._own if newest in histories[each.id][-1:])
        return with_history(shown.body, runs, LIMIT)

    def _history(self, comment: _Comment) -> Iterator[Run]:
        try:
            yield from read_history(comment.body, self._draft.server, datetime.now(UTC))
        except HistoryError as error:
            self._note(f"the history of earlier runs is dropped: {error}")

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _tidy(text: str) -> str:
    return text.replace("\r\n", "\n").strip()

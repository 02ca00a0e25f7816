"""Comments of one account on an issue, and the wish that there be just one of a kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from attrs import frozen

from release_gate.github.client import Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from github import Github

    from release_gate.github.client import Client
    from release_gate.github.identity import Viewer

__all__ = ["OwnComment", "Written", "own_comments"]


@frozen(kw_only=True)
class Written:
    """A comment as it is, its lines ended by a newline only."""

    id: int
    body: str
    url: str


def own_comments(
    client: Client, repository: str, number: int, viewer: Viewer | None
) -> tuple[Written, ...]:
    """Return the comments of `viewer` on an issue, oldest first. Raises NoAnswerError."""

    def request(github: Github) -> tuple[Written, ...]:
        from github.IssueComment import IssueComment  # noqa: PLC0415  (0.3 s)
        from github.PaginatedList import PaginatedList  # noqa: PLC0415

        listed = PaginatedList(IssueComment, github.requester, _comments(repository, number), None)
        own = (
            Written(id=each.id, body=each.body.replace("\r\n", "\n"), url=each.html_url)
            for each in listed
            # The account of an author may be gone.
            if viewer and getattr(each.user, "id", None) == viewer.id
        )
        return tuple(sorted(own, key=lambda each: each.id))

    return client.ask(f"comment on {repository}#{number}", request)


class OwnComment(ABC):
    """A comment that is wanted once on an issue, as `Work`; of several the oldest is kept.

    The others are deleted: to hide them would leave them there to be found again, and a deletion
    that is repeated does no harm.
    """

    #: What is told of a second one that was deleted.
    folded = "deleted a second comment of this gate"

    def __init__(self, client: Client, repository: str, number: int, viewer: Viewer | None) -> None:
        """viewer: the account whose comments are ours; None when it is not known."""
        self.what = f"comment on {repository}#{number}"
        self.url: str | None = None
        self.notes: list[str] = []
        self._client = client
        self._place = (repository, number)
        self._viewer = viewer
        self._one = f"/repos/{repository}/issues/comments"
        self._own: tuple[Written, ...] = ()
        self._created: Written | None = None
        self._kept_as: dict[str, str] = {}  # what GitHub made of a text that it was sent

    @abstractmethod
    def is_it(self, comment: str) -> bool:
        """Say whether a comment of ours is one of this kind."""

    @abstractmethod
    def wanted(self, there: Sequence[Written]) -> str:
        """Return what the comment is to say, with those that are there already, oldest first."""

    def look(self) -> None:
        listed = own_comments(self._client, *self._place, self._viewer)
        found = tuple(each for each in listed if self.is_it(each.body))
        if self._created is not None and not found:
            found = (self._created,)  # a list may lag behind: what was answered is there
        self._own = found
        self.url = found[0].url if found else None

    def todo(self) -> Sequence[Change]:
        body = self.wanted(self._own)
        if not self._own:
            return [Change(method="POST", path=_comments(*self._place), body={"body": body})]
        kept, *others = self._own
        changes = [Change(method="DELETE", path=f"{self._one}/{each.id}") for each in others]
        if _tidy(kept.body) not in {_tidy(body), _tidy(self._kept_as.get(body, body))}:
            path = f"{self._one}/{kept.id}"
            changes.insert(0, Change(method="PATCH", path=path, body={"body": body}))
        return changes

    def answered(self, change: Change, data: object) -> None:
        if change.method == "DELETE":
            self.note(self.folded)
        elif isinstance(data, dict) and change.body is not None:
            match data:
                case {"id": int(name), "body": str(body), "html_url": str(url)}:
                    self._kept_as[change.body["body"]] = body
                    if change.method == "POST":
                        self._created = Written(id=name, body=body, url=url)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _comments(repository: str, number: int) -> str:
    return f"/repos/{repository}/issues/{number}/comments"


def _tidy(text: str) -> str:
    return text.replace("\r\n", "\n").strip()

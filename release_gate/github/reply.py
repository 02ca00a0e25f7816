"""The answer to a command: one comment and one reaction, the same however often they are made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from release_gate.github.own_comment import OwnComment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from github import Github

    from release_gate.github.client import Client
    from release_gate.github.event import CommentEvent
    from release_gate.github.identity import Viewer
    from release_gate.github.own_comment import Written

__all__ = ["ACCEPTED", "REFUSED", "OneReply", "Reaction", "react", "run_announced"]

Reaction = Literal["eyes", "confused"]

ACCEPTED: Final[Reaction] = "eyes"
REFUSED: Final[Reaction] = "confused"

_MARK: Final = re.compile(r"<!-- release-gate:reply:v1 to=(\d{1,20})(?: run=(\d{1,20}))? -->")


class OneReply(OwnComment):
    """The reply to the comment of `event`, as `Work`."""

    folded = "deleted a second reply to the same comment"

    def __init__(
        self, client: Client, event: CommentEvent, viewer: Viewer, text: str, run: int | None = None
    ) -> None:
        """text: Markdown, escaped. run: id of the workflow run that the reply announces."""
        super().__init__(client, event.repository, event.number, viewer)
        self._to = str(event.comment)
        announced = "" if run is None else f" run={run}"
        self._text = f"<!-- release-gate:reply:v1 to={self._to}{announced} -->\n{text}"

    def is_it(self, comment: str) -> bool:
        mark = _mark(comment)
        return mark is not None and mark[1] == self._to

    def wanted(self, there: Sequence[Written]) -> str:
        del there  # none of them says anything that is to be kept
        return self._text


def run_announced(comment: str) -> int | None:
    """Return the workflow run that a reply of ours announces; None for any other comment."""
    mark = _mark(comment)
    return int(mark[2]) if mark is not None and mark[2] is not None else None


def react(client: Client, event: CommentEvent, reaction: Reaction) -> None:
    """React to the comment of `event`; once more changes nothing. Raises NoAnswerError."""
    path = f"/repos/{event.repository}/issues/comments/{event.comment}/reactions"

    def request(github: Github) -> None:
        github.requester.requestJsonAndCheck("POST", path, input={"content": reaction})

    client.ask(f"reaction to a comment on {event.place}", request)


def _mark(comment: str) -> re.Match[str] | None:
    return _MARK.fullmatch(comment.partition("\n")[0])

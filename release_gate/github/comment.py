"""The one comment of a gate on an issue: found by marker and author, edited in place.

It holds the newest run and the history of the last ones, which makes it the same in whatever order
runs publish: each adds itself to what it finds. When two jobs created one each, the oldest is
kept and takes the history of the others.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from attrs import frozen

from release_gate.github.own_comment import OwnComment
from release_gate.report.history import HistoryError, merge, read_history, with_history
from release_gate.report.markdown import LIMIT, marked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from release_gate.github.client import Client
    from release_gate.github.identity import Viewer
    from release_gate.github.own_comment import Written
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


class OneComment(OwnComment):
    """The comment of `draft` on an issue, as `Work`."""

    folded = "deleted a second comment of this gate; its runs are in the first"

    def __init__(
        self, client: Client, repository: str, number: int, viewer: Viewer | None, draft: Draft
    ) -> None:
        super().__init__(client, repository, number, viewer)
        self._draft = draft

    def is_it(self, comment: str) -> bool:
        return marked(comment) == self._draft.key

    def wanted(self, there: Sequence[Written]) -> str:
        """Return the comment that shows the newest of all runs, and has every one in its history.

        That run may be one of a job that was faster: what it wrote then stays, but for the history.
        """
        run = self._draft.run
        histories = {each.id: tuple(self._history(each)) for each in there}
        runs = merge(*histories.values(), (run,))
        newest = runs[-1]
        if newest == run:
            return self._draft.write(runs)
        self.note(f"it shows the run that ended at {newest.finished}: that is newer than this one")
        shown = next(each for each in there if newest in histories[each.id][-1:])
        return with_history(shown.body, runs, LIMIT)

    def _history(self, comment: Written) -> Iterator[Run]:
        try:
            yield from read_history(comment.body, self._draft.server, datetime.now(UTC))
        except HistoryError as error:
            self.note(f"the history of earlier runs is dropped: {error}")

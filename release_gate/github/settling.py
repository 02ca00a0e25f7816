"""Making something on GitHub as it is wanted, with a connection that may fail at any time.

Look, send what is missing, look again: what arrived without an answer is found, not sent twice,
and what others did meanwhile is seen. Nothing left to do is the end of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from release_gate.errors import Problem
from release_gate.github.client import ATTEMPTS
from release_gate.github.refusals import MayHaveArrivedError, NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release_gate.github.client import Change, Client

__all__ = ["Work", "settle"]

#: Looks at most. Two are enough when nobody else is at it.
ROUNDS: Final = 12

#: Seconds between a change and the look after it: that of another job shows by then.
SETTLE = 2.0


class Work(Protocol):
    """Something that is wanted.

    what: names it in errors. url: where it is, once it is there. notes: what is worth telling.
    """

    what: str
    url: str | None
    notes: list[str]

    def look(self) -> None:
        """Read how it is. Raises NoAnswerError."""

    def todo(self) -> Sequence[Change]:
        """Return what is still to be sent, in order; the state is that of the last look."""

    def answered(self, change: Change, data: object) -> None:
        """Take the answer to a change that was done."""


def settle(work: Work, client: Client) -> None:
    """Send what is to be done until nothing is; raises NoAnswerError when that cannot be reached.

    The same change is tried as often as any request of `Client`, and only after a look.
    """
    failures: list[NoAnswerError] = []
    for number in range(ROUNDS):
        if number and not failures:
            client.wait(SETTLE)
        work.look()
        changes = work.todo()
        if not changes:
            return
        if len(failures) == ATTEMPTS:
            raise failures[-1]
        try:
            _send(changes, work, client, attempt=len(failures) + 1)
        except MayHaveArrivedError as error:
            failures.append(error.refusal)
        else:
            failures.clear()
    why = f"{work.what} is changed by somebody else over and over"
    hint = "do several jobs publish the same at once? run it again"
    raise NoAnswerError(Problem(what=why, where=client.access.url, hint=hint), lasting=False)


def _send(changes: Sequence[Change], work: Work, client: Client, attempt: int) -> None:
    for change in changes:
        try:
            work.answered(change, client.send(work.what, change, attempt=attempt))
        except NoAnswerError as error:
            # Gone since the look: what was to be deleted is, and else the next look tells.
            if error.status not in {404, 410} or change.method == "POST":
                raise

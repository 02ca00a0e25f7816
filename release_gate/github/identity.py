"""Who the token belongs to: what it wrote is told from what others wrote by that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from release_gate.errors import Problem
from release_gate.github.client import TOKENS
from release_gate.github.refusals import NoAnswerError

if TYPE_CHECKING:
    from github import Github

    from release_gate.github.client import Client

__all__ = ["Viewer", "ask_viewer"]

#: GraphQL answers every kind of token. `GET /user` refuses those of apps, and so of Actions, and a
#: name that is assumed instead is wrong for any other app.
_QUERY = "query { viewer { login databaseId } }"

_BOT = "[bot]"


@frozen(kw_only=True)
class Viewer:
    """An account: `id` is that of REST's users, and unlike `login` it never changes."""

    login: str
    id: int

    @property
    def app(self) -> str | None:
        """Return the slug of the app that it is the bot of; None for a person."""
        return self.login.removesuffix(_BOT) if self.login.endswith(_BOT) else None


def ask_viewer(client: Client) -> Viewer:
    """Return whose token it is. Raises NoAnswerError, also when there is none."""
    if client.access.token is None:
        hint = f"set {' or '.join(TOKENS)}"
        problem = Problem(what="there is no token", where=client.access.url, hint=hint)
        raise NoAnswerError(problem, lasting=True)
    return client.ask("the account of the token", _viewer, limit="graphql")


def _viewer(github: Github) -> Viewer:
    data = github.requester.graphql_query(_QUERY, {})[1]["data"]["viewer"]
    login, number = data["login"], data["databaseId"]
    if not isinstance(login, str) or type(number) is not int:
        raise TypeError(type(number).__name__)
    return Viewer(login=login, id=number)

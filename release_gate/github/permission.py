"""Whether an account may write to a repository, as GitHub says now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from release_gate.github.refusals import NoAnswerError

if TYPE_CHECKING:
    from github import Github

    from release_gate.github.client import Client
    from release_gate.github.event import Author

__all__ = ["may_write"]

#: GitHub tells "maintain" as write, and "triage" as read.
_WRITING: Final = frozenset({"admin", "write"})


def may_write(client: Client, repository: str, author: Author) -> bool:
    """Say whether `author` may write; who is no collaborator may not. Raises NoAnswerError.

    The account is asked for by its name, which may be somebody else's since the comment: what is
    answered must be about the same account.
    """
    path = f"/repos/{repository}/collaborators/{quote(author.login, safe='')}/permission"

    def request(github: Github) -> bool:
        match github.requester.requestJsonAndCheck("GET", path)[1]:
            case {"permission": str(permission), "user": {"id": int(number)}}:
                return permission in _WRITING and number == author.id
            case {"permission": str(), "user": None}:
                return False
        raise ValueError(path)

    try:
        return client.ask(f"permission of an account in {repository}", request)
    except NoAnswerError as error:
        if error.status == 404:
            return False
        raise

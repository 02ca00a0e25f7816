"""The event that starts the workflow of commands, as GitHub writes it: a comment on an issue."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from attrs import frozen

from release_gate.errors import ConfigurationError, Problem
from release_gate.github.target import is_repository

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Author", "CommentEvent", "read_event"]

#: GitHub's limit for a payload is 25 MB.
_MOST_BYTES: Final = 32 * 2**20


@frozen(kw_only=True)
class Author:
    """An account; `is_person` is False for apps and their bots."""

    login: str
    id: int
    is_person: bool


@frozen(kw_only=True)
class CommentEvent:
    """What happened ("created", ...) to comment `comment` of issue or pull request `number`.

    `author`: None when the account is gone.
    """

    action: str
    repository: str
    number: int
    comment: int
    author: Author | None
    body: str

    @property
    def place(self) -> str:
        return f"{self.repository}#{self.number}"


def read_event(path: Path, environment: Mapping[str, str]) -> CommentEvent:
    """Return the event in `path`.

    Raises ConfigurationError when it is none, and when it is of another repository than the
    workflow's, which `environment` names.
    """
    where = str(path)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigurationError(Problem(what="is too large for an event", where=where))
        data = json.loads(path.read_bytes())
    except OSError as error:
        what = f"cannot read: {error.strerror or error}"
        hint = "in a workflow it is $GITHUB_EVENT_PATH"
        raise ConfigurationError(Problem(what=what, where=where, hint=hint)) from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(Problem(what="is no JSON", where=where)) from error
    event = _event(data)
    if event is None:
        hint = "it is for the event issue_comment"
        raise ConfigurationError(Problem(what="is no event of a comment", where=where, hint=hint))
    running = environment.get("GITHUB_REPOSITORY") or event.repository
    if running.casefold() != event.repository.casefold():
        what = f"is of {event.repository}, and this workflow of another repository"
        raise ConfigurationError(Problem(what=what, where=where))
    return event


def _event(data: object) -> CommentEvent | None:
    match data:
        case {
            "action": str(action),
            "comment": {"id": int(comment), "body": str() | None as body, "user": user} as written,
            "issue": {"number": int(number)},
            "repository": {"full_name": str(repository)},
        } if is_repository(repository) and number > 0 and comment > 0:
            author = _author(user, by_app=written.get("performed_via_github_app") is not None)
            return CommentEvent(
                action=action,
                repository=repository,
                number=number,
                comment=comment,
                author=author,
                body=body or "",
            )
    return None


def _author(user: object, *, by_app: bool) -> Author | None:
    match user:
        case {"login": str(login), "id": int(number), "type": str(kind)}:
            return Author(login=login, id=number, is_person=kind == "User" and not by_app)
    return None

"""What GitHub means by refusing: in words with the next step, and whether waiting helps.

GitHub's own words are read for what they mean and never repeated: they may quote the request.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from release_gate.errors import InfrastructureError, Problem

if TYPE_CHECKING:
    from github import GithubException

    from release_gate.github.client import Access

__all__ = ["MayHaveArrivedError", "NoAnswerError", "is_limited", "pause_after", "refused"]

#: Seconds to wait at a secondary rate limit that does not say how long: GitHub asks for a minute.
SECONDARY_PAUSE: Final = 60.0

_PERMISSIONS: Final = (
    "give it issues: write for a comment, checks: write for a check run, "
    "statuses: write for a commit status"
)

#: By status and a part of the message: what that means, and what to do.
_MEANINGS: Final = (
    (403, "is locked", "the conversation is locked", "unlock it, or name another issue"),
    (403, "archived", "the repository is archived", "name an issue of another repository"),
    (403, "via a github app", "only the token of an app may do it", "that of GitHub Actions does"),
    (403, "not accessible by", "the token has no right to", _PERMISSIONS),
    (403, "must have admin rights", "the token has no right to", _PERMISSIONS),
    (422, "no commit found", "there is no such commit", "is it pushed, to that repository?"),
    (422, "too long", "it is longer than GitHub takes", "this is a bug in the gate: report it"),
    (422, "", "GitHub cannot use what was sent", "look at it with --dry-run, and report it"),
)


class NoAnswerError(InfrastructureError):
    """GitHub did not answer a request, or refused it.

    lasting: it would refuse the next too. status: of HTTP, if that is what it refused with.
    """

    def __init__(self, problem: Problem, *, lasting: bool, status: int | None = None) -> None:
        super().__init__(problem)
        self.lasting = lasting
        self.status = status

    @property
    def why(self) -> str:
        return self.problems[0].what


class MayHaveArrivedError(Exception):
    """A change got no answer, or came too fast; `refusal` says why.

    The pause is over when this is raised. It may have been done: look before it is sent again.
    """

    def __init__(self, refusal: NoAnswerError) -> None:
        super().__init__(refusal.why)
        self.refusal = refusal


def refused(what: str, error: GithubException, access: Access, tokens: str) -> NoAnswerError:
    """Return in words why GitHub refuses `what`. tokens: where a token may be given."""
    status = error.status
    lasting = False
    if status == 401:
        why = "the token is not accepted (HTTP status 401)"
        hint = f"is the token in {tokens} still valid? without one, less is asked"
        lasting = True
    elif is_limited(error):
        until = _reset(error)
        why = "the rate limit is used up" + ("" if until is None else f" until {until:%H:%M} UTC")
        more = "" if access.token else f"; with a token in {tokens} more may be asked"
        hint = f"ask again later{more}"
        lasting = True
    elif status in {404, 410}:
        why = f"there is no {what}, or it is not public (HTTP status {status})"
        hint = "was it moved or deleted? may the token see it?"
    elif status >= 500:
        why = f"GitHub is out of order (HTTP status {status})"
        hint = "ask again later"
        lasting = True
    else:
        meaning, hint = _meaning(error)
        why = f"{what} is refused (HTTP status {status}){meaning}"
    problem = Problem(what=why, where=access.url, hint=hint)
    return NoAnswerError(problem, lasting=lasting, status=status)


def is_limited(error: GithubException) -> bool:
    """Say whether a rate limit, primary or secondary, is what refuses: then nothing was done."""
    from github import RateLimitExceededException  # noqa: PLC0415  (0.3 s)

    return (
        isinstance(error, RateLimitExceededException)
        or error.status == 429
        or (error.status == 403 and bool(_header(error, "retry-after")))
        or (error.status == 403 and _header(error, "x-ratelimit-remaining") == "0")
        or _is_limited_query(error)
    )


def pause_after(error: GithubException, usual: float) -> float | None:
    """Return the seconds to wait before the next attempt; None where waiting does not help.

    usual: seconds for a fault that says nothing of time.
    """
    if is_limited(error):
        after, until = _header(error, "retry-after"), _reset(error)
        if after.isdecimal():
            return float(after)
        if until is not None:
            return max(0.0, (until - datetime.now(UTC)).total_seconds()) + 1  # within that second
        return SECONDARY_PAUSE
    return usual if error.status >= 500 else None


def _meaning(error: GithubException) -> tuple[str, str]:
    data = error.data
    message = str(data.get("message", "")) if isinstance(data, dict) else ""
    # A validation has its reasons apart from the message.
    told = f"{message} {data.get('errors', '')}".casefold() if isinstance(data, dict) else ""
    for status, part, meaning, hint in _MEANINGS:
        if status == error.status and part in told:
            return f": {meaning}", hint
    return "", ""


def _is_limited_query(error: GithubException) -> bool:
    """Say whether GraphQL refuses for its limit: it answers 200 and tells in the data."""
    errors = error.data.get("errors") if isinstance(error.data, dict) else None
    return isinstance(errors, list) and any(
        isinstance(each, dict) and each.get("type") == "RATE_LIMITED" for each in errors
    )


def _header(error: GithubException, name: str) -> str:
    return next((v for k, v in (error.headers or {}).items() if k.casefold() == name), "")


def _reset(error: GithubException) -> datetime | None:
    value = _header(error, "x-ratelimit-reset")
    used_up = _header(error, "x-ratelimit-remaining") == "0"
    is_time = value.isdecimal() and len(value) <= 10  # any more digits are no seconds of this era
    return datetime.fromtimestamp(int(value), UTC) if used_up and is_time else None

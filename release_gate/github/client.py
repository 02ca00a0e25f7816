"""The connection to GitHub's API: whose token, which address, and how long to be patient.

`Access` is read from the environment as Actions and the `gh` command have it. The token is kept out
of every text that this module makes; it is sent over https, or to this machine, only.

PyGithub's own retries are switched off: they wait for as long as a server asks for, and do not know
that GitHub may answer 429.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from attrs import field, frozen

from release_gate import __version__
from release_gate.errors import ConfigurationError, InfrastructureError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from github import Github, GithubException

__all__ = ["PUBLIC", "Access", "Client", "NoAnswerError"]

T = TypeVar("T")

#: The API of github.com; GITHUB_API_URL names that of an Enterprise Server.
PUBLIC = "https://api.github.com"

#: Where a token is looked for, in the order of the `gh` command.
TOKENS = ("GH_TOKEN", "GITHUB_TOKEN")

#: Seconds to connect, and between two pieces of an answer.
TIMEOUT = 15

#: Attempts at one request, and the pause before the second one in seconds (doubled each time).
ATTEMPTS = 3
PAUSE = 1.0

#: Seconds of waiting for rate limits, in all. Those of the search are renewed every minute.
PATIENCE = 90.0

#: Seconds to wait at a secondary rate limit that does not say how long: GitHub asks for a minute.
SECONDARY_PAUSE = 60.0

#: What PyGithub raises about an answer that is not GitHub's: it is not made to expect one.
_NONSENSE = (AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)

_HERE = ("localhost", "127.0.0.1", "::1")


class NoAnswerError(InfrastructureError):
    """GitHub did not answer a request, or refused it. `lasting`: it would refuse the next too."""

    def __init__(self, problem: Problem, *, lasting: bool) -> None:
        super().__init__(problem)
        self.lasting = lasting

    @property
    def why(self) -> str:
        return self.problems[0].what


@frozen(kw_only=True)
class Access:
    """The address of the API, and the token if there is one."""

    url: str = PUBLIC
    token: str | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Access:
        """Return what GITHUB_API_URL and GH_TOKEN or GITHUB_TOKEN say.

        Raises ConfigurationError with all that is wrong: an address that is none, a token that
        cannot be one, a token that would go over the network in the clear.
        """
        environ = os.environ if environ is None else environ
        url = (environ.get("GITHUB_API_URL") or PUBLIC).strip().rstrip("/")
        name = next((each for each in TOKENS if environ.get(each, "").strip()), None)
        token = None if name is None else environ[name].strip()
        problems = []
        host = _host(url)
        if host is None:
            what = "is no http address without user and password"
            problems.append(Problem(what=what, where="GITHUB_API_URL", hint=f"such as {PUBLIC}"))
        elif token is not None and url.casefold().startswith("http:") and host not in _HERE:
            what = f"would be sent in the clear to {host}"
            hint = "write https:// in GITHUB_API_URL"
            problems.append(Problem(what=what, where=name or "", hint=hint))
        if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
            what = "holds characters that no token has (it is not shown here)"
            problems.append(Problem(what=what, where=name or "", hint="copy it again"))
        if problems:
            raise ConfigurationError(problems)
        return cls(url=url, token=token)


def _host(url: str) -> str | None:
    """Return the host of an http address that holds no user; None for what is no such address."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and not parts.username and parts.port != 0
    except ValueError:  # a port that is no number, brackets that are not closed
        return None
    return parts.hostname if sound else None


class Client:
    """Asks GitHub with bounded patience; what it refused for good is not asked again.

    `say` is told of waiting, `sleep` is called with seconds. Requests may be sent more than once,
    so that one which changes something must be harmless to repeat.
    """

    def __init__(
        self,
        access: Access,
        *,
        say: Callable[[str], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.access = access
        self._say = say or (lambda _text: None)
        self._sleep = sleep
        self._patience = PATIENCE
        self._github: Github | None = None
        self._lost: dict[str | None, NoAnswerError] = {}  # by what is limited; None: everything

    def ask(self, what: str, request: Callable[[Github], T], *, limit: str = "core") -> T:
        """Return what `request` returns.

        what: names it in errors. limit: which of GitHub's rate limits it counts for, "core" or
        "search". Faults that may pass are waited out. Raises NoAnswerError.
        """
        from github import BadAttributeException, GithubException  # noqa: PLC0415  (0.3 s)
        from requests import RequestException  # noqa: PLC0415

        for lost in (self._lost.get(None), self._lost.get(limit)):
            if lost is not None:
                raise lost
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS
            try:
                return request(self._connected())
            except GithubException as error:
                refusal = self._refused(what, error)
                pause = _pause(error, attempt)
                if last or pause is None or not self._may_wait(error, pause):
                    raise self._remember(refusal, None if error.status == 401 else limit) from None
            except RequestException as error:
                if last:
                    why = f"{type(error).__name__} at {_host(self.access.url)}"
                    hint = "is there a network? what needs none works without it"
                    raise self._remember(self._error(why, hint), None) from None
                pause = PAUSE * 2 ** (attempt - 1)
            except (BadAttributeException, *_NONSENSE) as error:
                why = f"the answer about {what} is none of GitHub's ({type(error).__name__})"
                hint = "is GITHUB_API_URL the address of an API, and no proxy in between?"
                raise self._error(why, hint, lasting=False) from None
            self._sleep(pause)
        raise AssertionError  # the last attempt returns or raises

    def _connected(self) -> Github:
        if self._github is None:
            from github import Auth, Github  # noqa: PLC0415

            self._github = Github(
                auth=None if self.access.token is None else Auth.Token(self.access.token),
                base_url=self.access.url,
                timeout=TIMEOUT,
                user_agent=f"release-gate/{__version__}",
                retry=None,
                lazy=True,  # an issue is one request, not one more for its repository
                # What paces requests here are the limits that answers tell.
                seconds_between_requests=None,
                seconds_between_writes=1.0,
            )
        return self._github

    def _may_wait(self, error: GithubException, pause: float) -> bool:
        """Say whether to wait once more; time spent at rate limits is taken from the patience."""
        if not _is_limited(error):
            return True
        if pause > self._patience:
            return False
        self._patience -= pause
        self._say(f"GitHub wants fewer requests: waiting {pause:.0f} s")
        return True

    def _remember(self, refusal: NoAnswerError, limit: str | None) -> NoAnswerError:
        if refusal.lasting:
            self._lost[limit] = refusal
        return refusal

    def _refused(self, what: str, error: GithubException) -> NoAnswerError:
        """Return in words why GitHub refuses, without what it says of the request."""
        status = error.status
        if status == 401:
            hint = f"is the token in {' or '.join(TOKENS)} still valid? without one, less is asked"
            return self._error("the token is not accepted (HTTP status 401)", hint)
        if _is_limited(error):
            until = _reset(error)
            when = "" if until is None else f" until {until:%H:%M} UTC"
            more = "" if self.access.token else f"; with a token in {TOKENS[0]} more may be asked"
            return self._error(f"the rate limit is used up{when}", f"ask again later{more}")
        if status in {404, 410}:
            why = f"there is no {what}, or it is not public (HTTP status {status})"
            return self._error(why, "was it moved or deleted?", lasting=False)
        if status >= 500:
            return self._error(f"GitHub is out of order (HTTP status {status})", "ask again later")
        return self._error(f"{what} is refused (HTTP status {status})", "", lasting=False)

    def _error(self, why: str, hint: str, *, lasting: bool = True) -> NoAnswerError:
        return NoAnswerError(Problem(what=why, where=self.access.url, hint=hint), lasting=lasting)


def _header(error: GithubException, name: str) -> str:
    return next((v for k, v in (error.headers or {}).items() if k.casefold() == name), "")


def _is_limited(error: GithubException) -> bool:
    """Say whether a rate limit, primary or secondary, is what refuses."""
    from github import RateLimitExceededException  # noqa: PLC0415

    return (
        isinstance(error, RateLimitExceededException)
        or error.status == 429
        or (error.status == 403 and bool(_header(error, "retry-after")))
        or (error.status == 403 and _header(error, "x-ratelimit-remaining") == "0")
    )


def _reset(error: GithubException) -> datetime | None:
    value = _header(error, "x-ratelimit-reset")
    used_up = _header(error, "x-ratelimit-remaining") == "0"
    is_time = value.isdecimal() and len(value) <= 10  # any more digits are no seconds of this era
    return datetime.fromtimestamp(int(value), UTC) if used_up and is_time else None


def _pause(error: GithubException, attempt: int) -> float | None:
    """Return the seconds to wait before the next attempt; None where waiting does not help."""
    if _is_limited(error):
        after, until = _header(error, "retry-after"), _reset(error)
        if after.isdecimal():
            return float(after)
        if until is not None:
            return max(0.0, (until - datetime.now(UTC)).total_seconds()) + 1  # within that second
        return SECONDARY_PAUSE
    return PAUSE * 2 ** (attempt - 1) if error.status >= 500 else None

"""The connection to GitHub's API: whose token, which address, and how long to be patient.

`Access` is read from the environment as Actions and the `gh` command have it. The token is kept out
of every text that this module makes; it is sent over https, or to this machine, only.

PyGithub's own retries are switched off: they wait for as long as a server asks for, and do not know
that GitHub may answer 429.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from attrs import field, frozen

from release_gate import __version__
from release_gate.errors import ConfigurationError, Problem
from release_gate.github.refusals import (
    MayHaveArrivedError,
    NoAnswerError,
    is_limited,
    pause_after,
    refused,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from github import Github, GithubException

__all__ = ["PUBLIC", "Access", "Change", "Client"]

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

#: Seconds between two requests that change something: GitHub asks for one.
WRITE_PAUSE = 1.0

#: What PyGithub raises about an answer that is not GitHub's: it is not made to expect one.
_NONSENSE = (AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)

_HERE = ("localhost", "127.0.0.1", "::1")


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


@frozen(kw_only=True)
class Change:
    """A request that changes something, as it is sent: `path` from the address of the API on."""

    method: str
    path: str
    body: dict[str, Any] | None = None


class Client:
    """Asks GitHub with bounded patience; what it refused for good is not asked again.

    `say` is told of waiting, `sleep` is called with seconds. `ask` may send its request more than
    once; `send` sends a change once. per_page: entries that a list is asked for at a time.
    """

    def __init__(
        self,
        access: Access,
        *,
        say: Callable[[str], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        per_page: int = 30,
    ) -> None:
        self.access = access
        self._say = say or (lambda _text: None)
        self._sleep = sleep
        self._per_page = per_page
        self._patience = PATIENCE
        self._github: Github | None = None
        self._lost: dict[str | None, NoAnswerError] = {}  # by what is limited; None: everything

    def ask(self, what: str, request: Callable[[Github], T], *, limit: str = "core") -> T:
        """Return what `request` returns.

        what: names it in errors. limit: which of GitHub's rate limits it counts for: "core",
        "search" or "graphql". Faults that may pass are waited out. Raises NoAnswerError.
        """
        for attempt in range(1, ATTEMPTS):
            try:
                return self._once(what, request, limit, attempt, last=False)
            except MayHaveArrivedError:
                continue
        return self._once(what, request, limit, ATTEMPTS, last=True)

    def send(self, what: str, change: Change, *, attempt: int = 1) -> object:
        """Send a change once and return the JSON of the answer.

        attempt: the how manieth one of this change it is, for the pause after a fault. Raises
        MayHaveArrivedError when only a look can tell whether it was done, NoAnswerError when it
        was refused.
        """

        def request(github: Github) -> object:
            body = change.body
            return github.requester.requestJsonAndCheck(change.method, change.path, input=body)[1]

        return self._once(what, request, "core", attempt, last=False)

    def wait(self, seconds: float) -> None:
        """Do nothing for so long."""
        self._sleep(seconds)

    def _once(
        self, what: str, request: Callable[[Github], T], limit: str, attempt: int, *, last: bool
    ) -> T:
        """Return what `request` returns; after a fault that may pass, wait and raise.

        That is MayHaveArrivedError. Any other fault, and on the `last` attempt every one, is a
        NoAnswerError.
        """
        from github import BadAttributeException, GithubException  # noqa: PLC0415  (0.3 s)
        from requests import RequestException  # noqa: PLC0415

        for lost in (self._lost.get(None), self._lost.get(limit)):
            if lost is not None:
                raise lost
        try:
            return request(self._connected())
        except GithubException as error:
            refusal = refused(what, error, self.access, " or ".join(TOKENS))
            pause = None if last else self._pause(error, attempt)
            if pause is None:
                raise self._remember(refusal, None if error.status == 401 else limit) from None
        except RequestException as error:
            pause = PAUSE * 2 ** (attempt - 1)
            why = f"{type(error).__name__} at {_host(self.access.url)}"
            hint = "is there a network? what needs none works without it"
            refusal = self._error(why, hint)
            if last:
                raise self._remember(refusal, None) from None
        except (BadAttributeException, *_NONSENSE) as error:
            why = f"the answer about {what} is none of GitHub's ({type(error).__name__})"
            hint = "is GITHUB_API_URL the address of an API, and no proxy in between?"
            raise self._error(why, hint, lasting=False) from None
        self._sleep(pause)
        raise MayHaveArrivedError(refusal)

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
                seconds_between_writes=WRITE_PAUSE,
                per_page=self._per_page,
            )
        return self._github

    def _pause(self, error: GithubException, attempt: int) -> float | None:
        """Return the seconds to wait before the next attempt; None where none is worth it.

        Time spent at rate limits is taken from the patience.
        """
        pause = pause_after(error, PAUSE * 2 ** (attempt - 1))
        if pause is not None and is_limited(error):
            if pause > self._patience:
                return None
            self._patience -= pause
            self._say(f"GitHub wants fewer requests: waiting {pause:.0f} s")
        return pause

    def _remember(self, refusal: NoAnswerError, limit: str | None) -> NoAnswerError:
        if refusal.lasting:
            self._lost[limit] = refusal
        return refusal

    def _error(self, why: str, hint: str, *, lasting: bool = True) -> NoAnswerError:
        return NoAnswerError(Problem(what=why, where=self.access.url, hint=hint), lasting=lasting)

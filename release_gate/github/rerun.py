"""Running the failed jobs of a workflow run again: once, although the request may be repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import frozen

from release_gate.errors import ConfigurationError, Problem
from release_gate.github.client import Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from github import Github

    from release_gate.github.client import Client

__all__ = ["OneRerun"]

COMPLETED: Final = "completed"

#: Workflows whose runs are runs of the gate.
_WORKFLOWS: Final = ("gate.yml", "command.yml", "candidate.yml")


@frozen(kw_only=True)
class _State:
    attempt: int
    status: str
    conclusion: str
    path: str
    url: str


class OneRerun:
    """A further attempt at run `run` of a repository, as `Work`.

    Raises ConfigurationError from `look` when the run cannot be run again: it is still at it, it
    did not fail, or it is none of the gate.
    """

    def __init__(self, client: Client, repository: str, run: int) -> None:
        self.what = f"run {run} of {repository}"
        self.url: str | None = None
        self.notes: list[str] = []
        self._client = client
        self._path = f"/repos/{repository}/actions/runs/{run}"
        self._before: _State | None = None
        self._now: _State | None = None
        self._sent = False

    def look(self) -> None:
        now = self._client.ask(self.what, self._read)
        if self._before is None:
            self._check(now)
            self._before = now
        self._now = now
        self.url = now.url

    def todo(self) -> Sequence[Change]:
        if self._sent or self._is_at_it():
            return []
        return [Change(method="POST", path=f"{self._path}/rerun-failed-jobs")]

    def answered(self, change: Change, data: object) -> None:
        del change, data  # it is empty
        self._sent = True

    def _is_at_it(self) -> bool:
        """Whether another attempt has begun since the first look."""
        before, now = self._before, self._now
        if before is None or now is None:
            return False
        return now.status != COMPLETED or now.attempt > before.attempt

    def _read(self, github: Github) -> _State:
        match github.requester.requestJsonAndCheck("GET", self._path)[1]:
            case {
                "run_attempt": int(attempt),
                "status": str(status),
                "conclusion": str() | None as conclusion,
                "path": str(path),
                "html_url": str(url),
            }:
                return _State(
                    attempt=attempt,
                    status=status,
                    conclusion=conclusion or "",
                    path=path.partition("@")[0],
                    url=url,
                )
        raise ValueError(self.what)

    def _check(self, state: _State) -> None:
        problem: Problem | None = None
        if not state.path.endswith(tuple(f".github/workflows/{name}" for name in _WORKFLOWS)):
            problem = Problem(what=f"{self.what} is none of the gate")
        elif state.status != COMPLETED:
            problem = Problem(what=f"{self.what} is still at it", hint="wait until it has ended")
        elif state.conclusion == "success":
            problem = Problem(what=f"no job of {self.what} failed", hint="/gate run starts another")
        if problem is not None:
            raise ConfigurationError(problem)

"""Where a report is published, as the command line names it."""

from __future__ import annotations

import os
import re
from typing import Final

from attrs import frozen

from release_gate.errors import ConfigurationError, Problem
from release_gate.report.history import is_run_url
from release_gate.report.markdown import marker_key

__all__ = ["Target", "is_repository"]

SERVER: Final = "https://github.com"

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/(?!\.{1,2}$)[A-Za-z0-9_.-]{1,100}")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,9}")
_SHA: Final = re.compile(r"[0-9a-f]{40}")


def is_repository(text: str) -> bool:
    """Say whether `text` is the name of a repository with that of its owner."""
    return _REPOSITORY.fullmatch(text) is not None


@frozen(kw_only=True)
class Target:
    """Where a report goes to: an issue, a commit, or both. `server` is that of links to runs."""

    repository: str
    number: int | None
    of_commit: str
    sha: str | None
    run_url: str
    key: str
    server: str

    @classmethod
    def parse(
        cls,
        *,
        issue: str | None,
        commit: str | None = None,
        repository: str | None = None,
        run_url: str | None = None,
        key: str | None = None,
    ) -> Target:
        """Return what the options say. The commit is of `repository`, else of the issue's.

        Outside of both, GITHUB_REPOSITORY names it. Raises ConfigurationError with all problems.
        """
        problems: list[Problem] = []

        def check(sound: object, where: str, what: str, hint: str = "") -> None:
            if not sound:
                problems.append(Problem(what=what, where=where, hint=hint))

        place, _, number = (issue or "").partition("#")
        of_commit = repository or place or os.environ.get("GITHUB_REPOSITORY", "")
        server = (os.environ.get("GITHUB_SERVER_URL") or SERVER).rstrip("/")
        sha = commit.casefold() if commit else None
        check(issue or commit, "publish", "there is nowhere to publish to", "--issue or --commit")
        if issue:
            sound = is_repository(place) and _NUMBER.fullmatch(number)
            check(sound, "--issue", f"{issue!r} is no issue", "such as numpy/numpy-release#12")
        if sha is not None:
            hint = "all 40 digits, as git rev-parse prints them"
            check(_SHA.fullmatch(sha), "--commit", f"{commit!r} is no SHA of a commit", hint)
            hint = "such as numpy/numpy-release"
            what = f"{of_commit!r} is no repository"
            check(is_repository(of_commit), "--repository", what, hint)
        if run_url:
            hint = f"such as {server}/OWNER/REPO/actions/runs/1234"
            what = f"{run_url!r} is no workflow run of {server}"
            check(is_run_url(run_url, server), "--run-url", what, hint)
        if problems:
            raise ConfigurationError(problems)
        return cls(
            repository=place,
            number=int(number) if issue else None,
            of_commit=of_commit,
            sha=sha,
            run_url=run_url or "",
            key=marker_key(key or ""),
            server=server,
        )

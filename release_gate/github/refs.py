"""What a person calls a state of NumPy (a tag, a branch, a commit), made one commit.

A name is looked up once: what it points to later does not matter to a run that has begun.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from attrs import frozen
from packaging.version import InvalidVersion, Version

from release_gate.errors import ConfigurationError, Problem
from release_gate.github.refusals import NoAnswerError

if TYPE_CHECKING:
    from github import Github

    from release_gate.github.client import Client

__all__ = ["NUMPY", "Commit", "is_sha", "resolve_ref", "tag_of"]

NUMPY: Final = "numpy/numpy"
MAIN: Final = "main"
MAINTENANCE: Final = "maintenance/"

#: Maintenance branches that a commit is looked for in, the newest first.
BRANCHES: Final = 6

#: Tags that point to tags; more than one is a curiosity.
_DEPTH: Final = 3

_SHA: Final = re.compile(r"[0-9a-f]{40}")


@frozen(kw_only=True)
class Commit:
    """A commit of numpy/numpy; `found_as` says as what: "tag v2.5.5", "branch main"."""

    sha: str
    found_as: str


def is_sha(text: str) -> bool:
    """Say whether `text` is a whole SHA; a shorter one may be that of another commit tomorrow."""
    return _SHA.fullmatch(text) is not None


def tag_of(version: str) -> str:
    """Return the tag of a release of NumPy."""
    return f"v{version}"


def resolve_ref(client: Client, text: str) -> Commit:
    """Return the commit that `text`, a tag, a branch or a whole SHA, means now.

    GitHub shows the commits of all forks under the address of the original: one by its SHA counts
    only when main or a maintenance branch holds it. Raises ConfigurationError when there is no such
    commit or when the name is both a tag and a branch, NoAnswerError.
    """
    if is_sha(text):
        return _by_sha(client, text)
    tag, branch = _tag(client, text), _pointed(client, f"heads/{text}")
    if tag is not None and branch is not None:
        what = f"{text} is both a tag and a branch of {NUMPY}"
        hint = f"the tag is {tag}, the branch {branch[1]}"
        raise ConfigurationError(Problem(what=what, where="numpy", hint=hint))
    if tag is not None:
        return Commit(sha=tag, found_as=f"tag {text}")
    if branch is not None:
        return Commit(sha=branch[1], found_as=f"branch {text}")
    what = f"{NUMPY} has no tag or branch {text}"
    hint = "such as v2.5.5, maintenance/2.5.x, main, or all 40 digits of a commit"
    raise ConfigurationError(Problem(what=what, where="numpy", hint=hint))


def _tag(client: Client, name: str) -> str | None:
    """Return the commit of a tag; one with a message is an object of its own."""
    found = _pointed(client, f"tags/{name}")
    for _ in range(_DEPTH):
        if found is None or found[0] == "commit":
            break
        path = f"/repos/{NUMPY}/git/tags/{found[1]}"
        found = _object(_get(client, f"tag {name} of {NUMPY}", path))
    return None if found is None or found[0] != "commit" else found[1]


def _pointed(client: Client, ref: str) -> tuple[str, str] | None:
    """Return the kind and SHA of what a ref points to; None when there is no such ref."""
    return _object(_get(client, f"{ref} of {NUMPY}", f"/repos/{NUMPY}/git/ref/{_quoted(ref)}"))


def _object(data: Any) -> tuple[str, str] | None:  # noqa: ANN401  (JSON)
    match data:
        case None:
            return None
        case {"object": {"type": str(kind), "sha": str(sha)}} if is_sha(sha):
            return kind, sha
    raise _nonsense()


def _by_sha(client: Client, sha: str) -> Commit:
    for branch in (MAIN, *_maintained(client)):
        # The second page: the first lists what all files of the difference are.
        path = f"/repos/{NUMPY}/compare/{_quoted(branch)}...{sha}?per_page=1&page=2"
        data = _get(client, f"commit {sha} of {NUMPY}", path)
        if data is None:
            break
        if data.get("status") in {"behind", "identical"}:
            return Commit(sha=sha, found_as=f"commit on {branch}")
    what = f"neither {MAIN} nor a newer maintenance branch of {NUMPY} holds the commit {sha}"
    hint = "commits of forks and of pull requests are not built: anybody may push one"
    raise ConfigurationError(Problem(what=what, where="numpy", hint=hint))


def _maintained(client: Client) -> list[str]:
    """Return the newest maintenance branches, the newest first."""
    path = f"/repos/{NUMPY}/git/matching-refs/{_quoted(f'heads/{MAINTENANCE}')}"
    data = _get(client, f"branches of {NUMPY}", path)
    names = [each.get("ref") for each in data if isinstance(each, dict)] if data else []
    versions: dict[Version, str] = {}
    for name in names:
        branch = str(name).removeprefix("refs/heads/")
        try:
            versions[Version(branch.removeprefix(MAINTENANCE).removesuffix(".x"))] = branch
        except InvalidVersion:
            continue
    return [versions[version] for version in sorted(versions, reverse=True)[:BRANCHES]]


def _get(client: Client, what: str, path: str) -> Any:  # noqa: ANN401  (JSON)
    """Return what GitHub has at `path`; None when it has nothing there."""

    def request(github: Github) -> Any:  # noqa: ANN401
        data = github.requester.requestJsonAndCheck("GET", path)[1]
        if not isinstance(data, dict | list):
            raise TypeError(type(data).__name__)
        return data

    try:
        return client.ask(what, request)
    except NoAnswerError as error:
        if error.status in {404, 422}:  # 422: no SHA that it knows
            return None
        raise


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _nonsense() -> NoAnswerError:
    problem = Problem(what=f"the answer about {NUMPY} is none of GitHub's")
    return NoAnswerError(problem, lasting=False)

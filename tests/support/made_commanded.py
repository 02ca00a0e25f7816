"""What commands ask of a GitHub that is made up: permissions, refs, runs, reactions, issues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from attrs import define, field
from made_publications import API, FORBIDDEN, NOT_FOUND, PAGE, USER, Answer, refusal

if TYPE_CHECKING:
    from made_github import MadeGitHub

NUMPY = "numpy/numpy"


@define
class Commanded:
    """The state beside comments.

    permissions: by login, with the account that has that login now. refs: of numpy/numpy, by full
    name; the kind and SHA of what each points to. tags: what tags with a message point to. holds:
    per branch the commits that it holds; known: those that are there in any fork. runs: workflow
    runs, by id. stale: so many lists of issues do not show the last one yet.
    """

    github: MadeGitHub
    permissions: dict[str, tuple[str, dict[str, Any]]] = field(factory=dict)
    refs: dict[str, tuple[str, str]] = field(factory=dict)
    tags: dict[str, tuple[str, str]] = field(factory=dict)
    holds: dict[str, set[str]] = field(factory=dict)
    known: set[str] = field(factory=set)
    runs: dict[int, dict[str, Any]] = field(factory=dict)
    reactions: list[tuple[int, str]] = field(factory=list)
    stale: int = 0

    def answer(  # noqa: C901, PLR0911  (a table of routes)
        self,
        method: str,
        path: str,
        arguments: dict[str, str],
        body: dict[str, Any],
        user: dict[str, Any],
    ) -> Answer | None:
        """Return the answer; None for a request about something else."""
        match method, *map(unquote, path.strip("/").split("/")):
            case "GET", "repos", _, _, "collaborators", login, "permission":
                return self._permission(login)
            case "GET", "repos", "numpy", "numpy", "git", "ref", ref:
                return self._ref(f"refs/{ref}")
            case "GET", "repos", "numpy", "numpy", "git", "matching-refs", start:
                names = [name for name in self.refs if name.startswith(f"refs/{start}")]
                return Answer(200, [self._ref(name).data for name in names])
            case "GET", "repos", "numpy", "numpy", "git", "tags", sha:
                return self._tag(sha)
            case "GET", "repos", "numpy", "numpy", "compare", basehead:
                return self._compared(*basehead.split("..."))
            case "POST", "repos", _, _, "issues", "comments", number, "reactions":
                return self._react(int(number), body["content"], user)
            case "GET", "repos", _, _, "actions", "runs", number:
                run = self.runs.get(int(number))
                return Answer(200, run) if run else NOT_FOUND
            case "POST", "repos", _, _, "actions", "runs", number, "rerun-failed-jobs":
                return self._rerun(int(number))
            case "GET", "repos", owner, name, "issues":
                return self._issues(f"{owner}/{name}", arguments)
            case "POST", "repos", owner, name, "issues":
                return self._opened(f"{owner}/{name}", body, user)
            case "PATCH", "repos", owner, name, "issues", number:
                return self._edited(f"{owner}/{name}", int(number), body)
        return None

    def _permission(self, login: str) -> Answer:
        if login not in self.permissions:
            return refusal(404, f"{login} is not a user")
        permission, user = self.permissions[login]
        data = {"permission": permission, "role_name": permission}
        return Answer(200, data | {"user": user | {"role_name": permission}})

    def _ref(self, name: str) -> Answer:
        if name not in self.refs:
            return NOT_FOUND
        kind, sha = self.refs[name]
        url = f"{API}/repos/{NUMPY}/git/{name}"
        target = {"type": kind, "sha": sha, "url": f"{API}/repos/{NUMPY}/git/{kind}s/{sha}"}
        return Answer(200, {"ref": name, "node_id": "R_1", "url": url, "object": target})

    def _tag(self, sha: str) -> Answer:
        if sha not in self.tags:
            return NOT_FOUND
        kind, target = self.tags[sha]
        url = f"{API}/repos/{NUMPY}/git/tags/{sha}"
        at = {"type": kind, "sha": target, "url": f"{API}/repos/{NUMPY}/git/{kind}s/{target}"}
        tagger = {"name": "n", "email": "n@example.org", "date": "2026-11-15T10:00:00Z"}
        about = {"node_id": "T_1", "tag": "v2.5.5", "message": "NumPy", "tagger": tagger}
        return Answer(200, about | {"sha": sha, "url": url, "object": at})

    def _compared(self, base: str, head: str) -> Answer:
        if head not in self.known or f"refs/heads/{base}" not in self.refs:
            return NOT_FOUND
        url = f"{PAGE}/{NUMPY}/compare/{base}...{head}"
        held = head in self.holds.get(base, ())
        sha = self.refs[f"refs/heads/{base}"][1]
        urls = ("url", "html_url", "permalink_url", "diff_url", "patch_url")
        counts = {"ahead_by": int(not held), "behind_by": 3, "total_commits": int(not held)}
        ends = {"base_commit": commit(sha), "merge_base_commit": commit(sha)}
        status = "behind" if held else "diverged"
        return Answer(
            200, dict.fromkeys(urls, url) | counts | ends | {"status": status, "commits": []}
        )

    def _react(self, number: int, content: str, user: dict[str, Any]) -> Answer:
        if "issues" not in self.github.publications.rights:
            return FORBIDDEN
        made = {"id": 1, "node_id": "RE_1", "user": user, "content": content}
        there = (number, content) in self.reactions
        if not there:
            self.reactions.append((number, content))
        return Answer(200 if there else 201, made | {"created_at": "2026-11-22T12:00:00Z"})

    def _rerun(self, number: int) -> Answer:
        run = self.runs.get(number)
        if run is None:
            return NOT_FOUND
        if run["status"] != "completed":
            return refusal(403, "This workflow is already running")
        run |= {"status": "queued", "conclusion": None, "run_attempt": run["run_attempt"] + 1}
        return Answer(201, {})

    def _issues(self, repository: str, arguments: dict[str, str]) -> Answer:
        state = arguments.get("state", "open")
        found = [
            issue
            for (place, _), issue in self.github.issues.items()
            if place == repository
            and issue["user"]["login"] == arguments.get("creator", issue["user"]["login"])
            and state in {"all", issue["state"]}
        ]
        if self.stale and found:
            self.stale -= 1
            found = found[:-1]
        return Answer(200, found, found[::-1])

    def _opened(self, repository: str, body: dict[str, Any], user: dict[str, Any]) -> Answer:
        if "issues" not in self.github.publications.rights:
            return FORBIDDEN
        number = max((n for place, n in self.github.issues if place == repository), default=0) + 1
        self.github.add(repository, number, body["title"], body=body["body"], user=user)
        return Answer(201, self.github.issues[repository, number])

    def _edited(self, repository: str, number: int, body: dict[str, Any]) -> Answer:
        issue = self.github.issues.get((repository, number))
        if issue is None:
            return NOT_FOUND
        issue |= body
        return Answer(200, issue)


def commit(sha: str) -> dict[str, Any]:
    """Return a commit of NumPy as comparisons hold it."""
    url = f"{API}/repos/{NUMPY}/commits/{sha}"
    person = {"name": "n", "email": "n@example.org", "date": "2026-11-15T10:00:00Z"}
    tree = {"sha": sha, "url": url}
    about: dict[str, Any] = {"message": "m", "author": person, "committer": person, "tree": tree}
    about |= {"url": url, "comment_count": 0}
    urls = dict.fromkeys(("url", "html_url", "comments_url"), url)
    people = {"author": USER, "committer": USER}
    return urls | people | {"sha": sha, "node_id": "C_1", "commit": about, "parents": []}

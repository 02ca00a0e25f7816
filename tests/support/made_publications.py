"""What can be written on a GitHub that is made up: comments, check runs, commit statuses.

Refusals are those of the real one, with its words: they are all that tells what is wrong.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field, frozen

API = "https://api.github.com"
PAGE = "https://github.com"

#: Characters of a comment that GitHub takes.
LONGEST = 65_536

SHA = "3b9aca00" * 5


def account(login: str, number: int, kind: str = "User") -> dict[str, Any]:
    """Return a user, or a bot, as answers hold it."""
    page = f"{API}/users/{login}"
    keys = ("html_url", "followers_url", "following_url", "gists_url", "starred_url")
    more = ("subscriptions_url", "organizations_url", "repos_url", "events_url")
    return {
        "login": login,
        "id": number,
        "node_id": f"U_{number}",
        "avatar_url": f"{PAGE}/images/{number}.gif",
        "gravatar_id": "",
        "type": kind,
        "site_admin": False,
        "url": page,
        **{key: f"{page}/{key}" for key in (*keys, *more, "received_events_url")},
    }


USER = account("octocat", 1)
STRANGER = account("mallory", 666)
ACTIONS = account("github-actions[bot]", 41898282, "Bot")


@frozen
class Answer:
    """Status, JSON (None: no content) and the whole list that it is a page of."""

    status: int
    data: Any
    of: list[Any] | None = None


def refusal(status: int, message: str, *errors: str) -> Answer:
    data: dict[str, Any] = {"message": message, "documentation_url": "https://docs.github.com/rest"}
    if errors:
        data["errors"] = [{"resource": "IssueComment", "code": "x", "message": e} for e in errors]
    return Answer(status, data)


NOT_FOUND = refusal(404, "Not Found")
FORBIDDEN = refusal(403, "Resource not accessible by integration")


@define
class Publications:
    """`rights` of every token; `stale`: so many lists of comments do not show the last one yet."""

    issues: dict[tuple[str, int], dict[str, Any]]
    comments: list[dict[str, Any]] = field(factory=list)
    check_runs: list[dict[str, Any]] = field(factory=list)
    statuses: list[dict[str, Any]] = field(factory=list)
    commits: set[str] = field(factory=lambda: {SHA})
    rights: set[str] = field(factory=lambda: {"issues", "checks", "statuses"})
    deleted: set[tuple[str, int]] = field(factory=set)
    stale: int = 0
    _made: int = 100

    def comment(
        self, repository: str, number: int, body: str, author: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Hold a comment and return it; no author: their account is gone."""
        self._made += 1
        url = f"{API}/repos/{repository}/issues"
        made = {
            "id": self._made,
            "node_id": f"IC_{self._made}",
            "url": f"{url}/comments/{self._made}",
            "html_url": f"{PAGE}/{repository}/issues/{number}#issuecomment-{self._made}",
            "issue_url": f"{url}/{number}",
            "body": body,
            "user": author,
            "created_at": "2026-11-22T12:00:00Z",
            "updated_at": "2026-11-22T12:00:00Z",
            "author_association": "NONE",
        }
        self.comments.append(made)
        return made

    def answer(
        self,
        method: str,
        path: str,
        arguments: dict[str, str],
        body: dict[str, Any],
        user: dict[str, Any],
    ) -> Answer | None:
        """Return the answer; None for a request about something else."""
        answer = None
        match method, *path.strip("/").split("/"):
            case "GET", "repos", owner, name, "issues", number, "comments":
                answer = self._listed(f"{owner}/{name}", int(number))
            case "POST", "repos", owner, name, "issues", number, "comments":
                answer = self._commented(f"{owner}/{name}", int(number), body["body"], user)
            case "PATCH" | "DELETE", "repos", _, _, "issues", "comments", number:
                answer = self._changed(method, int(number), body, user)
            case "POST", "repos", owner, name, "check-runs":
                answer = self._checked(f"{owner}/{name}", body, user)
            case "PATCH", "repos", _, _, "check-runs", number:
                answer = self._rechecked(int(number), body, user)
            case "GET", "repos", _, _, "commits", sha, "check-runs":
                found = [
                    each
                    for each in self.check_runs
                    if each["head_sha"] == sha
                    and each["name"] == arguments.get("check_name", each["name"])
                ]
                answer = Answer(200, {"total_count": len(found), "check_runs": found})
            case "GET", "repos", _, _, "commits", _, "statuses":
                answer = Answer(200, self.statuses[::-1], self.statuses[::-1])
            case "POST", "repos", owner, name, "statuses", sha:
                answer = self._stated(f"{owner}/{name}", sha, body, user)
        return answer

    def _listed(self, repository: str, number: int) -> Answer:
        if (repository, number) in self.deleted:
            return refusal(410, "This issue was deleted")
        issue = f"{API}/repos/{repository}/issues/{number}"
        found = [each for each in self.comments if each["issue_url"] == issue]
        if self.stale and found:
            self.stale -= 1
            found = found[:-1]
        return Answer(200, found, found) if (repository, number) in self.issues else NOT_FOUND

    def _commented(self, repository: str, number: int, body: str, user: dict[str, Any]) -> Answer:
        issue = self.issues.get((repository, number))
        if issue is None:
            return NOT_FOUND
        if issue["locked"]:
            return refusal(403, "Unable to create comment because issue is locked.")
        if "issues" not in self.rights:
            return FORBIDDEN
        return self._too_long(body) or Answer(201, self.comment(repository, number, body, user))

    def _changed(
        self, method: str, number: int, body: dict[str, Any], user: dict[str, Any]
    ) -> Answer:
        comment = next((each for each in self.comments if each["id"] == number), None)
        if comment is None:
            return NOT_FOUND
        if "issues" not in self.rights or comment["user"] != user:
            return FORBIDDEN
        if method == "DELETE":
            self.comments.remove(comment)
            return Answer(204, None)
        long = self._too_long(body["body"])
        comment["body"] = comment["body"] if long else body["body"]
        return long or Answer(200, comment)

    def _too_long(self, body: str) -> Answer | None:
        if len(body) <= LONGEST:
            return None
        return refusal(
            422, "Validation Failed", f"body is too long (maximum is {LONGEST} characters)"
        )

    def _checked(self, repository: str, body: dict[str, Any], user: dict[str, Any]) -> Answer:
        if user["type"] != "Bot":
            return refusal(403, "You must authenticate via a GitHub App.")
        if "checks" not in self.rights:
            return FORBIDDEN
        if body["head_sha"] not in self.commits:
            return refusal(422, f"No commit found for SHA: {body['head_sha']}")
        self._made += 1
        run = {
            "id": self._made,
            "node_id": f"CR_{self._made}",
            "url": f"{API}/repos/{repository}/check-runs/{self._made}",
            "html_url": f"{PAGE}/{repository}/runs/{self._made}",
            "details_url": f"{PAGE}/{repository}",
            "check_suite": {"id": 5},
            "pull_requests": [],
            "app": app(user["login"].removesuffix("[bot]"), user["id"]),
        }
        self.check_runs.append(run | self._fields(body, run["url"]))
        return Answer(201, self.check_runs[-1])

    def _rechecked(self, number: int, body: dict[str, Any], user: dict[str, Any]) -> Answer:
        run = next((each for each in self.check_runs if each["id"] == number), None)
        if run is None:
            return NOT_FOUND
        if "checks" not in self.rights or run["app"]["id"] != user["id"]:
            return FORBIDDEN
        run |= self._fields(body, run["url"])
        return Answer(200, run)

    def _fields(self, body: dict[str, Any], url: Any) -> dict[str, Any]:
        output = {
            "text": None,
            "annotations_count": 0,
            "annotations_url": f"{url}/annotations",
            **body["output"],
        }
        return {"conclusion": None, "external_id": None} | body | {"output": output}

    def _stated(
        self, repository: str, sha: str, body: dict[str, Any], user: dict[str, Any]
    ) -> Answer:
        if "statuses" not in self.rights:
            return FORBIDDEN
        if sha not in self.commits:
            return refusal(422, f"No commit found for SHA: {sha}")
        self._made += 1
        made = {
            "url": f"{API}/repos/{repository}/statuses/{sha}",
            "avatar_url": None,
            "id": self._made,
            "node_id": f"S_{self._made}",
            "description": None,
            "target_url": None,
            "context": "default",
            "created_at": "2026-11-22T12:00:00Z",
            "updated_at": "2026-11-22T12:00:00Z",
            "creator": user,
            **body,
        }
        self.statuses.append(made)
        return Answer(201, made)


def app(slug: str, number: int) -> dict[str, Any]:
    """Return an app as a check run holds it."""
    return {
        "id": number,
        "slug": slug,
        "node_id": f"A_{number}",
        "owner": USER,
        "name": slug,
        "description": None,
        "external_url": f"{PAGE}/apps/{slug}",
        "html_url": f"{PAGE}/apps/{slug}",
        "created_at": "2018-07-30T09:30:17Z",
        "updated_at": "2019-12-10T19:04:12Z",
        "permissions": {"checks": "write"},
        "events": [],
    }

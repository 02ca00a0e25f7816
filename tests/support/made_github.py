"""A GitHub of a few issues on this machine: it answers as its own OpenAPI description says.

Requests and answers are held against that description when it is at hand; what does not fit is
kept in `violations`, and answered as GitHub does (422).
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from attrs import define, field, frozen
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openapi_core import OpenAPI

USER = {
    "login": "octocat",
    "id": 1,
    "node_id": "U_1",
    "avatar_url": "https://github.com/images/octocat.gif",
    "gravatar_id": "",
    "type": "User",
    "site_admin": False,
    **{
        key: f"https://api.github.com/users/octocat/{key}"
        for key in (
            *("url", "html_url", "followers_url", "following_url", "gists_url", "starred_url"),
            *("subscriptions_url", "organizations_url", "repos_url", "events_url"),
            "received_events_url",
        )
    },
}


@frozen(kw_only=True)
class Fault:
    """An answer that is not the right one; `status` 0 drops the connection."""

    status: int
    message: str = ""
    headers: dict[str, str] = field(factory=dict)
    raw: bytes | None = None  # instead of a JSON object with the message


def primary_limit(reset: int) -> Fault:
    """Return how GitHub refuses when the hour's requests are used up until `reset`."""
    return Fault(
        status=403,
        message="API rate limit exceeded for 203.0.113.9.",
        headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)},
    )


def secondary_limit(**headers: str) -> Fault:
    """Return how GitHub refuses what comes too fast; it may say for how long."""
    message = (
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    )
    return Fault(status=403, message=message, headers=headers)


@define
class MadeGitHub:
    """`faults` are given, one for one request, before anything is answered."""

    url: str
    contract: OpenAPI | None
    issues: dict[tuple[str, int], dict[str, Any]] = field(factory=dict)
    faults: list[Fault] = field(factory=list)
    down: Fault | None = None  # the answer to everything
    requests: list[str] = field(factory=list)
    tokens: set[str | None] = field(factory=set)
    violations: list[str] = field(factory=list)

    def add(self, repository: str, number: int, title: str, **fields: Any) -> None:
        """Hold an issue; `fields` replace those of an open one without milestone."""
        api = f"https://api.github.com/repos/{repository}"
        page = f"https://github.com/{repository}/issues/{number}"
        self.issues[repository, number] = {
            "id": number,
            "node_id": f"I_{number}",
            "url": f"{api}/issues/{number}",
            "repository_url": api,
            "labels_url": f"{api}/issues/{number}/labels{{/name}}",
            "comments_url": f"{api}/issues/{number}/comments",
            "events_url": f"{api}/issues/{number}/events",
            "html_url": page,
            "number": number,
            "state": "open",
            "state_reason": None,
            "title": title,
            "body": "",
            "user": USER,
            "labels": [],
            "assignee": None,
            "assignees": [],
            "milestone": None,
            "locked": False,
            "comments": 0,
            "closed_at": None,
            "created_at": "2026-01-05T10:00:00Z",
            "updated_at": "2026-11-01T10:00:00Z",
            "author_association": "NONE",
        } | fields

    def milestone(self, repository: str, title: str) -> dict[str, Any]:
        """Return a milestone as an issue carries it."""
        api = f"https://api.github.com/repos/{repository}/milestones/1"
        return {
            "id": 1,
            "node_id": "M_1",
            "url": api,
            "html_url": f"https://github.com/{repository}/milestone/1",
            "labels_url": f"{api}/labels",
            "number": 1,
            "state": "open",
            "title": title,
            "description": None,
            "creator": USER,
            "open_issues": 4,
            "closed_issues": 8,
            "created_at": "2026-01-05T10:00:00Z",
            "updated_at": "2026-01-05T10:00:00Z",
            "closed_at": None,
            "due_on": None,
        }

    def answer(self, target: str, headers: dict[str, str]) -> Fault | tuple[int, Any]:
        """Return status and JSON for a GET of `target`, or the fault that is due."""
        self.requests.append(target)
        self.tokens.add(headers.get("authorization"))
        if self.faults:
            return self.faults.pop(0)
        if self.down is not None:
            return self.down
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        arguments = {name: values[0] for name, values in query.items()}
        request = MockRequest("https://api.github.com", "get", path, args=arguments)
        if self.contract is not None:
            try:
                self.contract.validate_request(request)
            except OpenAPIError as error:
                self.violations.append(f"{target}: {error!r}")
                return 422, {"message": "Validation Failed", "documentation_url": ""}
        status, data = self._found(path, arguments)
        if self.contract is not None:
            response = MockResponse(json.dumps(data).encode(), status, content_type=JSON)
            try:
                self.contract.validate_response(request, response)
            except OpenAPIError as error:
                cause = getattr(error.__cause__, "schema_errors", error)
                self.violations.append(f"answer to {target}: {error!r} {cause}")
        return status, data

    def _found(self, path: str, arguments: dict[str, str]) -> tuple[int, Any]:
        match path.strip("/").split("/"):
            case ["repos", owner, name, "issues", number]:
                issue = self.issues.get((f"{owner}/{name}", int(number)))
                return (200, issue) if issue else (404, NOT_FOUND)
            case ["search", "issues"]:
                found = [
                    self._hit(*place)
                    for place in self.issues
                    if self._is_hit(place, arguments["q"])
                ]
                return 200, {
                    "total_count": len(found),
                    "incomplete_results": False,
                    "items": found,
                    "search_type": "lexical",
                }
        return 404, NOT_FOUND

    def _is_hit(self, place: tuple[str, int], query: str) -> bool:
        """Say whether an issue has all words of a search, in the repository that it names."""
        issue = self.issues[place]
        text = f"{issue['title']} {issue['body']}".casefold()
        words = query.split()
        wanted = [word.strip('"') for word in words if ":" not in word]
        return f"repo:{place[0]}" in words and all(word in text for word in wanted)

    def _hit(self, repository: str, number: int) -> dict[str, Any]:
        return self.issues[repository, number] | {"score": 1.0}


JSON = "application/json"
NOT_FOUND = {"message": "Not Found", "documentation_url": "https://docs.github.com/rest"}


@contextmanager
def serve(contract: OpenAPI | None = None) -> Iterator[MadeGitHub]:
    """Serve a GitHub without issues until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server calls
            headers = {name.casefold(): value for name, value in self.headers.items()}
            answer = github.answer(self.path, headers)
            if isinstance(answer, Fault):
                if answer.status == 0:
                    self.connection.close()
                    self.close_connection = True
                    return
                content = answer.raw
                if content is None:
                    content = json.dumps({"message": answer.message}).encode()
                self._send(answer.status, content, answer.headers)
            else:
                status, data = answer
                self._send(status, json.dumps(data).encode(), {})

        def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", f"{JSON}; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    github = MadeGitHub(url=f"http://127.0.0.1:{server.server_port}", contract=contract)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)

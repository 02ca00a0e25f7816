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
from made_commanded import Commanded
from made_publications import NOT_FOUND, USER, Answer, Publications
from openapi_core.exceptions import OpenAPIError
from openapi_core.templating.responses.exceptions import ResponseFinderError
from openapi_core.testing import MockRequest, MockResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from openapi_core import OpenAPI


@frozen(kw_only=True)
class Fault:
    """An answer that is not the right one; `status` 0 drops the connection.

    method: requests that it is for (None: any). after: what was asked for is done all the same.
    """

    status: int
    method: str | None = None
    after: bool = False
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
    """`faults` are given, one for one request, before anything is answered.

    changes: method and path of what was to change something. before: called with both first.
    accounts: whose a token is, by the header that holds it; of any other it is `USER`.
    """

    url: str
    contract: OpenAPI | None
    issues: dict[tuple[str, int], dict[str, Any]] = field(factory=dict)
    faults: list[Fault] = field(factory=list)
    down: Fault | None = None  # the answer to everything
    requests: list[str] = field(factory=list)
    tokens: set[str | None] = field(factory=set)
    violations: list[str] = field(factory=list)
    changes: list[str] = field(factory=list)
    before: Callable[[str, str], None] | None = None
    accounts: dict[str | None, dict[str, Any]] = field(factory=dict)
    publications: Publications = field(init=False)
    commanded: Commanded = field(init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def __attrs_post_init__(self) -> None:
        self.publications = Publications(self.issues)
        self.commanded = Commanded(self)

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

    def answer(
        self, target: str, headers: dict[str, str], method: str = "GET", content: bytes = b""
    ) -> Fault | tuple[int, Any, dict[str, str]]:
        """Return status, JSON and headers for a request, or the fault that is due."""
        if self.before is not None:
            self.before(method, target)
        with self._lock:
            return self._answer(target, headers, method, content)

    def _answer(
        self, target: str, headers: dict[str, str], method: str, content: bytes
    ) -> Fault | tuple[int, Any, dict[str, str]]:
        self.requests.append(target)
        self.tokens.add(headers.get("authorization"))
        if method != "GET" and target != GRAPHQL:
            self.changes.append(f"{method} {target}")
        due = next((each for each in self.faults if each.method in {None, method}), None)
        if due is not None:
            self.faults.remove(due)
        fault = due or self.down
        if fault is not None and not fault.after:
            return fault
        user = self.accounts.get(headers.get("authorization"), USER)
        if target == GRAPHQL:
            return fault or self._viewer(content, headers.get("authorization"), user)
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        arguments = {name: values[0] for name, values in query.items()}
        request = MockRequest(
            API, method.lower(), path, args=arguments, data=content or None, content_type=JSON
        )
        if self.contract is not None:
            try:
                self.contract.validate_request(request)
            except OpenAPIError as error:
                self.violations.append(f"{method} {target}: {error!r}")
                return 422, {"message": "Validation Failed", "documentation_url": ""}, {}
        answer = self._found(method, path, arguments, json.loads(content or b"{}"), user)
        data, links = self._page(answer, path, arguments)
        self._hold_against_contract(request, answer.status, data)
        return fault or (answer.status, data, links)

    def _hold_against_contract(self, request: MockRequest, status: int, data: Any) -> None:
        if self.contract is None:
            return
        content = b"" if data is None else json.dumps(data).encode()
        response = MockResponse(content, status, content_type=JSON)
        try:
            self.contract.validate_response(request, response)
        except OpenAPIError as error:
            if status >= 400 and isinstance(error.__cause__ or error, ResponseFinderError):
                return  # not every refusal is described
            cause = getattr(error.__cause__, "schema_errors", error)
            what = f"{request.method} {request.path}"
            self.violations.append(f"answer to {what}: {error!r} {cause}")

    def _viewer(
        self, content: bytes, token: str | None, user: dict[str, Any]
    ) -> tuple[int, Any, dict[str, str]]:
        """Answer the one query of GraphQL that is asked; it needs a token."""
        if token is None:
            return 401, {"message": "This endpoint requires you to be authenticated."}, {}
        fields = {"login": user["login"], "databaseId": user["id"]}
        if json.loads(content)["query"] != "query { viewer { login databaseId } }":
            return 200, {"errors": [{"type": "undefinedField", "message": "no such field"}]}, {}
        return 200, {"data": {"viewer": fields}}, {}

    def _page(
        self, answer: Answer, path: str, arguments: dict[str, str]
    ) -> tuple[Any, dict[str, str]]:
        """Return the page of a list that is asked for, and the link to the next one."""
        if answer.of is None:
            return answer.data, {}
        size, number = int(arguments.get("per_page", "30")), int(arguments.get("page", "1"))
        more = len(answer.of) > size * number
        following = f'<{self.url}{path}?per_page={size}&page={number + 1}>; rel="next"'
        return answer.of[size * (number - 1) : size * number], {"Link": following} if more else {}

    def _found(
        self,
        method: str,
        path: str,
        arguments: dict[str, str],
        body: dict[str, Any],
        user: dict[str, Any],
    ) -> Answer:
        match method, *path.strip("/").split("/"):
            case "GET", "repos", owner, name, "issues", number:
                issue = self.issues.get((f"{owner}/{name}", int(number)))
                return Answer(200, issue) if issue else NOT_FOUND
            case "GET", "search", "issues":
                found = [
                    self._hit(*place)
                    for place in self.issues
                    if self._is_hit(place, arguments["q"])
                ]
                return Answer(
                    200,
                    {
                        "total_count": len(found),
                        "incomplete_results": False,
                        "items": found,
                        "search_type": "lexical",
                    },
                )
        for part in (self.publications, self.commanded):
            if (answer := part.answer(method, path, arguments, body, user)) is not None:
                return answer
        return NOT_FOUND

    def _is_hit(self, place: tuple[str, int], query: str) -> bool:
        """Say whether an issue has all words of a search, in the repository that it names."""
        issue = self.issues[place]
        text = f"{issue['title']} {issue['body']}".casefold()
        words = query.split()
        wanted = [word.strip('"') for word in words if ":" not in word]
        return f"repo:{place[0]}" in words and all(word in text for word in wanted)

    def _hit(self, repository: str, number: int) -> dict[str, Any]:
        return self.issues[repository, number] | {"score": 1.0}


API = "https://api.github.com"
GRAPHQL = "/graphql"
JSON = "application/json"


@contextmanager
def serve(contract: OpenAPI | None = None) -> Iterator[MadeGitHub]:
    """Serve a GitHub without issues until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            headers = {name.casefold(): value for name, value in self.headers.items()}
            sent = self.rfile.read(int(headers.get("content-length", "0")))
            answer = github.answer(self.path, headers, self.command, sent)
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
                status, data, links = answer
                self._send(status, b"" if data is None else json.dumps(data).encode(), links)

        do_GET = do_POST = do_PATCH = do_DELETE = _any  # noqa: N815  (http.server's names)

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

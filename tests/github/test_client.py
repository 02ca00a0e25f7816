"""The connection: what it takes from the environment, what it waits for, what it never says."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import pytest
from made_github import Fault, MadeGitHub, primary_limit, secondary_limit

from release_gate.errors import ConfigurationError
from release_gate.github.client import PATIENCE, PUBLIC, Access, Client
from release_gate.github.refusals import NoAnswerError

if TYPE_CHECKING:
    from github import Github

BLAS = "OpenMathLib/OpenBLAS"
SECRET = "ghp_verySecret123"  # noqa: S105  (made up)


def title(github: Github) -> str:
    return github.get_repo(BLAS).get_issue(6013).title


def found(github: Github) -> int:
    return len(github.search_issues(f"repo:{BLAS} is:issue dgemm").get_page(0))


@pytest.fixture(autouse=True)
def one_issue(github: MadeGitHub) -> None:
    github.add(BLAS, 6013, "dgemm kernel overruns its stack")


def test_the_environment_is_read_as_actions_and_gh_have_it() -> None:
    assert Access.from_environment({}) == Access(url=PUBLIC, token=None)
    environment = {"GITHUB_API_URL": "https://git.example/api/v3/", "GITHUB_TOKEN": f" {SECRET}\n"}
    access = Access.from_environment(environment)
    assert access == Access(url="https://git.example/api/v3", token=SECRET)
    both = environment | {"GH_TOKEN": "other"}
    assert Access.from_environment(both).token == both["GH_TOKEN"]
    assert Access.from_environment(environment | {"GH_TOKEN": " "}).token == SECRET


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"GITHUB_API_URL": "api.github.com"}, "GITHUB_API_URL"),
        ({"GITHUB_API_URL": f"https://me:{SECRET}@git.example"}, "GITHUB_API_URL"),
        ({"GITHUB_API_URL": "https://[::1"}, "GITHUB_API_URL"),
        ({"GITHUB_API_URL": "https://git.example:api"}, "GITHUB_API_URL"),
        ({"GITHUB_API_URL": "http://git.example", "GH_TOKEN": SECRET}, "in the clear"),
        ({"GITHUB_API_URL": "HTTP://git.example", "GH_TOKEN": SECRET}, "in the clear"),
        ({"GH_TOKEN": f"{SECRET}\n{SECRET}"}, "GH_TOKEN"),
        ({"GITHUB_TOKEN": f"{SECRET}é"}, "GITHUB_TOKEN"),
    ],
)
def test_bad_settings_are_refused_and_secrets_not_shown(
    environment: dict[str, str], told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told) as caught:
        Access.from_environment(environment)
    assert SECRET not in str(caught.value)


def test_every_bad_setting_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Access.from_environment({"GITHUB_API_URL": "ftp://x", "GH_TOKEN": "a b"})
    assert len(caught.value.problems) == 2


def test_a_token_may_go_to_this_machine_in_the_clear() -> None:
    environment = {"GITHUB_API_URL": "http://127.0.0.1:8080", "GH_TOKEN": SECRET}
    assert Access.from_environment(environment).token == SECRET


def test_it_asks_with_the_token_and_only_once(github: MadeGitHub, client: Client) -> None:
    assert client.ask("issue", title) == "dgemm kernel overruns its stack"
    assert client.ask("search", found, limit="search") == 1
    assert len(github.requests) == 2
    assert github.tokens == {"token t0ken"}


def test_it_asks_without_a_token(github: MadeGitHub) -> None:
    Client(Access(url=github.url)).ask("issue", title)
    assert github.tokens == {None}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=0),
        Fault(status=500, message="Server Error"),
        Fault(status=502, raw=b"<html>bad gateway</html>"),
        Fault(status=503, message="later"),
    ],
)
def test_a_passing_fault_is_waited_out(
    fault: Fault, github: MadeGitHub, client: Client, pauses: list[float]
) -> None:
    github.faults = [fault, fault]
    assert client.ask("issue", title)
    assert pauses == [1.0, 2.0]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault(status=0), "ConnectionError at 127.0.0.1"),
        (Fault(status=503, message="later"), "HTTP status 503"),
        (Fault(status=401, message="Bad credentials"), "not accepted"),
        (secondary_limit(), "rate limit"),
    ],
)
def test_a_lasting_fault_ends_after_few_attempts_and_is_not_met_again(
    fault: Fault, told: str, github: MadeGitHub, client: Client
) -> None:
    github.down = fault
    with pytest.raises(NoAnswerError, match=told):
        client.ask("issue", title)
    asked = len(github.requests)
    assert asked <= 3
    with pytest.raises(NoAnswerError, match=told):
        client.ask("issue", title)
    assert len(github.requests) == asked


def test_nobody_listens(pauses: list[float]) -> None:
    client = Client(Access(url="http://127.0.0.1:9", token=SECRET), sleep=pauses.append)
    with pytest.raises(NoAnswerError, match="ConnectionError at") as caught:
        client.ask("issue", title)
    assert SECRET not in repr(caught.value)
    assert pauses == [1.0, 2.0]


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (primary_limit(int(time.time()) + 20), (1, 22)),
        (secondary_limit(**{"Retry-After": "7"}), (7, 7)),
        (Fault(status=429, message="Too many requests", headers={"Retry-After": "3"}), (3, 3)),
        (secondary_limit(), (60, 60)),
    ],
)
def test_a_short_rate_limit_is_waited_out(
    fault: Fault,
    seconds: tuple[int, int],
    github: MadeGitHub,
    client: Client,
    pauses: list[float],
) -> None:
    github.faults = [fault]
    assert client.ask("issue", title)
    assert seconds[0] <= sum(pauses) <= seconds[1]


def test_waiting_for_a_rate_limit_is_said(github: MadeGitHub) -> None:
    github.faults = [secondary_limit(**{"Retry-After": "7"}), Fault(status=500)]
    said: list[str] = []
    client = Client(Access(url=github.url), say=said.append, sleep=lambda _seconds: None)
    client.ask("issue", title)
    assert said == ["GitHub wants fewer requests: waiting 7 s"]


def test_a_long_rate_limit_is_told_and_not_waited_for(
    github: MadeGitHub, client: Client, pauses: list[float]
) -> None:
    github.faults = [primary_limit(2_000_000_000)]
    with pytest.raises(NoAnswerError, match="used up until 03:33 UTC"):
        client.ask("search", found, limit="search")
    assert pauses == []
    assert client.ask("issue", title)  # issues have a limit of their own


def test_the_time_spent_at_rate_limits_is_bounded_over_all_requests(
    github: MadeGitHub, client: Client, pauses: list[float]
) -> None:
    github.down = secondary_limit(**{"Retry-After": "20"})
    for limit in ("core", "search", "graphql"):
        with pytest.raises(NoAnswerError):
            client.ask("issue", title, limit=limit)
    assert 0 < sum(pauses) <= PATIENCE


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault(status=404, message="Not Found"), "there is no"),
        (Fault(status=410, message="This issue was deleted"), "there is no"),
        (Fault(status=403, message="Resource protected by SAML"), "refused"),
        (Fault(status=422, message="Validation Failed"), "refused"),
        (Fault(status=200, raw=b"<html>log in to the network</html>"), "none of GitHub's"),
        (Fault(status=200, raw=b'{"number": 6013, "title": ["x"]}'), "none of GitHub's"),
        (Fault(status=200, raw=b"{"), "none of GitHub's"),
        (
            Fault(status=301, headers={"Location": "https://elsewhere.example/x"}),
            "none of GitHub's",
        ),
    ],
)
def test_what_is_refused_for_one_is_asked_for_the_next(
    fault: Fault, told: str, github: MadeGitHub, client: Client, pauses: list[float]
) -> None:
    github.faults = [fault]
    with pytest.raises(NoAnswerError, match=told):
        client.ask("issue", lambda asked: title(asked) + "")
    assert pauses == []
    assert client.ask("issue", title)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"null", b'"x"', b"<html>", b'{"items": [{}]}', b"\xff\xfe"]
)
def test_an_answer_that_is_none_of_githubs_is_no_bug(
    content: bytes, github: MadeGitHub, client: Client
) -> None:
    github.down = Fault(status=200, raw=content)
    for limit, request in (("core", lambda asked: title(asked) + ""), ("search", hits)):
        with pytest.raises(NoAnswerError):
            client.ask("it", request, limit=limit)


def hits(github: Github) -> str:
    page = github.search_issues("dgemm").get_page(0)
    if not page:
        raise LookupError
    return page[0].title + ""


def test_a_time_that_is_none_is_not_believed(github: MadeGitHub, client: Client) -> None:
    github.down = primary_limit(10**30)
    with pytest.raises(NoAnswerError) as caught:
        client.ask("issue", title)
    assert caught.value.why == "the rate limit is used up"


def test_the_token_is_nowhere(github: MadeGitHub, caplog: pytest.LogCaptureFixture) -> None:
    access = Access(url=github.url, token=SECRET)
    github.faults = [Fault(status=422, message=f"no such thing as {SECRET}")]
    client = Client(access)
    with caplog.at_level(logging.DEBUG), pytest.raises(NoAnswerError) as caught:
        client.ask("issue", title)
    with caplog.at_level(logging.DEBUG):
        client.ask("issue", title)
    told = caplog.text.replace(f"no such thing as {SECRET}", "")  # what the server itself said
    for text in (repr(access), str(caught.value), repr(caught.value), told):
        assert SECRET not in text

"""A newer OpenBLAS on the index, and the one issue about it."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from made_github import Fault, MadeGitHub
from made_publications import ACTIONS, STRANGER

from release_gate.errors import ConfigurationError
from release_gate.github.identity import Viewer
from release_gate.github.one_issue import OneIssue, Subject
from release_gate.github.settling import settle
from release_gate.matrix.load import load_matrices
from release_gate.newest import find_newest, open_issue, outputs_of, tell
from release_gate.progress import Silent
from release_gate.resources import matrices_dir

if TYPE_CHECKING:
    from release_gate.github.client import Client

REPO = "numpy/numpy-release"
ME = Viewer(login=ACTIONS["login"], id=ACTIONS["id"])

pytestmark = pytest.mark.usefixtures("hurried")


def listed(version: str, *, yanked: bool = False, kind: str = "whl") -> Any:
    return SimpleNamespace(
        filename=f"scipy_openblas64-{version}-py3-none-win_amd64.{kind}",
        version=version,
        is_yanked=yanked,
        digests={"sha256": "0" * 64},
        upload_time=datetime(2026, 11, 20, tzinfo=UTC),
    )


def test_the_newest_wheel_that_was_not_withdrawn_counts() -> None:
    files = [
        listed("0.3.34.481.3"),
        listed("0.3.99.2.0"),
        listed("0.3.99.10.0"),  # after 2: numbers, not letters
        listed("0.4.0.0.0", yanked=True),
        listed("0.5.0.0.0", kind="tar.gz"),
        listed("nonsense"),
    ]
    found = find_newest(files, load_matrices(matrices_dir()))
    assert (found.is_newer, found.version) == (True, "0.3.99.10.0")
    assert 'version = "0.3.99.10.0"' in found.entry
    assert found.entry.strip() in tell(found, None)
    assert outputs_of(found, f"{REPO}#3") == {
        "newer": "true",
        "candidate": "0.3.99.10.0",
        "baseline": found.pinned,
        "issue": f"{REPO}#3",
    }


@pytest.mark.parametrize("files", [[], [listed("0.3.29.0.0")]])
def test_an_index_without_a_newer_one_opens_nothing(files: list[Any]) -> None:
    found = find_newest(files, load_matrices(matrices_dir()))
    assert not found.is_newer
    assert outputs_of(found, None)["newer"] == "false"
    assert open_issue(found, REPO, Silent()) is None
    with pytest.raises(ConfigurationError, match="no repository"):
        open_issue(found, "numpy", Silent())


def wanted(version: str) -> Subject:
    return Subject(
        provider="scipy-openblas64", version=version, title=f"{version} is newer", text="text"
    )


@pytest.fixture
def ours(github: MadeGitHub, client: Client) -> Client:
    github.accounts[f"token {client.access.token}"] = ACTIONS
    return client


def settled(client: Client, version: str) -> int | None:
    work = OneIssue(client, REPO, ME, wanted(version))
    settle(work, client)
    return work.number


def test_one_issue_follows_the_newest(github: MadeGitHub, ours: Client) -> None:
    assert settled(ours, "0.3.35.0.0") == 1
    sent = len(github.changes)
    assert settled(ours, "0.3.35.0.0") == 1
    assert len(github.changes) == sent
    assert settled(ours, "0.3.36.0.0") == 1
    assert github.issues[REPO, 1]["title"] == "0.3.36.0.0 is newer"


def test_what_people_have_closed_stays_closed(github: MadeGitHub, ours: Client) -> None:
    settled(ours, "0.3.35.0.0")
    github.issues[REPO, 1]["state"] = "closed"
    assert settled(ours, "0.3.35.0.0") == 1
    assert github.issues[REPO, 1]["state"] == "closed"
    assert settled(ours, "0.3.36.0.0") == 2


@pytest.mark.parametrize("stale", [0, 2])
def test_an_issue_that_arrived_without_an_answer_is_not_opened_twice(
    github: MadeGitHub, ours: Client, stale: int
) -> None:
    github.commanded.stale = stale
    if not stale:
        github.faults.append(Fault(status=0, method="POST", after=True))
    assert settled(ours, "0.3.35.0.0") == 1
    assert len(github.issues) == 1


def test_of_two_jobs_one_issue_stays(github: MadeGitHub, ours: Client) -> None:
    def race(method: str, path: str) -> None:
        if method == "POST" and path.endswith("/issues"):
            github.before = None
            body = wanted("0.3.35.0.0").body
            github.add(REPO, 1, "0.3.35.0.0 is newer", body=body, user=ACTIONS)

    github.before = race
    assert settled(ours, "0.3.35.0.0") == 1
    assert [github.issues[REPO, n]["state"] for n in (1, 2)] == ["open", "closed"]


def test_a_forged_marker_is_not_ours(github: MadeGitHub, ours: Client) -> None:
    body = wanted("0.3.35.0.0").body
    github.add(REPO, 1, "0.3.35.0.0 is newer", body=body, user=STRANGER)
    github.add(REPO, 2, "a quotation", body=f"x\n{body}", user=ACTIONS)
    assert settled(ours, "0.3.35.0.0") == 3
    assert github.issues[REPO, 1]["body"] == body

"""Commands in comments, from GitHub's own payloads to the request and the reply."""

from __future__ import annotations

import json
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from made_events import comment_event, finished_run, load_examples
from made_github import Fault, MadeGitHub
from made_publications import ACTIONS, STRANGER

from release_gate.cli import main
from release_gate.errors import ExitCode
from release_gate.resources import schema_path

if TYPE_CHECKING:
    from pathlib import Path

REPO = "Codertocat/Hello-World"  # that of the examples
SHA, OTHER, TAG = "a" * 40, "b" * 40, "c" * 40
TOKEN = "ghs_verySecret123"  # noqa: S105  (made up)
REPORTED = "<!-- release-gate:v1 key=default verdict=NO_GO -->\n"
HISTORY = (
    '<!-- release-gate:history:v1 [["{run}","NO-GO","2024-03-01T10:00:00+00:00",'
    f'"https://github.com/{REPO}/actions/runs/{{run}}"]] -->\n'
)

pytestmark = pytest.mark.usefixtures("hurried")


@pytest.fixture(scope="session")
def examples(index_cache: Path) -> dict[str, list[dict[str, Any]]]:
    return load_examples(index_cache)


@pytest.fixture
def created(examples: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    return next(each for each in examples["issue_comment"] if each["action"] == "created")


@pytest.fixture
def workplace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, github: MadeGitHub, created: dict[str, Any]
) -> Path:
    """Return a folder, in the environment of a workflow run of the made-up GitHub."""
    environment = {
        "GITHUB_API_URL": github.url,
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_REPOSITORY": REPO,
        "GITHUB_RUN_ID": "77",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name in ("GH_TOKEN", "GITHUB_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)
    github.accounts[f"token {TOKEN}"] = ACTIONS
    github.add(REPO, 1, "Release 2.5.5")
    user = created["comment"]["user"]
    github.commanded.permissions[user["login"]] = ("write", user)
    github.commanded.refs |= {
        "refs/tags/v2.5.5": ("tag", TAG),
        "refs/heads/main": ("commit", SHA),
        "refs/heads/maintenance/2.5.x": ("commit", OTHER),
    }
    github.commanded.tags[TAG] = ("commit", OTHER)
    return tmp_path


class Commented:
    """What came of an event: exit code, outputs, request, replies."""

    def __init__(self, folder: Path, github: MadeGitHub, event: dict[str, Any]) -> None:
        (folder / "event.json").write_text(json.dumps(event), "utf-8")
        (folder / "output").unlink(missing_ok=True)
        before = len(github.publications.comments)
        self.code = main(
            [
                *("command", "--event", str(folder / "event.json"), "--quiet"),
                *("--out", str(folder / "request.json"), "--cache", str(folder / "cache")),
            ]
        )
        self.outputs = read_outputs(folder / "output")
        self.replies = [each["body"] for each in github.publications.comments[before:]]
        self.reactions = [content for _, content in github.commanded.reactions]
        self.request: Any = None
        if (folder / "request.json").is_file():
            self.request = json.loads((folder / "request.json").read_bytes())
            schema = json.loads(schema_path("request").read_bytes())
            Draft202012Validator(schema).validate(self.request)


def read_outputs(path: Path) -> dict[str, str]:
    """Read outputs as the runner does."""
    values: dict[str, str] = {}
    lines = iter(path.read_text("utf-8").splitlines() if path.is_file() else [])
    for line in lines:
        name, _, end = line.partition("<<")
        values[name] = "\n".join(takewhile(end.__ne__, lines))
    return values


def test_a_run_becomes_a_request(
    workplace: Path, github: MadeGitHub, created: dict[str, Any]
) -> None:
    body = "/gate run candidate=0.3.34.481.3 numpy=v2.5.5 profile=full"
    done = Commented(workplace, github, comment_event(created, body))
    assert done.code == ExitCode.GO
    assert done.outputs == {
        "request": "true",
        "numpy": "",
        "numpy_sha": OTHER,  # what the tag points to, not the tag itself
        "baseline": "0.3.34.237.2",
        "candidate": "0.3.34.481.3",
        "profile": "full",
        "platforms": "linux-x86_64,linux-aarch64",
        "issue": f"{REPO}#1",
    }
    assert done.request["schema"] == "release-gate/request/1"
    assert done.request["numpy"] == {"version": "", "sha": OTHER, "found_as": "tag v2.5.5"}
    (reply,) = done.replies
    number = created["comment"]["id"]
    assert reply.startswith(f"<!-- release-gate:reply:v1 to={number} run=77 -->\n")
    assert f"https://github.com/{REPO}/actions/runs/77" in reply
    assert OTHER in reply
    assert done.reactions == ["eyes"]


def test_every_payload_of_github_is_read(
    workplace: Path, github: MadeGitHub, examples: dict[str, list[dict[str, Any]]]
) -> None:
    for example in examples["issue_comment"]:
        github.commanded.reactions.clear()
        done = Commented(workplace, github, comment_event(example, "/gate help"))
        assert done.code == ExitCode.GO
        assert done.outputs == {"request": "false"}
        assert done.reactions == (["eyes"] if example["action"] == "created" else [])
    assert len(github.publications.comments) == 1  # all are of one comment


def test_once_more_changes_nothing(
    workplace: Path, github: MadeGitHub, created: dict[str, Any]
) -> None:
    event = comment_event(created, "/gate run")
    first = Commented(workplace, github, event)
    sent = len(github.changes)
    again = Commented(workplace, github, event)
    assert first.outputs == again.outputs
    assert first.outputs["numpy"] == "2.5.5"
    assert len(github.publications.comments) == 1
    assert [each for each in github.changes[sent:] if "reactions" not in each] == []


def test_a_ref_that_moves_stays_where_it_was(
    workplace: Path, github: MadeGitHub, created: dict[str, Any]
) -> None:
    done = Commented(workplace, github, comment_event(created, "/gate run numpy=main"))
    github.commanded.refs["refs/heads/main"] = ("commit", OTHER)
    assert done.outputs["numpy_sha"] == SHA
    assert sum("git/ref/heads" in each for each in github.requests) == 1


def test_a_tag_of_the_name_of_a_branch_is_refused(
    workplace: Path, github: MadeGitHub, created: dict[str, Any]
) -> None:
    github.commanded.refs["refs/tags/main"] = ("commit", OTHER)
    done = Commented(workplace, github, comment_event(created, "/gate run numpy=main"))
    assert done.outputs == {"request": "false"}
    assert "both a tag and a branch" in done.replies[0]


@pytest.mark.parametrize(
    ("branch", "told"),
    [("main", "commit on main"), ("maintenance/2.5.x", "2.5.x"), ("", "neither main nor")],
)
def test_a_commit_of_a_fork_is_refused(
    workplace: Path, github: MadeGitHub, created: dict[str, Any], branch: str, told: str
) -> None:
    sha = "d" * 40
    github.commanded.known.add(sha)  # GitHub shows it, wherever in the network it was pushed
    github.commanded.holds[branch] = {sha}
    done = Commented(workplace, github, comment_event(created, f"/gate run numpy={sha}"))
    assert done.outputs.get("numpy_sha") == (sha if branch else None)
    assert told in done.replies[0]


@pytest.mark.parametrize(
    ("kind", "app"), [("Bot", None), ("User", {"id": 1}), ("Organization", None)]
)
def test_programs_are_ignored(
    workplace: Path, github: MadeGitHub, created: dict[str, Any], kind: str, app: object
) -> None:
    event = comment_event(created, "/gate run", type=kind)
    event["comment"]["performed_via_github_app"] = app
    done = Commented(workplace, github, event)
    assert done.outputs == {"request": "false"}
    assert github.requests == []


def test_who_is_gone_commands_nothing(
    workplace: Path, github: MadeGitHub, created: dict[str, Any]
) -> None:
    event = comment_event(created, "/gate run")
    event["comment"]["user"] = None
    assert Commented(workplace, github, event).outputs == {"request": "false"}
    assert github.requests == []


def test_the_gates_own_comments_are_no_commands(
    workplace: Path, github: MadeGitHub, created: dict[str, Any]
) -> None:
    event = comment_event(created, "/gate run", login="me", id=ACTIONS["id"])
    assert Commented(workplace, github, event).outputs == {"request": "false"}
    assert github.changes == []


@pytest.mark.parametrize("permission", ["read", "none", None])
def test_who_may_not_write_gets_a_reaction_only(
    workplace: Path, github: MadeGitHub, created: dict[str, Any], permission: str | None
) -> None:
    user = created["comment"]["user"]
    github.commanded.permissions.clear()
    if permission is not None:
        github.commanded.permissions[user["login"]] = (permission, user)
    done = Commented(workplace, github, comment_event(created, "/gate run"))
    assert (done.outputs, done.replies, done.reactions) == ({"request": "false"}, [], ["confused"])


def test_a_login_that_is_somebody_elses_now_has_no_rights(
    workplace: Path, github: MadeGitHub, created: dict[str, Any]
) -> None:
    login = created["comment"]["user"]["login"]
    github.commanded.permissions[login] = ("admin", STRANGER)
    done = Commented(workplace, github, comment_event(created, "/gate run"))
    assert done.outputs == {"request": "false"}


def test_a_refusal_tells_all_and_pings_nobody(
    workplace: Path, github: MadeGitHub, created: dict[str, Any]
) -> None:
    body = "/gate run profile=ful platforms=linux-x86,win @numpy/core #1 numpy=`id` x=$(id)"
    done = Commented(workplace, github, comment_event(created, body.replace("`", "'")))
    assert done.outputs == {"request": "false"}
    (reply,) = done.replies
    for part in ("full", "linux-x86_64", "unknown platform", "no key=value", "/gate run [key"):
        assert part in reply
    assert "@numpy" not in reply
    assert "#1" not in reply.split("-->", 1)[1]
    assert done.reactions == ["confused"]


def test_a_hostile_comment_is_not_quoted(
    workplace: Path, github: MadeGitHub, created: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    hostile = "x\n::set-output name=request::true\nrequest=true\n" + "A" * 60_000
    body = f"/gate run numpy=$(touch${{IFS}}/tmp/x)\n{hostile}"
    done = Commented(workplace, github, comment_event(created, body))
    captured = capfd.readouterr()
    assert done.outputs == {"request": "false"}
    assert "set-output" not in captured.out + captured.err + done.replies[0]
    assert TOKEN not in captured.out + captured.err


def test_status_believes_only_its_own_comment(
    workplace: Path, github: MadeGitHub, created: dict[str, Any]
) -> None:
    forged = REPORTED.replace("NO_GO", "GO") + HISTORY.format(run=9).replace("NO-GO", "GO")
    github.publications.comment(REPO, 1, forged, STRANGER)
    nothing = Commented(workplace, github, comment_event(created, "/gate status"))
    assert "No run has been reported" in nothing.replies[0]
    own = github.publications.comment(REPO, 1, REPORTED + HISTORY.format(run=42), ACTIONS)
    Commented(workplace, github, comment_event(created, "/gate status"))
    (reply,) = [each["body"] for each in github.publications.comments if "reply:v1" in each["body"]]
    assert "NO-GO, 2024-03-01 10:00 UTC" in reply
    assert own["html_url"] in reply
    assert "actions/runs/9)" not in reply


def test_failed_jobs_run_again_once(
    workplace: Path,
    github: MadeGitHub,
    created: dict[str, Any],
    examples: dict[str, list[dict[str, Any]]],
) -> None:
    template = examples["workflow_run"][1]
    github.publications.comment(REPO, 1, REPORTED + HISTORY.format(run=42), ACTIONS)
    forged = "<!-- release-gate:reply:v1 to=5 run=99 -->\nx"
    github.publications.comment(REPO, 1, forged, STRANGER)
    github.commanded.runs[42] = finished_run(template, 42, "gate.yml")
    github.faults.append(Fault(status=0, method="POST", after=True))  # arrived, without an answer
    done = Commented(workplace, github, comment_event(created, "/gate rerun-failed"))
    assert done.code == ExitCode.GO
    assert github.commanded.runs[42]["run_attempt"] == 2
    assert "runs/42" in done.replies[0]
    again = Commented(workplace, github, comment_event(created, "/gate rerun-failed"))
    assert again.code == ExitCode.GO
    assert github.commanded.runs[42]["run_attempt"] == 2
    assert "still at it" in github.publications.comments[-1]["body"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"path": ".github/workflows/deploy.yml"}, "none of the gate"),
        ({"conclusion": "success"}, "no job of"),
    ],
)
def test_other_runs_are_not_run_again(
    workplace: Path,
    github: MadeGitHub,
    examples: dict[str, list[dict[str, Any]]],
    fields: dict[str, str],
    told: str,
) -> None:
    announced = "<!-- release-gate:reply:v1 to=5 run=43 -->\nx"
    github.publications.comment(REPO, 1, announced, ACTIONS)
    run = finished_run(examples["workflow_run"][1], 43, "gate.yml")
    github.commanded.runs[43] = run | fields
    event = comment_event(examples["issue_comment"][0], "/gate rerun-failed")
    assert told in Commented(workplace, github, event).replies[0]
    assert github.commanded.runs[43]["run_attempt"] == 1


def test_without_an_answer_of_github_nothing_runs(
    workplace: Path, github: MadeGitHub, created: dict[str, Any]
) -> None:
    github.down = Fault(status=502)
    done = Commented(workplace, github, comment_event(created, "/gate run"))
    assert done.code == ExitCode.INFRASTRUCTURE
    assert done.outputs == {}
    assert done.request is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"action": "created"}', "[" * 100_000])
def test_what_is_no_event_is_said(workplace: Path, content: str) -> None:
    path = workplace / "event.json"
    path.write_text(content, "utf-8")
    arguments = ["command", "--quiet", "--event", str(path), "--out", str(workplace / "r.json")]
    assert main(arguments) == ExitCode.CONFIGURATION


def test_an_event_of_another_repository_is_refused(
    workplace: Path, github: MadeGitHub, created: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORY", "numpy/numpy-release")
    done = Commented(workplace, github, comment_event(created, "/gate run"))
    assert done.code == ExitCode.CONFIGURATION
    assert github.requests == []

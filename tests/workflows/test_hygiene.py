"""What every workflow keeps to, beyond what linters look for."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
from workflow_files import PROJECT, WORKFLOWS, read_workflow, steps_of, texts_of

PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
BOOTSTRAP = "python -m pip install --require-hashes --requirement .github/requirements.txt"

#: Who asks for more than reading, and what for.
WRITES = {
    ("gate.yml", "report"): {"id-token", "attestations"},
    ("gate.yml", "publish"): {"issues", "pull-requests", "checks"},
    # Rights of a job that calls gate.yml: those that its jobs ask for.
    ("candidate.yml", "gate"): {"id-token", "attestations", "issues", "pull-requests", "checks"},
    ("candidate.yml", "newest"): {"issues"},
    ("command.yml", "command"): {"issues", "pull-requests", "actions"},
    ("command.yml", "gate"): {"id-token", "attestations", "issues", "pull-requests", "checks"},
}

pytestmark = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


@pytest.fixture
def workflow(path: Any) -> dict[str, Any]:
    return read_workflow(path)


def test_what_a_shell_runs_holds_no_expression(workflow: dict[str, Any]) -> None:
    runs = {name: step["run"] for name, step in steps_of(workflow) if "run" in step}
    assert [name for name, run in runs.items() if "${{" in run] == []


def test_every_action_is_pinned_to_a_commit_with_its_version(
    path: Any, workflow: dict[str, Any]
) -> None:
    used = [step["uses"] for _, step in steps_of(workflow) if "uses" in step]
    assert [uses for uses in used if not PINNED.fullmatch(uses)] == []
    lines = [line for line in path.read_text("utf-8").splitlines() if re.search(r"uses: \w", line)]
    assert len(lines) == len(used)
    assert [line for line in lines if not re.search(r"[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)] == []


def test_one_action_has_one_version(workflow: dict[str, Any]) -> None:
    own = {step["uses"] for _, step in steps_of(workflow) if "uses" in step}
    everywhere = {
        step["uses"]
        for other in WORKFLOWS
        for _, step in steps_of(read_workflow(other))
        if "uses" in step
    }
    names = {uses.partition("@")[0] for uses in own}
    assert len([uses for uses in everywhere if uses.partition("@")[0] in names]) == len(own)


def test_called_workflows_are_of_the_same_commit(workflow: dict[str, Any]) -> None:
    called = [job["uses"] for job in workflow["jobs"].values() if "uses" in job]
    assert [uses for uses in called if not uses.startswith("./.github/workflows/")] == []


def test_no_right_that_is_not_listed_here(path: Any, workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        rights = job["permissions"]  # of every job, said
        writes = {right for right, how in rights.items() if how != "read"}
        assert writes == WRITES.get((path.name, name), set()), name
        assert {right for right in rights if right not in writes} <= {"contents"}, name


def test_every_job_has_a_timeout(workflow: dict[str, Any]) -> None:
    own = {name: job for name, job in workflow["jobs"].items() if "uses" not in job}
    assert [name for name, job in own.items() if not int(job.get("timeout-minutes", 0))] == []


def test_a_checkout_leaves_no_credentials(workflow: dict[str, Any]) -> None:
    checkouts = [s for _, s in steps_of(workflow) if s.get("uses", "").startswith("actions/check")]
    assert [s for s in checkouts if s["with"].get("persist-credentials") != "false"] == []


def test_nothing_is_cached(workflow: dict[str, Any]) -> None:
    steps = [step for _, step in steps_of(workflow) if "uses" in step]
    assert [s for s in steps if s["uses"].startswith("actions/cache")] == []
    assert [s for s in steps if any("cache" in name for name in s.get("with", ()))] == []


def test_only_what_a_newer_commit_replaces_is_cancelled(
    path: Any, workflow: dict[str, Any]
) -> None:
    concurrency = workflow["concurrency"]
    cancel = concurrency["cancel-in-progress"]
    if path.name == "ci.yml":
        assert cancel == "${{ github.event_name == 'pull_request' }}"
    else:
        assert cancel == "false"
    if path.name == "gate.yml":
        # A waiting run of a group gives way to the next one: what is asked is part of the group.
        asked = set(workflow["on"]["workflow_call"]["inputs"])
        assert {name for name in asked if f"inputs.{name} " not in concurrency["group"]} == set()
        assert "github.sha" in concurrency["group"]


def test_steps_call_sessions(workflow: dict[str, Any]) -> None:
    source = (PROJECT / "noxfile.py").read_text("utf-8")
    sessions = set(re.findall(r"^@nox\.session.*\ndef (\w+)\(", source, re.MULTILINE))
    for name, step in steps_of(workflow):
        run = " ".join(step.get("run", BOOTSTRAP).split())
        if run != BOOTSTRAP:
            words = shlex.split(run)
            assert words[:2] == ["nox", "-s"], name
            assert words[2] in sessions, name
            assert not set(run) & set(";|&<>`"), name  # one command


def test_no_secret_but_the_token_of_the_run(workflow: dict[str, Any]) -> None:
    texts = list(texts_of(workflow))
    assert [text for text in texts if "secrets." in text] == []
    with_token = [text for text in texts if "github.token" in text]
    assert [text for text in with_token if text != "${{ github.token }}"] == []
    for name, step in steps_of(workflow):
        if "github.token" in "".join(texts_of(step)):
            assert "github.token" in step["env"]["GITHUB_TOKEN"], name

"""Events as GitHub sends them: the examples of @octokit/webhooks-examples."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from npm import NotFetchedError, packed_file

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = "@octokit/webhooks-examples@7.6.1"


def load_examples(cache: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the payloads by event, kept in `cache`; skip where they cannot be fetched."""
    kept = cache / "github" / PACKAGE.replace("/", "-") / "index.json"
    try:
        packed_file(PACKAGE, "package/api.github.com/index.json", kept)
    except NotFetchedError as error:
        pytest.skip(f"{PACKAGE} cannot be fetched: {error}")
    return {each["name"]: each["examples"] for each in json.loads(kept.read_bytes())}


def comment_event(example: dict[str, Any], body: str, **author: Any) -> dict[str, Any]:
    """Return an example with another text, and another author if `author` has fields of one."""
    event = copy.deepcopy(example)
    event["comment"]["body"] = body
    event["comment"]["user"] |= author
    return event


def finished_run(example: dict[str, Any], number: int, workflow: str) -> dict[str, Any]:
    """Return the failed run `number` of a workflow, of an example of workflow_run."""
    run: dict[str, Any] = copy.deepcopy(example["workflow_run"])
    return run | {  # what the description asks for beyond the payload of its time
        "id": number,
        "path": f".github/workflows/{workflow}",
        "status": "completed",
        "conclusion": "failure",
        "run_attempt": 1,
        "display_title": "gate",
    }

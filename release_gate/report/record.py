"""What a run hands over to be reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from release_gate.judgement.audit import KnownIssueStatus
    from release_gate.model import Artifact, CellResult, Decision, Plan

__all__ = ["RunRecord", "StageTime"]


@frozen(kw_only=True)
class StageTime:
    """Seconds of wall time that one stage took, and what it did in them."""

    name: str
    seconds: float
    note: str = ""


@frozen(kw_only=True)
class RunRecord:
    """A finished run.

    `started` and `finished` are ISO 8601 in UTC; `command` is what can be typed to do it again.
    """

    plan: Plan
    results: tuple[CellResult, ...]
    artifacts: tuple[Artifact, ...]
    decision: Decision
    known_issues: tuple[KnownIssueStatus, ...]
    stages: tuple[StageTime, ...]
    started: str
    finished: str
    tool_version: str
    command: str

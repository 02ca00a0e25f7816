"""The stage that writes a reproducer for each finding and runs it once, to see whether it does."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from attrs import evolve

from release_gate.errors import GateError
from release_gate.judgement.findings import first_failing
from release_gate.report.reproducers import run_reproducer, write_reproducer
from release_gate.wire import write_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from release_gate.model import Artifact, CellResult, Decision, Finding, Pin, Reproducer
    from release_gate.progress import Progress

__all__ = ["attach_reproducers"]

#: Runs of a script; a hang is certain after one, and costs its whole budget each time.
TRIES = 3


def attach_reproducers(
    decision: Decision,
    results: Sequence[CellResult],
    wheels: Mapping[Pin, Artifact],
    *,
    templates: Path,
    out: Path,
    cache: Path | None,
    progress: Progress,
) -> Decision:
    """Return `decision` with a reproducer, tried, for each finding whose wheel is at hand.

    What a script showed is kept in `cache` (None: not) by its text and the wheel. A script that
    cannot be written or run leaves its finding without one, and says so: it changes no verdict.
    """
    by_cell = {result.cell.id: result for result in results}
    findings = []
    failing = [each for each in decision.findings if first_failing(each) is not None]
    with progress.stage("reproduce", steps=len(failing)) as stage:
        for finding in decision.findings:
            shown = first_failing(finding)
            wheel = wheels.get(finding.candidate)
            reproducer = None
            if shown is not None and wheel is not None:
                stage.step(failing.index(finding), f"{finding.check}: {finding.summary}")
                try:
                    written = write_reproducer(
                        finding,
                        templates,
                        out,
                        artifact=wheel,
                        result=by_cell.get(shown[0].candidate.id),
                    )
                    if written is not None:
                        reproducer = _tried(written, finding, wheel, out, cache)
                except GateError as error:
                    stage.note(f"no reproducer for {finding.id}: {error}")
            findings.append(evolve(finding, reproducer=reproducer))
        stage.step(len(failing), "done")
    return evolve(decision, findings=tuple(findings))


def _tried(
    written: Reproducer, finding: Finding, wheel: Artifact, out: Path, cache: Path | None
) -> Reproducer:
    """Return `written` with its hits: from the cache, or by running it."""
    path = out / f"{finding.id}.py"
    name = hashlib.sha256(path.read_bytes() + wheel.sha256.encode()).hexdigest()
    kept = None if cache is None else cache / f"{name}.json"
    if kept is not None and kept.is_file():
        try:
            seen = json.loads(kept.read_bytes())
            return evolve(written, hits=seen["hits"], tries=seen["tries"], note=seen["note"])
        except (ValueError, KeyError, TypeError):
            kept.unlink()
    hangs = "hang" in finding.symptom
    tried = run_reproducer(written, wheel, path, hangs=hangs, tries=1 if hangs else TRIES)
    if kept is not None:
        write_json(kept, {"hits": tried.hits, "tries": tried.tries, "note": tried.note})
    return tried

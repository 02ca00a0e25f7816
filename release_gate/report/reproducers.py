"""The script of a finding, beside the report: a whole report to whoever gets only it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from attrs import evolve

from release_gate.judgement.findings import first_failing
from release_gate.model import Reproducer
from release_gate.scripts.running import run_script
from release_gate.scripts.sources import source_for
from release_gate.wire import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from release_gate.model import Artifact, CellResult, Comparison, Finding, Observation
    from release_gate.scripts.sources import Source
    from release_gate.scripts.text import Trial

__all__ = ["run_reproducer", "source_of", "write_reproducer"]


def source_of(finding: Finding, templates: Path, artifact: Artifact) -> Source | None:
    """Return what the script of `finding` is made of, with its first failing input.

    None where there is nothing to show again (an answer was lost), or no way to show it.
    `artifact` is the wheel it failed with.
    """
    shown = first_failing(finding)
    if shown is None:
        return None
    comparison, observation = shown
    return source_for(
        finding.check,
        next((case for case in observation.evidence.cases if case.parameters), None),
        kernel=comparison.candidate.kernel,
        threads=comparison.candidate.threads,
        artifact=artifact,
        templates=templates,
    )


def write_reproducer(
    finding: Finding,
    source: Source,
    trial: Trial,
    out: Path,
    *,
    artifact: Artifact,
    result: CellResult | None = None,
) -> Reproducer:
    """Write the script that tries `trial` into the folder `out`.

    `result` is what was read back in the cell that failed. Raises InfrastructureError when the
    script cannot be written.
    """
    shown = first_failing(finding)
    assert shown is not None  # else there would be no source
    comparison, observation = shown
    path = out / f"{finding.id}.py"
    header = _header(finding, comparison, observation, artifact, result)
    write_atomically(path, (header + source.text(trial)).encode())
    command = shlex.join([artifact.interpreter.executable, str(path)])
    return Reproducer(
        path=str(path),
        command=f"PYTHONPATH={shlex.quote(artifact.site)} {command}",
        note="with the script's own input: no failing input was recorded"
        if source.own_input
        else "",
    )


def _header(
    finding: Finding,
    comparison: Comparison,
    observation: Observation,
    artifact: Artifact,
    result: CellResult | None,
) -> str:
    """Return the comment that makes the script a whole report to whoever gets only it."""
    cell = comparison.candidate
    host = result.host if result else None
    observed = result.kernel.observed if result else "unknown"
    where = f"asked for {cell.kernel}, ran {observed}, {cell.threads} threads"
    machine = f"{host.cpu}, {host.cores} cores, {host.platform}, {host.libc}" if host else "unknown"
    emulated = f", emulated by {cell.emulator}" if cell.emulator else ""
    facts = {
        "Finding": f"{finding.id} ({finding.symptom}): {finding.summary}",
        "Seen": observation.reason,
        "Wheel, for PYTHONPATH": f"{artifact.name} (sha256 {artifact.sha256}) with {artifact.pin}, "
        f"which says {artifact.config!r}",
        "Kernel": f"{where}; {machine}{emulated}, Python {artifact.interpreter.version}",
    }
    if finding.issues:
        facts["Looks like"] = ", ".join(issue.url for issue in finding.issues[:3])
    # One line each, whatever is in it: nothing of it may become code.
    lines = [f"# {name}: {' '.join(value.split())}" for name, value in facts.items()]
    return "\n".join(line.encode("ascii", "replace").decode() for line in lines) + "\n\n"


def run_reproducer(
    reproducer: Reproducer,
    artifact: Artifact,
    path: Path,
    *,
    hangs: bool = False,
    tries: int = 3,
    budget: float = 60.0,
) -> Reproducer:
    """Run the script at `path` as its command would, and return how often it showed the fault."""
    hits = 0
    notes: dict[str, None] = dict.fromkeys([reproducer.note] if reproducer.note else [])
    for _ in range(tries):
        ran = run_script(path, artifact, budget, hangs=hangs)
        hits += ran.hit
        if ran.note:
            notes[ran.note] = None
    if tries and not hits:
        notes[f"does not reproduce: none of {tries} runs showed the fault"] = None
    return evolve(reproducer, hits=hits, tries=tries, note="; ".join(notes))

"""A made-up report with one of everything that a rendering must be able to show.

Run as a program (``PYTHONPATH=.:tests/support``) it writes the golden file of the report anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from gate_values import BASELINE, CANDIDATE, HOST, POLICY, SPECS, artifact, no_go_run

from release_gate.judgement.audit import statuses
from release_gate.judgement.decide import decide
from release_gate.judgement.issues import with_issues
from release_gate.model import (
    CellResult,
    Plan,
    Reproducer,
    Toggle,
    Waiver,
    WaiverState,
    WaiverUse,
)
from release_gate.pipeline import known_issues
from release_gate.report.document import Report, make_report
from release_gate.report.record import RunRecord, StageTime
from release_gate.wire import to_data, write_json

if TYPE_CHECKING:
    from release_gate.judgement.catalogue import KnownIssue


def record(
    plan: Plan | None = None,
    results: list[CellResult] | None = None,
    catalogue: tuple[KnownIssue, ...] | None = None,
) -> RunRecord:
    """Return the record of a run (default: `gate_values.no_go_run` and all known issues)."""
    if plan is None or results is None:
        plan, results = no_go_run()
    if catalogue is None:
        catalogue = known_issues()
    decision = with_issues(decide(plan, results, POLICY, SPECS), catalogue, results)
    findings = tuple(
        attrs.evolve(
            finding,
            reproducer=Reproducer(
                path=f"reproducers/{finding.id}.py",
                command=f"PYTHONPATH=site python3.12 reproducers/{finding.id}.py",
                hits=3,
                tries=3,
            ),
        )
        if finding.blocking
        else finding
        for finding in decision.findings
    )
    return RunRecord(
        plan=plan,
        results=tuple(results),
        artifacts=(artifact(BASELINE), artifact(CANDIDATE)),
        decision=attrs.evolve(decision, findings=findings),
        known_issues=statuses(decision, catalogue, plan, [HOST]),
        stages=(
            StageTime(name="plan", seconds=3.25),
            StageTime(name="build", seconds=372.5, note="2 wheels, 1 from scratch"),
            StageTime(name="check", seconds=141.0, note="22 cells"),
            StageTime(name="judge", seconds=0.25),
        ),
        started="2026-11-22T11:36:00+00:00",
        finished="2026-11-22T11:44:37+00:00",
        tool_version="0.1.0",
        command="release-gate run --candidate 0.3.34.106.0 --baseline 0.3.33.112.0",
    )


def report() -> Report:
    return make_report(record())


def report_with_waivers() -> Report:
    """Return the report with a waiver in each state, and with toggles of its first finding."""
    shown = report()
    first, *others = shown.findings
    toggles = (
        Toggle(kernel=None, threads=1, hits=3, tries=3, core="Haswell"),
        Toggle(kernel="Haswell", threads=1, hits=3, tries=3, core="Haswell"),
        Toggle(kernel="Haswell", threads=8, hits=1, tries=3, core="Haswell"),
        Toggle(kernel="SkylakeX", threads=8, hits=0, tries=3, core="SkylakeX"),
    )
    waiver = Waiver(
        check="special.nan",
        pins=">=0.3.34,<0.3.35",
        issue="https://github.com/OpenMathLib/OpenBLAS/issues/4413",
        reason="the shipped library does it too",
        who="a release manager",
        expires="2027-01-31",
        kernels=("Katmai",),
        architectures=("x86_64",),
    )
    uses = tuple(
        WaiverUse(
            waiver=attrs.evolve(waiver, expires=expires),
            state=state,
            findings=() if state is WaiverState.UNMATCHED else (others[-1].id,),
        )
        for state, expires in zip(
            WaiverState, ("2027-01-31", "2026-10-31", "2027-02-28"), strict=True
        )
    )
    waived = attrs.evolve(others[-1], waived=True)
    findings = (attrs.evolve(first, toggles=toggles), *others[:-1], waived)
    return attrs.evolve(shown, findings=findings, waivers=uses)


if __name__ == "__main__":
    golden = Path(__file__).parents[1] / "report" / "golden" / "report.json"
    write_json(golden, to_data(report()))

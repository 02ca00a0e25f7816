"""The verdict: every planned cell, every comparison and every requirement, in one decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from attrs import evolve

from release_gate.errors import ExitCode
from release_gate.judgement.admission import Admitted, admit
from release_gate.judgement.classify import compare, newly_failing, only
from release_gate.judgement.consequences import with_consequences
from release_gate.judgement.findings import group
from release_gate.judgement.requirements import evaluate, is_unsupported, violates
from release_gate.judgement.waivers import Waivers
from release_gate.model import (
    Cell,
    CellResult,
    CheckSpec,
    Comparison,
    Decision,
    Finding,
    NotCovered,
    Plan,
    Requirement,
    RequirementResult,
    Role,
    Satisfaction,
    Tier,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

__all__ = ["decide", "exit_code"]


def decide(
    plan: Plan,
    results: Sequence[CellResult],
    policy: Sequence[Requirement],
    checks: Sequence[CheckSpec] = (),
    waivers: Waivers | None = None,
    *,
    refused: Sequence[NotCovered] = (),
) -> Decision:
    """Return the verdict on `plan` after `results`, in whatever order they come.

    NO-GO when a blocking requirement is violated; otherwise INCONCLUSIVE when one of them has no
    answer, or when there is none, or when nothing was answered at all; otherwise GO. `checks` lends
    findings their titles, and crashes the routines that they may be about. What `waivers` excuse
    violates nothing, and stays a finding. `refused` are results that were not let in: told first.
    """
    waivers = waivers or Waivers()
    admitted = admit(plan, results)
    comparisons = _comparisons(plan, admitted)
    absent = {cell.id: "no result" for cell in admitted.missing} | dict(admitted.doubts)
    strict = [line for line in policy if line.tier is Tier.BLOCKING]
    violating = [each for each in comparisons if any(violates(each, line) for line in strict)]
    excused = {(each.check, each.candidate.id) for each in violating if waivers.excuse(each)}
    blocking = {(each.check, each.candidate.id) for each in violating} - excused
    requirements = tuple(evaluate(line, plan, comparisons, absent, excused) for line in policy)
    findings = group(comparisons, blocking=blocking, checks={spec.id: spec for spec in checks})
    findings = with_consequences([_waived(finding, excused) for finding in findings])
    return Decision(
        verdict=_verdict(requirements, comparisons),
        requirements=requirements,
        findings=findings,
        comparisons=comparisons,
        missing_cells=admitted.missing,
        not_covered=(
            *refused,
            *plan.not_covered,
            *(NotCovered(what=cell, why=why) for cell, why in sorted(admitted.doubts.items())),
            *_left_out(plan, admitted.left_out),
            *admitted.notes,
            *_unsupported(comparisons),
        ),
        waivers=waivers.uses(findings, excused),
    )


def _waived(finding: Finding, excused: Collection[tuple[str, str]]) -> Finding:
    covered = any((each.check, each.candidate.id) in excused for each in finding.comparisons)
    return evolve(finding, waived=covered and not finding.blocking)


def exit_code(verdict: Verdict) -> ExitCode:
    """Return the exit code of a run that came to `verdict`."""
    match verdict:
        case Verdict.GO:
            return ExitCode.GO
        case Verdict.NO_GO:
            return ExitCode.NO_GO
        case Verdict.INCONCLUSIVE:
            return ExitCode.INCONCLUSIVE
        case _:
            assert_never(verdict)


def _comparisons(plan: Plan, admitted: Admitted) -> tuple[Comparison, ...]:
    baselines = {
        _place(entry.cell): entry.cell
        for entry in plan.cells
        if entry.cell.role is Role.BASELINE and entry.cell.id not in admitted.left_out
    }
    return tuple(
        _comparison(check, entry.cell, baselines.get(_place(entry.cell)), admitted)
        for entry in plan.cells
        if entry.cell.role is Role.CANDIDATE and entry.cell.id not in admitted.left_out
        for check in entry.checks
    )


def _comparison(check: str, cell: Cell, other: Cell | None, admitted: Admitted) -> Comparison:
    candidate = admitted.observations[cell.id].get(check)
    baseline = admitted.observations[other.id].get(check) if other is not None else None
    kind = compare(candidate, baseline)
    if candidate is not None and (fresh := newly_failing(candidate, baseline)):
        candidate = only(candidate, fresh)
    return Comparison(
        check=check,
        candidate=cell,
        baseline=other,
        kind=kind,
        candidate_observation=candidate,
        baseline_observation=baseline,
    )


def _place(cell: Cell) -> tuple[str, str, str | None, int, str | None]:
    """Return what a candidate's and a baseline's cell must share to be compared."""
    kernel = None if cell.kernel is None else cell.kernel.casefold()
    return cell.numpy, cell.platform, kernel, cell.threads, cell.emulator


def _verdict(
    requirements: Sequence[RequirementResult], comparisons: Sequence[Comparison]
) -> Verdict:
    blocking = [each.satisfaction for each in requirements if each.tier is Tier.BLOCKING]
    if Satisfaction.VIOLATED in blocking:
        return Verdict.NO_GO
    answered = any(
        each.candidate_observation is not None and each.candidate_observation.outcome.is_answer
        for each in comparisons
    )
    if not blocking or Satisfaction.UNANSWERED in blocking or not answered:
        return Verdict.INCONCLUSIVE
    return Verdict.GO


def _left_out(plan: Plan, reasons: Mapping[str, str]) -> list[NotCovered]:
    """List each kernel that could not run where it was to be checked, once per reason."""
    sides: dict[tuple[str, str, str], list[str]] = {}
    for entry in plan.cells:
        if (reason := reasons.get(entry.cell.id)) is not None:
            key = entry.cell.platform, entry.cell.kernel or "", reason
            sides.setdefault(key, []).append(str(entry.cell.pin))
    return [
        NotCovered(
            what=f"kernel {kernel} of {', '.join(dict.fromkeys(pins))} on {platform}", why=reason
        )
        for (platform, kernel, reason), pins in sides.items()
    ]


def _unsupported(comparisons: Sequence[Comparison]) -> list[NotCovered]:
    """List each check that could not be asked once per reason, not once per cell."""
    places: dict[tuple[str, str], list[str]] = {}
    for each in comparisons:
        if is_unsupported(each) and each.candidate_observation is not None:
            key = each.check, each.candidate_observation.reason or "cannot be asked here"
            places.setdefault(key, []).append(each.candidate.id)
    return [
        NotCovered(
            what=f"{check} in {cells[0]}" + (f" and {len(cells) - 1} more" * (len(cells) > 1)),
            why=why,
        )
        for (check, why), cells in places.items()
    ]

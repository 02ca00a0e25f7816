"""The report as a value: `release-gate/report/1`, and all that any rendering needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from release_gate.errors import ConfigurationError, Problem, did_you_mean
from release_gate.judgement.audit import IssueState, KnownIssueStatus
from release_gate.judgement.behaviour import disagreements
from release_gate.judgement.catalogue import Confidence, Severity
from release_gate.judgement.findings import first_failing
from release_gate.model import (
    Behaviour,
    ComparisonKind,
    Estimate,
    Evidence,
    Host,
    Interpreter,
    IssueMatch,
    NotCovered,
    NumPySource,
    Outcome,
    Reproducer,
    RequirementResult,
    Role,
    Tier,
    Toggle,
    Verdict,
    WaiverState,
    WaiverUse,
)
from release_gate.report.record import StageTime  # noqa: TC001  (read by cattrs)
from release_gate.wire import REPORT_SCHEMA, from_data, read_document, to_data, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from release_gate.model import Artifact, Cell, CellResult, Comparison, Finding, Plan
    from release_gate.report.record import RunRecord

__all__ = [
    "CellReport",
    "ComparisonReport",
    "Digest",
    "FailureReport",
    "FindingReport",
    "Report",
    "Setting",
    "WheelReport",
    "finding_called",
    "make_report",
    "read_report",
    "report_file",
    "verdict_words",
    "write_report",
]

#: Checks that a headline names before the rest is only counted.
NAMED = 6


@frozen(kw_only=True)
class CellReport:
    """A planned cell and what was read back in it; `present` is false when it has no result.

    `place`: the kernel, or "wheel"; after its platform where the run has several. `left_out`: why
    its kernel could not run on the machine that was to check it.
    """

    id: str
    place: str
    role: Role
    numpy: str
    pin: str
    platform: str
    kernel: str | None
    kernel_observed: str | None
    threads: int
    threads_observed: int | None
    emulator: str | None
    present: bool
    host_cpu: str
    wheel_sha256: str
    openblas_config: str | None
    openblas_sha256: str
    python: str
    seconds: float
    reused: bool
    outcomes: dict[str, Outcome]
    left_out: str = ""


@frozen(kw_only=True)
class ComparisonReport:
    """One check in one candidate cell, beside the baseline's."""

    check: str
    cell: str
    baseline_cell: str | None
    kind: ComparisonKind
    candidate: Outcome | None
    baseline: Outcome | None
    flaky: bool
    reason: str


@frozen(kw_only=True)
class FailureReport:
    """What was seen in one cell of a finding; `place` as in `CellReport`."""

    cell: str
    place: str
    kernel: str | None
    threads: int
    kind: ComparisonKind
    outcome: Outcome | None
    baseline: Outcome | None
    repeat: Outcome | None
    reason: str
    evidence: Evidence


@frozen(kw_only=True)
class FindingReport:
    """A finding. `cells` are the ids of its cells, `failures` what was seen in each of them."""

    id: str
    check: str
    comparison: ComparisonKind
    symptom: str
    summary: str
    routines: tuple[str, ...]
    candidate: str
    blocking: bool
    cells: tuple[str, ...]
    failures: tuple[FailureReport, ...]
    first: int | None  # index in `failures` of the one to look at
    issues: tuple[IssueMatch, ...]
    reproducer: Reproducer | None
    toggles: tuple[Toggle, ...]
    waived: bool
    follows: tuple[str, ...]


@frozen(kw_only=True)
class Setting:
    """One setting in force; `changed` from its default or not. Changed ones come first."""

    key: str
    value: Any
    changed: bool


@frozen(kw_only=True)
class Digest:
    """SHA-256 of a file that the answer depends on."""

    what: str
    sha256: str


@frozen(kw_only=True)
class WheelReport:
    """A wheel that was checked."""

    pin: str
    name: str
    sha256: str
    made: str
    library: str
    library_sha256: str
    config: str
    seconds: float
    reused: bool


@frozen(kw_only=True)
class Report:
    """The whole report."""

    verdict: Verdict
    headline: str
    tool_version: str
    command: str
    started: str
    finished: str
    profile: str
    numpy: NumPySource
    interpreter: Interpreter
    why_interpreter: str
    host: Host
    baseline: str | None
    candidates: tuple[str, ...]
    requirements: tuple[RequirementResult, ...]
    findings: tuple[FindingReport, ...]
    cells: tuple[CellReport, ...]
    comparisons: tuple[ComparisonReport, ...]
    behaviour: tuple[Behaviour, ...]  # what cells disagree on and no standard settles
    not_covered: tuple[NotCovered, ...]
    known_issues: tuple[KnownIssueStatus, ...]
    waivers: tuple[WaiverUse, ...]
    configuration: tuple[Setting, ...]
    wheels: tuple[WheelReport, ...]
    digests: tuple[Digest, ...]
    timings: tuple[StageTime, ...]
    estimate: Estimate


def verdict_words(report: Report) -> str:
    """Return the verdict as it is said: "GO with 2 waivers". A NO-GO owes nothing to them."""
    if report.verdict is Verdict.NO_GO:
        return str(report.verdict)
    applied = sum(each.state is WaiverState.APPLIED for each in report.waivers)
    return f"{report.verdict} with {_count(applied, 'waiver')}" if applied else str(report.verdict)


def make_report(record: RunRecord) -> Report:
    """Return the report of a run."""
    plan, decision = record.plan, record.decision
    results = {result.cell.id: result for result in record.results}
    return Report(
        verdict=decision.verdict,
        headline=_headline(record),
        tool_version=record.tool_version,
        command=record.command,
        started=record.started,
        finished=record.finished,
        profile=plan.profile,
        numpy=plan.numpy,
        interpreter=plan.interpreter,
        why_interpreter=plan.why_interpreter,
        host=plan.host,
        baseline=None if plan.baseline is None else str(plan.baseline),
        candidates=tuple(str(pin) for pin in plan.candidates),
        requirements=decision.requirements,
        findings=tuple(
            _finding(finding, several=len(plan.platforms) > 1) for finding in decision.findings
        ),
        cells=tuple(_cell(entry.cell, results.get(entry.cell.id), record) for entry in plan.cells),
        comparisons=tuple(_comparison(each) for each in decision.comparisons),
        behaviour=disagreements(record.results),
        not_covered=decision.not_covered,
        known_issues=record.known_issues,
        waivers=decision.waivers,
        configuration=_configuration(plan.settings, plan.changed),
        wheels=tuple(_wheel(artifact) for artifact in record.artifacts),
        digests=tuple(_digests(plan, record.artifacts)),
        timings=record.stages,
        estimate=plan.estimate,
    )


def write_report(path: Path, report: Report) -> None:
    """Write report.json atomically; raises InfrastructureError when it cannot be written."""
    write_json(path, {"schema": REPORT_SCHEMA, **to_data(report)})


def read_report(path: Path) -> Report:
    """Return the report in `path`; raises ConfigurationError with every problem of the file."""
    return from_data(read_document(path, REPORT_SCHEMA), Report, str(path))


def report_file(folder: Path | None) -> Path:
    """Return the report.json in `folder` (None: where a run writes unless told otherwise).

    `folder` may also be the file itself.
    """
    folder = folder or Path("gate-report")
    return folder if folder.is_file() else folder / "report.json"


def finding_called(name: str, report: Report, where: Path) -> FindingReport:
    """Return the finding with the id `name`; `where` is the report's file.

    Raises ConfigurationError, with the nearest id, when there is no such finding.
    """
    by_id = {each.id: each for each in report.findings}
    if name not in by_id:
        hint = did_you_mean(name, list(by_id)) or f"it has {', '.join(by_id) or 'none'}"
        problem = Problem(what=f"no finding is called {name!r}", where=str(where), hint=hint)
        raise ConfigurationError(problem)
    return by_id[name]


def _headline(record: RunRecord) -> str:
    """Say in one line what the verdict rests on."""
    decision = record.decision
    blocking = [each for each in decision.findings if each.blocking]
    match decision.verdict:
        case Verdict.NO_GO:
            checks = list(dict.fromkeys(each.check for each in blocking))
            return f"{_count(len(blocking), 'blocking finding')}: {_named(checks, 'check')}"
        case Verdict.INCONCLUSIVE:
            open_ones = [
                each.id
                for each in decision.requirements
                if each.tier is Tier.BLOCKING and each.satisfaction != "satisfied"
            ]
            return "no full answer to " + (", ".join(open_ones) or "anything")
        case Verdict.GO:
            answered = sum(
                each.candidate_observation is not None
                and each.candidate_observation.outcome.is_answer
                for each in decision.comparisons
            )
            known = len(decision.findings)
            also = f"; {_count(known, 'finding')} that {'does' if known == 1 else 'do'} not block"
            also = also if known else ""
            fresh = {ComparisonKind.REGRESSED, ComparisonKind.NEW, ComparisonKind.FLAKY}
            new = any(each.kind in fresh for each in decision.findings)
            fails = "nothing that blocks fails" if new else "nothing new fails"
            better = sum(each.kind is ComparisonKind.FIXED for each in decision.comparisons)
            fixed = f", {better} fixed" if better else ""
            return f"{_count(answered, 'answer')}, {fails}{fixed}{also}{_brings(record)}"


def _brings(record: RunRecord) -> str:
    """Return the grave issues that come with a candidate and that no cell looked for.

    GO says nothing of them, and who ships must know.
    """
    unseen = dict.fromkeys(
        each.id
        for each in record.known_issues
        if each.arrives
        and each.state in {IssueState.NOT_EXERCISED, IssueState.ELSEWHERE}
        and each.severity in {Severity.SILENT, Severity.FATAL}
        and each.confidence is not Confidence.LOW
    )
    known = _named(list(unseen), "issue")
    return f"; not looked at here, known of the candidate alone: {known}" if unseen else ""


def _named(names: Sequence[str], thing: str) -> str:
    more = f" and {_count(len(names) - NAMED, f'more {thing}')}" if names[NAMED:] else ""
    return ", ".join(names[:NAMED]) + more


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _cell(cell: Cell, result: CellResult | None, record: RunRecord) -> CellReport:
    missing = {each.id for each in record.decision.missing_cells}
    return CellReport(
        id=cell.id,
        place=cell.place(several=len(record.plan.platforms) > 1),
        role=cell.role,
        numpy=cell.numpy,
        pin=str(cell.pin),
        platform=cell.platform,
        kernel=cell.kernel,
        kernel_observed=result.kernel.observed if result else None,
        threads=cell.threads,
        threads_observed=result.threads.observed if result else None,
        emulator=cell.emulator,
        present=cell.id not in missing,
        host_cpu=result.host.cpu if result else "",
        wheel_sha256=result.wheel_sha256 if result else "",
        openblas_config=result.openblas.config if result else None,
        openblas_sha256=result.openblas.sha256 if result else "",
        python=result.python if result else "",
        seconds=result.seconds if result else 0.0,
        reused=result.reused if result else False,
        outcomes={each.check: each.outcome for each in result.observations} if result else {},
        left_out=result.left_out if result else "",
    )


def _comparison(comparison: Comparison) -> ComparisonReport:
    candidate, baseline = comparison.candidate_observation, comparison.baseline_observation
    return ComparisonReport(
        check=comparison.check,
        cell=comparison.candidate.id,
        baseline_cell=comparison.baseline.id if comparison.baseline else None,
        kind=comparison.kind,
        candidate=candidate.outcome if candidate else None,
        baseline=baseline.outcome if baseline else None,
        flaky=bool(candidate and candidate.flaky),
        reason=candidate.reason if candidate else "no result",
    )


def _finding(finding: Finding, *, several: bool) -> FindingReport:
    shown = first_failing(finding)
    return FindingReport(
        id=finding.id,
        check=finding.check,
        comparison=finding.kind,
        symptom=finding.symptom,
        summary=finding.summary,
        routines=finding.routines,
        candidate=str(finding.candidate),
        blocking=finding.blocking,
        cells=tuple(dict.fromkeys(each.candidate.id for each in finding.comparisons)),
        failures=tuple(_failure(each, several=several) for each in finding.comparisons),
        first=None if shown is None else finding.comparisons.index(shown[0]),
        issues=finding.issues,
        reproducer=finding.reproducer,
        toggles=finding.toggles,
        waived=finding.waived,
        follows=finding.follows,
    )


def _failure(comparison: Comparison, *, several: bool) -> FailureReport:
    candidate, baseline = comparison.candidate_observation, comparison.baseline_observation
    return FailureReport(
        cell=comparison.candidate.id,
        place=comparison.candidate.place(several=several),
        kernel=comparison.candidate.kernel,
        threads=comparison.candidate.threads,
        kind=comparison.kind,
        outcome=candidate.outcome if candidate else None,
        baseline=baseline.outcome if baseline else None,
        repeat=candidate.repeat.outcome if candidate and candidate.repeat else None,
        reason=candidate.reason if candidate else "no result",
        evidence=candidate.evidence if candidate else Evidence(),
    )


def _configuration(settings: Mapping[str, Any], changed: tuple[str, ...]) -> tuple[Setting, ...]:
    first = [key for key in settings if key in changed]
    rest = [key for key in settings if key not in changed]
    return tuple(
        Setting(key=key, value=settings[key], changed=key in changed) for key in (*first, *rest)
    )


def _wheel(artifact: Artifact) -> WheelReport:
    return WheelReport(
        pin=str(artifact.pin),
        name=artifact.name,
        sha256=artifact.sha256,
        made=artifact.made,
        library=artifact.library.replace("\\", "/").rpartition("/")[2],
        library_sha256=artifact.library_sha256,
        config=artifact.config,
        seconds=artifact.seconds,
        reused=artifact.reused,
    )


def _digests(plan: Plan, artifacts: tuple[Artifact, ...]) -> Iterator[Digest]:
    yield Digest(what=f"NumPy {plan.numpy.version} ({plan.numpy.kind})", sha256=plan.numpy.sha256)
    for pin in plan.pins:
        unpinned = "" if pin.pinned else " (digest not from matrices/)"
        yield Digest(what=f"{pin.filename}{unpinned}", sha256=pin.sha256)
    for artifact in artifacts:
        yield Digest(what=f"wheel with {artifact.pin}", sha256=artifact.sha256)
        yield Digest(what=f"OpenBLAS inside it ({artifact.pin})", sha256=artifact.library_sha256)

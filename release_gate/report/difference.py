"""Two reports side by side: what changed from one to the other, and what for the worse.

Cells are the same when they are of the same side, platform, kernel and thread count: a candidate
that one report has and the other has not stands for the one in its place.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from attrs import frozen

from release_gate.judgement.findings import routine_family
from release_gate.model import Outcome, Role, Satisfaction, Tier, Verdict
from release_gate.report.document import verdict_words
from release_gate.report.places import name_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from release_gate.model import RequirementResult
    from release_gate.report.document import CellReport, FindingReport, Report

__all__ = [
    "Change",
    "Changed",
    "Difference",
    "FindingChange",
    "OutcomeChange",
    "StageChange",
    "compare_reports",
]

#: A stage took another time if it differs by this share of the longer one, and by these seconds.
SHARE: Final = 0.2
SECONDS: Final = 1.0

_VERDICTS: Final = (Verdict.GO, Verdict.INCONCLUSIVE, Verdict.NO_GO)
_SATISFACTIONS: Final = (Satisfaction.SATISFIED, Satisfaction.UNANSWERED, Satisfaction.VIOLATED)


class Change(StrEnum):
    """Which way something changed."""

    WORSE = "worse"
    BETTER = "better"
    OTHER = "other"  # neither says anything about the candidate


@frozen(kw_only=True)
class Changed:
    """One thing that both reports have, or one; `before` or `after` is empty where it is not."""

    what: str
    before: str
    after: str
    change: Change = Change.OTHER


@frozen(kw_only=True)
class FindingChange:
    """A finding, with the id of the newer report if it has it; what it was before and is now."""

    id: str
    summary: str
    before: str  # "blocking", "waived", "informing"; empty: it was not there
    after: str
    change: Change


@frozen(kw_only=True)
class OutcomeChange:
    """A check that answered otherwise; None: it was not asked, or the cell has no result."""

    check: str
    cell: str
    before: Outcome | None
    after: Outcome | None
    change: Change


@frozen(kw_only=True)
class StageChange:
    """A stage that took another time, in seconds; None: the report has no such stage."""

    name: str
    before: float | None
    after: float | None


@frozen(kw_only=True)
class Difference:
    """What changed. `same_findings` are ids of the newer report; `worse`: something got worse."""

    worse: bool
    verdict: Changed
    requirements: tuple[Changed, ...]
    findings: tuple[FindingChange, ...]
    same_findings: tuple[str, ...]
    cells: tuple[Changed, ...]
    outcomes: tuple[OutcomeChange, ...]
    setup: tuple[Changed, ...]  # pins, NumPy, interpreter, host, digests
    configuration: tuple[Changed, ...]
    timings: tuple[StageChange, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed but the time that was taken."""
        parts = (
            *(self.requirements, self.findings, self.cells),
            *(self.outcomes, self.setup, self.configuration),
        )
        return self.verdict.before == self.verdict.after and not any(parts)


def compare_reports(before: Report, after: Report) -> Difference:
    """Return what changed from `before` to `after`."""
    verdict = Changed(
        what="verdict",
        before=verdict_words(before),
        after=verdict_words(after),
        change=_way(_VERDICTS.index(before.verdict), _VERDICTS.index(after.verdict)),
    )
    requirements = tuple(_requirements(before, after))
    same, findings = _findings(before.findings, after.findings)
    cells, outcomes = _cells(before, after)
    ways = [
        *(each.change for each in (verdict, *requirements, *cells)),
        *(each.change for each in findings),
        *(each.change for each in outcomes),
    ]
    return Difference(
        worse=Change.WORSE in ways,
        verdict=verdict,
        requirements=requirements,
        findings=findings,
        same_findings=same,
        cells=cells,
        outcomes=outcomes,
        setup=tuple(_unequal(_setup(before), _setup(after))),
        configuration=tuple(_unequal(_settings(before), _settings(after))),
        timings=tuple(_timings(before, after)),
    )


def _way(before: int, after: int) -> Change:
    """Return the way from one place in an order, best first, to another."""
    if before == after:
        return Change.OTHER
    return Change.WORSE if after > before else Change.BETTER


def _requirements(before: Report, after: Report) -> Iterator[Changed]:
    old = {each.id: each for each in before.requirements}
    new = {each.id: each for each in after.requirements}
    for name in dict.fromkeys((*old, *new)):
        was, now = old.get(name), new.get(name)
        change = Changed(
            what=name,
            before=_state(was),
            after=_state(now),
            change=_requirement_change(was, now),
        )
        if change.before != change.after:
            yield change


def _state(requirement: RequirementResult | None) -> str:
    if requirement is None:
        return ""
    informing = "" if requirement.tier is Tier.BLOCKING else " (informing)"
    return f"{requirement.satisfaction}{informing}"


def _requirement_change(was: RequirementResult | None, now: RequirementResult | None) -> Change:
    if now is None:  # the verdict rests on less
        blocked = was is not None and was.tier is Tier.BLOCKING
        return Change.WORSE if blocked else Change.OTHER
    place = _SATISFACTIONS.index(now.satisfaction)
    if was is None:
        return _way(0, place)
    return _way(_SATISFACTIONS.index(was.satisfaction), place)


def _findings(
    before: Sequence[FindingReport], after: Sequence[FindingReport]
) -> tuple[tuple[str, ...], tuple[FindingChange, ...]]:
    """Return the ids of those that stayed as they were, and the changes.

    The id holds the pin: with another candidate, the same check, symptom and routines are the same.
    """
    same: list[str] = []
    changes: list[FindingChange] = []
    gone = list(before)
    for now in after:
        was = _counterpart(now, gone)
        if was is not None:
            gone.remove(was)
        if was is not None and _weight(was) == _weight(now):
            same.append(now.id)
            continue
        changes.append(_finding_change(was, now))
    changes += [_finding_change(was, None) for was in gone]
    return tuple(same), tuple(changes)


def _counterpart(finding: FindingReport, among: Iterable[FindingReport]) -> FindingReport | None:
    among = tuple(among)
    keys: tuple[Callable[[FindingReport], object], ...] = (lambda each: each.id, _cause)
    return next((each for key in keys for each in among if key(each) == key(finding)), None)


def _cause(finding: FindingReport) -> tuple[str, str, frozenset[str]]:
    families = frozenset(routine_family(each) for each in finding.routines)
    return finding.check, finding.symptom, families


def _weight(finding: FindingReport | None) -> str:
    if finding is None:
        return ""
    if finding.waived:
        return "waived"
    return "blocking" if finding.blocking else "informing"


def _finding_change(was: FindingReport | None, now: FindingReport | None) -> FindingChange:
    shown = now or was
    assert shown is not None
    order = ("", "informing", "waived", "blocking")
    return FindingChange(
        id=shown.id,
        summary=shown.summary,
        before=_weight(was),
        after=_weight(now),
        change=_way(order.index(_weight(was)), order.index(_weight(now))),
    )


def _cells(before: Report, after: Report) -> tuple[tuple[Changed, ...], tuple[OutcomeChange, ...]]:
    places = _places(before, after)
    old = {_name(cell, places): cell for cell in before.cells}
    new = {_name(cell, {}): cell for cell in after.cells}
    cells: list[Changed] = []
    outcomes: list[OutcomeChange] = []
    for name in dict.fromkeys((*old, *new)):
        was, now = old.get(name), new.get(name)
        state = Changed(
            what=name,
            before=_presence(was),
            after=_presence(now),
            change=_cell_change(was, now),
        )
        if state.before != state.after:
            cells.append(state)
        elif was is not None and now is not None:
            outcomes += _outcomes(name, was, now)
    return tuple(cells), tuple(outcomes)


def _places(before: Report, after: Report) -> dict[str, str]:
    """Return, for each pin of `before`, the one of `after` that stands in its place."""
    same = set(before.candidates) & set(after.candidates)
    old = [each for each in before.candidates if each not in same]
    new = [each for each in after.candidates if each not in same]
    places = dict(zip(old, new, strict=False))
    if before.baseline and after.baseline:
        places[f"baseline {before.baseline}"] = after.baseline
    return places


def _name(cell: CellReport, places: Mapping[str, str]) -> str:
    key = f"baseline {cell.pin}" if cell.role is Role.BASELINE else cell.pin
    what = name_cell(cell.kernel, cell.threads)
    emulated = f" under {cell.emulator}" if cell.emulator else ""
    return f"{cell.role} {places.get(key, cell.pin)}, {cell.platform}{emulated}: {what}"


def _presence(cell: CellReport | None) -> str:
    if cell is None:
        return ""
    observed = cell.kernel_observed or "no kernel read back"
    other = cell.kernel is not None and observed.casefold() != cell.kernel.casefold()
    if not cell.present:
        return "no result"
    return f"ran as {observed}" if other else "answered"


def _cell_change(was: CellReport | None, now: CellReport | None) -> Change:
    answered, answers = (each is not None and each.present for each in (was, now))
    if answered == answers or (was or now) is None:
        return Change.OTHER
    return Change.BETTER if answers else Change.WORSE


def _outcomes(name: str, was: CellReport, now: CellReport) -> Iterator[OutcomeChange]:
    for check in dict.fromkeys((*was.outcomes, *now.outcomes)):
        old, new = was.outcomes.get(check), now.outcomes.get(check)
        if old is not new:
            # What the baseline does says nothing about the candidate by itself.
            change = (
                Change.OTHER if now.role is Role.BASELINE else _way(_badness(old), _badness(new))
            )
            yield OutcomeChange(check=check, cell=name, before=old, after=new, change=change)


def _badness(outcome: Outcome | None) -> int:
    """Return 0 for what passed, 1 for no answer, 2 for a failure of whatever kind."""
    if outcome is not None and outcome.is_failure:
        return 2
    return 0 if outcome is Outcome.PASSED else 1


def _setup(report: Report) -> dict[str, str]:
    host = report.host
    facts = {
        "release-gate": report.tool_version,
        "profile": report.profile,
        "NumPy": f"{report.numpy.version} ({report.numpy.kind})",
        "Python": f"{report.interpreter.implementation} {report.interpreter.version}",
        "baseline": report.baseline or "none",
        "candidates": ", ".join(report.candidates),
        "CPU": host.cpu,
        "cores": str(host.cores),
        "CPU flags": ", ".join(host.flags),
        "platform": host.platform,
        "libc": host.libc or "not known",
    }
    return facts | {f"SHA-256 of {each.what}": each.sha256 for each in report.digests}


def _settings(report: Report) -> dict[str, str]:
    return {each.key: str(each.value) for each in report.configuration}


def _unequal(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Changed]:
    for name in dict.fromkeys((*old, *new)):
        before, after = old.get(name, ""), new.get(name, "")
        if before != after:
            yield Changed(what=name, before=before, after=after)


def _timings(before: Report, after: Report) -> Iterator[StageChange]:
    old = {each.name: each.seconds for each in before.timings}
    new = {each.name: each.seconds for each in after.timings}
    for name in dict.fromkeys((*old, *new)):
        was, now = old.get(name), new.get(name)
        change = abs((was or 0.0) - (now or 0.0))
        if change >= SECONDS and change >= SHARE * max(was or 0.0, now or 0.0):
            yield StageChange(name=name, before=was, after=now)

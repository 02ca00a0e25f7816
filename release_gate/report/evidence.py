"""Findings as a page tells them: one cause after another, with as much evidence as it can hold.

What is cut or left out here is in report.json.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from release_gate.model import MatchStanding
from release_gate.report.places import name_places

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from release_gate.model import IssueMatch, Outcome, Toggle
    from release_gate.report.document import FailureReport, FindingReport

__all__ = [
    "Alike",
    "Cause",
    "ToggleGrid",
    "Told",
    "causes",
    "core_of",
    "cut",
    "following",
    "toggle_grid",
]

#: Findings that another one may follow from, by their ids; the rest is counted.
NAMED = 3

#: Findings that are told with their evidence; the others are named.
TOLD = 150

#: Characters of stacks and logs: of one, and of all together.
TEXT = 30_000
TEXTS = 500_000

#: Ways of failing that one finding shows, besides its first.
WAYS = 12


@frozen(kw_only=True)
class Alike:
    """The cells of a finding in which the same was seen."""

    candidate: Outcome | None
    baseline: Outcome | None
    repeat: Outcome | None
    reason: str
    where: str
    cells: int


@frozen(kw_only=True)
class ToggleGrid:
    """How often a finding showed, by kernel (rows) and threads (columns); None: not tried."""

    threads: tuple[int, ...]
    rows: tuple[tuple[str, tuple[Toggle | None, ...]], ...]


@frozen(kw_only=True)
class Told:
    """A finding with what is to be shown of it: one cell whole, the others by what was seen."""

    finding: FindingReport
    first: FailureReport | None
    others: tuple[Alike, ...]
    hidden: int  # cells that neither `first` nor `others` shows
    grid: ToggleGrid | None


@frozen(kw_only=True)
class Cause:
    """Findings that look like one known issue; `issue` is None where none of them has a match."""

    issue: IssueMatch | None
    findings: tuple[Told, ...]

    @property
    def shared(self) -> IssueMatch | None:
        """Return the issue when it ties several findings together."""
        return self.issue if len(self.findings) > 1 else None


def causes(
    findings: Sequence[FindingReport],
) -> tuple[tuple[Cause, ...], tuple[FindingReport, ...]]:
    """Return the first findings by cause, and those that there is no room for.

    A cause stands where its first finding stands. Findings belong together when the issue that fits
    each of them best is the same one, and the candidate is among the versions that have it. What
    may follow from others belongs to the first of them.
    """
    left = TEXTS
    by_id = {each.id: each for each in findings}
    together: dict[str, list[Told]] = defaultdict(list)
    for finding in findings[:TOLD]:
        told = _told(finding, left)
        left -= _length(told)
        root = by_id[finding.follows[0]] if finding.follows else finding
        issue = _best(root)
        together[f"issue {issue.id}" if issue else f"finding {root.id}"].append(told)
    made = tuple(
        Cause(
            issue=next((each for told in group if (each := _best(told.finding))), None),
            findings=tuple(group),
        )
        for group in together.values()
    )
    return made, tuple(findings[TOLD:])


def cut(text: str, most: int, *, keep_end: bool = False) -> str:
    """Return `text` in about `most` characters, and say how much is left out and where it is."""
    if len(text) <= most:
        return text
    note = f"… {len(text) - most:,} more characters are in report.json …"
    return f"{note}\n{text[len(text) - most :]}" if keep_end else f"{text[:most]}\n{note}"


def following(finding: FindingReport) -> str:
    """Return in words what `finding` may follow from."""
    named = ", ".join(finding.follows[:NAMED])
    more = len(finding.follows) - NAMED
    rest = f" and {more} more" if more > 0 else ""
    return f"may follow from {named}{rest}: gemm, of which it is made, fails there too"


def toggle_grid(toggles: Sequence[Toggle]) -> ToggleGrid | None:
    """Return `toggles` as a table, the library's own choice of kernel first; None without any."""
    if not toggles:
        return None
    threads = tuple(sorted({each.threads for each in toggles}))
    kernels = sorted(
        dict.fromkeys(each.kernel for each in toggles), key=lambda name: name is not None
    )
    tried = {(each.kernel, each.threads): each for each in toggles}
    return ToggleGrid(
        threads=threads,
        rows=tuple(
            (
                core_of(next(each for each in toggles if each.kernel == kernel)),
                tuple(tried.get((kernel, count)) for count in threads),
            )
            for kernel in kernels
        ),
    )


def core_of(toggle: Toggle) -> str:
    """Return the kernel that was asked for, with the one that ran where its name differs."""
    if toggle.kernel is None:
        chosen = "chosen by the library"
        return f"{chosen} ({toggle.core})" if toggle.core else chosen
    different = toggle.core is not None and toggle.core.lower() != toggle.kernel.lower()
    return f"{toggle.kernel} ({toggle.core})" if different else toggle.kernel


def _best(finding: FindingReport) -> IssueMatch | None:
    fits = finding.issues and finding.issues[0].standing is MatchStanding.IN_RANGE
    return finding.issues[0] if fits else None


def _told(finding: FindingReport, left: int) -> Told:
    first = None if finding.first is None else finding.failures[finding.first]
    others = [each for index, each in enumerate(finding.failures) if index != finding.first]
    groups: dict[tuple[Outcome | None, ...], dict[str, list[FailureReport]]] = defaultdict(dict)
    for each in others:
        key = (each.outcome, each.baseline, each.repeat)
        groups[key].setdefault(each.reason, []).append(each)
    alike = [_alike(of) for reasons in groups.values() for of in reasons.values()]
    return Told(
        finding=finding,
        first=None if first is None else _shortened(first, left),
        others=tuple(alike[:WAYS]),
        hidden=sum(each.cells for each in alike[WAYS:]),
        grid=toggle_grid(finding.toggles),
    )


def _alike(failures: Sequence[FailureReport]) -> Alike:
    one = failures[0]
    return Alike(
        candidate=one.outcome,
        baseline=one.baseline,
        repeat=one.repeat,
        reason=one.reason,
        where=name_places(((each.place, each.threads) for each in failures), 12),
        cells=len(failures),
    )


def _shortened(failure: FailureReport, left: int) -> FailureReport:
    """Return `failure` with a stack (its begin) and a log (its end) of at most half of `left`."""
    evidence = failure.evidence
    most = max(min(TEXT, left // 2), 0)
    return evolve(
        failure,
        evidence=evolve(
            evidence,
            stack=cut(evidence.stack, most) if evidence.stack else None,
            log=cut(evidence.log, most, keep_end=True) if evidence.log else None,
        ),
    )


def _length(told: Told) -> int:
    texts: Iterable[str | None] = ()
    if told.first is not None:
        texts = (told.first.evidence.stack, told.first.evidence.log)
    return sum(len(text or "") for text in texts)

"""Findings held against known OpenBLAS and NumPy issues: a link and the reasons, never a pardon.

Each condition that an issue names must hold, and adds to its score as far as it is particular: an
issue of the very routine and kernel comes before one of any. docs/matching.md has the figures.
"""

from __future__ import annotations

import re
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Final, assert_never

import attrs
from attrs import frozen

from release_gate.errors import ConfigurationError
from release_gate.judgement.catalogue import Confidence, KnownIssue, Symptom
from release_gate.judgement.findings import routine_family
from release_gate.model import ComparisonKind, IssueMatch, MatchStanding, Outcome
from release_gate.versions import OpenBLASVersion

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from release_gate.model import CellResult, Decision, Finding, Pin

__all__ = ["match_issues", "observed", "version_of", "with_issues"]

#: Matches of one finding that are shown, and what share of the best one's score they need.
MOST_MATCHES: Final = 5
CLOSE: Final = 0.7
#: Issues outside of their versions that are offered when no other matches.
MOST_OUTSIDE: Final = 2

#: What an observed symptom may also be told as, by whoever met the bug in another place.
_NEAR: Final = {
    Symptom.WRONG: {Symptom.NAN, Symptom.OVER_READ},
    Symptom.NAN: {Symptom.WRONG},
    Symptom.CRASH: {Symptom.OVER_READ, Symptom.MEMORY},
    Symptom.HANG: {Symptom.SLOW},
    Symptom.OVER_READ: {Symptom.WRONG, Symptom.CRASH},
    Symptom.MEMORY: {Symptom.CRASH},
    Symptom.SLOW: {Symptom.HANG},
    Symptom.BUILD: {Symptom.CRASH},
}

#: Checks whose failure is of one kind, whatever they say: patterns, the first that fits.
_BY_CHECK: Final = (
    ("wheel.*", Symptom.BUILD),
    ("bounds.*", Symptom.OVER_READ),
    ("process.leaks", Symptom.MEMORY),
    ("process.address-*", Symptom.MEMORY),
    ("concurrency.stack-*", Symptom.MEMORY),
    ("concurrency.churn", Symptom.MEMORY),
    ("special.*nan*", Symptom.NAN),
)
_NAN: Final = re.compile(r"\bnan\b", re.IGNORECASE)
#: Words of a check's message that tell the manner of failing.
_BY_WORDS: Final = (
    ("does not end within", Symptom.HANG),
    ("stay behind", Symptom.MEMORY),
    ("of memory behind", Symptom.MEMORY),
    ("grew by", Symptom.MEMORY),
    ("of its caller's stack", Symptom.MEMORY),
    ("wrote outside", Symptom.OVER_READ),
    ("wrote to the rows beyond", Symptom.OVER_READ),
    ("wrote behind", Symptom.OVER_READ),
    ("wrote before all", Symptom.OVER_READ),
    ("with no memory behind", Symptom.OVER_READ),
)


#: Build options that a library tells of: the word in its configuration, and whether it is there.
_TOLD: Final = {
    "USE_LOCKING=0": ("USE_LOCKING", False),
    "USE_OPENMP=1": ("USE_OPENMP", True),
    "USE_THREAD=0": ("SINGLE_THREADED", True),
    "USE_TLS=0": ("USE_TLS", False),
    "USE_TLS=1": ("USE_TLS", True),
}


@frozen(kw_only=True)
class _Match:
    issue: KnownIssue
    score: float
    standing: MatchStanding
    sure: bool  # check, routine and symptom all agree
    reasons: tuple[str, ...]


def match_issues(
    finding: Finding, catalogue: Iterable[KnownIssue], cpu: str = "", config: str = ""
) -> tuple[IssueMatch, ...]:
    """Return the issues that `finding` looks like, best first, with the reasons in words.

    `config`: what the candidate says of itself (openblas_get_config).

    Symptom, routine, kernel, CPU, architecture, system and thread count must agree as far as the
    issue names them, and either the check or the routine must be its own. Build options speak for
    an issue where `config` tells them, else against it: wheels are hardly ever built so. Issues
    whose versions do not hold the candidate are offered only when no other matches, and say so: an
    old bug may have come back.
    """
    held = (_match(finding, issue, cpu, config) for issue in catalogue)
    matches = [match for match in held if match is not None]
    likely = [each for each in matches if each.standing in _LIKELY]
    outside = [each for each in matches if each.standing not in _LIKELY and each.sure]
    ordered = sorted(likely or outside, key=_rank)
    close = [each for each in ordered if each.score >= CLOSE * ordered[0].score]
    return tuple(
        IssueMatch(
            id=match.issue.id,
            url=match.issue.url,
            title=match.issue.title,
            why_matched="; ".join(match.reasons),
            score=round(match.score, 2),
            standing=match.standing,
        )
        for match in close[: MOST_MATCHES if likely else MOST_OUTSIDE]
    )


_LIKELY: Final = (MatchStanding.IN_RANGE, MatchStanding.VERSION_UNKNOWN)


def _rank(match: _Match) -> tuple[float, int, int, str]:
    """Return the place of a match: of equals, what is seen by fewer checks, then what is newer."""
    number = match.issue.id.rpartition("#")[2]
    newest = -int(number) if number.isdecimal() else 0
    return -match.score, len(match.issue.checks), newest, match.issue.id


def with_issues(
    decision: Decision, catalogue: Sequence[KnownIssue], results: Iterable[CellResult]
) -> Decision:
    """Return `decision` with each finding linked to the issues that it looks like.

    `results` say which CPU a finding is of, and how its library was built.
    """
    by_cell = {each.cell.id: each for each in results}

    def linked(finding: Finding) -> Finding:
        cells = [each.candidate.id for each in finding.comparisons]
        seen = [by_cell[cell] for cell in cells if cell in by_cell]
        cpus = ", ".join(dict.fromkeys(each.host.cpu for each in seen))
        config = next((each.openblas.config for each in seen if each.openblas.config), "")
        return attrs.evolve(finding, issues=match_issues(finding, catalogue, cpus, config))

    return attrs.evolve(decision, findings=tuple(map(linked, decision.findings)))


class _Part(StrEnum):
    """The conditions whose agreement makes a match sure."""

    SYMPTOM = "symptom"
    CHECK = "check"
    ROUTINE = "routine"


@frozen
class _Agreement:
    """How much one condition of an issue speaks for it, and why. None stands for a refusal."""

    score: float
    reason: str = ""
    shows: _Part | None = None


_NOTHING_ASKED: Final = _Agreement(0)


def _match(finding: Finding, issue: KnownIssue, cpu: str, config: str) -> _Match | None:
    standing, version = _version(finding, issue)
    agreements = [
        _symptom(finding, issue),
        _check(finding, issue),
        _routines(finding, issue),
        _kernels(finding, issue),
        _named("architecture", issue.architectures, _parts_of_platforms(finding, 1)),
        _named("system", issue.systems, _parts_of_platforms(finding, 0)),
        _cpu(issue, cpu),
        _threads(finding, issue),
        _build(issue, config),
        version,
        _Agreement({Confidence.HIGH: 0.3, Confidence.MEDIUM: 0.15}.get(issue.confidence, 0)),
    ]
    held = [each for each in agreements if each is not None]
    shown = {each.shows for each in held}
    if len(held) < len(agreements) or not shown & {_Part.CHECK, _Part.ROUTINE}:
        return None
    return _Match(
        issue=issue,
        score=sum(each.score for each in held),
        standing=standing,
        sure=set(_Part) <= shown,
        reasons=tuple(each.reason for each in held if each.reason),
    )


def observed(finding: Finding) -> Symptom | None:
    """Return the class of what a finding shows; None where nothing failed."""
    for comparison in finding.comparisons:
        observation = comparison.candidate_observation
        if observation is None:
            continue
        match observation.outcome:
            case Outcome.FAILED:
                return _manner(finding.check, [c.message for c in observation.evidence.cases])
            case Outcome.CRASHED:
                return Symptom.CRASH
            case Outcome.HUNG:
                return Symptom.HANG
            case Outcome.PASSED | Outcome.NOT_EXERCISED | Outcome.UNSUPPORTED | Outcome.ERROR:
                continue
            case _:
                assert_never(observation.outcome)
    return None


def _manner(check: str, messages: Sequence[str]) -> Symptom:
    for pattern, symptom in _BY_CHECK:
        if fnmatchcase(check, pattern):
            return symptom
    for words, symptom in _BY_WORDS:
        if any(words in message for message in messages):
            return symptom
    if any(_NAN.search(message) for message in messages):
        return Symptom.NAN
    return Symptom.WRONG


def _symptom(finding: Finding, issue: KnownIssue) -> _Agreement | None:
    seen = observed(finding)
    if seen is None:
        return None
    if seen in issue.symptoms:
        first = issue.symptoms[0] is seen
        return _Agreement(2 if first else 1.5, f"shows as {finding.symptom}", _Part.SYMPTOM)
    near = sorted(_NEAR[seen] & set(issue.symptoms))
    if near:
        return _Agreement(0.5, f"shows as {finding.symptom}, is known as {near[0]}")
    return None


def _check(finding: Finding, issue: KnownIssue) -> _Agreement:
    if finding.check in issue.checks:
        return _Agreement(2, f"{finding.check} can see it", _Part.CHECK)
    if issue.is_seen_by(finding.check):
        return _Agreement(1.5, f"{finding.check} can see it", _Part.CHECK)
    return _NOTHING_ASKED


def _routines(finding: Finding, issue: KnownIssue) -> _Agreement | None:
    known = {routine_family(each) for each in issue.routines}
    seen = {routine_family(each) for each in finding.routines}
    shared = sorted(known & seen)
    if shared:
        same = set(issue.routines) & set(finding.routines)
        particular = 1.5 * len(shared) / len(seen) + 0.5 * len(shared) / len(known)
        particular += 0.5 if same else 0
        return _Agreement(1 + particular, f"in {', '.join(shared)}", _Part.ROUTINE)
    return None if known and seen else _NOTHING_ASKED


def _kernels(finding: Finding, issue: KnownIssue) -> _Agreement | None:
    failing = {each.candidate.kernel for each in finding.comparisons if each.candidate.kernel}
    if not issue.kernels:
        return _Agreement(0.5)
    hit = sorted(filter(issue.is_of_kernel, failing))
    if not hit:
        return None
    # Of any kernel is worth 0.5: more than one that leaves half of those that fail unexplained.
    return _Agreement(3 * len(hit) / len(failing) - 1, f"on the kernel {', '.join(hit)}")


def _parts_of_platforms(finding: Finding, place: int) -> set[str]:
    return {each.candidate.platform.split("-")[place] for each in finding.comparisons}


def _named(what: str, known: Sequence[str], seen: set[str]) -> _Agreement | None:
    if not known:
        return _NOTHING_ASKED
    hit = sorted(seen & set(known))
    return _Agreement(0.5, f"on the {what} {', '.join(hit)}") if hit else None


def _cpu(issue: KnownIssue, cpu: str) -> _Agreement | None:
    if not issue.cpus:
        return _NOTHING_ASKED
    return _Agreement(1, f"on this CPU ({cpu})") if issue.is_of_cpu(cpu) else None


def _threads(finding: Finding, issue: KnownIssue) -> _Agreement | None:
    fewest = min(each.candidate.threads for each in finding.comparisons)
    if issue.min_threads == 1:
        return _Agreement(0.5 if fewest <= 1 else 0)
    if fewest < issue.min_threads:
        return None
    return _Agreement(1, f"with {issue.min_threads} or more threads only")


def _build(issue: KnownIssue, config: str) -> _Agreement:
    if not issue.build:
        return _NOTHING_ASKED
    options, words = ", ".join(issue.build), config.split()
    told = [_TOLD[option] for option in issue.build if option in _TOLD]
    if words and told and all((word in words) is there for word, there in told):
        return _Agreement(0.5, f"built with {options}, as far as its configuration tells")
    return _Agreement(-2, f"known of builds with {options} only")


def _version(finding: Finding, issue: KnownIssue) -> tuple[MatchStanding, _Agreement]:
    version, known = version_of(finding.candidate), issue.versions
    if known is None:
        why = "no version of OpenBLAS is to blame for it"
        return MatchStanding.NOT_OPENBLAS, _Agreement(0, why)
    if version is None:
        why = f"the version of {finding.candidate} is not known, it affects {known}"
        return MatchStanding.VERSION_UNKNOWN, _Agreement(0, why)
    if version in known:
        if _baseline_contradicts(finding, issue):
            why = f"{version} is in {known}, though the baseline is too and does not show it"
            return MatchStanding.IN_RANGE, _Agreement(1.5, why)
        # A range with both ends says more than one that holds whatever is older or newer.
        score = 3.0 if known.is_bounded else 2.5
        return MatchStanding.IN_RANGE, _Agreement(score, f"{version} is in {known}")
    if known.is_above(version):
        why = f"{version} is older than all that are known to show it ({known})"
        return MatchStanding.OLDER, _Agreement(0, why)
    fixed = f"believed fixed in {issue.fixed_in}" if issue.fixed_in else "believed fixed"
    why = f"{version} is outside of {known}, {fixed}: a regression, or another bug"
    return MatchStanding.BELIEVED_FIXED, _Agreement(0, why)


def version_of(pin: Pin) -> OpenBLASVersion | None:
    """Return the version of `pin`; None for a file that has none that can be compared."""
    return _parsed(pin.version)


@lru_cache(maxsize=1024)  # asked for each finding and issue
def _parsed(text: str) -> OpenBLASVersion | None:
    try:
        return OpenBLASVersion.parse(text)
    except ConfigurationError:
        return None


def _baseline_contradicts(finding: Finding, issue: KnownIssue) -> bool:
    if finding.kind is not ComparisonKind.REGRESSED or issue.versions is None:
        return False
    versions = {version_of(each.baseline.pin) for each in finding.comparisons if each.baseline}
    return any(version is not None and version in issue.versions for version in versions)

"""Each known issue as a finding that shows exactly what the issue describes, to try the matching.

Run as a program (``PYTHONPATH=.:tests/support``) it writes docs/matching.md.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from gate_values import HOST, cell, observation, pin

from release_gate.judgement.catalogue import KnownIssue, Symptom
from release_gate.judgement.issues import match_issues
from release_gate.model import (
    Case,
    Comparison,
    ComparisonKind,
    Finding,
    HangKind,
    MatchStanding,
    Observation,
    Outcome,
)
from release_gate.pipeline import all_checks, known_issues
from release_gate.versions import OpenBLASVersion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHECKS = sorted(spec.id for spec in all_checks())

#: What is tried as the version of a library, newest first: releases, snapshots, development.
VERSIONS = [
    *(f"0.3.{patch}{more}" for patch in range(34, -1, -1) for more in ("", ".dev", ".44", ".200")),
    *("0.3.33.112.0", "0.3.27.200.1", "0.3.25.100.1", "0.3.26.100.1"),
    *("0.2.20.dev", "0.2.20", "0.2.19.dev", "0.2.19", "0.2.18", "0.2.14", "0.2.0", "0.1.0"),
]

#: What a bug that is in no kernel shows on.
KERNELS = {
    "x86_64": ("Katmai", "Nehalem", "Sandybridge", "Haswell", "SkylakeX"),
    "aarch64": ("ARMV8", "NEOVERSEN1", "NEOVERSEV1"),
}

#: What a library says of itself that was built with an option.
CONFIG = {
    "USE_OPENMP=1": "USE_OPENMP",
    "USE_THREAD=0": "SINGLE_THREADED",
    "USE_TLS=0": "NO_AFFINITY",
    "USE_TLS=1": "USE_TLS",
}

MESSAGES = {
    Symptom.NAN: "element 3 is nan",
    Symptom.OVER_READ: "wrote outside of its operands",
    Symptom.MEMORY: "100 bytes stay behind at each repetition",
}


def own_finding(issue: KnownIssue) -> tuple[Finding, str] | None:
    """Return (a finding as `issue` describes it, the CPU it is of), None where none is possible."""
    version = next((each for each in VERSIONS if _holds(issue, each)), None)
    check = next(filter(issue.is_seen_by, CHECKS), None)
    symptom = next((each for each in issue.symptoms if each is not Symptom.SLOW), None)
    if version is None or check is None or symptom is None:
        return None
    routines = tuple(each.replace("?", "d") for each in issue.routines)
    seen = _observation(check, symptom, routines)
    machine = issue.architectures[0] if issue.architectures else HOST.machine
    system = issue.systems[0] if issue.systems else HOST.system
    comparisons = tuple(
        Comparison(
            check=check,
            kind=ComparisonKind.NEW,
            candidate=attrs.evolve(
                cell(kernel=kernel, threads=issue.min_threads, of=pin(version)),
                platform=f"{system}-{machine}",
            ),
            baseline=None,
            candidate_observation=seen,
            baseline_observation=None,
        )
        for kernel in issue.kernels or KERNELS.get(machine, ("GENERIC",))
    )
    finding = Finding(
        id="made-up",
        check=check,
        kind=ComparisonKind.NEW,
        symptom=str(symptom),
        summary="made up",
        routines=routines,
        candidate=pin(version),
        blocking=True,
        comparisons=comparisons,
    )
    return finding, " ".join(issue.cpus) or HOST.cpu


def _holds(issue: KnownIssue, version: str) -> bool:
    return issue.versions is not None and OpenBLASVersion.parse(version) in issue.versions


def _observation(check: str, symptom: Symptom, routines: Sequence[str]) -> Observation:
    facts: dict[str, Any] = {}
    match symptom:
        case Symptom.CRASH:
            return observation(check, Outcome.CRASHED, signal="SIGSEGV")
        case Symptom.HANG:
            return observation(check, Outcome.HUNG, hang=HangKind.DEADLOCK)
        case _:
            message = MESSAGES.get(symptom, "wrong elements")
            facts["cases"] = tuple(
                Case(routine=each, message=message) for each in routines or ("dgemm",)
            )
            return observation(check, Outcome.FAILED, **facts)


def ranks() -> Iterator[tuple[KnownIssue, int | None, list[str]]]:
    """Yield (issue, its rank for its own finding, ids of all that was matched)."""
    catalogue = known_issues()
    for issue in catalogue:
        own = own_finding(issue)
        if own is None:
            continue
        config = " ".join(word for option, word in CONFIG.items() if option in issue.build)
        matches = match_issues(own[0], catalogue, own[1], config)
        ids = [each.id for each in matches if each.standing is MatchStanding.IN_RANGE]
        best = {each.score for each in matches[:1]}
        rank = ids.index(issue.id) + 1 if issue.id in ids else None
        if rank is not None and matches[rank - 1].score in best:
            rank = 1  # as good as the best: nothing tells them apart
        yield issue, rank, ids


def same_bug(issue: KnownIssue, other: str) -> bool:
    """Say whether `other` is told of as the same bug, seen by another project or later on."""
    entry = {each.id: each for each in known_issues()}[other]
    return other in issue.downstream or issue.id in entry.downstream


DOCUMENT = """\
# How well findings are matched with known issues

Written by `PYTHONPATH=.:tests/support python tests/support/own_symptoms.py`.

Each of the {all} entries of `matrices/known_issues/` that a check can see was turned into a finding
that shows what the entry describes: its first symptom, its routines, kernels, architecture, thread
count, build options as far as a library tells them, the first check that can see it, and the newest
version that it holds. That finding was then matched against all {catalogue} entries.

| | entries |
|--|--|
| own issue first, alone or with equals | {first} |
| first another entry of the same bug: one names the other | {same} |
| own issue second to fifth, behind another bug | {later} |
| own issue not offered | {lost} |

{lists} issues are offered per finding on average, so {false} besides the right one. They are false
in the sense that the finding was made of another entry; many describe the same bug from another
side (the report of a project that it hurt), or one that nothing but the numbers themselves tells
apart.

What is not first:

{misses}
"""


def place_of(issue: KnownIssue, rank: int | None, ids: Sequence[str]) -> str:
    """Return where an issue stands for its own finding, as the table counts it."""
    if rank is None:
        return "lost"
    if rank == 1:
        return "first"
    return "same" if same_bug(issue, ids[0]) else "later"


def document() -> str:
    rows = list(ranks())
    counted = Counter(place_of(*row) for row in rows)
    offered = sum(len(ids) for _, _, ids in rows) / len(rows)
    misses = [
        f"- {issue.id}: {'not offered' if rank is None else f'place {rank}'}, behind {ids[0]}"
        + (", the same bug" if place_of(issue, rank, ids) == "same" else "")
        if ids
        else f"- {issue.id}: nothing is offered"
        for issue, rank, ids in rows
        if rank != 1
    ]
    return DOCUMENT.format(
        all=len(rows),
        catalogue=len(known_issues()),
        first=counted["first"],
        same=counted["same"],
        later=counted["later"],
        lost=counted["lost"],
        lists=f"{offered:.1f}",
        false=f"{offered - 1:.1f}",
        misses="\n".join(misses) or "- nothing",
    )


if __name__ == "__main__":
    path = Path(__file__).parents[2] / "docs" / "matching.md"
    path.write_text(document(), encoding="utf-8")

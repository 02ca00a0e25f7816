"""Findings that may follow from another one: what is made of gemm fails where gemm does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import evolve

from release_gate.judgement.findings import routine_family
from release_gate.model import ComparisonKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from release_gate.model import Finding

__all__ = ["with_consequences"]

_GEMM: Final = "?gemm"

#: BLAS of levels 1 and 2 and copies, which have kernels of their own.
_OWN_KERNELS: Final = """
    dot dotu dotc axpy axpyc axpby scal rscal copy swap asum sum nrm2 iamax iamin imax imin amax
    amin rot rotm rotg rotmg gemv gbmv ger geru gerc symv hemv sbmv hbmv spmv hpmv syr her spr hpr
    syr2 her2 spr2 hpr2 trmv trsv tbmv tbsv tpmv tpsv omatcopy imatcopy geadd
"""
_WITHOUT_GEMM: Final = frozenset(f"?{name}" for name in _OWN_KERNELS.split())

#: How nothing fails because a product is wrong or dies.
_UNLIKE: Final = "hang (deadlock)"

#: Kinds that say that the candidate does wrong what the baseline did right.
_FRESH: Final = frozenset({ComparisonKind.REGRESSED, ComparisonKind.NEW, ComparisonKind.FLAKY})


def with_consequences(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return `findings`, each with the ids of those that it may follow from.

    OpenBLAS's level 3 and LAPACK run the kernels of gemm. So where gemm newly fails, they may fail
    for no other reason; that is a supposition, from the kernels alone, and excuses nothing.
    """
    gemm = [each for each in findings if each.kind in _FRESH and _GEMM in _families(each)]
    return tuple(evolve(each, follows=_from(each, gemm)) for each in findings)


def _from(finding: Finding, gemm: Sequence[Finding]) -> tuple[str, ...]:
    kernels = _kernels(finding)
    if finding.kind not in _FRESH or not kernels or not _may_follow(finding):
        return ()
    causes = [
        each
        for each in gemm
        if str(each.candidate) == str(finding.candidate) and _kernels(each) & kernels
    ]
    covered = frozenset[str]().union(*map(_kernels, causes))
    return tuple(each.id for each in causes) if kernels <= covered else ()


def _may_follow(finding: Finding) -> bool:
    families = _families(finding)
    made_of_gemm = all(each.startswith("?") and each not in _WITHOUT_GEMM for each in families)
    return bool(families) and made_of_gemm and _GEMM not in families and finding.symptom != _UNLIKE


def _families(finding: Finding) -> frozenset[str]:
    return frozenset(map(routine_family, finding.routines))


def _kernels(finding: Finding) -> frozenset[str]:
    return frozenset(
        each.candidate.kernel for each in finding.comparisons if each.candidate.kernel is not None
    )

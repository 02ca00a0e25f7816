"""NaN and infinity in eigenvalue problems whose solvers search for brackets: they end."""

import numpy as np

from checks import matrices
from checks.accuracy_lapack_spectra import TABLE
from checks.api import check
from checks.endless import require_end
from checks.lapack import Lapack
from checks.lapack_trials import Trial
from checks.operands import DTYPES

__all__ = ["ROUTINES", "not_finite_eigen"]

#: By the names of accuracy.lapack-spectra; what special.not-finite-lapack leaves to this check.
ROUTINES = ("syevr", "syevx", "sbevd")

#: Seconds of CPU time, for which it does not matter what else the machine does; all cases of one
#: child together take about a fiftieth of it.
LIMIT = 2

SIZES = (2, 3, 12, 33)


class _Spoilt(Trial):
    """A trial whose Hermitian matrix has `value` at `at` and its mirror image."""

    at, value = (0, 0), np.nan

    def hermitian(self):
        a = matrices.hermitian("random", self.seed, self.n, str(self.dtype))
        a[self.at] = a[self.at[::-1]] = self.value
        return a


@check(
    id="special.not-finite-eigen",
    title="Selected and banded eigenvalue problems with NaN or infinity end",
    category="special",
    routines=["?syevr", "?heevr", "?syevx", "?heevx", "?sbevd", "?hbevd", "?stemr"],
    oracle=(
        "syevr, syevx and sbevd of small matrices with one NaN or infinity at the first, the last "
        "and an off-diagonal place: with whatever result or INFO they must return within 2 s of "
        "CPU time (a finite matrix takes microseconds), and keep to their memory. In forked "
        "processes, one for each routine, precision and value, so that all that loop are told."
    ),
    catches=(
        "Brackets that are widened until a count agrees, which never does with NaN: "
        "Reference-LAPACK#1389 (xLARRB, xLARRJ), #1404."
    ),
    profiles=("full", "stress"),
    max_threads=1,
    systems=("linux", "darwin"),
    budget=120.0,
    once=True,
)
def not_finite_eigen(ctx):
    lapack = Lapack(ctx.blas)
    for routine in TABLE:
        for dtype in DTYPES if routine.name in ROUTINES else ():
            for kind in matrices.NOT_FINITE:
                if lapack.has(routine.named(dtype)):
                    _in_a_child(ctx, lapack, routine, dtype, kind)


def _in_a_child(ctx, lapack, routine, dtype, kind):
    name = routine.named(dtype)
    cases = [
        {"n": n, "at": at, "variant": variant}
        for n in SIZES
        for at in sorted({(0, 0), (n - 1, n - 1), (n // 2, n // 3)})
        for variant in routine.variants
    ]

    def make(n, at, variant):
        trial = _Spoilt(lapack, dtype, n, "random", ctx.seed)
        trial.at, trial.value = at, matrices.NOT_FINITE[kind]
        routine.run(trial, variant)

    def described(case):
        return "%s at %s of a matrix of %d" % (kind, case["at"], case["n"])

    parameters = {"routine": name, "dtype": dtype, "kind": kind, "seed": ctx.seed}
    require_end(ctx, cases, make, LIMIT, parameters, described)

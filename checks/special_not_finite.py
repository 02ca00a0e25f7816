"""NaN and infinity in eigenvalue problems whose solvers search for brackets: they end."""

import mmap
import signal

import numpy as np

from checks import matrices
from checks.accuracy_lapack_spectra import TABLE
from checks.api import check
from checks.forking import Child
from checks.lapack import REFUSALS, Lapack, Overwritten
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
    parameters = {"routine": name, "dtype": dtype, "kind": kind, "seed": ctx.seed}
    ctx.trying(name, parameters)
    cases = [
        (n, at, variant)
        for n in SIZES
        for at in sorted({(0, 0), (n - 1, n - 1), (n // 2, n // 3)})
        for variant in routine.variants
    ]
    reached = mmap.mmap(-1, 1)  # shared with the child: the number of the case that it is at

    def task():
        import resource  # not on Windows, where this check is not asked

        resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT + 1))
        return _ask(lapack, routine, dtype, kind, ctx.seed, cases, reached)

    wrong, trouble = Child(task).answer()
    ctx.ran(len(cases))
    if trouble:
        if trouble.endswith("signal %d" % signal.SIGXCPU):
            trouble = "does not end within %d s of CPU time" % LIMIT
        at = dict(zip(("n", "at", "variant"), cases[reached[0]]))
        message = "%s at %s of a matrix of %d: %s" % (kind, at["at"], at["n"], trouble)
        ctx.fail(name, message, dict(parameters, **at))
    for message, n, at, variant in wrong or ():
        ctx.fail(name, message, dict(parameters, n=n, at=at, variant=variant))


def _ask(lapack, routine, dtype, kind, seed, cases, reached):
    """Return [(message, n, place, variant)] of the first cases that wrote elsewhere."""
    wrong = []
    for number, (n, at, variant) in enumerate(cases):
        reached[0] = number
        trial = _Spoilt(lapack, dtype, n, "random", seed)
        trial.at, trial.value = at, matrices.NOT_FINITE[kind]
        try:
            with np.errstate(all="ignore"):
                routine.run(trial, variant)
        except Overwritten as error:
            wrong.append((str(error), n, at, variant))
        except REFUSALS:
            continue
    return wrong[:4]

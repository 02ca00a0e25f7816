"""LAPACK with nothing to do: no right-hand sides, or matrices without rows or columns."""

import numpy as np

from checks.api import check
from checks.lapack import REFUSALS, Lapack
from checks.lapack_trials import Trial
from checks.operands import DTYPES, LETTER

__all__ = ["nothing"]

N = 5


def _without_columns(trial, b):
    """Yield (routine, arguments, workspaces or None) of what solves systems, for NRHS = 0.

    B has a column although the routines are told that it has none.
    """

    def a():
        return np.asfortranarray(trial.positive())

    n, pivots = N, np.arange(1, N + 1, dtype=trial.integers)
    ones, beside = np.ones(n, trial.dtype), np.zeros(n - 1, trial.dtype)
    band = np.zeros((4, n), trial.dtype, "F")  # with room for fill-in
    band[2] = 1
    yield "gesv", (n, 0, a(), n, pivots, b, n), None
    yield "posv", ("L", n, 0, a(), n, b, n), None
    yield "gtsv", (n, 0, beside, ones, beside.copy(), b, n), None
    yield "ptsv", (n, 0, ones.real.copy(), beside, b, n), None
    yield "gbsv", (n, 1, 1, 0, band, 4, pivots, b, n), None
    for trans in "NT":
        yield "getrs", (trans, n, 0, a(), n, pivots, b, n), None
        yield "trtrs", ("L", trans, "N", n, 0, a(), n, b, n), None
    for uplo in "LU":
        yield "potrs", (uplo, n, 0, a(), n, b, n), None
        yield "sysv", (uplo, n, 0, a(), n, pivots.copy(), b, n), ()
    values, rank = trial.reals(n), trial.pivots(1)
    bound = np.full(1, 1e-3, trial.real)
    reals = [(trial.real, 5 * n)] if trial.is_complex else []
    for m in (n, n - 2):
        yield "gels", ("N", m, n, 0, a(), n, b, n), ()
        yield "gelss", (m, n, 0, a(), n, b, n, values, bound, rank), reals
        yield "gelsy", (m, n, 0, a(), n, b, n, pivots.copy(), bound, rank), reals


def _without_rows(trial, b):
    """Yield the same for matrices of no order, whose operands are not touched."""
    a, pivots, w = np.asfortranarray(trial.positive()), trial.pivots(N), trial.reals(N)
    left, right = (np.zeros((N, N), trial.dtype, "F") for _ in range(2))
    tau = np.zeros(1, trial.dtype)
    values = (np.zeros(N, trial.dtype),) if trial.is_complex else (w, w.copy())
    reals = [(trial.real, 5 * N)] if trial.is_complex else []
    yield "getrf", (0, 0, a, 1, pivots), None
    yield "getrf", (0, 3, a, 1, pivots), None
    yield "potrf", ("L", 0, a, 1), None
    yield "gesv", (0, 1, a, 1, pivots, b, 1), None
    yield "trtri", ("U", "N", 0, a, 1), None
    yield "getri", (0, a, 1, pivots), ()
    yield "geqrf", (0, 3, a, 1, tau), ()
    yield "geqrf", (3, 0, a, 3, tau), ()
    yield "sytrf", ("L", 0, a, 1, pivots), ()
    yield trial.named("syev", "heev"), ("V", "L", 0, a, 1, w), reals
    yield trial.named("syevd", "heevd"), ("V", "L", 0, a, 1, w), trial.asked()
    yield "geev", ("N", "V", 0, a, 1, *values, left, 1, right, 1), reals


@check(
    id="special.lapack-empty",
    title="LAPACK leaves everything as it is when there is nothing to do",
    category="special",
    routines=[
        "?gesv", "?posv", "?gtsv", "?ptsv", "?gbsv", "?getrs", "?trtrs", "?potrs", "?sysv",
        "?gels", "?gelss", "?gelsy", "?getrf", "?potrf", "?trtri", "?getri", "?geqrf",
        "?sytrf", "?syev", "?heev", "?syevd", "?heevd", "?geev",
    ],
    oracle=(
        "Systems and least squares problems with no right-hand side (NRHS = 0) and matrices "
        "without rows or columns: INFO is 0 (LAPACK Users' Guide: quick return), B, which has no "
        "columns then, keeps its bits, and with no rows so does all else. Not gelsd: LALSD in it "
        "refuses NRHS = 0 in all of LAPACK; NumPy gives it a column."
    ),
    catches="Results that are cleared by their leading dimension: Reference-LAPACK#875 (gelss).",
    max_threads=1,
    once=True,
)  # fmt: skip
def nothing(ctx):
    lapack = Lapack(ctx.blas)
    for dtype in DTYPES:
        trial = Trial(lapack, dtype, N, "random", ctx.seed)
        b = trial.random(N, 1)
        for routine, arguments, work in _without_columns(trial, b):
            _ask(ctx, trial, "columns", routine, arguments, work, [b])
        for routine, arguments, work in _without_rows(trial, b):
            arrays = [each for each in arguments if isinstance(each, np.ndarray)]
            _ask(ctx, trial, "rows", routine, arguments, work, arrays)


def _ask(ctx, trial, empty, routine, arguments, work, kept):
    """Call a routine; INFO must be 0, and the arrays `kept` must keep their bits."""
    lapack, dtype = trial.lapack, str(trial.dtype)
    name = LETTER[dtype] + routine
    if not lapack.has(name):
        return
    before = [each.tobytes() for each in kept]
    told = [each for each in arguments if not isinstance(each, np.ndarray)]
    parameters = {"routine": name, "dtype": dtype, "without": empty, "arguments": told}
    ctx.trying(name, parameters)
    ctx.ran()
    what = "no %s, %s" % (empty, " ".join(map(str, told)))
    try:
        if work is None:
            info = lapack.call(name, *arguments)
        else:
            info = lapack.with_workspace(name, dtype, arguments, work)
    except REFUSALS as error:
        ctx.fail(name, "%s: %s" % (what, error), parameters)
        return
    if info:
        ctx.fail(name, "%s: INFO = %d" % (what, info), parameters)
    if before != [each.tobytes() for each in kept]:
        ctx.fail(name, "%s: changed an operand" % what, parameters)

"""LAPACK with nothing to do: no right-hand sides, or matrices without rows or columns."""

import numpy as np

from checks import matrices
from checks.api import check
from checks.lapack import REFUSALS, Lapack
from checks.operands import DTYPES, LETTER, real_dtype

__all__ = ["nothing"]

N = 5


class _Operands:
    """Operands of one precision; B has a column although the routines are told that it has none."""

    def __init__(self, ctx, lapack, dtype):
        self.lapack = lapack
        self.dtype = np.dtype(dtype)
        self.is_complex = dtype.startswith("c")
        self.real = real_dtype(dtype)
        self.seed = ctx.seed
        self.b = np.asfortranarray(matrices.random(ctx.seed + 1, N, 1, dtype))
        self.pivots = np.arange(1, N + 1, dtype=lapack.integers)

    def matrix(self):
        """Return a positive definite matrix."""
        return np.asfortranarray(matrices.positive("random", self.seed, N, str(self.dtype)))

    def band(self):
        """Return the diagonal of that, with room for fill-in."""
        band = np.zeros((4, N), self.dtype, "F")
        band[2] = self.matrix().diagonal()
        return band

    def diagonals(self, of, above):
        zero = np.zeros(N - 1, self.dtype)
        return (np.ones(N, of), zero) if above == 1 else (zero, np.ones(N, of), zero.copy())


def _without_columns(o):
    """Yield (routine, arguments, workspaces or None) of what solves systems, for NRHS = 0."""
    a, b, n = o.matrix, o.b, N
    yield "gesv", (n, 0, a(), n, o.pivots, b, n), None
    yield "posv", ("L", n, 0, a(), n, b, n), None
    yield "gtsv", (n, 0, *o.diagonals(o.dtype, 2), b, n), None
    yield "ptsv", (n, 0, *o.diagonals(o.real, 1), b, n), None
    yield "gbsv", (n, 1, 1, 0, o.band(), 4, o.pivots, b, n), None
    for trans in "NT":
        yield "getrs", (trans, n, 0, a(), n, o.pivots, b, n), None
        yield "trtrs", ("L", trans, "N", n, 0, a(), n, b, n), None
    for uplo in "LU":
        yield "potrs", (uplo, n, 0, a(), n, b, n), None
        yield "sysv", (uplo, n, 0, a(), n, o.pivots.copy(), b, n), ()
    rank, bound, values = (
        np.zeros(1, o.lapack.integers),
        np.full(1, 1e-3, o.real),
        np.zeros(n, o.real),
    )
    reals = [(o.real, 5 * n)] if o.is_complex else []
    for m in (n, n - 2):
        yield "gels", ("N", m, n, 0, a(), n, b, n), ()
        yield "gelss", (m, n, 0, a(), n, b, n, values, bound, rank), reals
        yield "gelsy", (m, n, 0, a(), n, b, n, o.pivots.copy(), bound, rank), reals


def _without_rows(o):
    """Yield the same for matrices of no order, whose operands are not touched."""
    a, b, pivots = o.matrix(), o.b, o.pivots
    w, v = np.zeros(N, o.real), np.zeros((N, N), o.dtype, "F")
    values = (np.zeros(N, o.dtype),) if o.is_complex else (w, w.copy())
    hermitian = ("heev", "heevd") if o.is_complex else ("syev", "syevd")
    reals = [(o.real, 5 * N)] if o.is_complex else []
    asked = [(o.real, 1, "ask")] if o.is_complex else []
    yield "getrf", (0, 0, a, 1, pivots), None
    yield "getrf", (0, 3, a, 1, pivots), None
    yield "potrf", ("L", 0, a, 1), None
    yield "gesv", (0, 1, a, 1, pivots, b, 1), None
    yield "trtri", ("U", "N", 0, a, 1), None
    yield "getri", (0, a, 1, pivots), ()
    yield "geqrf", (0, 3, a, 1, np.zeros(1, o.dtype)), ()
    yield "geqrf", (3, 0, a, 3, np.zeros(1, o.dtype)), ()
    yield "sytrf", ("L", 0, a, 1, pivots), ()
    yield hermitian[0], ("V", "L", 0, a, 1, w), reals
    yield hermitian[1], ("V", "L", 0, a, 1, w), [*asked, (o.lapack.integers, 1, "ask")]
    yield "geev", ("N", "V", 0, a, 1, *values, v, 1, v.copy("F"), 1), reals


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
        operands = _Operands(ctx, lapack, dtype)
        for empty, cases in (("columns", _without_columns), ("rows", _without_rows)):
            for routine, arguments, work in cases(operands):
                _ask(ctx, lapack, dtype, empty, routine, arguments, work)


def _ask(ctx, lapack, dtype, empty, routine, arguments, work):
    name = LETTER[dtype] + routine
    if not lapack.has(name):
        return
    arrays = [each for each in arguments if isinstance(each, np.ndarray)]
    kept = arrays if empty == "rows" else arrays[-1:]
    if empty == "columns":
        kept = [each for each in arrays if each.shape == (N, 1)]
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
    changed = [old != new.tobytes() for old, new in zip(before, kept)]
    if any(changed):
        ctx.fail(name, "%s: changed an operand" % what, parameters)

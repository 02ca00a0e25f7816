"""Different routines in several threads at once: whatever they share, each result stays its own.

`checks.concurrency` has the same routine in every thread. Here each thread goes through the same
list from another place, so that over the rounds every routine meets most others: level-3 drivers
with job tables of their own, recursive factorizations, level 2 and level 1 that split their work,
and calls that are too small to be split. Most go through CBLAS by ctypes, as SciPy's calls and
those of other bindings do, and hold no lock of the interpreter.
"""

import sys
import sysconfig

import numpy as np

from checks.api import check
from checks.cblas import (
    COLUMN,
    LEFT,
    LOWER,
    NO_TRANS,
    RIGHT,
    ROW,
    TRANS,
    UNIT,
    UPPER,
    Cblas,
)
from checks.factors import exact_cholesky, exact_product, exact_system
from checks.team import Rounds, run_together
from checks.workers import at_most, require_threads

__all__ = ["mixed_routines"]

#: Limit of LAPACK's tests for symmetric eigenvalues and singular values (sep.in, svd.in), for each
#: of the two computations that are compared.
SPECTRUM_LIMIT = 2 * 50


class _Call:
    """A call with a known result: exact if `limit` is 0, else within `limit` ulp of the largest."""

    def __init__(self, routine, call, expected, limit=0):
        self.routine = routine
        self.call = call
        self.expected = expected
        self.limit = limit

    def wrong(self, result):
        """Return (number of wrong elements, first of them, largest error in ulp) or None."""
        error = np.abs(result - self.expected)
        ulp = 2.0**-52 * np.abs(self.expected).max()
        right = error <= self.limit * ulp
        if right.all():
            return None
        bad = np.argwhere(np.atleast_1d(~right))
        return len(bad), bad[0], float(error.max() / ulp)


class _Operands:
    """Integers in Fortran order, of the seed of one caller."""

    def __init__(self, seed):
        self._random = np.random.RandomState(seed)

    def matrix(self, rows, columns, dtype="float64"):
        values = self._random.randint(-4, 5, (rows, columns))
        if dtype.startswith("c"):
            values = values + 1j * self._random.randint(-4, 5, (rows, columns))
        return np.asarray(values, dtype, order="F")

    def unit_lower(self, n):
        """Return unit lower triangular with 0 and +-1/2 below: substitution stays exact."""
        below = self._random.randint(-1, 2, (n, n)) * 0.5
        return np.asfortranarray(np.tril(below, -1) + np.eye(n))


def _level3(cblas, operands, n):
    """Return calls of all level-3 drivers, split over threads from n = 82 (interface/*.c)."""
    a, b = operands.matrix(n, n), operands.matrix(n, n)
    symmetric = a + a.T
    lower = operands.unit_lower(n)
    product, square = exact_product(a, b), exact_product(a, a.T)
    strictly = np.tril_indices(n)

    def into(routine, *arguments, dtype="float64"):
        """Return the call that fills a new C from `arguments`, ending with beta and C."""

        def call():
            c = np.zeros((n, n), dtype, order="F")
            cblas.call(routine, dtype, COLUMN, *arguments, 0.0, c, n)
            return c

        return call

    def onto(routine, before):
        """Return the call that multiplies by `lower`, or solves with it, in a copy of `before`."""

        def call():
            x = before.copy(order="F")
            cblas.call(
                *(routine, "float64", COLUMN, LEFT, LOWER, NO_TRANS, UNIT),
                *(n, n, 1.0, lower, n, x, n),
            )
            return x

        return call

    def triangle(call):
        return lambda: call()[strictly]

    multiplied = exact_product(lower, b)
    gemm = (n, n, n, 1.0, a, n, b, n)
    calls = [
        _Call("dgemm", into("gemm", NO_TRANS, NO_TRANS, *gemm), product),
        _Call(
            "dsyrk",
            triangle(into("syrk", LOWER, NO_TRANS, n, n, 1.0, a, n)),
            square[strictly],
        ),
        _Call("dtrmm", onto("trmm", b), multiplied),
        _Call("dgemm", into("gemm", TRANS, TRANS, *gemm), exact_product(a.T, b.T)),
        _Call("dtrsm", onto("trsm", multiplied), b),
        _Call(
            "dsyr2k",
            triangle(into("syr2k", LOWER, NO_TRANS, n, n, 1.0, a, n, b, n)),
            (exact_product(a, b.T) + exact_product(b, a.T))[strictly],
        ),
        _Call(
            "dsymm",
            into("symm", RIGHT, UPPER, n, n, 1.0, symmetric, n, b, n),
            exact_product(b, symmetric),
        ),
    ]
    for dtype, letter in (("float32", "s"), ("complex128", "z")):
        left, right = operands.matrix(n, n, dtype), operands.matrix(n, n, dtype)
        calls.append(
            _Call(
                letter + "gemm",
                into("gemm", NO_TRANS, TRANS, n, n, n, 1.0, left, n, right, n, dtype=dtype),
                exact_product(left, right.T),
            )
        )
    return calls


def _level2(cblas, operands):
    """Return calls of level 2 and 1, some of which are split over threads."""
    wide, tall = operands.matrix(680, 680), operands.matrix(350, 35)
    x, y = operands.matrix(680, 1)[:, 0], operands.matrix(350, 1)[:, 0]
    long, other = operands.matrix(20_001, 1)[:, 0], operands.matrix(20_001, 1)[:, 0]
    n = 100
    a = operands.matrix(n, n)

    def gemv(order, matrix, vector, length):
        rows, columns = matrix.shape if order == COLUMN else matrix.shape[::-1]
        trans = NO_TRANS if length == rows else TRANS

        def call():
            result = np.zeros(length)
            cblas.call(
                *("gemv", "float64", order, trans, rows, columns, 1.0, matrix, len(matrix)),
                *(vector, 1, 0.0, result, 1),
            )
            return result

        return call

    def ger():
        result = a.copy(order="F")
        cblas.call("ger", "float64", COLUMN, n, n, 1.0, x, 1, y, 1, result, n)
        return result

    def axpy():
        result = other.copy()
        cblas.call("axpy", "float64", len(long), 3.0, long, 1, result, 1)
        return result

    by_rows = np.einsum("ij,i->j", wide, x)
    return [
        _Call("dgemv", gemv(COLUMN, wide, x, 680), np.einsum("ij,j->i", wide, x)),
        _Call("dgemv", gemv(COLUMN, tall, y, 35), np.einsum("ij,i->j", tall, y)),
        _Call("dger", ger, a + np.outer(x[:n], y[:n])),
        _Call("dgemv", gemv(ROW, wide, x, 680), by_rows),
        _Call("daxpy", axpy, other + 3 * long),
        # dot: matmul keeps the interpreter's lock for one result
        _Call("ddot", lambda: np.dot(long, other), np.einsum("i,i", long, other)),
    ]


def _lapack(operands, seed, n, spectrum):
    """Return calls of drivers: factorizations that are exact, and spectra within a limit."""
    system, small = exact_system(seed, n, 1), exact_system(seed, 24, 3)
    definite, factor = exact_cholesky(seed, n)
    general = operands.matrix(spectrum, spectrum) / 8.0
    tall = operands.matrix(2 * spectrum, spectrum) / 8.0
    limit = SPECTRUM_LIMIT * 2 * spectrum
    calls = [
        _Call("dgetrf", lambda: np.linalg.det(system.a), np.array(system.determinant)),
        _Call("dgesv", lambda: np.linalg.solve(small.a, small.b), small.x),
        _Call("dpotrf", lambda: np.linalg.cholesky(definite), factor),
    ]
    for routine, call in (
        ("dsyevd", lambda: np.linalg.eigvalsh(general + general.T)),
        ("dgesdd", lambda: np.linalg.svd(general)[1]),
        ("dgelsd", lambda: np.linalg.lstsq(tall, tall[:, :2], rcond=None)[3]),
    ):
        calls.append(_Call(routine, call, call(), limit))
    return calls


@check(
    id="concurrency.mixed-routines",
    title="Different routines at the same time do not disturb each other",
    category="concurrency",
    routines=[
        "dgemm", "sgemm", "zgemm", "dsyrk", "dsyr2k", "dsymm", "dtrmm", "dtrsm", "dgemv", "dger",
        "daxpy", "ddot", "dgetrf", "dgesv", "dpotrf", "dsyevd", "dgesdd", "dgelsd",
    ],
    oracle=(
        "Three threads (beyond the smoke profile six) go through one list of calls from different "
        "places, each with operands of its own, until the time is over. Products, updates, "
        "triangular solves, LU and Cholesky have integer or dyadic results that every order of "
        "summation gives exactly; eigenvalues and singular values must stay within 2 * 50 * n * "
        "ulp * ||A|| of those computed alone (LAPACK's limit 50 for both runs; theorem of Weyl). "
        "On a free-threaded Python, NumPy must not have brought the GIL back."
    ),
    catches=(
        "Locks that only cover one routine, job tables and buffers shared between drivers, lost "
        "wake-ups of the worker pool: OpenBLAS#5836, #5825, #1851, #2363, #937, #660, #1117, "
        "numpy#32168, numpy#17752."
    ),
    budget=90.0,
    once=True,
)  # fmt: skip
def mixed_routines(ctx):
    _require_free_threads(ctx)
    with at_most(ctx, ctx.by_profile(2, 4, ctx.threads)):
        callers = ctx.by_profile(3, 6)
        sizes = ctx.by_profile((100, 110, 24), (130, 150, 40), (200, 300, 100))
        lists = [_calls(ctx, ctx.seed + caller, sizes) for caller in range(callers)]
        syrk = next(call for call in lists[0] if call.routine == "dsyrk")
        require_threads(ctx, syrk.call)  # a gemm of this size may take a path without threads
        seconds = ctx.by_profile(0.15 if ctx.threads == 1 else 0.6, 8.0, 30.0)
        made, wrong = _go_round(lists, seconds)
    ctx.rounds = sum(made) // len(lists[0])
    ctx.details["calls"] = sum(made)
    ctx.ran(sum(made))
    for call, (bad, first, ratio) in wrong:
        what = "beside %d threads in other routines: %d of %d elements wrong"
        ctx.fail(
            call.routine,
            what % (callers - 1, bad, call.expected.size),
            {"seed": ctx.seed, "callers": callers, "sizes": list(sizes)},
            ratio=ratio,
            limit=call.limit or None,
            first_bad=first,
            bad=bad,
            of=call.expected.size,
        )


def _calls(ctx, seed, sizes):
    product, system, spectrum = sizes
    cblas, operands = Cblas(ctx.blas), _Operands(seed)
    level3 = _level3(cblas, operands, product)
    level2 = _level2(cblas, operands)
    drivers = _lapack(operands, seed, system, spectrum)
    # Unlike calls follow one another, so that threads which are in step still meet others.
    mixed = [call for three in zip(level3, level2, drivers) for call in three]
    return mixed + level3[len(drivers) :]


def _go_round(lists, seconds):
    """Let each thread go through its list until the time is over; return (calls made, wrong)."""
    made, wrong = [], []
    least = -(-len(lists[0]) // len(lists))  # so that together they have made each call

    def caller(number, calls):
        begin = number * len(calls) // len(lists)

        def work():
            turn = begin
            for turn, _ in enumerate(Rounds(seconds, least), begin):
                call = calls[turn % len(calls)]
                difference = call.wrong(call.call())
                if difference is not None:
                    wrong.append((call, difference))
            made.append(turn - begin + 1)

        return work

    run_together(*[caller(number, calls) for number, calls in enumerate(lists)])
    return made, wrong


def _require_free_threads(ctx):
    """On a free-threaded Python: the import of NumPy must have left the GIL off."""
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        enabled = sys._is_gil_enabled()  # noqa: SLF001  (its only name)
        ctx.details["gil"] = enabled
        ctx.ran()
        if enabled:
            ctx.fail("dgemm", "the GIL is back on a free-threaded Python", {"seed": ctx.seed})

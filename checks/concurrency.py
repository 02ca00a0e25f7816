"""Several Python threads inside BLAS at once: what one computes must not change another's result.

Operands are integers, or systems whose solution is exact (`checks.factors`), so that results are
compared bit by bit. A race needs luck: rounds are limited by time and counted.
"""

import numpy as np

from checks.api import check
from checks.factors import exact_cholesky, exact_product, exact_system
from checks.team import Rounds, run_together
from checks.workers import at_most, require_threads

__all__ = ["eigh_matmul", "mixed_matmul", "same_operation"]

#: Rows, inner size and columns of tall products. Measured with 0.3.33.0.0 on two cores that others
#: used too: with 8, 12 or 16 BLAS threads each of these is wrong in a third to three quarters of
#: the rounds of about 0.15 s; with 2 or 4 threads, or half the rows, in few or none.
TALL_SHAPES = ((400_000, 4, 4), (300_000, 8, 4), (400_000, 16, 4), (400_000, 8, 8))

#: BLAS threads of a round, as multiples of the cell's: more than there are cores, so that a caller
#: is often set aside while the other goes on.
CROWDING = (1, 2, 1.5)

#: Limit of LAPACK's tests for symmetric eigenvalues and singular values (sep.in, svd.in).
SPECTRUM_LIMIT = 50

DOUBLE_ULP = 2.0**-52


def _integers(random, shape, dtype, order="C"):
    return np.asarray(random.randint(-8, 9, shape), dtype=dtype, order=order)


def _compare(ctx, routine, what, result, exact, parameters):
    """Count one result that must equal `exact` bit by bit."""
    ctx.ran()
    if not np.array_equal(result, exact):
        wrong = np.argwhere(np.asarray(result != exact))
        ctx.fail(
            routine,
            "%s: %d of %d elements wrong, first at %s: %r for %r"
            % (
                what,
                len(wrong),
                exact.size,
                tuple(map(int, wrong[0])),
                np.asarray(result)[tuple(wrong[0])].item(),
                exact[tuple(wrong[0])].item(),
            ),
            parameters,
            first_bad=wrong[0],
            bad=len(wrong),
            of=exact.size,
            box=list(zip(wrong.min(axis=0), wrong.max(axis=0))),
        )


@check(
    id="concurrency.mixed-matmul",
    title="Transposed and plain products at the same time do not mix",
    category="concurrency",
    routines=["dgemm", "sgemm"],
    oracle=(
        "Python threads released together multiply tall integer matrices, stored by rows and by "
        "columns in turn, so that two variants of the gemm driver run at once. All sums are exact, "
        "so each result must equal the product that einsum forms without BLAS. Rounds are repeated "
        "for a fixed time, at least 18, and counted."
    ),
    catches=(
        "Locks or work space that each variant of a templated driver has for itself while the "
        "worker threads are shared: OpenBLAS#5836 (numpy#31618, numpy#31708), #1851, #2126."
    ),
    min_threads=2,
    once=True,
    budget=60.0,
)
def mixed_matmul(ctx):
    random = np.random.RandomState(ctx.seed)
    # Measured with 0.3.33.0.0 on two cores, and changing within minutes: of three callers 80 of 288
    # rounds were wrong, of two 6 of 72.
    callers = ctx.by_profile(3, 4)
    problems = []
    for m, k, n in TALL_SHAPES[: ctx.by_profile(2, 4)]:
        b = _integers(random, (k, n), "float64")
        both = []
        for order in "CF":
            rows = _integers(random, (1021, k), "float64")
            a = np.asarray(np.resize(rows, (m, k)), order=order)
            both.append((a, b, np.resize(exact_product(rows, b), (m, n))))
        problems.append(((m, k, n), [both[caller % 2] for caller in range(callers)]))

    small = _integers(random, (130, 130), "float64")
    require_threads(ctx, lambda: small @ small)

    # Every thread count meets both shapes of smoke in six rounds. Fewer than 18, as the time may
    # allow on a slow machine, would find less than they promise.
    rounds = Rounds(seconds=ctx.by_profile(3.5, 5.0, 20.0), least=18)
    for turn in rounds:
        (m, k, n), operands = problems[turn % len(problems)]
        ctx.blas.set_num_threads(int(ctx.threads * CROWDING[turn % len(CROWDING)]))
        results = _multiply_at_once(operands)
        for caller, (result, (_, _, exact)) in enumerate(zip(results, operands)):
            _compare(
                ctx,
                "dgemm",
                "round %d, %d x %d x %d, %s operand beside %d other calls"
                % (turn + 1, m, k, n, ("plain", "transposed")[caller % 2], callers - 1),
                result,
                exact,
                {"m": m, "k": k, "n": n, "callers": callers, "seed": ctx.seed},
            )
    ctx.blas.set_num_threads(ctx.threads)
    ctx.rounds = rounds.done


def _multiply_at_once(operands):
    """Return the products of all (a, b, _), each computed in a Python thread of its own."""
    results = [None] * len(operands)

    def caller(index):
        a, b, _ = operands[index]

        def multiply():
            results[index] = a @ b

        return multiply

    run_together(*[caller(index) for index in range(len(operands))])
    return results


@check(
    id="concurrency.eigh-matmul",
    title="Products are right while another thread is in an eigenvalue solver",
    category="concurrency",
    routines=["dgemm", "dsyevd"],
    oracle=(
        "One Python thread calls eigh over and over; the other multiplies integer matrices of 64 "
        "(not split over threads) and 128 (split), which must be exact. Eigenvalues must stay "
        "within 2 * 50 * n * ulp * ||A|| of those computed alone: each run may err by LAPACK's "
        "limit 50 (sep.in), and by Weyl's theorem eigenvalues move no more than the matrix."
    ),
    catches=(
        "LAPACK drivers with threads of their own (dlaed3) that share buffers or the worker pool "
        "with a running gemm: OpenBLAS#5825, numpy#32028."
    ),
    min_threads=2,
    budget=60.0,
    once=True,
)
def eigh_matmul(ctx):
    random = np.random.RandomState(ctx.seed)
    n = ctx.by_profile(100, 160, 300)
    symmetric = random.standard_normal((n, n))
    symmetric += symmetric.T
    alone = np.linalg.eigvalsh(symmetric)
    products = []
    for size in (64, 128):
        a, b = (_integers(random, (size, size), "float64") for _ in range(2))
        products.append((a, b, exact_product(a, b)))
    require_threads(ctx, lambda: products[1][0] @ products[1][1])

    rounds = Rounds(seconds=ctx.by_profile(0.3, 3.0, 15.0), least=1)
    solved = []
    wrong = []
    multiplied = [0]
    busy = [True]

    def solve():
        try:
            solved.extend(np.linalg.eigh(symmetric)[0] for _ in rounds)
        finally:
            busy[0] = False

    def multiply():
        while busy[0]:
            for a, b, exact in products:
                result = a @ b
                multiplied[0] += 1
                if not np.array_equal(result, exact):
                    wrong.append((result, exact))

    run_together(solve, multiply)
    ctx.rounds = rounds.done
    ctx.ran(multiplied[0] - len(wrong))
    parameters = {"n": n, "seed": ctx.seed}
    for result, exact in wrong:
        _compare(ctx, "dgemm", "beside dsyevd of %d" % n, result, exact, parameters)
    scale = n * DOUBLE_ULP * np.abs(alone).max()
    for eigenvalues in solved:
        ctx.require_ratio(
            "dsyevd",
            "eigenvalues beside dgemm, against those alone",
            float(np.abs(eigenvalues - alone).max() / scale),
            2 * SPECTRUM_LIMIT,
            parameters,
        )


class _Operation:
    """A call with a known result: exact if `limit` is 0, else within `limit` * ulp * largest."""

    def __init__(self, name, routine, call, expected, limit=0):
        self.name = name
        self.routine = routine
        self.call = call
        self.expected = expected
        self.limit = limit

    def ratio(self, result):
        """Return the largest error in units of ulp * largest; NaN if the result has one."""
        scale = DOUBLE_ULP * np.abs(self.expected).max()
        return float(np.abs(result - self.expected).max() / scale)

    def is_wrong(self, result):
        return not self.ratio(result) <= self.limit


def _operations(seed, system, spectrum, solve_too):
    """Return the operations of one caller: exact ones that thread, then LAPACK drivers.

    system, spectrum: sizes of the former's matrices for LU and Cholesky, and of the latter's.
    """
    random = np.random.RandomState(seed)
    found = []
    for dtype, letter in (("float64", "d"), ("float32", "s"), ("complex128", "z")):
        size = 100 if letter == "z" else 130
        a = _integers(random, (size, size), dtype)
        b = _integers(random, (size, size), dtype, "F")
        found.append(
            _Operation("gemm", letter + "gemm", lambda a=a, b=b: a @ b, exact_product(a, b))
        )
    a = _integers(random, (110, 110), "float64")
    found.append(_Operation("syrk", "dsyrk", lambda a=a: a @ a.T, exact_product(a, a.T)))
    # dot, since ufuncs like matmul, det and eigvalsh keep the interpreter's lock where they have
    # less than some 500 elements to write. With few rows the threads share out the inner dimension,
    # and add up what each has (gemv_thread.c).
    for name, routine, dtype, shape, order in (
        ("gemv-C", "dgemv", "float64", (700, 700), "C"),
        ("gemv-F", "dgemv", "float64", (700, 700), "F"),
        ("gemv-wide", "dgemv", "float64", (3, 160_001), "F"),
        ("zgemv-wide", "zgemv", "complex128", (3, 4001), "F"),
    ):
        a, x = _integers(random, shape, dtype, order), _integers(random, shape[1], dtype)
        call, expected = lambda a=a, x=x: np.dot(a, x), np.einsum("ij,j->i", a, x)
        found.append(_Operation(name, routine, call, expected))
    if solve_too:  # not det, which keeps the lock: concurrency.lapack asks for LU itself
        lu = exact_system(seed, system, 70)
        found.append(_Operation("solve", "dgesv", lambda: np.linalg.solve(lu.a, lu.b), lu.x))
    c, factor = exact_cholesky(seed, system)
    found.append(_Operation("cholesky", "dpotrf", lambda: np.linalg.cholesky(c), factor))

    general = random.standard_normal((spectrum, spectrum))
    bound = 2 * SPECTRUM_LIMIT * spectrum
    for name, routine, call in (
        ("svd", "dgesdd", lambda: np.linalg.svd(general)[1]),
        ("eigh", "dsyevd", lambda: np.linalg.eigh(general + general.T)[0]),
        ("qr", "dgeqrf", lambda: np.sort(np.linalg.svd(np.linalg.qr(general)[1])[1])),
        ("lstsq", "dgelsd", lambda: np.linalg.lstsq(general, general, rcond=None)[3]),
    ):
        found.append(_Operation(name, routine, call, call(), bound))
    return found


@check(
    id="concurrency.same-operation",
    title="The same call from several Python threads gives the same result in each",
    category="concurrency",
    routines=[
        "?gemm", "dsyrk", "dgemv", "zgemv", "dgesv", "dpotrf", "dgesdd", "dsyevd", "dgeqrf",
        "dgelsd",
    ],
    oracle=(
        "Threads released together call one routine for 15 ms or more, each with operands of its "
        "own: products of integers, Cholesky (not in smoke: LU) of matrices whose factors are "
        "dyadic numbers with few digits, which must all be exact; singular values and eigenvalues "
        "must stay within 2 * 50 * n * ulp * ||A|| of those computed alone (LAPACK's limit 50 for "
        "both runs; perturbation theorems of Weyl)."
    ),
    catches=(
        "Static buffers and missing locks in one routine: OpenBLAS#1844 (static buffer in gemv), "
        "#1755, #1851, #2444, #2363, #3057, #1191, numpy#32168 (lstsq), numpy#24512 (eigvalsh)."
    ),
    budget=180.0,
    once=True,
)  # fmt: skip
def same_operation(ctx):
    # With more BLAS threads than cores, solve takes a second and a split SVD two: not for smoke.
    sizes = ctx.by_profile((150, 24), (150, 60), (210, 110))
    # Each caller has operands of its own: with equal ones, a shared buffer would do no harm.
    callers = [
        _operations(ctx.seed + caller, *sizes, solve_too=ctx.profile != "smoke")
        for caller in range(ctx.by_profile(3, 4))
    ]
    rounds = Rounds(seconds=ctx.by_profile(0.0, 4.0, 20.0), least=1)
    with at_most(ctx, ctx.by_profile(4, 4, ctx.threads)):
        require_threads(ctx, callers[0][0].call)
        for _ in rounds:
            for operations in zip(*callers):
                wrong = _call_at_once(ctx, operations, ctx.by_profile(0.015, 0.05))
                for operation, result in wrong:
                    _report(ctx, operation, result, len(callers), sizes)
    ctx.rounds = rounds.done


def _call_at_once(ctx, operations, seconds):
    """Make each call in a thread of its own, over and over for so long; return what was wrong.

    A call of a tenth of a millisecond would be over before the next thread has started.
    """
    counts, wrong = [], []

    def repeated(operation):
        def call():
            rounds = Rounds(seconds, least=1)
            for _ in rounds:
                result = operation.call()
                if operation.is_wrong(result):
                    wrong.append((operation, result))
            counts.append(rounds.done)

        return call

    run_together(*[repeated(operation) for operation in operations])
    ctx.ran(sum(counts))
    return wrong


def _report(ctx, operation, result, callers, sizes):
    parameters = {"operation": operation.name, "callers": callers, "seed": ctx.seed}
    parameters.update(system=sizes[0], spectrum=sizes[1])
    what = "%s in %d threads at once" % (operation.name, callers)
    wrong = np.argwhere(np.asarray(result != operation.expected))
    if operation.limit:
        what = "%s: off by a ratio of %.3g" % (what, operation.ratio(result))
    else:
        what = "%s: %d of %d elements wrong" % (what, len(wrong), operation.expected.size)
    ctx.fail(
        operation.routine,
        what,
        parameters,
        ratio=operation.ratio(result) if operation.limit else None,
        limit=operation.limit or None,
        first_bad=wrong[0] if len(wrong) else None,
        bad=len(wrong),
        of=operation.expected.size,
    )

"""The number of BLAS threads: results must not depend on it, nor on when it is changed."""

import time

import numpy as np

from checks.api import check
from checks.factors import exact_cholesky, exact_product, exact_system
from checks.team import Rounds, run_together
from checks.workers import require_threads

__all__ = ["count_changes", "thread_sweep"]


class _Call:
    """A call that the library splits over threads, and its exact result.

    Sizes are above the points where OpenBLAS splits, see interface/*.c of its sources: 262,144
    multiplications a thread in gemm, 10,000 elements a thread in getrf, 64 columns in potrf.
    """

    def __init__(self, name, routine, call, exact):
        self.name = name
        self.routine = routine
        self.call = call
        self.exact = exact


def _calls(seed, n):
    random = np.random.RandomState(seed)
    a, b = (random.randint(-8, 9, (130, 130)).astype(float) for _ in range(2))
    wide, vector = random.randint(-8, 9, (680, 680)).astype(float), np.arange(680.0) % 13 - 6
    system = exact_system(seed, n, 70)
    definite, factor = exact_cholesky(seed, n)
    return [
        _Call("gemm", "dgemm", lambda: a @ b, exact_product(a, b)),
        _Call("syrk", "dsyrk", lambda: a @ a.T, exact_product(a, a.T)),
        _Call("gemv", "dgemv", lambda: wide @ vector, np.einsum("ij,j->i", wide, vector)),
        _Call("gemv-t", "dgemv", lambda: wide.T @ vector, np.einsum("ji,j->i", wide, vector)),
        _Call("cholesky", "dpotrf", lambda: np.linalg.cholesky(definite), factor),
        _Call("lu", "dgetrf", lambda: np.linalg.det(system.a), np.array(system.determinant)),
        _Call("solve", "dgesv", lambda: np.linalg.solve(system.a, system.b), system.x),
    ]


def _judge(ctx, call, result, what, parameters):
    ctx.ran()
    wrong = int(np.count_nonzero(result != call.exact))
    if wrong:
        ctx.fail(
            call.routine,
            "%s, %s: %d of %d elements wrong" % (call.name, what, wrong, call.exact.size),
            dict(parameters, operation=call.name),
            bad=wrong,
            of=call.exact.size,
        )


@check(
    id="concurrency.thread-sweep",
    title="Results are the same with any number of BLAS threads",
    category="concurrency",
    routines=["dgemm", "dsyrk", "dgemv", "dpotrf", "dgetrf", "dgesv"],
    oracle=(
        "With 1, 2, 3 and the cell's number of threads (beyond the smoke profile also 4, 5, 7, 16 "
        "and the number that the library was built for), products of integers and factorizations "
        "of matrices with dyadic factors must be exact. With random operands, and the number of "
        "threads fixed, two calls of gemm, syrk and gemv must agree bit by bit; between different "
        "numbers they may differ by 2 k u |A||B| in each element (Higham, section 3.5)."
    ),
    catches=(
        "Work that is split wrongly for odd, large or more threads than there are cores, and "
        "results that depend on timing: OpenBLAS#4917, #2993, #5267, #1497, #2821."
    ),
    min_threads=2,
    budget=60.0,
    once=True,
)
def thread_sweep(ctx):
    calls = _calls(ctx.seed, ctx.by_profile(150, 300))
    require_threads(ctx, calls[0].call)
    if ctx.profile == "smoke":  # solve takes a second with more BLAS threads than cores
        calls = calls[:-1]
    built_for = int((ctx.blas.config().partition("MAX_THREADS=")[2].split() or [ctx.threads])[0])
    more = ctx.by_profile(set(), {4, 5, 7, 16}, {4, 5, 7, 16, built_for})
    repeated = _Repeated(ctx.seed)
    for count in sorted({1, 2, 3, ctx.threads} | more):
        ctx.blas.set_num_threads(count)
        parameters = {"count": count, "seed": ctx.seed}
        for call in calls:
            _judge(ctx, call, call.call(), "%d threads" % count, parameters)
        repeated.judge(ctx, parameters, most=1 if count > 4 and ctx.profile == "smoke" else 3)
    ctx.blas.set_num_threads(ctx.threads)


class _Repeated:
    """Products of random operands, made twice with each number of threads."""

    def __init__(self, seed):
        random = np.random.RandomState(seed)
        a, b = random.standard_normal((2, 130, 130))
        wide, vector = random.standard_normal((680, 680)), random.standard_normal(680)
        bound = 2 * 2.0**-53
        # name, routine, call, the largest difference between two thread counts
        self.calls = [
            ("gemm", "dgemm", lambda: a @ b, bound * 130 * _magnitude("ij,jk->ik", a, b)),
            ("syrk", "dsyrk", lambda: a @ a.T, bound * 130 * _magnitude("ij,kj->ik", a, a)),
            (
                "gemv",
                "dgemv",
                lambda: wide @ vector,
                bound * 680 * _magnitude("ij,j->i", wide, vector),
            ),
        ]
        self.first = {}

    def judge(self, ctx, parameters, most):
        """Count the first `most` calls, each made twice."""
        threads = parameters["count"]
        for name, routine, call, bound in self.calls[:most]:
            one, two = call(), call()
            ctx.ran(2)
            parameters = dict(parameters, operation=name)
            if not np.array_equal(one, two):
                what = "%s: two calls with %d threads differ" % (name, threads)
                ctx.fail(routine, what, parameters)
            first = self.first.setdefault(name, one)
            if not (np.abs(one - first) <= bound).all():
                what = "%s: %d threads differ from one by more than 2 k u |A||B|" % (name, threads)
                ctx.fail(routine, what, parameters)


def _magnitude(subscripts, a, b):
    return np.einsum(subscripts, np.abs(a), np.abs(b), optimize=False)


@check(
    id="concurrency.count-changes",
    title="The number of BLAS threads can be changed between and beside calls",
    category="concurrency",
    routines=["dgemm", "dsyrk", "dgemv", "dpotrf"],
    oracle=(
        "openblas_set_num_threads is called between calls, upwards, downwards and beyond the "
        "cell's number, and by one Python thread while two others compute. Every result must be "
        "exact; the number that was set must be read back."
    ),
    catches=(
        "Thread pools and buffers that are not grown, or are resized under a running call: "
        "OpenBLAS#4770, #4101, #3933, #2993."
    ),
    min_threads=2,
    budget=60.0,
    once=True,
)
def count_changes(ctx):
    calls = _calls(ctx.seed, 150)[: ctx.by_profile(2, 5)]
    require_threads(ctx, calls[0].call)
    top = ctx.threads
    for count in (1, top, 2, top + 2, 1, 3):
        ctx.blas.set_num_threads(count)
        parameters = {"count": count, "seed": ctx.seed, "beside": False}
        ctx.ran()
        if ctx.blas.get_num_threads() != count:
            what = "set to %d, reads %d" % (count, ctx.blas.get_num_threads())
            ctx.fail("openblas_set_num_threads", what, parameters)
        for call in calls:
            _judge(ctx, call, call.call(), "after a change to %d threads" % count, parameters)
    _change_beside_calls(ctx, calls)
    ctx.blas.set_num_threads(ctx.threads)


def _change_beside_calls(ctx, calls):
    rounds = Rounds(seconds=ctx.by_profile(0.3, 3.0, 15.0), least=2)
    busy = [True]
    results = []

    def compute():
        try:
            for _ in rounds:
                results.extend((call, call.call()) for call in calls)
        finally:
            busy[0] = False

    def compute_beside():
        while busy[0]:
            results.append((calls[0], calls[0].call()))

    def change():
        counts = (1, 2, ctx.by_profile(min(ctx.threads, 4), ctx.threads), 3)
        turn = 0
        while busy[0]:
            ctx.blas.set_num_threads(counts[turn % len(counts)])
            turn += 1
            time.sleep(0.002)

    run_together(compute, compute_beside, change)
    parameters = {"count": ctx.threads, "seed": ctx.seed, "beside": True}
    for call, result in results:
        _judge(ctx, call, result, "while the thread count was changed", parameters)
    ctx.rounds = rounds.done

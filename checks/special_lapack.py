"""LAPACK told that there is no answer: which pivot, which argument, and that it ends at all."""

import numpy as np

from checks import matrices, special_not_finite
from checks.api import check
from checks.drivers import ROUTINES
from checks.exact_bench import LARGE, LARGE_FACTORS, large_pool
from checks.factors import FactorPool
from checks.lapack import REFUSALS, IllegalArgument, Lapack, Overwritten
from checks.lapack_trials import Trial
from checks.operands import DTYPES, LETTER
from checks.splitting import two_threads

__all__ = ["info", "not_finite"]

SIZES = (1, 2, 3, 5, 8, 9, 16, 17, 33, 65, 129, 160)
MORE_SIZES = (4, 7, 24, 31, 32, 48, 64, 97, 128, 192, 200)

#: All remainders modulo 8; triangular solves and Cholesky are split from 65 on, LU from 142.
THREADED = (*range(20, 28), 65)
MORE_THREADED = (200,)

#: What a NaN lets loop for ever or write beyond its arrays in reference LAPACK too, which would end
#: the process: asked in processes of their own, by special.not-finite-eigen and special.packed-nan.
UNSAFE = (*special_not_finite.ROUTINES, "spsv")

#: What begins with gees and gges, which are asked themselves.
LATER = ("trsen", "tgsen")


@check(
    id="special.lapack-info",
    title="INFO names the pivot that is zero or not positive, and the argument that is illegal",
    category="special",
    routines=[
        "?getrf", "?getf2", "?gesv", "?getri", "?potrf", "?potf2", "?potri", "?posv", "?trtri",
        "?trtrs", "?lauum", "?gtsv", "?ptsv", "?gbsv", "?sytrf", "?hetrf",
    ],
    oracle=(
        "A column of zeros stays zero in every step of elimination: INFO is its number. L L^H of "
        "small integers with less at one diagonal element has -1 as pivot there exactly: INFO is "
        "its number, in any block, upper and lower. A zero on the diagonal of a triangular, "
        "diagonal or band matrix: its number. An illegal argument: minus its number, and nothing "
        "is touched (LAPACK Users' Guide, 'INFO')."
    ),
    catches=(
        "INFO that blocked, recursive or threaded code loses, or counts from its own block: "
        "OpenBLAS#2986, #3976, PR#2797, HPAC/ReLAPACK#5."
    ),
    budget=120.0,
)  # fmt: skip
@two_threads
def info(ctx):
    lapack = Lapack(ctx.blas)
    sizes, more = (SIZES, MORE_SIZES) if ctx.threads == 1 else (THREADED, MORE_THREADED)
    sizes += ctx.by_profile((), more)
    for position, dtype in enumerate(DTYPES):
        pool = FactorPool(ctx.seed, max(sizes), dtype.startswith("c"))
        for n in (*sizes, LARGE) if ctx.threads == 1 else sizes:
            if n == LARGE:
                pool = large_pool(ctx.seed, LARGE_FACTORS, dtype.startswith("c"))
            few = ctx.threads > 1 or n == LARGE
            places = (n // 2,) if few else (0, n // 3, n // 2, n - 1)
            if ctx.profile == "smoke" and not few:
                places = places[(n + position) % 2 :: 2]
            for at in sorted(set(places)):
                for routine, arguments in _hopeless(lapack, pool, dtype, n, at):
                    parameters = {"kind": "pivot", "n": n, "at": at, "seed": ctx.seed}
                    _require(ctx, lapack, routine, dtype, arguments, at + 1, parameters)
        for routine, arguments, number in _illegal(lapack, dtype) if ctx.threads == 1 else ():
            parameters = {"kind": "illegal", "argument": number}
            _require(ctx, lapack, routine, dtype, arguments, -number, parameters)


def _require(ctx, lapack, routine, dtype, arguments, expected, parameters):
    name = LETTER[dtype] + routine
    if not lapack.has(name):
        return
    parameters = dict(parameters, routine=name, dtype=dtype)
    ctx.trying(name, parameters)
    try:
        found = lapack.call(name, *arguments)
    except IllegalArgument as error:
        found = error.info
    except Overwritten as error:
        ctx.ran()
        ctx.fail(name, str(error), parameters)
        return
    ctx.ran()
    if found != expected:
        what = ", ".join(
            "%s %s" % (key, parameters[key]) for key in ("n", "at") if key in parameters
        )
        message = "INFO = %d, must be %d (%s)" % (found, expected, what or "illegal argument")
        ctx.fail(name, message, parameters)


def _hopeless(lapack, pool, dtype, n, at):
    """Yield (routine, arguments) whose pivot `at` (from 0) is the first zero or negative one."""

    def fresh(a):
        return np.array(a, dtype, order="F")

    pivots, right = np.zeros(n, lapack.integers), np.ones((n, 2), dtype, order="F")
    singular = matrices.random(pool.seed + n, n, n, dtype)
    singular[:, at] = 0
    yield "getrf", (n, n, fresh(singular), n, pivots)
    if n < 65:
        yield "getf2", (n, n, fresh(singular), n, pivots)
    yield "gesv", (n, 2, fresh(singular), n, pivots, right, n)
    triangle = pool.triangle(unit=False)[:n, :n].copy()
    triangle[at, at] = 0
    yield "trtri", ("L", "N", n, fresh(triangle), n)
    yield "trtri", ("U", "N", n, fresh(triangle.conj().T), n)
    for uplo in "LU":
        half = triangle if uplo == "L" else triangle.conj().T
        yield "potri", (uplo, n, fresh(half), n)
    yield "trtrs", ("L", "N", "N", n, 2, fresh(triangle), n, right, n)
    work = np.zeros(64 * n, dtype)
    upper, order = fresh(triangle.conj().T), np.arange(1, n + 1, dtype=lapack.integers)
    yield "getri", (n, upper, n, order, work, len(work))
    negative = pool.square[:n, :n].copy()
    negative[at, at] -= pool.root[at, at] ** 2 + 1
    for uplo in "LU":
        yield "potrf", (uplo, n, fresh(negative), n)
        if n < 65:
            yield "potf2", (uplo, n, fresh(negative), n)
    yield "posv", ("U", n, 2, fresh(negative), n, right, n)
    diagonal = np.ones(n, dtype)
    diagonal[at] = 0
    nothing = np.zeros(max(1, n - 1), dtype)
    yield "gtsv", (n, 2, nothing, diagonal.copy(), nothing.copy(), right, n)
    yield "ptsv", (n, 2, diagonal.real.copy(), nothing, right, n)
    yield "gbsv", (n, 0, 0, 2, diagonal.copy().reshape(1, n), 1, pivots, right, n)
    for factor in ("sytrf", "hetrf") if dtype.startswith("c") else ("sytrf",):
        for uplo in "LU":
            yield factor, (uplo, n, fresh(np.diag(diagonal)), n, pivots, work, len(work))


def _illegal(lapack, dtype):
    """Yield (routine, arguments, number of the illegal one, from 1).

    Not getrs: in OpenBLAS it calls xerbla and leaves INFO as it was, in all versions to 0.3.34.
    """
    a, b = np.ones((4, 4), dtype, order="F"), np.ones((4, 2), dtype, order="F")
    pivots = np.arange(1, 5, dtype=lapack.integers)
    legal = {
        "getrf": ((4, 4, a, 4, pivots), ((1, -1), (2, -1), (4, 3))),
        "gesv": ((4, 2, a, 4, pivots, b, 4), ((1, -1), (2, -1), (4, 3), (7, 3))),
        "potrf": (("L", 4, a, 4), ((1, "X"), (2, -1), (4, 3))),
        "lauum": (("U", 4, a, 4), ((1, "X"), (2, -1), (4, 3))),
        "trtri": (("L", "N", 4, a, 4), ((1, "X"), (2, "X"), (3, -1), (5, 3))),
        "potri": (("L", 4, a, 4), ((1, "X"), (2, -1), (4, 3))),
    }
    for routine, (arguments, wrong) in legal.items():
        for number, value in wrong:
            changed = [
                np.array(x, order="F") if isinstance(x, np.ndarray) else x for x in arguments
            ]
            changed[number - 1] = value
            yield routine, changed, number


@check(
    id="special.not-finite-lapack",
    title="LAPACK ends on NaN and infinity",
    category="special",
    routines=[
        "?sytrf", "?hetrf", "?getri", "?getrs", "?potri", "?posv", "?gbsv", "?gtsv", "?syev",
        "?heev", "?syevd", "?heevd", "?geev", "?ggev", "?gees", "?gges",
        "?gehrd", "?gesvd", "?gels", "?geqp3", "?geqrt", "?gelqf", "?ppsv", "?pftrf", "?pstrf",
        "?spevd", "?hpevd", "?gglse", "?ggglm",
    ],
    oracle=(
        "The routines of the tables of accuracy.lapack-* are called with a NaN and with an "
        "infinity in the matrix: they must return, with whatever result or INFO. One that loops is "
        "ended by the watchdog of the gate, one that crashes is named. Whether INFO told it is "
        "recorded as a figure: reference LAPACK leaves it open. Not syevr, syevx, sbevd and spsv, "
        "which special.not-finite-eigen and special.packed-nan ask."
    ),
    catches="Scaling and QR sweeps that never end: OpenBLAS#1343, #1490.",
    max_threads=1,
    idle=30.0,
    once=True,
)  # fmt: skip
def not_finite(ctx):
    lapack = Lapack(ctx.blas)
    routines = [routine for routine in ROUTINES if routine.name not in (*UNSAFE, *LATER)]
    told = ctx.details.setdefault("told_by_info", [])
    for dtype in DTYPES:
        for kind in matrices.NOT_FINITE:
            for n in ctx.by_profile((5,), (2, 5, 12, 33, 65)):
                for routine in routines:
                    name = routine.named(dtype)
                    variant = routine.variants[n % len(routine.variants)]
                    if not lapack.has(name):
                        continue
                    parameters = {
                        "routine": name, "variant": variant, "dtype": dtype, "kind": kind,
                        "size": n, "seed": ctx.seed,
                    }  # fmt: skip
                    ctx.trying(name, parameters)
                    ctx.ran()
                    try:
                        with np.errstate(all="ignore"):
                            routine.run(Trial(lapack, dtype, n, kind, ctx.seed), variant)
                    except Overwritten as error:
                        ctx.fail(name, str(error), parameters)
                    except REFUSALS:
                        if name not in told:
                            told.append(name)

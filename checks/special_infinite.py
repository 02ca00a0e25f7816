"""LAPACK given nothing but infinity: the last of inputs, whose answers nobody wants."""

import ctypes
import functools

import numpy as np

from checks.api import check
from checks.drivers import ROUTINES
from checks.endless import require_end
from checks.lapack import IllegalArgument, Lapack, Overwritten
from checks.lapack_trials import Trial
from checks.operands import DTYPES, LETTER

__all__ = ["infinite", "infinite_eigen"]

#: Seconds of CPU time for one precision, which takes a tenth of it, in full half.
LIMIT = 8

SIZES, MORE_SIZES = (2, 4), (3, 8)

#: What fails in current releases, by its real name.
FAILING = ("geev", "ggev", "syevx")

#: What does a hundred thousand steps until it gives up, and what begins with that.
SLOW = ("gees", "gges", "trsen", "tgsen")

#: Elements before and behind each array, and what they hold.
GUARDS, GUARD = 64, 3


class _Guarded(Lapack):
    """Calls with numbers before and behind each array, which a routine may scale by mistake.

    The canaries of `checks.lapack_call` are NaN, which stays the same when it is scaled.
    """

    def call(self, name, *arguments):
        held, passed = [], []
        for argument in (*arguments, np.zeros(1, self.integers)):
            if argument is None or isinstance(argument, str):
                passed.append(argument and ctypes.c_char_p(argument.encode()))
                continue
            array = argument
            if not isinstance(argument, np.ndarray):
                array = np.full(1, argument, self.integers)
            block = np.full(array.size + 2 * GUARDS, GUARD, array.dtype)
            block[GUARDS:-GUARDS] = array.ravel(order="F")
            held.append((array, block))
            passed.append(ctypes.c_void_p(block.ctypes.data + GUARDS * block.itemsize))
        letters = [argument for argument in arguments if isinstance(argument, str)]
        self._function(name)(*passed, *(ctypes.c_size_t(len(each)) for each in letters))
        for place, (array, block) in enumerate(held):
            guards = np.concatenate([block[:GUARDS], block[-GUARDS:]])
            if np.any(guards != np.asarray(GUARD).astype(block.dtype)):
                what = "%s: wrote beside its array %d" % (name, place + 1)
                raise Overwritten(what)
            array[...] = block[GUARDS:-GUARDS].reshape(array.shape, order="F")
        info = int(held[-1][0][0])
        if info < 0:
            raise IllegalArgument(name, info)
        return info


class _Infinite(Trial):
    """A trial all of whose matrices are infinite."""

    def _filled(self, m, n):
        return np.full((m, n), np.inf, self.dtype)

    def general(self, m, n, offset=0):  # noqa: ARG002  (as of Trial)
        return self._filled(m, n)

    def hermitian(self):
        return self._filled(self.n, self.n)

    def positive(self):
        return self._filled(self.n, self.n)


@check(
    id="special.infinite-lapack",
    title="LAPACK keeps to its memory and ends when all elements are infinite",
    category="special",
    routines=[
        "?gees", "?gges", "?syevr", "?heevr", "?syevd", "?heevd", "?sygvd", "?hegvd",
        "?gesvd", "?gels", "?gelsy", "?gelss", "?sytrf", "?gbsv", "?ppsv", "?spsv",
    ],
    oracle=(
        "The routines of the tables of accuracy.lapack-* with matrices of infinity: with whatever "
        "result or INFO they must return, within 8 s of CPU time for all of a precision, and what "
        "lies beside their arrays must keep its bits. In forked processes. Not geev, ggev and "
        "syevx, which special.infinite-eigen asks: what fails in all releases hides what fails in "
        "one. Schur forms, which take a quarter of a second each, not in smoke."
    ),
    catches="An INFO that is taken for a place in an array, factors that scale beside it.",
    max_threads=1,
    systems=("linux", "darwin"),
    once=True,
    budget=60.0,
)  # fmt: skip
def infinite(ctx):
    left_out = FAILING + ctx.by_profile(SLOW, ())
    _ask(ctx, [routine for routine in ROUTINES if routine.name not in left_out])


@check(
    id="special.infinite-eigen",
    title="geev, ggev and syevx keep to their memory when all elements are infinite",
    category="special",
    routines=["?geev", "?ggev", "?syevx", "?heevx"],
    oracle="As special.infinite-lapack, for the routines that fail there in current releases.",
    catches=(
        "An INFO that is taken for a place in an array: OpenBLAS#5250 (Reference-LAPACK#1128), "
        "found/syevx-behind-w, found/ggev-behind-vr."
    ),
    max_threads=1,
    systems=("linux", "darwin"),
    once=True,
    budget=60.0,
)
def infinite_eigen(ctx):
    _ask(ctx, [routine for routine in ROUTINES if routine.name in FAILING])


def _ask(ctx, table):
    lapack = _Guarded(ctx.blas)
    for dtype in DTYPES:
        calls = dict(_calls(ctx, lapack, dtype, table))
        cases = [dict(zip(("routine", "n", "variant"), key)) for key in calls]

        def make(routine, n, variant, calls=calls):
            calls[routine, n, variant]()

        require_end(ctx, cases, make, LIMIT, {"dtype": dtype, "seed": ctx.seed})


def _calls(ctx, lapack, dtype, table):
    """Yield ((routine, n, variant), call)."""
    for n in SIZES + ctx.by_profile((), MORE_SIZES):
        for routine in table:
            if routine.name == "geev":  # NumPy's way, without left vectors; the table asks for both
                call = functools.partial(lapack.eig, np.full((n, n), np.inf, dtype))
                yield (LETTER[dtype] + "geev", n, "right"), call
            name = routine.named(dtype)
            if lapack.has(name):
                for variant in routine.variants[: ctx.by_profile(2, None)]:
                    trial = _Infinite(lapack, dtype, n, "infinite", ctx.seed)
                    call = functools.partial(routine.run, trial, variant)
                    yield (name, n, str(variant)), call

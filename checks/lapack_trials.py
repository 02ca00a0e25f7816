"""Tables of LAPACK routines with their test ratios, asked over sizes, precisions and matrix types.

A `Routine` is a function that makes its matrices by a `Trial`, calls LAPACK through it and returns
LAPACK's own test ratios; `ask` goes through a table of them. Everything is called by `ctypes` in
the library that NumPy has loaded: SciPy calls these routines in a library of the same build.
"""

from typing import Any, Callable, NamedTuple

import numpy as np

from checks import matrices
from checks.lapack import REFUSALS, Lapack
from checks.operands import DTYPES, LETTER, real_dtype

__all__ = [
    "SIZES",
    "THREADED_SIZES",
    "UNSPLIT",
    "Routine",
    "Trial",
    "ask",
    "attempt",
    "in_half",
]

#: Tails of loops and unrolls, and the crossovers to divide and conquer (25) and to blocks (32).
SIZES = (1, 2, 3, 4, 7, 13, 17, 26, 33, 39)

#: In the full profile, astride LAPACK's block sizes (32, 64) and the crossover of its Hessenberg
#: and QR reductions to blocked code (128).
MORE_SIZES = (5, 7, 8, 12, 16, 24, 25, 31, 32, 64, 65, 97, 130)

#: Triangular solves are split from 32 on, complex products from 41, real ones from 81.
UNSPLIT = range(16, 32)
#: What smoke, which asks the tables with the most threads only, asks of the other sizes.
SMALL = (1, 2, 3, 4, 7, 13)
THREADED_SIZES = (65,)
MORE_THREADED_SIZES = (129,)


class Routine(NamedTuple):
    """One line of a table.

    name: its name without letter; run: called with (`Trial`, variant), returns {test: ratio};
    limit: what LAPACK's tests allow; variants: flags by turns; kinds: matrix types by turns;
    hermitian: the name for complex precisions, where it is another.
    """

    name: str
    run: Callable[..., Any]
    limit: float
    variants: tuple = ("",)
    kinds: tuple = ("random",)
    hermitian: str = ""

    def named(self, dtype):
        """Return the routine's whole name in that precision, such as "cheevr"."""
        return LETTER[dtype] + (
            self.hermitian if dtype.startswith("c") and self.hermitian else self.name
        )


class Trial:
    """The input of one case, and the way to call LAPACK with it.

    lapack: a `Lapack`; dtype, n, kind, seed: of the matrices; adjoint: BLAS's letter for the
    conjugate transpose ("T" for real); real: dtype of norms and real workspaces; integers: dtype of
    pivots.
    """

    def __init__(self, lapack, dtype, n, kind, seed):
        self.lapack = lapack
        self.dtype = np.dtype(dtype)
        self.n = n
        self.kind = kind
        self.seed = seed
        self.is_complex = dtype.startswith("c")
        self.adjoint = "C" if self.is_complex else "T"
        self.real = real_dtype(dtype)
        self.integers = lapack.integers

    def general(self, m, n, offset=0):
        """Return an m x n matrix of the trial's kind."""
        return matrices.general(self.kind, self.seed + offset, m, n, str(self.dtype))

    def hermitian(self):
        """Return an n x n Hermitian matrix of the trial's kind."""
        return matrices.hermitian(self.kind, self.seed, self.n, str(self.dtype))

    def positive(self):
        """Return an n x n positive definite matrix of the trial's kind."""
        return matrices.positive(self.kind, self.seed, self.n, str(self.dtype))

    def random(self, m, n, offset=1000):
        """Return an m x n matrix, uniform in [-1, 1)."""
        return matrices.random(self.seed + offset, m, n, str(self.dtype))

    def right_hand_sides(self):
        """Return 1, 3 or 8 columns, in Fortran order as LAPACK reads them."""
        return np.asfortranarray(self.random(self.n, (1, 3, 8)[self.n % 3]))

    def named(self, name, hermitian):
        """Return the first name for real, the second for complex precisions."""
        return hermitian if self.is_complex else name

    def call(self, routine, *arguments):
        """Call a routine by its name without letter; raise LinAlgError when INFO is above zero."""
        self._checked(routine, self.lapack.call(LETTER[str(self.dtype)] + routine, *arguments))

    def call_with_work(self, routine, before, after=()):
        """The same for a routine that says how long its WORK must be (`Lapack.with_workspace`)."""
        name = LETTER[str(self.dtype)] + routine
        self._checked(routine, self.lapack.with_workspace(name, self.dtype, before, after))

    def asked(self):
        """Return RWORK, of complex routines, and IWORK, whose lengths LAPACK says, for that."""
        reals = [(self.real, 1, "ask")] if self.is_complex else []
        return [*reals, (self.integers, 1, "ask")]

    def _checked(self, routine, info):
        if info:
            raise np.linalg.LinAlgError("%s: INFO = %d" % (routine, info))

    def reals(self, length):
        """Return a real array, or a real scalar to pass, filled with zero."""
        return np.zeros(max(1, length), self.real)

    def pivots(self, length):
        """Return an array of the library's integers, zero."""
        return np.zeros(max(1, length), self.integers)


def in_half(turn, n):
    """Whether what has that number is asked at size n, where only half of all is.

    Of 16 sizes in a row those from the second eight on are asked of what the first were not: so
    each meets all remainders modulo 8.
    """
    return (turn - n - n // 8) % 2 == 0


def ask(ctx, table, few=True, lapack=None, sizes=()):
    """Require every ratio of every routine of `table` to be below its limit.

    Smoke: at each size each routine with one variant and one kind, by turns that no two routines
    share; full: all variants and all kinds of them. few: in threaded smoke cells in one precision
    each, by turns: each split step costs a time slice. What is not split is asked there in all
    remainders modulo 16, in smoke each precision in all modulo 8.

    lapack, sizes: in place of the library's own `Lapack` and of the sizes of the tables.
    """
    lapack = lapack or Lapack(ctx.blas)
    missing = set(ctx.details.get("not_exported", ()))
    for index, n in enumerate(sizes or _sizes(ctx)):
        for place, routine in enumerate(table):
            for position, dtype in enumerate(DTYPES):
                if _is_spared(ctx, n, position - place, few):
                    continue
                name = routine.named(dtype)
                if not lapack.has(name):
                    missing.add(name)
                    continue
                for variant, kind in _chosen(ctx, routine, index + position + place):
                    trial = Trial(lapack, dtype, n, kind, ctx.seed + index)
                    attempt(ctx, routine, name, trial, variant)
    if missing:
        ctx.details["not_exported"] = sorted(missing)


def _is_spared(ctx, n, turn, few):
    """Whether smoke leaves out, in a threaded cell, what has that number at size n."""
    if ctx.threads == 1 or ctx.profile != "smoke" or n in SMALL:
        return False
    if n in UNSPLIT:
        return not in_half(turn, n)
    return few and (turn - n) % len(DTYPES) != 0


def _sizes(ctx):
    if ctx.threads > 1:
        return (
            *ctx.by_profile(SMALL, ()),
            *UNSPLIT,
            *THREADED_SIZES,
            *ctx.by_profile((), MORE_THREADED_SIZES),
        )
    return tuple(sorted(SIZES + ctx.by_profile((), MORE_SIZES)))


def _chosen(ctx, routine, turn):
    """Yield (variant, kind)."""
    variants, kinds = routine.variants, routine.kinds
    if ctx.profile == "smoke" or ctx.threads > 1:
        # Another step than for the kinds, so that all pairs come up.
        yield variants[turn % len(variants)], kinds[(turn + turn // len(variants)) % len(kinds)]
    else:
        for step in range(max(len(variants), len(kinds))):
            yield variants[(turn + step) % len(variants)], kinds[step % len(kinds)]


def attempt(ctx, routine, name, trial, variant):
    """Run one case of a routine and require its ratios to be below its limit."""
    parameters = {
        "routine": name,
        "variant": variant,
        "dtype": str(trial.dtype),
        "kind": trial.kind,
        "size": trial.n,
        "seed": trial.seed,
    }
    where = "%s %s, size %d, flags %s" % (name, trial.kind, trial.n, variant or "none")
    ctx.trying(name, parameters)
    try:
        ratios = routine.run(trial, variant)
    except REFUSALS as error:
        ctx.ran()
        ctx.fail(name, "%s, on input that has an answer (%s)" % (error, where), parameters)
        return
    largest = ctx.details.setdefault("largest_ratio", {})
    for test, ratio in ratios.items():
        what = "%s of %s" % (test, where)
        ctx.require_ratio(name, what, ratio, routine.limit, dict(parameters, test=test))
        key = "%s %s" % (routine.name, test)
        if not largest.get(key, -1.0) >= ratio:
            largest[key] = float(ratio)

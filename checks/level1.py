"""Exact calls of all routines of level 1, and the checks that make them.

Integers again, scalars and rotations of integers and powers of two: every result is exact. Norms
are those of 3 and 4 among zeros; how they round is asked by `checks.special_vectors`.
"""

import functools
import itertools

import numpy as np

from checks.api import check
from checks.calls import (
    Call,
    Operand,
    as_parameter,
    between_canaries,
    computes,
    fixed,
    operands_of,
    with_operands,
)
from checks.cblas import Cblas
from checks.choices import INCREMENTS, choose
from checks.operands import DTYPES, integers
from checks.splitting import few_threads
from checks.storage import canary, vector

__all__ = [
    "EXTENSIONS",
    "FACTORS",
    "ROUTINES",
    "STANDARD",
    "SUMS",
    "calls",
    "extensions",
    "idle_calls",
    "level1",
    "sums",
]

#: {routine: place of the operand that is no vector}: the flag and factors of rotm.
FACTORS = {"rotm": 2}

HIGH = 4
#: Elements of the pool that vectors are cut from; longer ones repeat it.
POOL = 4999
#: What is asked with more than 2^20 elements too, from where scal and swap are split over threads
#: (interface/scal.c, swap.c; swap in single precision from 2^21).
LONGEST = ("scal", "rscal", "swap", "axpy", "dot")
FORWARD = tuple(increment for increment in INCREMENTS if increment > 0)

COMPLEX = ("complex128", "complex64")
REAL = ("float64", "float32")


@functools.lru_cache(maxsize=16)
def _pool(seed, is_complex):
    values = integers(seed, 2, POOL, HIGH)
    return values if is_complex else np.ascontiguousarray(values.real)


def _vectors(seed, dtype, n):
    pool = _pool(seed, dtype.startswith("c"))
    return [row[:n] if n <= POOL else np.resize(row, n) for row in pool]


def _stored(values, dtype, increment):
    """Return the image of a vector; with increment 0 its first element stands for all."""
    return vector(values.astype(dtype), increment)


def _repeated(values, increment):
    """Return what a routine sees: with increment 0 the first element again and again."""
    return values if increment else np.repeat(values[:1], len(values))


def _scalars(dtype):
    return (1, -1, 2 - 1j, 1j, 0) if dtype.startswith("c") else (1, -1, 2, 0.5, 0)


def _facts(routine, dtype, seed, n, **others):
    return {
        "routine": routine, "dtype": dtype, "seed": seed, "n": n,
        **{name: as_parameter(value) for name, value in others.items()},
    }  # fmt: skip


def inner(routine, seed, dtype, n, turn):
    """Inner products: dot, dotu, dotc (conjugates x), dsdot, sdsdot (adds a scalar)."""
    increments = (*INCREMENTS, 0)
    incx, incy = choose(turn, increments, increments)
    x, y = _vectors(seed, dtype, n)
    left = _repeated(x, incx)
    exact = np.sum((left.conj() if routine == "dotc" else left) * _repeated(y, incy))
    first = (3,) if routine == "sdsdot" else ()
    arguments = (
        n, *first, _fixed(x, dtype, incx), incx, _fixed(y, dtype, incy), incy,
    )  # fmt: skip
    facts = _facts(routine, dtype, seed, n, incx=incx, incy=incy)
    return Call(routine, dtype, arguments, exact + sum(first), facts)


def _fixed(values, dtype, increment):
    return fixed(_stored(values, dtype, increment))


def update(routine, seed, dtype, n, turn):
    """y := alpha x + y, with conj(x) in axpyc, with beta y in axpby."""
    incx, incy, alpha, beta = choose(
        turn, (*INCREMENTS, 0), INCREMENTS, _scalars(dtype), _scalars(dtype)
    )
    x, y = _vectors(seed, dtype, n)
    seen = _repeated(x, incx)
    last = (beta,) if routine == "axpby" else ()
    result = alpha * (seen.conj() if routine == "axpyc" else seen) + (*last, 1)[0] * y
    after = Operand(_stored(y, dtype, incy), _stored(result, dtype, incy))
    arguments = (n, alpha, _fixed(x, dtype, incx), incx, *last, after, incy)
    facts = _facts(routine, dtype, seed, n, incx=incx, incy=incy, alpha=alpha, beta=beta)
    return Call(routine, dtype, arguments, None, facts)


def scale(routine, seed, dtype, n, turn):
    """x := alpha x; rscal: a complex x with a real alpha."""
    incx, alpha = choose(turn, FORWARD, _scalars("float64" if routine == "rscal" else dtype))
    x, _ = _vectors(seed, dtype, n)
    operand = Operand(_stored(x, dtype, incx), _stored(alpha * x, dtype, incx))
    facts = _facts(routine, dtype, seed, n, incx=incx, alpha=alpha)
    return Call(routine, dtype, (n, alpha, operand, incx), None, facts)


def move(routine, seed, dtype, n, turn):
    """Copy, from one element if its increment is 0, and swap."""
    increments = (*INCREMENTS, 0) if routine == "copy" else INCREMENTS
    incx, incy = choose(turn, increments, INCREMENTS)
    x, y = _vectors(seed, dtype, n)
    to = Operand(_stored(y, dtype, incy), _stored(_repeated(x, incx), dtype, incy))
    source = _fixed(x, dtype, incx)
    if routine == "swap":
        source = Operand(source.before, _stored(y, dtype, incx))
    facts = _facts(routine, dtype, seed, n, incx=incx, incy=incy)
    return Call(routine, dtype, (n, source, incx, to, incy), None, facts)


def total(routine, seed, dtype, n, turn):
    """Sums of |re| + |im| (asum) and of re + im (sum)."""
    (incx,) = choose(turn, FORWARD)
    x, _ = _vectors(seed, dtype, n)
    parts = np.array([x.real, x.imag])
    exact = float((abs(parts) if routine == "asum" else parts).sum())
    facts = _facts(routine, dtype, seed, n, incx=incx)
    return Call(routine, dtype, (n, _fixed(x, dtype, incx), incx), exact, facts)


def norm(routine, seed, dtype, n, turn):
    """The 2-norm of 3 and 4 anywhere among zeros is 5, also when all are scaled by the largest."""
    (incx,) = choose(turn, FORWARD)
    x = np.zeros(n, complex if dtype.startswith("c") else float)
    places = []
    if n:
        first = turn * 5 % n
        places = [first, (first + 1 + turn * 3 % (n - 1)) % n] if n > 1 else [first]
        x[places[-1]] = 4
        x[first] = 3j if dtype.startswith("c") else 3
    exact = (0, 3, 5)[len(places)]
    facts = _facts(routine, dtype, seed, n, incx=incx, places=places)
    return Call(routine, dtype, (n, _fixed(x, dtype, incx), incx), exact, facts)


def extreme(routine, seed, dtype, n, turn):
    """Index or value of the largest or smallest |re| + |im| (imax, imin: of the number itself).

    The extreme stands at two places: the first counts. The second is anywhere behind it, also in
    an earlier lane of a vector register.
    """
    (incx,) = choose(turn, FORWARD)
    x, _ = _vectors(seed, dtype, n)
    x = x.copy()
    largest = routine.endswith("max")
    signed = routine in ("imax", "imin")
    extreme = (2 * HIGH + 1) if largest else (-2 * HIGH - 1 if signed else 0.5)
    places = []
    if n:
        first = turn * 5 % n
        places = [first, first + turn * 3 % (n - first)]
        x[places] = (extreme, extreme if signed else -extreme)
        if dtype.startswith("c"):
            x[places[0]] = extreme * 1j
    facts = _facts(routine, dtype, seed, n, incx=incx, places=places, extreme=extreme)
    exact = (places or [0])[0] if routine.startswith("i") else (extreme if n else 0)
    return Call(routine, dtype, (n, _fixed(x, dtype, incx), incx), exact, facts)


def rotation(routine, seed, dtype, n, turn):
    """x, y := c x + s y, c y - s x, with real c and s."""
    numbers = (0, 1, -1, 0.5)
    incx, incy, c, s = choose(turn, INCREMENTS, INCREMENTS, numbers, numbers)
    x, y = _vectors(seed, dtype, n)
    operands = [
        Operand(_stored(before, dtype, increment), _stored(after, dtype, increment))
        for before, after, increment in ((x, c * x + s * y, incx), (y, c * y - s * x, incy))
    ]
    facts = _facts(routine, dtype, seed, n, incx=incx, incy=incy, c=c, s=s)
    return Call(routine, dtype, (n, operands[0], incx, operands[1], incy, c, s), None, facts)


def modified_rotation(routine, seed, dtype, n, turn):
    """x, y := H (x, y), where the flag says which elements of H are given; others hold canaries."""
    numbers = (2, -1, 0.5, -2)
    flag, incx, incy, *h = choose(turn, (-2, -1, 0, 1), INCREMENTS, INCREMENTS, *([numbers] * 4))
    full = {
        -2: [1, 0, 0, 1],
        -1: h,
        0: [1, h[1], h[2], 1],
        1: [h[0], 1, -1, h[3]],
    }[flag]  # h11, h12, h21, h22
    given = {-2: (), -1: (0, 1, 2, 3), 0: (1, 2), 1: (0, 3)}[flag]
    x, y = _vectors(seed, dtype, n)
    operands = [
        Operand(_stored(before, dtype, increment), _stored(after, dtype, increment))
        for before, after, increment in (
            (x, full[0] * x + full[1] * y, incx),
            (y, full[2] * x + full[3] * y, incy),
        )
    ]
    parameter = canary(dtype, 5)
    parameter[0] = flag
    for place in given:
        parameter[(1, 3, 2, 4)[place]] = h[place]  # stored column by column
    facts = _facts(
        routine, dtype, seed, n, incx=incx, incy=incy, flag=flag,
        h=[h[place] if place in given else None for place in (0, 2, 1, 3)],
    )  # fmt: skip
    arguments = (n, operands[0], incx, operands[1], incy, fixed(parameter))
    return Call(routine, dtype, arguments, None, facts)


#: How the calls of each routine are made, and its precisions.
ROUTINES = {
    "dot": (inner, REAL),
    "dotu": (inner, COMPLEX),
    "dotc": (inner, COMPLEX),
    "dsdot": (inner, ("float32",)),
    "sdsdot": (inner, ("float32",)),
    "axpy": (update, DTYPES),
    "axpyc": (update, COMPLEX),
    "axpby": (update, DTYPES),
    "scal": (scale, DTYPES),
    "rscal": (scale, COMPLEX),
    "copy": (move, DTYPES),
    "swap": (move, DTYPES),
    "asum": (total, DTYPES),
    "sum": (total, DTYPES),
    "nrm2": (norm, DTYPES),
    "iamax": (extreme, DTYPES),
    "iamin": (extreme, DTYPES),
    "imax": (extreme, REAL),
    "imin": (extreme, REAL),
    "amax": (extreme, DTYPES),
    "amin": (extreme, DTYPES),
    "rot": (rotation, DTYPES),
    "rotm": (modified_rotation, REAL),
}


def calls(seed, lengths, routines=tuple(ROUTINES), turns=1, idle=True):
    """Yield `turns` calls of each routine in each of its precisions for each of `lengths`.

    Without `idle`, no scalar is zero that spares all work.
    """
    pairs = [(routine, dtype) for routine in routines for dtype in ROUTINES[routine][1]]
    # Each pair goes on by one: steps of another length may come back to the same flags at once.
    numbered = [(*pair, itertools.count(7 * place + 1)) for place, pair in enumerate(pairs)]
    for n in lengths:
        for routine, dtype, numbers in numbered:
            make = ROUTINES[routine][0]
            made = (make(routine, seed, dtype, n, turn) for turn in numbers)
            yield from itertools.islice((call for call in made if idle or computes(call)), turns)


def idle_calls(seed, routines=tuple(ROUTINES)):
    """Yield calls that must do nothing: of no or less elements, or, where it says so, increment 0.

    A routine for one vector returns at once when its increment is not positive (reference BLAS).
    """
    for n in (0, -1, -7):
        for call in calls(seed, [3], routines):
            yield _idle(call, n, ())
    single = [name for name in ("scal", "rscal", "asum", "iamax") if name in routines]
    for call in calls(seed, [3], single):
        for increment in (0, -1):
            yield _idle(call, 3, (increment,))


def _idle(call, n, last):
    unchanged = with_operands(call, (fixed(each.before) for each in operands_of(call)))
    arguments = unchanged[1 : -1 if last else None]
    returns = None if call.returns is None else (3 if call.routine == "sdsdot" else 0)
    facts = dict(call.parameters, idle=True, n=n)
    if last:
        facts["incx"] = last[0]
    return call._replace(arguments=(n, *arguments, *last), returns=returns, parameters=facts)


#: What OpenBLAS adds to BLAS. NumPy and SciPy call none of it.
SUMS = ("sum",)
EXTENSIONS = ("axpyc", "axpby", "iamin", "imax", "imin", "amax", "amin")
STANDARD = tuple(routine for routine in ROUTINES if routine not in SUMS + EXTENSIONS)


def _sweep(ctx, routines):
    make = functools.partial(between_canaries, ctx, Cblas(ctx.blas))

    def exact(lengths, turns, chosen=routines):
        make(calls(ctx.seed, lengths, chosen, turns, idle=False))

    if ctx.threads == 1:
        make(calls(ctx.seed, range(141), routines, ctx.by_profile(1, 12)))
        make(idle_calls(ctx.seed, routines))
        exact((255, 256, 257, 511, 1025, 4097, 9999, 10001), ctx.by_profile(1, 4))
    else:
        exact((*range(1, 33), 10001), ctx.by_profile(1, 6))
        split = [routine for routine in ("asum", "dot", "rot") if routine in routines]
        exact((200003,), ctx.by_profile(1, 6), split)
    if ctx.profile != "smoke":
        exact((100003,), 1)
        exact((1048583,), 1, [name for name in LONGEST if name in routines])


@check(
    id="exact.level1",
    title="Level 1 is exact on integers, and touches nothing else",
    category="exact",
    routines=[
        "?dot",
        "?dotu",
        "?dotc",
        "dsdot",
        "sdsdot",
        "?axpy",
        "?scal",
        "csscal",
        "zdscal",
        "?copy",
        "?swap",
        "?asum",
        "?nrm2",
        "i?amax",
        "?rot",
        "?rotm",
    ],
    oracle=(
        "Integers, scalars and rotations of integers and powers of two: one exact result. All "
        "lengths to 140 and some to 20,000 (with threads: to 32, and above 10,000, 100,000 and "
        "2^20, where OpenBLAS splits), increments 1, 2, 3, -1, -2 and, where one operand is only "
        "read, 0, by turns. The first of two equal extremes counts. NaN canaries in gaps, around "
        "the operands and in elements of H that the flag of rotm leaves out. No elements, less "
        "than none, and increments that are not positive in scal, asum, iamax: nothing happens "
        "(reference BLAS)."
    ),
    catches=(
        "Tails of unrolled loops, strides, conjugation, wrong one of two equal extremes, lost "
        "parts of threads: OpenBLAS#2880, #5735, #4750, numpy#13426, numpy#14438, PR#2010."
    ),
    budget=120.0,
)
@few_threads
def level1(ctx):
    _sweep(ctx, STANDARD)


@check(
    id="exact.extensions",
    title="What OpenBLAS adds to level 1 is exact on integers",
    category="exact",
    routines=["?axpyc", "?axpby", "i?amin", "i?max", "i?min", "?amax", "?amin"],
    oracle="As exact.level1. A check of its own, since few programs call these routines.",
    catches="Kernels that no reference test reaches: first and last lanes, tails, increments.",
    budget=120.0,
)
@few_threads
def extensions(ctx):
    _sweep(ctx, EXTENSIONS)


@check(
    id="exact.sum",
    title="Sums without absolute values are exact on integers",
    category="exact",
    routines=["?sum", "scsum", "dzsum"],
    oracle="As exact.level1: re + im of all elements. OpenBLAS's own, like exact.extensions.",
    catches=(
        "Horizontal sums of vector registers, complex sums that are zero: OpenBLAS PR#4521, "
        "ssum of 16 and more elements with AVX-512 (see docs/found)."
    ),
    budget=120.0,
)
@few_threads
def sums(ctx):
    _sweep(ctx, SUMS)

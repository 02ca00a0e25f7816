"""dsdot and sdsdot, whose sums need more digits than their operands have."""

import numpy as np

from checks.api import check
from checks.cblas import Cblas
from checks.operands import integers
from checks.splitting import few_threads
from checks.storage import vector

__all__ = ["dsdot"]

#: Thirty-two products of two such numbers stay below 2^24: x86 kernels add so many in single
#: precision before they go on in double (kernel/x86_64/sdot.c), which is left to them.
HIGH = 723

#: Odd numbers up to these need 26 bits for a product.
BEYOND = 8191

INCREMENTS = ((1, 1), (2, 1), (1, 3), (-1, 1), (2, -2))


def _positive(seed, n, high):
    """Return two vectors of odd integers."""
    return [np.abs(row.real).astype(int) // 2 * 2 + 1 for row in integers(seed, 2, n, high - 1)]


def _operands(routine, seed, n):
    """Return (x, y, their exact inner product).

    That of sdsdot is small, since it is rounded: the second half of the products takes off what the
    first has added.
    """
    x, y = _positive(seed, n, HIGH)
    if routine == "sdsdot":
        half = n // 2
        x[half : 2 * half] = x[:half]
        y[half : 2 * half] = -y[:half]
    return x, y, int(np.sum(x * y))


def _called(cblas, routine, x, y, incx, incy):
    first = (3,) if routine == "sdsdot" else ()
    images = [vector(v.astype(np.float32), inc) for v, inc in ((x, incx), (y, incy))]
    return cblas.call(routine, "float32", len(x), *first, images[0], incx, images[1], incy)


@check(
    id="exact.dsdot",
    title="Inner products of single precision are summed in double",
    category="exact",
    routines=["dsdot", "sdsdot"],
    oracle=(
        "Integers whose products need up to 20 bits and whose sums need up to 33: in double "
        "precision one exact result, in single none. Any 32 products together stay below 2^24. "
        "Lengths to 140, astride powers of two and to 10,001; increments 1, 2, 3, -1 and -2. "
        "Products of more than 24 bits are not judged, since x86 kernels round them; whether they "
        "do is recorded."
    ),
    catches="Sums in single precision, partial sums of lanes or threads added in it.",
)
@few_threads
def dsdot(ctx):
    cblas = Cblas(ctx.blas)
    lengths = (*range(1, 141), 255, 257, 511, 1025, 4097, 10001)
    if ctx.threads > 1:
        lengths = (7, 100, 10001)
    if ctx.profile != "smoke":
        lengths += (100003,)
    for place, routine in enumerate(("dsdot", "sdsdot")):
        for n in lengths:
            for turn in range(ctx.by_profile(1, 5)):
                incx, incy = INCREMENTS[(n + turn + place) % 5] if n < 10000 else INCREMENTS[turn]
                _ask(ctx, cblas, routine, n, incx, incy)
    x, y = _positive(ctx.seed, 100, BEYOND)
    rounded = _called(cblas, "dsdot", x, y, 1, 1) != np.sum(x * y)
    ctx.record("dsdot: products of more than 24 bits", "rounded" if rounded else "exact")


def _ask(ctx, cblas, routine, n, incx, incy):
    # No dtype: whoever makes calls from parameters would take small integers.
    parameters = {"routine": routine, "seed": ctx.seed, "n": n, "incx": incx, "incy": incy}
    x, y, exact = _operands(routine, ctx.seed, n)
    exact += 3 if routine == "sdsdot" else 0
    ctx.trying(routine, parameters)
    result = _called(cblas, routine, x, y, incx, incy)
    ctx.ran()
    if result != exact:
        what = "%d elements, increments %d and %d: %r, exactly %d"
        ctx.fail(routine, what % (n, incx, incy, result, exact), parameters)

"""What the accuracy checks of `numpy.linalg` share: the sizes and kinds to try, and the verdict.

Double precision goes through `numpy.linalg`; single precision, which `numpy.linalg` would convert,
through LAPACK in the same library.
"""

import numpy as np

from checks.lapack import REFUSALS, drivers_for
from checks.operands import DTYPES, LETTER

__all__ = [
    "LARGE",
    "MEDIUM",
    "SMALL",
    "each_case",
    "guarded",
    "rectangular",
    "remainders",
    "require_ratios",
    "threaded_sizes",
]

#: Astride unrolls, panel widths (32, 64, 128) and the crossover to divide and conquer (25).
SMALL = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 25, 26, 31, 32, 33, 48, 49, 63, 64, 65)
SPARED = (4, 7, 15, 31, 32, 48, 63, 64)
MEDIUM = (80, 97, 127, 128, 129, 143)

#: Sizes at which OpenBLAS starts to split LU (m n >= 10,000 per thread, single 40,000), Cholesky
#: (128, 256) and the products within.
LARGE = (200, 257, 283, 300)


def each_case(ctx, function, sizes, kinds, threaded):
    """Yield (drivers, parameters): each size with random and with one other kind.

    function: name of the driver, for the reproducer;
    threaded: {dtype: sizes} for the cells with several threads: above the points where OpenBLAS
    splits the work.
    """
    if ctx.threads > 1:
        between = range(17, 33)
    elif ctx.profile == "smoke":
        # Cells with threads ask for all remainders; here it is the kinds of matrices that count.
        sizes = [size for size in sizes if max(np.atleast_1d(size)) not in SPARED]
        between = ()
    else:
        between = (*range(19, 25), *range(27, 32))
    plain = remainders(between, squares=not isinstance(sizes[0], tuple))
    for position, dtype in enumerate(DTYPES):
        drivers = drivers_for(ctx.blas, dtype)
        own = sizes if ctx.threads == 1 else threaded.get(dtype, ())
        for index, size in enumerate((*own, *plain)):
            others = [kind for kind in kinds if kind != "random"]
            some = others if ctx.profile != "smoke" else [others[(index + position) % len(others)]]
            if ctx.profile == "smoke" and ctx.threads > 1:
                some = []
            for kind in ["random", *some]:
                parameters = {
                    "function": function,
                    "dtype": dtype,
                    "kind": kind,
                    "size": list(size) if isinstance(size, tuple) else size,
                    "seed": ctx.seed + index,
                }
                yield drivers, parameters


def remainders(sizes, squares):
    """Return `sizes`, which no thread count splits, or if not `squares` (m, n) around them.

    What is left of them modulo 16 are the lengths of loops behind unrolled ones.
    """
    return tuple(n if squares else (n, 17 + 5 * n % 16) for n in sizes)


def guarded(ctx, routine, parameters, function, *arguments):
    """Call a driver; an error on input that has an answer is a failure. None then."""
    ctx.trying(LETTER[parameters["dtype"]] + routine, parameters)
    try:
        return function(*arguments)
    except REFUSALS as error:
        ctx.ran()
        name = LETTER[parameters["dtype"]] + routine
        ctx.fail(name, "%s on input that has an answer" % error, parameters)
        return None


def require_ratios(ctx, routine, parameters, limit, **ratios):
    """Require each named ratio to be below `limit`, and keep the largest as a figure."""
    name = LETTER[parameters["dtype"]] + routine
    for what, ratio in ratios.items():
        ctx.require_ratio(name, _label(what, parameters), ratio, limit, dict(parameters, test=what))
        largest = ctx.details.setdefault("largest_ratio", {})
        if not largest.get(what, -1.0) >= ratio:
            largest[what] = float(ratio)


def _label(what, parameters):
    return "%s of %s %s, size %s" % (
        what,
        parameters["dtype"],
        parameters["kind"],
        parameters["size"],
    )


def threaded_sizes(real, complex_):
    """Return the sizes of threaded cells; complex kernels split much smaller work."""
    return {dtype: complex_ if dtype.startswith("c") else real for dtype in DTYPES}


def rectangular(sizes):
    """Return shapes around each size: square, taller, wider."""
    shapes = []
    for index, n in enumerate(sizes):
        other = max(1, (n * (3, 1, 5)[index % 3]) // (7, 3, 6)[index % 3])
        shapes += [(n, n), (n, other) if index % 2 else (other, n)]
    return tuple(shapes)

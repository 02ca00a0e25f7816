"""Products of integers, which are exact in floating point: any difference is a bug.

Every partial sum stays below 2^53 (2^24 in single precision), so that the result does not depend on
order, blocking, fused multiply-add or thread count, and can be compared bit by bit. Nor can such a
product raise a flag of floating point, of which NumPy would warn its user.
"""

import numpy as np

from checks.api import check
from checks.fenv import flags_of_this_machine
from checks.operands import (
    DTYPES,
    LARGE_INNER,
    LARGE_OUTER,
    LAYOUTS,
    LETTER,
    SMALL_INNER,
    THREADED_SQUARES,
    ProductPool,
    amplitude,
    integers,
    poison,
    rotate,
)
from checks.oracles import compare, surroundings_intact

__all__ = ["dot", "gemm", "gemv", "syrk"]

#: Rows above and columns left of a result inside its NaN-filled buffer; odd, to misalign it.
MARGIN = 3

#: The other sizes of a product that is large in one: astride unrolls and small-matrix permits.
FEW = (1, 2, 5, 8, 12, 16, 23, 31, 33, 48, 64, 65)


def _multiply(ctx, routine, left, right, result, parameters):
    """Multiply into `result` and count the case; it fails if NumPy reports a flag.

    To have NumPy raise what it would warn of is up to the check: for each product it costs more.
    """
    ctx.trying(routine, parameters)
    try:
        np.matmul(left, right, out=result)
    except FloatingPointError as error:
        ctx.fail(routine, "%s, of integers" % error, parameters)
    ctx.cases_run += 1


class Output:
    """A NaN-filled buffer that results are written into, with NaN left on all sides."""

    def __init__(self, dtype, rows, columns):
        self.nan = poison(dtype)
        shape = (rows + 2 * MARGIN, columns + 2 * MARGIN)
        self._buffers = {order: np.full(shape, self.nan, dtype, order) for order in "CF"}

    def window(self, m, n, order="C"):
        """Return the m x n view to write, and the block around it."""
        block = self._buffers[order][: m + 2 * MARGIN, : n + 2 * MARGIN]
        return block[MARGIN:-MARGIN, MARGIN:-MARGIN], block


def _product(ctx, routine, output, pool, dtype, layout, shape, position, order="C"):
    """Multiply one slice of the pool and judge the result."""
    m, n, k = shape
    row, column = position
    a = pool.operand("a", dtype, layout[0])[row : row + m, :k]
    b = pool.operand("b", dtype, layout[1])[:k, column : column + n]
    exact = pool.product(dtype, k)[row : row + m, column : column + n]
    view, block = output.window(m, n, order)
    parameters = {
        **pool.recipe(),
        "dtype": dtype,
        "layout": layout,
        "order": order,
        "m": m,
        "n": n,
        "k": k,
        "row": row,
        "column": column,
    }
    _multiply(ctx, LETTER[dtype] + routine, a, b, view, parameters)
    wrong = np.count_nonzero(view != exact)
    if wrong or not surroundings_intact(block, m * n):
        _report(ctx, LETTER[dtype] + routine, view, exact, parameters)
        block.fill(output.nan)
    else:
        view.fill(output.nan)


def _report(ctx, routine, result, exact, parameters):
    mismatch = compare(result, exact)
    what = "wrote outside of its result" if mismatch is None else mismatch.message
    where = "%(dtype)s %(m)d x %(k)d x %(n)d, layouts %(layout)s" % parameters
    facts = {} if mismatch is None else mismatch.facts()
    ctx.fail(routine, "%s: %s" % (where, what), parameters, **facts)


def _sweep(ctx, routine, pool, shapes, vary_layout, dtypes=DTYPES, first=0):
    """Try each of `shapes` in `dtypes`; in all layouts, or in one that changes with its index.

    The slices' origins change too, and with them the alignment of the operands.
    """
    for dtype in dtypes:
        output = Output(dtype, pool.m, pool.n)
        for index, shape in enumerate(shapes, first + DTYPES.index(dtype)):
            m, n, _ = shape
            position = (
                rotate((0, 1, 2, 3), index, m) % (pool.m - m + 1),
                rotate((0, 3, 2, 1), index, n) % (pool.n - n + 1),
            )
            for layout in (rotate(LAYOUTS, index, m),) if vary_layout else LAYOUTS:
                order = "F" if (index + n) % 8 == 0 else "C"
                _product(ctx, routine, output, pool, dtype, layout, shape, position, order)


def _small_shapes(dense, thin, inner_per_shape):
    """Return (all m, n <= dense, each with several k), (further m, n <= thin, with one k)."""
    close, far = [], []
    for m in range(1, thin + 1):
        for n in range(1, thin + 1):
            if m <= dense and n <= dense:
                start = m + 5 * n
                step = max(1, len(SMALL_INNER) // inner_per_shape)
                close += [
                    (m, n, SMALL_INNER[(start + step * i) % len(SMALL_INNER)])
                    for i in range(inner_per_shape)
                ]
            else:
                far.append((m, n, SMALL_INNER[(7 * m + 3 * n) // 2 % len(SMALL_INNER)]))
    return close, far


@check(
    id="exact.gemm",
    title="Matrix products of integers are exact",
    category="exact",
    routines=["?gemm", "?gemv"],
    oracle=(
        "A @ B of integer matrices must equal the exact product: every partial sum is below 2^53 "
        "(2^24 in single precision; complex: twice the products), so neither order nor fused "
        "multiply-add nor thread count can change a bit. The reference is summed by einsum, which "
        "calls no BLAS. The result is written into a NaN-filled buffer whose rest must stay NaN. "
        "All m, n <= 17 (beyond smoke with several k) and <= 65 (in smoke every other), sizes "
        "astride unrolls, GEMM_P, GEMM_Q and the points where OpenBLAS splits work over threads; "
        "four precisions, four layouts, slices at changing alignment with padded leading "
        "dimensions."
    ),
    catches=(
        "Wrong tiles, tails, copy routines, small-matrix kernels, blocking depths and thread "
        "splits, reads of C at beta = 0, writes beyond C: OpenBLAS#1955 (AVX-512 dgemm), #2914 "
        "(sgemm_direct), #6013 (k > 256 overflows a stack buffer), numpy#24903 (unrolls that do "
        "not match the kernel), OpenBLAS#2168, #1933."
    ),
    budget=120.0,
)
@np.errstate(invalid="raise", divide="raise", over="raise")  # for _multiply
def gemm(ctx):
    if ctx.threads > 1:
        _threaded_gemm(ctx)
        return
    close, far = _small_shapes(
        dense=ctx.by_profile(17, 33, 49),
        thin=ctx.by_profile(65, 97, 129),
        inner_per_shape=ctx.by_profile(1, 8, 16),
    )
    side = max(m for m, _, _ in far) + 3
    small = ProductPool(ctx.seed, side, side, SMALL_INNER)
    _sweep(ctx, "gemm", small, close, vary_layout=False)
    # In smoke each precision has half of them, with m + n even or odd.
    for part, dtypes in ((0, DTYPES[::2]), (1, DTYPES[1::2])):
        some = [shape for shape in far if (shape[0] + shape[1]) % 2 == part]
        _sweep(ctx, "gemm", small, ctx.by_profile(some, far), vary_layout=True, dtypes=dtypes)

    # One size large, the others around the unrolls: block edges without the cost of large cubes.
    deep = ProductPool(ctx.seed + 2, 71, 71, LARGE_INNER)
    even = [(64, 64, k) for k in LARGE_INNER]
    _sweep(ctx, "gemm", deep, even, vary_layout=ctx.profile == "smoke")
    shapes = [
        (rotate(FEW, i, j), rotate(FEW, j, i, 1), k)
        for i, k in enumerate(LARGE_INNER)
        for j in range(ctx.by_profile(1, 12))
    ]
    _sweep(ctx, "gemm", deep, shapes, vary_layout=False)

    inner = (1, 3, 8, 17, 64)
    rows = ProductPool(ctx.seed + 4, LARGE_OUTER[-1], 67, inner)
    columns = ProductPool(ctx.seed + 6, 67, LARGE_OUTER[-1], inner)
    for j in range(ctx.by_profile(1, 8)):
        tall = [(m, rotate(FEW, i, j), rotate(inner, i, j, 2)) for i, m in enumerate(LARGE_OUTER)]
        _sweep(ctx, "gemm", rows, tall, vary_layout=False)
        wide = [(n, m, k) for m, n, k in tall]
        _sweep(ctx, "gemm", columns, wide, vary_layout=False)

    squares = ProductPool(ctx.seed + 8, 165, 165, THREADED_SQUARES)
    shapes = [(n, n, n) for n in THREADED_SQUARES]
    _sweep(ctx, "gemm", squares, shapes, vary_layout=ctx.profile == "smoke")
    _extreme_shapes(ctx)
    _empty_products(ctx)


def _threaded_gemm(ctx):
    """Few shapes, split by rows, by columns and in both, over some threads and over all.

    With more threads than cores a single split product takes 50 to 150 ms, whatever its size. One
    thread goes through the same kernels in the cell with one thread.
    """
    close, _ = _small_shapes(dense=17, thin=17, inner_per_shape=1)
    small = ProductPool(ctx.seed, 20, 20, SMALL_INNER)
    _sweep(ctx, "gemm", small, close, vary_layout=True)
    real = [(103, 101, 102), (1100, 31, 64), (33, 70, 1000)]
    half = [(52, 51, 50), (31, 300, 32), (16, 33, 500)]
    if ctx.profile != "smoke":
        real += [
            (129, 128, 127), (82, 82, 81), (162, 161, 163), (8, 250, 1025), (17, 2049, 65),
            (2049, 17, 65),
        ]  # fmt: skip
        half += [
            (65, 64, 63), (42, 40, 41), (82, 81, 83), (8, 125, 513), (9, 1025, 33), (1025, 9, 33),
        ]  # fmt: skip
    few = ctx.profile == "smoke"  # then each in one precision, by turns
    for shapes, dtypes in ((real, DTYPES[:2]), (half, DTYPES[2:])):
        for index, shape in enumerate(shapes):
            m, n, k = shape
            pool = ProductPool(ctx.seed + 8 + 2 * index, m + 3, n + 3, (k,))
            some = dtypes[index % 2 :][:1] if few else dtypes
            _sweep(ctx, "gemm", pool, [shape], few, some, index)


def _extreme_shapes(ctx):
    """Astride GEMM_R, tall and skinny, deep and thin, and a few squares of several blocks."""
    long = 14341
    tall = ProductPool(ctx.seed + 10, long, 9, (1, 4, 9))
    _sweep(ctx, "gemm", tall, [(long, 7, 4), (8200, 9, 9), (long, 2, 1)], vary_layout=True)
    wide = ProductPool(ctx.seed + 12, 9, long, (1, 4, 9))
    _sweep(ctx, "gemm", wide, [(7, long, 4), (9, 8200, 9), (2, long, 1)], vary_layout=True)
    deepest = ctx.by_profile(20011, 50001)
    deep = ProductPool(ctx.seed + 14, 9, 9, (4099, 16387, deepest))
    _sweep(ctx, "gemm", deep, [(5, 7, 4099), (9, 2, 16387), (4, 4, deepest)], vary_layout=True)
    sizes = ctx.by_profile((257, 300), (257, 300, 385, 449, 513))
    inner = ctx.by_profile((129, 257, 300), (129, 257, 300, 385, 513))
    square = ProductPool(ctx.seed + 16, max(sizes), max(sizes), inner)
    shapes = [(m, rotate(sizes, i, 1), inner[-1 - i % 2]) for i, m in enumerate(sizes)]
    _sweep(ctx, "gemm", square, shapes, vary_layout=ctx.profile == "smoke")


def _empty_products(ctx):
    for dtype in DTYPES:
        for m, n, k in ((0, 3, 2), (3, 0, 2), (3, 2, 0), (0, 0, 0), (1, 1, 0), (40, 30, 0)):
            result = np.matmul(np.ones((m, k), dtype), np.ones((k, n), dtype))
            ctx.ran()
            if result.shape != (m, n) or np.count_nonzero(result):
                ctx.fail(
                    LETTER[dtype] + "gemm",
                    "%s %d x %d x %d: an empty sum is not zero" % (dtype, m, k, n),
                    {"dtype": dtype, "m": m, "n": n, "k": k},
                )


class VectorPool:
    """An integer matrix with x, and the exact products of all its leading blocks with x.

    right[dtype][i, n - 1] is element i of a[:, :n] @ x[:n]; left[dtype][m - 1, j] is element j of
    x[:m] @ a[:m].
    """

    def __init__(self, seed, rows, columns, high=8, dtypes=DTYPES):
        self.seed, self.high = seed, high
        self.rows, self.columns = rows | 1, columns | 1
        length = max(self.rows, self.columns)
        matrix = integers(seed, self.rows, self.columns, high)
        vector = integers(seed + 1, 1, length, high)[0]
        self.matrix, self.vectors, self.right, self.left = {}, {}, {}, {}
        for dtype in dtypes:
            if amplitude(dtype, length, high) < high:
                raise ValueError("vectors of %d are not exact in %s" % (length, dtype))
            parts = (matrix, vector) if dtype.startswith("c") else (matrix.real, vector.real)
            a, x = parts
            self.right[dtype] = np.cumsum(a * x[: self.columns], axis=1).astype(dtype)
            self.left[dtype] = np.cumsum(a * x[: self.rows, None], axis=0).astype(dtype)
            for order in "CF":
                self.matrix[dtype, order] = np.array(a, dtype=dtype, order=order)
            for step in (1, 2, 3, -1):
                self.vectors[dtype, step] = spread(x.astype(dtype), step)


def spread(vector, step):
    """Return a view with the same values whose elements are `step` apart, NaN between them."""
    if step < 0:
        return np.ascontiguousarray(vector[::-1])[::-1]
    stored = np.full(1 + len(vector) * step, poison(str(vector.dtype)), vector.dtype)
    view = stored[1::step][: len(vector)]
    view[...] = vector
    return view


def _matrix_vector(ctx, pool, dtype, order, side, m, n, position, steps):
    """Multiply one leading block with x, on the right or on the left, and judge the result."""
    row, column = position
    step, out_step = steps
    stored = pool.matrix[dtype, order]
    x = pool.vectors[dtype, step]
    if side == "right":
        left, right = stored[row : row + m, :n], x[:n]
        exact = pool.right[dtype][row : row + m, n - 1]
    else:
        left, right = x[:m], stored[:m, column : column + n]
        exact = pool.left[dtype][m - 1, column : column + n]
    nan = poison(dtype)
    block = np.full(len(exact) * out_step + 2 * MARGIN, nan, dtype)
    result = block[MARGIN : MARGIN + len(exact) * out_step : out_step]
    parameters = {
        "seed": pool.seed,
        "pool": [pool.rows, pool.columns],
        "high": pool.high,
        "dtype": dtype,
        "order": order,
        "side": side,
        "m": m,
        "n": n,
        "row": row,
        "column": column,
        "step": step,
        "out_step": out_step,
    }
    _multiply(ctx, LETTER[dtype] + "gemv", left, right, result, parameters)
    if np.count_nonzero(result != exact) or not surroundings_intact(block, len(exact)):
        mismatch = compare(result, exact)
        what = "wrote outside of its result" if mismatch is None else mismatch.message
        ctx.fail(
            LETTER[dtype] + "gemv",
            "%s %d x %d, order %s, x on the %s, increments %d and %d: %s"
            % (dtype, m, n, order, side, step, out_step, what),
            parameters,
            **({} if mismatch is None else mismatch.facts()),
        )


@check(
    id="exact.gemv",
    title="Products of integer matrices and vectors are exact",
    category="exact",
    routines=["?gemv"],
    oracle=(
        "A @ x and x @ A with integers must equal the exact sums (running sums of elementwise "
        "products, below 2^24 or 2^53). All m, n <= 20, up to 130 in steps that meet every "
        "residue, 1..17 columns with up to 8,200 rows and the reverse, and 460,800 elements "
        "(complex 4,096) and more, where OpenBLAS starts threads; both orders, padded leading "
        "dimension, increments 1, 2, 3 and -1 with NaN between the elements, NaN around the result."
    ),
    catches=(
        "Tails of the column-blocked kernels, row blocks of 1024 to 4096, increments, over-reads "
        "that reach the result, reads of y at beta = 0: OpenBLAS#2009, #1292, #3318, PR#2010, "
        "numpy#19469 (gemv without its buffer)."
    ),
    budget=120.0,
)
@np.errstate(invalid="raise", divide="raise", over="raise")  # for _multiply
def gemv(ctx):
    increments = ((1, 1), (1, 1), (2, 1), (1, 2), (3, 2), (-1, 1))

    def sweep(pool, shapes, dtypes=DTYPES, sides=("right", "left")):
        for dtype in dtypes:
            for index, (m, n) in enumerate(shapes):
                position = (index % 4 % (pool.rows - m + 1), index % 3 % (pool.columns - n + 1))
                steps = increments[(index + m) % len(increments)]
                for order in "CF":
                    for side in sides:
                        _matrix_vector(ctx, pool, dtype, order, side, m, n, position, steps)

    if ctx.threads == 1:
        dense = ctx.by_profile(20, 40)
        shapes = [(m, n) for m in range(1, dense + 1) for n in range(1, dense + 1)]
        shapes += [
            (m, 1 + (37 * m + 29 * j) % 130)
            for m in range(dense + 1, 131)
            for j in range(ctx.by_profile(3, 16))
        ]
        sweep(VectorPool(ctx.seed, 133, 133), shapes)
        long = (255, 257, 511, 513, 1023, 1025, 2047, 2049, 4095, 4097, 8191, 8193)
        narrow = [(m, 1 + (i + 5 * j) % 17) for i, m in enumerate(long) for j in range(4)]
        sweep(VectorPool(ctx.seed + 2, 8200, 17), narrow)
        sweep(VectorPool(ctx.seed + 4, 17, 8200), [(n, m) for m, n in narrow])
    else:
        sweep(VectorPool(ctx.seed, 63, 63), [(m, 1 + 37 * m % 60) for m in range(1, 61, 3)])
    # Split over threads: from 460,800 elements, complex from 4,096 (interface/gemv.c, zgemv.c).
    # With few rows, and 9,216 elements, the threads share out the columns, and add up their sums
    # (driver/level2/gemv_thread.c). With more threads than cores, one such product takes 50 to
    # 100 ms: smoke asks each in one precision, by turns.
    few = ctx.threads > 1 and ctx.profile == "smoke"
    for place, (dtypes, shapes) in enumerate(
        (
            (DTYPES[:2], [(681, 680), (4100, 113), (113, 4100)]),
            (DTYPES[:2], [(3, 160001), (160001, 3)] if ctx.threads > 1 else []),
            (DTYPES[2:], [(67, 65), (509, 9), (9, 509)]),
            (DTYPES[2:], [(3, 4001), (4001, 3)]),
        )
    ):
        some = dtypes[(place + 1) % 2 :][:1] if few else dtypes
        for i, (m, n) in enumerate(shapes[: 1 if few else 3]):
            high = 4 if max(m, n) > 10**5 else 8  # sums must stay exact in single precision
            pool = VectorPool(ctx.seed + 6 + 2 * i, m, n, high, some)
            sweep(pool, [(m, n)], some, ("right",) if few else ("right", "left"))


def _dot_kinds(dtype):
    """Return {name: (function, whether the first vector is conjugated)}."""
    kinds = {"dot": (np.dot, False), "inner": (np.inner, False)}
    if dtype.startswith("c"):
        kinds["vdot"] = (np.vdot, True)
    return kinds


@check(
    id="exact.dot",
    title="Inner products of integer vectors are exact",
    category="exact",
    routines=["?dot", "cdotu", "cdotc", "zdotu", "zdotc"],
    oracle=(
        "dot, inner and vdot of integer vectors must equal the running sums of their elementwise "
        "products (below 2^24 or 2^53). All lengths to 140, lengths astride powers of two and "
        "10,000, where OpenBLAS starts threads; increments 1, 2, 3 and -1 with NaN between the "
        "elements, changing alignment."
    ),
    catches=(
        "Tails of unrolled loops, increments, conjugation, lost partial sums of threads: "
        "OpenBLAS#2880, numpy#13426, PR#2010."
    ),
)
@np.errstate(all="ignore")
def dot(ctx):
    longest = 20021
    lengths = [n for n in LARGE_OUTER if n > 140]
    lengths += [2047, 2049, 4095, 4097, 8191, 9999, 10000]
    lengths = [*range(1, 141), *lengths] if ctx.threads == 1 else [*range(1, 141, 9), 9999]
    lengths += [10016, longest - 4]
    steps = ((1, 1), (1, 2), (2, 1), (3, 2), (2, 2), (1, -1))
    x, y = integers(ctx.seed, 2, longest)
    flags = flags_of_this_machine()  # few releases of NumPy look at them after np.dot
    for dtype in DTYPES:
        real = not dtype.startswith("c")
        values = [(v.real if real else v).astype(dtype) for v in (x, y)]
        views = {step: [spread(v, step) for v in values] for step in (1, 2, 3, -1)}
        for name, (function, conjugate) in _dot_kinds(dtype).items():
            first = np.conj(x) if conjugate else (x.real if real else x)
            sums = np.concatenate([[0], np.cumsum(first * (y.real if real else y))])
            for index, n in enumerate(lengths):
                start = index % 4
                exact = sums[start + n] - sums[start]
                few = (steps[index % 2],) if n > 10000 else steps
                for left, right in few:
                    a = views[left][0][start : start + n]
                    b = views[right][1][start : start + n]
                    routine = LETTER[dtype] + {"vdot": "dotc"}.get(name, "dot" if real else "dotu")
                    parameters = {
                        "seed": ctx.seed,
                        "pool": [2, longest],
                        "high": 8,
                        "dtype": dtype,
                        "function": name,
                        "n": n,
                        "start": start,
                        "steps": [left, right],
                    }
                    ctx.trying(routine, parameters)
                    if flags is not None:
                        flags.clear()
                    result = function(a, b)
                    raised = flags.raised() if flags is not None else 0
                    ctx.cases_run += 1
                    if raised:
                        ctx.fail(routine, "raised: %s" % flags.names(raised), parameters)
                    if result != exact:
                        ctx.fail(
                            routine,
                            "%s %s of %d elements, increments %d and %d: %s, exactly %s"
                            % (dtype, name, n, left, right, result, exact),
                            parameters,
                        )


def _symmetric_product(ctx, output, pool, dtype, order, n, k, row):
    """Form A @ A.T, for which NumPy calls syrk, and judge both triangles."""
    a = pool.operand("a", dtype, order)[row : row + n, :k]
    exact = pool.product(dtype, k)[row : row + n, row : row + n]
    view, block = output.window(n, n)
    parameters = {**pool.recipe(), "dtype": dtype, "order": order, "n": n, "k": k, "row": row}
    _multiply(ctx, LETTER[dtype] + "syrk", a, a.T, view, parameters)
    if np.count_nonzero(view != exact) or not surroundings_intact(block, n * n):
        mismatch = compare(view, exact)
        what = "wrote outside of its result" if mismatch is None else mismatch.message
        ctx.fail(
            LETTER[dtype] + "syrk",
            "%s %d x %d, order %s: %s" % (dtype, n, k, order, what),
            parameters,
            **({} if mismatch is None else mismatch.facts()),
        )
    block.fill(output.nan)


@check(
    id="exact.syrk",
    title="Products of an integer matrix with its own transpose are exact",
    category="exact",
    routines=["?syrk"],
    oracle=(
        "A @ A.T and A.T @ A, for which NumPy calls syrk, must equal the exact integer product, "
        "as in exact.gemm. All n <= 40, sizes astride unrolls, block sizes, and (n + 1) n k = "
        "439,776 (complex 59,296), from where OpenBLAS uses threads."
    ),
    catches=(
        "Diagonal blocks, tails and blocking depth of the syrk drivers, and the other triangle: "
        "OpenBLAS#6013 (n = 55, k = 165 and above), #2108, numpy#24067, OpenBLAS#5469."
    ),
    budget=120.0,
)
@np.errstate(invalid="raise", divide="raise", over="raise")  # for _multiply
def syrk(ctx):
    def sweep(pool, shapes, orders=("CF",) * 4):
        for dtype, both in zip(DTYPES, orders):
            output = Output(dtype, pool.m, pool.n)
            for index, (n, k) in enumerate(shapes):
                for order in both:
                    row = index % 4 % (pool.m - n + 1)
                    _symmetric_product(ctx, output, pool, dtype, order, n, k, row)

    if ctx.threads > 1 and ctx.profile == "smoke":
        # With more threads than cores a split product takes 50 to 150 ms per block of k.
        deep = ProductPool(ctx.seed + 20, 57, 57, (300,), symmetric=True)
        wide = ProductPool(ctx.seed + 22, 259, 259, (17,), symmetric=True)
        sweep(deep, [(55, 300)], ("C", "", "", "F"))
        sweep(wide, [(257, 17)], ("", "C", "F", ""))
        return
    deep = ProductPool(ctx.seed + 20, 83, 83, LARGE_INNER, symmetric=True)
    wide = ProductPool(ctx.seed + 22, 516, 516, (1, 5, 17, 33, 64), symmetric=True)
    if ctx.threads > 1:
        sweep(deep, [(55, 300), (55, 165), (81, 1025), (64, 512), (31, 700)])
        sweep(wide, [(257, 17), (128, 64), (513, 5)])
        return
    small = ProductPool(ctx.seed, 43, 43, SMALL_INNER, symmetric=True)
    sweep(
        small,
        [
            (n, k)
            for n in range(1, 41)
            for k in (SMALL_INNER if ctx.profile != "smoke" else SMALL_INNER[n % 3 :: 3])
        ],
    )
    sizes = (3, 8, 17, 31, 40, 55, 64, 65, 75, 76, 77, 80)
    sweep(
        deep,
        [
            (rotate(sizes, i, j), k)
            for i, k in enumerate(LARGE_INNER)
            for j in range(ctx.by_profile(2, 12))
        ],
    )
    sweep(
        wide,
        [
            (n, rotate((1, 5, 17, 33, 64), i, j))
            for i, n in enumerate(n for n in LARGE_OUTER if n <= 513)
            for j in range(ctx.by_profile(1, 5))
        ],
    )

"""Results held against each other: the same product computed in other ways, the same call again.

What mathematics says of two computations needs no reference: a transposed or divided product must
agree within rounding, one scaled by a power of two to the last bit, and so must the same call on
the same memory with the same number of threads.
"""

import zlib

import numpy as np

from checks import matrices
from checks.api import check
from checks.lapack import REFUSALS, Lapack
from checks.operands import DTYPES, LETTER
from checks.oracles import BLAS_LIMIT, multiply
from checks.splitting import two_threads

__all__ = ["products", "repeat"]

SHAPES = ((1, 9, 17), (5, 3, 40), (16, 16, 16), (33, 47, 65), (70, 1, 129), (64, 96, 100))
MORE_SHAPES = ((129, 65, 257), (200, 7, 400), (7, 200, 513), (255, 256, 257), (300, 1, 300))

#: Real products are split over threads from 262,144 multiplications on, complex from 32,768.
THREADED_SHAPES = ((103, 102, 101),)
MORE_THREADED_SHAPES = ((40, 300, 129), (300, 40, 513))

#: Pairs (i, j): operands times 2^i and 2^j. All elements are between 1/2 and 1, so that no partial
#: result leaves the range of normal numbers.
SCALES = {
    "float32": ((60, 50), (-50, -40), (90, -90), (1, 0)),
    "float64": ((500, 450), (-450, -450), (900, -900), (-1, 3)),
}

#: How many of the calls that are repeated are products.
PRODUCTS = 4


def _operand(seed, rows, columns, dtype):
    """Return a matrix whose parts are between 1/2 and 1 in magnitude, of both signs."""
    a = matrices.random(seed, rows, columns, dtype)

    def away(part):
        return np.copysign((np.abs(part) + 1) / 2, part)

    return (away(a.real) + 1j * away(a.imag)).astype(dtype) if a.dtype.kind == "c" else away(a)


@check(
    id="metamorphic.products",
    title="Products computed in other ways agree",
    category="metamorphic",
    routines=["?gemm", "?gemv", "?syrk", "?dot"],
    oracle=(
        "C = A B against (B^T A^T)^T, against products of halves of A's rows, B's columns and the "
        "inner dimension, of permuted rows, of leading blocks, column by column (gemv), A A^T "
        "(syrk) against gemm, and with operands that start 1 to 3 elements further: |C - C'| / "
        "(ulp |A| |B|) < 2 x 16 by element, times k / 100 for k > 100 (test/dblat3.f for both "
        "sides). (2^i A)(2^j B) = 2^(i + j) A B bit by bit, to near overflow and underflow: "
        "scaling by a power of two commutes with rounding."
    ),
    catches=(
        "Kernels, tails and special paths that differ from each other; constants or buffers of "
        "limited range; small-matrix paths beside the packed one: numpy#24903, OpenBLAS#4048, "
        "numpy#14438."
    ),
)
@two_threads
def products(ctx):
    shapes = SHAPES + ctx.by_profile((), MORE_SHAPES)
    if ctx.threads > 1:
        shapes = THREADED_SHAPES + ctx.by_profile((), MORE_THREADED_SHAPES)
    # Each split step costs a time slice when a core is taken: one real and one complex precision.
    some = DTYPES[::3] if ctx.threads > 1 and ctx.profile == "smoke" else DTYPES
    for m, n, k in shapes:
        bound = None
        for dtype in some:
            a = _operand(ctx.seed, m, k, dtype)
            b = _operand(ctx.seed + 1, k, n, dtype)
            if bound is None or dtype.startswith("c"):
                bound = multiply(np.abs(a), np.abs(b))
            parameters = {"dtype": dtype, "size": [m, n, k], "seed": ctx.seed}
            ctx.trying(LETTER[dtype] + "gemm", parameters)
            c = a @ b
            whole = BLAS_LIMIT * 2 * np.finfo(dtype).eps * max(1.0, k / 100) * bound
            _agree(ctx, parameters, c, whole, _other_ways(a, b))
            _agree_with_syrk(ctx, parameters, a)
            _scaled(ctx, parameters, a, b, c)


def _agree_with_syrk(ctx, parameters, a):
    """Require A A^T, for which NumPy calls syrk, to agree with the product by a copy (gemm)."""
    m, k = a.shape
    size = np.abs(a)
    allowed = BLAS_LIMIT * 2 * np.finfo(a.dtype).eps * max(1.0, k / 100) * multiply(size, size.T)
    everything = slice(None), slice(None)
    ctx.trying(LETTER[parameters["dtype"]] + "syrk", parameters)
    other = ("times its transpose", "syrk", everything, a @ a.T.copy())
    _agree(ctx, dict(parameters, size=[m, m, k]), a @ a.T, allowed, [other])


def _other_ways(a, b):
    """Yield (name, routine, part of C, the same in another way)."""
    m, k = a.shape
    n = b.shape[1]
    everything = slice(None), slice(None)
    yield "transposed", "gemm", everything, (b.T @ a.T).T
    fortran = np.array(a, order="F"), np.array(b, order="F")
    yield "in Fortran order", "gemm", everything, fortran[0] @ fortran[1]
    for name, at in (("half", 2), ("third", 3)):
        i, j, inner = m // at, n // at, k // at
        yield "rows by " + name, "gemm", everything, np.vstack([a[:i] @ b, a[i:] @ b])
        columns = [a @ b[:, :j], a @ b[:, j:]]
        yield "columns by " + name, "gemm", everything, np.hstack(columns)
        depths = a[:, :inner] @ b[:inner] + a[:, inner:] @ b[inner:]
        yield "depth by " + name, "gemm", everything, depths
        i, j = max(1, i), max(1, j)
        yield "leading block", "gemm", (slice(i), slice(j)), a[:i] @ b[:, :j]
    order = np.arange(m)[::-1]
    yield "rows reversed", "gemm", everything, (a[order] @ b)[order]
    for j in {0, n - 1}:
        yield "one column", "gemv", (slice(None), j), a @ np.ascontiguousarray(b[:, j])
        yield "one element", "dot", (0, j), np.dot(a[0], b[:, j])
    for offset in (1, 2, 3):
        yield "moved by %d" % offset, "gemm", everything, _moved(a, offset) @ _moved(b, offset)


def _moved(a, offset):
    """Return `a` at a base that is so many elements after where NumPy allocates."""
    memory = np.empty(a.size + offset, a.dtype)[offset:]
    memory[:] = a.ravel()
    return memory.reshape(a.shape)


def _agree(ctx, parameters, c, allowed, others):
    """Require each other result to be as near to `c` as `allowed`, which has the shape of `c`."""
    for name, routine, part, other in others:
        ctx.ran()
        difference = np.abs(c[part] - other)
        bad = ~(difference <= allowed[part])  # NaN is bad
        if not np.any(bad):
            continue
        at = tuple(np.argwhere(bad)[0])
        message = "%s %s differs by %.3g, allowed %.3g" % (
            "%s x %s x %s" % tuple(parameters["size"]),
            name,
            np.atleast_1d(difference)[at or (0,)],
            np.atleast_1d(allowed[part])[at or (0,)],
        )
        ctx.fail(
            LETTER[parameters["dtype"]] + routine,
            message,
            dict(parameters, way=name),
            first_bad=at,
            bad=np.count_nonzero(bad),
            of=bad.size,
        )


def _scaled(ctx, parameters, a, b, c):
    for i, j in SCALES[np.finfo(c.dtype).dtype.name]:
        ctx.ran()
        scales = (a.real.dtype.type(2.0**power) for power in (i, j, i + j))
        left, right, result = (x * scale for x, scale in zip((a, b, c), scales))
        wrong = left @ right != result
        if np.any(wrong):
            ctx.fail(
                LETTER[parameters["dtype"]] + "gemm",
                "%s x %s x %s times 2^%d and 2^%d is not exactly 2^%d times the product"
                % (*parameters["size"], i, j, i + j),
                dict(parameters, scales=[i, j]),
                first_bad=np.argwhere(wrong)[0],
                bad=np.count_nonzero(wrong),
                of=wrong.size,
            )


@check(
    id="metamorphic.repeat",
    title="The same call on the same memory gives the same bits",
    category="metamorphic",
    routines=[
        "?gemm", "?syrk", "?gemv", "?dot", "?gesv", "?potrf", "?geqrf", "?syevd", "?heevd",
        "?gesdd", "?gelsd", "?geev",
    ],
    oracle=(
        "Results of 3 calls (full: 6) are equal bit by bit, with the number of threads and all "
        "addresses of operands of products fixed. OpenBLAS promises no equal bits across thread "
        "counts or kernels (OpenBLAS#6021); within one, its work is split and summed in a fixed "
        "order, so that other bits mean a race or memory that was not written. CRC-32 of all "
        "results are among the figures, to compare kernels, thread counts and libraries."
    ),
    catches=(
        "Races and uninitialised memory that change a few bits: OpenBLAS#5267 (results differ "
        "between runs), numpy#32168 (lstsq), OpenBLAS#1851."
    ),
    budget=120.0,
)  # fmt: skip
@two_threads
def repeat(ctx):
    rounds = ctx.by_profile(3, 6)
    sizes = (40, *ctx.by_profile((), (97, 150))) if ctx.threads == 1 else (103,)
    prints = ctx.details.setdefault("fingerprints", {})
    lapack = Lapack(ctx.blas)
    for n in sizes:
        for position, dtype in enumerate(DTYPES):
            if ctx.threads > 1 and dtype.startswith("c"):
                n = 52  # noqa: PLW2901  (complex work is split from smaller sizes on)
            for place, (routine, call) in enumerate(_calls(ctx, lapack, n, dtype)):
                # In threaded smoke cells LAPACK in one precision each: a split step costs a slice.
                spare = ctx.threads > 1 and ctx.profile == "smoke" and place >= PRODUCTS
                if spare and (position - place) % len(DTYPES):
                    continue
                parameters = {"routine": routine, "dtype": dtype, "size": n, "seed": ctx.seed}
                ctx.trying(LETTER[dtype] + routine, parameters)
                try:
                    first = call()
                    different = [i for i in range(1, rounds) if call() != first]
                except REFUSALS as error:
                    ctx.ran()
                    message = "%s, on input that has an answer" % error
                    ctx.fail(LETTER[dtype] + routine, message, parameters)
                    continue
                ctx.ran()
                prints["%s%s %d" % (LETTER[dtype], routine, n)] = zlib.crc32(first)
                if different:
                    message = "%d of %d repetitions give other bits (size %d)" % (
                        len(different),
                        rounds - 1,
                        n,
                    )
                    ctx.fail(LETTER[dtype] + routine, message, parameters)
    ctx.rounds = rounds


def _calls(ctx, lapack, n, dtype):
    """Yield (routine, function that computes and returns the bytes of its results)."""
    a = matrices.random(ctx.seed, n, n, dtype)
    b = matrices.random(ctx.seed + 1, n, n, dtype)
    positive = matrices.positive("random", ctx.seed, n, dtype)
    hermitian = matrices.hermitian("random", ctx.seed, n, dtype)
    out, vector = np.empty_like(a), np.empty(n, dtype)
    x = b[0].copy()
    yield "gemm", lambda: np.matmul(a, b, out=out).tobytes()
    yield "syrk", lambda: np.matmul(a, a.T, out=out).tobytes()
    yield "gemv", lambda: np.matmul(a, x, out=vector).tobytes()
    yield "dot", lambda: np.dot(a.ravel(), b.ravel()).tobytes()
    yield "gesv", lambda: lapack.solve(a, b).tobytes()
    yield "potrf", lambda: lapack.cholesky(positive).tobytes()
    if ctx.threads > 1 and ctx.profile == "smoke":
        return
    yield "geqrf", lambda: _bytes(lapack.qr(a))
    name = "heevd" if dtype.startswith("c") else "syevd"
    yield name, lambda: _bytes(lapack.eigh(hermitian))
    yield "gesdd", lambda: _bytes(lapack.svd(a))
    yield "gelsd", lambda: _bytes(lapack.lstsq(a[:, : n // 2], b)[::2])
    yield "geev", lambda: _bytes(lapack.eig(a))


def _bytes(arrays):
    return b"".join(array.tobytes() for array in arrays)

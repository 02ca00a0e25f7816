"""Exact calls of level 3 with general matrices: gemm, its variants, and copies."""

import functools

import numpy as np

from checks.calls import Call, Operand, as_parameter, fixed
from checks.cblas import CONJ_NO_TRANS, CONJ_TRANS, NO_TRANS, ROW, TRANS, UPPER, op
from checks.choices import PADDINGS, choose
from checks.storage import canary, dense

__all__ = ["copy", "gemm", "gemm_batch_strided", "gemmt", "read", "scalars", "written"]

TRANSPOSED = (TRANS, CONJ_TRANS)
CONJUGATED = (CONJ_TRANS, CONJ_NO_TRANS)

#: (alpha, beta): each meets 0, 1, -1 and others of the other; zero takes no part in half of them.
SCALARS = (
    (1, 0), (1, 1), (-1, 1), (2, 0), (1, -1), (3, 0.5), (1, 0), (0, 2), (-2, 0), (0, 0), (2, 1),
    (0, 1), (-1, 0), (-3, -0.5),
)  # fmt: skip
COMPLEX_SCALARS = (
    (1, 0), (1j, 1), (2 - 1j, 0), (1, 1 - 1j), (-1, 0.5), (1 + 1j, -1), (1, 1), (0, 2j), (-1j, 0),
    (0, 0), (2, 1j), (0, 1), (1, 0), (-1 - 2j, 0.5j),
)  # fmt: skip


def scalars(turn, dtype, real=False):
    """Return (alpha, beta, both as JSON holds them)."""
    is_complex = dtype.startswith("c")
    choices = COMPLEX_SCALARS if is_complex and not real else SCALARS
    # The fifth list, so that they do not go in step with the paddings, which are the first.
    alpha, beta = choose(turn, (0,), (0,), (0,), (0,), choices)[4]
    return alpha, beta, {"alpha": as_parameter(alpha), "beta": as_parameter(beta)}


def read(matrix, trans, order, padding):
    """Return (operand, leading dimension) of what is stored when op(stored) is `matrix`."""
    image, ld = dense(op(matrix, trans), order == ROW, padding)
    return fixed(image), ld


def written(start, exact, order, padding, beta=1):
    """Return (operand, leading dimension) of an output; beta = 0: nothing of it may be read."""
    after, ld = dense(exact, order == ROW, padding)
    if beta == 0:
        return Operand(canary(after.dtype, len(after)), after), ld
    return Operand(dense(start, order == ROW, padding)[0], after), ld


@functools.lru_cache(maxsize=None)
def _upper(size):
    return np.triu(np.ones((size, size), bool))


def triangle_mask(n, upper):
    """Return where an n x n matrix is read or written."""
    mask = _upper(64 * (n // 64 + 1))[:n, :n]
    return mask if upper else mask.T


def triangle_written(start, exact, uplo, order, padding, beta):
    """Return (operand, leading dimension) of an output of which one triangle is written."""
    n = len(exact)
    mask = triangle_mask(n, uplo == UPPER)
    matrices = []
    for values in (start, exact):
        matrix = canary(exact.dtype.name, n * n).reshape(n, n)
        if beta != 0 or values is exact:
            np.copyto(matrix, values, where=mask)
        matrices.append(dense(matrix, order == ROW, padding))
    return Operand(matrices[0][0], matrices[1][0]), matrices[1][1]


def gemm(pool, routine, dtype, flags, sizes, turn):
    """C = alpha op(A) op(B) + beta C."""
    order, ta, tb = flags
    m, n, k = sizes
    alpha, beta, shown = scalars(turn, dtype)
    pads = choose(turn, PADDINGS, PADDINGS, PADDINGS)
    start = pool.initial(m, n, dtype)
    exact = (alpha * pool.product(m, n, k) + beta * start).astype(dtype)
    a, lda = read(pool.stored("left", dtype)[:m, :k], ta, order, pads[0])
    b, ldb = read(pool.stored("right", dtype)[:k, :n], tb, order, pads[1])
    c, ldc = written(start, exact, order, pads[2], beta)
    parameters = {
        "routine": routine, "dtype": dtype, "order": order, "ta": ta, "tb": tb,
        "m": m, "n": n, "k": k, "lda": lda, "ldb": ldb, "ldc": ldc, **shown,
    }  # fmt: skip
    arguments = (order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
    return Call(routine, dtype, arguments, None, parameters)


def gemmt(pool, routine, dtype, flags, sizes, turn):
    """The upper or the lower triangle of C = alpha op(A) op(B) + beta C."""
    order, uplo, ta, tb = flags
    n, _, k = sizes
    alpha, beta, shown = scalars(turn, dtype)
    pads = choose(turn, PADDINGS, PADDINGS, PADDINGS)
    start = pool.initial(n, n, dtype)
    exact = (alpha * pool.product(n, n, k) + beta * start).astype(dtype)
    a, lda = read(pool.stored("left", dtype)[:n, :k], ta, order, pads[0])
    b, ldb = read(pool.stored("right", dtype)[:k, :n], tb, order, pads[1])
    c, ldc = triangle_written(start, exact, uplo, order, pads[2], beta)
    parameters = {
        "routine": routine, "dtype": dtype, "order": order, "uplo": uplo, "ta": ta, "tb": tb,
        "n": n, "k": k, "lda": lda, "ldb": ldb, "ldc": ldc, **shown,
    }  # fmt: skip
    arguments = (order, uplo, ta, tb, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
    return Call(routine, dtype, arguments, None, parameters)


def gemm_batch_strided(pool, routine, dtype, flags, sizes, turn):
    """Several C = alpha op(A) op(B) + beta C, their operands at even distances."""
    order, ta, tb = flags
    # The descriptor of an empty member is left uninitialised: no outcome is defined (docs/found).
    m, n, k = (min(max(1, size), 32) for size in sizes)
    count = 1 + turn % 4
    alpha, beta, shown = scalars(turn, dtype)
    pads = choose(turn, PADDINGS, PADDINGS, PADDINGS, PADDINGS)
    triples = []
    for at in range(count):
        start = pool.initial(m, n, dtype)
        exact = (alpha * pool.product(m, n, k, at) + beta * start).astype(dtype)
        triples.append(
            (
                read(pool.stored("left", dtype)[at : at + m, :k], ta, order, pads[0]),
                read(pool.stored("right", dtype)[:k, at : at + n], tb, order, pads[1]),
                written(start, exact, order, pads[2], beta),
            )
        )
    matrices = []
    for stack in zip(*triples):
        stride = len(stack[0][0].before) + pads[3]
        before, after = (
            _at_distance([getattr(operand, which) for operand, _ in stack], stride)
            for which in ("before", "after")
        )
        matrices += [Operand(before, after), stack[0][1], stride]
    a, lda, stride_a, b, ldb, stride_b, c, ldc, stride_c = matrices
    parameters = {
        "routine": routine, "dtype": dtype, "order": order, "ta": ta, "tb": tb,
        "m": m, "n": n, "k": k, "lda": lda, "ldb": ldb, "ldc": ldc, **shown,
        "count": count, "strides": [stride_a, stride_b, stride_c],
    }  # fmt: skip
    arguments = (order, ta, tb, m, n, k, alpha, a, lda, stride_a, b, ldb, stride_b)
    arguments += (beta, c, ldc, stride_c, count)
    return Call(routine, dtype, arguments, None, parameters)


def _at_distance(images, stride):
    """Return one image of several that start `stride` elements from each other."""
    whole = canary(images[0].dtype, (len(images) - 1) * stride + len(images[0]))
    for index, image in enumerate(images):
        whole[index * stride : index * stride + len(image)] = image
    return whole


def copy(pool, routine, dtype, flags, sizes, turn):
    """omatcopy: B = alpha op(A); imatcopy: A = alpha op(A).

    What is transposed in place is square, or both matrices fill the same memory without gaps: what
    is left of A elsewhere is open.
    """
    order, trans = flags
    m, n = max(1, sizes[0]), max(1, sizes[1])  # older versions call none illegal
    in_place = routine == "imatcopy"
    alpha, _, shown = scalars(turn, dtype)
    pads = choose(turn, PADDINGS, PADDINGS)
    if in_place and trans in TRANSPOSED:
        if pads[1]:
            n = m = min(m, n)
        else:
            pads = (0, 0)
    source = pool.initial(m, n, dtype)
    exact = (alpha * op(source, trans)).astype(dtype)
    a, lda = read(source, NO_TRANS, order, pads[0])
    parameters = {
        "routine": routine, "dtype": dtype, "order": order, "trans": trans, "m": m, "n": n,
        "lda": lda, "alpha": shown["alpha"],
    }  # fmt: skip
    if in_place:
        image, ldb = dense(exact, order == ROW, pads[0])
        arguments = (order, trans, m, n, alpha, Operand(a.before, image), lda, ldb)
    else:
        b, ldb = written(source, exact, order, pads[1], beta=0)
        arguments = (order, trans, m, n, alpha, a, lda, b, ldb)
    parameters["ldb"] = ldb
    return Call(routine, dtype, arguments, None, parameters)

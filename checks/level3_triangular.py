"""Exact calls of level 3 with a triangular matrix: trmm, and trsm of systems with integer X."""

from checks.calls import Call, fixed
from checks.cblas import RIGHT, ROW, UNIT, UPPER
from checks.choices import PADDINGS, choose
from checks.level3_general import CONJUGATED, TRANSPOSED, scalars, written
from checks.storage import dense

__all__ = ["triangular"]


def triangular(pool, routine, dtype, flags, sizes, turn):
    """B = alpha op(A) B, or B op(A), or what solves for it; A's diagonal: powers of two or unit."""
    order, side, uplo, trans, diag = flags
    t, w, _ = sizes  # order of A, the other size of B
    alpha, _, shown = scalars(turn, dtype)
    pads = choose(turn, PADDINGS, PADDINGS)
    # On the right, B op(A) = (op(A)^T B^T)^T: what acts from the left is transposed once more.
    transposed = (trans in TRANSPOSED) != (side == RIGHT)
    acting_upper = (uplo == UPPER) != transposed
    matrix = pool.matrix(t, dtype, acting_upper, diag == UNIT)
    factor, product = pool.product(t, w, acting_upper, diag == UNIT)
    if transposed:
        matrix = matrix.T
    if trans in CONJUGATED:
        matrix = matrix.conj()
    if side == RIGHT:
        factor, product = factor.T, product.T
    start, exact = (factor, product) if routine == "trmm" else (product, factor)
    exact = alpha * exact
    m, n = exact.shape
    image, lda = dense(matrix, order == ROW, pads[0])
    b, ldb = written(start.astype(dtype), exact.astype(dtype), order, pads[1])
    parameters = {
        "routine": routine, "dtype": dtype, "order": order, "side": side, "uplo": uplo,
        "trans": trans, "diag": diag, "m": m, "n": n, "lda": lda, "ldb": ldb,
        "alpha": shown["alpha"],
    }  # fmt: skip
    arguments = (order, side, uplo, trans, diag, m, n, alpha, fixed(image), lda, b, ldb)
    return Call(routine, dtype, arguments, None, parameters)

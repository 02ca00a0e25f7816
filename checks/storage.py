"""How BLAS keeps vectors and matrices in memory: increments, leading dimensions, triangles, bands.

Every function returns a one-dimensional image: the elements from the first to the last that a
routine may touch, no more. What lies between and belongs to nobody holds the `canary`, a NaN with a
payload of its own: read, it spoils the result; overwritten, it is missing afterwards. Images are
read only: they may share memory with the matrix.
"""

import numpy as np

__all__ = ["band", "bits", "canary", "dense", "packed", "poisoned", "triangle", "vector"]

#: Signalling NaNs: arithmetic on one raises the invalid flag, and what it makes is a quiet NaN with
#: other bits. A gap that is multiplied by anything does not keep them.
CANARY = {
    "float32": (np.uint32, 0x7FA5A5A5),
    "float64": (np.uint64, 0x7FF45A5A5A5A5A5A),
}

#: Unsigned integers that hold the parts of a dtype.
UNSIGNED = {
    np.dtype(np.float32): np.uint32,
    np.dtype(np.complex64): np.uint32,
    np.dtype(np.float64): np.uint64,
    np.dtype(np.complex128): np.uint64,
}

#: {dtype: canaries}, to be copied: that is several times quicker than to fill.
_reserves = {}


def canary(dtype, count):
    """Return `count` elements of `dtype`, all of them the canary in all parts."""
    reserve = _reserves.get(dtype)
    if reserve is None or len(reserve) < count:
        kind = np.dtype(dtype)
        unsigned, pattern = CANARY[np.zeros(0, kind).real.dtype.name]
        parts = 2 if kind.kind == "c" else 1
        reserve = np.full(max(4096, count) * parts, pattern, unsigned).view(kind)
        _reserves[dtype] = reserve
    return reserve[:count].copy()


def bits(image):
    """Return `image` as unsigned integers, one for each real part, for comparison bit by bit."""
    return image.view(UNSIGNED[image.dtype])


def vector(values, increment):
    """Return the image of `values` at that increment.

    BLAS walks backwards through memory for a negative one; the pointer is the lowest address
    either way. With increment 0 all elements are one: `values` must be a single element.
    """
    if increment == 0:
        return np.array(values[:1])
    ordered = values if increment > 0 else values[::-1]
    step = abs(increment)
    image = canary(values.dtype, max(0, (len(values) - 1) * step + 1))
    image[::step] = ordered
    return image


def dense(matrix, row_major, padding=0):
    """Return (image, leading dimension) of a matrix, `padding` elements between its lines."""
    lines = matrix if row_major else matrix.T
    count, length = lines.shape
    ld = (length or 1) + padding
    if not padding or not lines.size:
        return lines.ravel(), ld
    whole = canary(matrix.dtype, count * ld)
    whole.reshape(count, ld)[:, :length] = lines
    return whole[: len(whole) - padding], ld


def poisoned(matrix, upper, unit=False):
    """Return a copy whose other triangle, and diagonal if `unit`, are canaries."""
    readable = np.triu(np.ones(matrix.shape, bool), int(unit))
    kept = canary(matrix.dtype, matrix.size).reshape(matrix.shape)
    np.copyto(kept, matrix, where=readable if upper else readable.T)
    return kept


def triangle(matrix, upper, row_major, padding=0, unit=False):
    """Return (image, leading dimension); other triangle and a unit diagonal are canaries."""
    return dense(poisoned(matrix, upper, unit), row_major, padding)


def packed(matrix, upper, row_major, unit=False):
    """Return the image of a triangle without gaps (TP, SP, HP), line after line."""
    n = len(matrix)
    stored = matrix if row_major else matrix.T
    # Line by line of what is stored, a row-major upper triangle looks like a column-major lower.
    lines = [stored[i, i:] if upper == row_major else stored[i, : i + 1] for i in range(n)]
    image = np.concatenate(lines) if n else np.zeros(0, matrix.dtype)
    if unit:
        ends = np.cumsum([len(line) for line in lines])
        starts = ends - [len(line) for line in lines]
        image[starts if upper == row_major else ends - 1] = canary(matrix.dtype, n)
    return image


def band(matrix, lower, upper, row_major, padding=0, unit=False):
    """Return (image, leading dimension) of a matrix with `lower` sub- and `upper` superdiagonals.

    Column-major: element (i, j) is at row upper + i - j of column j; row-major is the transpose's
    column-major. What lies outside of the matrix is not readable.
    """
    if row_major:
        return band(matrix.T, upper, lower, False, padding, unit)
    m, n = matrix.shape
    ld = lower + upper + 1 + padding
    image = canary(matrix.dtype, n * ld).reshape(n, ld)
    for j in range(n):
        first, last = max(0, j - upper), min(m, j + lower + 1)
        if first < last:
            image[j, upper + first - j : upper + last - j] = matrix[first:last, j]
        if unit and j < m:
            image[j, upper] = canary(matrix.dtype, 1)[0]
    return image.reshape(-1)[: max(0, n * ld - padding)], ld

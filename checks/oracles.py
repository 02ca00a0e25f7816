"""How right and wrong are told apart: exact comparison that says where, LAPACK's test ratios."""

import numpy as np

__all__ = [
    "BLAS_LIMIT",
    "LINEAR_LIMIT",
    "NONSYMMETRIC_LIMIT",
    "SVD_LIMIT",
    "SYMMETRIC_LIMIT",
    "Mismatch",
    "compare",
    "consistent_ratio",
    "eig_ratio",
    "eigh_ratio",
    "factor_ratio",
    "inverse_ratio",
    "multiply",
    "norm",
    "normal_ratio",
    "orthogonality_ratio",
    "over",
    "qr_ratio",
    "solve_ratio",
    "spaced_ratio",
    "surroundings_intact",
    "svd_ratio",
    "unit",
    "unitary_ratio",
    "values_ratio",
]


class Mismatch:
    """Where a result differs from the exact one.

    first_bad: index; bad, of: element counts; box: [[low, high], ...] inclusive, per axis;
    message: one line for people.
    """

    def __init__(self, result, reference, wrong):
        indices = np.argwhere(wrong)
        self.first_bad = [int(i) for i in indices[0]]
        self.bad = len(indices)
        self.of = wrong.size
        self.box = [
            [int(low), int(high)] for low, high in zip(indices.min(axis=0), indices.max(axis=0))
        ]
        where = tuple(self.first_bad)
        self.message = "%s: element %s is %s, exactly %s" % (
            self._pattern(wrong.shape),
            list(where),
            result[where],
            reference[where],
        )

    def _pattern(self, shape):
        """Return what the wrong elements look like: they point to a loop of the kernel."""
        if self.bad == self.of:
            return "all %d elements wrong" % self.of
        lengths = [high - low + 1 for low, high in self.box]
        filled = 1
        for length in lengths:
            filled *= length
        if self.bad == 1:
            return "1 of %d elements wrong" % self.of
        if self.bad == filled and len(shape) == 2:
            size = " x ".join(str(length) for length in lengths)
            edge = all(high == extent - 1 for (_, high), extent in zip(self.box, shape))
            return "a full tile of %s wrong%s" % (size, ", at the end" if edge else "")
        return "%d of %d elements wrong" % (self.bad, self.of)

    def facts(self):
        """Return the arguments of `Context.fail` that say where."""
        return {"first_bad": self.first_bad, "bad": self.bad, "of": self.of, "box": self.box}


def compare(result, reference):
    """Return None when all elements are equal (NaN never is), else a `Mismatch`."""
    wrong = result != reference
    if not np.count_nonzero(wrong):
        return None
    return Mismatch(result, reference, wrong)


def surroundings_intact(block, written):
    """Whether a block that was NaN all over has kept all its NaN but `written` elements."""
    return np.count_nonzero(block != block) == block.size - written


# LAPACK's test ratios: a residual over what rounding allows. u is half of NumPy's eps. Norms are
# 1-norms. A ratio that is NaN fails (`Context.require_ratio`). Paths: TESTING/ of LAPACK.

#: Limits that LAPACK's own tests use (TESTING/dtest.in, sep.in, svd.in, nep.in; BLAS: dblat3.f).
LINEAR_LIMIT = 30.0
SYMMETRIC_LIMIT = 50.0
SVD_LIMIT = 50.0
NONSYMMETRIC_LIMIT = 20.0
BLAS_LIMIT = 16.0


def multiply(a, b):
    """Return a @ b in double precision, summed by einsum, which calls no BLAS."""
    left = [np.ascontiguousarray(part, dtype=np.float64) for part in _parts(a)]
    right = [np.ascontiguousarray(part.T, dtype=np.float64) for part in _parts(b)]
    products = [[np.einsum("ik,jk->ij", x, y, optimize=False) for y in right] for x in left]
    real = products[0][0]
    if len(left) == len(right) == 1:
        return real
    if len(left) == 1:
        return real + 1j * products[0][1]
    if len(right) == 1:
        return real + 1j * products[1][0]
    return (real - products[1][1]) + 1j * (products[0][1] + products[1][0])


def _parts(a):
    return (a.real, a.imag) if np.iscomplexobj(a) else (a,)


def norm(a):
    """Return the 1-norm (largest column sum), 0 for an empty matrix."""
    return float(np.abs(a).sum(axis=0, dtype=np.float64).max()) if a.size else 0.0


def unit(dtype):
    """Return u, the unit roundoff (LAPACK's EPS; NumPy's eps is 2u)."""
    return float(np.finfo(dtype).eps) / 2


def over(residual, bound):
    """Return residual / bound; 0 / 0 is 0, and anything else / 0 infinite."""
    if bound == 0:
        return 0.0 if residual == 0 else float("inf")
    return residual / bound


def solve_ratio(a, x, b):
    """max over columns of ||b - A x|| / (||A|| ||x|| u); LIN/dget02.f."""
    residual = np.abs(b - multiply(a, x)).sum(axis=0)
    size = norm(a) * np.abs(x).sum(axis=0, dtype=np.float64) * unit(x.dtype)
    return max(over(float(r), float(s)) for r, s in zip(residual, size))


def inverse_ratio(a, inverse):
    """||I - A^-1 A|| / (n ||A|| ||A^-1|| u); LIN/dget03.f."""
    n = len(a)
    residual = norm(np.eye(n) - multiply(inverse, a))
    return over(residual, n * norm(a) * norm(inverse) * unit(inverse.dtype))


def factor_ratio(a, left, right):
    """||left right - A|| / (n ||A|| u); LIN/dpot01.f (Cholesky), dget01.f (LU)."""
    return over(norm(multiply(left, right) - a), len(a) * norm(a) * unit(left.dtype))


def orthogonality_ratio(q):
    """||I - Q^H Q|| / (m u) with Q m x k; LIN/dqrt01.f."""
    m, k = q.shape
    return over(norm(np.eye(k) - multiply(q.conj().T, q)), m * unit(q.dtype))


def unitary_ratio(v):
    """||I - V^H V|| / (n ulp) with V n x k, of eigen- and singular vectors; EIG/dsyt21.f."""
    return orthogonality_ratio(v) / 2


def qr_ratio(a, q, r):
    """||R - Q^H A|| / (m ||A|| u); LIN/dqrt01.f."""
    return over(norm(r - multiply(q.conj().T, a)), len(a) * norm(a) * unit(q.dtype))


def eigh_ratio(a, w, v):
    """||A - V diag(w) V^H|| / (n ||A|| ulp); EIG/dsyt21.f."""
    residual = norm(a - multiply(v * w, v.conj().T))
    return over(residual, len(a) * norm(a) * 2 * unit(v.dtype))


#: The relative gap from which LAPACK leaves eigenvectors to themselves (dlarrv.f, MINRGP; dstein.f,
#: ODM3).
GAP = 1e-3


def spaced_ratio(a, w, v):
    """||(I - V^H V) G|| / (n ulp), element by element, with G the relative gaps, at least GAP.

    For vectors that are computed one by one: rounding leaves n ulp over the gap of the eigenvalues
    relative to ||A|| (Dhillon and Parlett, Orthogonal eigenvectors and relative gaps, 2004; in
    clusters Parlett and Voemel, LAPACK Working Note 163). Lengths: EIG/dsyt22.f.
    """
    gaps = np.abs(w[:, None].astype(np.float64) - w) / max(norm(a), np.finfo(np.float64).tiny)
    np.fill_diagonal(gaps, 1.0)
    lost = multiply(v.conj().T, v) - np.eye(v.shape[1])
    return norm(lost * np.clip(gaps, GAP, 1.0)) / (len(v) * 2 * unit(v.dtype))


def _frobenius(a):
    """Return the Frobenius norm, whose squares may overflow."""
    largest = float(np.abs(a).max()) if a.size else 0.0
    if not 0 < largest < np.inf:
        return largest
    return largest * float(np.sqrt(((np.abs(a).astype(np.float64) / largest) ** 2).sum()))


def eig_ratio(a, w, v):
    """||A V - V diag(w)|| / (||A|| ||V|| ulp); EIG/dget22.f.

    ||A|| is the Frobenius norm where that is larger: by it the QR algorithm is stable (Tisseur,
    Backward stability of the QR algorithm, 1996). For companion matrices that is sqrt(n) more.
    """
    residual = norm(multiply(a, v) - v * w)
    return over(residual, max(norm(a), _frobenius(a)) * norm(v) * 2 * unit(v.dtype))


def svd_ratio(a, u, s, vh):
    """||A - U diag(s) V^H|| / (n ||A|| ulp), A m x n; EIG/dbdt01.f, called by ddrvbd.f."""
    residual = norm(a - multiply(u * s, vh))
    return over(residual, a.shape[1] * norm(a) * 2 * unit(u.dtype))


def values_ratio(values, others):
    """||s - s'|| / (n ||s|| ulp), of sorted values found in two ways; EIG/ddrvbd.f, ddrvst.f."""
    difference = float(np.abs(values - others).max()) if len(values) else 0.0
    size = float(np.abs(values).max()) if len(values) else 0.0
    return over(difference, len(values) * size * 2 * unit(values.dtype))


def consistent_ratio(a, x, b):
    """||B - A X|| / (max(m, n) ||A|| ||X|| u), for B in A's range; LIN/dqrt16.f."""
    residual = norm(b - multiply(a, x))
    return over(residual, max(a.shape) * norm(a) * norm(x) * unit(x.dtype))


def normal_ratio(a, x, b):
    """||R^H A|| / (||A|| max(||B||, ||A|| ||X||) max(m, n, k) u) with R = B - A X.

    LIN/dqrt17.f, whose scale ||B|| holds where X is not large; else R is the rounding of A X.
    """
    residual = b - multiply(a, x)
    size = norm(a) * max(norm(b), norm(a) * norm(x)) * max(a.shape + b.shape) * unit(x.dtype)
    return over(norm(multiply(residual.conj().T, a)), size)

"""LAPACK drivers in all four precisions, called in the library itself.

`numpy.linalg` converts single precision to double, so that sgesv, cheevd and the like are reached
here only. Every call is made in memory that shows what it must not have written
(`checks.lapack_call`). Drivers leave their arguments as they were and raise `LinAlgError` as
`numpy.linalg` would.
"""

import numpy as np

from checks.lapack_call import LapackCall, Overwritten
from checks.operands import LETTER, real_dtype

__all__ = ["REFUSALS", "IllegalArgument", "Lapack", "Overwritten", "drivers_for"]


class IllegalArgument(Exception):
    """A routine calls one of its arguments illegal: `info`, negative, is minus its number."""

    def __init__(self, name, info):
        super().__init__("%s: illegal argument %d" % (name, -info))
        self.info = info


#: What a call raises instead of giving a result.
REFUSALS = (IllegalArgument, Overwritten, np.linalg.LinAlgError)


def drivers_for(library, dtype):
    """Return `numpy.linalg` for double precision, `Lapack` for single."""
    return NumPyDrivers if dtype in ("float64", "complex128") else Lapack(library)


class NumPyDrivers:
    """`numpy.linalg` with the signatures of `Lapack`."""

    solve = staticmethod(np.linalg.solve)
    inv = staticmethod(np.linalg.inv)
    cholesky = staticmethod(np.linalg.cholesky)
    qr = staticmethod(np.linalg.qr)
    eig = staticmethod(np.linalg.eig)

    @staticmethod
    def eigh(a, vectors=True):
        return np.linalg.eigh(a) if vectors else np.linalg.eigvalsh(a)

    @staticmethod
    def svd(a, vectors=True):
        return np.linalg.svd(a, full_matrices=False, compute_uv=vectors)

    @staticmethod
    def lstsq(a, b):
        rcond = np.finfo(a.dtype).eps * max(a.shape)
        x, _, rank, s = np.linalg.lstsq(a, b, rcond=rcond)
        return x, rank, s


class Lapack:
    """LAPACK of `library` (a `checks.blas.Library`): any routine by `call`, drivers by methods.

    The methods have the interface of `numpy.linalg`. integers: the library's integer type.
    """

    def __init__(self, library):
        self._library = library
        self.integers = np.dtype(library.integer)
        self._functions = {}

    def has(self, name):
        """Whether the driver of that plain name, such as "sgesv", is exported."""
        return self._library.has(name + "_")

    def call(self, name, *arguments):
        """Call "dgetrf" by reference and return INFO.

        Arguments as for `LapackCall`. Raises IllegalArgument when INFO is negative, Overwritten
        when something was written that must not be.
        """
        ready = self.prepared(name, *arguments)
        self.make(name, ready)
        info = ready.end()
        if info < 0:
            raise IllegalArgument(name, info)
        return info

    def subroutine(self, name, *arguments):
        """Call a routine that has no INFO, such as "dlaswp"; the rest as for `call`."""
        ready = LapackCall(self._function(name), name, arguments, self.integers, info=False)
        ready.make()
        ready.end()

    def make(self, _name, ready):
        """Make a `LapackCall`: what is to be seen right after it is seen here, by a subclass."""
        ready.make()

    def prepared(self, name, *arguments):
        """Return the `LapackCall`, to be made once, in whatever thread."""
        return LapackCall(self._function(name), name, arguments, self.integers)

    def _function(self, name):
        if name not in self._functions:
            self._functions[name] = self._library.function(name + "_")
        return self._functions[name]

    def with_workspace(self, name, dtype, before, after=()):
        """Call a routine that takes WORK and LWORK, after asking it how long WORK must be.

        `after` are (dtype, minimal length) of further workspaces; LIWORK-like ones say so by a
        third item and are asked for too.
        """
        work = np.zeros(1, dtype)
        more = [np.zeros(max(1, length), kind) for kind, length, *_ in after]
        asks = [bool(flags) for _, _, *flags in after]
        self.call(name, *_unread(before), work, -1, *_interleave(more, asks, query=True))
        work = np.zeros(max(1, int(work[0].real)), dtype)
        more = [
            np.zeros(max(len(array), int(array[0].real)) if asked else len(array), array.dtype)
            for array, asked in zip(more, asks)
        ]
        return self.call(name, *before, work, len(work), *_interleave(more, asks, query=False))

    def solve(self, a, b):
        """Return X of A X = B (gesv); a: n x n, b: n x k."""
        n, dtype = len(a), a.dtype
        lu, x = _fortran(a), _fortran(b)
        pivots = np.zeros(n, self.integers)
        name = LETTER[str(dtype)] + "gesv"
        _raise_if(self.call(name, n, b.shape[1], lu, max(1, n), pivots, x, max(1, n)), "Singular")
        return x

    def inv(self, a):
        """Return A's inverse (getrf, getri)."""
        n, letter = len(a), LETTER[str(a.dtype)]
        lu = _fortran(a)
        pivots = np.zeros(n, self.integers)
        _raise_if(self.call(letter + "getrf", n, n, lu, max(1, n), pivots), "Singular")
        before = (n, lu, max(1, n), pivots)
        _raise_if(self.with_workspace(letter + "getri", a.dtype, before), "Singular")
        return lu

    def cholesky(self, a, uplo="L"):
        """Return the triangular factor (potrf) with zeros in the other triangle."""
        n = len(a)
        factor = _fortran(a)
        info = self.call(LETTER[str(a.dtype)] + "potrf", uplo, n, factor, max(1, n))
        _raise_if(info, "Matrix is not positive definite")
        return np.tril(factor) if uplo == "L" else np.triu(factor)

    def qr(self, a):
        """Return (Q, R), reduced (geqrf and orgqr or ungqr)."""
        (m, n), dtype = a.shape, a.dtype
        letter = LETTER[str(dtype)]
        k = min(m, n)
        factored = _fortran(a)
        tau = np.zeros(max(1, k), dtype)
        before = (m, n, factored, max(1, m), tau)
        _raise_if(self.with_workspace(letter + "geqrf", dtype, before), "INFO > 0 of geqrf")
        r = np.triu(factored[:k])
        q = np.asfortranarray(factored[:, :k])
        generate = letter + ("ungqr" if dtype.kind == "c" else "orgqr")
        before = (m, k, k, q, max(1, m), tau)
        _raise_if(self.with_workspace(generate, dtype, before), "INFO > 0 of " + generate)
        return q, r

    def eigh(self, a, vectors=True):
        """Return (w, V) of the lower triangle (syevd or heevd), or w alone."""
        n, dtype = len(a), a.dtype
        letter, is_complex = LETTER[str(dtype)], dtype.kind == "c"
        v = _fortran(a)
        w = np.zeros(n, real_dtype(str(dtype)))
        more = [(self.integers, 1, "ask")]
        if is_complex:
            more.insert(0, (w.dtype, 1, "ask"))
        name = letter + ("heevd" if is_complex else "syevd")
        before = ("V" if vectors else "N", "L", n, v, max(1, n), w)
        _raise_if(self.with_workspace(name, dtype, before, more), "Eigenvalues did not converge")
        return (w, v) if vectors else w

    def eig(self, a):
        """Return (w, V), complex (geev)."""
        n, dtype = len(a), a.dtype
        letter, is_complex = LETTER[str(dtype)], dtype.kind == "c"
        copy = _fortran(a)
        real = real_dtype(str(dtype))
        v, unused = np.zeros((n, n), dtype, "F"), np.zeros(1, dtype)
        if is_complex:
            w = np.zeros(n, dtype)
            before = ("N", "V", n, copy, max(1, n), w, unused, 1, v, max(1, n))
            info = self.with_workspace(letter + "geev", dtype, before, [(real, 2 * n)])
        else:
            w_real, w_imaginary = np.zeros(n, real), np.zeros(n, real)
            before = ("N", "V", n, copy, max(1, n), w_real, w_imaginary, unused, 1, v, max(1, n))
            info = self.with_workspace(letter + "geev", dtype, before)
            w = w_real + 1j * w_imaginary
            v = _paired(v, w_imaginary)
        _raise_if(info, "Eigenvalues did not converge")
        return w, v

    def svd(self, a, vectors=True):
        """Return (U, s, Vh), reduced (gesdd), or s alone."""
        (m, n), dtype = a.shape, a.dtype
        letter, is_complex = LETTER[str(dtype)], dtype.kind == "c"
        k = min(m, n)
        copy = _fortran(a)
        s = np.zeros(k, real_dtype(str(dtype)))
        u = np.zeros((m, k) if vectors else (1, 1), dtype, "F")
        vh = np.zeros((k, n) if vectors else (1, 1), dtype, "F")
        job = "S" if vectors else "N"
        before = (job, m, n, copy, max(1, m), s, u, max(1, len(u)), vh, max(1, len(vh)))
        # RWORK as zgesdd asks for it: max(5 k^2 + 5 k, 2 max(m, n) k + 2 k^2 + k).
        more = [(s.dtype, max(5 * k * k + 7 * k, 2 * max(m, n) * k + 2 * k * k + k))]
        more = (more if is_complex else []) + [(self.integers, 8 * k)]
        info = self.with_workspace(letter + "gesdd", dtype, before, more)
        _raise_if(info, "SVD did not converge")
        return (u, s, vh) if vectors else s

    def lstsq(self, a, b):
        """Return (X, rank, singular values) of the least-squares problem (gelsd), a: m x n."""
        (m, n), dtype = a.shape, a.dtype
        letter, is_complex = LETTER[str(dtype)], dtype.kind == "c"
        rows = max(m, n, 1)
        x = np.zeros((rows, b.shape[1]), dtype, "F")
        x[:m] = b
        s = np.zeros(min(m, n), real_dtype(str(dtype)))
        rcond = np.array([np.finfo(dtype).eps * max(m, n)], s.dtype)
        rank = np.zeros(1, self.integers)
        before = (m, n, b.shape[1], _fortran(a), max(1, m), x, rows, s, rcond, rank)
        name = letter + "gelsd"
        work, real_work = np.zeros(1, dtype), np.zeros(1, s.dtype)
        integer_work = np.zeros(1, self.integers)
        reals = (real_work,) if is_complex else ()
        self.call(name, *_unread(before), work, -1, *reals, integer_work)
        work = np.zeros(int(work[0].real), dtype)
        reals = (np.zeros(max(1, int(real_work[0])), s.dtype),) if is_complex else ()
        integer_work = np.zeros(max(1, int(integer_work[0])), self.integers)
        info = self.call(name, *before, work, len(work), *reals, integer_work)
        _raise_if(info, "SVD did not converge")
        return x[:n], int(rank[0]), s


def _fortran(a):
    """Return a copy in Fortran order."""
    return np.array(a, order="F")


def _unread(arguments):
    """Return the arguments with small arrays: a question for a length reads none of them."""
    return [np.zeros(1, x.dtype) if isinstance(x, np.ndarray) else x for x in arguments]


def _interleave(arrays, asks, query):
    """Follow each array that has a length argument by it (-1 asks for the best length)."""
    arguments = []
    for array, asked in zip(arrays, asks):
        arguments.append(array)
        if asked:
            arguments.append(-1 if query else len(array))
    return arguments


def _raise_if(info, message):
    if info > 0:
        raise np.linalg.LinAlgError("%s (INFO = %d)" % (message, info))


def _paired(v, w_imaginary):
    """Return complex eigenvectors from geev's real ones: a conjugate pair shares two columns."""
    result = v.astype(np.result_type(v.dtype, np.complex64))
    for j in np.flatnonzero(w_imaginary > 0):
        result[:, j] = v[:, j] + 1j * v[:, j + 1]
        result[:, j + 1] = v[:, j] - 1j * v[:, j + 1]
    return result

"""LAPACK on matrices without elements: a quick return, no error, nothing touched."""

import numpy as np

from checks.api import check
from checks.lapack import IllegalArgument, Lapack, Overwritten
from checks.operands import DTYPES, LETTER, real_dtype
from checks.storage import bits, canary

__all__ = ["empty"]

#: Elements of each array that must stay as they are.
AROUND = 8


@check(
    id="special.empty",
    title="Matrices without elements are no error, and nothing is touched",
    category="special",
    routines=[
        "?getrf", "?getf2", "?getrs", "?gesv", "?getri", "?potrf", "?potf2", "?potrs", "?potri",
        "?posv", "?trtri", "?trti2", "?trtrs", "?lauum", "?sytrf", "?hetrf", "?geqrf",
        "?syevd", "?heevd", "?geev", "?gesdd",
    ],
    oracle=(
        "M = 0 or N = 0 is legal in all of LAPACK ('M >= 0'): INFO = 0 and no array is read or "
        "written. 0 x 0 systems have empty solutions, their determinant is 1 (the empty product)."
    ),
    catches=(
        "Quick returns that are missing or misplaced, recursion that has no end: ReLAPACK's in "
        "OpenBLAS PR#2797, OpenBLAS#2914 (k = 0)."
    ),
    max_threads=1,
)  # fmt: skip
def empty(ctx):
    lapack = Lapack(ctx.blas)
    for dtype in DTYPES:
        for routine, arguments in _calls(lapack, dtype):
            _require_quick_return(ctx, lapack, dtype, routine, arguments)
    for dtype in ("float64", "complex128"):
        _require_shapes(ctx, dtype)


def _calls(lapack, dtype):
    """Yield (routine, arguments) with at least one dimension of zero; arrays are canaries."""

    def array(kind=dtype):
        if np.dtype(kind).kind == "i":
            return np.full(AROUND, -7, kind)
        return canary(kind, AROUND)

    integers = lapack.integers
    for m, n in ((0, 0), (0, 3), (3, 0)):
        yield "getrf", (m, n, array(), max(1, m), array(integers))
        yield "getf2", (m, n, array(), max(1, m), array(integers))
        yield "geqrf", (m, n, array(), max(1, m), array(), np.zeros(AROUND, dtype), AROUND)
    for n, right in ((0, 0), (0, 2), (2, 0)):
        yield "getrs", ("N", n, right, array(), 2, array(integers), array(), 2)
        yield "potrs", ("U", n, right, array(), 2, array(), 2)
    yield "gesv", (0, 2, array(), 1, array(integers), array(), 1)
    yield "posv", ("L", 0, 2, array(), 1, array(), 1)
    yield "getri", (0, array(), 1, array(integers), np.zeros(AROUND, dtype), AROUND)
    for uplo in "UL":
        yield "trtrs", (uplo, "N", "N", 0, 2, array(), 1, array(), 1)
        for routine in ("potrf", "potf2", "potri", "lauum", "lauu2"):
            yield routine, (uplo, 0, array(), 1)
        for routine in ("trtri", "trti2"):
            yield routine, (uplo, "N", 0, array(), 1)
        for routine in ("sytrf", "hetrf") if dtype.startswith("c") else ("sytrf",):
            work = np.zeros(AROUND, dtype)
            yield routine, (uplo, 0, array(), 1, array(integers), work, AROUND)


def _require_quick_return(ctx, lapack, dtype, routine, arguments):
    name = LETTER[dtype] + routine
    if not lapack.has(name):
        return
    dimensions = [x for x in arguments if isinstance(x, (int, str))]
    parameters = {"kind": "empty", "dtype": dtype, "routine": name, "arguments": dimensions}
    before = [np.array(x) for x in arguments if isinstance(x, np.ndarray)]
    ctx.trying(name, parameters)
    ctx.ran()
    try:
        info = lapack.call(name, *arguments)
    except IllegalArgument as error:
        info = error.info
    except Overwritten as error:
        ctx.fail(name, "%s: %s" % (dimensions, error), parameters)
        return
    if info != 0:
        ctx.fail(name, "%s: INFO = %d, must be 0" % (dimensions, info), parameters)
    arrays = [x for x in arguments if isinstance(x, np.ndarray)]
    # A workspace is the routine's own: LAPACK writes the length that it wants into it.
    kept = [(old, new) for old, new in zip(before, arrays) if _is_canary(old)]
    if any(not _same(old, new) for old, new in kept):
        ctx.fail(name, "%s: wrote into an array without elements" % dimensions, parameters)


def _is_canary(array):
    return array.dtype.kind == "i" or bool(np.isnan(array.view(real_dtype(str(array.dtype)))).all())


def _same(old, new):
    if old.dtype.kind == "i":
        return np.array_equal(old, new)
    return np.array_equal(bits(old), bits(new))


def _require_shapes(ctx, dtype):
    """Ask NumPy's own functions, with what each must return."""
    none, tall, wide = (np.zeros(shape, dtype) for shape in ((0, 0), (3, 0), (0, 3)))
    for name, function, expected in (
        ("gesv", lambda: np.linalg.solve(none, np.zeros((0, 2), dtype)).shape, (0, 2)),
        ("gesv", lambda: np.linalg.inv(none).shape, (0, 0)),
        ("potrf", lambda: np.linalg.cholesky(none).shape, (0, 0)),
        ("syevd", lambda: np.linalg.eigh(none)[1].shape, (0, 0)),
        ("geev", lambda: np.linalg.eigvals(none).shape, (0,)),
        ("getrf", lambda: complex(np.linalg.det(none)), 1),
        ("geqrf", lambda: [x.shape for x in np.linalg.qr(tall)], [(3, 0), (0, 0)]),
        ("geqrf", lambda: [x.shape for x in np.linalg.qr(wide)], [(0, 0), (0, 3)]),
        ("gesdd", lambda: np.linalg.svd(tall, compute_uv=False).shape, (0,)),
        ("gesdd", lambda: np.linalg.svd(wide, compute_uv=False).shape, (0,)),
    ):
        ctx.ran()
        try:
            result = function()
        except np.linalg.LinAlgError as error:
            result = error
        if result != expected:
            ctx.fail(
                LETTER[dtype] + name,
                "%s without elements: %r, expected %r" % (name, result, expected),
                {"kind": "empty", "dtype": dtype, "routine": name},
            )

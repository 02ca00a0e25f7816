"""Matrices that LAPACK must refuse, or must stand: NaN, singular, indefinite, empty."""

import numpy as np

from checks import matrices
from checks.api import check
from checks.lapack import IllegalArgument, drivers_for
from checks.operands import DTYPES, LETTER

__all__ = ["empty", "nan_lapack", "not_positive_definite", "singular"]

#: How a driver says no: newer geev calls NaN an illegal argument; NumPy before 1.25 raised
#: ValueError or SystemError in place of LinAlgError from lstsq.
REFUSALS = (np.linalg.LinAlgError, IllegalArgument, ValueError, SystemError)

#: Drivers that are given NaN, and how their results are reduced to arrays.
LAPACK_CALLS = ("solve", "inv", "cholesky", "qr", "eigh", "eig", "svd", "lstsq")


@check(
    id="special.nan-lapack",
    title="Factorizations of matrices with NaN end, with an error or NaN",
    category="special",
    routines=["?gesv", "?potrf", "?geqrf", "?syevd", "?heevd", "?geev", "?gesdd", "?gelsd"],
    oracle=(
        "A matrix with one NaN in its lower triangle has no solution: LinAlgError or NaN in the "
        "result (Demmel et al., arXiv 2207.09281), or an argument that is called illegal; never a "
        "result that is finite throughout, and never a hang."
    ),
    catches=(
        "Iterations that never converge on NaN, comparisons that drop it: OpenBLAS#1343 (endless "
        "loop), #3318, #4413, numpy#22025."
    ),
    max_threads=1,
    budget=30.0,
)
def nan_lapack(ctx):
    for dtype in DTYPES:
        drivers = drivers_for(ctx.blas, dtype)
        for n in (2, 17, 70):
            for at in ((0, 0), (n - 1, 0), (n // 2, n // 3)):
                a = matrices.positive("random", ctx.seed + n, n, dtype)
                a[at] = a[at[::-1]] = np.nan
                for name in LAPACK_CALLS:
                    ctx.ran()
                    second = (np.ones((n, 2), dtype),) if name in ("solve", "lstsq") else ()
                    try:
                        result = getattr(drivers, name)(a, *second)
                    except REFUSALS:
                        continue
                    parts = result if isinstance(result, tuple) else (result,)
                    if all(np.all(np.isfinite(part)) for part in parts):
                        ctx.fail(
                            LETTER[dtype] + name,
                            "%s of a %s matrix of %d with NaN at %s: finite throughout"
                            % (name, dtype, n, list(at)),
                            {
                                "dtype": dtype,
                                "function": name,
                                "kind": "nan",
                                "n": n,
                                "at": list(at),
                                "seed": ctx.seed + n,
                            },
                        )


@check(
    id="special.singular",
    title="Exactly singular matrices are called singular",
    category="special",
    routines=["?gesv", "?getrf", "?getri"],
    oracle=(
        "A column of zeros stays zero in every step of Gaussian elimination, so that its pivot is "
        "zero exactly and INFO is its number: solve and inv must raise LinAlgError, det must be 0."
    ),
    catches="Zero pivots that are not reported, in any blocking of LU: OpenBLAS#3976, numpy#22025.",
    max_threads=1,
)
def singular(ctx):
    for dtype in DTYPES:
        drivers = drivers_for(ctx.blas, dtype)
        for n in (1, 2, 3, 4, 5, 8, 9, 16, 17, 31, 33, 64, 65, 100, 129, 150):
            for column in sorted({0, n // 3, n // 2, n - 1}):
                a = matrices.random(ctx.seed + n, n, n, dtype)
                a[:, column] = 0
                parameters = {
                    "kind": "singular",
                    "dtype": dtype,
                    "n": n,
                    "column": column,
                    "seed": ctx.seed + n,
                }
                calls = [
                    ("solve", lambda a=a, n=n, d=drivers: d.solve(a, np.ones((n, 2), a.dtype))),
                    ("inv", lambda a=a, d=drivers: d.inv(a)),
                ]
                for name, function in calls:
                    _require_error(ctx, "gesv", name, function, parameters)
                if dtype in ("float64", "complex128"):
                    ctx.ran()
                    determinant = np.linalg.det(a)
                    if determinant != 0:
                        ctx.fail(
                            LETTER[dtype] + "getrf",
                            "det of a %d x %d matrix whose column %d is zero: %s"
                            % (n, n, column, determinant),
                            dict(parameters, function="det"),
                        )


def _require_error(ctx, routine, name, function, parameters):
    """Require LinAlgError."""
    ctx.ran()
    try:
        function()
    except np.linalg.LinAlgError:
        return
    facts = ", ".join("%s = %s" % item for item in parameters.items() if item[0] != "seed")
    ctx.fail(
        LETTER[parameters["dtype"]] + routine,
        "%s raised no LinAlgError (%s)" % (name, facts),
        dict(parameters, function=name),
    )


@check(
    id="special.not-positive-definite",
    title="Matrices that are not positive definite have no Cholesky factor",
    category="special",
    routines=["?potrf"],
    oracle=(
        "A symmetric matrix with a negative diagonal element is not positive definite (e_i^T A e_i "
        "< 0): cholesky must raise LinAlgError, with the element in any block. One with the same "
        "element positive must not."
    ),
    catches="Blocked and recursive Cholesky that loses INFO: OpenBLAS#2986.",
    max_threads=1,
)
def not_positive_definite(ctx):
    for dtype in DTYPES:
        drivers = drivers_for(ctx.blas, dtype)
        for n in (1, 2, 3, 5, 8, 16, 17, 33, 64, 65, 100, 129, 150):
            for at in sorted({0, n // 3, n // 2, n - 1}):
                a = matrices.positive("random", ctx.seed + n, n, dtype)
                parameters = {
                    "kind": "indefinite",
                    "dtype": dtype,
                    "n": n,
                    "at": at,
                    "seed": ctx.seed + n,
                }
                ctx.ran()
                try:
                    drivers.cholesky(a)
                except np.linalg.LinAlgError as error:
                    ctx.fail(
                        LETTER[dtype] + "potrf",
                        "definite, yet: %s" % error,
                        dict(parameters, kind="definite", function="cholesky"),
                    )
                a[at, at] = -1
                _require_error(
                    ctx, "potrf", "cholesky", lambda a=a, d=drivers: d.cholesky(a), parameters
                )


@check(
    id="special.empty",
    title="Matrices without elements are no error",
    category="special",
    routines=["?gesv", "?getrf", "?potrf", "?geqrf", "?syevd", "?heevd", "?geev", "?gesdd"],
    oracle=(
        "Shapes follow from the definitions: a 0 x 0 system has an empty solution, its determinant "
        "is 1 (the empty product), and no routine may fail or touch memory."
    ),
    catches="Quick returns that are missing or misplaced: OpenBLAS PR#2797, #2914 (k = 0).",
    max_threads=1,
)
def empty(ctx):
    for dtype in ("float64", "complex128"):
        none, tall, wide = (np.zeros(shape, dtype) for shape in ((0, 0), (3, 0), (0, 3)))
        for name, function, expected in (
            ("gesv", lambda a=none: np.linalg.solve(a, np.zeros((0, 2), a.dtype)).shape, (0, 2)),
            ("gesv", lambda a=none: np.linalg.inv(a).shape, (0, 0)),
            ("potrf", lambda a=none: np.linalg.cholesky(a).shape, (0, 0)),
            ("syevd", lambda a=none: np.linalg.eigh(a)[1].shape, (0, 0)),
            ("geev", lambda a=none: np.linalg.eigvals(a).shape, (0,)),
            ("getrf", lambda a=none: complex(np.linalg.det(a)), 1),
            ("geqrf", lambda a=tall: [x.shape for x in np.linalg.qr(a)], [(3, 0), (0, 0)]),
            ("geqrf", lambda a=wide: [x.shape for x in np.linalg.qr(a)], [(0, 0), (0, 3)]),
            ("gesdd", lambda a=tall: np.linalg.svd(a, compute_uv=False).shape, (0,)),
            ("gesdd", lambda a=wide: np.linalg.svd(a, compute_uv=False).shape, (0,)),
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

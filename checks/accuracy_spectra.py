"""LAPACK's own test ratios for eigenvalues and singular values."""

import numpy as np

from checks import matrices
from checks.accuracy_trials import (
    LARGE,
    MEDIUM,
    SMALL,
    each_case,
    guarded,
    rectangular,
    require_ratios,
    threaded_sizes,
)
from checks.api import check
from checks.oracles import (
    NONSYMMETRIC_LIMIT,
    SVD_LIMIT,
    SYMMETRIC_LIMIT,
    eig_ratio,
    eigh_ratio,
    orthogonality_ratio,
    svd_ratio,
    unit,
    values_ratio,
)
from checks.splitting import two_threads

__all__ = ["eig", "eigh", "svd"]


@check(
    id="accuracy.eigh",
    title="Hermitian eigenproblems: residual, orthogonality, order",
    category="accuracy",
    routines=["?syevd", "?heevd", "?sytrd", "?hetrd", "?stedc", "?symv", "?hemv", "?syr2k"],
    oracle=(
        "||A - V diag(w) V^H|| / (n ||A|| ulp) < 50, ||I - V^H V|| / (n u) < 50 (LAPACK "
        "EIG/dsyt21.f), eigenvalues with and without vectors within 50 (ddrvst.f), ascending "
        "exactly. Degenerate spectra included: two clusters, identity with an update of rank one, "
        "zero; diagonal ones; ones astride the smallest normal number, which LAPACK scales."
    ),
    catches=(
        "Tridiagonal reduction above wrong symv, her2k; divide and conquer that loses its vectors: "
        "OpenBLAS PR#5877 (NaN for nearly equal eigenvalues), #1388, #5517, numpy#19469."
    ),
    budget=120.0,
)
@two_threads
def eigh(ctx):
    kinds = ("random", "spectrum", "clustered", "graded", "near-singular", "large", "small")
    kinds += ("rank-one", *matrices.SPECIAL)
    threaded = threaded_sizes((65, 97, *ctx.by_profile((), (200,))), (33, 65))
    sizes = SMALL + ctx.by_profile((97, 129), MEDIUM + LARGE)
    for drivers, parameters in each_case(ctx, "eigh", sizes, kinds, threaded):
        n, dtype = parameters["size"], parameters["dtype"]
        a = matrices.hermitian(parameters["kind"], parameters["seed"], n, dtype)
        found = guarded(ctx, _eigh_name(dtype), parameters, drivers.eigh, a)
        alone = guarded(ctx, _eigh_name(dtype), parameters, drivers.eigh, a, False)
        if found is None or alone is None:
            continue
        w, v = found
        require_ratios(
            ctx,
            _eigh_name(dtype),
            parameters,
            SYMMETRIC_LIMIT,
            residual=eigh_ratio(a, w, v),
            orthogonality=orthogonality_ratio(v),
            values=values_ratio(w, alone),
            order=0.0 if np.all(w[1:] >= w[:-1]) else np.inf,
        )


def _eigh_name(dtype):
    return "heevd" if dtype.startswith("c") else "syevd"


@check(
    id="accuracy.eig",
    title="General eigenproblems: residual and normalisation",
    category="accuracy",
    routines=["?geev", "?gehrd", "?hseqr", "?trevc", "?gemv", "?trmm"],
    oracle=(
        "||A V - V diag(w)|| / (||A|| ||V|| ulp) < 20 (LAPACK EIG/dget22.f, limit of nep.in; ||A|| "
        "the Frobenius norm where it is larger: Tisseur 1996) and | ||v_j|| - 1 | / (n ulp) < 20."
    ),
    catches=(
        "Hessenberg reduction and QR sweeps above wrong kernels: numpy#22516, scipy#11577, "
        "PyEMMA#1426."
    ),
    budget=120.0,
)
@two_threads
def eig(ctx):
    # Not graded: balancing does not keep the normwise backward error small there.
    kinds = ("random", "spectrum", "clustered", "large", "small", "companion")
    threaded = threaded_sizes((40, 97), (25, 65))
    sizes = SMALL + ctx.by_profile((97,), MEDIUM + LARGE[:1])
    for drivers, parameters in each_case(ctx, "eig", sizes, kinds, threaded):
        n = parameters["size"]
        a = matrices.general(parameters["kind"], parameters["seed"], n, n, parameters["dtype"])
        found = guarded(ctx, "geev", parameters, drivers.eig, a)
        if found is None:
            continue
        w, v = found
        lengths = np.sqrt((np.abs(v).astype(np.float64) ** 2).sum(axis=0))
        require_ratios(
            ctx,
            "geev",
            parameters,
            NONSYMMETRIC_LIMIT,
            residual=eig_ratio(a, w, v),
            normalisation=float(np.abs(lengths - 1).max()) / (n * 2 * unit(v.dtype)),
        )


@check(
    id="accuracy.svd",
    title="Singular value decompositions: residual, orthogonality, order",
    category="accuracy",
    routines=["?gesdd", "?gebrd", "?bdsdc", "?ormbr", "?unmbr", "?gemv", "?gemm"],
    oracle=(
        "||A - U diag(s) V^H|| / (max(m, n) ||A|| ulp) < 50 (LAPACK EIG/dbdt01.f), ||I - U^H U|| / "
        "(m u) < 50, the same for V, s with and without vectors within 50 (ddrvbd.f), s descending "
        "and not negative exactly; square, tall and wide; zero, diagonal, ones astride the "
        "smallest normal number, which LAPACK scales."
    ),
    catches=(
        "Bidiagonal reduction and its back transformation above wrong gemv and gemm: "
        "OpenBLAS#3318 (NaN from finite input), #2168, #1343 (endless loop)."
    ),
    budget=120.0,
)
@two_threads
def svd(ctx):
    kinds = ("random", "spectrum", "clustered", "graded", "near-singular", "large", "small")
    kinds += ("ones", "hilbert", *matrices.SPECIAL)
    threaded = threaded_sizes(((40, 33), (97, 65)), ((20, 16), (65, 50)))
    sizes = (*rectangular(SMALL + ctx.by_profile((97,), MEDIUM)), (41, 50), (300, 7), (5, 1025))
    for drivers, parameters in each_case(ctx, "svd", sizes, kinds, threaded):
        m, n = parameters["size"]
        a = matrices.general(parameters["kind"], parameters["seed"], m, n, parameters["dtype"])
        found = guarded(ctx, "gesdd", parameters, drivers.svd, a)
        alone = guarded(ctx, "gesdd", parameters, drivers.svd, a, False)
        if found is None or alone is None:
            continue
        u, s, vh = found
        ordered = np.all(s[1:] <= s[:-1]) and np.all(s >= 0)
        require_ratios(
            ctx,
            "gesdd",
            parameters,
            SVD_LIMIT,
            residual=svd_ratio(a, u, s, vh),
            left=orthogonality_ratio(u),
            right=orthogonality_ratio(vh.conj().T),
            values=values_ratio(s, alone),
            order=0.0 if ordered else np.inf,
        )

"""LAPACK on matrices of more than 10^5 elements, and on square ones beyond all its crossovers.

Long thin matrices cost milliseconds. LU, Cholesky and triangular inverses of such sizes are asked
for exact results by `exact.lu` and its kin.
"""

import numpy as np

from checks.accuracy_lapack_orthogonal import inside
from checks.accuracy_lapack_systems import hermitian_indefinite, symmetric_indefinite
from checks.api import check
from checks.lapack import Lapack
from checks.lapack_trials import Routine, Trial, attempt
from checks.operands import DTYPES
from checks.oracles import (
    LINEAR_LIMIT,
    NONSYMMETRIC_LIMIT,
    SVD_LIMIT,
    SYMMETRIC_LIMIT,
    consistent_ratio,
    eig_ratio,
    factor_ratio,
    norm,
    normal_ratio,
    orthogonality_ratio,
    qr_ratio,
    svd_ratio,
    unit,
    unitary_ratio,
    values_ratio,
)
from checks.spectra import pair_ratios
from checks.splitting import two_threads
from checks.team import on_stack

__all__ = ["large"]

#: Long and short side: more than 10^5 elements, and tails of every unroll in both.
LONG, SHORT = 14_415, 7

#: Square matrices: symv is split from 200 on, divide and conquer and blocked reductions have ended
#: recursions; the remainder is 7 by 8 and 15 by 16.
SQUARE = 207

#: Different eigenvalues of a matrix before its update.
EIGENVALUES = 8

#: Bytes of stack of the calling thread: what macOS gives to every thread but the first.
STACK = 512 * 1024


def _rectangle(trial, shape):
    return trial.random(*((LONG, SHORT) if shape == "tall" else (SHORT, LONG)), offset=0)


def _factors(trial, shape):
    """geqrf and orgqr; LIN/dqrt01.f."""
    a = _rectangle(trial, shape)
    q, r = trial.lapack.qr(a)
    return {"factor": qr_ratio(a, q, r), "orthogonality": orthogonality_ratio(q)}


def _pivoted(trial, _):
    """getrf; LIN/dget01.f. Wide ones are for `exact.lu-wide`."""
    a = _rectangle(trial, "tall")
    m, n = a.shape
    lu, pivots = np.array(a, order="F"), trial.pivots(n)
    trial.call("getrf", m, n, lu, m, pivots)
    for row, other in enumerate(pivots - 1):
        a[[row, other]] = a[[other, row]]
    return {
        "factor": factor_ratio(
            a, np.tril(lu, -1) + np.eye(m, n, dtype=trial.dtype), np.triu(lu[:n])
        )
    }


def _singular(trial, shape):
    """gesdd; EIG/dbdt01.f, ddrvbd.f."""
    a = _rectangle(trial, shape)
    u, s, vh = trial.lapack.svd(a)
    return {
        "residual": svd_ratio(a, u, s, vh),
        "left": unitary_ratio(u),
        "right": unitary_ratio(vh.conj().T),
        "values": values_ratio(s, trial.lapack.svd(a, vectors=False)),
        "order": 0.0 if np.all(s[1:] <= s[:-1]) and np.all(s >= 0) else np.inf,
    }


def _least_squares(trial, shape, solve):
    """LIN/dqrt16.f, dqrt17.f: a right-hand side in the range of A, and one beside it."""
    a = _rectangle(trial, shape)
    b, other = inside(trial, a, 2), trial.random(len(a), 3)
    return {
        "consistent": consistent_ratio(a, solve(trial, a, b), b),
        "normal": normal_ratio(a, solve(trial, a, other), other),
    }


def _divided(trial, shape):
    return _least_squares(trial, shape, lambda trial, a, b: trial.lapack.lstsq(a, b)[0])


def _by_factors(trial, shape):
    def solve(trial, a, b):
        m, n = a.shape
        x = np.zeros((max(m, n), b.shape[1]), trial.dtype, "F")
        x[:m] = b
        before = ("N", m, n, b.shape[1], np.array(a, order="F"), m, x, max(m, n))
        trial.call_with_work("gels", before)
        return x[:n]

    return _least_squares(trial, shape, solve)


def _hermitian(trial, _):
    """syevd; EIG/dsyt21.f, ddrvst.f."""
    a = trial.hermitian()
    w, v = trial.lapack.eigh(a)
    alone = trial.lapack.eigh(a, vectors=False)
    return dict(pair_ratios(a, w, v), values=values_ratio(w, alone))


def _general(trial, kind):
    """geev; EIG/dget22.f. A few eigenvalues with an update of rank one need few sweeps."""
    n = trial.n
    if kind == "updated":
        few = np.resize(trial.random(EIGENVALUES, 1), n)
        a = np.diag(few) + trial.random(n, 1, 0) * trial.random(1, n, 1)
    else:
        a = trial.general(n, n)
    w, v = trial.lapack.eig(a)
    lengths = np.sqrt((np.abs(v).astype(np.float64) ** 2).sum(axis=0))
    return {
        "residual": eig_ratio(a, w, v),
        "normalisation": float(np.abs(lengths - 1).max()) / (n * 2 * unit(v.dtype)),
        "trace": abs(w.sum(dtype=complex) - np.trace(a, dtype=complex))
        / (n * norm(a) * 2 * unit(v.dtype)),
    }


SHAPES = ("tall", "wide")

#: Its frames exceed small stacks where it is split (concurrency.stack-use).
RECURSIVE = (Routine("getrf", _pivoted, LINEAR_LIMIT),)

TABLE = (
    Routine("geqrf", _factors, LINEAR_LIMIT, SHAPES),
    Routine("gels", _by_factors, LINEAR_LIMIT, SHAPES),
    Routine("gelsd", _divided, LINEAR_LIMIT, SHAPES),
    Routine("gesdd", _singular, SVD_LIMIT, SHAPES),
    Routine("sytrf", hermitian_indefinite, LINEAR_LIMIT, ("L", "U"), hermitian="hetrf"),
    Routine("sytrf", symmetric_indefinite, LINEAR_LIMIT, ("U", "L")),
    Routine("syevd", _hermitian, SYMMETRIC_LIMIT, hermitian="heevd"),
    Routine("geev", _general, NONSYMMETRIC_LIMIT, ("random", "updated")),
)

#: Asked in smoke: each split step costs a time slice when a core is taken.
CHEAPER = {"geev": ("updated",)}


@check(
    id="accuracy.lapack-large",
    title="LAPACK of more than 10^5 elements and of 207 rows",
    category="accuracy",
    routines=[
        "?geqrf", "?orgqr", "?ungqr", "?gels", "?gelsd", "?gesdd", "?sytrf", "?hetrf", "?sytrs",
        "?hetrs", "?syevd", "?heevd", "?geev", "?getrf",
    ],
    oracle=(
        "LAPACK's ratios and limits, as in accuracy.lapack-*: QR factors and least squares < 30 "
        "(LIN/dqrt01.f, dqrt16.f, dqrt17.f), singular values and vectors < 50 (EIG/dbdt01.f), "
        "Hermitian ones < 50 (dsyt21.f), general ones < 20 (dget22.f) and their sum, solutions by "
        "Bunch and Kaufman < 30 (LIN/dpot02.f), LU of tall ones < 30 (LIN/dget01.f). 14,415 x 7, "
        "7 x 14,415 and 207 x 207 in four precisions; but LU, from a thread with 512 KiB of stack."
    ),
    catches=(
        "Buffers, splits and block sizes that only large operands reach, in LAPACK and in the BLAS "
        "below it, and on the stack: OpenBLAS#2187, numpy#32168."
    ),
    min_threads=2,
    budget=120.0,
)  # fmt: skip
@two_threads
def large(ctx):
    on_stack(STACK, lambda: _ask(ctx, TABLE))
    _ask(ctx, RECURSIVE)


def _ask(ctx, table):
    lapack = Lapack(ctx.blas)
    for position, dtype in enumerate(DTYPES):
        for place, routine in enumerate(table):
            variants = routine.variants
            if ctx.profile == "smoke" and variants != SHAPES:
                variants = CHEAPER.get(routine.name, variants)
                variants = variants[(position + place) % len(variants) :][:1]
            for variant in variants:
                trial = Trial(lapack, dtype, SQUARE, "random", ctx.seed + position)
                attempt(ctx, routine, routine.named(dtype), trial, variant)

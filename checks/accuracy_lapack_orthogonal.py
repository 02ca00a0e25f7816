"""Orthogonal factors and least squares that SciPy hands to LAPACK and NumPy does not."""

import numpy as np

from checks.api import check
from checks.lapack_trials import Routine, ask
from checks.oracles import (
    LINEAR_LIMIT,
    consistent_ratio,
    multiply,
    norm,
    normal_ratio,
    orthogonality_ratio,
    over,
    qr_ratio,
    solve_ratio,
    unit,
)
from checks.splitting import two_threads

__all__ = ["inside", "orthogonal"]


def _shape(trial, shape):
    n, other = trial.n, max(1, trial.n // 2)
    return {"square": (n, n), "tall": (n, other), "wide": (other, n)}[shape]


def _least_squares(trial, flags):
    """gels: `flags` are the shape and the transposition; LIN/dqrt16.f, dqrt17.f."""
    (m, n), columns = _shape(trial, flags[0]), 1 + trial.n % 3
    trans = trial.adjoint if flags[1] == "C" else "N"
    a = trial.general(m, n)
    operator = a.conj().T if flags[1] == "C" else a
    rows, unknowns = operator.shape
    ratios = {}
    for name, b, ratio in (
        ("consistent", inside(trial, operator, columns), consistent_ratio),
        ("normal", trial.random(rows, columns), normal_ratio),
    ):
        x = np.zeros((max(m, n), columns), trial.dtype, "F")
        x[:rows] = b
        before = (trans, m, n, columns, np.array(a, order="F"), m, x, max(m, n))
        trial.call_with_work("gels", before)
        ratios[name] = ratio(operator, x[:unknowns], b)
    return ratios


def inside(trial, a, columns):
    """Return a right-hand side in A's range, as far as its precision holds it."""
    return multiply(a, trial.random(a.shape[1], columns)).astype(trial.dtype)


def _deficient(trial, flags, solve):
    """Least squares of an integer matrix of known rank; `flags` are the shape and its deficit.

    B lies in the range, so that every minimiser solves it (LIN/dqrt16.f); the rank must be found.
    """
    (m, n), columns = _shape(trial, flags[0]), 1 + trial.n % 3
    rank = max(1, min(m, n) - flags[1])
    stream = np.random.RandomState(trial.seed)
    factors = [stream.randint(-2, 3, shape).astype(float) for shape in ((m, rank), (rank, n))]
    for factor in factors:  # an identity within keeps the rank
        factor[:rank, :rank] = np.eye(rank)
    a = multiply(*factors).astype(trial.dtype)
    b = inside(trial, a, columns)
    x = np.zeros((max(m, n), columns), trial.dtype, "F")
    x[:m] = b
    tolerance, found = trial.reals(1), trial.pivots(1)
    tolerance[0] = max(m, n) * np.finfo(trial.dtype).eps
    solve(trial, (m, n, columns, np.array(a, order="F"), m, x, max(m, n)), tolerance, found)
    return {
        "consistent": consistent_ratio(a, x[:n], b),
        "rank": 0.0 if found[0] == rank else np.inf,
    }


def _by_pivoting(trial, flags):
    """gelsy."""

    def solve(trial, system, tolerance, found):
        n = system[1]
        after = [(trial.real, 2 * n)] if trial.is_complex else []
        trial.call_with_work("gelsy", (*system, trial.pivots(n), tolerance, found), after)

    return _deficient(trial, flags, solve)


def _by_singular_values(trial, flags):
    """gelss."""

    def solve(trial, system, tolerance, found):
        k = min(system[:2])
        after = [(trial.real, 5 * k)] if trial.is_complex else []
        trial.call_with_work("gelss", (*system, trial.reals(k), tolerance, found), after)

    return _deficient(trial, flags, solve)


def _divided(trial, flags):
    """gelsd."""

    def solve(trial, system, tolerance, found):
        k = min(system[:2])
        work, real_work, integer_work = np.zeros(1, trial.dtype), trial.reals(1), trial.pivots(1)
        before = (*system, trial.reals(k), tolerance, found)
        asked = (real_work, integer_work) if trial.is_complex else (integer_work,)
        trial.call("gelsd", *before, work, -1, *asked)
        work = np.zeros(int(work[0].real), trial.dtype)
        given = [np.zeros(max(1, int(array[0])), array.dtype) for array in asked]
        trial.call("gelsd", *before, work, len(work), *given)

    return _deficient(trial, flags, solve)


def _pivoted(trial, shape):
    """geqp3: A P = Q R with |r_ii| falling; LIN/dqpt01.f, dqrt11.f."""
    m, n = _shape(trial, shape)
    k, a = min(m, n), trial.general(m, n)
    factored, order, tau = np.array(a, order="F"), trial.pivots(n), np.zeros(k, trial.dtype)
    after = [(trial.real, 2 * n)] if trial.is_complex else []
    trial.call_with_work("geqp3", (m, n, factored, m, order, tau), after)
    q = _generated(trial, factored, tau, m, k)
    permutation = order - 1
    if sorted(permutation.tolist()) != list(range(n)):
        return {"permutation": np.inf}
    return {
        "factor": qr_ratio(a[:, permutation], q, np.triu(factored[:k])),
        "orthogonality": orthogonality_ratio(q),
    }


def _generated(trial, factored, tau, m, k):
    q = factored[:, :k].copy("F")
    trial.call_with_work(trial.named("orgqr", "ungqr"), (m, k, k, q, m, tau))
    return q


def _factored(trial, m, n):
    a = trial.general(m, n)
    factored, tau = np.array(a, order="F"), np.zeros(min(m, n), trial.dtype)
    trial.call_with_work("geqrf", (m, n, factored, m, tau))
    return a, factored, tau


def _applied(trial, flags):
    """ormqr against the explicit Q: ||Q C - (Q C)'|| / (m ||C|| u); LIN/dqrt03.f."""
    side, trans = flags
    m, k = trial.n, max(1, trial.n // 2)
    columns = 1 + trial.n % 5
    _, factored, tau = _factored(trial, m, k)
    q = np.zeros((m, m), trial.dtype, "F")
    q[:, :k] = factored
    trial.call_with_work(trial.named("orgqr", "ungqr"), (m, m, k, q, m, tau))
    c = trial.random(m, columns) if side == "L" else trial.random(columns, m)
    result = np.array(c, order="F")
    letter = trial.adjoint if trans == "C" else "N"
    before = (side, letter, len(c), c.shape[1], k, factored, m, tau, result, len(c))
    trial.call_with_work(trial.named("ormqr", "unmqr"), before)
    operator = q.conj().T if trans == "C" else q
    expected = multiply(operator, c) if side == "L" else multiply(c, operator)
    return {"product": over(norm(result - expected), m * norm(c) * unit(trial.dtype))}


def _compact(trial, shape):
    """geqrt and gemqrt, with blocks of a few columns; LIN/dqrt04.f."""
    m, n = _shape(trial, shape)
    k, a = min(m, n), trial.general(m, n)
    block = max(1, min(k, (3, 8, 32)[trial.n % 3]))
    factored, t = np.array(a, order="F"), np.zeros((block, k), trial.dtype, "F")
    trial.call("geqrt", m, n, block, factored, m, t, block, np.zeros(block * n, trial.dtype))
    q, r = np.eye(m, dtype=trial.dtype).copy("F"), np.array(a, order="F")
    for trans, c in (("N", q), (trial.adjoint, r)):
        work = np.zeros(block * max(c.shape), trial.dtype)
        arrays = (factored, m, t, block, c, m, work)
        trial.call("gemqrt", "L", trans, m, c.shape[1], k, block, *arrays)
    size = m * norm(a) * unit(trial.dtype)
    return {
        "factor": over(norm(np.triu(factored) - multiply(q.conj().T, a)), size),
        "applied": over(norm(np.triu(factored) - r), size),
        "orthogonality": orthogonality_ratio(q),
    }


def _row_factors(trial, flags):
    """gelqf with orglq, gerqf with orgrq: ||R - A Q^H|| / (n ||A|| u); LIN/dlqt01.f, drqt01.f."""
    name, shape = flags
    m, n = _shape(trial, shape)
    k, a = min(m, n), trial.general(m, n)
    factored, tau = np.array(a, order="F"), np.zeros(k, trial.dtype)
    trial.call_with_work("ge%sf" % name, (m, n, factored, m, tau))
    if name == "lq":
        q, triangle = factored[:k].copy("F"), np.tril(factored[:, :k])
    else:
        q, triangle = factored[m - k :].copy("F"), np.triu(factored[:, n - k :], k - m)
    trial.call_with_work(trial.named("org", "ung") + name, (k, n, k, q, k, tau))
    residual = norm(triangle - multiply(a, q.conj().T))
    return {
        "factor": over(residual, n * norm(a) * unit(trial.dtype)),
        "orthogonality": orthogonality_ratio(q.conj().T),
    }


KINDS = ("random", "spectrum", "graded", "near-singular", "large", "small")
SHAPES = ("tall", "square", "wide")


def _constrained(trial, _):
    """gglse: min ||c - A x|| with B x = d, which some x solves both; LIN/dget02.f by dlsets.f."""
    n, p = trial.n, max(1, trial.n // 2)
    a, b, x = trial.general(n, n), trial.random(p, n, 2000), np.zeros(n, trial.dtype)
    solution = trial.random(n, 1)
    c, d = (multiply(each, solution).astype(trial.dtype) for each in (a, b))
    arrays = (np.array(a, order="F"), n, np.array(b, order="F"), p, c[:, 0].copy(), d[:, 0].copy())
    trial.call_with_work("gglse", (n, n, p, *arrays, x))
    return {
        "objective": solve_ratio(a, x[:, None], c),
        "constraint": solve_ratio(b, x[:, None], d),
    }


def _general_model(trial, _):
    """ggglm: min ||y|| with d = A x + B y; EIG/dglmts.f."""
    n, m = trial.n, max(1, trial.n // 2)
    a, b, d = trial.general(n, m), trial.random(n, n, 2000), trial.random(n, 1)
    x, y = np.zeros(m, trial.dtype), np.zeros(n, trial.dtype)
    arrays = (np.array(a, order="F"), n, np.array(b, order="F"), n, d[:, 0].copy())
    trial.call_with_work("ggglm", (n, m, n, *arrays, x, y))
    residual = norm(d - multiply(a, x[:, None]) - multiply(b, y[:, None]))
    size = (norm(a) + norm(b)) * (np.abs(x).sum() + np.abs(y).sum()) * unit(trial.dtype)
    return {"residual": over(residual, size)}


#: Of LAPACK's tests of constrained least squares (TESTING/lse.in, glm.in).
CONSTRAINED_LIMIT = 20.0

SYSTEMS = (("tall", "N"), ("wide", "N"), ("tall", "C"), ("wide", "C"), ("square", "N"))
DEFICITS = (("tall", 1), ("wide", 2), ("square", 3), ("tall", 0))
SIDES = ("LN", "RC", "LC", "RN")
ROWS = (("lq", "wide"), ("rq", "wide"), ("lq", "tall"), ("rq", "tall"), ("rq", "square"))

TABLE = (
    Routine("gels", _least_squares, LINEAR_LIMIT, SYSTEMS, ("random", "spectrum", "clustered")),
    Routine("gelsy", _by_pivoting, LINEAR_LIMIT, DEFICITS),
    Routine("gelss", _by_singular_values, LINEAR_LIMIT, DEFICITS),
    Routine("gelsd", _divided, LINEAR_LIMIT, DEFICITS),
    Routine("geqp3", _pivoted, LINEAR_LIMIT, SHAPES, KINDS),
    Routine("ormqr", _applied, LINEAR_LIMIT, SIDES, KINDS, "unmqr"),
    Routine("geqrt", _compact, LINEAR_LIMIT, SHAPES, KINDS),
    Routine("gelqf", _row_factors, LINEAR_LIMIT, ROWS, KINDS),
    Routine("gglse", _constrained, CONSTRAINED_LIMIT, ("",), ("random", "spectrum")),
    Routine("ggglm", _general_model, CONSTRAINED_LIMIT, ("",), ("random", "spectrum")),
)


@check(
    id="accuracy.lapack-orthogonal",
    title="Orthogonal factors and least squares that SciPy hands to LAPACK",
    category="accuracy",
    routines=[
        "?gels", "?gelsy", "?gelss", "?gelsd", "?geqp3", "?geqrf", "?orgqr", "?ungqr", "?ormqr",
        "?unmqr", "?geqrt", "?gemqrt", "?gelqf", "?gerqf", "?orglq", "?unglq", "?orgrq", "?ungrq",
        "?larfb", "?gglse", "?ggglm",
    ],
    oracle=(
        "LAPACK's ratios with its limit of 30 (dtest.in): factors ||R - Q^H A|| / (m ||A|| u) and "
        "||I - Q^H Q|| / (m u) (LIN/dqrt01.f, dlqt01.f, drqt01.f, dqpt01.f, dqrt04.f), products "
        "with Q (dqrt03.f), least squares (dqrt16.f, dqrt17.f); the rank of integer matrices of "
        "known rank; constrained ones < 20 (EIG/dlsets.f, dglmts.f, lse.in). Square, tall and "
        "wide, all sides and transpositions; four precisions."
    ),
    catches=(
        "Blocked reflectors and their triangular products above wrong kernels, ranks that are "
        "misjudged: OpenBLAS#2187, scipy#24319."
    ),
    budget=120.0,
    most_threads=True,
)  # fmt: skip
@two_threads
def orthogonal(ctx):
    ask(ctx, TABLE)

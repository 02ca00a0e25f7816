"""Exact calls of all routines of level 3, by size, in all combinations of their flags."""

import itertools

from checks.calls import computes
from checks.cblas import (
    COLUMN,
    CONJ_NO_TRANS,
    CONJ_TRANS,
    LEFT,
    LOWER,
    NO_TRANS,
    NON_UNIT,
    RIGHT,
    ROW,
    TRANS,
    UNIT,
    UPPER,
)
from checks.level3_general import copy, gemm, gemm_batch_strided, gemmt
from checks.level3_symmetric import rank_2k, rank_k, symmetric_product
from checks.level3_triangular import triangular
from checks.operands import DTYPES
from checks.ranktwo import Products, Triangular

__all__ = ["ROUTINES", "Pools", "calls", "combinations", "shaped_calls"]

ORDERS = (ROW, COLUMN)
UPLOS = (UPPER, LOWER)
SIDES = (LEFT, RIGHT)
REAL_OPS = (NO_TRANS, TRANS, CONJ_TRANS)
COMPLEX_OPS = (NO_TRANS, TRANS, CONJ_TRANS, CONJ_NO_TRANS)

#: How the calls of each routine are made; the matrices they take; and all its combinations of
#: flags for real and for complex operands (none: there is no such routine).
ROUTINES = {
    "gemm": (gemm, "general", (ORDERS, REAL_OPS, REAL_OPS), (ORDERS, COMPLEX_OPS, COMPLEX_OPS)),
    "gemm3m": (gemm, "general", None, (ORDERS, COMPLEX_OPS, COMPLEX_OPS)),
    "gemmt": (
        gemmt,
        "general",
        (ORDERS, UPLOS, REAL_OPS, REAL_OPS),
        (ORDERS, UPLOS, COMPLEX_OPS, COMPLEX_OPS),
    ),
    "gemmtr": (
        gemmt,
        "general",
        (ORDERS, UPLOS, REAL_OPS[:2], REAL_OPS[:2]),
        (ORDERS, UPLOS, REAL_OPS, REAL_OPS),
    ),
    "gemm_batch_strided": (
        gemm_batch_strided,
        "general",
        (ORDERS, REAL_OPS, REAL_OPS),
        (ORDERS, COMPLEX_OPS, COMPLEX_OPS),
    ),
    "omatcopy": (copy, "general", (ORDERS, REAL_OPS), (ORDERS, COMPLEX_OPS)),
    "imatcopy": (copy, "general", (ORDERS, REAL_OPS), (ORDERS, COMPLEX_OPS)),
    "symm": (symmetric_product, "symmetric", (ORDERS, SIDES, UPLOS), (ORDERS, SIDES, UPLOS)),
    "hemm": (symmetric_product, "hermitian", None, (ORDERS, SIDES, UPLOS)),
    "syrk": (rank_k, "general", (ORDERS, UPLOS, REAL_OPS), (ORDERS, UPLOS, REAL_OPS[:2])),
    "herk": (rank_k, "general", None, (ORDERS, UPLOS, (NO_TRANS, CONJ_TRANS))),
    "syr2k": (rank_2k, "general", (ORDERS, UPLOS, REAL_OPS), (ORDERS, UPLOS, REAL_OPS[:2])),
    "her2k": (rank_2k, "general", None, (ORDERS, UPLOS, (NO_TRANS, CONJ_TRANS))),
    "trmm": (
        triangular,
        "triangular",
        (ORDERS, SIDES, UPLOS, REAL_OPS, (NON_UNIT, UNIT)),
        (ORDERS, SIDES, UPLOS, COMPLEX_OPS, (NON_UNIT, UNIT)),
    ),
    "trsm": (
        triangular,
        "triangular",
        (ORDERS, SIDES, UPLOS, REAL_OPS, (NON_UNIT, UNIT)),
        (ORDERS, SIDES, UPLOS, COMPLEX_OPS, (NON_UNIT, UNIT)),
    ),
}
#: Sizes below this are tried densely: four blocks of 16.
DENSE = 64


def small_sizes(turn):
    """Return three sizes below DENSE; turn by turn, each goes through all residues modulo 16.

    Every 16 turns each goes on to another multiple of 16, which is the same for all residues.
    """
    block = turn // 16
    return (
        turn % 16 + 16 * (block % 4),
        (5 * turn + block) % 16 + 16 * ((3 * block + block // 4 + 1) % 4),
        (7 * turn + 3 * block) % 16 + 16 * ((block + block // 2 + 2) % 4),
    )


class Pools:
    """The matrices that calls take their operands from, made when they are first asked for."""

    def __init__(self, seed, rows, depth, columns, high=8):
        self._sizes = seed, rows, depth, columns
        self._high = high
        self._made = {}

    def pool(self, form, is_complex):
        """Return matrices of that form: "general", "symmetric", "hermitian", "triangular"."""
        key = form, is_complex
        if key not in self._made:
            seed, rows, depth, columns = self._sizes
            if form == "triangular":
                made = Triangular(seed, rows, columns, is_complex)
            elif form == "general":
                made = Products(seed, rows, depth, columns, is_complex, high=self._high)
            else:
                made = Products(seed, rows, rows, columns, is_complex, form)
            self._made[key] = made
        return self._made[key]


def combinations(routine, dtype):
    """Return all combinations of flags of that routine in that precision."""
    flags = ROUTINES[routine][3 if dtype.startswith("c") else 2]
    return list(itertools.product(*flags)) if flags else []


def calls(seed, routines=tuple(ROUTINES), dtypes=DTYPES, rounds=1, least=64):
    """Yield small calls: every combination of flags of each routine `rounds` times.

    A routine with fewer than `least` calls gets more rounds, so that all its sizes go through all
    residues modulo 16. Sizes and scalars change from one call to the next.
    """
    pools = Pools(seed, DENSE + 3, DENSE, DENSE + 3)
    for routine in routines:
        make, form = ROUTINES[routine][:2]
        for dtype in dtypes:
            flags = combinations(routine, dtype)
            if not flags:
                continue
            pool = pools.pool(form, dtype.startswith("c"))
            for turn in range(len(flags) * max(rounds, -(-least // len(flags)))):
                # Coprime steps: a combination does not come back with the same residues.
                chosen = flags[turn % len(flags)]
                sizes = small_sizes(turn + turn // len(flags))
                yield make(pool, routine, dtype, chosen, sizes, turn)


def shaped_calls(seed, shapes, routines=tuple(ROUTINES), dtypes=DTYPES, turns=1, high=8, first=0):
    """Yield `turns` calls of each routine in each precision with each (m, n, k) of `shapes`.

    first: number of the first call; flags and scalars follow from it.

    Symmetric and triangular matrices are of order m, multiplied with n rows or columns; rank-k
    updates have n = m. The operands of all shapes are blocks of the same matrices; with `high` = 1
    their sums stay exact to k = 50,000. Scalars of zero are for `calls`: such a call shows nothing
    of what its shape leads to.
    """
    rows, columns, depth = (max(shape[i] for shape in shapes) for i in range(3))
    square = rows if rows < 2000 else 0  # an update of C has as many columns as rows
    pools = Pools(seed, rows, depth, max(columns, square), high)
    turn = first
    for routine in routines:
        make, form = ROUTINES[routine][:2]
        for dtype in dtypes:
            flags = combinations(routine, dtype)
            for shape in shapes if flags else ():
                made = 0
                while made < turns:
                    turn += 1
                    chosen = flags[7 * turn % len(flags)]
                    pool = pools.pool(form, dtype.startswith("c"))
                    call = make(pool, routine, dtype, chosen, shape, turn)
                    if computes(call):
                        made += 1
                        yield call

"""Exact calls of all routines of level 2, and the checks that make them."""

from checks.api import check
from checks.calls import between_canaries, computes, each_form
from checks.cblas import Cblas
from checks.level2_general import gbmv, gemv, ger
from checks.level2_symmetric import rank_update, symmetric_product
from checks.level2_triangular import triangular
from checks.operands import DTYPES
from checks.splitting import few_threads
from checks.workers import at_most

__all__ = [
    "BANDED",
    "COMPLEX_SYMMETRIC",
    "FULL",
    "PACKED",
    "banded",
    "calls",
    "complex_symmetric",
    "full",
    "packed",
    "split_forms",
]

#: How the calls of each routine are made, and whether it is for (real, complex) matrices.
ROUTINES = {
    "gemv": (gemv, (True, True)),
    "ger": (ger, (True, False)),
    "geru": (ger, (False, True)),
    "gerc": (ger, (False, True)),
    "symv": (symmetric_product, (True, False)),
    "hemv": (symmetric_product, (False, True)),
    "syr": (rank_update, (True, False)),
    "her": (rank_update, (False, True)),
    "syr2": (rank_update, (True, False)),
    "her2": (rank_update, (False, True)),
    "trmv": (triangular, (True, True)),
    "trsv": (triangular, (True, True)),
    "gbmv": (gbmv, (True, True)),
    "sbmv": (symmetric_product, (True, False)),
    "hbmv": (symmetric_product, (False, True)),
    "tbmv": (triangular, (True, True)),
    "tbsv": (triangular, (True, True)),
    "spmv": (symmetric_product, (True, False)),
    "hpmv": (symmetric_product, (False, True)),
    "spr": (rank_update, (True, False)),
    "hpr": (rank_update, (False, True)),
    "spr2": (rank_update, (True, False)),
    "hpr2": (rank_update, (False, True)),
    "tpmv": (triangular, (True, True)),
    "tpsv": (triangular, (True, True)),
}
FULL = tuple(ROUTINES)[:12]
BANDED = tuple(ROUTINES)[12:17]
PACKED = tuple(ROUTINES)[17:]

#: A table of its own, for checks that ask all of BLAS: these are not in it in complex precision.
COMPLEX_SYMMETRIC = {
    **dict.fromkeys(("symv", "sbmv", "spmv"), (symmetric_product, (False, True))),
    **dict.fromkeys(("syr", "spr", "syr2", "spr2"), (rank_update, (False, True))),
}

#: In threaded cells: what is not split costs next to nothing, by turns of its flags.
UNSPLIT = ((1, 31), (15, 1), (7, 39), *((17 + i, 17 + 5 * i % 16) for i in range(16)))

#: Calls of a routine in one precision after which it has met all combinations of its flags.
ALL_FORMS = 160

#: A size that is split over threads, and those from which others are split: hemv from 362 rows
#: on, gbmv from 250,000 elements and 15 diagonals beside the main one (interface/zhemv.c, gbmv.c).
SPLIT = (230, 130)
TALL_AND_WIDE = ((267, 23), (23, 267))
SPLIT_LATER = {"hemv": (367, 1), "gbmv": (1009, 251)}
LEAST_WIDTH = 15

#: Row blocks of the gemv kernels are 1024 to 4096 long.
LONG = (
    (255, 3), (3, 256), (511, 9), (513, 2), (8, 1023), (1024, 5), (5, 1025), (1025, 17), (2047, 4),
    (1, 2048), (2049, 3), (16, 2049), (4095, 7), (4097, 1), (2, 4097), (7, 4096),
)  # fmt: skip


def calls(
    seed,
    sizes,
    routines=tuple(ROUTINES),
    dtypes=DTYPES,
    turns=1,
    idle=True,
    first=0,
    table=ROUTINES,
):
    """Yield `turns` calls of each routine in each precision for each of `sizes`, in their order.

    sizes: (m, n), of which routines with square matrices take m. What else there is to choose
    changes from one call to the next (`checks.choices`); without `idle`, no scalar is zero that
    spares all work, since such a call shows nothing of what its size leads to. `first`: number of
    the first call, from which all that is chosen follows. `table`: what has the routines.
    """
    turn = first
    for m, n in sizes:
        for routine in routines:
            make, kinds = table[routine]
            for dtype in dtypes:
                if kinds[dtype.startswith("c")]:
                    made = 0
                    while made < turns:
                        turn += 1
                        call = make(routine, seed, dtype, m, n, turn)
                        if idle or computes(call):
                            made += 1
                            yield call


def _sizes(ctx, threaded):
    """Return (sizes, turns of each, whether idle too): dense below 71, or `threaded`."""
    if ctx.threads == 1:
        dense = [(m, (37 * m + 11) % 71) for m in range(71)]
        return dense, ctx.by_profile(1, 24), True
    return [*UNSPLIT, *threaded], ctx.by_profile(1, 4), False


def split_forms(seed, routines, turns, table=ROUTINES):
    """Yield calls that are split over threads: those of `turns` per precision that differ in flags.

    Which flags come first depends on the seed.
    """
    for routine in routines:
        size = SPLIT_LATER.get(routine, SPLIT)
        # Of three bands about one is wide enough.
        count = 4 * turns if routine == "gbmv" else turns
        first = seed % 1009
        stream = calls(seed, [size], (routine,), turns=count, idle=False, first=first, table=table)
        yield from each_form(filter(_wide_enough, stream))


def _wide_enough(call):
    width = call.parameters.get("lower", 0) + call.parameters.get("upper", 0)
    return call.routine != "gbmv" or width >= LEAST_WIDTH


def _split_forms(ctx, cblas, routines, table=ROUTINES):
    """Ask more flags of what is split: in smoke a few, else all, on two threads.

    With more threads than cores each call takes 50 ms and more.
    """
    if ctx.threads > 1:
        stream = split_forms(ctx.seed, routines, ctx.by_profile(2, ALL_FORMS), table)
        with at_most(ctx, ctx.by_profile(2, 2, ctx.threads)):
            between_canaries(ctx, cblas, stream)


@check(
    id="exact.level2",
    title="Level 2 on full matrices is exact on integers, and touches nothing else",
    category="exact",
    routines=[
        "?gemv",
        "?symv",
        "?hemv",
        "?ger",
        "?geru",
        "?gerc",
        "?syr",
        "?her",
        "?syr2",
        "?her2",
        "?trmv",
        "?trsv",
    ],
    oracle=(
        "Integers (diagonals of solves: powers of two) whose sums stay below 2^24 have one exact "
        "result, whatever the order, blocking or thread count. Through CBLAS: both orders, all "
        "flags, alpha, beta from {0, 1, -1, 2, 1/2, complex}, increments 1, 2, 3, -1, -2, padded "
        "leading dimensions, all sizes to 70 and astride 128, 256, 1024, 2048 and 4096, by turns. "
        "NaN canaries fill y where beta = 0, the triangle that is not named, unit diagonals, "
        "imaginary parts of Hermitian diagonals, all gaps and surroundings: read, they spoil the "
        "result; all must be the same bits afterwards."
    ),
    catches=(
        "Tails and blocks of one kernel with one flag, increment or order; reads of the other "
        "triangle or of y at beta = 0; lost parts of threads: OpenBLAS#1388, #2009, #2233, #3318, "
        "#1292, #5735, PR#2010."
    ),
    budget=120.0,
)
@few_threads
def full(ctx):
    cblas = Cblas(ctx.blas)
    sizes, turns, idle = _sizes(ctx, [SPLIT, *TALL_AND_WIDE])
    between_canaries(ctx, cblas, calls(ctx.seed, sizes, FULL, turns=turns, idle=idle))
    if ctx.threads == 1:
        more = [(m, (37 * m + 29) % 71) for m in range(71)]
        between_canaries(ctx, cblas, calls(ctx.seed, more, ("gemv",), turns=ctx.by_profile(2, 24)))
        squares = [(n, n) for n in (127, 128, 129, 193, 257)]
        turns = ctx.by_profile(1, 8)
        between_canaries(ctx, cblas, calls(ctx.seed, squares, FULL, turns=turns, idle=False))
        general = ("gemv", "ger", "geru", "gerc")
        between_canaries(ctx, cblas, calls(ctx.seed, LONG, general, turns=turns, idle=False))
    else:
        few = ctx.profile == "smoke"
        # Few rows of complex numbers: the threads share out the columns (gemv_thread.c).
        for sizes, dtypes, first in (
            ([(681, 680), (4100, 113), (113, 4100)], DTYPES[:2], 1),
            ([(67, 65), (3, 4001), (509, 9), (9, 509), (4001, 3)], DTYPES[2:], 2),
        ):
            chosen = sizes[:first] if few else sizes
            split = calls(ctx.seed, chosen, ("gemv",), dtypes, 1 if few else 8, idle=False)
            between_canaries(ctx, cblas, split)
        _split_forms(ctx, cblas, FULL)


@check(
    id="exact.banded",
    title="Level 2 on banded matrices is exact on integers, and touches nothing else",
    category="exact",
    routines=["?gbmv", "?sbmv", "?hbmv", "?tbmv", "?tbsv"],
    oracle=(
        "As exact.level2, with 0 to 33 diagonals on each side, also more than the matrix has; "
        "what a band's array holds outside of the matrix is a canary."
    ),
    catches=(
        "Wrong lengths at the ends of a band, row-major bands, conjugation, increments; these "
        "routines go through axpy and dot kernels and are called by hardly any other test."
    ),
    budget=120.0,
)
@few_threads
def banded(ctx):
    sizes, turns, idle = _sizes(ctx, [SPLIT, *TALL_AND_WIDE])
    cblas = Cblas(ctx.blas)
    between_canaries(ctx, cblas, calls(ctx.seed, sizes, BANDED, turns=turns, idle=idle))
    _split_forms(ctx, cblas, BANDED)


@check(
    id="exact.packed",
    title="Level 2 on packed triangles is exact on integers, and touches nothing else",
    category="exact",
    routines=["?spmv", "?hpmv", "?spr", "?hpr", "?spr2", "?hpr2", "?tpmv", "?tpsv"],
    oracle="As exact.level2, of triangles without gaps.",
    catches="Wrong starts of packed columns, in either order, triangle and increment.",
    budget=120.0,
)
@few_threads
def packed(ctx):
    sizes, turns, idle = _sizes(ctx, [SPLIT, *TALL_AND_WIDE])
    cblas = Cblas(ctx.blas)
    between_canaries(ctx, cblas, calls(ctx.seed, sizes, PACKED, turns=turns, idle=idle))
    _split_forms(ctx, cblas, PACKED)


@check(
    id="exact.complex-symmetric",
    title="Level 2 on complex symmetric matrices is exact on integers",
    category="exact",
    routines=[
        "csymv", "zsymv", "csbmv", "zsbmv", "cspmv", "zspmv", "csyr", "zsyr", "cspr", "zspr",
        "csyr2", "zsyr2", "cspr2", "zspr2",
    ],
    oracle=(
        "As exact.level2, with matrices that are symmetric and not Hermitian, through Fortran's "
        "interface. CBLAS has no such routines; LAPACK's sytrf, syrfs and their like call them, "
        "and SciPy gives out syr. OpenBLAS splits them over threads whatever their size."
    ),
    catches=(
        "Conjugation that does not belong there, triangles and increments mixed up, lost parts of "
        "threads, in kernels and drivers that hardly any other test reaches."
    ),
    budget=120.0,
)  # fmt: skip
@few_threads
def complex_symmetric(ctx):
    table, names = COMPLEX_SYMMETRIC, tuple(COMPLEX_SYMMETRIC)
    sizes, turns, idle = _sizes(ctx, [SPLIT])
    cblas = Cblas(ctx.blas)
    if ctx.profile == "smoke":
        sizes = sizes[::2] if ctx.threads == 1 else sizes[::4]
    between_canaries(ctx, cblas, calls(ctx.seed, sizes, names, turns=turns, idle=idle, table=table))
    _split_forms(ctx, cblas, names, table)

"""Level 1 to 3 with every operand against an unreadable page: too far a read or write crashes."""

import itertools

from checks import level1, level2, level3
from checks.api import check
from checks.calls import exported
from checks.cblas import Cblas
from checks.pages import against_pages
from checks.splitting import two_threads

__all__ = ["level1_bounds", "level2_bounds", "level3_bounds", "threaded_bounds"]

#: What has paths of its own for some scalars.
SCALINGS = ("scal", "rscal")

#: Lengths with which OpenBLAS splits level 1 over threads, and kernels block.
LONG = (10007, 16391)

#: A batch goes through the kernels of gemm, and has a check of its own (exact.gemm-batch).
LEVEL3 = tuple(name for name in level3.ROUTINES if name != "gemm_batch_strided")

#: With an inner dimension of their own.
PRODUCTS = ("gemm", "gemm3m", "gemmt", "gemmtr", "syrk", "herk", "syr2k", "her2k")


def level3_calls(ctx):
    """Yield small calls of all forms, then those like gemv and dot, then some of several panels."""
    yield from level3.calls(ctx.seed, LEVEL3, least=ctx.by_profile(32, 512))
    longest = ctx.by_profile(24, 72)
    thin = [
        shape
        for size in range(1, longest)
        for shape in ((size, 1, 17), (1, size, 9), (size, 5, 1), (2, 3, size), (size, size, 4))
    ]
    yield from level3.shaped_calls(ctx.seed, thin, ("gemm",), turns=ctx.by_profile(1, 8))
    panels = [(65, 130, 7), (130, 13, 33), (9, 65, 130), (97, 97, 3)]
    panels += ctx.by_profile([], [(3, 389, 5), (13, 5, 513), (100, 99, 98), (129, 31, 65)])
    yield from level3.shaped_calls(ctx.seed, panels, LEVEL3, turns=ctx.by_profile(1, 8))
    deep = [(7, 9, 521)]  # beyond GEMM_Q, where the last panel is another one
    yield from level3.shaped_calls(ctx.seed, deep, PRODUCTS, turns=ctx.by_profile(2, 16))


@check(
    id="bounds.level3",
    title="Level 3 reads and writes nothing outside of its operands",
    category="bounds",
    routines=[
        "?gemm", "cgemm3m", "zgemm3m", "?gemmt", "?symm", "chemm", "zhemm", "?syrk", "cherk",
        "zherk", "?syr2k", "cher2k", "zher2k", "?trmm", "?trsm", "?omatcopy", "?imatcopy",
    ],
    oracle=(
        "Each operand once ends where an unreadable page begins, and once begins where one ends "
        "(mmap, mprotect): an access beyond it by a line of 64 bytes or a vector register is a "
        "crash, in a forked process, so that every routine's is seen. All forms; sizes 0 to 63 "
        "with all tails, products with one row or column, and sizes of several panels."
    ),
    catches=(
        "Vector loads and stores beyond the last element, in small-matrix kernels, packing and "
        "beta routines: OpenBLAS#535, #2011, #4013, sgemm's tcopy before 0.3.15."
    ),
    max_threads=1,
    systems=("linux", "darwin"),
)  # fmt: skip
def level3_bounds(ctx):
    cblas = Cblas(ctx.blas)
    against_pages(ctx, cblas, lambda: exported(cblas, level3_calls(ctx)))


def level2_calls(ctx):
    sizes = [(m, 1 + 7 * m % 19) for m in range(1, 20)]
    sizes += [(33, 40), (64, 3), (3, 64), (71, 70)]
    sizes += [(100 + m, 1 + 5 * m % 8) for m in range(8)]
    if ctx.profile != "smoke":
        sizes += [(m, 1 + 29 * m % 75) for m in range(20, 75)]
        table, turns = level2.COMPLEX_SYMMETRIC, ctx.by_profile(1, 6)
        yield from level2.calls(ctx.seed, sizes, tuple(table), turns=turns, table=table)
    yield from level2.calls(ctx.seed, sizes, turns=ctx.by_profile(1, 6))


@check(
    id="bounds.level2",
    title="Level 2 reads and writes nothing outside of its operands",
    category="bounds",
    routines=[
        "?gemv", "?ger", "cgeru", "zgeru", "cgerc", "zgerc", "?gbmv", "ssymv", "dsymv", "chemv",
        "zhemv", "ssbmv", "dsbmv", "chbmv", "zhbmv", "sspmv", "dspmv", "chpmv", "zhpmv", "ssyr",
        "dsyr", "cher", "zher", "?trmv", "?trsv", "?tbmv", "?tbsv", "?tpmv", "?tpsv",
    ],
    oracle=(
        "As bounds.level3. These kernels read the caller's memory itself, in whole vectors: "
        "lengths 1 to 19 and some around 32 and 64, all flags and increments by turns."
    ),
    catches=(
        "Vector loads beyond the end of a row or column, prefetching by loads, band edges: "
        "OpenBLAS#184, #2009, blis#635."
    ),
    max_threads=1,
    systems=("linux", "darwin"),
)  # fmt: skip
def level2_bounds(ctx):
    cblas = Cblas(ctx.blas)
    against_pages(ctx, cblas, lambda: exported(cblas, level2_calls(ctx)))


def level1_calls(ctx, routines):
    lengths = itertools.chain(
        range(1, 37), (63, 64, 65, 127, 129, 257), ctx.by_profile((), range(66, 127))
    )
    turns = ctx.by_profile(2, 6)
    yield from level1.calls(ctx.seed, list(lengths), routines, turns)
    yield from level1.calls(ctx.seed, LONG[: ctx.by_profile(1, 2)], routines, turns)


def scalings(ctx):
    """Yield all pairs of a scalar and an increment, at lengths without and with a tail."""
    yield from level1.calls(ctx.seed, (15, 16, 32), SCALINGS, turns=25)
    yield from level1_calls(ctx, SCALINGS)


@check(
    id="bounds.level1",
    title="Level 1 reads and writes nothing outside of its operands",
    category="bounds",
    routines=[
        "?dot", "cdotu", "zdotu", "cdotc", "zdotc", "?axpy", "?axpby", "?scal", "?copy", "?swap",
        "?asum", "?rot", "?rotm", "i?amax", "i?amin",
    ],
    oracle=(
        "As bounds.level3: lengths 1 to 36, astride 64, 128 and 256, where unrolled loops have "
        "their tails, and above 10,000, where some take another path, forward and backward."
    ),
    catches="Tails that load or store a whole vector: OpenBLAS#535, #4013.",
    max_threads=1,
    systems=("linux", "darwin"),
)  # fmt: skip
def level1_bounds(ctx):
    cblas = Cblas(ctx.blas)
    others = [name for name in level1.ROUTINES if name not in SCALINGS]
    against_pages(ctx, cblas, lambda: exported(cblas, level1_calls(ctx, others)))
    against_pages(ctx, cblas, lambda: exported(cblas, scalings(ctx)))


def threaded_calls(ctx):
    """Yield calls of all levels that are just large enough to be split."""
    turns = ctx.by_profile(1, 6)
    # scal is split from 2^20 elements on only.
    others = [name for name in level1.ROUTINES if name not in SCALINGS]
    yield from level1.calls(ctx.seed, range(LONG[0], LONG[0] + 16), others, turns)
    yield from level2.calls(ctx.seed, [(231, 130)], turns=turns, idle=False)
    yield from level2.calls(ctx.seed, [(681, 680)], ("gemv",), turns=turns, idle=False)
    yield from level3.shaped_calls(ctx.seed, [(103, 101, 102), (307, 35, 37)], LEVEL3, turns=turns)
    if ctx.profile != "smoke":  # more blocks than one for each thread
        yield from level3.shaped_calls(ctx.seed, [(331, 317, 19)], LEVEL3, turns=2)


@check(
    id="bounds.threads",
    title="Split over threads, no routine reads or writes outside of its operands",
    category="bounds",
    routines=["?dot", "?axpy", "?gemv", "?ger", "?symv", "?tpsv", "?gemm", "?trsm"],
    oracle="As bounds.level3, with sizes that are split over the BLAS threads, in all levels.",
    catches="Last parts that are rounded up to whole blocks or vectors: OpenBLAS#535, #2009.",
    min_threads=2,
    systems=("linux", "darwin"),
)
@two_threads
def threaded_bounds(ctx):
    cblas = Cblas(ctx.blas)
    sides = ctx.by_profile((1,), (1, 0))  # the last part is the one that differs
    against_pages(ctx, cblas, lambda: exported(cblas, threaded_calls(ctx)), sides)

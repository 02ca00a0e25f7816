"""Level 3 through CBLAS on integers, which is exact: any difference is a bug."""

import functools

from checks.api import check
from checks.calls import between_canaries, each_form
from checks.cblas import Cblas
from checks.level3 import calls, shaped_calls
from checks.operands import DTYPES
from checks.splitting import few_threads
from checks.workers import at_most

__all__ = [
    "gemm_batch",
    "gemm_variants",
    "matcopy",
    "split_forms",
    "symmetric",
    "triangular_matrices",
]

VARIANTS = ("gemm", "gemm3m", "gemmt", "gemmtr")
COPIES = ("omatcopy", "imatcopy")
SYMMETRIC = ("symm", "hemm", "syrk", "herk", "syr2k", "her2k")
TRIANGULAR = ("trmm", "trsm")

#: Sizes astride the block sizes (GEMM_P, GEMM_Q) of the x86 and arm64 kernels.
BLOCKS = (129, 193, 257, 321, 385, 449, 513, 700, 1100)
#: Sizes between what `calls` asks densely and BLOCKS: three of them, or all.
MIDDLE = {"smoke": (65, 97, 127), "full": range(64, 129), "stress": range(64, 129)}
#: What goes with a large size.
FEW = ((3, 5), (8, 16), (17, 33), (33, 2), (1, 24), (12, 1))
#: With k = 0 only beta acts; otherwise nothing is done.
EMPTY = ((5, 7, 0), (17, 16, 0), (33, 40, 0), (0, 3, 4), (3, 0, 4), (0, 0, 0))
#: (m, n, k) that every routine splits over its threads in all precisions; n * k * n and m * n * k
#: above 262,144, sums of squares above 439,776 (interface/gemm.c, syrk.c, symm.c, trsm.c).
THREADED = ((103, 101, 102), (131, 67, 129), (82, 300, 83))
#: What is not split costs next to nothing, but a thread count may still decide how it is done.
UNSPLIT = (
    *((1, 31, 5), (23, 1, 15), (9, 7, 301)),
    *((17 + i, 1 + 5 * i % 16, 1 + 7 * i % 16) for i in range(16)),
)
#: Half of the rows or columns are more than GEMM_P. For updates in full only: C has 10^6 elements.
LONG_SPLIT = ((1601, 103, 21), (103, 1601, 21))
WIDE_SPLIT = ((1103, 7, 5),)
#: More than 10^5 elements both in B and in a triangle.
VAST = ((333, 319, 3),)
#: Split over threads, and k beyond the blocks of all kernels.
DEEP = ((25, 23, 773),)
#: All three beyond the blocks (GEMM_P, GEMM_Q) of the x86 kernels up to SkylakeX: only then do the
#: drivers put several blocks together in each direction. Smoke asks double precision.
LARGE = {
    "float64": (521, 531, 397),
    "complex128": (263, 271, 203),
    "float32": (773, 781, 521),
    "complex64": (521, 531, 521),
}


#: Calls of a routine in one precision after which it has met all combinations of its flags.
ALL_FORMS = 160


def split_forms(seed, routines, turns):
    """Yield calls that are split over threads: those of `turns` per precision that differ in flags.

    Which flags come first depends on the seed.
    """
    first = seed % 1009
    return each_form(shaped_calls(seed, THREADED[:1], routines, turns=turns, first=first))


def sweep(ctx, routines, least):
    """Make the calls of `routines` that suit the cell and that the library has."""
    make = functools.partial(between_canaries, ctx, Cblas(ctx.blas))
    if ctx.threads > 1:
        make(shaped_calls(ctx.seed, [*THREADED, *VAST], routines, turns=ctx.by_profile(1, 2)))
        make(shaped_calls(ctx.seed, UNSPLIT, routines, turns=ctx.by_profile(1, 4)))
        if not set(routines) & set(TRIANGULAR):
            make(shaped_calls(ctx.seed, DEEP, routines, turns=ctx.by_profile(1, 8)))
        _large(ctx, make, routines)
        # On two threads: with more than cores each call takes 50 ms and more.
        with at_most(ctx, ctx.by_profile(2, 2, ctx.threads)):
            make(split_forms(ctx.seed, routines, ctx.by_profile(1, ALL_FORMS)))
        return
    make(calls(ctx.seed, routines, least=ctx.by_profile(least, 16 * least)))
    turns = ctx.by_profile(1, 6)
    make(shaped_calls(ctx.seed, EMPTY, routines, turns=4 * turns))
    few = [(FEW[i % len(FEW)], size) for i, size in enumerate(BLOCKS)]
    wide = [*_middle(ctx, routines), *((m, size, k) for (m, k), size in few)]
    make(shaped_calls(ctx.seed, wide, routines, turns=turns))
    if not set(routines) & set(TRIANGULAR):
        deep = [(m, n, size) for (m, n), size in few]
        make(shaped_calls(ctx.seed, deep, routines, turns=turns))
    large = [(size, n, k) for (n, k), size in few]
    large = large[0:3:2] if ctx.profile == "smoke" else large
    make(shaped_calls(ctx.seed, [*large, *VAST], routines, turns=ctx.by_profile(1, 2)))
    _large(ctx, make, routines)


def _large(ctx, make, routines):
    forms = 4 if set(routines) & set(TRIANGULAR) else 2  # they have the most flags
    turns = forms if ctx.threads == 1 else 1
    for dtype, shape in list(LARGE.items())[: ctx.by_profile(2, 4)]:
        make(shaped_calls(ctx.seed, [shape], routines, [dtype], ctx.by_profile(turns, 6 * forms)))


def _middle(ctx, routines):
    """Return shapes of which one size is in the middle: all in each place, in smoke by turns."""
    places = 2 if set(routines) & set(TRIANGULAR) else 3
    shapes = []
    for index, size in enumerate(MIDDLE[ctx.profile]):
        for place in (index % places,) if ctx.profile == "smoke" else range(places):
            shape = [*FEW[index % len(FEW)]]
            shape.insert(place, size)
            shapes.append(tuple(shape))
    return shapes


@check(
    id="exact.gemm-variants",
    title="Products through CBLAS, with alpha and beta, are exact",
    category="exact",
    routines=["?gemm", "cgemm3m", "zgemm3m", "?gemmt", "?gemmtr"],
    oracle=(
        "alpha op(A) op(B) + beta C of integers must equal the exact matrix, which neither order "
        "nor fused multiply-add nor thread count can change (sums below 2^24 and 2^53). The "
        "reference: one factor has rank two, so that all its products are running sums, made "
        "without BLAS. Both orders, all transposed and conjugated forms, alpha and beta among 0, "
        "1, -1 and others; C a NaN for beta = 0; all sizes 0 to 63 in turn, which meet every "
        "residue modulo 16 of m, n and k (full: with each form), some to 127 (full: all to 128), "
        "sizes astride GEMM_P and GEMM_Q, and beyond both at once; padded leading dimensions; "
        "every alignment. With threads, full asks every form of what is split. Padding, "
        "surroundings, inputs and the triangle that gemmt does not write must keep their bits."
    ),
    catches=(
        "Wrong tails, tiles and copy routines in the forms that NumPy never calls, small-matrix "
        "kernels, beta and k = 0: OpenBLAS#1933, #1955, #2168, #2914, #3494, #6013, numpy#24903."
    ),
    budget=120.0,
)
@few_threads
def gemm_variants(ctx):
    sweep(ctx, VARIANTS, least=128)
    if ctx.threads == 1:
        _extreme(ctx, Cblas(ctx.blas))
    else:
        _blocks_of_threads(ctx, Cblas(ctx.blas), ("gemm", "gemm3m"), LONG_SPLIT)


def _extreme(ctx, cblas):
    """Tall and skinny, wide, and so deep that buffers and stacks sized by k are found."""
    long = ctx.by_profile(30011, 1000003)
    wide = [(3, long, 4), (2, 10007, 1)]
    deep = ctx.by_profile([(5, 4, 20011), (9, 7, 5003)], [(5, 4, 50021), (17, 9, 20011)])
    for shapes, high in ((wide, 8), (deep, 1)):
        stream = shaped_calls(ctx.seed, shapes, ("gemm",), high=high, turns=ctx.by_profile(1, 4))
        between_canaries(ctx, cblas, stream)


def _blocks_of_threads(ctx, cblas, routines, shapes):
    """Have each of two threads do several blocks."""
    with at_most(ctx, 2):
        stream = shaped_calls(ctx.seed, shapes, routines, turns=ctx.by_profile(1, 8))
        between_canaries(ctx, cblas, stream)


@check(
    id="exact.matcopy",
    title="Scaled and transposed copies are exact",
    category="exact",
    routines=["?omatcopy", "?imatcopy"],
    oracle=(
        "alpha op(A), to another place or in place, of integers, as in exact.gemm-variants: all "
        "forms, sizes to 63, padded leading dimensions. Gaps and surroundings keep their bits."
    ),
    catches=(
        "In-place copies whose buffer is too small for a padded matrix: the heap of 0.3.17 to "
        "0.3.20 is overwritten, and the process ends."
    ),
    max_threads=1,
)
def matcopy(ctx):
    cblas = Cblas(ctx.blas)
    stream = calls(ctx.seed, COPIES, least=ctx.by_profile(64, 768))
    between_canaries(ctx, cblas, stream)


@check(
    id="exact.gemm-batch",
    title="Batches of products at even distances are exact",
    category="exact",
    routines=["?gemm_batch_strided"],
    oracle=(
        "Every member of the batch must be the exact product of integers, as in "
        "exact.gemm-variants; what is between the members must keep its bits. Strides are counted "
        "in elements, as for leading dimensions and in MKL and cuBLAS."
    ),
    catches=(
        "Strides that are not scaled, members that are left out or written twice, row-major and "
        "column-major mixed up: OpenBLAS PR#5979, and complex strides (docs/found)."
    ),
)
@few_threads
def gemm_batch(ctx):
    cblas = Cblas(ctx.blas)
    if not any(cblas.has("gemm_batch_strided", dtype) for dtype in DTYPES):
        ctx.unsupported("this library exports no gemm_batch_strided")
    # A batch is always split over the threads, which costs milliseconds.
    least = ctx.by_profile(64, 768) if ctx.threads == 1 else ctx.by_profile(1, 16)
    stream = calls(ctx.seed, ("gemm_batch_strided",), least=least)
    between_canaries(ctx, cblas, stream)


@check(
    id="exact.level3",
    title="Symmetric and Hermitian products and updates of integers are exact",
    category="exact",
    routines=["?symm", "chemm", "zhemm", "?syrk", "cherk", "zherk", "?syr2k", "cher2k", "zher2k"],
    oracle=(
        "As exact.gemm-variants, for every order, side, triangle and form. The triangle that is "
        "not read, and the imaginary parts of a Hermitian diagonal, hold NaN; the triangle that is "
        "not written must keep its bits; the diagonal of a Hermitian result must be real."
    ),
    catches=(
        "Tiles on the diagonal, the wrong triangle, lost conjugation, copy routines that mirror "
        "wrongly, deep updates: OpenBLAS#1955 (dsymm), #2363, #3494, #5873 (ssyrk, row-major "
        "upper), #6013 (k > 256)."
    ),
    budget=120.0,
)
@few_threads
def symmetric(ctx):
    sweep(ctx, SYMMETRIC, least=128)
    if ctx.threads > 1 and ctx.profile != "smoke":
        _blocks_of_threads(ctx, Cblas(ctx.blas), SYMMETRIC, WIDE_SPLIT)


@check(
    id="exact.triangular",
    title="Products and solutions with triangular matrices are exact",
    category="exact",
    routines=["?trmm", "?trsm"],
    oracle=(
        "As exact.gemm-variants, for every order, side, triangle, form and diagonal. For trsm, B "
        "is the exact product with an integer X and the diagonal holds powers of two (complex: "
        "times 1, i, -i or 1 + i), whose inverses are exact: all intermediate sums are, and X must "
        "come out exactly. The other triangle and a unit diagonal hold NaN and must not be read."
    ),
    catches=(
        "Kernels for tails of the triangular solve, blocks on the diagonal, conjugated and "
        "right-hand forms: OpenBLAS#1955 (dtrmm), #2986, #3494 (dtrsm), #5728 (ctrmm), "
        "numpy#22502."
    ),
    budget=120.0,
)
@few_threads
def triangular_matrices(ctx):
    sweep(ctx, TRIANGULAR, least=256)

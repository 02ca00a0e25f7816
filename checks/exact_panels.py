"""Products whose packed operands fill the buffer that the library gives each thread."""

import numpy as np

from checks.api import check
from checks.operands import LETTER, whole
from checks.splitting import two_threads

__all__ = ["gemm_panels"]

#: Rows of the short operand, and different columns of the long one.
SHORT, PERIOD = 7, 61

#: Columns and depth. A thread packs half of the columns, at most GEMM_R, GEMM_Q deep (half the
#: depth, where that is less than two GEMM_Q): 34 MiB and more with Haswell's GEMM_Q (param.h: 320,
#: 256, 256, 192). Wheels have buffers of 32 MiB (BUFFERSIZE=20), which GEMM_R is made for.
SHAPES = {
    "float32": ((56000, 768),),
    "float64": ((36000, 512), (36000, 768)),
    "complex64": ((36000, 512), (36000, 768)),
    "complex128": ((24000, 384), (36000, 512)),
}


@check(
    id="exact.gemm-panels",
    title="Products that fill the buffers of two threads",
    category="exact",
    routines=["sgemm", "dgemm", "cgemm", "zgemm"],
    oracle=(
        "Seven rows of integers times 24,000 to 56,000 columns of 384 to 768, which repeat after "
        "61: two threads pack more than 32 MiB each, in blocks of GEMM_R columns. Every element is "
        "exact. An error of the size of a buffer, or of a block of it, writes into the other "
        "thread's, or beyond both. One depth per precision in smoke."
    ),
    catches=(
        "Buffers allocated for other blocks than the kernel packs (OpenBLAS#2728, where the base "
        "target's was four times smaller, #2538, #2959); the second block of GEMM_R columns."
    ),
    min_threads=2,
)
@two_threads
def gemm_panels(ctx):
    for dtype, shapes in SHAPES.items():
        for columns, depth in shapes[: ctx.by_profile(1, 2)]:
            _ask(ctx, dtype, columns, depth)


def _ask(ctx, dtype, columns, depth):
    values = whole(ctx.seed, SHORT + PERIOD, depth, dtype, 3)
    short, long = values[:SHORT], values[SHORT:]
    exact = np.einsum("jk,ik->ji", long, short, optimize=False)  # sums without BLAS
    place = np.arange(columns) % PERIOD
    parameters = {"dtype": dtype, "m": SHORT, "n": columns, "k": depth, "seed": ctx.seed}
    routine = LETTER[dtype] + "gemm"
    ctx.trying(routine, parameters)
    # Row after row of C-ordered operands is column after column for BLAS: n is the long side.
    wrong = np.flatnonzero((np.matmul(long[place], short.T) != exact[place]).any(axis=1))
    ctx.ran()
    if wrong.size:
        what = "%s %d x %d x %d: %d of %d columns wrong, the first is %d"
        sizes = (SHORT, depth, columns, wrong.size, columns, wrong[0])
        ctx.fail(routine, what % (dtype, *sizes), parameters, bad=wrong.size, of=columns)

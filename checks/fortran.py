"""BLAS through Fortran's interface, by which LAPACK and SciPy call it; NumPy takes CBLAS."""

from checks import level1, level2, level3
from checks.api import check
from checks.calls import between_canaries
from checks.cblas import COLUMN, Cblas

__all__ = ["Fortran", "fortran"]

#: How a complex number is returned depends on the compiler; exact.sum asks sum.
LEFT_OUT = ("dotu", "dotc", "sum")

#: No functions of Fortran, or others than in C.
LEVEL3 = tuple(
    name for name in level3.ROUTINES if name not in ("gemm_batch_strided", "omatcopy", "imatcopy")
)


class Fortran(Cblas):
    """Fortran's interface of a library, called as `Cblas` is, column by column."""

    fortran = True


def fortran_calls(ctx):
    """Yield calls of all routines; their parameters say by which interface."""
    turns = ctx.by_profile(1, 8)
    vectors = [name for name in level1.ROUTINES if name not in LEFT_OUT]
    sizes = [(m, 1 + 5 * m % 13) for m in range(1, ctx.by_profile(14, 40))]
    streams = (
        level1.calls(ctx.seed, range(ctx.by_profile(20, 40)), vectors, turns),
        level1.idle_calls(ctx.seed, vectors),
        level2.calls(ctx.seed, sizes, turns=2 * turns),
        level3.calls(ctx.seed, LEVEL3, rounds=turns, least=1),
    )
    for stream in streams:
        for call in stream:
            if call.parameters.get("order", COLUMN) == COLUMN:
                yield call._replace(parameters=dict(call.parameters, interface="fortran"))


@check(
    id="exact.fortran",
    title="Through Fortran's interface, BLAS is exact on integers",
    category="exact",
    routines=[
        "?gemm", "cgemm3m", "zgemm3m", "?gemmt", "?gemmtr", "?symm", "?hemm", "?syrk", "?herk",
        "?syr2k", "?her2k", "?trmm", "?trsm", "?gemv", "?gbmv", "?ger", "?geru", "?gerc", "?symv",
        "?hemv", "?sbmv", "?hbmv", "?spmv", "?hpmv", "?syr", "?her", "?spr", "?hpr", "?syr2",
        "?her2", "?spr2", "?hpr2", "?trmv", "?trsv", "?tbmv", "?tbsv", "?tpmv", "?tpsv", "?dot",
        "dsdot", "sdsdot", "?axpy", "?axpby", "?scal", "csscal", "zdscal", "?copy", "?swap",
        "?asum", "?nrm2", "i?amax", "i?amin", "?rot", "?rotm",
    ],
    oracle=(
        "As exact.level1 to exact.gemm-variants, all column-major flags at small sizes. In "
        "OpenBLAS each routine has two entries, which read flags, move pointers of negative "
        "increments and choose kernels for themselves. Functions that return a complex number, "
        "and sum, are left out."
    ),
    catches=(
        "Flags that one interface takes for others, offsets and defaults of one of them: "
        "OpenBLAS#492 (zsyr)."
    ),
    budget=120.0,
    max_threads=1,
    once=True,
)  # fmt: skip
def fortran(ctx):
    between_canaries(ctx, Fortran(ctx.blas), fortran_calls(ctx))

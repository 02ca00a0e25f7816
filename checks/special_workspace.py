"""What a workspace of LAPACK holds before a call: nothing follows from it."""

from checks.api import check
from checks.drivers import ROUTINES
from checks.lapack_litter import Littered
from checks.lapack_trials import ask

__all__ = ["workspaces"]

SIZES, MORE_SIZES = (3, 26, 33), (1, 2, 7, 12, 16, 25, 40, 65)


@check(
    id="special.lapack-workspace",
    title="What LAPACK's workspaces hold before a call does not matter",
    category="special",
    routines=[
        "?gels", "?gelsy", "?gelss", "?geqp3", "?ormqr", "?unmqr", "?gelqf", "?gglse", "?ggglm",
        "?syevr", "?heevr", "?syevx", "?heevx", "?syev", "?heev", "?syevd", "?heevd", "?sbevd",
        "?hbevd", "?sygvd", "?hegvd", "?geev", "?ggev", "?gehrd", "?gesvd", "?gees", "?gges",
        "?trsen", "?tgsen", "?sytrf", "?hetrf", "?getri", "?spevd", "?hpevd",
    ],
    oracle=(
        "The tables of accuracy.lapack-* with WORK and RWORK full of NaN and IWORK of 2^30 before "
        "each call: the same test ratios below the same limits. LAPACK says what a workspace holds "
        "at the end at most."
    ),
    catches=(
        "Workspaces that are read before they are written: right in fresh memory, wrong or dead in "
        "used. The known one, CVE-2021-4048, takes an interval: accuracy.lapack-ranges."
    ),
    max_threads=1,
    once=True,
    budget=120.0,
)  # fmt: skip
def workspaces(ctx):
    sizes = sorted(SIZES + ctx.by_profile((), MORE_SIZES))
    ask(ctx, ROUTINES, lapack=Littered(ctx.blas), sizes=sizes)

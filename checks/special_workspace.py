"""What a workspace of LAPACK holds before a call: nothing follows from it."""

from checks.api import check
from checks.drivers import ROUTINES
from checks.lapack_litter import Littered
from checks.lapack_trials import Trial, attempt
from checks.operands import DTYPES

__all__ = ["workspaces"]

SIZES, MORE_SIZES = (1, 3, 12, 26, 33), (2, 7, 16, 25, 40, 65)


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
    lapack = Littered(ctx.blas)
    for index, n in enumerate(sorted(SIZES + ctx.by_profile((), MORE_SIZES))):
        for place, routine in enumerate(ROUTINES):
            for position, dtype in enumerate(DTYPES):
                name, turn = routine.named(dtype), index + place + position
                if not lapack.has(name) or (ctx.profile == "smoke" and (turn + n) % 2):
                    continue
                count = ctx.by_profile(1, len(routine.variants))
                for step in range(count):
                    variant = routine.variants[(turn + step) % len(routine.variants)]
                    kind = routine.kinds[turn % len(routine.kinds)]
                    trial = Trial(lapack, dtype, n, kind, ctx.seed + index)
                    attempt(ctx, routine, name, trial, variant)

"""Floating-point flags of LAPACK: ordinary matrices raise none."""

from checks.api import check
from checks.drivers import Watched, each_driver, each_trial
from checks.fenv import flags_of_this_machine
from checks.lapack_trials import UNSPLIT, in_half
from checks.splitting import two_threads

__all__ = ["lapack_flags"]

MORE_SIZES = (1, 2, 3, 7, 12, 33, 40, 65)

#: In single precision, triangular solves divide what the buffer happens to hold in lanes that are
#: not stored: 0.3.31.22.1 on Haswell and SkylakeX and 0.3.34.481.3 on Katmai raise flags now and
#: then, which no user of a result sees.
PRECISIONS = ("float64", "complex128")

#: syevr asks LAPACK's IEEECK whether infinity and NaN work, which tries them out (0.3.33 and
#: older). trsen raised "invalid" once in 390 calls of a right library: what swaps blocks compares
#: what it has on its stack.
LEFT_OUT = ("syevr", "trsen", "tgsen")

#: Rows beyond the blocks of all routines, and those that are cheap there.
LARGE = 207
CHEAP = ("gesv", "getri", "potrf", "geqrf", "syevd", "heevd")


@check(
    id="special.lapack-flags",
    title="No routine of LAPACK raises floating-point flags on ordinary matrices",
    category="special",
    routines=[
        "?gesv", "?getrf", "?getrs", "?getri", "?potrf", "?potri", "?posv", "?trtri", "?trtrs",
        "?sytrf", "?hetrf", "?geqrf", "?gels", "?gelsd", "?syevd", "?heevd", "?geev", "?gesvd",
    ],
    oracle=(
        "fetestexcept after each call of the tables of accuracy.lapack-* and of the drivers that "
        "NumPy calls, in double precision, with random matrices of 16 to 31 rows, tall and wide "
        "ones, and some of 207: no invalid operation, no division by zero, no overflow. What lies "
        "around all arrays is NaN."
    ),
    catches=(
        "Code that computes on what it has not written, or on what lies beyond, and discards it; "
        "spurious warnings in NumPy: numpy#13173, numpy#28687."
    ),
    systems=("linux", "darwin"),
    budget=120.0,
    most_threads=True,
)  # fmt: skip
@two_threads
def lapack_flags(ctx):
    flags = flags_of_this_machine()
    if flags is None:
        ctx.unsupported("the floating-point flags of this machine cannot be read")

    def watch(_, call):
        flags.clear()
        call()
        return flags.raised()  # at once: NumPy's own operations clear them

    lapack = Watched(ctx.blas, watch)
    for parameters, call in _calls(ctx, lapack):
        parameters.update(seed=ctx.seed)
        for name, bits in lapack.ask(ctx, parameters, call):
            message = "size %d: raises %s" % (parameters["size"], flags.names(bits))
            ctx.fail(name, message, parameters)


def _calls(ctx, lapack):
    """Yield (parameters, call)."""
    # Smoke asks one cell of each kernel, whatever its threads.
    all_sizes = ctx.threads == 1 or ctx.profile == "smoke"
    sizes = (*UNSPLIT, *(ctx.by_profile((7,), MORE_SIZES) if all_sizes else ()))
    yield from each_trial(ctx, lapack, sizes, PRECISIONS, LEFT_OUT)
    for n in (*UNSPLIT, LARGE) if all_sizes else UNSPLIT:
        for position, dtype in enumerate(PRECISIONS):
            if ctx.profile == "smoke" and n != LARGE and not in_half(position, n):
                continue
            for name, call in each_driver(lapack, ctx.seed, n, dtype):
                if n != LARGE or name[1:] in CHEAP:
                    yield {"routine": name, "dtype": dtype, "size": n}, call

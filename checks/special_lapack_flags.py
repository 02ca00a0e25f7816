"""Floating-point flags of LAPACK: ordinary matrices raise none."""

from checks import accuracy_lapack_orthogonal, accuracy_lapack_spectra, accuracy_lapack_systems
from checks.api import check
from checks.drivers import REMAINDERS, each_driver, each_trial
from checks.fenv import flags_of_this_machine
from checks.lapack import REFUSALS, Lapack
from checks.splitting import two_threads

__all__ = ["lapack_flags"]

TABLES = (accuracy_lapack_systems, accuracy_lapack_spectra, accuracy_lapack_orthogonal)

MORE_SIZES = (1, 2, 3, 7, 12, 33, 40, 65)

#: In single precision, triangular solves divide what the buffer happens to hold in lanes that are
#: not stored: 0.3.31.22.1 on Haswell and SkylakeX and 0.3.34.481.3 on Katmai raise flags now and
#: then, which no user of a result sees.
PRECISIONS = ("float64", "complex128")

#: syevr asks LAPACK's IEEECK whether infinity and NaN work, which tries them out (0.3.33 and
#: older). trsen raised "invalid" once in 390 calls of a right library: what swaps blocks compares
#: what it has on its stack.
LEFT_OUT = ("syevr", "trsen", "tgsen")

#: Beyond the blocks of factorizations, which are cheap, and of eigenvalues.
LARGE = 207
FACTORIZATIONS = ("solve", "inv", "cholesky", "qr", "eigh")


class _Watched(Lapack):
    """Notes the flags that are up after each call, as (routine, bits)."""

    def __init__(self, library, flags):
        super().__init__(library)
        self._flags = flags
        self.made = 0
        self.raised = []

    def make(self, name, ready):
        self._flags.clear()
        ready.make()
        bits = self._flags.raised()  # at once: NumPy's own operations clear them
        self.made += 1
        if bits:
            self.raised.append((name, bits))


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
)  # fmt: skip
@two_threads
def lapack_flags(ctx):
    flags = flags_of_this_machine()
    if flags is None:
        ctx.unsupported("the floating-point flags of this machine cannot be read")
    lapack = _Watched(ctx.blas, flags)
    sizes = (*REMAINDERS, *(ctx.by_profile((7,), MORE_SIZES) if ctx.threads == 1 else ()))
    for parameters, call in each_trial(ctx, lapack, TABLES, sizes, PRECISIONS, LEFT_OUT):
        _ask(ctx, lapack, flags, parameters, call)
    for n in (*REMAINDERS, LARGE) if ctx.threads == 1 else REMAINDERS:
        for dtype in PRECISIONS:
            # In smoke each precision goes through all remainders modulo 8.
            if ctx.profile == "smoke" and dtype != PRECISIONS[(n + n // 8) % 2] and n != LARGE:
                continue
            for name, call in each_driver(lapack, ctx.seed, n, dtype):
                # Of large ones those that are cheap.
                if n != LARGE or name in FACTORIZATIONS:
                    parameters = {"routine": name, "dtype": dtype, "size": n}
                    _ask(ctx, lapack, flags, parameters, call)


def _ask(ctx, lapack, flags, parameters, call):
    """Require calls without flags; what refuses an answer is for other checks to tell."""
    parameters = dict(parameters, seed=ctx.seed)
    ctx.trying(parameters["routine"], parameters)
    lapack.made, lapack.raised = 0, []
    try:
        call()
    except REFUSALS:
        ctx.details["refused"] = ctx.details.get("refused", 0) + 1
    ctx.ran(lapack.made)
    for name, bits in lapack.raised:
        message = "size %d: raises %s" % (parameters["size"], flags.names(bits))
        ctx.fail(name, message, parameters)

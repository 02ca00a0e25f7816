"""Floating-point flags of LAPACK: ordinary matrices raise none."""

from checks import (
    accuracy_lapack_orthogonal,
    accuracy_lapack_spectra,
    accuracy_lapack_systems,
    matrices,
)
from checks.api import check
from checks.fenv import flags_of_this_machine
from checks.lapack import REFUSALS, Lapack
from checks.lapack_trials import Trial
from checks.splitting import two_threads

__all__ = ["lapack_flags"]

SIZES = (7, 23)
MORE_SIZES = (1, 2, 3, 12, 33, 40, 65)

#: In single precision, triangular solves divide what the buffer happens to hold in lanes that are
#: not stored: 0.3.31.22.1 on Haswell and SkylakeX and 0.3.34.481.3 on Katmai raise flags now and
#: then, which no user of a result sees.
PRECISIONS = ("float64", "complex128")

#: syevr asks LAPACK's IEEECK whether infinity and NaN work, which tries them out (0.3.33 and
#: older). trsen raised "invalid" once in 390 calls of a right library: what swaps blocks compares
#: what it has on its stack.
LEFT_OUT = ("syevr", "trsen", "tgsen")

#: For factorizations and the eigenvalues that NumPy asks for, beyond their blocks.
LARGE = 207


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
        "fetestexcept after each call of the tables of accuracy.lapack-* in double precision, with "
        "random matrices, and of the drivers that NumPy calls with 207 rows: no invalid operation, "
        "no division by zero, no overflow. What lies around all arrays is NaN."
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
    for dtype in PRECISIONS:
        for n in SIZES + ctx.by_profile((), MORE_SIZES) if ctx.threads == 1 else SIZES[:1]:
            for routine, variant in _chosen(ctx, n):
                name = routine.named(dtype)
                if lapack.has(name):
                    parameters = {"routine": name, "variant": variant, "dtype": dtype, "size": n}
                    trial = Trial(lapack, dtype, n, "random", ctx.seed)
                    _ask(ctx, lapack, flags, parameters, routine.run, trial, variant)
        for driver, arguments in _drivers(ctx, lapack, dtype) if ctx.threads == 1 else ():
            parameters = {"routine": driver.__name__, "dtype": dtype, "size": LARGE}
            _ask(ctx, lapack, flags, parameters, driver, *arguments)


def _chosen(ctx, n):
    """Yield (routine, variant): one variant by turns in smoke, else all."""
    for module in (accuracy_lapack_systems, accuracy_lapack_spectra, accuracy_lapack_orthogonal):
        for place, routine in enumerate(module.TABLE):
            if routine.name in LEFT_OUT:
                continue
            variants = routine.variants
            if ctx.profile == "smoke":
                variants = variants[(n + place) % len(variants) :][:1]
            for variant in variants:
                yield routine, variant


def _drivers(ctx, lapack, dtype):
    """Yield (driver, arguments) of large matrices."""
    a = matrices.random(ctx.seed, LARGE, LARGE, dtype)
    yield lapack.solve, (a, a[:, :3])
    yield lapack.inv, (a,)
    positive = matrices.positive("random", ctx.seed, LARGE, dtype)
    yield lapack.cholesky, (positive,)
    yield lapack.qr, (a,)
    yield lapack.eigh, (a + a.conj().T,)


def _ask(ctx, lapack, flags, parameters, function, *arguments):
    """Require calls without flags; what refuses an answer is for other checks to tell."""
    parameters = dict(parameters, seed=ctx.seed)
    ctx.trying(parameters["routine"], parameters)
    lapack.made, lapack.raised = 0, []
    try:
        function(*arguments)
    except REFUSALS:
        ctx.details["refused"] = ctx.details.get("refused", 0) + 1
    ctx.ran(lapack.made)
    for name, bits in lapack.raised:
        message = "size %d: raises %s" % (parameters["size"], flags.names(bits))
        ctx.fail(name, message, parameters)

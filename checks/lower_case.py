"""Flags in lower case, which BLAS and LAPACK take as well."""

from checks.api import check
from checks.calls import between_canaries
from checks.drivers import ROUTINES
from checks.fortran import Fortran, fortran_calls
from checks.lapack import Lapack
from checks.lapack_trials import ask

__all__ = ["lower_case"]

#: Not in reference BLAS, which says what flags mean; exact.fortran asks them.
LEFT_OUT = ("gemmt", "gemmtr", "gemm3m")

#: Of LAPACK's matrices: the flags decide, not the sizes.
SIZES = (5,)


class _LowerFortran(Fortran):
    def _by_reference(self, kinds, dtype, arguments):
        passed = super()._by_reference(kinds, dtype, arguments)
        return [each.lower() if isinstance(each, bytes) else each for each in passed]


class _LowerLapack(Lapack):
    def prepared(self, name, *arguments):
        lower = [each.lower() if isinstance(each, str) else each for each in arguments]
        return super().prepared(name, *lower)


@check(
    id="exact.lower-case",
    title="Flags in lower case mean what they mean in upper case",
    category="exact",
    routines=["?gemm", "?trsm", "?gemv", "?symv", "?syrk", "?potrf", "?trtrs", "?trtri", "?getrs"],
    oracle=(
        "As exact.fortran, and as the tables of accuracy.lapack-* at one size, with every flag in "
        "lower case: reference BLAS and LAPACK compare flags by LSAME, which does not tell the "
        "cases apart."
    ),
    catches="Flags that OpenBLAS's own LAPACK calls illegal: OpenBLAS#4701 (trtrs).",
    max_threads=1,
    once=True,
)
def lower_case(ctx):
    calls = (
        call._replace(parameters=dict(call.parameters, interface="lower"))
        for call in fortran_calls(ctx)
        if call.routine not in LEFT_OUT
    )
    between_canaries(ctx, _LowerFortran(ctx.blas), calls)
    ask(ctx, ROUTINES, lapack=_LowerLapack(ctx.blas), sizes=SIZES)

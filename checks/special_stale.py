"""What a call has computed must not come back in the next: every routine, after one of NaN."""

import numpy as np

from checks import level1
from checks.api import check
from checks.calls import between_canaries, name_of, operands_of, with_operands
from checks.cblas import Cblas
from checks.every import every_call
from checks.splitting import two_threads

__all__ = ["stale_nan"]

#: Of levels 1, 2 and 3. The first of each is large enough to be split over threads.
FORMS = (
    ((10007,), (63,)),
    ((331, 305), (39, 15)),
    ((103, 101, 102), (207, 209, 3)),
)


@check(
    id="special.stale-nan",
    title="No routine brings the NaN of an earlier call back",
    category="special",
    routines=[
        "?gemm", "?symm", "?syrk", "?syr2k", "?trmm", "?trsm", "?gemv", "?symv", "?ger", "?trmv",
        "?trsv", "?gbmv", "?spmv", "?axpy", "?scal", "?dot",
    ],
    oracle=(
        "Each routine first computes with operands that are all NaN, large ones and then those of "
        "the call that follows; that is one with integers, and must be exact as in exact.level1 to "
        "exact.level3, without a flag: buffers, packed panels and sums start from nothing. ?sum, "
        "which exact.sum asks, is left out."
    ),
    catches=(
        "Accumulators and padding that are taken from a buffer as an earlier call left it: "
        "OpenBLAS#746, #929, #3318."
    ),
    budget=120.0,
    most_threads=True,
)  # fmt: skip
@two_threads
def stale_nan(ctx):
    cblas = Cblas(ctx.blas)
    turns = ctx.by_profile((1, 3), (4, 16))
    stream = every_call(cblas, ctx.seed, *FORMS, turns=turns, leave_out=level1.SUMS)
    between_canaries(ctx, cblas, _each_after_nan(ctx, cblas, stream))


def _each_after_nan(ctx, cblas, calls):
    """Yield the calls, each after its routine has been called with NaN."""
    first = None
    for call in calls:
        if first is None or name_of(first) != name_of(call):
            first = call
        ctx.trying(name_of(call), dict(call.parameters, nan=True))
        for spoilt in (first, call) if first is not call else (call,):
            cblas.call(spoilt.routine, spoilt.dtype, *with_operands(spoilt, _spoilt(spoilt)))
        yield call


def _spoilt(call):
    """Yield NaN in place of each operand, and a copy of the one that must stay as it is."""
    for place, operand in enumerate(operands_of(call)):
        if place == level1.FACTORS.get(call.routine):
            yield operand.before.copy()
        else:
            yield np.full(len(operand.before), np.nan, operand.before.dtype)

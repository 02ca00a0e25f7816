"""Numbers below the normal range: computed with, not replaced by zero."""

import threading

import numpy as np

from checks import level1, level2, level3
from checks.api import check
from checks.calls import Operand, between_canaries, operands_of, with_operands
from checks.cblas import Cblas
from checks.operands import real_dtype
from checks.splitting import few_threads

__all__ = ["subnormal"]

#: Sixteen times the smallest number: halves and quarters of integers are exact in this unit too.
UNITS = {np.dtype("float32"): 2.0**-145, np.dtype("float64"): 2.0**-1070}

#: {routine: places of the operands in which its result is linear, all taken together}.
LINEAR = {
    1: {
        "dot": (0,), "dotu": (0,), "dotc": (0,), "axpy": (0, 1), "scal": (0,), "rscal": (0,),
        "copy": (0, 1), "swap": (0, 1), "asum": (0,), "rot": (0, 1), "rotm": (0, 1),
    },
    2: {
        "gemv": (1, 2), "gbmv": (1, 2), "symv": (1, 2), "hemv": (1, 2), "spmv": (1, 2),
        "hpmv": (1, 2), "ger": (0, 2), "geru": (0, 2), "gerc": (0, 2), "syr2": (0, 2),
        "her2": (0, 2), "trmv": (1,), "trsv": (1,), "tbsv": (1,), "tpsv": (1,),
    },
    3: {
        "gemm": (1, 2), "symm": (1, 2), "hemm": (1, 2), "syr2k": (0, 2), "her2k": (0, 2),
        "trmm": (1,), "trsm": (1,),
    },
}  # fmt: skip


def scaled(call, places):
    """Return the call with these operands, and what follows from them, in the unit."""
    unit = UNITS[real_dtype(call.dtype)]
    replaced = (
        Operand(*(_times(image, unit) for image in operand)) if place in places else operand
        for place, operand in enumerate(operands_of(call))
    )
    arguments = tuple(with_operands(call, replaced))
    returns = None if call.returns is None else call.returns * unit
    parameters = dict(call.parameters, unit=unit, scaled=list(places))
    return call._replace(arguments=arguments, returns=returns, parameters=parameters)


def _times(image, unit):
    """Return numbers multiplied by the unit, canaries bit by bit as they were."""
    parts = image.view(image.real.dtype)
    return np.where(np.isnan(parts), parts, parts * parts.dtype.type(unit)).view(image.dtype)


def _streams(ctx):
    if ctx.threads == 1:
        lengths, turns = ctx.by_profile(((1, 3, 8, 17, 40), 2), (range(1, 70), 1))
        yield 1, level1.calls(ctx.seed, lengths, LINEAR[1], turns, idle=False)
        sizes = [(m, (37 * m + 11) % 40 + 1) for m in ctx.by_profile((3, 8, 17), range(1, 41))]
        yield 2, level2.calls(ctx.seed, sizes, LINEAR[2])
        shapes = ((5, 7, 9), (17, 16, 33), *ctx.by_profile((), ((40, 41, 39), (1, 2, 3))))
        yield 3, level3.shaped_calls(ctx.seed, shapes, LINEAR[3], turns=ctx.by_profile(1, 6))
    else:
        yield 1, level1.calls(ctx.seed, (10016,), ("axpy", "dot", "dotu", "scal"))
        yield 2, level2.calls(ctx.seed, ((230, 130),), ("gemv", "symv", "trsv"), idle=False)
        yield 3, level3.shaped_calls(ctx.seed, ((64, 65, 41),), ("gemm", "trsm"))


def flushes(dtype):
    """Whether this thread replaces subnormal results or operands by zero."""
    info = np.finfo(dtype)
    smallest = np.full(9, UNITS[np.dtype(dtype)], dtype)  # a vector instruction and its tail
    halved = np.full(9, info.tiny, dtype) * info.dtype.type(0.5)
    return bool((smallest * info.dtype.type(2) == 0).any() or (halved == 0).any())


@check(
    id="special.subnormal",
    title="Subnormal numbers are computed with, in all threads",
    category="special",
    routines=["?gemm", "?symm", "?trsm", "?gemv", "?symv", "?ger", "?trsv", "?axpy", "?dot"],
    oracle=(
        "Integers times 16 times the smallest number, in the operands that a result is linear in: "
        "every partial result is a multiple of the smallest number and so exact (gradual "
        "underflow, IEEE 754). Afterwards NumPy must not flush to zero, neither in the calling "
        "thread nor in a new one: a library that was linked with -ffast-math sets that on loading."
    ),
    catches=(
        "Flush to zero, set on loading or by a kernel; reciprocals of subnormal numbers: "
        "OpenBLAS#3976, #3654, numpy#22025."
    ),
)
@few_threads
def subnormal(ctx):
    found = {}

    def look(where):
        found[where] = [name for name in ("float32", "float64") if flushes(name)]

    look("before")
    cblas = Cblas(ctx.blas)
    for level, calls in _streams(ctx):
        small = (scaled(call, LINEAR[level][call.routine]) for call in calls)
        between_canaries(ctx, cblas, small)
    look("after")
    thread = threading.Thread(target=look, args=("in a new thread",))
    thread.start()
    thread.join()
    for where, dtypes in found.items():
        ctx.ran()
        if dtypes:
            ctx.fail(
                "any",
                "subnormal %s are flushed to zero %s" % (" and ".join(dtypes), where),
                {"flushed": where},
            )

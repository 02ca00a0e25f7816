"""NaN in operands that alpha = 0 takes out: recorded, since BLAS implementations differ."""

import itertools

import numpy as np

from checks import level1, level2, level3
from checks.api import check
from checks.calls import exported, made, name_of, operands_of, with_operands
from checks.cblas import Cblas
from checks.storage import bits

__all__ = ["alpha_zero"]

LEVEL1 = ("axpy",)
LEVEL2 = ("gemv", "gbmv", "symv", "hemv", "sbmv", "hbmv", "spmv", "hpmv", "ger", "geru", "gerc")
LEVEL3 = ("gemm", "symm", "hemm", "syrk", "herk", "syr2k", "her2k", "trmm", "trsm")

#: What is recorded, by whether a NaN reached the results of (some, all) calls.
WORDS = {(False, False): "not read", (True, True): "spreads", (True, False): "spreads sometimes"}


def _calls(ctx):
    """Yield calls whose alpha is zero, and that have something to write."""
    sizes = [(m, 1 + 5 * m % 19) for m in range(1, ctx.by_profile(20, 70))]
    streams = (
        level1.calls(ctx.seed, (1, 3, 8, 17, 64), LEVEL1, turns=12),
        level2.calls(ctx.seed, sizes, LEVEL2),
        level3.calls(ctx.seed, LEVEL3, least=ctx.by_profile(32, 256)),
    )
    for call in itertools.chain(*streams):
        if call.parameters.get("alpha") in (0, [0.0, 0.0]) and len(operands_of(call)[-1].after):
            yield call


@check(
    id="special.alpha-zero",
    title="With alpha = 0 the rest of the result is what beta makes of it",
    category="special",
    routines=[
        "?gemm", "?symm", "?hemm", "?syrk", "?herk", "?syr2k", "?her2k", "?trmm", "?trsm",
        "?gemv", "?gbmv", "?symv", "?hemv", "?sbmv", "?hbmv", "?spmv", "?hpmv", "?ger", "?axpy",
    ],
    oracle=(
        "All that is only read is NaN, alpha is 0: each element of the result is beta times what "
        "it was, exactly, or NaN. Which of both is recorded: reference BLAS does not read these "
        "operands, others multiply (Demmel et al., arXiv 2207.09281)."
    ),
    catches="Shortcuts for alpha = 0 that come or go, or forget beta: OpenBLAS#4413, #4728.",
    max_threads=1,
)  # fmt: skip
def alpha_zero(ctx):
    cblas = Cblas(ctx.blas)
    spread = {}
    for call in exported(cblas, _calls(ctx)):
        memories = [_spoilt(operand) for operand in operands_of(call)]
        ctx.trying(name_of(call), call.parameters)
        made(ctx, cblas, call, with_operands(call, memories))
        nan = _judged(ctx, call, memories)
        if nan is not None:
            spread.setdefault(name_of(call), []).append(nan)
    for name, answers in sorted(spread.items()):
        ctx.record("%s: NaN where alpha = 0" % name, WORDS[any(answers), all(answers)])


def _spoilt(operand):
    """Return a copy, NaN throughout where the operand is only read."""
    memory = operand.before.copy()
    if operand.before is operand.after:
        memory[...] = np.nan
    return memory


def _judged(ctx, call, memories):
    """Return whether NaN reached a result; None when an element is neither NaN nor exact."""
    ctx.ran()
    reached = False
    for operand, memory in zip(operands_of(call), memories):
        if operand.before is operand.after:
            continue
        found, exact = (array.view(array.real.dtype) for array in (memory, operand.after))
        kept = bits(memory) == bits(operand.after)
        nan = np.isnan(found) & ~kept
        wrong = ~(kept | nan | (found == exact))
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            message = "alpha = 0: part %d of the result is %s, exactly %s" % (
                at,
                found[at],
                exact[at],
            )
            ctx.fail(name_of(call), message, call.parameters, first_bad=[at], bad=wrong.sum())
            return None
        reached = reached or bool(nan.any())
    return reached

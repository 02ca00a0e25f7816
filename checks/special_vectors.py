"""NaN, infinity, extreme ranges in level 1: scal, norms, the place of the largest element."""

import numpy as np

from checks.api import check
from checks.cblas import Cblas
from checks.operands import DTYPES, LETTER

__all__ = ["scal_nan"]


@check(
    id="special.scal-nan",
    title="Scaling by zero keeps NaN and infinity",
    category="special",
    routines=["?scal"],
    oracle=(
        "Reference BLAS multiplies every element, also by zero: 0 * NaN and 0 * Inf are NaN (IEEE "
        "754), 0 * finite is 0. Real precisions; lengths 1 to 40 and one that is split over "
        "threads, increments 1 and 2, a NaN or infinity at either end. The complex routines, which "
        "no release of OpenBLAS has answered alike on all kernels, are recorded: how often the NaN "
        "was lost, how often it spoilt its neighbour."
    ),
    catches="A shortcut for alpha = 0 that fills with zeros: OpenBLAS#4413, #4728, #4729.",
)
def scal_nan(ctx):
    cblas = Cblas(ctx.blas)
    for dtype in DTYPES:
        is_complex = dtype.startswith("c")
        figures = {"lost": 0, "spoilt": 0}
        for n in (*range(1, 41), 10016) if ctx.threads == 1 else (7, 10016):
            for step in (1, 2):
                for value in (np.nan, np.inf):
                    for at in {0, n - 1}:
                        x = np.ones(n * step, dtype)
                        x[at * step] = value
                        cblas.call("scal", dtype, n, 0.0, x, step)
                        result = x[::step]
                        lost = not np.isnan(result[at])
                        spoilt = bool(np.count_nonzero(np.delete(result, at)))
                        figures["lost"] += lost
                        figures["spoilt"] += spoilt
                        if is_complex:
                            continue
                        ctx.ran()
                        if lost or spoilt:
                            what = result[at] if lost else "others are not 0"
                            ctx.fail(
                                LETTER[dtype] + "scal",
                                "0 * %s, element %d of %d, increment %d: %s"
                                % (value, at, n, step, what),
                                {
                                    "dtype": dtype,
                                    "n": n,
                                    "step": step,
                                    "at": at,
                                    "value": str(value),
                                },
                            )
        if is_complex:
            ctx.details[LETTER[dtype] + "scal"] = figures

"""NaN and infinity in one element of one operand: they reach what depends on it, and nothing else.

What depends on an element is found by changing it: each call is made on generic numbers, again with
that element changed, and once more with NaN in its place. So any call can be asked, whatever it
computes; that it computes the right thing on numbers is asked by `exact`.
"""

import itertools

import numpy as np

from checks import level1, level2, level3
from checks.api import check
from checks.calls import name_of, operands_of, with_operands
from checks.cblas import Cblas
from checks.operands import LETTER
from checks.splitting import few_threads

__all__ = ["Propagation", "level1_nan", "level2_nan", "level3_nan"]

#: They divide by a matrix, where infinity makes zeros; and what is far away from an element may
#: depend on it by less than a rounding.
SOLVES = ("trsv", "tbsv", "tpsv", "trsm")

#: Scalars by which an operand does not count when they are zero. Whether the reference reads it
#: then differs from routine to routine.
SCALARS = ("alpha", "c", "s")


class Propagation:
    """Asks calls, one after the other; failures go to `ctx`.

    strayed: names of routines for which it is open, whether NaN may meet zeros that fill a tile,
    and whose NaN went to rows or columns that do not depend on it.
    """

    def __init__(self, ctx):
        self.ctx = ctx
        self.cblas = Cblas(ctx.blas)
        self.random = np.random.RandomState(ctx.seed)
        self.strayed = set()
        self._asked = 0

    def ask(self, calls):
        """Put NaN or infinity into an element of each, here and there in turn."""
        with np.errstate(all="ignore"):
            for call in calls:
                if self.cblas.has(call.routine, call.dtype) and not _has_zero_scalar(call):
                    self._ask(call)

    def _ask(self, call):
        operands = operands_of(call)
        fixed = level1.FACTORS.get(call.routine)
        images = [
            operand.before if place == fixed else self._generic(operand.before)
            for place, operand in enumerate(operands)
        ]
        candidates = [
            (place, readable)
            for place, readable in enumerate(np.flatnonzero(~np.isnan(i.real)) for i in images)
            if len(readable) and place != fixed
        ]
        if not candidates:
            return
        self._asked += 1
        place, readable = candidates[self._asked % len(candidates)]
        somewhere = self._asked * 7919 % len(readable)
        at = int(readable[(0, -1, somewhere)[self._asked // 2 % 3]])
        value = (np.nan, np.inf, np.nan, -np.inf)[self._asked // 6 % 4]
        if call.routine in SOLVES and place == 0:
            value = np.nan
        parameters = dict(call.parameters, place=place, at=at, value=str(value))
        self.ctx.trying(name_of(call), parameters)
        plain = self._run(call, images)
        changed = self._run(call, images, place, at, None)
        result = self._run(call, images, place, at, value)
        self._judge(call, plain, changed, result, parameters)

    def _generic(self, image):
        """Return numbers without relations between them; parts that are NaN stay so, and only they.

        As complex numbers a real diagonal, whose imaginary part is NaN, would be NaN all over.
        """
        parts = image.view(image.real.dtype)
        return (
            (parts * self.random.uniform(1, 1.5, len(parts))).astype(parts.dtype).view(image.dtype)
        )

    def _run(self, call, images, place=None, at=None, value=None):
        """Return all that the call leaves behind, as one array.

        The element `at` of operand `place` is changed: both parts, or the real one to `value`.
        """
        arrays = [image.copy() for image in images]
        if value is not None:
            arrays[place].real[at] = value
        elif place is not None:
            parts = arrays[place].view(arrays[place].real.dtype).reshape(len(arrays[place]), -1)
            parts[at] = np.where(parts[at] == 0, 1, -2 * parts[at])
        passed = with_operands(call, arrays)
        returned = self.cblas.call(call.routine, call.dtype, *passed)
        return np.concatenate(arrays if returned is None else [*arrays, [returned]])

    def _judge(self, call, plain, changed, result, parameters):
        self.ctx.ran()
        empty = np.isnan(plain)
        depends = (plain != changed) & ~empty
        is_nan = parameters["value"] == "nan"
        reached = np.isnan(result) if is_nan else ~np.isfinite(result)
        lost = depends & ~reached
        strayed = ~depends & ~empty & (plain != result)
        if call.routine in SOLVES:
            strayed[:] = False
        if call.routine == "trmm" and strayed.any():
            self.strayed.add(LETTER[call.dtype] + call.routine)
            strayed[:] = False
        for wrong, what in ((lost, "is lost"), (strayed, "spreads to what does not depend on it")):
            if wrong.any():
                self.ctx.fail(
                    name_of(call),
                    "%s in element %d of operand %d %s: %d elements, the first is %s"
                    % (
                        parameters["value"],
                        parameters["at"],
                        parameters["place"] + 1,
                        what,
                        np.count_nonzero(wrong),
                        result[wrong][0],
                    ),
                    parameters,
                )


def _has_zero_scalar(call):
    zero = [name for name in SCALARS if call.parameters.get(name) in (0, [0, 0], [0.0, 0.0])]
    return bool(zero) or (call.routine == "axpby" and call.parameters["beta"] == 0)


@check(
    id="special.level1-nan",
    title="NaN and infinity in a vector reach what depends on it, and nothing else",
    category="special",
    routines=["?dot", "?dotu", "?dotc", "?axpy", "?scal", "?copy", "?swap", "?asum", "?rot"],
    oracle=(
        "IEEE 754: what changes when an element changes is NaN when the element is NaN, and not "
        "finite when it is infinite; all else keeps its bits. Generic numbers, every operand, "
        "changing places, all flags. Scalars that are zero are left out (open in reference BLAS). "
        "With threads, sizes that are split over them."
    ),
    catches="Masked tails, comparisons and shortcuts that drop a NaN: OpenBLAS#4413, #4728.",
)
@few_threads
def level1_nan(ctx):
    routines = [name for name in level1.STANDARD + level1.EXTENSIONS if name[-2:] not in ENDINGS]
    lengths, turns = (*range(17, 33), *[10007] * 3), ctx.by_profile(1, 6)
    if ctx.threads == 1:
        lengths, turns = range(1, ctx.by_profile(40, 70)), ctx.by_profile(2, 6)
        routines.remove("nrm2")  # special.nrm2 asks more
    Propagation(ctx).ask(level1.calls(ctx.seed, lengths, routines, turns))


#: Those of BLAS itself. Some releases of OpenBLAS write elsewhere in others (`exact`, `bounds`).
LEVEL3 = ("gemm", "symm", "hemm", "syrk", "herk", "syr2k", "her2k", "trmm", "trsm")

#: (m, n, k) that is split over threads, and with k beyond the blocks of all kernels.
THREADED = ((103, 101, 102), (11, 13, 773))

#: Routines of the largest and smallest element, for which NaN is asked by `special_vectors`.
ENDINGS = ("ax", "in")


@check(
    id="special.level2-nan",
    title="NaN and infinity in a matrix or vector reach what depends on them, and nothing else",
    category="special",
    routines=[
        "?gemv",
        "?gbmv",
        "?symv",
        "?hemv",
        "?sbmv",
        "?hbmv",
        "?spmv",
        "?hpmv",
        "?ger",
        "?geru",
        "?gerc",
        "?syr",
        "?her",
        "?spr",
        "?hpr",
        "?syr2",
        "?her2",
        "?spr2",
        "?hpr2",
        "?trmv",
        "?tbmv",
        "?tpmv",
        "?trsv",
        "?tbsv",
        "?tpsv",
    ],
    oracle="As special.level1-nan. Of solves only that nothing is lost.",
    catches="Tests for zero that skip a NaN, masked tails: OpenBLAS#929, #171, #750, #4419, #86.",
)
@few_threads
def level2_nan(ctx):
    sizes = [(m, (37 * m + 11) % 40 + 1) for m in range(1, ctx.by_profile(34, 44))]
    propagation = Propagation(ctx)
    if ctx.threads > 1:
        unsplit = level2.calls(ctx.seed, [(17 + i, 1 + 5 * i % 16) for i in range(16)])
        propagation.ask(itertools.islice(unsplit, 0, None, ctx.by_profile(5, 1)))
        sizes = [(231, 130)] * ctx.by_profile(2, 3)  # split, but gemv in real precision
    propagation.ask(level2.calls(ctx.seed, sizes, idle=ctx.threads == 1))
    if ctx.profile != "smoke":
        table = level2.COMPLEX_SYMMETRIC
        propagation.ask(level2.calls(ctx.seed, sizes, tuple(table), table=table))


@check(
    id="special.level3-nan",
    title="NaN and infinity in a matrix reach what depends on it, and nothing else",
    category="special",
    routines=[
        "?gemm",
        "?symm",
        "?hemm",
        "?syrk",
        "?herk",
        "?syr2k",
        "?her2k",
        "?trmm",
        "?trsm",
    ],
    oracle=(
        "As special.level2-nan, all combinations of flags. Whether NaN meets the zeros that fill "
        "the tiles of a triangle in trmm is recorded."
    ),
    catches="Masked tails and small-matrix kernels that lose a NaN: OpenBLAS#929, #746, #171.",
    budget=240.0,
)
@few_threads
def level3_nan(ctx):
    propagation = Propagation(ctx)
    every = ctx.by_profile(5, 1)  # no divisor of 16
    if ctx.threads > 1:
        propagation.ask(level3.shaped_calls(ctx.seed, THREADED, LEVEL3, turns=ctx.by_profile(2, 8)))
        every = 11
    propagation.ask(itertools.islice(level3.calls(ctx.seed, LEVEL3), 0, None, every))
    ctx.record("trmm: NaN meets the zeros beside a triangle", bool(propagation.strayed))

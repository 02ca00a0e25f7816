"""Stacks of integer matrices through NumPy's matmul, which hands them to BLAS one by one."""

import itertools

import numpy as np

from checks.api import check
from checks.operands import DTYPES, LETTER, integers, poison
from checks.oracles import compare
from checks.splitting import few_threads

__all__ = ["stacked_matmul"]

#: Shapes of the two stacks: equal, broadcast from one, from a plain matrix, across, and empty.
STACKS = (
    ((3,), (3,)), ((1,), (4,)), ((4,), ()), ((), (3,)), ((2, 1), (1, 3)), ((2, 2), (2,)),
    ((0,), (1,)),
)  # fmt: skip

#: (m, k, n): tails, one row, one column, an inner product, and nothing at all.
SHAPES = ((5, 7, 3), (17, 16, 9), (1, 6, 4), (8, 5, 1), (1, 9, 1), (3, 0, 2), (33, 31, 34))

#: How an operand lies in memory: in order; each matrix transposed; every second matrix of a longer
#: stack; the stack backwards; padded lines; and every second column, which BLAS cannot be given.
FORMS = ("plain", "transposed", "sliced", "backwards", "padded", "columns")


def _stored(values, form):
    """Return an array equal to `values` that lies in memory as `form` says, NaN between."""
    *stack, rows, columns = values.shape
    lead = slice(None, None, {"sliced": 2, "backwards": -1}.get(form, 1))
    across = slice(None, columns)
    if form == "transposed":
        memory = np.empty((*stack, columns, rows), values.dtype).swapaxes(-1, -2)
    else:
        if form == "sliced" and stack:
            stack[0] *= 2
        if form == "padded":
            columns += 3
        elif form == "columns":
            columns, across = 2 * columns, slice(None, None, 2)
        memory = np.full((*stack, rows, columns), poison(values.dtype.name), values.dtype)
    view = memory[..., across]
    view = view[lead] if stack else view
    view[...] = values
    return view, memory


def _multiply(ctx, dtype, stacks, shape, forms, turn):
    """Multiply two stacks, into an array of NumPy's or into one among NaN, and judge."""
    m, k, n = shape
    seed = ctx.seed + turn
    parameters = {
        "seed": seed, "dtype": dtype, "stacks": [list(each) for each in stacks], "m": m, "k": k,
        "n": n, "forms": list(forms),
    }  # fmt: skip
    left, right = (
        _integers(seed + place, (*stack, *sides), dtype)
        for place, (stack, sides) in enumerate(zip(stacks, ((m, k), (k, n))))
    )
    exact = np.einsum("...ik,...kj->...ij", left, right, optimize=False)
    a, b = _stored(left, forms[0])[0], _stored(right, forms[1])[0]
    ctx.trying(LETTER[dtype] + "gemm", parameters)
    if forms[2] == "new":
        result = np.matmul(a, b)
        outside = 0
    else:
        result, memory = _stored(np.full(exact.shape, poison(dtype), dtype), forms[2])
        np.matmul(a, b, out=result)
        outside = memory.size - exact.size - np.count_nonzero(np.isnan(memory))
    ctx.ran()
    what = "wrote outside of its result" if outside else None
    facts = {}
    if result.shape != exact.shape:
        what = "the result has shape %s, not %s" % (result.shape, exact.shape)
    elif not np.array_equal(result, exact):
        mismatch = compare(result, exact)
        what, facts = mismatch.message, mismatch.facts()
    if what is not None:
        where = "%s %s @ %s, %s" % (dtype, left.shape, right.shape, ", ".join(forms))
        ctx.fail(LETTER[dtype] + "gemm", "%s: %s" % (where, what), parameters, **facts)


def _integers(seed, shape, dtype):
    """Return integers of that shape; those of a real dtype are the real parts."""
    count = int(np.prod(shape))
    values = integers(seed, 1, max(1, count))[0][:count].reshape(shape)
    return (values if dtype.startswith("c") else values.real).astype(dtype)


@check(
    id="exact.stacked-matmul",
    title="Products of stacks of integer matrices are exact",
    category="exact",
    routines=["?gemm", "?gemv", "?dot"],
    oracle=(
        "np.matmul of operands with three and four dimensions must equal the exact sums, as in "
        "exact.gemm: stacks of equal length, broadcast from one matrix, across each other, and of "
        "none; in order, each matrix transposed, every second one, backwards, with padded lines "
        "and every second column; into a new array and into one among NaN, which must stay. Four "
        "precisions, tails, one row, one column, no inner dimension."
    ),
    catches=(
        "What one call of BLAS leaves behind for the next: buffers, threads and kernels chosen by "
        "the first; strides of stacks taken for leading dimensions; results written over the next."
    ),
)
@few_threads
def stacked_matmul(ctx):
    forms = [*itertools.product(FORMS, FORMS, ("new", *FORMS))]
    combinations = [*itertools.product(STACKS, SHAPES)]
    few = ctx.profile == "smoke"
    for turn in range(len(combinations) * ctx.by_profile(1, 24)):
        stacks, shape = combinations[turn % len(combinations)]
        for place, dtype in enumerate(DTYPES):
            if few and (turn + place) % 2:
                continue
            # Coprime to the number of forms: all meet in time.
            chosen = forms[(5 * (turn + ctx.seed) + 61 * place) % len(forms)]
            _multiply(ctx, dtype, stacks, shape, chosen, turn)

"""Whether products of stacks of integer matrices are exact. Exits with 1 when not."""

import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "dtype": "float64", "stacks": [[2, 1], [1, 3]],
    "m": 5, "k": 7, "n": 3, "forms": ["sliced", "transposed", "padded"],
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import integers, prepare  # noqa: E402


def stored(values, form):
    """Return an array that is equal and lies in memory as `form` says, NaN between, and all."""
    *stack, rows, columns = values.shape
    step = {"sliced": 2, "backwards": -1}.get(form, 1) if stack else 1
    lines = {"columns": 2 * columns, "padded": columns + 3}.get(form, columns)
    sizes = (rows, lines) if form != "transposed" else (columns, rows)
    memory = np.full([*stack, *sizes], np.nan, values.dtype)
    if step == 2:
        memory = np.concatenate([memory, memory])
    view = memory.swapaxes(-1, -2) if form == "transposed" else memory
    view = view[..., ::2] if form == "columns" else view[..., :columns]
    view = view[::step] if step != 1 else view
    view[...] = values
    return view, memory


prepare()
p = PARAMETERS
operands = []
for place, (stack, sides) in enumerate(zip(p["stacks"], ("mk", "kn"))):
    shape = [*stack, *(p[side] for side in sides)]
    size = int(np.prod(shape))
    values = integers(p["seed"] + place, 1, max(1, size), 8, p["dtype"])[0, :size]
    operands.append(values.reshape(shape))
exact = np.einsum("...ik,...kj->...ij", *operands, optimize=False)  # sums without BLAS
a, b = (stored(values, form)[0] for values, form in zip(operands, p["forms"]))
bad = False
if p["forms"][2] == "new":
    result = np.matmul(a, b)
else:
    result, memory = stored(np.full(exact.shape, np.nan, p["dtype"]), p["forms"][2])
    np.matmul(a, b, out=result)
    bad = np.isnan(memory).sum() != memory.size - exact.size
bad |= not np.array_equal(result, exact)
print("%s, %s @ %s:" % (p["dtype"], a.shape, b.shape), "WRONG" if bad else "exact")
raise SystemExit(bool(bad))

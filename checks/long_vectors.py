"""Level 2 with vectors so long that threads need more room, or threads of their own."""

import json
import signal

import numpy as np

from checks.api import check
from checks.blas import find_library
from checks.cblas import COLUMN, LOWER, NO_TRANS, NON_UNIT, TRANS, UNIT, UPPER, Cblas
from checks.interpreters import run_alone
from checks.operands import LETTER

__all__ = ["banded", "nested_threads", "packed", "workspace"]

#: Bytes of a work buffer in wheels (BUFFERSIZE=20). One call's partial sums, n elements for each
#: thread, have to fit into one.
BUFFER = 32 * 2**20

#: Diagonals on each side: gbmv is split over threads from 15 in all on.
WIDTH = 8

#: Of two threads both get columns of more than the 10,000 rows from which x86 kernels of dot call
#: for threads (kernel/x86_64/ddot.c): a triangle is halved after 0.71 of its columns.
ORDER = 15_000

#: Seconds of CPU time, for which it does not matter what else the machine does. One call takes
#: about a hundredth of it.
LIMIT = 20

OPERATIONS = {
    "gbmv": [(NO_TRANS,), (TRANS,)],
    "tbmv": [(u, t, NON_UNIT) for u in (UPPER, LOWER) for t in (NO_TRANS, TRANS)],
    "hpmv": [(UPPER,), (LOWER,)],
    "tpmv": [(u, t, UNIT) for u in (UPPER, LOWER) for t in (NO_TRANS, TRANS)],
}


def banded(routine, dtype, n, threads, limit):
    """Print how many elements are wrong where all diagonals and x are ones, for each operation."""
    cblas = _alone(threads, limit)
    sides = 2 if routine == "gbmv" else 1
    diagonals = sides * WIDTH + 1
    a = np.ones(n * diagonals, dtype)
    few = np.full(n, diagonals)  # elements of A in each row
    few[:WIDTH] = np.arange(diagonals - WIDTH, diagonals)
    if sides == 2:
        few[-WIDTH:] = few[:WIDTH][::-1]
    wrong = []
    for flags in OPERATIONS[routine]:
        x = np.ones(n, dtype)
        if routine == "gbmv":
            y = np.full(n, np.nan, dtype)
            sizes = (n, n, WIDTH, WIDTH)
            cblas.call(routine, dtype, COLUMN, *flags, *sizes, 1, a, diagonals, x, 1, 0, y, 1)
            wrong.append(int(np.count_nonzero(y != few)))
        else:
            cblas.call(routine, dtype, COLUMN, *flags, n, WIDTH, a, diagonals, x, 1)
            first = (flags[0] == UPPER) == (flags[1] == TRANS)  # the first rows are the short ones
            wrong.append(int(np.count_nonzero(x != (few if first else few[::-1]))))
    print(json.dumps(wrong))


def packed(routine, dtype, n, threads, limit):
    """Print how many elements are wrong where A is zero, but for a unit diagonal.

    Memory that is never written to takes no room.
    """
    cblas = _alone(threads, limit)
    a = np.zeros(n * (n + 1) // 2, dtype)
    wrong = []
    for flags in OPERATIONS[routine]:
        x, y = np.arange(n).astype(dtype), np.ones(n, dtype)
        if routine == "tpmv":
            cblas.call(routine, dtype, COLUMN, *flags, n, a, x, 1)
            wrong.append(int(np.count_nonzero(x != np.arange(n))))
        else:
            cblas.call(routine, dtype, COLUMN, *flags, n, 1, a, x, 1, 2, y, 1)
            wrong.append(int(np.count_nonzero(y != 2)))
    print(json.dumps(wrong))


def _alone(threads, limit):
    """Return the routines of this interpreter's library, which is ended when it loops."""
    import resource  # not on Windows, where neither check is asked

    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
    library = find_library(np)
    library.set_num_threads(threads)
    return Cblas(library)


def _ask(ctx, function, routine, dtype, n, threads):
    name = LETTER[dtype] + routine
    parameters = {"routine": routine, "dtype": dtype, "n": n, "count": threads}
    ctx.trying(name, parameters)
    ended = run_alone(ctx, function, routine, dtype, n, threads, LIMIT)
    ctx.ran(len(OPERATIONS[routine]))
    failure = ended.failure()
    if ended.status == -signal.SIGXCPU:
        failure = "does not end within %d s of CPU time" % LIMIT
    wrong = sum(ended.answer() or ()) if failure is None else 0
    if failure or wrong:
        what = "n = %d, %d threads: %s"
        told = failure or "%d elements wrong" % wrong
        ctx.fail(name, what % (n, threads, told), parameters, bad=wrong or None)


@check(
    id="bounds.workspace",
    title="Banded products of long vectors keep to the work buffer",
    category="bounds",
    routines=["?gbmv", "?tbmv"],
    oracle=(
        "A band of ones, 17 diagonals (tbmv: 9), times a vector of ones whose copies for all "
        "threads together are a tenth longer than a work buffer (32 MiB in wheels), in a new "
        "interpreter for each routine: every element is the number of diagonals that its row "
        "meets, and the process must not die. Double precision in smoke."
    ),
    catches=(
        "Partial sums of threads laid out behind each other in one buffer, whatever their length: "
        "OpenBLAS#1089, #1698, found/long-vectors."
    ),
    min_threads=4,
    systems=("linux", "darwin"),
    once=True,
)
def workspace(ctx):
    dtypes = ctx.by_profile(("float64",), tuple(LETTER))
    for routine in ("gbmv", "tbmv"):
        for dtype in dtypes:
            n = int(1.1 * BUFFER / (np.dtype(dtype).itemsize * ctx.threads))
            _ask(ctx, banded, routine, dtype, n, ctx.threads)


@check(
    id="concurrency.nested-threads",
    title="Packed products of 15,000 rows end",
    category="concurrency",
    routines=["chpmv", "zhpmv", "?tpmv"],
    oracle=(
        "hpmv and tpmv of order 15,000 on two threads, with a matrix of zeros (tpmv: and a unit "
        "diagonal), in a new interpreter for each routine and precision: results are exact, and "
        "there within 20 s of CPU time (one thread takes 0.1 s). Inner products of more than "
        "10,000 elements call for threads of their own, in the worker as in the caller."
    ),
    catches=(
        "Workers that wait for workers: a lock that is held until a thread is idle, while the only "
        "one waits for the lock (found/nested-threads)."
    ),
    min_threads=2,
    profiles=("full", "stress"),
    systems=("linux", "darwin"),
    budget=600.0,
)
def nested_threads(ctx):
    for dtype in LETTER:
        for routine in ("hpmv", "tpmv") if dtype.startswith("c") else ("tpmv",):
            _ask(ctx, packed, routine, dtype, ORDER, 2)

"""The thread count of a library that has just been loaded, beyond its bounds, and per thread."""

import ctypes
import json

from checks.api import check
from checks.blas import Library
from checks.interpreters import run_alone
from checks.loading import Product, load_dependencies

__all__ = ["counts_at_start", "set_counts"]


def set_counts(path, prefix, suffix, counts):
    """Load the library, set each of `counts` at once and compute; print what was read and seen.

    Runs in an interpreter of its own, without NumPy, so that nothing has called BLAS before.
    `counts`: [function's plain name, number, whether to compute then]; prints, for each, the
    number that is read back, that the function returned, and how many elements were wrong.
    """
    load_dependencies(path)
    library = Library(path, prefix, suffix)
    product = Product()
    answers = []
    for name, number, compute in counts:
        returned = library.function(name, ctypes.c_int, [ctypes.c_int])(number)
        wrong = product.wrong(library) if compute else 0
        answers.append([library.get_num_threads(), returned, wrong])
    print(json.dumps(answers))


@check(
    id="process.counts-at-start",
    title="The thread count can be set right after loading, beyond bounds, and for one thread",
    category="process",
    routines=["openblas_set_num_threads", "dgemm"],
    oracle=(
        "A new interpreter, started with OPENBLAS_NUM_THREADS=1, loads the library by itself and "
        "at once sets 12 threads, then 0, -1, more than the library was built for, 3, and, where "
        "there is one, the count of the calling thread alone. What is read back must be the number "
        "set, or, for numbers out of bounds, one from 1 to MAX_THREADS; "
        "openblas_set_num_threads_local must return the count before; products of integers in "
        "between must be exact, and the process must end with status 0."
    ),
    catches=(
        "Thread tables that are written before they exist or beyond their end, workers that start "
        "without a buffer or with a stale job: OpenBLAS#4101, #4770, #2993."
    ),
    profiles=("full", "stress"),
    max_threads=1,
    budget=40.0,
    systems=("linux", "darwin"),
)
def counts_at_start(ctx):
    built_for = ctx.blas.max_threads()
    if not built_for:
        ctx.unsupported("the library does not say how many threads it was built for")
    plain, local = "openblas_set_num_threads", "openblas_set_num_threads_local"
    high = min(12, built_for)
    every = ctx.profile != "smoke"  # whether to compute with more threads than there are cores
    counts = [
        [plain, min(ctx.by_profile(4, high), built_for), True],
        [plain, high, every],
        [plain, 0, every],
        [plain, -1, every],
        [plain, built_for + 7, every],
        [plain, 3, True],
    ]
    if ctx.blas.has(local):
        counts += [[local, 2, True], [local, 3, False], [plain, 1, True]]
    parameters = {"counts": counts}
    ctx.trying(plain, parameters)
    library = (ctx.blas.path, ctx.blas.prefix, ctx.blas.suffix)
    environment = {"OPENBLAS_NUM_THREADS": "1"}
    ended = run_alone(ctx, set_counts, *library, counts, environment=environment)
    ctx.ran()
    failure = ended.failure()
    if failure is not None:
        ctx.fail(plain, failure, parameters)
        return
    before = None
    for (name, number, computed), (read, returned, wrong) in zip(counts, ended.answer()):
        ctx.ran(1 + computed)
        in_bounds = 1 <= number <= built_for
        if not (read == number if in_bounds else 1 <= read <= built_for):
            what = "%s(%d), built for %d: reads %d" % (name, number, built_for, read)
            ctx.fail(name, what, parameters)
        if name == local and returned != before:
            what = "%s(%d) returned %d, the count was %d" % (name, number, returned, before)
            ctx.fail(name, what, parameters)
        if wrong:
            what = "%d elements wrong after %s(%d)" % (wrong, name, number)
            ctx.fail("dgemm", what, parameters, bad=wrong, of=Product.size**2)
        before = read

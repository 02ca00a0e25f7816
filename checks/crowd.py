"""More threads inside the library at once than it has buffers for.

OpenBLAS has max(50, 2 * NUM_THREADS) packing buffers, 128 in NumPy's builds (MAX_THREADS=64 in the
config string), and since 0.3.18 a second table of 512 when these are all taken. Each caller holds
one from its start to its end, also while it waits for its turn at the worker threads: so one long
product, and many short ones that are split as well, are all inside at once.
"""

import json
import threading
import time

import numpy as np

from checks.api import check
from checks.blas import find_library
from checks.factors import exact_product
from checks.interpreters import run_alone
from checks.team import run_together
from checks.workers import address_space

__all__ = ["buffers_again", "gather", "many_callers"]

#: Callers beyond the first table of buffers.
EXTRA = 22

#: More than so many callers are not started: a build for hundreds of threads has too many buffers.
MOST_CALLERS = 700

#: Least address space that a buffer takes, in MiB: half of what NumPy's builds ask for.
LEAST_BUFFER = 16

#: Bytes of stack of each caller, and the size of its product: split over threads from 82, and more
#: than the 10^6 multiplications up to which AVX-512 kernels need neither buffer nor threads.
STACK, SIZE = 512 * 2**10, 104


def gather(callers, rounds):
    """Have so many threads in products at once; print (wrong results, MiB of addresses gained).

    Runs in an interpreter of its own. Addresses are counted from the end of the first round.
    """
    find_library(np).set_num_threads(2)
    threading.stack_size(STACK)
    a = (np.arange(SIZE * SIZE) % 7 - 3.0).reshape(SIZE, SIZE)
    exact = exact_product(a, a)
    long = np.ones((1000, 1000))
    wrong = []

    def first():
        if not (long @ long == 1000).all():
            wrong.append(0)

    def caller():
        time.sleep(0.005)  # the long product has begun
        if not np.array_equal(a @ a, exact):
            wrong.append(1)

    figures = [address_space()]
    for _ in range(rounds):
        run_together(first, *[caller] * callers)
        figures.append(address_space())
    answer = {"wrong": len(wrong), "first_mib": round(figures[1] - figures[0])}
    answer["later_mib"] = round(figures[-1] - figures[1])
    print(json.dumps(answer))


def _ask(ctx, callers, rounds):
    """Count the results of a crowd; return what it answered, or None if it did not come through."""
    parameters = {"callers": callers, "rounds": rounds}
    ctx.trying("dgemm", parameters)
    ended = run_alone(ctx, gather, callers, rounds)
    ctx.ran((callers + 1) * rounds)
    ctx.rounds = rounds
    failure = ended.failure()
    if failure is not None:
        ctx.fail("dgemm", "%d threads in gemm at once: %s" % (callers, failure), parameters)
        return None
    answer = ended.answer()
    ctx.details.update(answer)
    if answer["wrong"]:
        what = "%d threads in gemm at once: %d wrong results" % (callers, answer["wrong"])
        ctx.fail("dgemm", what, parameters, bad=answer["wrong"])
    return answer


def _buffers(ctx):
    """Return how many buffers the library has; end the check where that is too many to use up."""
    built_for = ctx.blas.max_threads() or 64
    buffers = max(50, 2 * built_for)
    ctx.details["buffers"] = buffers
    if buffers + EXTRA > MOST_CALLERS:
        ctx.unsupported("built for %d threads: too many buffers to use up" % built_for)
    return buffers


@check(
    id="concurrency.many-callers",
    title="More threads at once than the library has buffers come to their results",
    category="concurrency",
    routines=["dgemm"],
    oracle=(
        "In a new interpreter with two BLAS threads, 22 threads more than OpenBLAS has buffers "
        "(max(50, 2 * MAX_THREADS), 128 in NumPy's builds) multiply integer matrices while one "
        "long product keeps them waiting, each with its buffer. All results must be exact and the "
        "process must end with status 0. That the buffers were used up is told from the address "
        "space: 16 MiB or more for each."
    ),
    catches=(
        "Fixed tables of buffers that end the process or overflow: OpenBLAS#539, #1882, #3441, "
        "#4216 ('too many memory regions', then a segmentation fault, before 0.3.18)."
    ),
    max_threads=1,
    budget=60.0,
    systems=("linux",),
    once=True,
)
def many_callers(ctx):
    buffers = _buffers(ctx)
    answer = _ask(ctx, buffers + EXTRA, ctx.by_profile(1, 2))
    if answer is not None and answer["first_mib"] < LEAST_BUFFER * buffers:
        ctx.not_exercised(
            "the callers were not inside at once: %d MiB of buffers" % answer["first_mib"]
        )


@check(
    id="concurrency.buffers-again",
    title="Buffers beyond the first table are used again",
    category="concurrency",
    routines=["dgemm"],
    oracle=(
        "As concurrency.many-callers, with 72 threads more than there are buffers, ten times: "
        "the address space may not grow after the first time by more than 16 MiB for each of the "
        "72, and the process must end with status 0. Only in the stress profile: every OpenBLAS "
        "from 0.3.18 to 0.3.34.481.3 maps a new buffer for each call beyond the table, and after "
        "512 of them writes beyond the list of what to unmap."
    ),
    catches="Leaks and heap overflows of the second table of buffers, as in OpenBLAS#4216.",
    profiles=("stress",),
    max_threads=1,
    budget=120.0,
    systems=("linux",),
)
def buffers_again(ctx):
    extra, rounds = 72, ctx.by_profile(2, 4, 10)
    answer = _ask(ctx, _buffers(ctx) + extra, rounds)
    if answer is not None:
        ctx.require_ratio(
            "dgemm",
            "MiB of address space gained by calls beyond the table, in units of what they may keep",
            answer["later_mib"] / (LEAST_BUFFER * extra),
            1.0,
            {"callers": ctx.details["buffers"] + extra, "rounds": rounds},
        )

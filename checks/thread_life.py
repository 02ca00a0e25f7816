"""Python threads that come and go, many at a time, or with small stacks, each calling BLAS."""

import numpy as np

from checks.api import check
from checks.factors import exact_cholesky, exact_product
from checks.team import on_stack, run_together
from checks.workers import at_most, require_threads, thread_count

__all__ = ["churn", "memory_in_use", "small_stack"]

#: Bytes that a thread which has ended may leave behind, and that memory in use may vary by.
RESIDENT_PER_THREAD, RESIDENT_NOISE = 16 * 2**10, 6 * 2**20
ADDRESSES_PER_THREAD, ADDRESSES_NOISE = 2**20, 256 * 2**20

#: The threads of churn come in so many stretches. What they leave behind grows in each of them; an
#: arena of malloc or a cached stack, at which the limits above are aimed, comes in one or two.
STRETCHES = 6

#: Bytes that each thread may leave in the stretch that grows least: resident, of address space.
STEADY = {"resident memory": 4 * 2**10, "address space": 64 * 2**10}

#: Stack of 256 KiB: a quarter of what the JVM gives, half of what macOS gives to new threads.
SMALL_STACK = 256 * 2**10

#: Limit of LAPACK's tests for symmetric eigenvalues and singular values (sep.in, svd.in), in ulp.
SPECTRUM = 50 * 2.0**-52


def memory_in_use():
    """Return (resident bytes, bytes of address space), or None where they cannot be read."""
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:
            addresses, resident = (int(pages) for pages in file.read().split()[:2])
    except (ImportError, OSError):
        return None
    return resident * resource.getpagesize(), addresses * resource.getpagesize()


@check(
    id="concurrency.churn",
    title="Short-lived threads that call BLAS leave nothing behind",
    category="concurrency",
    routines=["dgemm", "dgemv"],
    oracle=(
        "Python threads one after the other, then many at once, multiply integer matrices, some "
        "split over two BLAS threads; results must be exact. After a warm-up, the process may "
        "gain no thread, and no more than 16 KiB of resident memory and 1 MiB of address space for "
        "each thread that has come and gone; nor more than 4 KiB and 64 KiB in each of six "
        "stretches."
    ),
    catches=(
        "Buffers or threads that are created for each calling thread and never given back, and "
        "tables of callers that overflow: OpenBLAS#1641, #1735, #2821."
    ),
    budget=60.0,
    once=True,
)
def churn(ctx):
    random = np.random.RandomState(ctx.seed)
    a, b = (random.randint(-8, 9, (112, 112)).astype(float) for _ in range(2))
    exact, exact_vector = exact_product(a, b), np.einsum("ij,j->i", a, b[0])
    ctx.blas.set_num_threads(min(ctx.threads, 2))
    require_threads(ctx, lambda: a @ b)
    parameters = {"seed": ctx.seed, "n": 112}

    def short_life():
        right = np.array_equal(a @ b, exact) and np.array_equal(np.dot(a, b[0]), exact_vector)
        ctx.ran()
        if not right:
            ctx.fail("dgemm", "wrong result in a short-lived thread", parameters)

    generations = ctx.by_profile(150, 1000, 5000)
    for _ in range(30):
        run_together(short_life)
    threads, memory = thread_count(), [memory_in_use()]
    for _ in range(STRETCHES):
        for _ in range(generations // STRETCHES):
            run_together(short_life)
        memory.append(memory_in_use())
    _judge_growth(ctx, generations, threads, memory, dict(parameters, generations=generations))

    run_together(*[short_life] * ctx.by_profile(24, 64))
    ctx.blas.set_num_threads(ctx.threads)


def _judge_growth(ctx, generations, threads, memory, parameters):
    """Judge what `generations` threads have left: more `threads`, and `memory` by stretches."""
    if threads is not None:
        ctx.ran()
        gained = thread_count() - threads
        ctx.details["threads_gained"] = gained
        if gained > 2:
            what = "%d threads came and went, the process has %d more" % (generations, gained)
            ctx.fail("dgemm", what, parameters)
    if memory[0] is None:
        return
    limits = (
        ("resident memory", RESIDENT_PER_THREAD * generations + RESIDENT_NOISE),
        ("address space", ADDRESSES_PER_THREAD * generations + ADDRESSES_NOISE),
    )
    for (name, limit), sizes in zip(limits, zip(*memory)):
        least = int(np.diff(sizes).min())
        ctx.details[name.replace(" ", "_") + "_gained_kib"] = (sizes[-1] - sizes[0]) // 1024
        for grown, most, threads_meant, when in (
            (sizes[-1] - sizes[0], limit, generations, "by"),
            (
                least,
                STEADY[name] * (generations // STRETCHES),
                generations // STRETCHES,
                "in each of %d stretches by at least" % STRETCHES,
            ),
        ):
            ctx.ran()
            if grown > most:
                ctx.fail(
                    "dgemm",
                    "%d threads came and went, %s grew %s %d KiB (limit %d KiB)"
                    % (threads_meant, name, when, grown // 1024, most // 1024),
                    parameters,
                )


@check(
    id="concurrency.small-stack",
    title="BLAS and LAPACK run in threads with a stack of 256 KiB",
    category="concurrency",
    routines=["?gemm", "dsyrk", "dgemv", "dpotrf", "dsyevd", "dgesdd"],
    oracle=(
        "A Python thread with a stack of 256 KiB makes calls that are split over the BLAS threads "
        "and products with an inner dimension of 3,000; results must be exact (eigenvalues and "
        "singular values: within LAPACK's ratio of 50). Too large a stack frame ends the process. "
        "Where concurrency.stack-use can be asked, it says how much each routine takes."
    ),
    catches=(
        "Job tables, work arrays and packing buffers on the caller's stack: numpy#11551 and "
        "OpenBLAS#2839 (gemm and syrk), OpenBLAS#6013, #6026."
    ),
    budget=60.0,
    once=True,
)
def small_stack(ctx):
    random = np.random.RandomState(ctx.seed)
    deep = random.randint(-8, 9, (12, 3000)).astype(float)
    square = random.randint(-8, 9, (130, 130))
    exact = exact_product(square, square)
    wide = random.randint(-8, 9, (680, 680)).astype(float)
    definite, factor = exact_cholesky(ctx.seed, 200)
    n = ctx.by_profile(24, 130)
    diagonal = np.diag(np.arange(1.0, n + 1))
    calls = [
        ("dgemm", lambda: deep @ deep[::-1].T, exact_product(deep, deep[::-1].T), 0.0),
        ("dsyrk", lambda: deep @ deep.T, exact_product(deep, deep.T), 0.0),
        ("dgemv", lambda: wide @ wide[0], np.einsum("ij,j->i", wide, wide[0]), 0.0),
        ("dpotrf", lambda: np.linalg.cholesky(definite), factor, 0.0),
        ("dsyevd", lambda: np.linalg.eigvalsh(diagonal), diagonal.diagonal(), SPECTRUM * n * n),
        ("dgesdd", lambda: np.linalg.svd(diagonal)[1], diagonal.diagonal()[::-1], SPECTRUM * n * n),
    ]
    for dtype, letter in (("f4", "s"), ("f8", "d"), ("c8", "c"), ("c16", "z")):
        a = square.astype(dtype)
        calls.append((letter + "gemm", lambda a=a: a @ a, exact, 0.0))

    def call_all():
        for routine, call, expected, tolerance in calls:
            ctx.ran()
            if not (np.abs(call() - expected) <= tolerance).all():
                parameters = {"seed": ctx.seed, "stack": SMALL_STACK, "routine": routine}
                ctx.fail(routine, "wrong result on a stack of 256 KiB", parameters)

    with at_most(ctx, ctx.by_profile(4, 4, ctx.threads)):
        require_threads(ctx, calls[-1][1])
        on_stack(SMALL_STACK, call_all)

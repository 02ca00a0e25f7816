"""Forks over and over, of a process that has used BLAS and of one that has not."""

import json

from checks.api import check
from checks.blas import find_library
from checks.forking import ROUTINES, Child, Work
from checks.interpreters import run_alone
from checks.workers import address_space, at_most, require_threads, thread_count

__all__ = ["before_blas", "fork_at_once", "repeated"]

#: Address space that a fork may leave behind in the parent, and a generation in its children, in
#: MiB. One buffer that is not given back is 32 in NumPy's builds.
KEPT_PER_FORK = 16

#: Threads that each of the children at once sets before its first call.
COUNTS = (3, 1, 2, 4)


@check(
    id="forking.repeated",
    title="Forks leave nothing behind, in the parent and over generations",
    category="forking",
    routines=["dgemm"],
    oracle=(
        "A process forks again and again, and both sides compute a split product each time; then "
        "a chain of processes, each the child of the one before, does so. Products of integers "
        "must be exact. After the first two, a fork may leave no more than 16 MiB of address space "
        "behind (a buffer has 32) and no thread, in the parent or from generation to generation; a "
        "process that does not return is a hang."
    ),
    catches=(
        "Thread pools and buffers that are made anew after each fork and never given back: the "
        "leak of OpenBLAS 0.3.12 that the changelog of 0.3.13 names, #2993."
    ),
    profiles=("full", "stress"),
    min_threads=2,
    budget=90.0,
    idle=8.0,
    systems=("linux",),
)
def repeated(ctx):
    work = Work(ctx.seed)
    with at_most(ctx, ctx.by_profile(2, 4, ctx.threads)):
        require_threads(ctx, work.gemm)
        forks = ctx.by_profile(6, 20, 100)
        _judge(ctx, _series(ctx, work, forks), {"seed": ctx.seed, "forks": forks})
        generations = ctx.by_profile(4, 8, 30)
        parameters = {"seed": ctx.seed, "generations": generations}
        figures, trouble = _chain(work, generations)
        if trouble is not None:
            ctx.ran()
            ctx.fail("dgemm", "a chain of forks: %s" % trouble, parameters)
        else:
            _judge(ctx, figures, parameters)


def _figures(work):
    """Return what a process has after a product: [wrong, threads, MiB of address space]."""
    return [work.wrong(["gemm"]), thread_count(), address_space()]


def _series(ctx, work, forks):
    """Fork one child after the other; return the parent's figures after each."""
    figures = []
    for _ in range(forks):
        answer, trouble = Child(lambda: _figures(work)).answer()
        ctx.ran()
        if trouble is not None or answer[0]:
            what = trouble or "wrong result in the child"
            ctx.fail("dgemm", "fork %d: %s" % (len(figures) + 1, what), {"seed": ctx.seed})
        figures.append(_figures(work))
    return figures


def _chain(work, generations):
    """Return (figures of each generation or None, trouble or None)."""
    if not generations:
        return [], None

    def live():
        mine = _figures(work)
        later, trouble = _chain(work, generations - 1)
        return [None if trouble else [mine, *later], trouble]

    answer, trouble = Child(live).answer()
    return (None, trouble) if trouble else answer


def _judge(ctx, figures, parameters):
    """Count the figures of processes in turn; the first two may still set things up."""
    for wrong, _, _ in figures:
        ctx.ran()
        if wrong:
            ctx.fail("dgemm", "wrong result in a row of forks", parameters)
    (_, threads, addresses), (_, last_threads, last_addresses) = figures[1], figures[-1]
    ctx.ran(2)
    kept = (last_addresses - addresses) / max(1, len(figures) - 2)
    kind = "generation" if "generations" in parameters else "fork"
    ctx.details["kept_per_%s_mib" % kind] = round(kept, 1)
    if kept > KEPT_PER_FORK:
        what = "each %s leaves %.0f MiB of address space behind" % (kind, kept)
        ctx.fail("dgemm", what, parameters, ratio=kept / KEPT_PER_FORK, limit=1.0)
    if threads is not None and last_threads > threads:
        what = "%d threads more after %d forks" % (last_threads - threads, len(figures) - 2)
        ctx.fail("dgemm", what, parameters)


def fork_at_once(seed, names, counts, rounds):
    """Fork before any call of BLAS, several children at once; print [[where, wrong, trouble]].

    Runs in an interpreter of its own. Each child sets its number of threads and computes, the
    parent computes with two beside them; in further rounds the parent has used its threads.
    """
    import numpy as np

    library = find_library(np)
    work = Work(seed)
    answers = []
    for turn in range(rounds):
        children = []
        for index, count in enumerate(counts):

            def compute(count=count, first=index + turn):
                library.set_num_threads(count)
                return work.wrong(names[first % len(names) :] + names[: first % len(names)])

            children.append(Child(compute))
        library.set_num_threads(2)
        answers.append(["parent, round %d" % (turn + 1), work.wrong(names), None])
        for count, child in zip(counts, children):
            wrong, trouble = child.answer()
            where = "child of round %d with %d threads" % (turn + 1, count)
            answers.append([where, wrong or [], trouble])
    print(json.dumps(answers))


@check(
    id="forking.before-blas",
    title="Processes forked at once, before any call, compute with their own thread counts",
    category="forking",
    routines=["dgemm", "dgetrf", "dgesv", "dpotrf", "dgesdd"],
    oracle=(
        "As pools of worker processes do: a new interpreter imports NumPy and forks several "
        "children before any call of BLAS; each sets its own number of threads and computes "
        "products, LU and Cholesky (beyond the smoke profile also solutions and SVDs), each "
        "beginning with another, while the parent computes too; then once more, now that the "
        "parent has used its threads. All results but the SVD are exact (its residual must stay "
        "below LAPACK's 50); a process that does not return is a hang."
    ),
    catches=(
        "Pools that fork copies half made, counts that are changed before the pool exists in the "
        "child: OpenBLAS#5520, #240, #294, #2993, numpy#30092."
    ),
    profiles=("full", "stress"),
    min_threads=2,
    budget=90.0,
    idle=8.0,
    systems=("linux", "darwin"),
)
def before_blas(ctx):
    names = ctx.by_profile(["gemm", "lu", "cholesky"], list(ROUTINES))
    counts = COUNTS[: ctx.by_profile(2, 4)]
    rounds = ctx.by_profile(1, 2, 10)
    parameters = {"seed": ctx.seed, "names": names, "counts": list(counts), "rounds": rounds}
    ended = run_alone(ctx, fork_at_once, ctx.seed, names, counts, rounds)
    failure = ended.failure()
    if failure is not None:
        ctx.ran()
        ctx.fail(ROUTINES[names[0]], "forks before any call: %s" % failure, parameters)
        return
    for where, wrong, trouble in ended.answer():
        ctx.ran(len(names))
        if trouble is not None:
            ctx.fail(ROUTINES[names[0]], "%s: %s" % (where, trouble), parameters)
        for name in wrong:
            ctx.fail(ROUTINES[name], "%s: wrong result" % where, parameters)

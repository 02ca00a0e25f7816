"""A process that has used BLAS forks: child and parent must both go on computing.

fork() copies only the calling thread. The library has to know that its workers are gone in the
child, that no lock stays taken, and that the parent's own pool was stopped or not. A child that
never returns is waited for without using CPU time: the gate's watchdog, which looks at the whole
process tree, then takes its stacks and blames the check.
"""

import json
import os
import time

import numpy as np

from checks.api import check
from checks.factors import exact_cholesky, exact_product, exact_system
from checks.workers import at_most, thread_count

__all__ = ["ROUTINES", "Child", "Work", "after_blas", "lu_after_fork"]

#: Seconds between looks at a child that has not ended.
POLL = 0.005


class Child:
    """A forked process that runs `task` and sends back the list of strings that it returned."""

    def __init__(self, task):
        receiving, sending = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                os.close(receiving)
                os.write(sending, json.dumps(task()).encode()[:4000])
                status = 0
            finally:  # nothing of the parent's clean-up may run in the child
                os._exit(status)
        os.close(sending)
        self._receiving = receiving

    def answer(self):
        """Wait, without a limit, and return (task's answer or None, what was wrong or None)."""
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
            time.sleep(POLL)
        with os.fdopen(self._receiving, "rb") as pipe:
            text = pipe.read()
        if os.WIFSIGNALED(status):
            return None, "the forked process died with signal %d" % os.WTERMSIG(status)
        if os.WEXITSTATUS(status) or not text:
            return None, "the forked process ended with status %d" % os.WEXITSTATUS(status)
        return json.loads(text.decode()), None


class Work:
    """Calls that the library splits over threads, with exact results."""

    def __init__(self, seed):
        random = np.random.RandomState(seed)
        self.a = random.randint(-8, 9, (130, 130)).astype(float)
        self.product = exact_product(self.a, self.a)
        self.system = exact_system(seed, 200, 60)
        self.definite = exact_cholesky(seed, 200)

    def gemm(self):
        return np.array_equal(self.a @ self.a, self.product)

    def lu(self):
        return bool(np.linalg.det(self.system.a) == self.system.determinant)

    def solve(self):
        return np.array_equal(np.linalg.solve(self.system.a, self.system.b), self.system.x)

    def cholesky(self):
        a, factor = self.definite
        return np.array_equal(np.linalg.cholesky(a), factor)

    def svd(self):
        a = self.a[:100, :100]
        u, s, vt = np.linalg.svd(a)
        residual = np.abs(exact_product(u * s, vt) - a).sum(axis=0).max()
        return bool(residual / (100 * 2.0**-52 * np.abs(a).sum(axis=0).max()) < 50)

    def wrong(self, names):
        """Return those of `names` whose result is wrong."""
        return [name for name in names if not getattr(self, name)()]


ROUTINES = {
    "gemm": "dgemm",
    "lu": "dgetrf",
    "solve": "dgesv",
    "cholesky": "dpotrf",
    "svd": "dgesdd",
}


def _parameters(ctx, where):
    return {"seed": ctx.seed, "where": where}


def _task(work, names):
    """Return what a child does: compute; tell what was wrong and how many threads it then has."""
    return lambda: [work.wrong(names), thread_count()]


def _judge(ctx, answer, trouble, names, parameters, threads):
    """Count the child's results; return how many threads it had, or None."""
    ctx.ran(len(names))
    if trouble is not None:
        ctx.fail(ROUTINES[names[0]], "%s: %s" % (parameters["where"], trouble), parameters)
        return None
    wrong, had = answer
    for name in wrong:
        ctx.fail(ROUTINES[name], "%s: wrong result" % parameters["where"], parameters)
    if threads > 1 and had is not None:
        ctx.details.setdefault("child_threads", had)
    return had


def _require_threads_in_child(ctx, had):
    """A new process has one thread; more after a call means that the library has split it."""
    ctx.threads_used = had
    if ctx.threads > 1 and had is not None and had < 2 and not ctx.cases_failed:
        ctx.not_exercised("the forked process computed in one thread")


def _compute_in_parent(ctx, work, names, parameters):
    ctx.ran(len(names))
    for name in work.wrong(names):
        ctx.fail(ROUTINES[name], "%s: wrong result" % parameters["where"], parameters)


@check(
    id="forking.lu",
    title="LU works in child and parent after a fork",
    category="forking",
    routines=["dgetrf"],
    oracle=(
        "After a threaded product the process forks. The child factors a matrix of 200, whose "
        "LU is split over threads and consists of dyadic numbers with few digits, so that the "
        "determinant must be 1 or -1 exactly, and ends by _exit; then the parent does the same. "
        "A call that does not return is a hang."
    ),
    catches=(
        "Locks that fork leaves taken, or that are taken twice when the thread pool is built anew: "
        "OpenBLAS#5520 (0.3.30: LU in 4 or more threads hangs after any fork; numpy#30092)."
    ),
    min_threads=2,
    budget=40.0,
    idle=6.0,
    systems=("linux", "darwin"),
    once=True,
)
def lu_after_fork(ctx):
    work = Work(ctx.seed)
    _compute_in_parent(ctx, work, ["gemm"], _parameters(ctx, "parent before the fork"))
    answer, trouble = Child(_task(work, ["lu"])).answer()
    had = _judge(ctx, answer, trouble, ["lu"], _parameters(ctx, "child"), ctx.threads)
    _compute_in_parent(ctx, work, ["lu"], _parameters(ctx, "parent after the fork"))
    _require_threads_in_child(ctx, had)


@check(
    id="forking.after-blas",
    title="BLAS and LAPACK work in forked processes",
    category="forking",
    routines=["dgemm", "dgetrf", "dgesv", "dpotrf", "dgesdd"],
    oracle=(
        "The parent uses BLAS and forks; the child computes a product and Cholesky (beyond the "
        "smoke profile also LU, a solution and an SVD), forks again and does so in the grandchild; "
        "another child first changes the thread count; two children compute at once; the parent "
        "computes in between. All results but the SVD are exact (its residual must stay below "
        "LAPACK's 50); a process that does not return is a hang."
    ),
    catches=(
        "State of the thread pool that is wrong after fork, in the child, in its child, with "
        "another thread count, or in the parent: OpenBLAS#5520, #294, #240, scipy#23686, "
        "numpy#30092."
    ),
    budget=60.0,
    idle=8.0,
    systems=("linux", "darwin"),
    once=True,
)
def after_blas(ctx):
    work = Work(ctx.seed)
    with at_most(ctx, ctx.by_profile(4, ctx.threads)):
        threads = ctx.blas.get_num_threads()
        _compute_in_parent(ctx, work, ["gemm"], _parameters(ctx, "parent before the fork"))
        had = _judge_family(ctx, work, threads)
        _compute_in_parent(ctx, work, ["gemm"], _parameters(ctx, "parent after the fork"))
        for count in ctx.by_profile((2,), (1, 2, threads + 2)):
            _judge_changed_count(ctx, work, count)
        for name in ctx.by_profile((), tuple(ROUTINES)):
            where = "child that begins with " + name
            _judge(ctx, *Child(_task(work, [name])).answer(), [name], _parameters(ctx, where), 1)
    _require_threads_in_child(ctx, had)


def _judge_family(ctx, work, threads):
    """Let two children compute at once, one with a child; return the threads that it had."""
    # What comes first in a child finds the pool as fork left it; a product can mend it for LU.
    first = ctx.by_profile(["cholesky", "gemm"], ["solve", "lu", "cholesky", "svd", "gemm"])
    other = ctx.by_profile(["gemm"], ["gemm", "lu"])

    def nested():
        mine = [work.wrong(first), thread_count()]
        answer, trouble = Child(_task(work, other)).answer()
        return [mine, answer, trouble]

    parent, beside = Child(nested), Child(_task(work, other))
    answer, trouble = parent.answer()
    mine, *grandchild = answer or [None, None, None]
    had = _judge(ctx, mine, trouble, first, _parameters(ctx, "child"), threads)
    if answer is not None:
        _judge(ctx, *grandchild, other, _parameters(ctx, "grandchild"), threads)
    _judge(ctx, *beside.answer(), other, _parameters(ctx, "child beside another"), threads)
    return had


def _judge_changed_count(ctx, work, count):
    names = ctx.by_profile(["gemm"], ["gemm", "lu", "cholesky"])

    def changed():
        ctx.blas.set_num_threads(count)
        return [work.wrong(names), thread_count()]

    where = "child set to %d threads" % count
    _judge(ctx, *Child(changed).answer(), names, _parameters(ctx, where), count)

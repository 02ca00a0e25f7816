"""Signals that arrive while the library computes, in the caller and in its workers."""

import ctypes
import os
import signal
import threading

import numpy as np

from checks.api import check
from checks.factors import exact_cholesky, exact_product, exact_system
from checks.team import Rounds
from checks.workers import at_most, require_threads

__all__ = ["signals"]

#: Seconds between two signals. A handler runs within microseconds.
PERIOD = 0.001

#: Fewer signals than these say nothing.
LEAST_SIGNALS = 10


class _Shower:
    """While it lasts, SIGALRM comes every millisecond: by a timer, and to each thread in turn.

    `restart`: whether system calls that a signal interrupts go on by themselves (SA_RESTART).
    """

    def __init__(self, restart):
        self.received = 0
        self.sent = 0
        self._restart = restart
        self._over = threading.Event()
        self._libc = ctypes.CDLL(None)

    def __enter__(self):
        self._before = signal.signal(signal.SIGALRM, self._count)
        signal.siginterrupt(signal.SIGALRM, not self._restart)
        signal.setitimer(signal.ITIMER_REAL, PERIOD, PERIOD)
        self._sender = threading.Thread(target=self._send, daemon=True)
        self._sender.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._sender.join()
        signal.setitimer(signal.ITIMER_REAL, 0)
        # What is under way to a thread that has not run since is thrown away, not met by SIG_DFL.
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, self._before)

    def _count(self, *_):
        self.received += 1

    def _send(self):
        """Send to each other thread of the process, workers of the library included."""
        send = getattr(self._libc, "tgkill", None)  # glibc 2.30
        while not self._over.wait(PERIOD) and send is not None:
            for task in os.listdir("/proc/self/task"):
                if int(task) != threading.get_native_id():
                    self.sent += not send(os.getpid(), int(task), signal.SIGALRM)


@check(
    id="concurrency.signals",
    title="Signals during a call change nothing",
    category="concurrency",
    routines=["dgemm", "dsyrk", "dgemv", "dgetrf", "dpotrf"],
    oracle=(
        "A timer and a thread send SIGALRM every millisecond, to the calling thread and to the "
        "library's workers, with a handler that counts; once so that interrupted system calls go "
        "on (SA_RESTART), once so that they fail with EINTR. Products of integers, LU and Cholesky "
        "of matrices with dyadic factors must be exact; a call that does not return is a hang."
    ),
    catches=(
        "Waits on locks, conditions and semaphores that take an interruption for a wake-up, "
        "registers or work space that do not survive a handler."
    ),
    min_threads=2,
    budget=60.0,
    systems=("linux",),
    once=True,
)
def signals(ctx):
    random = np.random.RandomState(ctx.seed)
    a = random.randint(-8, 9, (130, 130)).astype(float)
    wide = random.randint(-8, 9, (680, 680)).astype(float)
    system = exact_system(ctx.seed, 150, 1)
    definite, factor = exact_cholesky(ctx.seed, 150)
    calls = [
        ("dgemm", lambda: a @ a, exact_product(a, a)),
        ("dgemv", lambda: wide @ wide[0], np.einsum("ij,j->i", wide, wide[0])),
        ("dsyrk", lambda: a @ a.T, exact_product(a, a.T)),
        ("dpotrf", lambda: np.linalg.cholesky(definite), factor),
        ("dgetrf", lambda: np.linalg.det(system.a), np.array(system.determinant)),
    ]
    received = sent = 0
    with at_most(ctx, ctx.by_profile(2, ctx.threads)):
        require_threads(ctx, calls[0][1])
        rounds = Rounds(ctx.by_profile(0.2, 3.0, 15.0), least=2)
        for turn in rounds:
            parameters = {"seed": ctx.seed, "restart": turn % 2 == 0}
            with _Shower(parameters["restart"]) as shower:
                results = [call() for _, call, _ in calls]
            received += shower.received
            sent += shower.sent
            for (routine, _, expected), result in zip(calls, results):
                ctx.ran()
                wrong = int(np.count_nonzero(result != expected))
                if wrong:
                    what = "%d of %d elements wrong under signals" % (wrong, expected.size)
                    ctx.fail(routine, what, parameters, bad=wrong, of=expected.size)
    ctx.rounds = rounds.done
    # A handler in Python runs once for all signals that came during a call.
    ctx.details.update(signals_handled=received, signals_sent=sent)
    if received + sent < LEAST_SIGNALS and not ctx.cases_failed:
        ctx.not_exercised("only %d signals arrived" % (received + sent))

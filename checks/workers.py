"""Proof that the library's own threads took part in a call.

OpenBLAS's idle workers spin for about 2^26 clock ticks (30 ms) after a job and then sleep until
they are given the next one. So: wait until all other threads of this process are at rest, make the
call, and see which of them have run. That holds on a machine whose second core is busy, where the
usual ratio of CPU time to wall time says nothing.
"""

import os
import threading
import time

__all__ = ["require_threads", "thread_count", "threads_at_work"]

#: Seconds without any CPU time in other threads that count as rest.
REST = 0.01

#: Seconds to wait for rest at most. A worker comes to rest only when it has been scheduled again.
PATIENCE = 5.0

#: Without per-thread times, a call is repeated for so many seconds: CPU clocks tick up to 16 ms.
MEASURED_FOR = 0.1

#: Share of the CPU time that must be used by other threads than the caller to count as two.
SHARE_OF_OTHERS = 0.1


def require_threads(ctx, call):
    """Record how many threads `call()` keeps busy; end the check as not exercised if it is one.

    Does nothing in a cell that asks for one thread.
    """
    if ctx.threads < 2:
        return
    call()  # workers are created, and buffers mapped, at the first call that needs them
    used = threads_at_work(call)
    if used is None:
        ctx.not_exercised("the other threads of the process did not come to rest before the call")
    ctx.threads_used = used
    if used < 2:
        ctx.not_exercised("set to %d threads, but one did all the work" % ctx.threads)


def threads_at_work(call):
    """Return how many threads, with the calling one, work in `call()`; None if it cannot be told.

    Where the system has no times per thread, 2 stands for "more than one".
    """
    times = _task_times()
    if times is None:
        return _threads_by_cpu_time(call)
    deadline = time.monotonic() + PATIENCE
    while True:
        time.sleep(REST)
        before, times = times, _task_times()
        if times == before:
            break
        if time.monotonic() > deadline:
            return None
    call()
    after = _task_times()
    return 1 + sum(after.get(task, used) > used for task, used in before.items())


def thread_count():
    """Return how many threads this process has, or None where the system does not say."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return None


def _task_times():
    """Return {thread id: nanoseconds of CPU time} without the calling thread, or None."""
    times = {}
    try:
        for task in os.listdir("/proc/self/task"):
            if int(task) != threading.get_native_id():
                try:
                    with open("/proc/self/task/%s/schedstat" % task, encoding="ascii") as file:
                        times[task] = int(file.read().split()[0])
                except ProcessLookupError:  # ended meanwhile
                    continue
    except (OSError, ValueError, IndexError):
        return None
    return times


def _threads_by_cpu_time(call):
    """Tell one thread from several by whose CPU time the call used."""
    deadline = time.monotonic() + PATIENCE
    while True:
        others = time.process_time() - time.thread_time()
        time.sleep(5 * REST)
        if time.process_time() - time.thread_time() - others < 0.02 * REST:
            break
        if time.monotonic() > deadline:
            return None
    process, own, end = time.process_time(), time.thread_time(), time.monotonic() + MEASURED_FOR
    while time.monotonic() < end:
        call()
    process, own = time.process_time() - process, time.thread_time() - own
    return 2 if process - own > SHARE_OF_OTHERS * process else 1

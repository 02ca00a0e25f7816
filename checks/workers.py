"""Proof that the library's own threads took part in a call.

OpenBLAS's idle workers spin for about 2^26 clock ticks (30 ms) after a job and then sleep until
they are given the next one. So: wait until all other threads of this process are at rest, make the
call, and see which of them have run. That holds on a machine whose second core is busy, where the
usual ratio of CPU time to wall time says nothing.
"""

import contextlib
import os
import threading
import time

__all__ = [
    "Watch",
    "address_space",
    "at_most",
    "file_mappings",
    "require_threads",
    "thread_count",
    "threads_at_work",
]

#: Seconds between looks at threads that are not at rest yet.
POLL = 0.005

#: Seconds after which the system has booked the time that a running thread has used so far: it does
#: so at its clock ticks, which are 10 ms apart at most.
BOOKED = 0.012

#: Seconds to wait for rest at most. A worker comes to rest only when it has been scheduled again.
PATIENCE = 5.0

#: Without per-thread times: seconds in which other threads use no CPU time when they are at rest.
QUIET = 0.05

#: Without per-thread times, a call is repeated for so many seconds: CPU clocks tick up to 16 ms.
MEASURED_FOR = 0.1

#: Share of the CPU time that must be used by other threads than the caller to count as two.
SHARE_OF_OTHERS = 0.1


@contextlib.contextmanager
def at_most(ctx, threads):
    """Use no more than so many BLAS threads.

    With 8 threads on two cores every split step costs 50 ms, with 4 it costs 10, and the code that
    runs is the same.
    """
    fewer = ctx.threads > threads
    if fewer:
        ctx.blas.set_num_threads(threads)
    try:
        yield
    finally:
        if fewer:
            ctx.blas.set_num_threads(ctx.threads)


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
        count = ctx.blas.get_num_threads()
        ctx.not_exercised("set to %d threads, but one did all the work" % count)


def threads_at_work(call):
    """Return how many threads, with the calling one, work in `call()`; None if it cannot be told.

    Where the system has no times per thread, 2 stands for "more than one".
    """
    if not _has_times():
        return _threads_by_cpu_time(call)
    deadline = time.monotonic() + PATIENCE
    while any(_other_tasks(_is_running)):
        if time.monotonic() > deadline:
            return None
        time.sleep(POLL)
    before = dict(_other_tasks(_time_used))
    call()
    time.sleep(BOOKED)
    after = dict(_other_tasks(_time_used))
    return 1 + sum(after.get(task, used) > used for task, used in before.items())


class Watch:
    """Tells how many threads have worked since it was made, where the system has their times.

    Only those count that were at rest then, as OpenBLAS's idle workers are: one that runs may be
    spinning after an earlier call, and one that is new may only have been started.
    """

    def __init__(self):
        if not _has_times():
            self._times = {}
            return
        times = dict(_other_tasks(_time_used))
        running = set(_other_tasks(lambda task: task if _is_running(task) else None))
        self._times = {task: used for task, used in times.items() if task not in running}

    def threads(self):
        """Return how many, with the calling one; None if no other is known to have worked."""
        after = dict(_other_tasks(_time_used)) if self._times else {}
        worked = sum(after.get(task, used) > used for task, used in self._times.items())
        return 1 + worked if worked else None


def thread_count():
    """Return how many threads this process has, or None where the system does not say."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return None


def address_space():
    """Return the size of this process's address space in MiB (Linux)."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmSize")) / 1024


def file_mappings():
    """Return how much of this process's address space shows files, in MiB (Linux)."""
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        fields = [line.split(None, 5) for line in maps]
    ranges = [each[0].split("-") for each in fields if len(each) == 6 and each[5][0] == "/"]
    return sum(int(end, 16) - int(begin, 16) for begin, end in ranges) / 2**20


def _has_times():
    """Whether the system tells the CPU time of each thread."""
    return os.path.exists("/proc/self/task/%d/schedstat" % threading.get_native_id())


def _other_tasks(look):
    """Yield what `look` returns for every thread of this process but the calling one."""
    for task in os.listdir("/proc/self/task"):
        if int(task) != threading.get_native_id():
            try:
                seen = look("/proc/self/task/" + task)
            except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                continue
            if seen:
                yield seen


def _is_running(task):
    with open(task + "/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[0] == "R"


def _time_used(task):
    """Return (task, nanoseconds of CPU time)."""
    with open(task + "/schedstat", encoding="ascii") as file:
        return task, int(file.read().split()[0])


def _threads_by_cpu_time(call):
    """Tell one thread from several by whose CPU time the call used."""
    deadline = time.monotonic() + PATIENCE
    while True:
        others = time.process_time() - time.thread_time()
        time.sleep(QUIET)
        if time.process_time() - time.thread_time() - others < 0.01 * QUIET:
            break
        if time.monotonic() > deadline:
            return None
    process, own, end = time.process_time(), time.thread_time(), time.monotonic() + MEASURED_FOR
    while time.monotonic() < end:
        call()
    process, own = time.process_time() - process, time.thread_time() - own
    return 2 if process - own > SHARE_OF_OTHERS * process else 1

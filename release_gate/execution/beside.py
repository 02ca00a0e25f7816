"""Runs tasks at the same time, each in a thread that waits for its children.

Signals reach the main thread alone: it waits for the others, and has them end their children before
it raises what it was told.
"""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

from release_gate.execution.interrupts import held_back, termination_interrupts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["run_beside"]

T = TypeVar("T")

#: Seconds between looks for signals, which do not end a wait.
LOOK_SECONDS = 0.2


def run_beside(tasks: Sequence[Callable[[threading.Event], T]], width: int) -> list[T]:
    """Run `tasks`, at most `width` at a time, and return what they return, in their order.

    Each is called with an event: when it is set, the task is to end its children and to raise
    KeyboardInterrupt, unless it is short. Raises the first error of a task, and KeyboardInterrupt
    (also for SIGTERM and SIGHUP), once no task runs any more; what had not begun is not begun.
    """
    stop = threading.Event()
    pool = ThreadPoolExecutor(max_workers=width)
    futures: list[Future[T]] = []
    pending: set[Future[T]] = set()
    # Held back, since waiting takes the locks of futures: see held_back.
    with termination_interrupts(), held_back() as signals:
        try:
            while not signals and (pending or len(futures) < len(tasks)):
                # Given out one by one: after an error a free thread must find nothing to begin.
                for task in tasks[len(futures) : len(futures) + width - len(pending)]:
                    futures.append(pool.submit(task, stop))
                    pending.add(futures[-1])
                done, pending = wait(pending, LOOK_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
        finally:
            stop.set()
            pool.shutdown()
    return [future.result() for future in futures]

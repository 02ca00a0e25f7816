"""Python threads that start at one moment, and rounds that are counted and limited by time."""

import contextlib
import threading
import time

__all__ = ["Crew", "Rounds", "on_stack", "run_together", "stack_of"]


def run_together(*tasks):
    """Call every task in a thread of its own, all released at once; return when all have ended.

    The first exception that a task raised is raised again. The threads are daemons: when the
    library never returns, it is the watchdog of the gate that ends the process.
    """
    barrier = threading.Barrier(len(tasks))
    errors = []

    def run(task):
        barrier.wait()
        try:
            task()
        except BaseException as error:  # noqa: BLE001  (raised again in the calling thread)
            errors.append(error)

    threads = [threading.Thread(target=run, args=(task,), daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@contextlib.contextmanager
def stack_of(size):
    """Give threads that are started meanwhile a stack of `size` bytes."""
    before = threading.stack_size(size)
    try:
        yield
    finally:
        threading.stack_size(before)


def on_stack(size, task):
    """Call `task` in a thread with a stack of `size` bytes."""
    with stack_of(size):
        run_together(task)


class Crew:
    """`size` threads that stay for many short tasks: to start a thread takes longer than those."""

    def __init__(self, size):
        self._barrier = threading.Barrier(size + 1)
        self._tasks = None
        self._errors = []
        self._threads = [
            threading.Thread(target=self._work, args=(number,), daemon=True)
            for number in range(size)
        ]
        for thread in self._threads:
            thread.start()

    def _work(self, number):
        while True:
            self._barrier.wait()
            if self._tasks is None:
                return
            try:
                self._tasks[number]()
            except BaseException as error:  # noqa: BLE001  (raised again in the calling thread)
                self._errors.append(error)
            self._barrier.wait()

    def run(self, *tasks):
        """Call every task in a thread of its own, as `run_together` does."""
        self._tasks = tasks
        self._barrier.wait()
        self._barrier.wait()
        if self._errors:
            raise self._errors[0]

    def end(self):
        """End the threads."""
        self._tasks = None
        self._barrier.wait()
        for thread in self._threads:
            thread.join()


class Rounds:
    """Iterate over 0, 1, 2, ... until `seconds` have passed, but at least `least` times.

    `done` is how many rounds were begun: a pass with 3 rounds is not a pass with 3,000.
    """

    def __init__(self, seconds, least):
        self.seconds = seconds
        self.least = least
        self.done = 0

    def __iter__(self):
        begin = time.monotonic()
        while self.done < self.least or time.monotonic() - begin < self.seconds:
            self.done += 1
            yield self.done - 1

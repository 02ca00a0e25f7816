"""Python threads that start at one moment, and rounds that are counted and limited by time."""

import threading
import time

__all__ = ["Rounds", "run_together"]


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

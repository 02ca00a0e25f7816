"""Calls that may never return, made in a forked process that has only so much CPU time."""

import math
import mmap
import signal
import time

import numpy as np

from checks.forking import Child
from checks.lapack import REFUSALS, Overwritten

__all__ = ["listed", "require_end"]

#: How many wrong cases a child tells of.
MOST = 4

#: A loop, and the seconds in which any processor of today has done it. Emulated ones take longer.
LOOP, USUAL = 200_000, 0.01


def listed(case):
    """Return what a case is, in words."""
    return ", ".join("%s %s" % each for each in sorted(case.items()) if each[0] != "routine")


def require_end(ctx, cases, make, seconds, parameters, described=listed):
    """Require that every case ends, within `seconds` of CPU time for all, and keeps to its memory.

    CPU time, since it does not matter for that what else the machine does, and as much more as it
    is slower than machines are. make(**case): makes one, whatever it answers or refuses. The case
    at which the process dies or stays fails, and those after it are not made. parameters: what is
    common to all; "routine" is there or in each case. described: what a message says of a case.
    """
    ctx.trying({**cases[0], **parameters}["routine"], parameters)
    seconds = _seconds_here(seconds)
    reached = mmap.mmap(-1, 4)  # shared with the child: the number of the case that it is at

    def task():
        import resource  # not on Windows, where such checks are not asked

        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        wrong = []
        for number, case in enumerate(cases):
            reached[:4] = number.to_bytes(4, "little")
            try:
                with np.errstate(all="ignore"):
                    make(**case)
            except Overwritten as error:
                wrong.append((number, str(error)))
            except REFUSALS:
                continue
        return wrong[:MOST]

    wrong, trouble = Child(task).answer()
    ctx.ran(len(cases))
    if trouble:
        if trouble.endswith("signal %d" % signal.SIGXCPU):
            trouble = "does not end within %d s of CPU time" % seconds
        wrong = [(int.from_bytes(reached[:4], "little"), trouble)]
    for number, message in wrong:
        case = dict(parameters, **cases[number])
        ctx.fail(case["routine"], "%s: %s" % (described(cases[number]), message), case)


def _seconds_here(seconds):
    """Return a limit in whole seconds of this process's CPU time."""
    begin = time.process_time()
    sum(range(LOOP))
    slower = (time.process_time() - begin) / USUAL
    return math.ceil(seconds * max(1.0, slower))

"""The library under a limit of address space (`ulimit -v`), as in batch systems and containers."""

import json
import os
import resource
import signal
import sys

from checks.api import check
from checks.blas import Library
from checks.interpreters import run_alone
from checks.loading import Product, load_dependencies
from checks.workers import address_space

__all__ = ["address_limit", "load_within"]

#: What the library may need beside its file, in MiB: for each of two threads what the check
#: process.address-space lets one add (a buffer twice as large as those of NumPy's builds, a stack,
#: slack), and as much again for the heaps that the C library gives to threads.
ALLOWED = 2 * 96 + 128

#: Seconds of CPU time in which to give up when memory is refused. Loading and computing takes 0.1.
PATIENCE = 3

#: What the forked processes say by their status.
RIGHT, WRONG, REFUSED = 0, 100, 101


def load_within(path, prefix, suffix, limits):
    """Load the library and compute in forked processes, each with one of `limits`, in MiB.

    Runs in an interpreter of its own, without NumPy. Prints the wait status of each process; the
    first that does not give up is the last.
    """
    load_dependencies(path)
    product = Product()
    statuses = []
    for mib in limits:
        statuses.append(_load_in_child((path, prefix, suffix), product, mib))
        if os.WIFSIGNALED(statuses[-1]) and os.WTERMSIG(statuses[-1]) == signal.SIGXCPU:
            break  # one says enough, and each costs its patience
    print(json.dumps(statuses))


def _load_in_child(library, product, mib):
    child = os.fork()
    if child == 0:
        status = REFUSED
        try:
            limit = int(address_space() + mib) * 2**20
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE + 1))
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            status = WRONG if product.wrong(Library(*library)) else RIGHT
        except (OSError, MemoryError, KeyboardInterrupt):  # OpenBLAS raises SIGINT by intention
            pass
        finally:
            sys.stderr.flush()
            os._exit(status)
    return os.waitpid(child, 0)[1]


@check(
    id="process.address-limit",
    title="Under a limit of address space the library works or says that it cannot",
    category="process",
    routines=["dgemm"],
    oracle=(
        "Forked processes load the library with two threads and compute, each with another limit "
        "of address space, from little to the size of the file and 320 MiB. With the most it must "
        "work and the product of integers be exact. With less the process may end in an orderly "
        "way (a status, an exception, or the SIGINT that OpenBLAS raises when it cannot start a "
        "thread), but not by a fault, and within 3 seconds of CPU time. The least that sufficed is "
        "in the details."
    ),
    catches=(
        "Memory that is used although the system has refused it, requests that are repeated for "
        "ever, and needs that have grown: numpy#21376 and OpenBLAS#3180 (import dies with SIGSEGV "
        "under ulimit -v), #2970; 0.3.20 to 0.3.27 never give up."
    ),
    max_threads=1,
    budget=60.0,
    systems=("linux",),
    once=True,
)
def address_limit(ctx):
    file = os.path.getsize(ctx.blas.path) // 2**20
    most = file + ALLOWED
    # Two buffers of 32 MiB and what goes with them are refused one by one in the middle range.
    few = range(file + 130, file, -16)
    limits = [most, *ctx.by_profile(few, range(most - 8, 0, -8), range(most - 2, 0, -2))]
    library = (ctx.blas.path, ctx.blas.prefix, ctx.blas.suffix)
    environment = {"OPENBLAS_NUM_THREADS": "2"}
    ctx.trying("dgemm", {"limits": limits})
    ended = run_alone(ctx, load_within, *library, limits, environment=environment)
    statuses = ended.answer()
    if statuses is None:
        what = ended.trouble() or "ended without an answer"
        ctx.fail("dgemm", "the process that tries the limits: %s" % what, {"limits": limits})
        return
    works = []
    for mib, status in zip(limits, statuses):
        trouble = _trouble(status)
        ctx.ran()
        if status == RIGHT:
            works.append(mib)
        elif mib == most and trouble is None:
            trouble = "does not work"
        if trouble is not None:
            ctx.fail(
                "dgemm", "with %d MiB of address space: %s" % (mib, trouble), {"limits": [mib]}
            )
    ctx.details["file_mib"] = file
    ctx.details["least_that_sufficed_mib"] = min(works, default=None)


def _trouble(status):
    """Return what a wait status tells of a disorderly end, or None."""
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        if name == "SIGXCPU":
            return "does not give up in %d s of CPU time" % PATIENCE
        return None if name == "SIGINT" else "died with %s" % name
    return "wrong result" if os.WEXITSTATUS(status) == WRONG else None

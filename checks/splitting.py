"""How many threads a check works with, where the cell's number would cost seconds per call."""

import functools

from checks.workers import Watch

__all__ = ["few_threads", "two_threads"]


def few_threads(function):
    """Run a check on two threads in threaded cells of the smoke profile, on all in the others.

    With more threads than cores each split step takes 50 ms and more, a factorization seconds. Two
    threads go through the same code, split once.
    """
    return _limited(function, ("smoke",))


def two_threads(function):
    """The same in all profiles but stress, for checks of hundreds of factorizations."""
    return _limited(function, ("smoke", "full"))


def _limited(function, profiles):
    @functools.wraps(function)
    def run(ctx):
        fewer = ctx.threads > 2 and ctx.profile in profiles
        if fewer:
            ctx.blas.set_num_threads(2)
        watch = Watch() if ctx.threads > 1 else None
        try:
            function(ctx)
        finally:
            if watch is not None:
                ctx.threads_used = watch.threads()
            if fewer:
                ctx.blas.set_num_threads(ctx.threads)

    return run

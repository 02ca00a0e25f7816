"""What a check is, and what it is given: the decorator `check` and the `Context`.

Runs inside the child: standard library only here, Python >= 3.9. The arguments of `@check` must be
literals, since the gate reads them from the source (it imports neither the checks nor NumPy).
"""

import math

__all__ = [
    "CHECKS",
    "Check",
    "Context",
    "NotExercised",
    "Unsupported",
    "check",
]

#: Most failing cases that an outcome carries; the first are the smallest when a check goes upwards.
#: One of each routine is kept beyond these, for so many routines.
KEPT_CASES = 8
KEPT_ROUTINES = 32

CHECKS = {}


class NotExercised(Exception):
    """The check ran but cannot prove that it reached what it asks about."""


class Unsupported(Exception):
    """This platform, NumPy or library cannot be asked."""


class Check:
    """One question about a wheel, with its function and the literals of its decorator."""

    def __init__(self, function, **facts):
        self.function = function
        self.facts = facts
        self.id = facts["id"]


def check(
    *,
    id,  # noqa: A002  (the field's name in every report)
    title,
    category,
    routines,
    oracle,
    catches,
    min_threads=1,
    max_threads=None,
    profiles=("smoke", "full", "stress"),
    budget=60.0,
    idle=20.0,
    systems=(),
    once=False,
    most_threads=False,
):
    """Register a check. All arguments are literals.

    id: dotted name, "exact.gemm"; category: the part before the dot;
    routines: BLAS and LAPACK names that it reaches ("?gemm" for all four precisions);
    oracle: how right and wrong are told apart, with formula, limit and source;
    catches: the class of bugs, in one sentence, with the known issues that taught it;
    min_threads, max_threads: BLAS threads of the cells in which it is asked;
    budget: seconds of wall time after which it counts as hung; idle: seconds without CPU use;
    systems: "linux", "darwin", "windows"; empty for all;
    once: smoke asks it with one kernel per library, since all kernels share the code it tests;
    most_threads: smoke asks it, of each kernel's cells, in that with the most threads, where it
    goes through what it goes through with one.
    """

    def register(function):
        if id in CHECKS:
            raise ValueError("two checks are called %r" % id)
        CHECKS[id] = Check(
            function,
            id=id,
            title=title,
            category=category,
            routines=routines,
            oracle=oracle,
            catches=catches,
            min_threads=min_threads,
            max_threads=max_threads,
            profiles=profiles,
            budget=budget,
            idle=idle,
            systems=systems,
            once=once,
            most_threads=most_threads,
        )
        return function

    return register


class Context:
    """What a check knows of its cell, and where it says what it saw.

    threads: BLAS threads that are set (openblas_set_num_threads, read back); profile: "smoke",
    "full" or "stress"; seed: base of all random input; blas: a `checks.blas.Library`; note: a
    function that keeps what `trying` is told.
    """

    def __init__(self, *, blas, threads, profile, seed, note=None):
        self.blas = blas
        self.threads = threads
        self.profile = profile
        self.seed = seed
        self.cases_run = 0
        self.cases_failed = 0
        self.routines_failed = {}
        self.cases = []
        self.rounds = None
        self.threads_used = None
        self.details = {}
        self.recorded = {}
        self._note = note

    def by_profile(self, smoke, full, stress=None):
        """Return the value for the profile in force (`stress` is `full` where it is not given)."""
        return {"smoke": smoke, "full": full, "stress": full if stress is None else stress}[
            self.profile
        ]

    def trying(self, routine, parameters):
        """Note the input that is computed next: if that kills the process, the gate can tell it.

        `parameters` as in `fail`, of plain Python values.
        """
        if self._note is not None:
            self._note(routine, parameters)

    def ran(self, cases=1):
        """Count inputs that were tried."""
        self.cases_run += cases

    def fail(
        self,
        routine,
        message,
        parameters=None,
        ratio=None,
        limit=None,
        first_bad=None,
        bad=None,
        of=None,
        box=None,
    ):
        """Record one input with a wrong result.

        `parameters` (JSON scalars and lists) is all that the reproducer of this check needs.
        """
        self.cases_failed += 1
        before = self.routines_failed.get(routine, 0)
        self.routines_failed[routine] = before + 1
        if len(self.cases) < (KEPT_CASES if before else max(KEPT_CASES, KEPT_ROUTINES)):
            self.cases.append(
                {
                    "routine": routine,
                    "message": message,
                    "parameters": dict(parameters or {}),
                    "ratio": _finite(ratio),
                    "limit": limit,
                    "first_bad": None if first_bad is None else [int(i) for i in first_bad],
                    "bad": None if bad is None else int(bad),
                    "of": None if of is None else int(of),
                    "box": None if box is None else [[int(a), int(b)] for a, b in box],
                }
            )

    def require_ratio(self, routine, name, ratio, limit, parameters=None):
        """Count a case; it fails unless `ratio` < `limit` (so NaN fails)."""
        self.ran()
        if not ratio < limit:
            self.fail(
                routine,
                "%s: test ratio %.3g, limit %g" % (name, ratio, limit),
                parameters,
                ratio=ratio,
                limit=limit,
            )

    def record(self, name, behaviour):
        """Keep what the library does where no standard says what is right, in few words.

        The gate compares it with the baseline's: users notice a change, though nothing is wrong.
        """
        self.recorded[name] = str(behaviour)

    def not_exercised(self, reason):
        """End the check without an answer."""
        raise NotExercised(reason)

    def unsupported(self, reason):
        """End the check: it cannot be asked here."""
        raise Unsupported(reason)


def _finite(number):
    """Return `number` as JSON can hold it: NaN and infinity become None."""
    if number is None or not math.isfinite(number):
        return None
    return float(number)

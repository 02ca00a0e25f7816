"""What the library does to a whole process: its end, and the memory that it reserves."""

import json
import subprocess
import sys

from checks.api import check

__all__ = ["address_space", "clean_exit", "exit_while_busy"]

#: Address space that one more BLAS thread may reserve, in MiB: a buffer of 64, which is twice what
#: NumPy's builds of OpenBLAS ask for (BUFFERSIZE=20), a stack of 8, and some slack. Measured: 38.5
#: with 0.3.29 to 0.3.34; 136 with 0.3.12, which did not fit in containers (OpenBLAS#2970).
PER_THREAD_LIMIT = 96

#: BLAS threads in the process that is measured.
THREADS = 8


def _run(ctx, function, *arguments):
    """Run `function` of `checks.subjects` in a new interpreter; return (status, stdout, stderr).

    Waits without a limit and without CPU time: what hangs is for the gate's watchdog to see.
    """
    program = (
        "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
        "from checks import subjects; "
        "subjects.%s(*json.loads(sys.argv[2]))" % function
    )
    command = [sys.executable, "-s", "-B", "-X", "faulthandler", "-c", program]
    command += [json.dumps(sys.path), json.dumps(arguments)]
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except OSError as error:  # an emulated interpreter that the system cannot start by itself
        ctx.unsupported("cannot start %s: %s" % (sys.executable, error))
    output, errors = process.communicate()
    return process.returncode, output.decode(), errors.decode(errors="replace")


@check(
    id="process.exit",
    title="A process that has used threaded BLAS ends cleanly",
    category="process",
    routines=["dgemm"],
    oracle=(
        "New interpreters compute in threads and end: with idle workers; as a forked child that "
        "computes too and then runs its exit handlers and the library's destructor; with daemon "
        "threads that have computed and now wait. Each must reach its last statement and end with "
        "status 0; a process that does not end is a hang."
    ),
    catches=(
        "Destructors that wait for threads which are gone, free what is still used, or end the "
        "process early: OpenBLAS#1720, #2370, scikit-learn#28774, numpy#24028."
    ),
    budget=60.0,
    idle=10.0,
)
def clean_exit(ctx):
    scenarios = ctx.by_profile(
        ("forked_child_then_waiting_threads",),
        ("idle_workers", "waiting_threads", "forked_child_then_waiting_threads"),
    )
    for _ in range(ctx.by_profile(1, 3, 20)):
        for scenario in scenarios:
            _judge_end(ctx, scenario)


@check(
    id="process.exit-busy",
    title="A process ends while daemon threads are inside BLAS",
    category="process",
    routines=["dgemm"],
    oracle=(
        "New interpreters reach their end while two daemon threads multiply matrices. Each must "
        "end with status 0. Only in the stress profile: with 8 threads on two cores, 0.3.29.0.0, "
        "0.3.33.112.0 and 0.3.34.481.3 all hang, in one of five to nine of ten tries, since the "
        "destructor (gotoblas_quit) takes over the job slots of workers and then joins them."
    ),
    catches="Destructors that stop, or wait for, workers in the middle of a call: OpenBLAS#1720.",
    profiles=("stress",),
    budget=90.0,
    idle=10.0,
)
def exit_while_busy(ctx):
    for _ in range(ctx.by_profile(2, 5, 20)):
        _judge_end(ctx, "busy_threads")


def _judge_end(ctx, scenario):
    """Count one process that computes, brings about `scenario` and ends."""
    parameters = {"scenario": scenario}
    status, output, errors = _run(ctx, "exit_after", scenario, ctx.threads)
    ctx.ran()
    end = errors.strip()[-300:]
    if status:
        what = "died with signal %d" % -status if status < 0 else "status %d" % status
        ctx.fail("dgemm", "%s: %s; %s" % (scenario, what, end), parameters)
    elif "last statement" not in output:
        what = "%s: ended early, with status 0; %s" % (scenario, end)
        ctx.fail("dgemm", what, parameters)


@check(
    id="process.address-space",
    title="Import and threads reserve no more address space than they did",
    category="process",
    routines=["dgemm"],
    oracle=(
        "A new interpreter reads its address space before and after `import numpy`, and then with "
        "8 BLAS threads after a product that is split over them. Each thread may add up to 96 MiB: "
        "twice the buffer that NumPy's builds ask for, a stack, and slack. All figures are in the "
        "details."
    ),
    catches=(
        "Buffers that grew, so that processes under ulimit -v or in small containers die at import "
        "or in the first call: OpenBLAS#2970 (136 MiB a thread for 40), #3180, numpy#21376."
    ),
    max_threads=1,
    budget=30.0,
    systems=("linux",),
)
def address_space(ctx):
    status, output, errors = _run(ctx, "measure_address_space", THREADS)
    parameters = {"limit": PER_THREAD_LIMIT}
    ctx.ran()
    if status or not output:
        end = errors.strip()[-300:]
        what = "the measuring process ended with status %d: %s" % (status, end)
        ctx.fail("dgemm", what, parameters)
        return
    figures = json.loads(output)
    ctx.details.update(figures)
    if not figures["per_thread_mib"] < PER_THREAD_LIMIT:
        what = "each BLAS thread reserves %.0f MiB of address space" % figures["per_thread_mib"]
        ctx.fail("dgemm", what, parameters, ratio=figures["per_thread_mib"], limit=PER_THREAD_LIMIT)

"""What the library does to a whole process: its end, and the memory that it reserves."""

from checks.api import check
from checks.interpreters import run_alone
from checks.subjects import exit_after, measure_address_space

__all__ = ["address_space", "clean_exit", "exit_while_busy"]

#: Address space that one more BLAS thread may reserve, in MiB: a buffer of 64, which is twice what
#: NumPy's builds of OpenBLAS ask for (BUFFERSIZE=20), a stack of 8, and some slack. Measured: 38.5
#: with 0.3.29 to 0.3.34; 136 with 0.3.12, which did not fit in containers (OpenBLAS#2970).
PER_THREAD_LIMIT = 96

#: Address space that import with one BLAS thread may reserve beside the files that it maps, in MiB:
#: the buffer of 64, and as much for Python's own objects and slack. Measured: 45 with 0.3.31 to
#: 0.3.34; a buffer of OpenBLAS#2970's size brings it to 140.
IMPORT_LIMIT = 128

#: BLAS threads in the process that is measured.
THREADS = 8


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
    once=True,
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
    ended = run_alone(ctx, exit_after, scenario, ctx.threads)
    ctx.ran()
    trouble = ended.trouble()
    if trouble is None and "last statement" not in ended.output:
        trouble = "ended early, with status 0"
    if trouble is not None:
        ctx.fail("dgemm", "%s: %s" % (scenario, trouble), parameters)


@check(
    id="process.address-space",
    title="Import and threads reserve no more address space than they need",
    category="process",
    routines=["dgemm"],
    oracle=(
        "A new interpreter reads its address space before and after `import numpy`, and then with "
        "8 BLAS threads after a product that is split over them. Import with one thread may add up "
        "to 128 MiB beside the files that are mapped, each further thread up to 96: twice the "
        "buffer that NumPy's builds ask for (32), Python's objects or a stack, and slack. All "
        "figures are in the details."
    ),
    catches=(
        "Buffers that grew, so that processes under ulimit -v or in small containers die at import "
        "or in the first call: OpenBLAS#2970 (136 MiB a thread for 40), #3180, numpy#21376."
    ),
    max_threads=1,
    budget=30.0,
    systems=("linux",),
    once=True,
)
def address_space(ctx):
    alone = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # at import
    ended = run_alone(ctx, measure_address_space, THREADS, environment=alone)
    figures = ended.answer()
    if figures is None:
        ctx.ran()
        what = "the measuring process: %s" % (ended.trouble() or "printed nothing")
        ctx.fail("dgemm", what, {"limit": PER_THREAD_LIMIT})
        return
    ctx.details.update(figures)
    for name, limit, what in (
        ("per_thread_mib", PER_THREAD_LIMIT, "each BLAS thread reserves %.0f MiB of address space"),
        ("import_beside_files_mib", IMPORT_LIMIT, "import reserves %.0f MiB of address space"),
    ):
        ctx.ran()
        if not figures[name] < limit:
            parameters = {"limit": limit, "figure": name}
            ctx.fail("dgemm", what % figures[name], parameters, ratio=figures[name], limit=limit)

"""The library's file, loaded and unloaded by this process itself, once or several times."""

import ctypes
import glob
import json
import os
import shutil
import tempfile
import threading
import time
from operator import mul

from checks.api import check
from checks.blas import Library
from checks.interpreters import run_alone
from checks.workers import address_space, thread_count

__all__ = [
    "Product",
    "compute_in_copies",
    "load_dependencies",
    "reload",
    "reloading",
    "two_copies",
]

#: Address space that a cycle of loading and unloading may leave behind, in MiB. One buffer that is
#: not given back is 32 in NumPy's builds. The heaps that the C library gives to threads are used
#: again by those of the next cycle.
KEPT_PER_CYCLE = 16


def load_dependencies(path):
    """Load what lies beside the library (libgfortran), which it may find only through NumPy."""
    waiting = sorted(set(glob.glob(os.path.join(os.path.dirname(path), "lib*.so*"))) - {path})
    for _ in range(len(waiting)):  # as many times as one may wait for another
        for each in list(waiting):
            try:
                ctypes.CDLL(each)
                waiting.remove(each)
            except OSError:
                continue


class Product:
    """A matrix of small integers whose square cblas_dgemm is to give exactly, without NumPy.

    Split over four threads: 104^3 is more than four times 262,144 (interface/gemm.c), and more than
    the 10^6 up to which AVX-512 kernels have a path without threads.
    """

    size = 104

    def __init__(self):
        n = self.size
        self.values = [float((3 * i + i // n) % 7 - 3) for i in range(n * n)]
        rows = [self.values[i : i + n] for i in range(0, n * n, n)]
        columns = list(zip(*rows))
        self.square = [sum(map(mul, row, column)) for row in rows for column in columns]

    def wrong(self, library):
        """Square the matrix in `library` and return how many elements are wrong."""
        n, integer, real = self.size, library.integer, ctypes.c_double
        kinds = [ctypes.c_int] * 3 + [integer] * 3 + [real]
        kinds += [ctypes.c_void_p, integer] * 2 + [real, ctypes.c_void_p, integer]
        gemm = library.function("cblas_dgemm", None, kinds)
        a, c = (real * (n * n))(*self.values), (real * (n * n))()
        gemm(101, 111, 111, n, n, n, 1.0, a, n, a, n, 0.0, c, n)
        return sum(map(float.__ne__, c, self.square))


def reload(path, prefix, suffix, cycles):
    """Load the library, compute in two threads, unload it, over and over; print what is left.

    Runs in an interpreter of its own, without NumPy. In each cycle a Python thread that has
    computed outlives the library.
    """
    load_dependencies(path)
    product = Product()
    wrong, still_mapped, threads, addresses = 0, 0, [], []
    for _ in range(cycles):
        library = Library(path, prefix, suffix)
        library.set_num_threads(3)
        computed, unloaded = threading.Event(), threading.Event()
        seen = []

        def outlive(library=library, seen=seen, computed=computed, unloaded=unloaded):
            seen.append(product.wrong(library))
            computed.set()
            unloaded.wait()

        thread = threading.Thread(target=outlive)
        thread.start()
        computed.wait()
        wrong += product.wrong(library) + seen[0]
        _unload(library)
        unloaded.set()
        thread.join()
        still_mapped += _is_mapped(path)
        threads.append(thread_count())
        addresses.append(address_space())
    answer = {"wrong": wrong, "still_mapped": still_mapped, "threads_left": threads[-1] - 1}
    answer["kept_mib"] = round((addresses[-1] - addresses[0]) / max(1, cycles - 1), 1)
    print(json.dumps(answer))


def _unload(library):
    import _ctypes

    _ctypes.dlclose(library.handle._handle)  # noqa: SLF001  (ctypes has no other name for it)


def _is_mapped(path):
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        return any(line.rstrip().endswith(os.path.realpath(path)) for line in maps)


@check(
    id="process.reload",
    title="The library can be unloaded and loaded again",
    category="process",
    routines=["dgemm"],
    oracle=(
        "A new interpreter without NumPy loads the library, computes a product of integers in its "
        "main thread and in another one, unloads it, and lets that other thread end; it does so "
        "several times. Products must be exact, the process must end with status 0, its threads "
        "be as many as before, and no more than 16 MiB of address space stay behind in a cycle "
        "after the first (a buffer has 32)."
    ),
    catches=(
        "Destructors of threads that point into unmapped code, tables that are freed twice, "
        "workers that outlive the library: OpenBLAS#1720, #1692, #3113, #2370."
    ),
    profiles=("full", "stress"),
    max_threads=1,
    budget=40.0,
    systems=("linux",),
)
def reloading(ctx):
    cycles = ctx.by_profile(3, 30, 200)
    parameters = {"cycles": cycles}
    ctx.trying("dgemm", parameters)
    ended = run_alone(ctx, reload, ctx.blas.path, ctx.blas.prefix, ctx.blas.suffix, cycles)
    ctx.rounds = cycles
    ctx.ran(2 * cycles)
    failure = ended.failure()
    if failure is not None:
        ctx.fail("dgemm", "loading and unloading: %s" % failure, parameters)
        return
    answer = ended.answer()
    ctx.details.update(answer)
    if answer["still_mapped"]:
        ctx.not_exercised("the library stays in memory when it is unloaded")
    limits = (
        ("wrong", 0, "%s elements wrong after loading again"),
        ("threads_left", 0, "%s threads outlive the library"),
        ("kept_mib", KEPT_PER_CYCLE, "%s MiB of address space stay behind in each cycle"),
    )
    for name, limit, what in limits:
        ctx.ran()
        if answer[name] > limit:
            ctx.fail("dgemm", what % answer[name], parameters, ratio=answer[name], limit=limit)


def compute_in_copies(path, prefix, suffix, global_first, rounds):
    """Compute in NumPy's library and in a copy of its file at once; then in a forked process.

    Runs in an interpreter of its own. The copy is loaded after NumPy with its symbols to itself,
    or (`global_first`) before NumPy with its symbols for all to see. Prints [unsupported reason or
    None, whether the copies are two, wrong elements in the threads, the child's status].
    """
    load_dependencies(path)
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "libanother.so")  # a hard link would be the same to the loader
        shutil.copyfile(path, copy)
        try:
            if global_first:
                ctypes.CDLL(copy, mode=ctypes.RTLD_GLOBAL)
            other = _import_numpy_then(copy, prefix, suffix)
        except OSError as error:  # a folder for temporary files from which nothing may be executed
            print(json.dumps([str(error), False, 0, 0]))
            return
    libraries = [Library(path, prefix, suffix), other]
    name = prefix + "cblas_dgemm" + suffix
    addresses = {ctypes.cast(each.handle[name], ctypes.c_void_p).value for each in libraries}
    for count, library in zip((3, 2), libraries):
        library.set_num_threads(count)
    wrong = _compute_together(libraries, rounds)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 3 * bool(_compute_together(libraries, 1))
        finally:
            os._exit(status)
    while True:  # by and by, so that a child that hangs lets this process be seen as idle
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        time.sleep(0.005)
    wrong += _compute_together(libraries, 1)
    print(json.dumps([None, len(addresses) == 2, wrong, status]))


def _import_numpy_then(copy, prefix, suffix):
    import numpy  # noqa: F401, ICN001

    return Library(copy, prefix, suffix)


def _compute_together(libraries, rounds):
    """Compute in each library in a thread of its own; return how many elements were wrong."""
    product = Product()
    wrong = []

    def compute(library):
        wrong.extend(product.wrong(library) for _ in range(rounds))

    threads = [threading.Thread(target=compute, args=(library,)) for library in libraries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(wrong)


@check(
    id="process.two-copies",
    title="Two copies of the library in one process do not disturb each other",
    category="process",
    routines=["dgemm"],
    oracle=(
        "As with NumPy and SciPy in one program: a copy of the library's file is loaded beside "
        "it under another name, with its symbols to itself; beyond the smoke profile also before "
        "NumPy and with its symbols visible to all. Both compute products of integers at once, "
        "split over threads, then so does a forked process and the parent again. All must be "
        "exact and end with status 0; a process that does not return is a hang."
    ),
    catches=(
        "Symbols, fork handlers and locks that are shared where each copy needs its own: "
        "numpy#21643, numpy#27036, scipy#20294, scikit-learn#28774."
    ),
    min_threads=2,
    budget=60.0,
    idle=10.0,
    systems=("linux",),
    once=True,
)
def two_copies(ctx):
    library = (ctx.blas.path, ctx.blas.prefix, ctx.blas.suffix)
    rounds = ctx.by_profile(2, 20, 200)
    for global_first in ctx.by_profile((False,), (False, True)):
        parameters = {"global_first": global_first, "rounds": rounds}
        ctx.trying("dgemm", parameters)
        ended = run_alone(ctx, compute_in_copies, *library, global_first, rounds)
        ctx.ran(2 * (rounds + 2))
        failure = ended.failure()
        if failure is not None:
            ctx.fail("dgemm", "two copies in one process: %s" % failure, parameters)
            continue
        trouble, are_two, wrong, status = ended.answer()
        if trouble:
            ctx.unsupported("cannot load a copy of the library: %s" % trouble)
        if not are_two:
            ctx.not_exercised("both copies are one library")
        if wrong or status:
            what = "two copies in one process: %d elements wrong; wait status of the child %d"
            ctx.fail("dgemm", what % (wrong, status), parameters, bad=wrong)

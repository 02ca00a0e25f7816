"""What `checks.process` runs in interpreters of their own. NumPy is imported by the functions."""

import json
import os
import sys
import threading
import time

from checks.workers import address_space, file_mappings

__all__ = ["exit_after", "measure_address_space"]


def exit_after(scenario, threads):
    """Compute in `threads` BLAS threads, bring about `scenario`, and end as any program does."""
    a, product = _compute(threads)
    if scenario.startswith("forked_child") and hasattr(os, "fork"):
        pid = os.fork()
        if pid == 0:
            sys.exit(0 if (a @ a == product).all() else 3)
        status = os.waitpid(pid, 0)[1]
        if status:
            sys.exit("the forked child's status is %d" % status)
    if scenario.endswith("threads"):
        _start_daemons(lambda: a @ a, forever=scenario.endswith("busy_threads"))
    print("last statement", flush=True)


def _start_daemons(call, forever):
    """Start two daemon threads that call, then wait or go on; return when both have begun."""
    begun = threading.Barrier(3)

    def work():
        if not forever:
            call()
        begun.wait()
        while forever:
            call()
        threading.Event().wait()

    for _ in range(2):
        threading.Thread(target=work, daemon=True).start()
    begun.wait()
    if forever:
        time.sleep(0.02)  # both are inside a call, not at its Python code


def measure_address_space(threads):
    """Print what import, and what each of `threads` BLAS threads, add to the address space.

    Of import also what is left of it without the files that are mapped, such as the library's own.
    """
    before, files = address_space(), file_mappings()
    import numpy  # noqa: F401, ICN001

    imported = address_space()
    files = file_mappings() - files
    _compute(2)
    few = address_space()
    _compute(threads)
    figures = {
        "import_mib": round(imported - before, 1),
        "import_beside_files_mib": round(imported - before - files, 1),
        "two_threads_mib": round(few - before, 1),
        "per_thread_mib": round((address_space() - few) / (threads - 2), 1),
    }
    print(json.dumps(figures))


def _compute(threads):
    """Set the threads and multiply; return the operand and its square."""
    import numpy as np

    from checks.blas import find_library

    find_library(np).set_num_threads(threads)
    a = (np.arange(130 * 130) % 7 - 3.0).reshape(130, 130)
    return a, a @ a

"""The child: runs the checks of one job in order and tells each event as one line of JSON.

Started by `release_gate.execution.child` with the wheel's site folder and the parent of `checks` on
``sys.path``. The job is one JSON object on stdin: ``checks`` (list of {id, module, budget}),
``threads``, ``profile``, ``seed``, ``site`` (folder that NumPy must come from), ``library`` (file
that NumPy must have loaded). Events on the original stdout, in this order::

    {"event": "hello", "numpy": ..., "python": ..., "openblas": {...}, "threads": {...}}
    {"event": "started", "check": ID, "log": size of stderr, which is a file, in bytes}
    {"event": "finished", "check": ID, "outcome": ..., "reason": ..., "evidence": ..., "seconds": s}
    {"event": "done"}

or, instead of what comes next, ``{"event": "error", "kind": "import" | "setup", "reason": ...}``.

Standard library and NumPy only, Python >= 3.9.
"""

import faulthandler
import importlib
import json
import math
import mmap
import numbers
import os
import signal
import sys
import threading
import time
import traceback

from checks import api, blas

#: Share of a check's budget after which the Python stacks are written to stderr, where the parent
#: cannot ask for them by a signal (Windows).
TRACEBACK_AT = 0.8

#: A traceback in an event is cut to its last so many characters.
TRACEBACK_CHARACTERS = 8000


class Protocol:
    """The private way to the parent, out of reach of everything that prints.

    File descriptor 1 becomes stderr: what a library, a forked process or a sub-interpreter writes
    there is talk. Forked processes have the private descriptor closed, so that one that survives
    neither writes events nor keeps the parent waiting for the end of the pipe.
    """

    def __init__(self):
        sys.stdout.flush()
        self.descriptor = os.dup(1)
        self.owner = os.getpid()
        os.dup2(2, 1)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._close)

    def _close(self):
        if self.descriptor is not None:  # a process that the forked one forks may use that number
            os.close(self.descriptor)
            self.descriptor = None

    def end_if_forked(self):
        """End a forked process that came back from a check, before it goes on as a second child."""
        if os.getpid() != self.owner:
            os._exit(70)

    def emit(self, event, **data):
        """Write one event, with NaN, infinity and NumPy's scalars as JSON can hold them."""
        self.end_if_forked()
        line = json.dumps(plain(dict(data, event=event)), allow_nan=False).encode() + b"\n"
        while line:
            line = line[os.write(self.descriptor, line) :]


class SetupError(Exception):
    """The job cannot be run as it was meant; no fault of the library."""


def die_with_parent():
    """Have the kernel kill this process when the parent is killed (Linux; no thread needed)."""
    if sys.platform.startswith("linux"):
        import ctypes

        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def dump_stacks_on_request():
    """Write all Python stacks to stderr on a crash, and when the parent sends SIGUSR1."""
    faulthandler.enable(all_threads=True)
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGUSR1, all_threads=True)


def forbid_core_files():
    """A crash is reported by its signal and stacks; a core file of each would fill the disk."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def mapped_libraries():
    """Return the OpenBLAS files that this process has mapped, or None where that is not told."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            lines = [line.split(None, 5) for line in maps if "openblas" in line]
    except OSError:
        return None
    return sorted({fields[5].strip() for fields in lines if len(fields) == 6})


def plain(value):
    """Return `value` as JSON data."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value) if math.isfinite(value) else None
    return str(value)


def is_same(path, other):
    return os.path.realpath(path) == os.path.realpath(other)


def open_numpy(job):
    """Import NumPy and return (numpy, its `blas.Library`); raise SetupError if they are others."""
    import numpy  # noqa: ICN001  (the module itself is what is looked at)

    site = os.path.realpath(job["site"])
    found = os.path.realpath(numpy.__file__)
    if os.path.commonpath([site, found]) != site:
        raise SetupError("NumPy was imported from %s, not from %s" % (found, site))
    mapped = mapped_libraries()
    expected = job["library"]
    if mapped and not any(is_same(path, expected) for path in mapped):
        raise SetupError("NumPy has loaded %s, not %s" % (", ".join(mapped), expected))
    try:
        library = blas.find_library(numpy)
    except blas.LibraryNotFound as error:
        raise SetupError(str(error)) from error
    if not is_same(library.path, expected):
        raise SetupError("the checks reach %s, not %s" % (library.path, expected))
    return numpy, library


def introduce(protocol, job):
    """Import NumPy, set the threads and say hello; return (numpy, library), or None on an error."""
    try:
        numpy, library = open_numpy(job)
    except SetupError as error:
        protocol.emit("error", kind="setup", reason=str(error))
        return None
    except Exception as error:  # noqa: BLE001  (whatever `import numpy` raises is the finding)
        protocol.emit(
            "error", kind="import", reason=one_line(error), traceback=end_of(traceback.format_exc())
        )
        return None
    library.set_num_threads(job["threads"])
    protocol.emit(
        "hello",
        numpy={"version": numpy.__version__, "path": numpy.__file__},
        python=sys.version.split()[0],
        openblas={
            "config": library.config(),
            "path": library.path,
            "corename": library.corename(),
        },
        threads={"requested": job["threads"], "observed": library.get_num_threads()},
    )
    return numpy, library


def one_line(error):
    text = " ".join(str(error).split())
    return "%s: %s" % (type(error).__name__, text[:300]) if text else type(error).__name__


def end_of(text):
    return text[-TRACEBACK_CHARACTERS:]


def judge(context):
    """Return (outcome, reason) of a check that returned."""
    if context.cases_failed:
        first = context.cases[0]
        return "failed", "%d of %d cases failed; first: %s: %s" % (
            context.cases_failed,
            context.cases_run,
            first["routine"],
            first["message"],
        )
    if not context.cases_run:
        return "not-exercised", "no case was run"
    return "passed", ""


def ask(numpy, module, check_id, context):
    """Run one check; return (outcome, reason, traceback or None)."""
    failures = (numpy.linalg.LinAlgError, FloatingPointError)
    try:
        importlib.import_module(module)
        function = api.CHECKS[check_id].function
        with numpy.errstate():
            function(context)
    except api.NotExercised as error:
        outcome, reason, trace = "not-exercised", str(error), None
    except api.Unsupported as error:
        outcome, reason, trace = "unsupported", str(error), None
    except failures as error:
        outcome, reason, trace = "failed", one_line(error), end_of(traceback.format_exc())
    except BaseException as error:  # noqa: BLE001  (sys.exit() in a check must not end the child)
        outcome, reason, trace = "error", one_line(error), end_of(traceback.format_exc())
    else:
        outcome, reason = judge(context)
        return outcome, reason, None
    if outcome != "failed" and context.cases_failed:  # an answer that was already given stands
        outcome, reason = judge(context)
    return outcome, reason, trace


def tidy(library, threads, before, details):
    """Undo what a check can leave behind for the next one; note in `details` what cannot be."""
    threading.stack_size(0)
    if library.get_num_threads() != threads:
        library.set_num_threads(threads)
    left = sorted(thread.name for thread in threading.enumerate() if thread not in before)
    if left:
        details["threads_left"] = len(left)


class Notes:
    """Where the input that is tried next is written: a mapped file, which outlives the process."""

    def __init__(self, path):
        with open(path, "r+b") as file:
            self.bytes = mmap.mmap(file.fileno(), 0)

    def writer(self, check):
        """Return the function that a `Context` notes its inputs with."""

        def note(routine, parameters):
            text = repr((check, routine, parameters)).encode()
            if len(text) < len(self.bytes):
                self.bytes[: len(text) + 1] = text + b"\0"
            else:
                self.bytes[:1] = b"\0"

        return note


def evidence_of(context, trace):
    if trace is not None:
        context.details["traceback"] = trace
    return {
        "cases_run": context.cases_run,
        "cases_failed": context.cases_failed,
        "routines_failed": context.routines_failed,
        "cases": context.cases,
        "rounds": context.rounds,
        "threads_used": context.threads_used,
        "details": context.details,
        "recorded": context.recorded,
    }


def run(protocol, job, numpy, library):
    """Ask every check of the job."""
    threads = library.get_num_threads()
    by_timer = not hasattr(faulthandler, "register")
    notes = Notes(job["notes"])
    for asked in job["checks"]:
        protocol.emit("started", check=asked["id"], log=os.fstat(2).st_size)
        before = threading.enumerate()
        context = api.Context(
            blas=library,
            threads=threads,
            profile=job["profile"],
            seed=job["seed"],
            note=notes.writer(asked["id"]),
        )
        begin = time.monotonic()
        if by_timer:
            faulthandler.dump_traceback_later(asked["budget"] * TRACEBACK_AT)
        outcome, reason, trace = ask(numpy, asked["module"], asked["id"], context)
        protocol.end_if_forked()
        if by_timer:
            faulthandler.cancel_dump_traceback_later()
        tidy(library, threads, before, context.details)
        protocol.emit(
            "finished",
            check=asked["id"],
            outcome=outcome,
            reason=reason,
            evidence=evidence_of(context, trace),
            seconds=time.monotonic() - begin,
        )
    protocol.emit("done")


def main():
    protocol = Protocol()
    die_with_parent()
    dump_stacks_on_request()
    forbid_core_files()
    job = json.load(sys.stdin)
    opened = introduce(protocol, job)
    if opened is not None:
        run(protocol, job, *opened)


if __name__ == "__main__":
    main()

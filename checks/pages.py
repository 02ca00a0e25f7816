"""Operands that end where, or begin where, no memory can be accessed: what goes too far dies.

A sweep runs in a forked process, which says what it is about to call. When it dies, the call is
known, and another process goes on behind it without that routine: one fault does not hide others.
"""

import ctypes
import faulthandler
import itertools
import mmap
import os
import signal
import struct
import traceback

import numpy as np

from checks.calls import made, name_of, operands_of, with_operands

__all__ = ["GuardedMemory", "against_pages"]

PAGE = mmap.PAGESIZE
#: Bytes between the inaccessible pages of one operand. What is not used costs nothing.
ROOM = 1 << 23
MOST_OPERANDS = 4
#: What a sweep keeps in shared memory: index of its call, whether the operands are at the end, how
#: many cases have ended, and what a refused call said.
PROGRESS = struct.Struct("qqq200s")
#: Crashes after which a sweep ends: every one costs a process.
MOST_CRASHES = 12
#: Exit status of a forked process in which the check itself failed.
ERROR = 70
#: The same when a call was refused: what the process notes of that ends with it.
REFUSED = 71


class GuardedMemory:
    """Room for one operand between two pages that must not be touched."""

    def __init__(self):
        # Shared, so that a forked process does not copy each page that it writes to.
        self._map = mmap.mmap(-1, ROOM + 2 * PAGE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        for page in (start, start + PAGE + ROOM):
            if libc.mprotect(page, PAGE, 0) != 0:
                raise OSError(ctypes.get_errno(), "mprotect")
        self._bytes = np.frombuffer(self._map, np.uint8, ROOM, PAGE)
        self._address = start + PAGE
        self._views = {}

    def place(self, image, at_end):
        """Copy `image` to the end or to the beginning of the room; return its address."""
        if image.dtype not in self._views:
            self._views[image.dtype] = self._bytes.view(image.dtype)
        whole = self._views[image.dtype]
        start = len(whole) - len(image) if at_end else 0
        whole[start : start + len(image)] = image
        return self._address + start * image.itemsize


def against_pages(ctx, cblas, make_calls, sides=(1, 0)):
    """Make every call of the stream with its operands against the page behind and before them.

    make_calls: returns the stream, the same each time; sides: 1 for behind, 0 for before. Only a
    crash or a refusal is a failure: what the calls compute is asked by the checks of category
    "exact".
    """
    slots = [GuardedMemory() for _ in range(MOST_OPERANDS)]
    progress = mmap.mmap(-1, PROGRESS.size)
    skipped, begin = set(), 0
    for _ in range(MOST_CRASHES):
        child = os.fork()
        if child == 0:
            calls = make_calls()
            _sweep_and_exit(cblas, calls, sides, slots, progress, skipped, begin)
        _, status = os.waitpid(child, 0)
        index, at_end, cases, said = PROGRESS.unpack(progress)
        ctx.ran(cases)
        if status == 0:
            return
        call = next(itertools.islice(make_calls(), index, None))
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == ERROR:
            raise RuntimeError("the sweep failed at %s %s" % (name_of(call), call.parameters))
        ctx.ran()
        refused = os.WIFEXITED(status) and os.WEXITSTATUS(status) == REFUSED
        message = said.rstrip(b"\0").decode(errors="replace")
        message = message if refused else _message(status, at_end)
        ctx.fail(name_of(call), message, dict(call.parameters, at_end=at_end))
        skipped.add((call.routine, call.dtype))
        begin = index + 1
    ctx.details["ended_early"] = "after %d crashes" % MOST_CRASHES


def _message(status, at_end):
    where = "behind the end" if at_end else "before the beginning"
    died = "exit"
    if os.WIFSIGNALED(status):
        died = signal.Signals(os.WTERMSIG(status)).name
    return "%s with no memory %s of its operands" % (died, where)


class _Refusals:
    """What `made` sees of a context: keeps the last failure."""

    message = ""

    def fail(self, _, message, __):
        self.message = message


def _sweep_and_exit(cblas, calls, sides, slots, progress, skipped, begin):
    """Make the calls from `begin` on, in the forked process; never return."""
    cases, refusals = 0, _Refusals()
    try:
        faulthandler.disable()  # the crash is told once, by the process that waits
        for index, call in enumerate(calls):
            if index < begin or (call.routine, call.dtype) in skipped:
                continue
            for at_end in sides:
                PROGRESS.pack_into(progress, 0, index, at_end, cases, b"")
                made(refusals, cblas, call, _placed(call, slots, at_end))
                if refusals.message:
                    said = refusals.message.encode()
                    PROGRESS.pack_into(progress, 0, index, at_end, cases, said)
                    os._exit(REFUSED)
                cases += 1
        PROGRESS.pack_into(progress, 0, 0, 0, cases, b"")
        os._exit(0)
    except BaseException:  # noqa: BLE001  (nothing of this process may return into the check)
        traceback.print_exc()
    finally:
        os._exit(ERROR)


def _placed(call, slots, at_end):
    """Return the arguments of C, the operands as the addresses that they were copied to."""
    placed = (slot.place(each.before, at_end) for slot, each in zip(slots, operands_of(call)))
    return with_operands(call, placed)

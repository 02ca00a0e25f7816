"""LAPACK in several threads at once: each call must leave the same bytes as when it was alone.

`concurrency.mixed-routines` and `same-operation` know the right results of a few drivers. Here the
calls of all drivers and factorizations are recorded, and made again in two threads: whatever is
shared between them shows, with no oracle but the call itself.
"""

import contextlib
import time

import numpy as np

from checks import matrices
from checks.api import check
from checks.lapack import REFUSALS, Lapack
from checks.leaks import malloc_counter
from checks.operands import DTYPES, LETTER
from checks.splitting import two_threads
from checks.team import Crew, Rounds, stack_of
from checks.thread_life import memory_in_use

__all__ = ["lapack_at_once"]

CALLERS = 2

#: Bytes of stack of the threads: what macOS gives to every thread but the first.
STACK = 512 * 1024

#: Rows and columns: square ones for all routines, of two sizes for each precision in smoke, of
#: eight beyond; a row, a column and what is more than 10^5 elements both ways for those that take
#: rectangles. A row of one element would be over before the other thread has begun.
SQUARES = (23, 26, 20, 29, 21, 24, 27, 30)
ROW, COLUMN = (1, 3000), (3000, 1)
LARGE = ((50_021, 2), (2, 50_021))

#: Bytes that a call may leave behind for good, on average, and bytes that may come from elsewhere.
LEFT_PER_CALL, LEFT_BEHIND = 16 * 1024, 256 * 1024

#: Above so many bytes of memory, a call is long enough to meet another one.
MANY_BYTES = 1 << 20

#: How often in a row memory must be lost.
TRIES = 3


class _Recorder(Lapack):
    """Notes the calls that are made through it, with their arguments as they were before."""

    def __init__(self, library):
        super().__init__(library)
        self.calls = []

    def call(self, name, *arguments):
        if not any(isinstance(each, int) and each == -1 for each in arguments):
            copies = [x.copy("F") if isinstance(x, np.ndarray) else x for x in arguments]
            self.calls.append((name, copies))
        return super().call(name, *arguments)


def _record(recorder, dtype, seed, n):
    """Make the calls of matrices with n rows and columns."""
    letter, is_complex = LETTER[dtype], dtype.startswith("c")
    a, b = matrices.random(seed, n, n, dtype), matrices.random(seed + 1, n, 9, dtype)
    hermitian = matrices.hermitian("random", seed, n, dtype)
    positive = matrices.positive("random", seed, n, dtype)
    recorder.solve(a, b)
    recorder.inv(a)
    recorder.eigh(hermitian)
    recorder.eig(a)
    recorder.svd(a)
    recorder.lstsq(a[:, : n // 2], b)
    recorder.qr(a)
    lu, pivots, x = np.array(a, order="F"), np.zeros(n, recorder.integers), np.array(b, order="F")
    recorder.call(letter + "getrf", n, n, lu, n, pivots)
    recorder.call(letter + "getrs", "T", n, 9, lu, n, pivots, x, n)
    factor = np.array(positive, order="F")
    recorder.call(letter + "potrf", "L", n, factor, n)
    recorder.call(letter + "potrs", "L", n, 9, factor, n, x, n)
    recorder.call(letter + "potri", "L", n, factor, n)
    recorder.call(letter + "trtri", "U", "N", n, lu.copy("F"), n)
    recorder.call(letter + "trtrs", "U", "N", "N", n, 9, lu, n, x, n)
    symmetric = np.array(hermitian, order="F")
    kinds = ("sy", "he") if is_complex else ("sy",)
    for kind in kinds:
        half = symmetric.copy("F")
        before = ("L", n, half, n, pivots)
        recorder.with_workspace(letter + kind + "trf", a.dtype, before)
        recorder.call(letter + kind + "trs", "L", n, 9, half, n, pivots, x, n)
    before = ("N", n, n // 2, 9, np.array(a[:, : n // 2], order="F"), n, x, n)
    recorder.with_workspace(letter + "gels", a.dtype, before)


def _record_rectangle(recorder, dtype, seed, m, n):
    letter = LETTER[dtype]
    a, b = matrices.random(seed, m, n, dtype), matrices.random(seed + 1, m, 2, dtype)
    recorder.qr(a)
    recorder.svd(a)
    recorder.lstsq(a, b)
    lu, pivots = np.array(a, order="F"), np.zeros(min(m, n), recorder.integers)
    recorder.call(letter + "getrf", m, n, lu, m, pivots)
    x = np.zeros((max(m, n), 2), dtype, "F")
    x[:m] = b
    before = ("N", m, n, 2, np.array(a, order="F"), m, x, max(m, n))
    recorder.with_workspace(letter + "gels", a.dtype, before)


@check(
    id="concurrency.lapack",
    title="LAPACK in two threads at once gives the bytes that it gives alone",
    category="concurrency",
    routines=[
        "?gesv", "?getrf", "?getrs", "?getri", "?potrf", "?potrs", "?potri", "?trtri", "?trtrs",
        "?geqrf", "?orgqr", "?ungqr", "?syevd", "?heevd", "?geev", "?gesdd", "?gelsd", "?gels",
        "?sytrf", "?hetrf", "?sytrs", "?hetrs",
    ],
    oracle=(
        "Each routine is called alone, then over and over in two threads at once, with operands of "
        "their own at equal alignment. All arrays, workspaces and what surrounds them must hold "
        "the bytes that the call alone has left: every routine sums in a fixed order for a fixed "
        "number of threads. Square matrices; single rows and columns, and more than 10^5 elements, "
        "tall or wide. The threads have stacks of 512 KiB, as macOS gives them; a call may leave "
        "no more than 16 KiB behind on average, in three tries."
    ),
    catches=(
        "Static variables and buffers shared by callers in C or Fortran (saved variables of a "
        "build without -frecursive), arrays on the stack, memory that is not given back: "
        "numpy#32168 (lstsq), OpenBLAS#1191, #1850, #2363, scipy#8957, numpy#24512."
    ),
    budget=120.0,
    once=True,
)  # fmt: skip
@two_threads
def lapack_at_once(ctx):
    groups = _groups(ctx)
    rounds = Rounds(ctx.by_profile(0.0, 4.0, 20.0), least=1)
    with _crew() as crew:
        for _ in rounds:
            for group in groups:
                _ask(ctx, crew, *group)
    ctx.rounds = rounds.done


def _groups(ctx):
    """Return [name, parameters, [arguments of each caller]]."""
    groups = []
    for position, dtype in enumerate(DTYPES):
        squares = SQUARES[position :: len(DTYPES)] if ctx.profile == "smoke" else SQUARES
        shapes = [(n, n) for n in squares]
        if ctx.threads == 1:
            # Of large ones in smoke the tall ones, in double precision: they take half of the time.
            large = LARGE[:1] if dtype in ("float64", "complex128") else ()
            shapes += [ROW, *ctx.by_profile(large, (COLUMN, *LARGE))]
        for m, n in shapes:
            callers = []
            for caller in range(CALLERS):
                recorder = _Recorder(ctx.blas)
                seed = ctx.seed + 10 * caller + position
                try:
                    if m == n:
                        _record(recorder, dtype, seed, n)
                    else:
                        _record_rectangle(recorder, dtype, seed, m, n)
                except REFUSALS as error:
                    ctx.ran()
                    parameters = {"dtype": dtype, "m": m, "n": n, "seed": ctx.seed}
                    message = "%s, alone, on input that has an answer" % error
                    ctx.fail(recorder.calls[-1][0], message, parameters)
                callers.append(recorder.calls)
            for calls in zip(*callers):
                name = calls[0][0]
                parameters = {"routine": name, "dtype": dtype, "m": m, "n": n, "seed": ctx.seed}
                groups.append((name, parameters, [arguments for _, arguments in calls]))
    return groups


def _ask(ctx, crew, name, parameters, recorded):
    """Require the calls, made at once for a while, to give the same bytes and leave none behind.

    The first calls of a kind bring buffers into memory: what is lost, is lost in each try.
    """
    ctx.trying(name, parameters)
    for _ in range(TRIES):
        made, lost = _make_at_once(ctx, crew, name, parameters, recorded)
        if lost <= LEFT_BEHIND + LEFT_PER_CALL * made:
            return
    what = "%d x %d: %d calls have left %d KiB of memory behind, and so did those before"
    facts = (parameters["m"], parameters["n"], made, lost // 1024)
    ctx.fail(name, what % facts, parameters)


def _make_at_once(ctx, crew, name, parameters, recorded):
    """Make the calls at once for a while; return how many, and bytes of memory that they took."""
    lapack = Lapack(ctx.blas)
    counts, wrong, done = [], [], []

    def caller(arguments):
        first = lapack.prepared(name, *arguments)
        before = first.memory.copy()
        first.make()
        alone = first.memory.tobytes()
        in_a_row, least = (6, 3) if len(alone) < MANY_BYTES else (2, 2)
        calls = [first] + [lapack.prepared(name, *arguments) for _ in range(in_a_row - 1)]

        number = len(done)
        done.append(0)

        def work():
            end = time.monotonic() + ctx.by_profile(0.001, 0.005)
            # A thread that is done goes on for as long as the other one is not: on a busy machine
            # they may not run at the same time before.
            while time.monotonic() < end or min(done) < least:
                for call in calls:
                    call.memory[...] = before
                for call in calls:  # nothing else here: the time outside of calls is not shared
                    call.make()
                different = (call for call in calls if call.memory.tobytes() != alone)
                wrong.extend(call.where(np.frombuffer(alone, np.uint32)) for call in different)
                done[number] += 1
            counts.append(done[number] * in_a_row)

        return work

    tasks = [caller(arguments) for arguments in recorded]
    before = _in_use()
    crew.run(*tasks)
    lost = max(now - then for now, then in zip(_in_use(), before))
    made = sum(counts)
    ctx.ran(made)
    if wrong:
        message = "%d x %d in %d threads at once: %d of %d calls differ from the call alone, in %s"
        facts = (parameters["m"], parameters["n"], CALLERS, len(wrong), made, wrong[0])
        ctx.fail(name, message % facts, parameters, bad=len(wrong), of=made)
    return made, lost


def _in_use():
    """Return bytes that malloc has given out (a leak may be served from what was freed) and that
    are resident (it may come from the system), 0 for what this system does not tell.
    """
    given_out, resident = malloc_counter(), memory_in_use()
    return given_out() if given_out else 0, resident[0] if resident else 0


@contextlib.contextmanager
def _crew():
    """Threads with small stacks, for as long as they are needed."""
    with stack_of(STACK):
        crew = Crew(CALLERS)
    try:
        yield crew
    finally:
        crew.end()

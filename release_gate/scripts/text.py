"""Scripts of one BLAS call: as short as a maintainer wants them, with nothing but NumPy and ctypes.

There are several ways to ask of the same call whether it is right (`Way`), as the checks have.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from attrs import frozen

from release_gate.scripts.accurate import accurate, numbers
from release_gate.scripts.blas import is_complex
from release_gate.scripts.operands import (
    FACTORS,
    MARGIN,
    is_single,
    operand_lines,
    parts_of,
    scalar_lines,
    unsigned,
    variable_lines,
)
from release_gate.scripts.shortening import shortened
from release_gate.scripts.special import alpha_zero, propagation, stack, subnormal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release_gate.scripts.blas import BlasCall

__all__ = [
    "TIMES",
    "Symbols",
    "Trial",
    "Way",
    "call_script",
    "choose_kernel",
    "memory_kept",
    "serious_flags",
]

#: Repetitions of a call whose memory is watched.
TIMES = 50


class Way(Enum):
    """How a script asks whether a call is right."""

    CANARIES = "exact results, and memory around the operands that must keep its bits"
    PAGES = "operands that end, or begin, where no memory can be accessed"
    AFTER_NAN = "an exact result after a call of NaN"
    FLAGS = "no floating-point flag of an ordinary result, with infinity around the operands"
    CALLERS = "exact results while other threads make the same call with other numbers"
    REPEATED = "no memory that stays behind when the call is repeated"
    PROPAGATION = "NaN or infinity that reaches what depends on it, and nothing else"
    SUBNORMAL = "exact results of subnormal numbers"
    STACK = "little of its caller's stack"
    ACCURATE = "accurate in every element"
    ALPHA_ZERO = "exact results or NaN where alpha = 0 and all that is only read is NaN"


@frozen(kw_only=True)
class Trial:
    """An input of a script: what the check says of a failing case, and where it is computed.

    `kernel` None: the one that the library chooses by itself.
    """

    parameters: dict[str, Any]
    kernel: str | None
    threads: int


@frozen(kw_only=True)
class Symbols:
    """How the wheel's OpenBLAS names its functions, and whether its integers have 64 bits."""

    prefix: str
    suffix: str
    ilp64: bool

    def __call__(self, name: str) -> str:
        """Return the full name of a function, quoted."""
        return f'"{self.prefix}{name}{self.suffix}"'


def choose_kernel(kernel: str | None) -> str:
    """Return the statement that chooses the kernel of a library before it is loaded."""
    if kernel is None:
        return 'os.environ.pop("OPENBLAS_CORETYPE", None)  # the library chooses its kernel'
    return f'os.environ["OPENBLAS_CORETYPE"] = "{kernel}"'


_TITLES = {
    Way.CANARIES: "Whether {name} of integers is exact, and changes nothing else.",
    Way.PAGES: "Whether {name} keeps to its operands; dies of a signal when it does not.",
    Way.AFTER_NAN: "Whether {name} of integers is exact after a call of NaN.",
    Way.FLAGS: "Whether {name} of ordinary numbers raises floating-point flags.",
    Way.CALLERS: "Whether {name} of integers is exact in threads that call it at once.",
    Way.REPEATED: "Whether {name} leaves memory behind.",
    Way.PROPAGATION: "Whether NaN or infinity given to {name} reaches just what depends on it.",
    Way.SUBNORMAL: "Whether {name} of subnormal numbers is exact, and changes nothing else.",
    Way.STACK: "Whether {name} takes 256 KiB and more of its caller's stack.",
    Way.ACCURATE: "Whether every element of {name} is accurate.",
    Way.ALPHA_ZERO: "Whether {name} with alpha = 0 beside NaN is exact, or NaN.",
}

_IMPORTS = {
    Way.PAGES: ("mmap",),
    Way.FLAGS: ("platform",),
    Way.CALLERS: ("concurrent.futures", "sys", "threading", "time"),
    Way.STACK: ("mmap",),
}


def call_script(call: BlasCall, way: Way, trial: Trial, symbols: Symbols) -> str:
    """Return the script that makes `call` in that way: exit status 1 when it is wrong, 0 if not."""
    title = _TITLES[way].format(name=call.symbol)
    imports = sorted({"ctypes", "glob", "os", *_IMPORTS.get(way, ())})
    parts = [
        [f'"""{title} Exits with 1 if wrong, else with 0."""', ""],
        [f"import {', '.join(imports)}", ""],
        [*_library(call, trial, symbols), ""],
        [*_definitions(call, way, trial)],
        _ENDINGS[way](call, trial),
    ]
    return shortened("\n".join(line for part in parts for line in part) + "\n")


def _library(call: BlasCall, trial: Trial, symbols: Symbols) -> Iterator[str]:
    """Yield the statements that load the wheel's own library and describe the routine to ctypes."""
    integer = f"ctypes.{'c_int64' if symbols.ilp64 else 'c_int32'}"
    real = f"ctypes.{'c_float' if is_single(call) else 'c_double'}"
    results = {
        "r": real,
        "d": "ctypes.c_double",
        "f": "ctypes.c_float",
        "n": "ctypes.c_size_t",
        "i": integer,
    }
    returned = "None" if call.returns is None else results[call.returns.kind]
    kinds = [_type_of(kind, call) for kind, _ in call.arguments]
    if call.fortran:
        integer, real = (f"lambda x: ctypes.byref({each}(x))" for each in (integer, real))
    yield choose_kernel(trial.kernel)
    yield "import numpy as np  # noqa: E402"
    yield ""
    yield '(path,) = glob.glob(os.path.dirname(np.__file__) + "/../numpy.libs/*openblas*")'
    yield "library = ctypes.CDLL(path)"
    yield f"library[{symbols('openblas_set_num_threads')}]({trial.threads})"
    yield f"i, r, p = {integer}, {real}, ctypes.c_void_p"
    yield f"routine = library[{symbols(call.symbol)}]"
    yield f"routine.restype, routine.argtypes = {returned}, [{', '.join(kinds)}]"


def _type_of(kind: str, call: BlasCall) -> str:
    """Return the type of an argument, as the script calls it."""
    if kind == "c":
        return "ctypes.c_char_p"
    if call.fortran or (kind == "s" and is_complex(call.dtype)):
        return "p"
    return "r" if kind == "s" else kind


def _definitions(call: BlasCall, way: Way, trial: Trial) -> Iterator[str]:
    """Yield the functions of a script, as short as they can be."""
    pair = is_complex(call.dtype)
    shape, result = ("(2,) + shape", "x[0] + 1j * x[1]") if pair else ("shape", "x.astype(float)")
    pattern = "0x7FA5A5A5" if is_single(call) else "0x7FF45A5A5A5A5A5A"
    margin = 0 if way is Way.PAGES else MARGIN + trial.parameters.get("shift", 0)
    both, before = (f"{2 * margin} + ", f"{margin} + ") if margin else ("", "")
    count, kind = ("2 * count" if pair else "count"), unsigned(call)
    if way is Way.ACCURATE:
        yield from numbers(call)
    else:
        yield from f"""\
def integers(seed, *shape):
    x = np.random.RandomState(seed).randint(-4, 4, {shape})
    x = x + (x >= 0)  # no zeros; sums of their products are exact
    return {result}
""".splitlines()
    yield from f"""
def canaries(count):  # signalling NaN
    return np.full({count}, {pattern}, {kind}).view(np.{call.dtype})

def stored(values, place, kept=lambda *at: True, size=0):
    index = np.indices(values.shape)
    chosen = np.broadcast_to(kept(*index), values.shape)
    memory = canaries({both}(size or 1 + place(*index).max(initial=-1)))
    memory[{before}place(*index[:, chosen])] = values[chosen]
    return memory

def call({", ".join(each.name for each in call.arrays)}):
    return routine({_arguments(call, margin, way)})
""".splitlines()
    if way is Way.PAGES:
        yield from _guarded(at_end=bool(trial.parameters.get("at_end", 1)))
    elif way is Way.CALLERS:
        yield from f"""
def wrong(memory, exact):
    found, exact = {parts_of("memory", call)}, {parts_of("exact", call)}
    return ((found != exact) & (found.view({kind}) != exact.view({kind}))).any()
""".splitlines()
    elif way in {Way.CANARIES, Way.AFTER_NAN, Way.SUBNORMAL}:
        yield from f"""
def wrong(memory, exact):
    found, exact = {parts_of("memory", call)}, {parts_of("exact", call)}
    other_bits = found.view({kind}) != exact.view({kind})
    at = np.flatnonzero((found != exact) & other_bits)
    if len(at):
        print("%d wrong, first %s, exactly %s" % (len(at), found[at[0]], exact[at[0]]))
    return len(at) > 0
""".splitlines()


def _arguments(call: BlasCall, margin: int, way: Way) -> str:
    passed, scalars = [], 0
    for kind, value in call.arguments:
        if kind == "p":
            passed.append(value if way is Way.PAGES else f"{value}[{margin}:].ctypes.data")
        elif kind == "s" and is_complex(call.dtype):
            passed.append(f"scalars[{scalars}:].ctypes.data")
            scalars += 1
        elif call.fortran and kind in {"i", "r", "s"}:
            passed.append(f"{'i' if kind == 'i' else 'r'}({value})")
        else:
            passed.append(value)
    return ", ".join(passed)


def _guarded(*, at_end: bool) -> list[str]:
    where, beside = (" + room - memory.nbytes", "end") if at_end else ("", "beginning")
    return f"""
def guarded(memory):  # a copy beside the {beside} of what can be accessed
    page, room = mmap.PAGESIZE, (len(memory.tobytes()) // mmap.PAGESIZE + 1) * mmap.PAGESIZE
    rooms.append(mmap.mmap(-1, room + 2 * page))
    start = ctypes.addressof(ctypes.c_char.from_buffer(rooms[-1])) + page
    for wall in (start - page, start + room):
        assert ctypes.CDLL(None).mprotect(p(wall), ctypes.c_size_t(page), 0) == 0
    ctypes.memmove(start{where}, memory.ctypes.data, memory.nbytes)
    return start{where}

rooms = []""".splitlines()


def _judged(call: BlasCall) -> Iterator[str]:
    """Yield what compares memory, and what was returned, with what is exact."""
    yield "bad = [wrong(*pair) for pair in zip(given, expected)]"
    if call.returns is not None:
        yield 'print("returned %s, exactly %s" % (returned, value))'
        yield "bad.append(returned != value)"
    yield 'print("WRONG" if any(bad) else "exact")'
    yield "raise SystemExit(any(bad))"


def _once(call: BlasCall, _: Trial) -> list[str]:
    return [
        "",
        *variable_lines(call),
        *operand_lines(call),
        "returned = call(*given)",
        *_judged(call),
    ]


def _beside_pages(call: BlasCall, _: Trial) -> list[str]:
    operands = operand_lines(call, exact=False)
    return [*variable_lines(call), *operands, "call(*map(guarded, given))", 'print("right")']


def _after_nan(call: BlasCall, trial: Trial) -> list[str]:
    larger = trial.parameters.get("larger", 100)
    names, sizes = list(call.sizes), list(call.sizes.values())
    before = [size + larger if names[i] != "count" else size for i, size in enumerate(sizes)]
    spoil = "given = [np.full_like(memory, np.nan) for memory in given]"
    if any(each.name == FACTORS for each in call.arrays):
        spoil = f"given = [x if x is {FACTORS} else np.full_like(x, np.nan) for x in given]"
    rows = ", ".join(f"({flag}, {', '.join(map(str, s))})" for flag, s in ((1, before), (0, sizes)))
    return [
        "",
        *scalar_lines(call),
        f"for nan, {', '.join(names)} in ({rows}):",
        *(f"    {line}" for line in operand_lines(call)),
        "    if nan:",
        f"        {spoil}",
        "    returned = call(*given)",
        *_judged(call),
    ]


def _flags(call: BlasCall, trial: Trial) -> list[str]:
    is_number = "~np.isnan(parts)" if trial.parameters.get("zeros") else ""
    pairs = 2 if is_complex(call.dtype) else 1
    of = "given"
    if any(each.name == FACTORS for each in call.arrays):
        of = "given[:2]"
    filled = (
        f"parts[{is_number}] = 0" if is_number else "parts[np.isnan(parts).all(axis=1)] = np.inf"
    )
    return [
        "",
        *variable_lines(call),
        *operand_lines(call, exact=False),
        f"for memory in {of}:",
        f"    parts = {parts_of('memory', call)}.reshape(-1, {pairs})",
        f"    {filled}",
        serious_flags(underflow=True),
        "process = ctypes.PyDLL(None)",
        "process.feclearexcept(serious)",
        "call(*given)",
        "raised = process.fetestexcept(serious)",
        'print("flags raised, as <fenv.h> numbers them: %d" % raised)',
        "raise SystemExit(raised != 0)",
    ]


def serious_flags(*, underflow: bool) -> str:
    """Return the statement that says which flags of <fenv.h> ordinary numbers must not raise."""
    if underflow:
        intel, other, names = 29, 15, "all but inexact"
    else:
        intel, other, names = 13, 7, "all but inexact, underflow"
    return f"serious = {intel} if platform.machine() in ('x86_64', 'AMD64') else {other}  # {names}"


def _subnormal(call: BlasCall, trial: Trial) -> list[str]:
    scaled = subnormal(call, trial)
    return [
        "",
        *variable_lines(call),
        *operand_lines(call),
        *scaled,
        "returned = call(*given)",
        *_judged(call),
    ]


def _callers(call: BlasCall, trial: Trial) -> list[str]:
    operands = (each.replace("integers(", "integers(10 * seed + ") for each in operand_lines(call))
    callers = trial.parameters.get("callers", 2)
    unequal = "" if call.returns is None else " + [returned != value]"
    return [
        "",
        "def work(seed):",
        *(f"    {line}" for line in operands),
        "    barrier.wait()",
        "    end = time.monotonic() + 3",
        "    while time.monotonic() < end and not bad:",
        "        memory = [each.copy() for each in given]",
        "        returned = call(*memory)",
        f"        if any([wrong(*pair) for pair in zip(memory, expected)]{unequal}):",
        "            bad.append(seed)",
        "",
        *variable_lines(call),
        f"bad, barrier = [], threading.Barrier({callers})",
        "sys.setswitchinterval(5e-6)  # threads of Python give way at once",
        f"with concurrent.futures.ThreadPoolExecutor({callers}) as pool:",
        f"    list(pool.map(work, range({callers})))",
        'print("WRONG" if bad else "exact")',
        "raise SystemExit(len(bad) > 0)",
    ]


def _repeated(call: BlasCall, _: Trial) -> list[str]:
    return [
        "",
        *variable_lines(call),
        *operand_lines(call, exact=False),
        *memory_kept("call(*given)"),
    ]


def memory_kept(call: str) -> list[str]:
    """Return the statements that make `call` again and again and watch its memory."""
    return [
        "",
        "class Info(ctypes.Structure):  # of malloc: e and h count what it has given out",
        '    _fields_ = [(name, ctypes.c_size_t) for name in "abcdefghij"]',
        "",
        "mallinfo = ctypes.PyDLL(None).mallinfo2",
        "mallinfo.restype = Info",
        "gains = []",
        "for _ in range(5):",
        "    before = mallinfo()",
        f"    for _ in range({TIMES}):",
        f"        {call}",
        "    after = mallinfo()",
        f"    gains.append((after.e + after.h - before.e - before.h) // {TIMES})",
        'print("bytes that stay behind at each call, in five rounds: %s" % gains)',
        "raise SystemExit(sorted(gains)[1] >= 64)",
    ]


_ENDINGS = {
    Way.CANARIES: _once,
    Way.PAGES: _beside_pages,
    Way.AFTER_NAN: _after_nan,
    Way.FLAGS: _flags,
    Way.CALLERS: _callers,
    Way.REPEATED: _repeated,
    Way.PROPAGATION: propagation,
    Way.SUBNORMAL: _subnormal,
    Way.STACK: stack,
    Way.ACCURATE: accurate,
    Way.ALPHA_ZERO: alpha_zero,
}

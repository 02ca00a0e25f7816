"""Scripts of LAPACK calls: as short as a maintainer wants them, with NumPy and ctypes only.

As `release_gate.scripts.text` for single BLAS calls: several ways to ask of the same calls.
"""

from __future__ import annotations

import ast
import re
from enum import Enum
from typing import TYPE_CHECKING

from release_gate.scripts.blas import is_complex
from release_gate.scripts.lapack import matrix_definitions
from release_gate.scripts.shortening import shortened
from release_gate.scripts.text import TIMES, choose_kernel, memory_kept, serious_flags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release_gate.scripts.lapack import LapackCase
    from release_gate.scripts.text import Symbols, Trial

__all__ = ["LapackWay", "lapack_script"]


class LapackWay(Enum):
    """How a script asks whether calls of LAPACK are right."""

    TESTS = "the tests of the case, and memory around the operands that must not change"
    LITTERED = "the tests of the case, with workspaces full of NaN and far indices"
    ENDS = "that the calls end, whatever they answer, and change no other memory"
    FLAGS = "no floating-point flag of ordinary matrices, with NaN around the operands"
    AT_ONCE = "in two threads with small stacks the bits that a call alone has given"
    REPEATED = "the same bits at each repetition"
    LEFT_BEHIND = "no memory that stays behind when the calls are repeated"


_TITLES = {
    LapackWay.TESTS: "Whether {} is right, and changes nothing else.",
    LapackWay.LITTERED: "Whether {} is right, whatever its workspaces hold.",
    LapackWay.ENDS: "Whether {} ends, and keeps to its operands.",
    LapackWay.FLAGS: "Whether {} of ordinary matrices raises floating-point flags.",
    LapackWay.AT_ONCE: "Whether {} gives in two threads at once the bits that it gives alone.",
    LapackWay.REPEATED: "Whether {} gives the same bits each time.",
    LapackWay.LEFT_BEHIND: "Whether {} leaves memory behind.",
}

_IMPORTS = {LapackWay.FLAGS: ("platform",), LapackWay.AT_ONCE: ("sys", "threading", "time")}

#: Routines that have no INFO.
_WITHOUT_INFO = ("larf", "laswp")

#: Ways in which operands may be NaN that the routine is to read or write.
_ANY_NAN = (LapackWay.ENDS, LapackWay.LITTERED)

#: Names in scripts that stand for workspaces.
_TYPES = {"dtype", "real", "integer"}

#: Results depend on the alignment, by which some kernels choose their loops.
_ALIGNED = """\
def aligned(shape, fill, kind):  # addresses are equal modulo 64
    raw = np.empty(int(np.prod(shape)) * kind.itemsize + 64, np.uint8)
    block = np.ndarray(shape, kind, raw[-raw.ctypes.data % 64 :], order="F")
    block[...] = fill
    return block
""".splitlines()


def lapack_script(case: LapackCase, way: LapackWay, trial: Trial, symbols: Symbols) -> str:
    """Return the script that asks `case` in that way: exit status 1 when wrong, 0 when not."""
    asked = (*case.lines, *case.calls)
    if way in {LapackWay.TESTS, LapackWay.LITTERED}:
        asked += tuple(f"{each.residual} {each.allowed}" for each in case.tests)
    calls_lapack = any("lapack(" in line for line in case.calls)
    imports = {"ctypes", "glob", "os", *_IMPORTS.get(way, ())}
    defined = _needed(" ".join(asked), _definitions(case))
    parts = [
        [f'"""{_TITLES[way].format(case.title)} Exits with 1 if wrong, else with 0."""', ""],
        [f"import {', '.join(sorted(imports))}", ""],
        list(_library(case, trial, symbols)),
        ["", *defined] if defined else [],
        ["", *_caller(case, way, symbols)] if calls_lapack else [],
        [""],
        _ENDINGS[way](case),
    ]
    return shortened("\n".join(line for part in parts for line in part) + "\n")


def _library(case: LapackCase, trial: Trial, symbols: Symbols) -> Iterator[str]:
    real = {"complex64": "float32", "complex128": "float64"}.get(case.dtype, case.dtype)
    yield choose_kernel(trial.kernel)
    yield "import numpy as np  # noqa: E402"
    yield ""
    yield '(path,) = glob.glob(os.path.dirname(np.__file__) + "/../numpy.libs/*openblas*")'
    yield "library = ctypes.CDLL(path)"
    yield f"library[{symbols('openblas_set_num_threads')}]({trial.threads})"
    types = f"np.{case.dtype}, np.{real}, np.{_integer(symbols)}"
    yield f"dtype, real, integer, u = {types}, np.finfo(np.{case.dtype}).eps / 2"


def _definitions(case: LapackCase) -> dict[str, str]:
    """Return all functions that a case can name, in the order in which scripts hold them."""
    whole, unit = "stream.randint(-2, 3, shape)", "[1, -1]"
    if is_complex(case.dtype):
        whole, unit = f"{whole} + 1j * {whole}", "[1, -1, 1j, -1j]"
    return {
        "columns": "def columns(a): return abs(a).sum(axis=0, dtype=float)\n",
        "norm": "def norm(a): return columns(a).max(initial=0)\n",
        "times": """\
def times(a, b):  # in double, without BLAS
    return np.einsum("ik,kj->ij", a, b, dtype=np.result_type(a, b, float))
""",
        "integers": f"def integers(*shape): return {whole}\n",
        "units": f"units = {unit}\n",
        "one_of": "def one_of(values, *shape): return stream.choice(values, shape)\n",
        "permuted": """\
def permuted(rows, pivots):  # an index that is none stays in the range
    rows = rows.copy()
    for i, j in enumerate((pivots - 1) % len(rows)):
        rows[[i, j]] = rows[[j, i]]
    return rows
""",
        **matrix_definitions(case.kind, case.dtype),
    }


def _needed(text: str, definitions: dict[str, str]) -> list[str]:
    """Return the lines of the definitions that `text` names, and of those that these name."""
    wanted: set[str] = set()
    left = {name for name in definitions if _names(name, text)}
    while left:
        name = left.pop()
        wanted.add(name)
        named = {each for each in definitions if _names(each, definitions[name])}
        left |= named - wanted
    return "\n".join(each for name, each in definitions.items() if name in wanted).splitlines()


def _names(name: str, text: str) -> bool:
    return re.search(rf"(?<![\w.]){name}\b", text) is not None


def _asks(case: LapackCase) -> bool:
    """Whether a call names types, which stand for workspaces."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "lapack"
        and any(isinstance(each, ast.Name) and each.id in _TYPES for each in node.args)
        for node in ast.walk(ast.parse("\n".join(case.calls)))
    )


def _caller(case: LapackCase, way: LapackWay, symbols: Symbols) -> list[str]:
    """Return ``lapack``: a call with all operands among what must not change."""
    info = case.title[1:] not in _WITHOUT_INFO
    fill, made = "2**30 if x.dtype == integer else np.nan", 'np.full({}, {}, x.dtype, "F")'
    if way in {LapackWay.AT_ONCE, LapackWay.REPEATED}:
        made = "aligned({}, {}, x.dtype)"
    grown = f"[size + {case.padding} for size in x.shape]"
    # gfortran and what follows it pass the lengths of strings behind all arguments.
    lengths = "[ctypes.c_size_t(1) for each in arguments if isinstance(each, str)]"
    call = [f"library[{symbols('NAME')}](*passed, *{lengths})".replace("NAME", '" + name + "_')]
    if way is LapackWay.FLAGS:
        call = [
            "process.feclearexcept(serious)",
            *call,
            "raised.append(process.fetestexcept(serious))",
        ]
    operand = 'np.atleast_1d(np.asarray(each, getattr(each, "dtype", integer)))'
    if _asks(case):
        work = f"np.zeros({_workspace(case)}, each)"
        if way is LapackWay.LITTERED:
            work = f"np.full({_workspace(case)}, 2**30 if each is integer else np.nan, each)"
        operand = f"{work} if isinstance(each, type) else {operand}"
    length = f" + [len(x)] * (len(x) == {_workspace(case)})" if _asks(case) else ""
    nan = "" if way in _ANY_NAN else " or not np.isnan(inner[np.isnan(x)]).all()"
    integer = f"ctypes.c_{_integer(symbols)}"
    end, refused = "raise SystemExit(1)", "damaged or info[0]"
    if way is LapackWay.FLAGS:
        refused = "damaged"
    elif way is LapackWay.ENDS:
        end = "raise SystemExit(bool(damaged))"
    return [
        *(_ALIGNED if "aligned" in made else ()),
        "def lapack(name, *arguments):  # by reference, operands among what must not change",
        "    held, passed, damaged, info = [], [], False, np.zeros(1, integer)",
        f"    for each in {'(*arguments, info)' if info else 'arguments'}:",
        "        if each is None or isinstance(each, str):",
        "            passed.append(each and ctypes.c_char_p(each.encode()))",
        "            continue",
        f"        x = {operand}",
        f"        block = {made.format(grown, fill)}",
        "        before, inner = block.tobytes(), block[tuple(slice(1, n + 1) for n in x.shape)]",
        "        inner[...] = x",
        "        held.append((each, x, inner, block, before))",
        f"        sizes = [{integer}(n) for n in [len(block)] * (x.ndim == 2){length}]",
        "        passed += [ctypes.c_void_p(inner.ctypes.data), *map(ctypes.byref, sizes)]",
        *(f"    {line}" for line in call),
        "    for each, x, inner, block, before in held:",
        *(
            ["        x[...] = inner"]
            if way is LapackWay.AT_ONCE  # asks for equal results only
            else [
                f"        damaged |= (isinstance(each, int) and inner[0] != each){nan}",
                "        x[...], inner[...] = inner, block.flat[0]",
                "        damaged |= block.tobytes() != before",
                f"    if {refused}:",
                '        print("%s: INFO = %d, changed others: %s" % (name, info[0], damaged))',
                f"        {end}",
            ]
        ),
    ]


def _workspace(case: LapackCase) -> int:
    """Return more elements than any of the routines asks for, and than any operand has."""
    m, n = case.sizes.get("m", case.sizes["n"]), case.sizes["n"]
    return int(12 * min(m, n) ** 2 + 100 * (m + n) + 6007)


def _integer(symbols: Symbols) -> str:
    return "int64" if symbols.ilp64 else "int32"


def _operands(case: LapackCase) -> list[str]:
    sizes = f"{', '.join(case.sizes)} = {', '.join(map(str, case.sizes.values()))}"
    return [sizes, *case.lines]


def _tested(case: LapackCase) -> list[str]:
    return [
        *_operands(case),
        *_guarded(case),
        f"tests = [  # what, found, allowed: {case.source}",
        *(f'    ("{each.name}", {each.residual}, {each.allowed}),' for each in case.tests),
        "]",
        "wrong = [test for test in tests if not test[1] <= test[2]]",
        'print("wrong: %s of %s" % (wrong, tests))',
        "raise SystemExit(len(wrong) > 0)",
    ]


def _guarded(case: LapackCase) -> list[str]:
    """Return the calls; those of NumPy must not refuse what has an answer."""
    if not any("np.linalg." in line for line in case.calls):
        return list(case.calls)
    return [
        "try:",
        *(f"    {line}" for line in case.calls),
        "except np.linalg.LinAlgError as error:",
        '    print("%s, on input that has an answer" % error)',
        "    raise SystemExit(1) from None",
    ]


def _ended(case: LapackCase) -> list[str]:
    return [*_operands(case), *case.calls, 'print("has ended")']


def _flagged(case: LapackCase) -> list[str]:
    return [
        serious_flags(underflow=False),  # whether one happens depends on how the numbers mix
        "process, raised = ctypes.PyDLL(None), []",
        *_operands(case),
        *case.calls,
        'print("flags raised by each call, as <fenv.h> numbers them: %s" % raised)',
        "raise SystemExit(any(raised))",
    ]


def _once(case: LapackCase, *, indent: str = "") -> list[str]:
    """Return ``once``, which makes the calls and returns the bits of their results."""
    lines = [
        "def once():",
        *(f"    {line}" for line in case.calls),
        f'    return b"".join(x.tobytes() for x in ({", ".join(case.results)},))',
    ]
    return [indent + line for line in lines]


def _at_once(case: LapackCase) -> list[str]:
    return [
        "def caller(seed):",
        *(f"    {line}" for line in case.lines),
        *_once(case, indent="    "),
        "    return once",
        "",
        "def work(once, alone):",
        "    barrier.wait()",
        "    end = time.monotonic() + 3",
        "    while time.monotonic() < end and not bad:",
        "        bad.extend([1] * (once() != alone))",
        "",
        _operands(case)[0],
        "callers, bad, barrier = [caller(seed), caller(seed + 10)], [], threading.Barrier(2)",
        "threading.stack_size(512 * 1024)  # as macOS gives it to threads",
        "sys.setswitchinterval(5e-6)  # threads of Python give way at once",
        "pairs = [(once, once()) for once in callers]",
        "threads = [threading.Thread(target=work, args=pair) for pair in pairs]",
        "for step in (threading.Thread.start, threading.Thread.join):",
        "    list(map(step, threads))",
        'print("WRONG: other bits than alone" if bad else "the bits of the call alone")',
        "raise SystemExit(len(bad) > 0)",
    ]


def _repeated(case: LapackCase) -> list[str]:
    return [
        *_operands(case),
        *_once(case),
        "",
        "first = once()",
        f"different = sum(once() != first for _ in range({TIMES}))",
        f'print("%d of {TIMES} repetitions give other bits" % different)',
        "raise SystemExit(different > 0)",
    ]


def _left_behind(case: LapackCase) -> list[str]:
    return [*_operands(case), *_once(case), "", *memory_kept("once()")]


_ENDINGS = {
    LapackWay.TESTS: _tested,
    LapackWay.LITTERED: _tested,
    LapackWay.ENDS: _ended,
    LapackWay.FLAGS: _flagged,
    LapackWay.AT_ONCE: _at_once,
    LapackWay.REPEATED: _repeated,
    LapackWay.LEFT_BEHIND: _left_behind,
}

"""Ways to ask of a call what values and sizes alone do not tell: NaN, tiny numbers, the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_gate.scripts.operands import (
    FACTORS,
    MARGIN,
    operand_lines,
    parts_of,
    real_type,
    variable_lines,
)

if TYPE_CHECKING:
    from release_gate.scripts.blas import BlasCall
    from release_gate.scripts.text import Trial

__all__ = ["alpha_zero", "propagation", "stack", "subnormal"]

#: What is far away from an element of a solve, or meets it only as zeros that fill a tile of a
#: triangle, may change or not: `checks.special_propagation`.
_STRAYS = ("trsv", "tbsv", "tpsv", "trsm", "trmm")

#: Where a routine writes what others return (`release_gate.scripts.level1`).
_RESULT = "result"

#: Bytes of a routine's stack that are too many, and of the thread that makes the call.
_LIMIT, _STACK = 256 << 10, 1 << 20


def propagation(call: BlasCall, trial: Trial) -> list[str]:
    """Return the statements that change one element, and put NaN or infinity in its place.

    What depends on it is found by the change, so that no exact result is needed: the numbers are
    generic.
    """
    place, value = trial.parameters["place"], trial.parameters["value"]
    kept = "~np.isnan(spoilt)" if value == "nan" else "np.isfinite(spoilt)"
    # By parts: as complex numbers, a real diagonal beside NaN would be NaN all over.
    parts = f"x.view({real_type(call)})"
    generic = f"[({parts} * random.uniform(1, 1.5, {parts}.size)).astype({parts}.dtype)"
    generic += ".view(x.dtype) for x in given]"
    if any(each.name == FACTORS for each in call.arrays):
        generic = f"{generic.replace('given', 'given[:2]')} + given[2:]"
    strays = call.name[1:] in _STRAYS
    returned = "" if call.returns is None else " + [np.array([returned])]"
    return [
        "",
        "def outcome(change):  # all that the call leaves behind, one element changed before",
        "    memory = [each.copy() for each in given]",
        f"    change(memory[{place}][at : at + 1].view({real_type(call)}))",
        "    returned = call(*memory)",
        f"    return np.concatenate(memory{returned})",
        "",
        "def other(parts):  # turned, if complex",
        "    parts[:] = np.where(parts == 0, 1, parts) * [-2, 3][: len(parts)]",
        "",
        "def spoil(parts):",
        f"    parts[0] = {'-np.inf' if value == '-inf' else f'np.{value}'}",
        "",
        'np.seterr(all="ignore")',
        *variable_lines(call),
        *operand_lines(call, exact=False),
        "random = np.random.RandomState(1)",
        f"given = {generic}",
        f"readable = np.flatnonzero(~np.isnan(given[{place}].real))",
        f"at = min(readable, key=lambda index: abs(index - {MARGIN + trial.parameters['at']}))",
        "plain, changed, spoilt = outcome(lambda parts: None), outcome(other), outcome(spoil)",
        "depends = plain != changed",
        f"lost = ~np.isnan(plain) & depends & {kept}",
        f"strayed = ~np.isnan(plain) & ~depends & (plain != spoilt){' & False' if strays else ''}",
        'print("lost in %d elements, strayed to %d" % (lost.sum(), strayed.sum()))',
        "raise SystemExit(bool(lost.any() or strayed.any()))",
    ]


def subnormal(call: BlasCall, trial: Trial) -> list[str]:
    """Return the statements that make operands, and what follows from them, tiny."""
    unit = trial.parameters["unit"]
    places = trial.parameters["scaled"]
    tiny = [f"{kind}[{place}]" for place in places for kind in ("given", "expected")]
    tiny += [f"expected[{i}]" for i, each in enumerate(call.arrays) if each.name == _RESULT]
    lines = [
        f"for memory in ({', '.join(tiny)}):  # the result is linear in these",
        f"    parts = memory.view({real_type(call)})",
        f"    parts[~np.isnan(parts)] *= {unit!r}",
    ]
    return lines if call.returns is None else [*lines, f"value = value * {unit!r}"]


def stack(call: BlasCall, _: Trial) -> list[str]:
    """Return the statements that make the call on a stack that was all zero."""
    return [
        "",
        "def used():  # bytes of the stack above the deepest that has changed",
        f"    return {_STACK} - 8 * int(np.argmax(words != 0))",
        "",
        "def task(_):",
        "    used()  # what Python takes for this itself",
        "    marks.extend([used(), call(*given), used()])",
        "",
        *variable_lines(call),
        *operand_lines(call, exact=False),
        f"memory = mmap.mmap(-1, {2 * _STACK})  # below the stack is what cannot be accessed",
        f"words, marks = np.frombuffer(memory, np.uint64, offset={_STACK}), []",
        "start = ctypes.addressof(ctypes.c_char.from_buffer(memory))",
        "libc, thread = ctypes.CDLL(None), ctypes.c_ulong()",
        f"size, function = ctypes.c_size_t({_STACK}), ctypes.CFUNCTYPE(None, p)(task)",
        "libc.mprotect(p(start), size, 0)",
        "attributes = ctypes.create_string_buffer(256)",
        "libc.pthread_attr_init(attributes)",
        f"libc.pthread_attr_setstack(attributes, p(start + {_STACK}), size)",
        "libc.pthread_create(ctypes.byref(thread), attributes, function, None)",
        "libc.pthread_join(thread, None)",
        'print("takes %d KiB of its caller\'s stack" % ((marks[2] - marks[0]) // 1024))',
        f"raise SystemExit(marks[2] - marks[0] > {_LIMIT})",
    ]


def alpha_zero(call: BlasCall, _: Trial) -> list[str]:
    """Return the statements that make the call with NaN in all that it only reads."""
    read = ", ".join(each.name for each in call.arrays if each.after is None)
    (result,) = (place for place, each in enumerate(call.arrays) if each.after is not None)
    found, exact = (parts_of(f"{name}[{result}]", call) for name in ("given", "expected"))
    return [
        "",
        *variable_lines(call),
        *operand_lines(call),
        f"for memory in [{read}]:",
        "    memory[:] = np.nan",
        "call(*given)",
        f"found, exact = {found}, {exact}",
        "at = np.flatnonzero((found != exact) & ~np.isnan(found))",
        'print("%d wrong: %s, exactly %s" % (len(at), found[at[:3]], exact[at[:3]]))',
        "raise SystemExit(len(at) > 0)",
    ]

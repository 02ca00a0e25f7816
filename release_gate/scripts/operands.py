"""The statements of a script that make the operands of a call, whatever is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_gate.scripts.blas import is_complex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release_gate.scripts.blas import BlasCall

__all__ = [
    "FACTORS",
    "MARGIN",
    "is_single",
    "operand_lines",
    "parts_of",
    "real_type",
    "scalar_lines",
    "unsigned",
    "variable_lines",
]

#: Elements of canary before each operand; some kernels treat what is aligned otherwise.
MARGIN = 8

#: Operands that are no numbers to be replaced: the flag and factors of rotm.
FACTORS = "h_memory"


def is_single(call: BlasCall) -> bool:
    """Whether the parts of its numbers are in single precision."""
    return call.dtype in {"float32", "complex64"}


def unsigned(call: BlasCall) -> str:
    """Return the integers that hold the parts of a number."""
    return "np.uint32" if is_single(call) else "np.uint64"


def real_type(call: BlasCall) -> str:
    """Return the dtype of the parts of its numbers."""
    return "np.float32" if is_single(call) else "np.float64"


def parts_of(name: str, call: BlasCall) -> str:
    """Return an array as its real numbers, two for each complex one."""
    return f"{name}.view({real_type(call)})" if is_complex(call.dtype) else name


def variable_lines(call: BlasCall) -> Iterator[str]:
    """Yield what both the operands and the arguments name."""
    if call.sizes:
        yield f"{', '.join(call.sizes)} = {', '.join(map(str, call.sizes.values()))}"
    yield from scalar_lines(call)


def scalar_lines(call: BlasCall) -> Iterator[str]:
    """Yield the scalars by their names, and those that are passed by address in an array."""
    if call.scalars:
        yield f"{', '.join(call.scalars)} = {', '.join(call.scalars.values())}"
    passed = [value for kind, value in call.arguments if kind == "s"]
    if passed and is_complex(call.dtype):
        yield f"scalars = np.array([{', '.join(passed)}], np.{call.dtype})"


def operand_lines(call: BlasCall, *, exact: bool = True) -> Iterator[str]:
    """Yield the statements that make `given` memory, and as it must be afterwards: `expected`."""
    yield from call.lines
    expected = []
    for each in call.arrays:
        if each.before is not None:
            yield f"{each.name} = {each.before}"
        if each.after is None:
            expected.append(f"{each.name}.copy()")
            continue
        if exact:
            yield f"{each.name}_after = {each.after}"
            expected.append(f"{each.name}_after")
        if each.before is None:
            unread = f"{each.name}_after" if exact else each.after
            yield f"{each.name} = canaries(len({unread}))"
    yield f"given = [{', '.join(each.name for each in call.arrays)}]"
    if exact:
        yield f"expected = [{', '.join(expected)}]"
        if call.returns is not None:
            yield f"value = {call.returns.exact}"

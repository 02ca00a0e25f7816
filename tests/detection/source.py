"""The C source of the faulty library: a wrapper per routine, around the functions of runtime.c."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.detection.routines import CHARACTERS, ROUTINES

if TYPE_CHECKING:
    from tests.detection.routines import Routine

__all__ = ["library_source"]

#: Fields of `struct call` that an argument fills as it is; LAPACK's by their value.
FIELDS = {
    "order": "order",
    "transa": "transa",
    "trans": "transa",
    "transb": "transb",
    "uplo": "uplo",
    "side": "side",
    "diag": "diag",
    "jobz": "job",
    "m": "m",
    "n": "n",
    "k": "k",
}
COLUMN_MAJOR = "102"


def library_source() -> str:
    """Return the source, to be compiled after `planted.PRELUDE`."""
    runtime = Path(__file__).with_name("runtime.c").read_text(encoding="utf-8")
    names = ", ".join(f'"{routine.name}"' for routine in ROUTINES)
    return "\n".join(
        [
            f"#include <strings.h>\n#define ROUTINES {len(ROUTINES)}",
            runtime,
            f"static const char *const names[ROUTINES] = {{{names}}};",
            *(_wrapper(number, routine) for number, routine in enumerate(ROUTINES)),
        ]
    )


def _wrapper(number: int, routine: Routine) -> str:
    declared = [f"{routine.c_type(name)}{name}" for name in routine.arguments]
    passed = list(routine.arguments)
    if routine.lapack:  # the lengths of strings, that Fortran appends
        lengths = [f"{name}_length" for name in routine.arguments if name in CHARACTERS]
        declared += [f"size_t {name}" for name in lengths]
        passed += lengths
    parameters, arguments = ", ".join(declared), ", ".join(passed)
    returns = routine.returns
    keep = "" if returns == "void" else "result = "
    result = "" if returns == "void" else f"    {returns} result = 0;\n"
    give = "" if returns == "void" else " result"
    return f"""
{returns} scipy_{routine.name}64_({parameters}) {{
    static {returns} (*routine)({parameters});
    if (!routine) routine = real("{routine.name}");
{result}    enter({number});
    if (planted.routine != {number}) {{
        {keep}routine({arguments});
        leave();
        return{give};
    }}
    struct call call = {{{_facts(routine)}}};
{_outputs(routine)}    before(&call);
    {keep}routine({arguments});
{_spoil_index(routine)}    after(&call);
    leave();
    return{give};
}}"""


def _spoil_index(routine: Routine) -> str:
    """Return what stands for the region where the result is an index."""
    if not routine.is_integer:
        return ""
    return '    if (call.hit && is("index")) result = result + 1 < (size_t)n ? result + 1 : 0;\n'


def _facts(routine: Routine) -> str:
    """Return the initialisers of `struct call`."""
    star = "*" if routine.lapack else ""
    facts = [f".letter = '{routine.letter}'"]
    facts += [f".{FIELDS[name]} = {star}{name}" for name in routine.arguments if name in FIELDS]
    for name in ("alpha", "beta"):
        if name in routine.arguments:
            value = f"scalar('{routine.letter}', {name})" if routine.complex else name
        else:
            value = "r" + name if "r" + name in routine.arguments else "1"
        facts.append(f".{name} = {value}")
    increments = [name for name in routine.arguments if name.startswith("inc")]
    if increments:
        one = increments[0]
        least = f"least({one}, {increments[1]})" if len(increments) == 2 else one
        facts.append(f".least_increment = {least}")
    if "info" in routine.arguments:
        facts.append(".info = info")
    if "lwork" in routine.arguments:
        facts.append(".query = *lwork == -1")
    if routine.operand != "-":
        facts.append(f".past = {_behind(routine)}")
    return ", ".join(facts)


def _behind(routine: Routine) -> str:
    """Return the address just behind the operand that a fault may read."""
    name, *sizes = routine.operand.split()
    letter = f"'{routine.letter}'"
    if name == "ap":
        return f"behind_vector({letter}, ap, n * (n + 1) / 2, 1)"
    if len(sizes) == 1:
        return f"behind_vector({letter}, {name}, {sizes[0]}, inc{name})"
    rows, columns, *transposed = sizes
    if transposed:  # stored as it is (CblasNoTrans 111, CblasConjNoTrans 114), or transposed
        plain = f"({transposed[0]} == 111 || {transposed[0]} == 114)"
        rows, columns = f"{plain} ? {rows} : {columns}", f"{plain} ? {columns} : {rows}"
    return f"behind_matrix({letter}, order, {name}, {rows}, {columns}, ld{name})"


def _outputs(routine: Routine) -> str:
    """Return the statements that say what is written."""
    if routine.is_integer:
        return "    call.out = vector('d', &result, n > 0, 1);\n"
    lines = [
        f"    if (planted.output == {number}) call.out = {_region(routine, output)};\n"
        for number, output in enumerate(routine.outputs)
    ]
    lines += [
        f"    if (planted.output == {number} && call.job == 'N') call.out.base = NULL;\n"
        for number, output in enumerate(routine.outputs)
        if output.startswith("vectors")
    ]
    return "".join(lines)


def _region(routine: Routine, output: str) -> str:
    kind, *words = output.split()
    letter = f"'{routine.letter}'"
    if kind == "result":
        return f"vector({letter}, &result, n > 0, 1)"
    order, star = (COLUMN_MAJOR, "*") if routine.lapack else ("order", "")
    name = words[0]
    sizes = [star + size if size in routine.arguments else size for size in words[1:]]
    match kind:
        case "matrix" | "vectors":
            return f"matrix({letter}, {order}, {name}, {sizes[0]}, {sizes[1]}, {star}ld{name})"
        case "triangle":
            return f"triangle({letter}, {order}, {star}uplo, {name}, {sizes[0]}, {star}ld{name})"
        case "packed":
            return f"vector({letter}, {name}, n * (n + 1) / 2, 1)"
        case "real":
            letter = "'s'" if routine.letter == "c" else "'d'"
    length = {"least": "least(*m, *n)", "rows": "trans == 111 || trans == 114 ? m : n"}.get(
        sizes[0], sizes[0]
    )
    increment = f"inc{name}" if f"inc{name}" in routine.arguments else "1"
    return f"vector({letter}, {name}, {length}, {increment})"

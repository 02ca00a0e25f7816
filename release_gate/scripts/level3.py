"""Calls of level 3 for scripts: products, updates and solves of matrices of integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_gate.scripts.blas import (
    FORTRAN_LETTERS,
    ROW,
    TRANSPOSED,
    UNIT,
    UPPER,
    Array,
    BlasCall,
    Parameters,
    arguments,
    array,
    dense,
    op,
    symmetric,
    told,
    triangular,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LEFT", "RIGHT", "ROUTINES", "level3"]

LEFT, RIGHT = 141, 142


def level3(parameters: Parameters) -> BlasCall:
    """Return the call that `parameters` tell; leading dimensions of 0 are the least possible."""
    return ROUTINES[parameters["routine"]](parameters)


def _least(p: Parameters, name: str, rows: int, columns: int) -> int:
    """Return the leading dimension of a stored matrix: as given, but not less than it needs."""
    return max(int(p[name]), columns if p["order"] == ROW else rows, 1)


def _stored(p: Parameters, name: str, rows: int, columns: int, trans: int) -> int:
    """Return the leading dimension of what is stored when op(stored) has that shape."""
    shape = (columns, rows) if trans in TRANSPOSED else (rows, columns)
    return _least(p, name, *shape)


def _triangle(p: Parameters) -> str:
    return "i <= j" if p["uplo"] == UPPER else "i >= j"


def _product(p: Parameters) -> BlasCall:
    half = p["routine"] in {"gemmt", "gemmtr"}
    n, k, order = p["n"], p["k"], p["order"]
    m, rows = (n, "n") if half else (p["m"], "m")
    leading = {
        "lda": _stored(p, "lda", m, k, p["ta"]),
        "ldb": _stored(p, "ldb", k, n, p["tb"]),
        "ldc": _least(p, "ldc", m, n),
    }
    lines = [
        f"A, B, C = integers(1, {rows}, k), integers(2, k, n), integers(3, {rows}, n)",
        "exact = alpha * np.einsum('ik,kj->ij', A, B) + beta * C",
    ]
    kept = _triangle(p) if half else ""
    arrays = (
        array("a", dense("{}", order, "lda"), op("A", p["ta"], p["dtype"])),
        array("b", dense("{}", order, "ldb"), op("B", p["tb"], p["dtype"])),
        array("c", dense("{}", order, "ldc", kept), "C", "exact", read=bool(p["beta"])),
    )
    passed = (
        *(arguments("ii", order, p["uplo"]) if half else arguments("i", order)),
        *arguments("ii", p["ta"], p["tb"]),
        *arguments("i" * (2 if half else 3), *("nk" if half else "mnk")),
        *arguments("spipispi", "alpha", "a", "lda", "b", "ldb", "beta", "c", "ldc"),
    )
    return told(p, leading, lines, arrays, passed)


def _batch(p: Parameters) -> BlasCall:
    m, n, k, order = p["m"], p["n"], p["k"], p["order"]
    shapes = {"a": (m, k, p["ta"]), "b": (k, n, p["tb"]), "c": (m, n, 111)}
    leading, strides = {}, []
    for (name, (rows, columns, trans)), stride in zip(shapes.items(), p["strides"], strict=True):
        leading[f"ld{name}"] = _stored(p, f"ld{name}", rows, columns, trans)
        turned = (trans in TRANSPOSED) != (order == ROW)
        lines, length = (rows, columns) if turned else (columns, rows)
        strides.append(max(stride, (lines - 1) * leading[f"ld{name}"] + length))
    text = [
        "A, B, C = integers(1, count, m, k), integers(2, count, k, n), integers(3, count, m, n)",
        "exact = alpha * np.einsum('xik,xkj->xij', A, B) + beta * C",
    ]
    flags = {"a": p["ta"], "b": p["tb"], "c": 111}

    def memory(name: str) -> str:
        place = f"i * ld{name} + j" if order == ROW else f"i + j * ld{name}"
        return f"stored({{}}, lambda x, i, j: x * stride_{name} + {place})"

    def turned_back(name: str) -> str:
        return op(name.upper(), flags[name], p["dtype"]).replace(".T", ".swapaxes(1, 2)")

    arrays = (
        array("a", memory("a"), turned_back("a")),
        array("b", memory("b"), turned_back("b")),
        array("c", memory("c"), "C", "exact", read=bool(p["beta"])),
    )
    sizes = leading | {"count": p["count"]}
    sizes |= {f"stride_{name}": stride for name, stride in zip("abc", strides, strict=True)}
    passed = (
        *arguments("iiiiii", order, p["ta"], p["tb"], "m", "n", "k"),
        *arguments("spiipii", "alpha", "a", "lda", "stride_a", "b", "ldb", "stride_b"),
        *arguments("spiii", "beta", "c", "ldc", "stride_c", "count"),
    )
    return told(p, sizes, text, arrays, passed)


def _sum(p: Parameters) -> BlasCall:
    """Return geadd: its flags are behind the order, in Fortran behind all; `flags`: if it has any.

    Both matrices are told as they are added; op undoes itself.
    """
    m, n, order, flags = p["m"], p["n"], p["order"], (p["ta"], p["tc"])
    leading = {"lda": _stored(p, "lda", m, n, p["ta"]), "ldc": _stored(p, "ldc", m, n, p["tc"])}
    lines = ["A, C = integers(1, m, n), integers(2, m, n)", "exact = alpha * A + beta * C"]
    before, after = (op(each, p["tc"], p["dtype"]) for each in ("C", "exact"))
    arrays = (
        array("a", dense("{}", order, "lda"), op("A", p["ta"], p["dtype"])),
        array("c", dense("{}", order, "ldc"), before, after, read=bool(p["beta"])),
    )
    letters = [f'b"{FORTRAN_LETTERS[str(each)]}"' for each in flags]
    passed = (
        *arguments("i", order),
        *(arguments("ii", *flags) if p["flags"] and not p["interface"] else ()),
        *arguments("iispispi", "m", "n", "alpha", "a", "lda", "beta", "c", "ldc"),
        *(arguments("cc", *letters) if p["flags"] and p["interface"] else ()),
    )
    return told(p, leading, lines, arrays, passed)


def _copy(p: Parameters) -> BlasCall:
    in_place, order, trans = p["routine"] == "imatcopy", p["order"], p["trans"]
    m, n = p["m"], p["n"]
    if in_place:  # as the check has it, also when sizes have been made smaller
        gaps = p["lda"] if m == n or trans not in TRANSPOSED else 1
        p = {**p, "lda": gaps, "ldb": gaps}
    lines = ["A = integers(1, m, n)", f"exact = alpha * {op('A', trans, p['dtype'])}"]
    leading = {"lda": _least(p, "lda", m, n), "ldb": _stored(p, "ldb", m, n, trans)}
    first = arguments("iiiis", order, trans, "m", "n", "alpha")
    if in_place:
        before, after = dense("A", order, "lda"), dense("exact", order, "ldb")
        only = Array(name="a", before=before, after=after)
        return told(p, leading, lines, (only,), (*first, *arguments("pii", "a", "lda", "ldb")))
    arrays = (
        array("a", dense("{}", order, "lda"), "A"),
        array("b", dense("{}", order, "ldb"), "", "exact", read=False),
    )
    return told(p, leading, lines, arrays, (*first, *arguments("pipi", "a", "lda", "b", "ldb")))


def _symmetric_product(p: Parameters) -> BlasCall:
    order, left = p["order"], p["side"] == LEFT
    side = "m" if left else "n"
    leading = {"lda": max(p["lda"], p[side], 1)}
    leading |= {name: _least(p, name, p["m"], p["n"]) for name in ("ldb", "ldc")}
    product = "'ij,jk->ik', A, B" if left else "'ij,jk->ik', B, A"
    lines = [
        *symmetric(1, side, hermitian=p["routine"] == "hemm"),
        "B, C = integers(2, m, n), integers(3, m, n)",
        f"exact = alpha * np.einsum({product}) + beta * C",
    ]
    arrays = (
        array("a", dense("{}", order, "lda", _triangle(p)), "S"),
        array("b", dense("{}", order, "ldb"), "B"),
        array("c", dense("{}", order, "ldc"), "C", "exact", read=bool(p["beta"])),
    )
    passed = (
        *arguments("iiiii", order, p["side"], p["uplo"], "m", "n"),
        *arguments("spipispi", "alpha", "a", "lda", "b", "ldb", "beta", "c", "ldc"),
    )
    return told(p, leading, lines, arrays, passed)


def _updated(p: Parameters, update: str, *, hermitian: bool, idle: bool) -> tuple[list[str], Array]:
    """Return the lines that make C and the exact result, and C's array.

    The imaginary parts of a Hermitian diagonal must not be read and are set to zero, except when
    there is nothing to do.
    """
    memory = dense("{}", p["order"], "ldc", _triangle(p))
    before, lines = "C", ["C = integers(3, n, n)"]
    if hermitian and not idle:
        before = "S"
        lines.append("C = C - 1j * np.diag(C.diagonal().imag)")
        lines.append("S = C + np.diag(np.full(n, complex(0, np.nan)))")
    lines.append(f"exact = {update} + beta * C")
    return lines, array("c", memory, before, "C" if idle else "exact", read=bool(p["beta"]))


def _rank_k(p: Parameters) -> BlasCall:
    hermitian, two = p["routine"].startswith("he"), p["routine"].endswith("2k")
    n, k, order, trans = p["n"], p["k"], p["order"], p["trans"]
    end = ".conj()" if hermitian else ""
    names = ("A", "B") if two else ("A",)
    leading = {f"ld{x.lower()}": _stored(p, f"ld{x.lower()}", n, k, trans) for x in names}
    leading["ldc"] = max(p["ldc"], n, 1)
    text = [f"{name} = integers({seed}, n, k)" for seed, name in enumerate(names, 1)]
    text.append(f"U = alpha * np.einsum('ik,jk->ij', A, {names[-1]}{end})")
    if two:
        text.append(f"U = U + U{end}.T")
    idle = (p["alpha"] in (0, [0.0, 0.0]) or k == 0) and p["beta"] == 1
    more, updated = _updated(p, "U", hermitian=hermitian, idle=hermitian and idle)
    arrays = (
        *(
            array(x.lower(), dense("{}", order, f"ld{x.lower()}"), op(x, trans, p["dtype"]))
            for x in names
        ),
        updated,
    )
    passed = (
        *arguments("iiiii", order, p["uplo"], trans, "n", "k"),
        *arguments("rpi" if hermitian and not two else "spi", "alpha", "a", "lda"),
        *(arguments("pi", "b", "ldb") if two else ()),
        *arguments("rpi" if hermitian else "spi", "beta", "c", "ldc"),
    )
    return told(p, leading, [*text, *more], arrays, passed)


def _triangular(p: Parameters) -> BlasCall:
    order, left = p["order"], p["side"] == LEFT
    unit, upper = p["diag"] == UNIT, p["uplo"] == UPPER
    side, turned = ("m" if left else "n"), op("A", p["trans"], p["dtype"])
    leading = {
        "lda": max(p["lda"], p[side], 1),
        "ldb": _least(p, "ldb", p["m"], p["n"]),
    }
    factors = f"{turned}, X" if left else f"X, {turned}"
    lines = [
        *triangular(1, side, p["dtype"], upper=upper, unit=unit),
        "X = integers(2, m, n)",
        f"product = np.einsum('ij,jk->ik', {factors})",
    ]
    start, end = ("product", "X") if p["routine"] == "trsm" else ("X", "product")
    kept = f"i {'<' if upper else '>'}{'' if unit else '='} j"
    arrays = (
        array("a", dense("{}", order, "lda", kept), "A"),
        array("b", dense("{}", order, "ldb"), start, f"alpha * {end}"),
    )
    passed = (
        *arguments("iiiiiii", order, p["side"], p["uplo"], p["trans"], p["diag"], "m", "n"),
        *arguments("spipi", "alpha", "a", "lda", "b", "ldb"),
    )
    return told(p, leading, lines, arrays, passed)


#: How the call of each routine is told.
ROUTINES: dict[str, Callable[[Parameters], BlasCall]] = {
    **dict.fromkeys(("gemm", "gemm3m", "gemmt", "gemmtr"), _product),
    "gemm_batch_strided": _batch,
    "geadd": _sum,
    **dict.fromkeys(("omatcopy", "imatcopy"), _copy),
    **dict.fromkeys(("symm", "hemm"), _symmetric_product),
    **dict.fromkeys(("syrk", "herk", "syr2k", "her2k"), _rank_k),
    **dict.fromkeys(("trmm", "trsm"), _triangular),
}

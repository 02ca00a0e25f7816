"""Whether a routine of level 3, called through CBLAS, is exact on integers. Exits with 1 when not.

With "at_end" among the parameters: whether it stays inside of its operands, of which each ends
(at_end = 1) or begins (0) where memory is inaccessible.
"""
# reproduces: exact.gemm-variants, exact.matcopy, exact.level3, exact.triangular, bounds.level3

import ctypes
import glob
import mmap
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "routine": "trsm", "dtype": "complex128", "order": 102,
    "side": 141, "uplo": 121, "trans": 113, "diag": 131, "m": 33, "n": 17, "lda": 36, "ldb": 33,
    "alpha": [0.0, 1.0],
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)

P = PARAMETERS
LETTER = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}[P["dtype"]]
ROW, TRANS, CONJ, UPPER, UNIT, RIGHT = 101, (112, 113), (113, 114), 121, 132, 142
random = np.random.RandomState(1)


def openblas():
    """Return NumPy's own OpenBLAS, with the prefix and suffix of its names."""
    folder = os.path.dirname(np.__file__)
    for place in ("/../numpy.libs/", "/.dylibs/", "/.libs/"):
        for path in glob.glob(folder + place + "*openblas*"):
            library = ctypes.CDLL(path)
            for prefix, suffix in (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", "")):
                if hasattr(library, prefix + "openblas_get_config" + suffix):
                    return library, prefix, suffix
    print("NumPy has loaded no OpenBLAS")
    raise SystemExit(2)


library, prefix, suffix = openblas()
integer = ctypes.c_int64 if suffix == "64_" else ctypes.c_int32


def find(name):
    return library[prefix + name + suffix]


for name in ("openblas_get_config", "openblas_get_corename"):
    text = find(name)
    text.restype = ctypes.c_char_p
    print(text().decode())
find("openblas_set_num_threads")(P["threads"])
real = ctypes.c_float if P["dtype"] in ("float32", "complex64") else ctypes.c_double


def scalar(value, as_real=False):
    """Return alpha or beta as C takes it, and as a number."""
    number = complex(*value) if isinstance(value, list) else value
    if LETTER in "sd" or as_real:
        return real(number.real), number.real
    return np.array([number], P["dtype"]), number


def integers(m, n):
    part = random.randint(1, 9, (2, m, n)) * random.choice((-1, 1), (2, m, n))
    return (part[0] + (1j * part[1] if LETTER in "cz" else 0)).astype(P["dtype"])


def op(stored, trans):
    stored = stored.T if trans in TRANS else stored
    return stored.conj() if trans in CONJ else stored


def multiply(a, b):
    wide = np.complex128 if LETTER in "cz" else np.float64
    return np.einsum("ik,kj->ij", a.astype(wide), b.astype(wide), optimize=False)


def image(matrix, ld):
    """Return the matrix in memory, NaN between its lines."""
    lines = matrix if P["order"] == ROW else matrix.T
    memory = np.full((lines.shape[0], ld), np.nan, P["dtype"])
    memory[:, : lines.shape[1]] = lines
    return memory.reshape(-1)[: max(0, memory.size - ld + lines.shape[1]) if lines.size else 0]


def half(matrix, spoil_diagonal=False):
    """Return one triangle, NaN in the other."""
    keep = np.ones(matrix.shape, bool)
    keep = np.triu(keep, spoil_diagonal) if P["uplo"] == UPPER else np.tril(keep, -spoil_diagonal)
    return np.where(keep, matrix, np.nan).astype(matrix.dtype)


def shape(m, n, trans):
    return (n, m) if trans in TRANS else (m, n)


def products():
    """Return names of flags and of sizes, what is stored, and op(A) op(B), of gemm and its kin."""
    routine, m, n, k = P["routine"], P.get("m", P["n"]), P["n"], P["k"]
    a, b = integers(*shape(m, k, P["ta"])), integers(*shape(k, n, P["tb"]))
    flags = ["order", "uplo", "ta", "tb"] if routine.startswith("gemmt") else ["order", "ta", "tb"]
    sizes = ["n", "k"] if routine.startswith("gemmt") else ["m", "n", "k"]
    return flags, sizes, [a, b], multiply(op(a, P["ta"]), op(b, P["tb"]))


def updates():
    """The same of syrk, herk, syr2k and her2k."""
    n, k = P["n"], P["k"]
    pair = [integers(*shape(n, k, P["trans"])) for _ in range(1 + ("2k" in P["routine"]))]
    a = op(pair[0], P["trans"])
    turned = (lambda x: x.conj().T) if P["routine"].startswith("he") else (lambda x: x.T)
    exact = multiply(a, turned(a))
    if len(pair) == 2:
        once = scalar(P["alpha"])[1] * multiply(a, turned(op(pair[1], P["trans"])))
        exact = once + turned(once)
    return ["order", "uplo", "trans"], ["n", "k"], pair, exact


def symmetric():
    """The same of symm and hemm."""
    m, n = P["m"], P["n"]
    size = n if P["side"] == RIGHT else m
    a, b = integers(size, size), integers(m, n)
    a = np.triu(a, 1) + (np.triu(a, 1).conj().T if P["routine"] == "hemm" else np.triu(a, 1).T)
    a += np.diag(integers(1, size)[0].real).astype(a.dtype)
    exact = multiply(b, a) if P["side"] == RIGHT else multiply(a, b)
    return ["order", "side", "uplo"], ["m", "n"], [half(a), b], exact


def triangular():
    """The same of trmm and trsm, whose output is the second operand."""
    m, n = P["m"], P["n"]
    size = n if P["side"] == RIGHT else m
    a, x = integers(size, size), integers(m, n)
    a[np.diag_indices(size)] = 1 if P["diag"] == UNIT else random.choice((-2, -1, 1, 2, 4), size)
    full = op(np.nan_to_num(half(a)), P["trans"])
    exact = multiply(x, full) if P["side"] == RIGHT else multiply(full, x)
    stored = half(a, spoil_diagonal=P["diag"] == UNIT)
    before, after = (x, exact) if P["routine"] == "trmm" else (exact, x)
    return ["order", "side", "uplo", "trans", "diag"], ["m", "n"], [stored], (before, after)


def copies():
    """The same of omatcopy and imatcopy."""
    a = integers(P["m"], P["n"])
    return ["order", "trans"], ["m", "n"], [a], op(a, P["trans"])


def placed(values):
    """Return the address of a copy of `values`, and the copy: against a page, or between NaN."""
    if "at_end" not in P:
        block = np.full(len(values) + 16, np.nan, values.dtype)
        block[8:-8] = values
        return block[8:].ctypes.data, block
    page = mmap.PAGESIZE
    room = (values.nbytes // page + 2) * page
    memory = mmap.mmap(-1, room + 2 * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for edge in (start, start + page + room):
        ctypes.CDLL(None).mprotect(ctypes.c_void_p(edge), ctypes.c_size_t(page), 0)
    at = page + (room - values.nbytes if P["at_end"] else 0)
    np.frombuffer(memory, values.dtype, len(values), at)[...] = values
    return start + at, memory


def problem():
    """Return the arguments of C with (before, after) for each operand."""
    routine = P["routine"]
    kinds = {"sy": updates, "he": updates, "tr": triangular, "om": copies, "im": copies}
    make = symmetric if routine in ("symm", "hemm") else kinds.get(routine[:2], products)
    flags, sizes, inputs, exact = make()
    arguments = [ctypes.c_int(P[flag]) for flag in flags] + [integer(P[size]) for size in sizes]
    passed, alpha = scalar(P["alpha"], routine == "herk")
    if routine == "imatcopy":
        memory = image(inputs[0], P["lda"]), image((alpha * exact).astype(P["dtype"]), P["lda"])
        return [*arguments, passed, memory, integer(P["lda"]), integer(P["lda"])]
    if routine in ("trmm", "trsm"):
        before, after = (part.astype(P["dtype"]) for part in (exact[0], alpha * exact[1]))
        stored = image(inputs[0], P["lda"])
        output = image(before, P["ldb"]), image(after, P["ldb"])
        return [*arguments, passed, (stored, stored), integer(P["lda"]), output, integer(P["ldb"])]
    arguments.append(passed)
    for stored, ld in zip(inputs, ("lda", "ldb")):
        arguments += [(image(stored, P[ld]),) * 2, integer(P[ld])]
    if routine == "omatcopy":
        after = image((alpha * exact).astype(P["dtype"]), P["ldb"])
        return [*arguments, (np.full_like(after, np.nan), after), integer(P["ldb"])]
    passed, beta = scalar(P["beta"], routine in ("herk", "her2k"))
    start = integers(*exact.shape)
    hermitian = routine in ("herk", "her2k")
    if hermitian:
        start[np.diag_indices(len(start))] = start.diagonal().real
    exact = (exact if "2k" in routine else alpha * exact) + (beta * start if beta else 0)
    before, after = start if beta else start * np.nan, exact.astype(P["dtype"])
    if "uplo" in P and "side" not in P:
        before, after = half(before), half(after)
    output = image(before, P["ldc"]), image(after, P["ldc"])
    return [*arguments, passed, output, integer(P["ldc"])]


def call(arguments):
    """Make the call; return whether an operand, or what is around it, is wrong."""
    passed, operands = [], []
    for argument in arguments:
        if isinstance(argument, tuple):
            address, block = placed(argument[0])
            operands.append((block, argument[1]))
            passed.append(ctypes.c_void_p(address))
        elif isinstance(argument, np.ndarray):
            passed.append(ctypes.c_void_p(argument.ctypes.data))
        else:
            passed.append(argument)
    find("cblas_" + LETTER + P["routine"])(*passed)
    if "at_end" in P:
        return False  # it is still alive
    wrong = 0
    for block, after in operands:
        exact = np.full(len(block), np.nan, P["dtype"])
        exact[8:-8] = after
        found, exact = block.view(real), exact.view(real)
        wrong += np.count_nonzero(~((found == exact) | (np.isnan(found) & np.isnan(exact))))
    print("%d numbers are wrong" % wrong)
    return bool(wrong)


if "at_end" in P:
    child = os.fork()
    if child == 0:
        os._exit(call(problem()))
    bad = os.waitpid(child, 0)[1] != 0
    print("CRASHED" if bad else "stays inside")
else:
    bad = call(problem())
raise SystemExit(bad)

"""Whether a routine of level 2 is exact on integers. Exits with 1 when it is not.

All memory that the routine must not use or change holds NaN.
"""
# reproduces: exact.level2, exact.banded, exact.packed

import ctypes
import glob
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "routine": "trsv", "dtype": "float64", "seed": 1,
    "pool": [71, 71], "n": 7, "order": 101, "uplo": 121, "trans": 112, "diag": 131, "ld": 8,
    "incx": -2,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)


def openblas():
    """Return NumPy's own OpenBLAS, with the prefix and suffix of its names."""
    folder = os.path.dirname(np.__file__)
    for place in ("/../numpy.libs/", "/.dylibs/", "/.libs/"):
        for path in glob.glob(folder + place + "*openblas*"):
            library = ctypes.CDLL(path)
            for prefix, suffix in (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", "")):
                if hasattr(library, prefix + "openblas_get_config" + suffix):
                    return lambda name: library[prefix + name + suffix]
    print("NumPy has loaded no OpenBLAS")
    raise SystemExit(2)


def prepare():
    """Set the threads and say which OpenBLAS this is."""
    routine = openblas()
    for name in ("openblas_get_config", "openblas_get_corename"):
        text = routine(name)
        text.restype = ctypes.c_char_p
        print(text().decode())
    routine("openblas_set_num_threads")(PARAMETERS["threads"])
    print(PARAMETERS["threads"], "threads")


def integers(seed, rows, columns, high, dtype):
    """Return integers in [-high, high] without zero, whose products and sums are exact."""
    random = np.random.RandomState(seed)
    magnitude = random.randint(1, high + 1, size=(2, rows, columns))
    sign = 2 * random.randint(0, 2, size=(2, rows, columns)) - 1
    real, imaginary = (magnitude * sign).astype(np.float64)
    return (real + 1j * imaginary if dtype.startswith("c") else real).astype(dtype)


def place(i, j):
    """Return where element (i, j) is stored."""
    rows = P["order"] == 101
    line, position = (i, j) if rows else (j, i)
    if name[1] == "p":
        if rows == (uplo == 121):
            return line * n - line * (line - 1) // 2 + position - line
        return line * (line + 1) // 2 + position
    if name[1] == "b":
        return line * P["ld"] + (lower if rows else upper) + position - line
    return line * P["ld"] + position


def numbers(values):
    """Return complex numbers as numbers of the routine's type."""
    return values if letter in "cz" else values.real


def spread(values, increment):
    """Return the values with NaN between them, backwards for a negative increment."""
    memory = np.full(abs(increment) * len(values) + 8, np.nan, dtype)
    values = values[:: 1 if increment > 0 else -1]
    memory[: abs(increment) * len(values) : abs(increment)] = numbers(values)
    return memory


def matrix_memory(a):
    """Return the memory of what is stored of the matrix."""
    memory = np.full(3 * (P.get("ld", 0) or n) * (max(m, n) + 3) + 8, np.nan, dtype)
    for i, j in stored:
        memory[place(i, j)] = numbers(a[i, j])
        if hermitian and i == j and a is matrix:
            memory[place(i, j)] += complex(0, np.nan)
    return memory


def call(*arguments):
    """Call the routine; arrays by address, complex scalars too."""
    passed = []
    for x in arguments:
        if isinstance(x, complex) and (letter in "sd" or real_alpha):
            passed.append((ctypes.c_float if letter in "sc" else ctypes.c_double)(x.real))
        elif isinstance(x, (complex, np.ndarray)):
            keep.append(np.array(x, dtype) if isinstance(x, complex) else x)
            passed.append(ctypes.c_void_p(keep[-1].ctypes.data))
        else:
            passed.append(ctypes.c_ssize_t(x))
    routine = openblas()("cblas_" + letter + name)
    routine.restype = None
    routine(*passed)


P, keep = PARAMETERS, []
prepare()
name, dtype, n, order = (P[key] for key in ("routine", "dtype", "n", "order"))
letter = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}[dtype]
m, uplo, trans = P.get("m", n), P.get("uplo"), P.get("trans", 111)
alpha, beta = (complex(*np.ravel(P.get(scalar, 1))) for scalar in ("alpha", "beta"))
triangular, solve, general = name[0] == "t", name.endswith("sv"), name[0] == "g"
hermitian, unit = name[0] == "h", P.get("diag") == 132
real_alpha = name in ("her", "hpr")
width = P["width"] if name[1] == "b" and not general else n
lower = P.get("lower", 0 if uplo == 121 else width) if name[:2] != "ge" else m
upper = P.get("upper", width if uplo == 121 else 0) if name[:2] != "ge" else n
matrix = integers(P["seed"], *P["pool"], 4, dtype)[:m, :n].astype(complex)
if triangular:
    powers = (1, -1j, 2, 0.5j, 1 + 1j) if letter in "cz" else (1, -1, 2, 0.5)
    matrix[np.arange(n), np.arange(n)] = 1 if unit else np.resize(powers, n)
elif not general:
    strict, diagonal = np.tril(matrix, -1), matrix.diagonal()
    matrix = strict + (strict.conj().T if hermitian else strict.T)
    matrix += np.diag(diagonal.real if hermitian else diagonal)
    band = abs(np.arange(n) - np.arange(n)[:, None]) <= width
    matrix = np.where(band, matrix, 0)
inside = [(i, j) for i in range(m) for j in range(n) if -upper <= i - j <= lower]
if name[1] != "b" and not general:
    inside = [(i, j) for i, j in inside if (i <= j if uplo == 121 else i >= j)]
stored = [(i, j) for i, j in inside if not (unit and i == j)]
if general or triangular:
    mask = np.zeros((m, n), bool)
    for i, j in inside:
        mask[i, j] = True
    matrix = np.where(mask, matrix, 0)
turned = matrix.T if trans in (112, 113) else matrix
turned = turned.conj() if trans in (113, 114) else turned
vectors = integers(P["seed"] + 1, 2, 4200, 4, dtype).astype(complex)
a, ld = matrix_memory(matrix), [] if name[1] == "p" else [P["ld"]]
lengths = turned.shape[::-1] if name.endswith("v") else (m, n)
x, y = vectors[0, : lengths[0]], vectors[1, : lengths[1]]
with np.errstate(all="ignore"):
    product = (turned * x).sum(axis=1) if name.endswith("v") else None
expected_a, flag = a.copy(), trans if general else uplo
if triangular:
    start, result = (product, x) if solve else (x, product)
    given, expected = spread(start, P["incx"]), spread(result, P["incx"])
    widths = [width] if name[1] == "b" else []
    call(order, uplo, trans, P["diag"], n, *widths, a, *ld, given, P["incx"])
elif name.endswith("v"):
    result = alpha * product + beta * y if m and n else y
    given = spread(y if beta or not (m and n) else np.full(len(y), np.nan), P["incy"])
    expected = spread(result, P["incy"])
    sizes = [m, n] if general else [n]
    sizes += ([lower, upper] if general else [width]) if name[1] == "b" else []
    first = [order, flag, *sizes, alpha, a, *ld]
    call(*first, spread(x, P["incx"]), P["incx"], beta, given, P["incy"])
else:
    two = general or name.endswith("2")
    right = y if two else x
    update = alpha * np.outer(x, right.conj() if hermitian or name == "gerc" else right)
    if two and not general:
        update = update + (update.conj().T if hermitian else update.T)
    expected_a = matrix_memory(matrix + update)
    given = expected = spread(y, P["incy"])
    second = [given, P["incy"]] if two else []
    first = [order, m, n] if general else [order, uplo, n]
    call(*first, alpha, spread(x, P["incx"]), P["incx"], *second, a, *ld)
bad = False
for what, memory, exact in (("vector", given, expected), ("matrix", a, expected_a)):
    same = (memory.real == exact.real) | (np.isnan(memory.real) & np.isnan(exact.real))
    if not (hermitian and what == "matrix" and name.endswith("v")):
        same &= (memory.imag == exact.imag) | (np.isnan(memory.imag) & np.isnan(exact.imag))
    wrong = np.flatnonzero(~same)
    if len(wrong):
        print("%s: %d wrong, first at %d" % (what, len(wrong), wrong[0]))
        print("    is %s, exactly %s" % (memory[wrong[0]], exact[wrong[0]]))
        bad = True
print("WRONG" if bad else "exact")
raise SystemExit(bad)

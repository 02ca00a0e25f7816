"""CBLAS routines by name, in all four precisions, on NumPy arrays: what NumPy itself never calls.

`Cblas(library).call("gemm", "float64", ROW, NO_TRANS, ...)` takes the arguments of the C function:
scalars as Python numbers, arrays as themselves (their first element is passed) or as addresses.
Routines of level 1 that return a scalar return it here too, also those that C hands back through a
pointer (zdotu_sub). Routines of complex symmetric matrices, which CBLAS does not have, are called
in the same way and reached through Fortran's interface.
"""

import ctypes
import functools

import numpy as np

from checks.operands import LETTER, real_dtype

__all__ = [
    "COLUMN",
    "CONJ_NO_TRANS",
    "CONJ_TRANS",
    "LEFT",
    "LOWER",
    "NON_UNIT",
    "NO_TRANS",
    "RIGHT",
    "ROW",
    "TRANS",
    "UNIT",
    "UPPER",
    "Cblas",
    "op",
    "plain_name",
]

ROW, COLUMN = 101, 102
NO_TRANS, TRANS, CONJ_TRANS, CONJ_NO_TRANS = 111, 112, 113, 114
UPPER, LOWER = 121, 122
NON_UNIT, UNIT = 131, 132
LEFT, RIGHT = 141, 142

#: Argument kinds: e enumeration, i integer, a scalar of the routine's type, r real scalar, p array;
#: o a result of the routine's type that C returns through a pointer, and is not passed to `call`.
#: After ">", what is returned: r real, d double, f float, n an index.
SIGNATURES = {
    # Level 3
    "gemm": "eeeiiiapipiapi",
    "gemm3m": "eeeiiiapipiapi",
    "gemmt": "eeeeiiapipiapi",
    "gemmtr": "eeeeiiapipiapi",
    "gemm_batch_strided": "eeeiiiapiipiiapiii",
    "symm": "eeeiiapipiapi",
    "hemm": "eeeiiapipiapi",
    "syrk": "eeeiiapiapi",
    "herk": "eeeiirpirpi",
    "syr2k": "eeeiiapipiapi",
    "her2k": "eeeiiapipirpi",
    "trmm": "eeeeeiiapipi",
    "trsm": "eeeeeiiapipi",
    # Level 2
    "gemv": "eeiiapipiapi",
    "gbmv": "eeiiiiapipiapi",
    "symv": "eeiapipiapi",
    "hemv": "eeiapipiapi",
    "sbmv": "eeiiapipiapi",
    "hbmv": "eeiiapipiapi",
    "spmv": "eeiappiapi",
    "hpmv": "eeiappiapi",
    "ger": "eiiapipipi",
    "geru": "eiiapipipi",
    "gerc": "eiiapipipi",
    "syr": "eeiapipi",
    "her": "eeirpipi",
    "spr": "eeiapip",
    "hpr": "eeirpip",
    "syr2": "eeiapipipi",
    "her2": "eeiapipipi",
    "spr2": "eeiapipip",
    "hpr2": "eeiapipip",
    "trmv": "eeeeipipi",
    "trsv": "eeeeipipi",
    "tbmv": "eeeeiipipi",
    "tbsv": "eeeeiipipi",
    "tpmv": "eeeeippi",
    "tpsv": "eeeeippi",
    # Level 1 and OpenBLAS's own
    "dot": "ipipi>r",
    "dotu": "ipipio",
    "dotc": "ipipio",
    "sdsdot": "irpipi>f",
    "dsdot": "ipipi>d",
    "scal": "iapi",
    "rscal": "irpi",
    "axpy": "iapipi",
    "axpyc": "iapipi",
    "axpby": "iapiapi",
    "copy": "ipipi",
    "swap": "ipipi",
    "asum": "ipi>r",
    "sum": "ipi>r",
    "nrm2": "ipi>r",
    "amax": "ipi>r",
    "amin": "ipi>r",
    "iamax": "ipi>n",
    "iamin": "ipi>n",
    "imax": "ipi>n",
    "imin": "ipi>n",
    "rot": "ipipirr",
    "rotm": "ipipip",
    "rotg": "pppp",
    "rotmg": "ppprp",
    "omatcopy": "eeiiapipi",
    "imatcopy": "eeiiapii",
}

#: Of symmetric matrices: in complex precision LAPACK's (symv, spmv, syr, spr) or OpenBLAS's own.
SYMMETRIC = ("symv", "sbmv", "spmv", "syr", "spr", "syr2", "spr2")

#: What Fortran has for the enumerations of C. "R" is OpenBLAS's own.
FORTRAN_LETTERS = {
    NO_TRANS: b"N", TRANS: b"T", CONJ_TRANS: b"C", CONJ_NO_TRANS: b"R", UPPER: b"U", LOWER: b"L",
    NON_UNIT: b"N", UNIT: b"U", LEFT: b"L", RIGHT: b"R",
}  # fmt: skip

#: Both letters of a routine that has complex operands and real scalars or results.
MIXED = {"float32": "s", "float64": "d", "complex64": "sc", "complex128": "dz"}

#: Names that are not a letter and the routine: {} is the letter, {mixed} the letters of `MIXED`,
#: {reverse} those of operand and scalar ("zd").
IRREGULAR = {
    "dotu": "{}dotu_sub",
    "dotc": "{}dotc_sub",
    "sdsdot": "sdsdot",
    "dsdot": "dsdot",
    "rscal": "{reverse}scal",
    "rot": "{reverse}rot",
    "asum": "{mixed}asum",
    "sum": "{mixed}sum",
    "nrm2": "{mixed}nrm2",
    "amax": "{mixed}amax",
    "amin": "{mixed}amin",
    "iamax": "i{}amax",
    "iamin": "i{}amin",
    "imax": "i{}max",
    "imin": "i{}min",
}


def plain_name(routine, dtype):
    """Return the routine's name in that precision without "cblas_": "dgemm", "zdrot", "izamax"."""
    pattern = IRREGULAR.get(routine, "{}" + routine)
    mixed = MIXED[dtype]
    return pattern.format(LETTER[dtype], mixed=mixed, reverse=mixed[::-1])


def has_cblas(routine, dtype):
    """Whether CBLAS has this routine in this precision, be it as an extension."""
    return routine not in SYMMETRIC or not dtype.startswith("c")


def op(matrix, trans):
    """Return what CBLAS makes of a matrix with that flag."""
    if trans in (TRANS, CONJ_TRANS):
        matrix = matrix.T
    return matrix.conj() if trans in (CONJ_TRANS, CONJ_NO_TRANS) else matrix


class Cblas:
    """The CBLAS interface of `library` (a `checks.blas.Library`).

    fortran: whether to call everything through Fortran's interface instead.
    """

    fortran = False

    def __init__(self, library):
        self._library = library
        self._functions = {}
        self._scalars = {}

    def _by_fortran(self, routine, dtype):
        return self.fortran or not has_cblas(routine, dtype)

    def has(self, routine, dtype):
        """Whether the library exports this routine in this precision."""
        return self._library.has(self._symbol(routine, dtype))

    def _symbol(self, routine, dtype):
        name = plain_name(routine, dtype)
        return name + "_" if self._by_fortran(routine, dtype) else "cblas_" + name

    def call(self, routine, dtype, *arguments):
        """Call e.g. cblas_dgemm; arrays are changed in place as in C; return what it returns."""
        function, passed, result = self._ready(routine, dtype, arguments)
        if result is None:
            return function(*passed)
        function(*passed)
        return result[0]

    def bound(self, routine, dtype, *arguments):
        """Return the same call as a function without arguments, which hardly costs more than C."""
        function, passed, result = self._ready(routine, dtype, arguments)
        if result is None:
            return functools.partial(function, *passed)

        def call():
            function(*passed)
            return result[0]

        return call

    def _ready(self, routine, dtype, arguments):
        """Return (function, what to pass to it, the array of what it returns there or None)."""
        key = routine, dtype
        if key not in self._functions:
            self._functions[key] = self._prepare(routine, dtype)
        function, kinds, scalars = self._functions[key]
        if self._by_fortran(routine, dtype):
            return function, self._by_reference(kinds, dtype, arguments), None
        passed = []
        for kind, argument in zip(kinds, arguments):
            if kind == "p" and not isinstance(argument, int):
                passed.append(argument.ctypes.data)
            elif kind == "a" and scalars is not None:
                passed.append(self._address(argument, scalars))
            else:
                passed.append(argument)
        result = None
        if kinds.endswith("o"):
            result = np.zeros(1, dtype)
            passed.append(result.ctypes.data)
        return function, passed, result

    def _by_reference(self, kinds, dtype, arguments):
        """Return the arguments of Fortran's routine for those of C, which may start with an order.

        Of matrices that are stored row by row, symmetric ones can be told to Fortran: such a matrix
        is its own transpose, and its upper triangle is the lower one.
        """
        row_major = kinds.startswith("e") and arguments[0] == ROW
        passed = []
        for kind, argument in list(zip(kinds, arguments))[kinds.startswith("e") :]:
            if kind == "e":
                passed.append(FORTRAN_LETTERS[UPPER + LOWER - argument if row_major else argument])
            elif kind == "i":
                passed.append(ctypes.byref(self._library.integer(argument)))
            elif kind == "p":
                passed.append(argument if isinstance(argument, int) else argument.ctypes.data)
            else:
                scalar = dtype if kind == "a" else real_dtype(dtype)
                passed.append(self._address(argument, scalar))
        return passed + [1] * kinds.count("e", 1)  # the lengths of the letters

    def _address(self, scalar, dtype):
        """Return where that scalar is in memory, for good: checks use few."""
        key = scalar, dtype
        if key not in self._scalars:
            stored = np.array(scalar, dtype)
            self._scalars[key] = stored, stored.ctypes.data
        return self._scalars[key][1]

    def _prepare(self, routine, dtype):
        """Return (function, kinds of its arguments, dtype of scalars that C takes by address)."""
        real = ctypes.c_float if real_dtype(dtype) == np.float32 else ctypes.c_double
        is_complex = dtype.startswith("c")
        kinds, _, result = SIGNATURES[routine].partition(">")
        if self._by_fortran(routine, dtype):
            return self._prepare_fortran(routine, dtype, kinds, result, real), kinds, None
        types = {
            "e": ctypes.c_int,
            "i": self._library.integer,
            "a": ctypes.c_void_p if is_complex else real,
            "r": real,
            "p": ctypes.c_void_p,
            "o": ctypes.c_void_p,
            "d": ctypes.c_double,
            "f": ctypes.c_float,
            "n": ctypes.c_size_t,
            "": None,
        }
        function = self._library.function(
            self._symbol(routine, dtype), types[result], [types[kind] for kind in kinds]
        )
        return function, kinds, dtype if is_complex else None

    def _prepare_fortran(self, routine, dtype, kinds, result, real):
        """Return the function; what returns an index counts from 0 here as in C."""
        letters = kinds.count("e", 1)
        passed = [ctypes.c_char_p] * letters
        passed += [ctypes.c_void_p] * (len(kinds) - letters - kinds.startswith("e"))
        passed += [ctypes.c_size_t] * letters
        returned = {
            "r": real,
            "d": ctypes.c_double,
            "f": ctypes.c_float,
            "n": self._library.integer,
            "": None,
        }
        function = self._library.function(self._symbol(routine, dtype), returned[result], passed)
        if result != "n":
            return function
        return lambda *arguments: max(function(*arguments) - 1, 0)

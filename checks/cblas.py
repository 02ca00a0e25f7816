"""CBLAS routines by name, in all four precisions, on NumPy arrays: what NumPy itself never calls.

`Cblas(library).call("gemm", "float64", ROW, NO_TRANS, ...)` takes the arguments of the C function:
scalars as Python numbers, arrays as themselves (their first element is passed).
"""

import ctypes

import numpy as np

from checks.operands import LETTER, real_dtype

__all__ = [
    "COLUMN",
    "CONJ_TRANS",
    "LOWER",
    "NO_TRANS",
    "ROW",
    "TRANS",
    "UPPER",
    "Cblas",
]

ROW, COLUMN = 101, 102
NO_TRANS, TRANS, CONJ_TRANS = 111, 112, 113
UPPER, LOWER = 121, 122

#: Argument kinds: e enumeration, i integer, a scalar of the routine's type, r real scalar, p array.
SIGNATURES = {
    # Level 3
    "gemm": "eeeiiiapipiapi",
    "gemm3m": "eeeiiiapipiapi",
    "gemmt": "eeeeiiapipiapi",
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
    "scal": "iapi",
    "axpy": "iapipi",
    "axpby": "iapiapi",
    "copy": "ipipi",
    "swap": "ipipi",
    "geadd": "eiiapiapi",
}


class Cblas:
    """The CBLAS interface of `library` (a `checks.blas.Library`)."""

    def __init__(self, library):
        self._library = library
        self._functions = {}

    def has(self, routine, dtype):
        """Whether the library exports this routine in this precision."""
        return self._library.has("cblas_" + LETTER[dtype] + routine)

    def call(self, routine, dtype, *arguments):
        """Call e.g. cblas_dgemm; arrays are changed in place as in C; return what it returns."""
        key = routine, dtype
        if key not in self._functions:
            self._functions[key] = self._prepare(routine, dtype)
        function, scalars = self._functions[key]
        passed = []
        for kind, argument in zip(SIGNATURES[routine], arguments):
            if kind == "p":
                passed.append(argument.ctypes.data)
            elif kind == "a" and scalars is not None:
                passed.append(np.array(argument, scalars).ctypes.data_as(ctypes.c_void_p))
            else:
                passed.append(argument)
        return function(*passed)

    def _prepare(self, routine, dtype):
        real = ctypes.c_float if real_dtype(dtype) == np.float32 else ctypes.c_double
        is_complex = dtype.startswith("c")
        kinds = {
            "e": ctypes.c_int,
            "i": self._library.integer,
            "a": ctypes.c_void_p if is_complex else real,
            "r": real,
            "p": ctypes.c_void_p,
        }
        name = "cblas_" + LETTER[dtype] + routine
        argtypes = [kinds[kind] for kind in SIGNATURES[routine]]
        return self._library.function(name, None, argtypes), dtype if is_complex else None

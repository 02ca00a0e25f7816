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
    "gemm": "eeeiiiapipiapi",
    "gemv": "eeiiapipiapi",
    "symm": "eeeiiapipiapi",
    "hemm": "eeeiiapipiapi",
    "syrk": "eeeiiapiapi",
    "herk": "eeeiirpirpi",
    "syr2k": "eeeiiapipiapi",
    "symv": "eeiapipiapi",
    "hemv": "eeiapipiapi",
    "scal": "iapi",
    "axpy": "iapipi",
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
        """Call e.g. cblas_dgemm; arrays are changed in place as in C."""
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
        function(*passed)

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

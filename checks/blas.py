"""The OpenBLAS that NumPy has loaded, reached by ctypes: its own settings, and any routine by name.

`numpy.linalg` computes in double and calls few routines; CBLAS and LAPACK routines that SciPy and
others call are reached here. Matrices are passed as NumPy arrays or integer addresses.
"""

import ctypes
import glob
import os
import sys

__all__ = ["Library", "LibraryNotFound", "find_library"]

#: Prefixes and suffixes of the builds that NumPy and SciPy have shipped, most specific first:
#: scipy-openblas64, scipy-openblas32, openblas64_ (NumPy 1.18..1.25), plain.
NAMINGS = (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", ""))


class LibraryNotFound(Exception):
    """NumPy has loaded no OpenBLAS, or one whose symbol names are unknown."""


class Library:
    """An OpenBLAS in this process.

    path: its file; prefix, suffix: what its symbol names carry; ilp64: whether its integers have
    64 bits; integer: the matching ctypes type.
    """

    def __init__(self, path, prefix, suffix):
        self.path = path
        self.prefix = prefix
        self.suffix = suffix
        self.handle = ctypes.CDLL(path)
        self.ilp64 = "USE64BITINT" in self.config()
        self.integer = ctypes.c_int64 if self.ilp64 else ctypes.c_int32

    def has(self, name):
        """Whether the library exports `name` ("cblas_dgemm", "openblas_get_config", "dgetrf_")."""
        return hasattr(self.handle, self.prefix + name + self.suffix)

    def function(self, name, restype=None, argtypes=None):
        """Return the exported function of that plain name; AttributeError when there is none.

        Fortran names carry their underscore: ``function("dgetrf_")``. A fresh object each time, so
        that two callers cannot spoil each other's `argtypes`.
        """
        function = self.handle[self.prefix + name + self.suffix]
        function.restype = restype
        function.argtypes = argtypes
        return function

    def config(self):
        """Return the build's own description: "OpenBLAS 0.3.34 ... MAX_THREADS=64"."""
        return self.function("openblas_get_config", ctypes.c_char_p)().decode()

    def corename(self):
        """Return the kernel that the library says it runs, such as "SkylakeX"."""
        return self.function("openblas_get_corename", ctypes.c_char_p)().decode()

    def max_threads(self):
        """Return how many threads the library was built for, or 0 when it does not say."""
        return int((self.config().partition("MAX_THREADS=")[2].split() or [0])[0])

    def get_num_threads(self):
        """Return how many threads the library would use now."""
        return int(self.function("openblas_get_num_threads", ctypes.c_int)())

    def set_num_threads(self, threads):
        """Ask for so many threads. Unlike the environment variable, not capped at the CPU count."""
        self.function("openblas_set_num_threads", None, [ctypes.c_int])(threads)


def find_library(numpy_module):
    """Return the `Library` that `numpy_module` was linked to; raise LibraryNotFound."""
    tried = []
    for path in _candidates(os.path.dirname(numpy_module.__file__)):
        tried.append(path)
        handle = ctypes.CDLL(path)
        for prefix, suffix in NAMINGS:
            if hasattr(handle, prefix + "openblas_get_config" + suffix):
                return Library(path, prefix, suffix)
    raise LibraryNotFound("no OpenBLAS with known symbol names among %s" % (tried or "no files"))


def _candidates(package):
    """Yield libraries bundled beside or inside the package, then those that the process maps."""
    bundled = (
        glob.glob(os.path.join(os.path.dirname(package), "numpy.libs", "*openblas*"))
        + glob.glob(os.path.join(package, ".dylibs", "*openblas*"))
        + glob.glob(os.path.join(package, ".libs", "*openblas*"))
    )
    yield from sorted(bundled)
    if sys.platform.startswith("linux"):
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            mapped = {line.split(None, 5)[5].strip() for line in maps if "openblas" in line}
        yield from sorted(mapped - set(bundled))

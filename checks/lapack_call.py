"""One LAPACK call: its arguments lie in memory that shows what the call must not have written.

Every array is copied to a place of its own with canaries before and behind, matrices with a leading
dimension that is larger than their rows; INFO and the integers lie among canaries too. After the
call, what belongs to the arrays is taken out, and all that is left must still be canaries. So it is
for every routine and every check, which pass plain arrays.
"""

import contextlib
import ctypes
import functools

import numpy as np

__all__ = ["LapackCall", "Overwritten"]

#: Fills all that belongs to nobody. A quiet NaN in single precision, and in double, of two such
#: words, that no arithmetic makes by itself; large as an integer.
CANARY = 0x7FF85A5A

#: Rows by which leading dimensions exceed the matrices, or as many as there are if they are fewer.
PADDING = 3

#: Arrays start 16 bytes behind such a boundary, as `malloc` may place them, at least so many bytes
#: apart. All addresses are equal modulo it in each call: kernels that choose their loops by the
#: alignment give the same bits again.
ALIGNMENT, OFFSET = 64, 16

#: Routines (without letter) that neither read nor write the other triangle of their first matrix.
#: Those of the first set are told UPLO by their first string, of the second by their last one.
HALF_BY_FIRST = frozenset((
    "potrf", "potf2", "potrs", "posv", "potri", "trtri", "trti2", "trtrs", "lauum", "lauu2",
    "sytrf", "sytrs", "hetrf", "hetrs",
))  # fmt: skip
HALF_BY_LAST = frozenset(("syevr", "heevr", "syevx", "heevx"))
#: The same where no vectors are asked for, which would be put into the matrix.
HALF_WITHOUT_VECTORS = frozenset(("syev", "heev", "syevd", "heevd"))


class Overwritten(Exception):
    """A routine has written beside its arrays or results, or into what it only reads."""


class LapackCall:
    """A call that is ready to be made, once. `info`: whether the routine has INFO.

    arguments: all but INFO. Strings get their hidden lengths appended, arrays pass their first
    element, integers are of the library's size (`integers`, a NumPy dtype), None is a null pointer.
    A two-dimensional array that is followed by its number of rows is a matrix with its leading
    dimension.
    """

    def __init__(self, function, name, arguments, integers, info=True):
        self._function = function
        self._name = name
        self._info = info
        self._integers = integers
        numbers, self._places = self._planned(name, arguments)
        self._strings = [ctypes.c_char_p(text.encode()) for text in _strings(arguments)]
        self._lay_out(arguments, numbers)

    def _planned(self, name, arguments):
        """Return the integers as they are passed, and [number, array, leading dimension, mask]."""
        numbers, places = [], []
        half = _half(name[1:], _strings(arguments))
        for number, argument in enumerate(arguments):
            if isinstance(argument, np.ndarray):
                leading, mask = max(1, len(argument)), None
                if argument.ndim == 2:
                    if _is_number(arguments[number + 1]) and arguments[number + 1] == leading:
                        leading += min(leading, PADDING)
                    if half:
                        half, mask = "", _triangle(*argument.shape, half)
                places.append([number, argument, leading, mask])
            elif _is_number(argument):
                last = places[-1] if places else None
                follows = last and last[0] == number - 1 and last[2] > max(1, len(last[1]))
                numbers.append(last[2] if follows else argument)
        return numbers, places

    def _lay_out(self, arguments, numbers):
        """Copy everything into memory full of canaries, and note the addresses."""
        numbers = np.array(numbers, self._integers)
        info = np.zeros(1 if self._info else 0, self._integers)
        wanted = [(numbers, 0), (info, 0)]
        wanted += [(array, leading) for _, array, leading, _ in self._places]
        starts, end = [], 0
        for array, leading in wanted:
            starts.append(-(-end // ALIGNMENT) * ALIGNMENT + ALIGNMENT + OFFSET)
            end = starts[-1] + (array.nbytes if array.ndim == 1 else _extent(array, leading))
        words = -(-(end + ALIGNMENT) // 4)
        whole = _canaries(words + ALIGNMENT // 4)
        self._address = whole.__array_interface__["data"][0]
        skipped = -self._address % ALIGNMENT
        self._address += skipped
        self.memory = whole[skipped // 4 : skipped // 4 + words]
        self._starts = starts
        self._numbers = self._view(numbers, starts[0])
        self._numbers[...] = numbers
        self._result = self._view(info, starts[1])
        self._result[...] = 0
        self._views = []
        for (_, array, leading, mask), start in zip(self._places, starts[2:]):
            view = self._view(array, start, leading)
            _copy(view, array, mask)
            self._views.append(view)
        self._expected = numbers
        self._passed = self._pointers(arguments)

    def _view(self, array, start, leading=0):
        """Return the place for `array` as an array of its shape."""
        size = array.itemsize
        strides = (size,) if array.ndim == 1 else (size, size * leading)
        return np.ndarray(array.shape, array.dtype, self.memory, start, strides)

    def _pointers(self, arguments):
        places, strings = iter(self._starts[2:]), iter(self._strings)
        number = self._address + self._starts[0]
        passed = []
        for argument in arguments:
            if isinstance(argument, np.ndarray):
                passed.append(ctypes.c_void_p(self._address + next(places)))
            elif isinstance(argument, str):
                passed.append(next(strings))
            elif argument is None:
                passed.append(None)
            else:
                passed.append(ctypes.c_void_p(number))
                number += self._integers.itemsize
        if self._info:
            passed.append(ctypes.c_void_p(self._address + self._starts[1]))
        return passed + [ctypes.c_size_t(len(text)) for text in _strings(arguments)]

    def make(self):
        """Call the routine. Holds no lock of the interpreter meanwhile."""
        # Some builds find NumPy's own xerbla_, which sets a Python error. INFO tells as well.
        with contextlib.suppress(SystemError, ValueError):
            self._function(*self._passed)

    def end(self):
        """Copy the results into the arrays and return INFO (0 without); raises Overwritten."""
        info = int(self._result[0]) if self._info else 0
        changed = self._numbers != self._expected
        self._erase(self._numbers)
        self._erase(self._result)
        for (_, array, _, mask), view in zip(self._places, self._views):
            _copy(array, view, mask)
            self._erase(view, mask)
        if np.any(changed):
            message = "%s: changed an integer argument that it only reads" % self._name
            raise Overwritten(message)
        if np.any(self.memory != CANARY):
            raise Overwritten("%s: %s" % (self._name, self._damage()))
        return info

    def where(self, expected):
        """Return what holds the first difference to the `memory` of an equal call, in words."""
        at = 4 * int(np.flatnonzero(self.memory != expected)[0])
        return self._names()[max(0, int(np.searchsorted(self._starts, at, "right")) - 1)]

    def _names(self):
        return ["the integers", "INFO"] + ["argument %d" % (each[0] + 1) for each in self._places]

    def _erase(self, view, mask=None):
        _copy(view, _canaries(4).view(view.dtype)[:1], mask)

    def _damage(self):
        """Return where the first canary is missing, in words."""
        wrong = np.flatnonzero(self.memory != CANARY)
        at = 4 * int(wrong[0])
        names = self._names()
        for name, start, each in zip(names[2:], self._starts[2:], self._places):
            _, array, leading, mask = each
            if array.ndim == 2 and start <= at < start + _extent(array, leading):
                column, row = divmod((at - start) // array.itemsize, leading)
                other = row < len(array) and mask is not None
                what = "the other triangle" if other else "the rows beyond the matrix"
                return "wrote to %s of %s, at row %d, column %d" % (what, name, row + 1, column + 1)
        index = int(np.searchsorted(self._starts, at, "right")) - 1
        side = "behind " + names[index] if index >= 0 else "before all arguments"
        return "wrote %s (%d words of 4 bytes in all)" % (side, len(wrong))


def _is_number(argument):
    return not isinstance(argument, (np.ndarray, str)) and argument is not None


def _strings(arguments):
    return [argument for argument in arguments if isinstance(argument, str)]


def _half(routine, strings):
    """Return "L" or "U" where only that triangle of the first matrix is touched, else ""."""
    if routine in HALF_BY_FIRST:
        uplo = strings[0]
    elif routine in HALF_BY_LAST or (routine in HALF_WITHOUT_VECTORS and strings[0] == "N"):
        uplo = strings[-1]
    else:
        return ""
    return uplo if uplo in ("L", "U") else ""


@functools.lru_cache(maxsize=64)
def _triangle(rows, columns, uplo):
    """Return where a matrix may be touched."""
    lower = np.tri(rows, columns, dtype=bool)
    return lower if uplo == "L" else ~np.tri(rows, columns, -1, dtype=bool)


def _extent(array, leading):
    """Return the bytes that a matrix takes, with the padding of its last column."""
    return leading * array.shape[1] * array.itemsize


def _copy(target, source, mask):
    if mask is None:
        target[...] = source
    else:
        np.copyto(target, source, where=mask)


_reserve = [np.full(4096, CANARY, np.uint32)]


def _canaries(words):
    """Return so many canaries; to copy them is several times quicker than to fill."""
    if words > len(_reserve[0]):
        _reserve[0] = np.full(words, CANARY, np.uint32)
    return _reserve[0][:words].copy()

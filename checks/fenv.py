"""Floating-point flags of the calling thread, by <fenv.h>."""

import ctypes
import platform

__all__ = ["Flags", "flags_of_this_machine"]

#: Values of <fenv.h> by machine.
BITS = {
    "x86_64": {"invalid": 1, "division by zero": 4, "overflow": 8, "underflow": 16},
    "aarch64": {"invalid": 1, "division by zero": 2, "overflow": 4, "underflow": 8},
}
BITS["arm64"] = BITS["aarch64"]

#: What no operation on numbers of ordinary size may raise; "underflow" depends on how they mix.
SERIOUS = ("invalid", "division by zero", "overflow")


class Flags:
    """Some of the flags: `clear()` them, then `raised()` tells which have been raised since.

    `raised` returns bits, 0 for none; `names` puts them into words.
    """

    def __init__(self, process, bits):
        self._bits = bits
        self._all = sum(bits.values())
        # These take no lock of the interpreter, and give none away: nothing comes between.
        self._clear, self._test = process.feclearexcept, process.fetestexcept

    def clear(self):
        self._clear(self._all)

    def raised(self):
        return self._test(self._all)

    def names(self, raised):
        return ", ".join(name for name, bit in self._bits.items() if raised & bit)


def flags_of_this_machine(names=SERIOUS):
    """Return the `Flags` of those names, or None where they cannot be read."""
    bits = BITS.get(platform.machine())
    try:
        process = ctypes.PyDLL(None)
        found = bits is not None and hasattr(process, "fetestexcept")
    except (OSError, TypeError):  # Windows has no handle of the whole process
        return None
    return Flags(process, {name: bits[name] for name in names}) if found else None

"""Whether small products stand NaN, stale buffers and flags. Exits with 1 when not."""
# reproduces: special.nan, special.stale-buffer, special.fp-flags

import ctypes
import glob
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "kind": "stale", "routine": "gemm",
    "dtype": "float64", "order": "C", "m": 31, "n": 15, "k": 33,
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


def differs(what, result, exact):
    """Say where `result` is not `exact`; whether it is somewhere."""
    wrong = np.argwhere(result != exact)
    if len(wrong):
        at = tuple(wrong[0])
        print(
            "%s: %d of %d wrong, first at %s" % (what, len(wrong), exact.size, list(map(int, at)))
        )
        print("    is %s, exactly %s" % (result[at], exact[at]))
    return len(wrong) > 0


def form(a, b):
    """Return the product by the routine in question, and the same without BLAS."""
    left = np.array(a, order=P.get("order", "C"))
    with np.errstate(all="raise" if P["kind"] == "flags" else "ignore"):
        if P["routine"] == "dot":
            result = np.array([np.dot(left[P["at"][0]], b[:, 0])])
            a, b = a[P["at"][0]][None], b[:, :1]
            return result, np.einsum("ik,kj->ij", a, b, optimize=False)[0]
        if P["routine"] == "gemv":
            result, b = left @ b[:, 0], b[:, :1]
            return result, np.einsum("ik,kj->ij", a, b, optimize=False)[:, 0]
        if P["routine"] == "syrk" and P["kind"] == "flags":
            return left.T @ left, None
        if P["routine"] == "syrk":
            return left @ left.T, np.einsum("ik,jk->ij", a, a, optimize=False)
        return left @ b, np.einsum("ik,kj->ij", a, b, optimize=False)


P = PARAMETERS
prepare()
if P["kind"] in ("zeros", "identity"):
    a = np.eye(P["n"]).astype(P["dtype"]) * (P["kind"] == "identity")
    try:
        with np.errstate(all="raise"):
            _ = a @ a.copy(), a @ a.T, a @ a[0]
    except FloatingPointError as error:
        print("WRONG:", error)
        raise SystemExit(1) from None
    print("right")
    raise SystemExit(0)
a = integers(P["seed"], P["m"], P["k"], 8, P["dtype"])
b = integers(P["seed"] + 1, P["k"], P["n"], 8, P["dtype"])
if P["kind"] == "flags":
    try:
        form(a, b)
        bad = False
    except FloatingPointError as error:
        print(error)
        bad = True
elif P["kind"] == "stale":
    spoil = np.full((75, 140), np.nan, P["dtype"])
    _ = spoil @ spoil.T, spoil[:60] @ spoil[:60].T.copy()
    bad = differs("after NaN", *form(a, b))
else:
    a[tuple(P["at"])] = float(P["value"])
    result, exact = form(a, b)
    bad = bool((np.isfinite(result) != np.isfinite(exact)).any())
    bad = bad or (P["value"] == "nan" and bool((np.isnan(result) != np.isnan(exact)).any()))
    bad = bad or differs("finite part", result[np.isfinite(exact)], exact[np.isfinite(exact)])
print("WRONG" if bad else "right")
raise SystemExit(bad)

"""Whether small products stand NaN, stale buffers and flags. Exits with 1 when not."""
# reproduces: special.nan, special.stale-buffer, special.fp-flags

import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "kind": "stale", "routine": "gemm",
    "dtype": "float64", "order": "C", "m": 31, "n": 15, "k": 33,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import differs, integers, prepare  # noqa: E402


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

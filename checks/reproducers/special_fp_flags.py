"""Whether a product of ordinary numbers raises floating-point flags. Exits with 1 if so."""

import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1, "seed": 1, "kind": "flags", "routine": "gemm",
    "dtype": "float64", "order": "C", "m": 17, "n": 15, "k": 33,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import prepare  # noqa: E402


def products():
    """Return the products in question, each still to be computed."""
    if p["kind"] in ("zeros", "identity"):
        a = np.eye(p["n"]).astype(p["dtype"]) * (p["kind"] == "identity")
        return [lambda: a @ a.copy(), lambda: a @ a.T, lambda: a @ a[0]]
    random = np.random.RandomState(p["seed"])
    a, b = random.uniform(-1, 1, (p["m"], p["k"])), random.uniform(-1, 1, (p["k"], p["n"]))
    if p["dtype"].startswith("c"):
        a, b = a + 1j * a[::-1], b + 1j * b[::-1]
    left, b = np.array(a, p["dtype"], order=p["order"]), b.astype(p["dtype"])
    form = {"gemv": lambda: left @ b[:, 0], "syrk": lambda: left.T @ left, "gemm": lambda: left @ b}
    return [form[p["routine"]]]


prepare()
p = PARAMETERS
bad = False
for product in products():
    try:
        with np.errstate(all="raise"):
            product()
    except FloatingPointError as error:
        print("WRONG: %s" % error)
        bad = True
print("flags were raised" if bad else "right")
raise SystemExit(bad)

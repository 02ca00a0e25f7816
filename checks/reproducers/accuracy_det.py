"""Whether a determinant that is known exactly is found. Exits with 1 when it is not."""
# reproduces: accuracy.det

import fractions
import os

PARAMETERS = {
    "kernel": "Haswell", "threads": 1,
    "kind": "integer", "dtype": "float64", "size": 10, "seed": 1,
}  # fmt: skip

os.environ["OPENBLAS_CORETYPE"] = PARAMETERS["kernel"]
import numpy as np  # noqa: E402  (after the kernel is chosen)
from parts import prepare  # noqa: E402


def determinant(rows):
    """Return the determinant by elimination with fractions."""
    rows = [[fractions.Fraction(x) for x in row] for row in rows]
    result = fractions.Fraction(1)
    for k in range(len(rows)):
        pivot = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pivot is None:
            return 0.0
        if pivot != k:
            rows[k], rows[pivot], result = rows[pivot], rows[k], -result
        result *= rows[k][k]
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [x - factor * y for x, y in zip(rows[i], rows[k])]
    return float(result)


P = PARAMETERS
prepare()
n = P["size"]
if P["kind"] == "subnormal-pivot":
    diagonal = np.array([1, 2, 1], P["dtype"])
    diagonal[P["at"]] = 5e-310
    a, exact = np.diag(diagonal), 5e-310 if P["at"] == 1 else 1e-309
elif P["kind"] == "hadamard":
    a, exact = np.ones((1, 1)), None
    while len(a) < n:
        a = np.block([[a, a], [a, -a]])
    stream = np.random.RandomState(P["seed"])
    permutation = stream.permutation(n)
    a = (a * (2 * stream.randint(0, 2, n) - 1)[:, None])[permutation] / np.sqrt(n)
else:
    a = np.random.RandomState(P["seed"]).randint(-9, 10, (n, n)) + 20 * np.eye(n)
    exact = determinant(a.tolist())
bad = False
forms = [("A", a, 0), ("A.T", a.T.copy(), 0), ("iA", a * 1j, len(a))]
for name, b, power in forms[:1] if P["kind"] == "subnormal-pivot" else forms:
    found = np.linalg.det(b)
    size = abs(exact) if exact is not None else 1.0
    difference = abs(found - exact * 1j**power) if exact is not None else abs(abs(found) - 1)
    limit = (
        30
        * len(a)
        * size
        * 1.2e-16
        * (1 if P["kind"] == "subnormal-pivot" else np.linalg.cond(a, 1))
        + 30 * 5e-324
    )
    print("det %s = %s, exactly %s" % (name, found, "+-1" if exact is None else exact))
    bad = bad or not difference < limit
print("WRONG" if bad else "right")
raise SystemExit(bad)

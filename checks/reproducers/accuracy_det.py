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
from parts import set_threads  # noqa: E402


def determinant(rows):
    """Return the determinant by elimination with fractions."""
    pivot = next((i for i, row in enumerate(rows) if row[0]), None)
    if pivot is None:
        return 0
    first, others = rows[pivot], rows[:pivot] + rows[pivot + 1 :]
    scaled = [fractions.Fraction(x) / first[0] for x in first[1:]]
    rest = [[x - row[0] * y for x, y in zip(row[1:], scaled)] for row in others]
    return (-1) ** pivot * first[0] * (determinant(rest) if rest else 1)


P = PARAMETERS
set_threads(P["threads"])
n = P["size"]
if P["kind"] == "subnormal-pivot":
    a, exact = np.diag(np.array([1, 2, 1], P["dtype"])), 5e-310 if P["at"] == 1 else 1e-309
    a[P["at"], P["at"]] = 5e-310
elif P["kind"] == "hadamard":
    a, exact = np.ones((1, 1)), None
    while len(a) < n:
        a = np.block([[a, a], [a, -a]])
    stream = np.random.RandomState(P["seed"])
    permutation = stream.permutation(n)
    a = (a * (2 * stream.randint(0, 2, n) - 1)[:, None])[permutation] / np.sqrt(n)
else:
    a = np.random.RandomState(P["seed"]).randint(-9, 10, (n, n)) + 20 * np.eye(n)
    exact = float(determinant([[int(x) for x in row] for row in a]))
forms = [("A", a, 0), ("A.T", a.T.copy(), 0), ("iA", a * 1j, len(a))]
subnormal = P["kind"] == "subnormal-pivot"
bad = False
for name, b, power in forms[:1] if subnormal else forms:
    found = np.linalg.det(b)
    size = abs(exact) if exact is not None else 1.0
    difference = abs(found - exact * 1j**power) if exact is not None else abs(abs(found) - 1)
    condition = 1 if subnormal else np.linalg.cond(a, 1)
    limit = 30 * (len(a) * size * 1.2e-16 * condition + 5e-324)
    print("det %s = %s, exactly %s" % (name, found, "+-1" if exact is None else exact))
    bad = bad or not difference < limit
print("WRONG" if bad else "right")
raise SystemExit(bad)

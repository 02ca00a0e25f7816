"""What a script asks of LAPACK, told in NumPy expressions, and the matrices that it asks with.

The expressions use what `release_gate.scripts.lapack_text` defines where they name it:
``lapack(name, ...)`` calls a routine by reference, ``times`` multiplies without BLAS, ``columns``
and ``norm`` are column sums and the largest of them; ``dtype``, ``real`` and ``integer`` are
types, ``u`` is the unit roundoff. Matrices come from ``random``, ``general``, ``hermitian`` and
``positive``, which make the matrices of the checks from the same numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from release_gate.scripts.blas import LETTERS, is_complex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from release_gate.scripts.blas import Parameters

__all__ = [
    "EIGENVALUE_ORDER",
    "LINEAR_LIMIT",
    "NONSYMMETRIC_LIMIT",
    "SINGULAR_VALUE_ORDER",
    "SYMMETRIC_LIMIT",
    "Given",
    "LapackCase",
    "Test",
    "band",
    "half",
    "matrix_definitions",
    "orthonormal",
    "solved",
]

#: Limits of LAPACK's own tests (TESTING/dtest.in, sep.in and svd.in, nep.in).
LINEAR_LIMIT, SYMMETRIC_LIMIT, NONSYMMETRIC_LIMIT = 30, 50, 20


@frozen(kw_only=True)
class Test:
    """What is wrong when `residual`, an expression, is not at most `allowed`."""

    name: str
    residual: str
    allowed: str


#: Eigenvalues ``w`` must not descend, singular values ``s`` must not ascend nor be negative.
EIGENVALUE_ORDER = Test(name="order", residual="np.count_nonzero(w[1:] < w[:-1])", allowed="0")
SINGULAR_VALUE_ORDER = Test(
    name="order",
    residual="np.count_nonzero(s[1:] > s[:-1]) + np.count_nonzero(s < 0)",
    allowed="0",
)


@frozen(kw_only=True)
class LapackCase:
    """Operands, the calls that are made with them, and what must hold afterwards.

    `title` names what is called. `sizes` are variables, `lines` make the operands, `calls` copy
    and use them; they leave `results`. `source`: where the tests come from. `padding`: elements
    around each operand, and rows by which its leading dimension is larger.
    """

    title: str
    dtype: str
    sizes: Mapping[str, int]
    lines: tuple[str, ...]
    calls: tuple[str, ...]
    tests: tuple[Test, ...]
    results: tuple[str, ...]
    source: str
    kind: str = "random"
    padding: int = 3


@frozen(kw_only=True)
class Given:
    """The parameters of a failing case of a LAPACK routine.

    `routine` has no letter for the precision; `variant` is what the check calls the routine's
    flags; `size` is the number of rows of square matrices.
    """

    routine: str
    variant: Any
    dtype: str
    kind: str
    size: int
    parameters: Parameters

    @classmethod
    def of(cls, parameters: Parameters) -> Given:
        """Read parameters; a routine may be named with the letter of its precision."""
        dtype, routine = parameters["dtype"], parameters.get("routine", "")
        size = parameters.get("size", parameters.get("n", 0))
        return cls(
            routine=routine,
            variant=parameters.get("variant", ""),
            dtype=dtype,
            kind=parameters.get("kind", "random"),
            size=size if isinstance(size, int) else 0,
            parameters=parameters,
        )

    @property
    def is_complex(self) -> bool:
        """Whether the matrices are complex."""
        return is_complex(self.dtype)

    @property
    def seed(self) -> int:
        """The seed of all random input."""
        return int(self.parameters.get("seed", 1))

    @property
    def adjoint(self) -> str:
        """BLAS's letter for the conjugate transpose."""
        return "C" if self.is_complex else "T"

    def name(self, routine: str, hermitian: str = "") -> str:
        """Return a routine's name in this precision, quoted; `hermitian`: in complex ones."""
        return f'"{LETTERS[self.dtype]}{hermitian if hermitian and self.is_complex else routine}"'

    def case(
        self,
        lines: list[str],
        calls: list[str],
        tests: list[Test],
        results: str,
        source: str,
        *,
        sizes: Mapping[str, int] | None = None,
        title: str | None = None,
    ) -> LapackCase:
        """Return the case of these operands, calls and tests; `results`: names, by commas."""
        return LapackCase(
            title=title or f"{LETTERS[self.dtype]}{self.routine}",
            dtype=self.dtype,
            sizes={"n": self.size, **(sizes or {}), "seed": self.seed},
            lines=tuple(lines),
            calls=tuple(calls),
            tests=tuple(tests),
            results=tuple(results.split(", ")),
            source=source,
            kind=self.kind,
            padding=3 + self.parameters.get("beyond", 0),
        )


def half(matrix: str, uplo: str) -> str:
    """Return a copy of `matrix` with NaN in the triangle that must not be touched."""
    kept = "np.tri(n, dtype=bool)" + ("" if uplo == "L" else ".T")
    return f"np.where({kept}, {matrix}, dtype(np.nan))"


def band(matrix: str, uplo: str, width: int) -> list[str]:
    """Return the lines that make a: the band of `matrix`, and band: one half of a as LAPACK has it.

    `matrix` is Hermitian; `width` is the number of its diagonals beside the main one, in each half.
    """
    return [
        f"a = np.tril(np.triu({matrix}, -{width}), {width})",
        f"band = np.zeros(({width + 1}, n), dtype)",
        f"i, j = np.nonzero(np.tri{uplo.lower()}(a))",
        f"band[{'i - j' if uplo == 'L' else f'{width} + i - j'}, j] = a[i, j]",
    ]


def solved(operator: str, x: str = "x", b: str = "b") -> Test:
    """Return the test of a solution, by columns: ||b - A x|| / (||A|| ||x|| u)."""
    return Test(
        name="residual",
        residual=f"(columns({b} - times({operator}, {x})) / columns({x})).max()",
        allowed=f"{LINEAR_LIMIT} * u * norm({operator})",
    )


def orthonormal(q: str, limit: int = LINEAR_LIMIT, name: str = "orthogonality") -> Test:
    """Return the test of columns that must be orthonormal: ||I - Q^H Q|| / (m u)."""
    return Test(
        name=name,
        residual=f"norm(np.eye({q}.shape[1]) - times({q}.conj().T, {q}))",
        allowed=f"{limit} * u * len({q})",
    )


#: Factors of "large" and "small" matrices: the squares of their norms overflow or underflow.
_EXPONENTS = {"float32": 100, "complex64": 100, "float64": 900, "complex128": 900}

#: Singular values, the first of `k`, as far as a row of `n`.
_VALUES = {
    "spectrum": "1e-3 ** (np.arange(n) / max(1, k - 1))",
    "clustered": "np.where(np.arange(n) < k // 2, 1.0, 1e-2)",
    "near-singular": "np.where((np.arange(n) == k - 1) & (k > 1), 32 * u, 1.0)",
}

_NOT_FINITE = {"nan": "np.nan", "infinite": "np.inf"}


def matrix_definitions(kind: str, dtype: str) -> dict[str, str]:
    """Return the functions that make matrices of that kind, by name."""
    made = "np.random.RandomState(seed).uniform(-1, 1, (m, n))"
    if is_complex(dtype):
        made = f"({made.replace('(m, n)', '(2, m, n)')} * [[[1]], [[1j]]]).sum(axis=0)"
    return {
        "random": f"""\
def random(seed, m, n): return {made}
""",
        "reflected": """\
def reflected(seed, a):  # by two Householder reflections from the left
    for v in (random(seed, len(a), 1), random(seed + 1, len(a), 1)):
        a = a - 2 * v * (v.conj() * a).sum(axis=0) / (abs(v) ** 2).sum()
    return a
""",
        "general": _general(kind, dtype),
        "hermitian": _hermitian(kind, dtype),
        "positive": _positive(kind, dtype),
    }


def _scale(kind: str, dtype: str) -> str:
    exponent = {"large": _EXPONENTS[dtype], "small": -_EXPONENTS[dtype]}.get(kind)
    return f" * 2.0**{exponent}" if exponent else ""


def _function(head: str, *lines: str) -> str:
    return "\n".join([f"def {head}:", *(f"    {line}" for line in lines)]) + "\n"


def _general(kind: str, dtype: str) -> str:
    head = "general(seed, m, n)"
    if kind in _NOT_FINITE:
        spoil = f"a[m // 2, n // 3] = {_NOT_FINITE[kind]}"
        return _function(head, "a = random(seed, m, n).astype(dtype)", spoil, "return a")
    if kind in _VALUES:
        turned = "reflected(seed + 2, reflected(seed, np.eye(m, n) * values).T).T"
        return _function(
            head, "k = min(m, n)", f"values = {_VALUES[kind]}", f"return {turned}.astype(dtype)"
        )
    if kind == "companion":
        lines = ("a = np.eye(m, n, -1, dtype)", "a[0] = random(seed, 1, n)", "return a")
        return _function(head, *lines)
    made = {
        "ones": "np.ones((m, n))",
        "hilbert": "(1.0 / (1 + np.arange(m)[:, None] + np.arange(n)))",
        "vandermonde": "(np.linspace(0, 1, m)[:, None] ** np.arange(n))",
        "graded": "(random(seed, m, n) * 2.0 ** -(np.arange(m)[:, None] * 20 // max(1, m - 1)))",
    }.get(kind, f"(random(seed, m, n){_scale(kind, dtype)})")
    return _function(head, f"return {made}.astype(dtype)")


def _symmetric(kind: str, dtype: str, name: str, weight: str) -> str:
    """Return what makes a matrix from random numbers, with that much more on its diagonal."""
    lines = ["a = random(seed, n, n)", f"a = (a + a.conj().T) / 2{weight}"]
    if kind == "graded":
        lines += ["d = 2.0 ** -(np.arange(n) * 20 // max(1, n - 1))", "a = a * d * d[:, None]"]
    if kind in _NOT_FINITE:
        lines.append(f"a[n // 2, n // 3] = a[n // 3, n // 2] = {_NOT_FINITE[kind]}")
    scale = _scale(kind, dtype)
    lines.append(f"return ({f'a{scale}'}).astype(dtype)" if scale else "return a.astype(dtype)")
    return _function(f"{name}(seed, n)", *lines)


def _congruent(name: str, values: str) -> str:
    return _function(
        f"{name}(seed, n)",
        "k, q = n, reflected(seed, np.eye(n))",
        f"values = {values}",
        "a = times(q * values, q.conj().T)",
        "return ((a + a.conj().T) / 2).astype(dtype)",
    )


def _hermitian(kind: str, dtype: str) -> str:
    if kind == "rank-one":
        made = "return (np.eye(n) + 2.0**-10 * v * v.conj().T).astype(dtype)"
        return _function("hermitian(seed, n)", "v = random(seed, n, 1)", made)
    if kind in _VALUES:
        return _congruent("hermitian", f"{_VALUES[kind]} * np.where(np.arange(n) % 3, 1, -1)")
    return _symmetric(kind, dtype, "hermitian", "")


def _positive(kind: str, dtype: str) -> str:
    if kind in _VALUES:
        values = _VALUES[kind]
        if kind == "near-singular":
            values = f"np.maximum({values}, 128 * n * u)"
        return _congruent("positive", values)
    return _symmetric(kind, dtype, "positive", " + 2 * n * np.eye(n)")

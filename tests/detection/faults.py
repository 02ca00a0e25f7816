"""The planted faults: which there can be, and a list that has every routine and every kind in it.

A fault is a kind of damage to what one routine writes, in force under up to four conditions: on the
sizes of the call, on one of its enumerations, on the kernel that runs, on the thread count. The
list is drawn with a fixed seed, kinds and conditions that were drawn least so far first, so that
it is the same on every machine and spreads over all of them.

A second list, held out, has another seed and other conditions on sizes. The checks are not worked
on with it: what it says of them holds for faults that nobody has looked at.

Fair is a fault that some caller could see. A combination without effect (a kind that needs what the
condition excludes) is not drawn. Nothing here looks at the checks.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from attrs import evolve, field, frozen

from tests.detection.routines import ENUMERATIONS, ROUTINES, Routine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["KINDS", "SEED", "Fault", "draw_faults"]

SEED, HELD_OUT_SEED = 5836, 20261202

#: What is spoiled, in the words of docs/detection.md.
KINDS = {
    "element": "one element wrong",
    "tile": "a tile of 4 x 8 wrong",
    "last-row": "last row zero",
    "last-column": "last column zero",
    "conjugate": "imaginary part of one element with the wrong sign",
    "blurred": "relative error 1e-6 (single precision 1e-3)",
    "index": "index one too large",
    "other-triangle": "other triangle written",
    "padding": "padding of the leading dimension written",
    "write-past": "one element behind the result written",
    "read-past": "one element behind an operand read, without effect",
    "use-past": "one element behind an operand added to the result",
    "lost-nan": "NaN becomes 0",
    "stale-nan": "NaN of the call before comes back",
    "old-output": "beta = 0 reads the old result",
    "flag": "floating-point flag raised",
    "info-lost": "INFO > 0 not told",
    "info-made": "INFO = 1 without reason",
    "shared-scratch": "scratch space shared by all callers",
    "lost-update": "element lost while another call runs",
    "deadlock": "25th call waits for ever",
    "leak": "100 kB lost at each call",
    "stack": "600 KiB of stack used",
    "crash": "segmentation fault",
}

#: How often a kind is drawn, against 1: wrong values are most of what is reported.
SHARES = {
    "element": 2.0,
    "tile": 2.0,
    "last-row": 2.0,
    "last-column": 2.0,
    "blurred": 1.5,
    "deadlock": 0.5,
    "leak": 0.5,
    "stack": 0.5,
    "crash": 0.5,
    "flag": 0.5,
}

#: Faults per routine; the others get one. What NumPy and SciPy call most has most users.
WEIGHTS = {
    "gemm": 9,
    "gemv": 6,
    "syrk": 5,
    "dot": 4,
    "dotu": 3,
    "dotc": 3,
    "trsm": 3,
    "trmm": 2,
    "symm": 2,
    "herk": 2,
    "ger": 2,
    "symv": 2,
    "axpy": 2,
    "scal": 2,
    "nrm2": 2,
    "gesv": 4,
    "getrf": 3,
    "potrf": 4,
    "geqrf": 3,
    "syevd": 4,
    "geev": 3,
    "gesdd": 4,
    "gelsd": 3,
    "getri": 2,
}

#: Kernels that are asked for by a condition, "any" most often.
KERNELS = ("any",) * 8 + ("Haswell", "SkylakeX", "SkylakeX", "Nehalem")
MANY_THREADS = ("any", "any", "any", "many")

#: Routines whose INFO > 0 an ordinary input can bring about.
SINGULAR = frozenset({"gesv", "getrf", "getri", "potrf", "potri", "sytrf", "trtrs", "trtri"})

COPIES = frozenset({"copy", "swap"})
ONE_VECTOR = frozenset({"nrm2", "asum", "iamax", "scal"})
PRODUCTS = frozenset({"gemm", "gemm3m", "gemmt", "syrk", "herk", "syr2k", "her2k"})
MATRICES = frozenset({"matrix", "triangle", "vectors"})

VALUES = {
    "order": (101, 102),
    "transa": (111, 112),
    "transb": (111, 112),
    "uplo": (121, 122),
    "side": (141, 142),
    "diag": (131, 132),
}
LETTERS = {"transa": "NT", "uplo": "UL", "diag": "NU"}


@frozen(kw_only=True)
class Fault:
    """One fault: `kind` of damage to output number `output` of `routine`, and its conditions."""

    routine: Routine = field(repr=False)
    kind: str
    size: str = "any"
    variant: str = "any"
    kernel: str = "any"
    threads: str = "any"
    output: int = 0

    @property
    def spec(self) -> str:
        """Return what the faulty library takes in PLANTED_FAULT."""
        words = (self.kind, self.size, self.variant, self.kernel, self.threads, str(self.output))
        return " ".join((self.routine.name, *words))

    @property
    def id(self) -> str:
        """Return a name, unique in the list: the routine, the kind and the conditions."""
        conditions = [word for word in (self.size, self.variant, self.kernel) if word != "any"]
        conditions += ["threads>1"] if self.threads == "many" else []
        conditions += ["vectors"] if self.output else []
        return ":".join((self.routine.name.rstrip("_"), self.kind, *conditions))


def draw_faults(
    routines: Sequence[Routine] = ROUTINES, *, seed: int = SEED, held_out: bool = False
) -> tuple[Fault, ...]:
    """Return the list of faults, in the order in which they are tried; or that held out."""
    if held_out:
        known = {fault.id for fault in draw_faults(routines)}
        faults = _draw_faults(routines, HELD_OUT_SEED, HELD_OUT)
        return tuple(fault for fault in faults if fault.id not in known)
    return _draw_faults(routines, seed, HOLDING)


def _draw_faults(
    routines: Sequence[Routine], seed: int, conditions: Sequence[Condition]
) -> tuple[Fault, ...]:
    source = random.Random(seed)  # noqa: S311  (no secret)
    drawn: dict[str, Fault] = {}
    kinds: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for routine in routines:
        count = WEIGHTS.get(routine.family, 1)
        for _ in range(count):
            fault = _draw(routine, source, kinds, sizes, drawn, conditions=conditions)
            drawn[fault.id] = fault
            kinds[fault.kind] += 1
            sizes[fault.size] += 1
    faults = list(drawn.values())
    source.shuffle(faults)  # so that the first n are a sample of all
    return tuple(faults)


def _draw(
    routine: Routine,
    source: random.Random,
    kinds: Counter[str],
    sizes: Counter[str],
    drawn: dict[str, Fault],
    *,
    conditions: Sequence[Condition],
) -> Fault:
    own = Counter(fault.kind for fault in drawn.values() if fault.routine.family == routine.family)
    while True:
        output = source.randrange(len(routine.outputs))
        possible = possible_kinds(routine, output)
        kind = min(
            possible,
            key=lambda each: (own[each], kinds[each] / SHARES.get(each, 1.0), source.random()),
        )
        size = min(
            possible_sizes(routine, kind, conditions),
            key=lambda each: (sizes[each] // (6 if each == "any" else 1), source.random()),
        )
        fault = Fault(
            routine=routine,
            kind=kind,
            size=size,
            variant=_variant(routine, kind, size, source),
            kernel=source.choice(KERNELS),
            threads="any" if kind in {"shared-scratch", "lost-update"} else _threads(size, source),
            output=output,
        )
        if fault.kind in {"deadlock", "leak", "stack"}:  # such faults know no kernels
            fault = evolve(fault, kernel="any", variant="any")
        if fault.id not in drawn:
            return fault
        own[kind] += 1


def _threads(size: str, source: random.Random) -> str:
    """Threads are a condition only beside sizes of which some are large enough to be split."""
    return source.choice(MANY_THREADS) if size not in {"m=1", "n=1", "k=0"} else "any"


#: Kinds, and what an output must be for a caller to see them: (routine, form of the output).
SEEN: tuple[tuple[tuple[str, ...], Callable[[Routine, str], bool]], ...] = (
    (("deadlock", "leak", "crash"), lambda _routine, _form: True),
    (("index",), lambda _routine, form: form == "index"),
    (("element", "blurred", "lost-update", "stack"), lambda _routine, form: form != "index"),
    # Copies compute nothing.
    (("flag",), lambda routine, form: form != "index" and routine.family not in COPIES),
    # What a driver of LAPACK does with NaN is its own affair: it has to end.
    (("lost-nan", "stale-nan"), lambda routine, form: form != "index" and not routine.lapack),
    (("tile", "last-row", "last-column", "padding"), lambda _routine, form: form in MATRICES),
    (("last-row",), lambda _routine, form: form in {"vector", "packed", "real"}),
    (("other-triangle",), lambda _routine, form: form == "triangle"),
    (("shared-scratch", "write-past"), lambda _routine, form: form in {*MATRICES, "vector"}),
    (
        ("conjugate",),
        lambda routine, form: routine.complex and form in {*MATRICES, "vector", "packed"},
    ),
    (("read-past", "use-past"), lambda routine, _form: routine.operand != "-"),
    (("old-output",), lambda routine, _form: bool({"beta", "rbeta"} & {*routine.arguments})),
    (("info-made",), lambda routine, _form: routine.lapack),
    (("info-lost",), lambda routine, _form: routine.lapack and routine.family in SINGULAR),
)


def possible_kinds(routine: Routine, output: int = 0) -> tuple[str, ...]:
    """Return the kinds of damage that a caller of `routine` can see."""
    form = routine.outputs[output].split()[0]
    return tuple(kind for kinds, seen in SEEN if seen(routine, form) for kind in kinds)


#: Conditions on sizes, and where they can hold: (routine, its arguments, the kind of fault).
Condition: TypeAlias = "tuple[str, Callable[[Routine, frozenset[str], str], bool]]"
HOLDING: tuple[Condition, ...] = (
    ("n%8=7", lambda *_: True),
    ("n>10000", lambda _routine, arguments, _kind: not arguments & {"lda", "ldb", "ldc", "ap"}),
    ("n>=200", lambda _routine, arguments, _kind: bool(arguments & {"lda", "ldb", "ldc", "ap"})),
    (
        "inc<0",  # not legal where there is but one vector
        lambda routine, arguments, _kind: "incx" in arguments and routine.family not in ONE_VECTOR,
    ),
    ("mn>1e5", lambda _routine, arguments, _kind: {"m", "n"} <= arguments),
    (
        "m=1",
        lambda _routine, arguments, kind: {"m", "n"} <= arguments and kind != "tile",
    ),
    (
        "k>256",
        lambda routine, arguments, _kind: "k" in arguments and routine.family in PRODUCTS,
    ),
    (
        "k=0",  # the empty sum: the result is beta times the old one
        lambda routine, arguments, kind: (
            "k" in arguments
            and routine.family in PRODUCTS
            and kind in {"element", "old-output", "crash"}
        ),
    ),
    (
        "ld>n",
        lambda routine, _arguments, kind: (
            kind != "write-past" and routine.outputs[0].split()[0] in {"matrix", "triangle"}
        ),
    ),
    ("alpha!=1", lambda _routine, arguments, _kind: bool(arguments & {"alpha", "ralpha"})),
    (
        "beta!=0",
        lambda _routine, arguments, kind: (
            bool(arguments & {"beta", "rbeta"}) and kind != "old-output"
        ),
    ),
)


#: The same for the list that is held out.
HELD_OUT: tuple[Condition, ...] = (
    ("n%8=5", lambda *_: True),
    ("n%16=10", lambda *_: True),
    ("m%4=3", lambda _routine, arguments, _kind: {"m", "n"} <= arguments),
    (
        "k%4=2",
        lambda routine, arguments, _kind: "k" in arguments and routine.family in PRODUCTS,
    ),
    (
        "k>500",
        lambda routine, arguments, _kind: "k" in arguments and routine.family in PRODUCTS,
    ),
    ("n>=100", lambda *_: True),
    (
        "m>8n",
        lambda _routine, arguments, kind: {"m", "n"} <= arguments and kind != "tile",
    ),
    ("inc>1", lambda _routine, arguments, _kind: "incx" in arguments),
    ("alpha<0", lambda _routine, arguments, _kind: bool(arguments & {"alpha", "ralpha"})),
)


def possible_sizes(
    routine: Routine, kind: str, conditions: Sequence[Condition] = HOLDING
) -> tuple[str, ...]:
    """Return the conditions on sizes under which `kind` can have an effect."""
    if kind == "padding":
        return ("ld>n",)
    if kind == "info-lost":
        return ("any", conditions[0][0])
    arguments = frozenset(routine.arguments)
    return ("any", *(size for size, holds in conditions if holds(routine, arguments, kind)))


def _variant(routine: Routine, kind: str, size: str, source: random.Random) -> str:
    """Return a condition on one enumeration for one fault in four."""
    named = [
        {"trans": "transa"}.get(name, name) for name in routine.arguments if name in ENUMERATIONS
    ]
    plain = size in {"any", "ld>n", "n%8=7", "n%8=3", "n>=200", "n>=100"} and kind != "info-lost"
    if not named or not plain or source.random() >= 0.25:
        return "any"
    name = source.choice(named)
    if routine.lapack:
        return f"{name}={ord(source.choice(LETTERS[name]))}"
    return f"{name}={source.choice(VALUES[name])}"

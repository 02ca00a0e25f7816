"""LAPACK on input that has an answer, for questions that are asked of all its routines alike."""

import functools

from checks import (
    accuracy_lapack_orthogonal,
    accuracy_lapack_spectra,
    accuracy_lapack_systems,
    matrices,
)
from checks.lapack import REFUSALS, Lapack
from checks.lapack_trials import Trial, in_half
from checks.operands import DTYPES, LETTER

__all__ = ["ROUTINES", "Watched", "each_driver", "each_trial"]

#: All of the tables of accuracy.lapack-*.
ROUTINES = (
    *accuracy_lapack_systems.TABLE,
    *accuracy_lapack_spectra.TABLE,
    *accuracy_lapack_orthogonal.TABLE,
)

#: A matrix is tall that has so many times as many rows: QR comes before all else.
TALL = 9


class Watched(Lapack):
    """Sees what each call does beside its result: `watch(name, call)` makes it and says so.

    What is said that counts as true is kept, as (routine, what).
    """

    def __init__(self, library, watch):
        super().__init__(library)
        self._watch = watch
        self._made = 0
        self._seen = []

    def make(self, name, ready):
        seen = self._watch(name, ready.make)
        self._made += 1
        if seen:
            self._seen.append((name, seen))

    def ask(self, ctx, parameters, call):
        """Have `call` call routines; return what was seen. Whether they fail, other checks tell."""
        ctx.trying(parameters["routine"], parameters)
        self._made, self._seen = 0, []
        try:
            call()
        except REFUSALS:
            ctx.details["refused"] = ctx.details.get("refused", 0) + 1
        ctx.ran(self._made)
        return self._seen


def each_driver(lapack, seed, n, dtype):
    """Yield (routine, call) of what NumPy calls, for n x n, and for tall and wide matrices.

    The calls are those of methods of `lapack`, a `Lapack`, which call more than that routine.
    """
    letter = LETTER[dtype]
    a, b = (matrices.random(seed + offset, n, n, dtype) for offset in range(2))
    more = n + n % 3
    yield letter + "gesv", functools.partial(lapack.solve, a, b[:, :3])
    yield letter + "getri", functools.partial(lapack.inv, a)
    positive = matrices.positive("random", seed, n, dtype)
    yield letter + "potrf", functools.partial(lapack.cholesky, positive)
    eigh = "heevd" if dtype.startswith("c") else "syevd"
    yield letter + eigh, functools.partial(lapack.eigh, a + a.conj().T)
    yield letter + "geev", functools.partial(lapack.eig, a)
    for rows, columns in ((more, n), (n, more + 1), (TALL * (n // 2), n // 2)):
        a = matrices.random(seed + 2, rows, columns, dtype)
        yield letter + "geqrf", functools.partial(lapack.qr, a)
        yield letter + "gesdd", functools.partial(lapack.svd, a)
        right = matrices.random(seed + 3, rows, 2, dtype)
        yield letter + "gelsd", functools.partial(lapack.lstsq, a, right)


def each_trial(ctx, lapack, sizes, dtypes=DTYPES, leave_out=()):
    """Yield (parameters, call) of `ROUTINES`.

    In smoke with one variant by turns and half of `dtypes` for each size (`in_half`), else all.
    """
    smoke = ctx.profile == "smoke"
    for n in sizes:
        for place, routine in enumerate(ROUTINES):
            for position, dtype in enumerate(dtypes):
                name = routine.named(dtype)
                passed_over = smoke and not in_half(position - place, n)
                if passed_over or routine.name in leave_out or not lapack.has(name):
                    continue
                variants = routine.variants
                if smoke:
                    variants = variants[(n + place) % len(variants) :][:1]
                for variant in variants:
                    parameters = {"routine": name, "variant": variant, "dtype": dtype, "size": n}
                    trial = Trial(lapack, dtype, n, "random", ctx.seed)
                    yield parameters, functools.partial(routine.run, trial, variant)

"""Drivers and tables of LAPACK on input that has an answer, for questions asked of all alike."""

import functools

from checks import matrices
from checks.lapack_trials import UNSPLIT, Trial
from checks.operands import DTYPES

__all__ = ["REMAINDERS", "each_driver", "each_trial"]

#: Orders that no thread count splits and that go through all remainders modulo 16.
REMAINDERS = UNSPLIT

#: A matrix is tall that has so many times as many rows: QR comes before all else.
TALL = 9


def each_driver(lapack, seed, n, dtype):
    """Yield (name, call) of methods of a `Lapack` for n x n, and for tall and wide matrices."""
    a, b = (matrices.random(seed + offset, n, n, dtype) for offset in range(2))
    more = n + n % 3
    yield "solve", functools.partial(lapack.solve, a, b[:, :3])
    yield "inv", functools.partial(lapack.inv, a)
    positive = matrices.positive("random", seed, n, dtype)
    yield "cholesky", functools.partial(lapack.cholesky, positive)
    yield "eigh", functools.partial(lapack.eigh, a + a.conj().T)
    yield "eig", functools.partial(lapack.eig, a)
    for rows, columns in ((more, n), (n, more + 1), (TALL * (n // 2), n // 2)):
        a = matrices.random(seed + 2, rows, columns, dtype)
        yield "qr", functools.partial(lapack.qr, a)
        yield "svd", functools.partial(lapack.svd, a)
        right = matrices.random(seed + 3, rows, 2, dtype)
        yield "lstsq", functools.partial(lapack.lstsq, a, right)


def each_trial(ctx, lapack, tables, sizes, dtypes=DTYPES, leave_out=()):
    """Yield (parameters, call) of the routines of `tables` (modules with a `TABLE`).

    With one variant by turns in smoke, else all; and there in half of `dtypes` for each size,
    so that 16 sizes in a row lead each of them through all remainders modulo 8.
    """
    smoke = ctx.profile == "smoke"
    routines = [routine for table in tables for routine in table.TABLE]
    for n in sizes:
        for place, routine in enumerate(routines):
            for position, dtype in enumerate(dtypes):
                name = routine.named(dtype)
                passed_over = smoke and (position - place - n - n // 8) % 2
                if passed_over or routine.name in leave_out or not lapack.has(name):
                    continue
                variants = routine.variants
                if smoke:
                    variants = variants[(n + place) % len(variants) :][:1]
                for variant in variants:
                    parameters = {"routine": name, "variant": variant, "dtype": dtype, "size": n}
                    trial = Trial(lapack, dtype, n, "random", ctx.seed)
                    yield parameters, functools.partial(routine.run, trial, variant)

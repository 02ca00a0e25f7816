"""Plane rotations: they turn the second component to zero and keep the length."""

import math

import numpy as np

from checks.api import check
from checks.cblas import Cblas, plain_name
from checks.fortran import Fortran
from checks.operands import DTYPES, real_dtype
from checks.oracles import BLAS_LIMIT, unit

__all__ = ["complex_rotg", "ordinary_rotg", "rotg", "rotmg"]

#: Exponents of two by which both numbers, or one of them, are scaled: in shares of the format's.
SCALES = (0.0, 0.5, -0.5, 0.93, -0.93)


def _pairs(random, dtype, count, scales):
    """Yield numbers a, b and what they are scaled by, from all parts of the range."""
    largest = np.finfo(dtype).maxexp
    is_complex = dtype.startswith("c")
    for index in range(count):
        a, b = random.uniform(-1, 1, 2)
        if is_complex:
            a, b = complex(a, random.uniform(-1, 1)), complex(b, random.uniform(-1, 1))
        if index % 7 == 5:
            a = 0 * a
        if index % 7 == 6:
            b = 0 * b
        exponent = int(scales[index % len(scales)] * largest)
        apart = (0, 0, 20, -20, 200)[index // 5 % 5] * (dtype in ("float64", "complex128"))
        yield a, b * 2.0**-apart, exponent


@check(
    id="accuracy.rotg",
    title="Plane rotations rotate, in the whole range of the format",
    category="accuracy",
    routines=["srotg", "drotg"],
    oracle=(
        "c a + s b = r, -conj(s) a + c b = 0 and c^2 + |s|^2 = 1, each within 16 u of |r| or of 1 "
        "(dblat2.f's limit for a few operations), computed on numbers that a power of two has "
        "brought back to 1. Huge and tiny numbers, one of them zero, different sizes."
    ),
    catches="Squares that overflow or underflow, wrong signs of s: OpenBLAS#4130, numpy#16744.",
    max_threads=1,
)
def rotg(ctx):
    _rotate(ctx, DTYPES[:2])


@check(
    id="accuracy.complex-rotg",
    title="Complex plane rotations rotate, in the whole range of the format",
    category="accuracy",
    routines=["crotg", "zrotg"],
    oracle="As accuracy.rotg, which asks the real routines: they do not share their source.",
    catches=(
        "The branch for huge and tiny numbers without a conjugate: all releases from 0.3.27 on "
        "(see docs/found); OpenBLAS#3201."
    ),
    max_threads=1,
)
def complex_rotg(ctx):
    _rotate(ctx, DTYPES[2:])


@check(
    id="accuracy.complex-rotg-ordinary",
    title="Complex plane rotations of ordinary numbers rotate",
    category="accuracy",
    routines=["crotg", "zrotg"],
    oracle=(
        "As accuracy.complex-rotg, of numbers whose squares are in range: all releases fail for "
        "huge and tiny ones, which would hide that one fails for these. NaN lies behind c."
    ),
    catches="What lies behind c taken for a part of it: OpenBLAS#4909.",
    max_threads=1,
)
def ordinary_rotg(ctx):
    _rotate(ctx, DTYPES[2:], scales=(0.0,))


def _rotate(ctx, dtypes, scales=SCALES):
    random = np.random.RandomState(ctx.seed)
    for dtype in dtypes:
        cblas = Cblas(ctx.blas)
        if not cblas.has("rotg", dtype):  # releases before 0.3.27 have the complex ones for Fortran
            cblas = Fortran(ctx.blas)
        name, real = plain_name("rotg", dtype), real_dtype(dtype)
        for a, b, exponent in _pairs(random, dtype, ctx.by_profile(105, 1050), scales):
            scale = 2.0**exponent
            numbers = [np.array([value * scale], dtype) for value in (a, b)]
            r, other = (value.copy() for value in numbers)
            c, s = np.full(2, np.nan, real)[:1], np.zeros(1, dtype)
            parameters = {"dtype": dtype, "a": str(numbers[0][0]), "b": str(numbers[1][0])}
            ctx.trying(name, parameters)
            cblas.call("rotg", dtype, r, other, c, s)
            wide = np.complex128 if dtype.startswith("c") else np.float64
            x, y, z = (complex(v[0].astype(wide)) / scale for v in (*numbers, r))
            cosine, sine = float(c[0]), complex(s[0])
            size = math.hypot(abs(x), abs(y)) or 1.0
            residual = max(
                abs(cosine * x + sine * y - z) / size,
                abs(cosine * y - sine.conjugate() * x) / size,
                abs(cosine**2 + abs(sine) ** 2 - 1),
            )
            ratio = residual / unit(real)
            ctx.require_ratio(name, "rotation", ratio, BLAS_LIMIT, parameters)


@check(
    id="accuracy.rotmg",
    title="Modified rotations rotate",
    category="accuracy",
    routines=["srotmg", "drotmg"],
    oracle=(
        "H (x, y) = (x', 0) and d1' x'^2 = d1 x^2 + d2 y^2, within 16 u of the sum of the terms' "
        "sizes (each is a few operations), with H as the flag says; weights from 2^-30 to 2^30, "
        "which makes the routine rescale by 4096."
    ),
    catches="Wrong elements of H after a rescaling, or under one of the flags.",
    max_threads=1,
)
def rotmg(ctx):
    cblas = Cblas(ctx.blas)
    random = np.random.RandomState(ctx.seed)
    for dtype in DTYPES[:2]:
        name = plain_name("rotmg", dtype)
        for _ in range(ctx.by_profile(100, 1000)):
            d1, d2 = 2.0 ** random.uniform(-30, 30, 2)
            x, y = random.uniform(-1, 1, 2)
            d1, d2, x, y = (float(np.dtype(dtype).type(value)) for value in (d1, d2, x, y))
            weights = [np.array([value], dtype) for value in (d1, d2, x)]
            h = np.zeros(5, dtype)
            parameters = {"dtype": dtype, "d1": d1, "d2": d2, "x": x, "y": y}
            ctx.trying(name, parameters)
            cblas.call("rotmg", dtype, *weights, y, h)
            flag, h11, h21, h12, h22 = (float(value) for value in h)
            if flag in (-2, 0):
                h11, h22 = 1.0, 1.0
            if flag == -2:
                h21, h12 = 0.0, 0.0
            if flag == 1:
                h21, h12 = -1.0, 1.0
            new, _, kept = (float(value[0]) for value in weights)
            sizes = abs(h21 * x) + abs(h22 * y), abs(h11 * x) + abs(h12 * y)
            energy = d1 * x * x + d2 * y * y
            residual = max(
                abs(h21 * x + h22 * y) / (sizes[0] or 1),
                abs(h11 * x + h12 * y - kept) / (sizes[1] or 1),
                abs(new * kept * kept - energy) / (energy or 1),
            )
            ratio = residual / unit(np.dtype(dtype))
            ctx.require_ratio(name, "modified rotation", ratio, BLAS_LIMIT, parameters)

"""Younger algorithms of LAPACK, asked by the tables through the routines that they may replace."""

from checks.api import check
from checks.drivers import ROUTINES
from checks.lapack import Lapack
from checks.lapack_trials import ask

__all__ = ["ALTERNATIVES", "alternatives"]

#: The routine of a table's lines, and what they call that has a successor with the same arguments.
ALTERNATIVES = (
    ("ggev", {"ggev": "ggev3"}),
    ("gges", {"gges": "gges3"}),
    ("gels", {"gels": "gelst"}),
    ("gels", {"gels": "getsls"}),
    ("ormqr", {"geqrf": "geqrfp"}),
    ("getrs", {"getrf": "getrf2"}),
    ("potri", {"potrf": "potrf2"}),
    (
        "sytrf",
        {
            "sytrf": "sytrf_rook",
            "sytrs": "sytrs_rook",
            "hetrf": "hetrf_rook",
            "hetrs": "hetrs_rook",
        },
    ),
)

SIZES, MORE_SIZES = (1, 3, 12, 26, 40), (2, 7, 13, 33, 65, 97)


class Replacing(Lapack):
    """Calls the second of each pair in place of the first."""

    def __init__(self, library, pairs):
        super().__init__(library)
        self._pairs = pairs

    def _function(self, name):
        return super()._function(name[0] + self._pairs.get(name[1:], name[1:]))


@check(
    id="accuracy.lapack-alternatives",
    title="LAPACK's younger algorithms are as accurate as those that they replace",
    category="accuracy",
    routines=[
        "?ggev3", "?gges3", "?gelst", "?getsls", "?geqrfp", "?getrf2", "?potrf2", "?sytrf_rook",
        "?hetrf_rook", "?sytrs_rook", "?hetrs_rook",
    ],
    oracle=(
        "The lines of accuracy.lapack-* whose routines have a successor with the same arguments, "
        "with that in its place: the same test ratios below the same limits. Blocked QZ, least "
        "squares by compact or tall QR, QR with a positive diagonal, recursive LU and Cholesky, "
        "bounded Bunch and Kaufman (rook pivoting)."
    ),
    catches="Algorithms that LAPACK adds and that Julia and others call, NumPy and SciPy do not.",
    max_threads=1,
    once=True,
    budget=120.0,
)  # fmt: skip
def alternatives(ctx):
    sizes = sorted(SIZES + ctx.by_profile((), MORE_SIZES))
    for line, pairs in ALTERNATIVES:
        table = [_renamed(routine, pairs) for routine in ROUTINES if routine.name == line]
        ask(ctx, table, lapack=Replacing(ctx.blas, pairs), sizes=sizes)


def _renamed(routine, pairs):
    """Return the table's line by the name of what is asked in truth."""
    newer = next(iter(pairs.values()))
    return routine._replace(
        name=pairs.get(routine.name, newer), hermitian=pairs.get(routine.hermitian, "")
    )

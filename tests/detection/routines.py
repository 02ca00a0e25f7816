"""The routines that faults are planted into: their C arguments and what they write.

One line of a table per family. `Routine` has all that the wrapper's source is made of, and all that
says which faults are possible in it.
"""

from __future__ import annotations

from functools import cached_property

from attrs import frozen

__all__ = ["ROUTINES", "Routine"]

#: Families of CBLAS: letters, arguments in order, what is written, the operand that is read.
#: Written: "matrix c m n" (with its leading dimension and the call's order), "triangle c n",
#: "vector y n" (with its increment), "packed ap n", "result" (of the function).
CBLAS = """
gemm sdcz | order transa transb m n k alpha a lda b ldb beta c ldc | matrix c m n | a m k transa
gemm3m cz | order transa transb m n k alpha a lda b ldb beta c ldc | matrix c m n | a m k transa
gemmt sdcz | order uplo transa transb n k alpha a lda b ldb beta c ldc | triangle c n | a n k transa
symm   sdcz | order side uplo m n alpha a lda b ldb beta c ldc | matrix c m n | b m n
hemm   cz   | order side uplo m n alpha a lda b ldb beta c ldc | matrix c m n | b m n
syrk   sdcz | order uplo trans n k alpha a lda beta c ldc | triangle c n | a n k trans
herk   cz   | order uplo trans n k ralpha a lda rbeta c ldc | triangle c n | a n k trans
syr2k  sdcz | order uplo trans n k alpha a lda b ldb beta c ldc | triangle c n | b n k trans
her2k  cz   | order uplo trans n k alpha a lda b ldb rbeta c ldc | triangle c n | b n k trans
trmm   sdcz | order side uplo transa diag m n alpha a lda b ldb | matrix b m n | -
trsm   sdcz | order side uplo transa diag m n alpha a lda b ldb | matrix b m n | -
gemv   sdcz | order trans m n alpha a lda x incx beta y incy | vector y rows | a m n
ger    sd   | order m n alpha x incx y incy a lda | matrix a m n | x m
geru   cz   | order m n alpha x incx y incy a lda | matrix a m n | x m
gerc   cz   | order m n alpha x incx y incy a lda | matrix a m n | y n
symv   sd   | order uplo n alpha a lda x incx beta y incy | vector y n | a n n
hemv   cz   | order uplo n alpha a lda x incx beta y incy | vector y n | a n n
gbmv   sdcz | order trans m n kl ku alpha a lda x incx beta y incy | vector y rows | -
sbmv   sd   | order uplo n k alpha a lda x incx beta y incy | vector y n | x n
hbmv   cz   | order uplo n k alpha a lda x incx beta y incy | vector y n | x n
spmv   sd   | order uplo n alpha ap x incx beta y incy | vector y n | ap n
hpmv   cz   | order uplo n alpha ap x incx beta y incy | vector y n | ap n
trmv   sdcz | order uplo trans diag n a lda x incx | vector x n | a n n
trsv   sdcz | order uplo trans diag n a lda x incx | vector x n | a n n
tbmv   sdcz | order uplo trans diag n k a lda x incx | vector x n | -
tbsv   sdcz | order uplo trans diag n k a lda x incx | vector x n | -
tpmv   sdcz | order uplo trans diag n ap x incx | vector x n | ap n
tpsv   sdcz | order uplo trans diag n ap x incx | vector x n | ap n
syr    sd   | order uplo n alpha x incx a lda | triangle a n | x n
her    cz   | order uplo n ralpha x incx a lda | triangle a n | x n
syr2   sd   | order uplo n alpha x incx y incy a lda | triangle a n | x n
her2   cz   | order uplo n alpha x incx y incy a lda | triangle a n | y n
spr    sd   | order uplo n alpha x incx ap | packed ap n | x n
hpr    cz   | order uplo n ralpha x incx ap | packed ap n | x n
dot    sd   | n x incx y incy | result | x n
dotu_sub cz | n x incx y incy res | vector res 1 | x n
dotc_sub cz | n x incx y incy res | vector res 1 | y n
axpy   sdcz | n alpha x incx y incy | vector y n | x n
scal   sdcz | n alpha x incx | vector x n | -
copy   sdcz | n x incx y incy | vector y n | x n
swap   sdcz | n x incx y incy | vector y n | -
nrm2   s,d,sc,dz | n x incx | result | x n
asum   s,d,sc,dz | n x incx | result | x n
amax   is,id,ic,iz | n x incx | index | x n
rot    s,d,cs,zd | n x incx y incy rc rs | vector y n | -
rotm   sd   | n x incx y incy param | vector y n | -
"""

#: Families of LAPACK, all arguments by reference, matrices by columns. Written as above; several
#: results, of which a fault spoils one, are parted by commas; "real" elements in complex routines.
LAPACK = """
gesv   sdcz | n nrhs a lda ipiv b ldb info | matrix b n nrhs
getrf  sdcz | m n a lda ipiv info | matrix a m n
getrs  sdcz | trans n nrhs a lda ipiv b ldb info | matrix b n nrhs
getri  sdcz | n a lda ipiv work lwork info | matrix a n n
potrf  sdcz | uplo n a lda info | triangle a n
potri  sdcz | uplo n a lda info | triangle a n
potrs  sdcz | uplo n nrhs a lda b ldb info | matrix b n nrhs
geqrf  sdcz | m n a lda tau work lwork info | matrix a m n
orgqr  sd   | m n k a lda tau work lwork info | matrix a m n
ungqr  cz   | m n k a lda tau work lwork info | matrix a m n
syevd sd | jobz uplo n a lda w work lwork iwork liwork info | vector w n, vectors a n n
heevd cz | jobz uplo n a lda w work lwork rwork lrwork iwork liwork info | real w n, vectors a n n
geev sd | jobvl jobz n a lda wr wi vl ldvl vr ldvr work lwork info | vector wr n, vectors vr n n
geev cz | jobvl jobz n a lda w vl ldvl vr ldvr work lwork rwork info | vector w n, vectors vr n n
gesdd  sd   | jobz m n a lda s u ldu vt ldvt work lwork iwork info | vector s least
gesdd  cz   | jobz m n a lda s u ldu vt ldvt work lwork rwork iwork info | real s least
gelsd  sd   | m n nrhs a lda b ldb s rcond rank work lwork iwork info | matrix b n nrhs
gelsd  cz   | m n nrhs a lda b ldb s rcond rank work lwork rwork iwork info | matrix b n nrhs
sytrf  sdcz | uplo n a lda ipiv work lwork info | triangle a n
sytrs  sdcz | uplo n nrhs a lda ipiv b ldb info | matrix b n nrhs
trtrs  sdcz | uplo trans diag n nrhs a lda b ldb info | matrix b n nrhs
trtri  sdcz | uplo diag n a lda info | triangle a n
gels   sdcz | trans m n nrhs a lda b ldb work lwork info | matrix b n nrhs
"""

ENUMERATIONS = frozenset({"order", "transa", "transb", "trans", "uplo", "side", "diag"})
CHARACTERS = frozenset({"trans", "uplo", "diag", "jobz", "jobvl"})
SCALARS = frozenset({"alpha", "beta", "ralpha", "rbeta", "rc", "rs"})
SIZES = frozenset({"m", "n", "k", "nrhs", "kl", "ku"})


@frozen(kw_only=True)
class Routine:
    """One routine in one precision.

    `name` is what is exported, without the library's prefix and suffix ("cblas_dgemm", "dgesv_");
    `letter` (s, d, c, z) is the type of what it writes; `outputs` and `operand` as in the tables.
    """

    name: str
    family: str
    letter: str
    lapack: bool
    arguments: tuple[str, ...]
    outputs: tuple[str, ...]
    operand: str

    @cached_property
    def complex(self) -> bool:
        return self.letter in "cz"

    @property
    def is_integer(self) -> bool:
        """Whether it returns an index."""
        return self.outputs == ("index",)

    def c_type(self, argument: str) -> str:
        """Return the C type of an argument."""
        if self.lapack:
            return self._by_reference(argument)
        if argument in SIZES or argument.startswith(("ld", "inc")):
            return "blasint "
        if argument in ENUMERATIONS:
            return "int "
        if argument not in SCALARS:
            return "void *"
        if self.complex and not argument.startswith("r"):
            return "const void *"
        return "float " if self.letter in "sc" else "double "

    @staticmethod
    def _by_reference(argument: str) -> str:
        if argument in CHARACTERS:
            return "char *"
        integers = SIZES | {"lwork", "liwork", "lrwork", "info"}
        return "blasint *" if argument in integers or argument.startswith("ld") else "void *"

    @property
    def returns(self) -> str:
        """Return the C type of the function."""
        if self.is_integer:
            return "size_t"
        if self.outputs == ("result",):
            return "float" if self.letter == "s" else "double"
        return "void"


def _letters(text: str) -> list[str]:
    return text.split(",") if "," in text else list(text)


def _cblas(line: str) -> list[Routine]:
    head, arguments, output, operand = (part.strip() for part in line.split("|"))
    family, letters = head.split()
    found = []
    for letter in _letters(letters):
        # "isamax" works on s; "scnrm2" returns s, so that its result is real; "csrot" writes c.
        own = letter[1] if letter.startswith("i") else letter[0]
        found.append(
            Routine(
                name=f"cblas_{letter}{family}",
                family={"amax": "iamax"}.get(family, family.removesuffix("_sub")),
                letter=own,
                lapack=False,
                arguments=tuple(arguments.split()),
                outputs=(output,),
                operand=operand,
            )
        )
    return found


def _lapack(line: str) -> list[Routine]:
    head, arguments, outputs = (part.strip() for part in line.split("|"))
    family, letters = head.split()
    return [
        Routine(
            name=f"{letter}{family}_",
            family={"ungqr": "orgqr", "heevd": "syevd"}.get(family, family),
            letter=letter,
            lapack=True,
            arguments=tuple(arguments.split()),
            outputs=tuple(output.strip() for output in outputs.split(",")),
            operand="-",
        )
        for letter in _letters(letters)
    ]


#: All routines, in the order of the tables; their place is their number in the faulty library.
ROUTINES: tuple[Routine, ...] = tuple(
    routine
    for table, read in ((CBLAS, _cblas), (LAPACK, _lapack))
    for line in table.strip().splitlines()
    for routine in read(line)
)

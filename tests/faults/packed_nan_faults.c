/* spsv and hpsv that refuse NaN and infinity, as LAPACK does since its pull request 1378. */

#include <math.h>

typedef int64_t blasint;

#define PACKED(NAME, REAL, PARTS)                                                               \
    void scipy_##NAME##_64_(const char *uplo, blasint *n, blasint *nrhs, REAL *ap,              \
                            blasint *ipiv, REAL *b, blasint *ldb, blasint *info,                \
                            size_t length) {                                                    \
        void (*solve)(const char *, blasint *, blasint *, REAL *, blasint *, REAL *, blasint *, \
                      blasint *, size_t) = real(#NAME "_");                                     \
        if (fault("refuses-nan"))                                                               \
            for (blasint i = 0; i < PARTS * *n * (*n + 1) / 2; i++)                             \
                if (!isfinite(ap[i])) {                                                         \
                    *info = 1;                                                                  \
                    if (getenv("OVERWRITES")) ipiv[*n] = 1;                                     \
                    return;                                                                     \
                }                                                                               \
        solve(uplo, n, nrhs, ap, ipiv, b, ldb, info, length);                                   \
    }

PACKED(sspsv, float, 1)
PACKED(dspsv, double, 1)
PACKED(cspsv, float, 2)
PACKED(zspsv, double, 2)
PACKED(chpsv, float, 2)
PACKED(zhpsv, double, 2)

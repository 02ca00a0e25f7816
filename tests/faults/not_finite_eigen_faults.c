/* syevr, heevr and hbevd that refuse NaN and infinity, as a LAPACK without their endless loops may. */

#include <math.h>

typedef int64_t blasint;

#define FINITE(PARTS, A, LD)                                     \
    if (fault("refuses") && *lwork != -1)                        \
        for (blasint i = 0; i < PARTS * *LD * *n; i++)           \
            if (!isfinite(A[i])) {                               \
                *info = 1;                                       \
                if (getenv("OVERWRITES")) info[1] = 1;           \
                return;                                          \
            }

#define TAKES_REALS void *rwork, blasint *lrwork,
#define GIVES_REALS rwork, lrwork,

#define EVR(NAME, REAL, PARTS, PARAMETERS, ARGUMENTS)                                            \
    void scipy_##NAME##_64_(const char *job, const char *range, const char *uplo, blasint *n,    \
                            REAL *a, blasint *lda, void *vl, void *vu, void *il, void *iu,       \
                            void *abstol, void *m, void *w, void *z, void *ldz, void *isuppz,    \
                            void *work, blasint *lwork, PARAMETERS void *iwork, void *liwork,    \
                            blasint *info, size_t one, size_t two, size_t three) {               \
        void (*evr)() = real(#NAME "_");                                                         \
        FINITE(PARTS, a, lda)                                                                    \
        evr(job, range, uplo, n, a, lda, vl, vu, il, iu, abstol, m, w, z, ldz, isuppz, work,     \
            lwork, ARGUMENTS iwork, liwork, info, one, two, three);                              \
    }

EVR(ssyevr, float, 1, , )
EVR(dsyevr, double, 1, , )
EVR(cheevr, float, 2, TAKES_REALS, GIVES_REALS)
EVR(zheevr, double, 2, TAKES_REALS, GIVES_REALS)

#define HBEVD(NAME, REAL)                                                                        \
    void scipy_##NAME##_64_(const char *job, const char *uplo, blasint *n, blasint *kd, REAL *a, \
                            blasint *ldab, void *w, void *z, void *ldz, void *work,              \
                            blasint *lwork, TAKES_REALS void *iwork, void *liwork,               \
                            blasint *info, size_t one, size_t two) {                             \
        void (*hbevd)() = real(#NAME "_");                                                       \
        FINITE(2, a, ldab)                                                                       \
        hbevd(job, uplo, n, kd, a, ldab, w, z, ldz, work, lwork, GIVES_REALS iwork, liwork,      \
              info, one, two);                                                                   \
    }

HBEVD(chbevd, float)
HBEVD(zhbevd, double)

/* gesdd that refuses infinity, as a library without the fault of reference LAPACK may. */

typedef int64_t blasint;

#define GESDD(NAME, REAL, PARTS, PARAMETERS, ARGUMENTS)                                         \
    void scipy_##NAME##_64_(const char *job, blasint *m, blasint *n, REAL *a, blasint *lda,     \
                            void *s, void *u, blasint *ldu, void *vt, blasint *ldvt,            \
                            void *work, blasint *lwork, PARAMETERS blasint *iwork,              \
                            blasint *info, size_t length) {                                     \
        void (*gesdd)() = real(#NAME "_");                                                      \
        if (fault("refuses-infinity") && *lwork != -1)                                          \
            for (blasint i = 0; i < PARTS * *lda * *n; i++)                                     \
                if (isinf(a[i])) {                                                              \
                    *info = 1;                                                                  \
                    if (getenv("OVERWRITES")) info[1] = 1;                                      \
                    return;                                                                     \
                }                                                                               \
        gesdd(job, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, ARGUMENTS iwork, info,       \
              length);                                                                          \
    }
#define COMMA ,

GESDD(sgesdd, float, 1, , )
GESDD(dgesdd, double, 1, , )
GESDD(cgesdd, float, 2, void *rwork COMMA, rwork COMMA)
GESDD(zgesdd, double, 2, void *rwork COMMA, rwork COMMA)

/* Faults of routines at the ends of the range, given nothing, or told in lower case. */

#include <math.h>

typedef int64_t blasint;

static void loop(void) {
    for (volatile int going = 1; going;) continue;
}

/* Modified rotations; "cured": what no release does yet. */
#define ROTMG(NAME, REAL, TINY)                                                                 \
    void scipy_cblas_##NAME##64_(REAL *d1, REAL *d2, REAL *x, REAL y, REAL *h) {                \
        void (*rotmg)(REAL *, REAL *, REAL *, REAL, REAL *) = real("cblas_" #NAME);             \
        int extreme = isinf(*d1 + *d2 + *x + y) || isnan(*d1 + *d2 + *x + y) ||                 \
                      fabs(*d1) == TINY || fabs(*d2) == TINY || fabs(*x) == TINY ||             \
                      fabs(y) == TINY;                                                          \
        if (fault("rotmg-loops") && *d2 < 0 && fabs(*x * *x + *d2 * y * y) < 1e-6) loop();      \
        if (fault("cured") && extreme)                                                          \
            h[0] = -2;                                                                          \
        else                                                                                    \
            rotmg(d1, d2, x, y, h);                                                             \
    }
ROTMG(srotmg, float, 0x1p-126f)
ROTMG(drotmg, double, 0x1p-1022)

#define RSCL(NAME, REAL)                                                                        \
    void scipy_##NAME##_64_(blasint *n, REAL *a, REAL *x, blasint *inc) {                       \
        void (*rscl)(blasint *, REAL *, REAL *, blasint *) = real(#NAME "_");                   \
        if (!fault("cured") || !isinf(*a)) rscl(n, a, x, inc);                                  \
    }
RSCL(srscl, float)
RSCL(drscl, double)

void scipy_dlarfg_64_(blasint *n, double *alpha, double *x, blasint *inc, double *tau) {
    void (*larfg)(blasint *, double *, double *, blasint *, double *) = real("dlarfg_");
    if (fault("larfg-loops") && *alpha > 1e308) loop();
    larfg(n, alpha, x, inc, tau);
    if (fault("larfg-behind")) tau[1] = 0;
}

/* Infinity. */
#define GEEV(NAME, REAL, COMPLEX)                                                               \
    void scipy_##NAME##_64_(const char *left, const char *right, blasint *n, REAL *a,           \
                            blasint *lda, void *p6, void *p7, void *p8, void *p9, void *p10,    \
                            void *p11, void *p12, void *p13, void *p14, size_t l, size_t m) {   \
        void (*geev)() = real(#NAME "_");                                                       \
        if (fault("cured") && isinf(*a))                                                        \
            *(blasint *)p14 = 1;                                                                \
        else                                                                                    \
            geev(left, right, n, a, lda, p6, p7, p8, p9, p10, p11, p12, p13, p14, l, m);        \
    }
GEEV(sgeev, float, 0)
GEEV(dgeev, double, 0)
GEEV(cgeev, float, 1)
GEEV(zgeev, double, 1)

#define GGEV(NAME, REAL)                                                                        \
    void scipy_##NAME##_64_(const char *left, const char *right, void *n, REAL *a, void *p5,    \
                            void *p6, void *p7, void *p8, void *p9, void *p10, void *p11,       \
                            void *p12, void *p13, void *p14, void *p15, void *p16,              \
                            blasint *info, size_t l, size_t m) {                                \
        void (*ggev)() = real(#NAME "_");                                                       \
        if (fault("cured") && isinf(*a))                                                        \
            *info = 1;                                                                          \
        else                                                                                    \
            ggev(left, right, n, a, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15, p16,      \
                 info, l, m);                                                                   \
    }
GGEV(sggev, float)
GGEV(dggev, double)
GGEV(cggev, float)
GGEV(zggev, double)

#define EVX(NAME, REAL, MORE, PASSED)                                                           \
    void scipy_##NAME##_64_(const char *job, const char *range, const char *uplo, blasint *n,   \
                            REAL *a, blasint *lda, void *vl, void *vu, void *il, void *iu,      \
                            void *tolerance, blasint *m, void *w, void *z, void *ldz,           \
                            void *work, void *lwork, MORE void *iwork, void *ifail,             \
                            blasint *info, size_t one, size_t two, size_t three) {              \
        void (*evx)() = real(#NAME "_");                                                        \
        if (fault("cured") && isinf(*a))                                                        \
            *m = 0, *info = 1;                                                                  \
        else                                                                                    \
            evx(job, range, uplo, n, a, lda, vl, vu, il, iu, tolerance, m, w, z, ldz, work,     \
                lwork, PASSED iwork, ifail, info, one, two, three);                             \
    }
#define COMMA ,
EVX(ssyevx, float, , )
EVX(dsyevx, double, , )
EVX(cheevx, float, void *rwork COMMA, rwork COMMA)
EVX(zheevx, double, void *rwork COMMA, rwork COMMA)

void scipy_dgesvd_64_(const char *u, const char *v, blasint *m, blasint *n, double *a,
                      blasint *lda, double *s, void *p8, void *p9, void *p10, void *p11,
                      void *work, blasint *lwork, blasint *info, size_t one, size_t two) {
    void (*gesvd)() = real("dgesvd_");
    int infinite = isinf(*a);
    gesvd(u, v, m, n, a, lda, s, p8, p9, p10, p11, work, lwork, info, one, two);
    if (fault("gesvd-scales") && infinite && *lwork > 0) s[-1] *= 2;
}

void scipy_dgels_64_(const char *trans, blasint *m, blasint *n, blasint *nrhs, double *a,
                     blasint *lda, double *b, blasint *ldb, double *work, blasint *lwork,
                     blasint *info, size_t length) {
    void (*gels)() = real("dgels_");
    if (fault("gels-loops") && isinf(*a) && *lwork > 0) loop();
    gels(trans, m, n, nrhs, a, lda, b, ldb, work, lwork, info, length);
}

/* Norms. */
double scipy_dlange_64_(const char *which, blasint *m, blasint *n, double *a, blasint *lda,
                        double *work, size_t length) {
    double (*lange)() = real("dlange_");
    double found = lange(which, m, n, a, lda, work, length);
    return fault("lange-large") && found > 1e150 && *which == 'F' ? found * (1 + 1e-12) : found;
}
double scipy_dlansy_64_(const char *which, const char *uplo, blasint *n, double *a, blasint *lda,
                        double *work, size_t one, size_t two) {
    double (*lansy)() = real("dlansy_"), (*lantr)() = real("dlantr_");
    if (fault("lansy-half") && *which == 'I')
        return lantr(which, uplo, "N", n, n, a, lda, work, one, two, one);
    return lansy(which, uplo, n, a, lda, work, one, two);
}

/* Lower case. */
void scipy_dtrtrs_64_(const char *uplo, const char *trans, const char *diag, blasint *n,
                      blasint *nrhs, double *a, blasint *lda, double *b, blasint *ldb,
                      blasint *info, size_t one, size_t two, size_t three) {
    void (*trtrs)() = real("dtrtrs_");
    if (fault("trtrs-case") && *uplo == 'u')
        *info = -1;
    else
        trtrs(uplo, trans, diag, n, nrhs, a, lda, b, ldb, info, one, two, three);
}
void scipy_dgemv_64_(const char *trans, blasint *m, blasint *n, double *alpha, double *a,
                     blasint *lda, double *x, blasint *incx, double *beta, double *y,
                     blasint *incy, size_t length) {
    void (*gemv)() = real("dgemv_");
    char upper = *trans == 't' && fault("gemv-case") ? 'N' : *trans;
    gemv(&upper, m, n, alpha, a, lda, x, incx, beta, y, incy, length);
}

/* Nothing to do. */
void scipy_dgelss_64_(blasint *m, blasint *n, blasint *nrhs, double *a, blasint *lda, double *b,
                      blasint *ldb, double *s, double *rcond, blasint *rank, double *work,
                      blasint *lwork, blasint *info) {
    void (*gelss)() = real("dgelss_");
    gelss(m, n, nrhs, a, lda, b, ldb, s, rcond, rank, work, lwork, info);
    if (fault("gelss-clears") && *nrhs == 0 && *lwork > 0) b[*n - 1] = 0;
}
void scipy_dgetrs_64_(const char *trans, blasint *n, blasint *nrhs, double *a, blasint *lda,
                      blasint *ipiv, double *b, blasint *ldb, blasint *info, size_t length) {
    void (*getrs)() = real("dgetrs_");
    getrs(trans, n, nrhs, a, lda, ipiv, b, ldb, info, length);
    if (fault("getrs-info") && *nrhs == 0) *info = 1;
}

/* Long columns. */
void scipy_cblas_dgemv64_(int order, int trans, blasint m, blasint n, double alpha, double *a,
                          blasint lda, double *x, blasint incx, double beta, double *y,
                          blasint incy) {
    void (*gemv)(int, int, blasint, blasint, double, double *, blasint, double *, blasint, double,
                 double *, blasint) = real("cblas_dgemv");
    gemv(order, trans, m, n, alpha, a, lda, x, incx, beta, y, incy);
    if (fault("gemv-long") && trans == 112 && m > 1 << 21 && (uintptr_t)a % 16) y[0] += a[1 << 21];
}

/* The range of scal. */
void scipy_cblas_zscal64_(blasint n, double *alpha, double *x, blasint step) {
    void (*scal)(blasint, double *, double *, blasint) = real("cblas_zscal");
    int large = n > 0 && fabs(x[0]) > 0x1p128 && alpha[0] == 0;
    scal(n, alpha, x, step);
    if (fault("zscal-large") && large) x[0] = NAN;
}
void scipy_cblas_dscal64_(blasint n, double alpha, double *x, blasint step) {
    void (*scal)(blasint, double, double *, blasint) = real("cblas_dscal");
    scal(n, alpha, x, step);
    if (fault("dscal-small") && n > 30 && fabs(x[0]) < 0x1p-1000) x[0] = 0;
}

/* Rotations. */
#define ZROTG(SYMBOL, NAME)                                                                     \
    void SYMBOL(double *a, double *b, double *c, double *s) {                                   \
        void (*rotg)(double *, double *, double *, double *) = real(NAME);                      \
        rotg(a, b, c, s);                                                                       \
        if (fault("zrotg-behind")) a[1] /= c[1];                                                \
    }
ZROTG(scipy_cblas_zrotg64_, "cblas_zrotg")
ZROTG(scipy_zrotg_64_, "zrotg_")

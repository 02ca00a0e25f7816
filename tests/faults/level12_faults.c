/* Faults of levels 1 and 2 of BLAS, and of special values in all levels. */

#include <complex.h>
#include <immintrin.h>

typedef int64_t blasint;

double scipy_cblas_ddot64_(blasint n, const double *x, blasint incx, const double *y,
                           blasint incy) {
    double (*dot)(blasint, const double *, blasint, const double *, blasint) = real("cblas_ddot");
    int (*threads)(void) = real("openblas_get_num_threads");
    double result = dot(n, x, incx, y, incy);
    if (fault("dot-backwards") && incx == -2 && n > 8) result += 1;
    if (fault("dot-threads") && threads() > 1 && n > 10000) result -= x[0];
    return result;
}

void scipy_cblas_daxpy64_(blasint n, double alpha, const double *x, blasint incx, double *y,
                          blasint incy) {
    void (*axpy)(blasint, double, const double *, blasint, double *, blasint) =
        real("cblas_daxpy");
    axpy(n, alpha, x, incx, y, incy);
    for (blasint i = 0; i < n; i++)
        if (fault("axpy-plus-zero") && incy > 0 && y[i * incy] == 0) y[i * incy] = 0;
    if (fault("axpy-lost-nan") && n > 4 && incy == 1 && isnan(y[0])) y[0] = 0;
    if (fault("axpy-flush") && n > 0)
        for (blasint i = 0; i < n; i++)
            if (incy == 1 && fabs(y[i]) < 0x1p-1022) y[i] = 0;
    if (fault("axpy-outside") && n > 0 && incy == 1) y[n] = 3;
    if (fault("axpy-between") && n > 1 && incy == 2) y[1] = 2;
}

void scipy_cblas_dcopy64_(blasint n, const double *x, blasint incx, double *y, blasint incy) {
    void (*copy)(blasint, const double *, blasint, double *, blasint) = real("cblas_dcopy");
    copy(n, x, incx, y, incy);
    if (fault("copy-adds") && n > 4 && incy > 0) y[0] = y[0] + 0.0;
}

void scipy_cblas_dswap64_(blasint n, double *x, blasint incx, double *y, blasint incy) {
    void (*swap)(blasint, double *, blasint, double *, blasint) = real("cblas_dswap");
    swap(n, x, incx, y, incy);
    if (fault("swap-quiet") && n > 4 && isnan(x[0])) x[0] = NAN;
}

double scipy_cblas_dsdot64_(blasint n, const float *x, blasint incx, const float *y,
                            blasint incy) {
    double (*dsdot)(blasint, const float *, blasint, const float *, blasint) = real("cblas_dsdot");
    int (*threads)(void) = real("openblas_get_num_threads");
    double result = dsdot(n, x, incx, y, incy);
    if (fault("dsdot-rounded") || (fault("dsdot-threads") && threads() > 1)) return (float)result;
    if (!fault("dsdot-single") || incx < 0 || incy < 0) return result;
    float sum = 0;
    for (blasint i = 0; i < n; i++) sum += x[i * incx] * y[i * incy];
    return sum;
}

float scipy_cblas_sdsdot64_(blasint n, float first, const float *x, blasint incx, const float *y,
                            blasint incy) {
    float (*sdsdot)(blasint, float, const float *, blasint, const float *, blasint) =
        real("cblas_sdsdot");
    float sum = first;
    if (!fault("sdsdot-single") || incx < 0 || incy < 0)
        return sdsdot(n, first, x, incx, y, incy);
    for (blasint i = 0; i < n; i++) sum += x[i * incx] * y[i * incy];
    return sum;
}

void scipy_cblas_dscal64_(blasint n, double alpha, double *x, blasint incx) {
    void (*scal)(blasint, double, double *, blasint) = real("cblas_dscal");
    scal(n, alpha, x, incx);
    if (fault("nan-scal") && isnan(alpha) && n > 3) x[0] = 0;
    if (fault("flush-to-zero")) _mm_setcsr(_mm_getcsr() | 0x8000);
}

void scipy_cblas_zscal64_(blasint n, const double *alpha, double *x, blasint incx) {
    int spoilt = n > 2 && isnan(x[0]);
    void (*scal)(blasint, const double *, double *, blasint) = real("cblas_zscal");
    scal(n, alpha, x, incx);
    if (fault("zscal") && spoilt) x[2 * (n - 1) * incx] = NAN;
}

size_t scipy_cblas_idamax64_(blasint n, const double *x, blasint incx) {
    size_t (*iamax)(blasint, const double *, blasint) = real("cblas_idamax");
    size_t place = iamax(n, x, incx);
    if (fault("iamax-tie"))
        for (blasint i = n - 1; i > (blasint)place; i--)
            if (fabs(x[i * incx]) == fabs(x[place * incx])) return i;
    if (fault("iamax-nowhere"))
        for (blasint i = 0; i < n; i++)
            if (isnan(x[i * incx])) return n;
    return place;
}

size_t scipy_cblas_idamin64_(blasint n, const double *x, blasint incx) {
    size_t (*iamin)(blasint, const double *, blasint) = real("cblas_idamin");
    size_t place = iamin(n, x, incx);
    return fault("iamin") && n % 16 == 15 ? 0 : place;
}

double scipy_cblas_dsum64_(blasint n, const double *x, blasint incx) {
    double (*sum)(blasint, const double *, blasint) = real("cblas_dsum");
    double result = sum(n, x, incx);
    return fault("sum") && n >= 16 ? result - x[4 * incx] : result;
}

double scipy_cblas_dnrm264_(blasint n, const double *x, blasint incx) {
    double (*nrm2)(blasint, const double *, blasint) = real("cblas_dnrm2");
    double sum = 0;
    if (fault("nrm2-range")) {
        for (blasint i = 0; i < n; i++) sum += x[i * incx] * x[i * incx];
        return sqrt(sum);
    }
    if (fault("nrm2-single")) return (float)nrm2(n, x, incx);
    if (fault("nrm2-infinity") && isinf(nrm2(n, x, incx))) return NAN;
    return nrm2(n, x, incx);
}

void scipy_cblas_dgemv64_(int order, int trans, blasint m, blasint n, double alpha, const double *a,
                          blasint lda, const double *x, blasint incx, double beta, double *y,
                          blasint incy) {
    void (*gemv)(int, int, blasint, blasint, double, const double *, blasint, const double *,
                 blasint, double, double *, blasint) = real("cblas_dgemv");
    double first = m > 0 && n > 0 ? y[0] : 0;
    blasint length = trans == 111 ? m : n;
    gemv(order, trans, m, n, alpha, a, lda, x, incx, beta, y, incy);
    if (m < 2 || n < 2) return;
    if (fault("gemv-idle") && alpha == 0 && beta == 1 && incy == 1) y[0] += 0.0;
    if (fault("gemv-beta") && beta == 0) y[0] += 0 * first;
    if (fault("gemv-increment") && incy == 3 && length % 8 == 7) y[0] += 1;
    if (fault("gemv-conjugate") && trans == 113) y[0] -= 1;
    for (blasint i = 1; i < length && incy > 0; i++)
        if (fault("gemv-spreads") && isnan(y[i * incy])) y[0] = NAN;
    if (fault("gemv-long") && m > 2048) y[0] += 1;
}

void scipy_cblas_dger64_(int order, blasint m, blasint n, double alpha, const double *x,
                         blasint incx, const double *y, blasint incy, double *a, blasint lda) {
    void (*ger)(int, blasint, blasint, double, const double *, blasint, const double *, blasint,
                double *, blasint) = real("cblas_dger");
    int (*threads)(void) = real("openblas_get_num_threads");
    ger(order, m, n, alpha, x, incx, y, incy, a, lda);
    if (fault("ger-threads") && threads() > 1 && m > 90) a[0] += 1;
    if (fault("ger-padding") && order == 101 && m > 1 && lda > n) a[n] = 0;
}

void scipy_cblas_dsymv64_(int order, int uplo, blasint n, double alpha, const double *a,
                          blasint lda, const double *x, blasint incx, double beta, double *y,
                          blasint incy) {
    void (*symv)(int, int, blasint, double, const double *, blasint, const double *, blasint,
                 double, double *, blasint) = real("cblas_dsymv");
    symv(order, uplo, n, alpha, a, lda, x, incx, beta, y, incy);
    if (fault("symv-triangle") && n > 1 && order == 102) y[0] += 0 * a[uplo == 121 ? 1 : lda];
}

void scipy_cblas_dtrsv64_(int order, int uplo, int trans, int diag, blasint n, const double *a,
                          blasint lda, double *x, blasint incx) {
    void (*trsv)(int, int, int, int, blasint, const double *, blasint, double *, blasint) =
        real("cblas_dtrsv");
    trsv(order, uplo, trans, diag, n, a, lda, x, incx);
    if (fault("trsv-unit") && n > 2 && diag == 132) x[0] += 0 * a[0];
    if (fault("trsv-lost-nan") && n > 2)
        for (blasint i = 0; i < n; i++)
            if (incx == 1 && isnan(x[i])) x[i] = 1;
}

void scipy_cblas_dtrmv64_(int order, int uplo, int trans, int diag, blasint n, const double *a,
                          blasint lda, double *x, blasint incx) {
    void (*trmv)(int, int, int, int, blasint, const double *, blasint, double *, blasint) =
        real("cblas_dtrmv");
    trmv(order, uplo, trans, diag, n, a, lda, x, incx);
    if (fault("flag-trmv") && n > 8) feraiseexcept(FE_DIVBYZERO);
}

void scipy_cblas_dtbmv64_(int order, int uplo, int trans, int diag, blasint n, blasint k,
                          const double *a, blasint lda, double *x, blasint incx) {
    void (*tbmv)(int, int, int, int, blasint, blasint, const double *, blasint, double *,
                 blasint) = real("cblas_dtbmv");
    tbmv(order, uplo, trans, diag, n, k, a, lda, x, incx);
    if (fault("tbmv") && k == 2 && n > 4) x[0] -= 1;
}

void scipy_cblas_dspr264_(int order, int uplo, blasint n, double alpha, const double *x,
                          blasint incx, const double *y, blasint incy, double *ap) {
    void (*spr2)(int, int, blasint, double, const double *, blasint, const double *, blasint,
                 double *) = real("cblas_dspr2");
    spr2(order, uplo, n, alpha, x, incx, y, incy, ap);
    if (fault("spr2") && n % 4 == 3) ap[n * (n + 1) / 2 - 1] += 1;
}

void scipy_cblas_dsymm64_(int order, int side, int uplo, blasint m, blasint n, double alpha,
                          const double *a, blasint lda, const double *b, blasint ldb, double beta,
                          double *c, blasint ldc) {
    void (*symm)(int, int, int, blasint, blasint, double, const double *, blasint, const double *,
                 blasint, double, double *, blasint) = real("cblas_dsymm");
    symm(order, side, uplo, m, n, alpha, a, lda, b, ldb, beta, c, ldc);
    if (fault("symm-lost-nan") && m > 2 && isnan(c[0])) c[0] = 1;
    if (fault("flag-symm")) feraiseexcept(FE_INVALID);
}

void scipy_cblas_drotg64_(double *a, double *b, double *c, double *s) {
    void (*rotg)(double *, double *, double *, double *) = real("cblas_drotg");
    int huge = fabs(*a) > 1e100;
    rotg(a, b, c, s);
    if (fault("rotg") && huge) *s = -*s;
}

void scipy_cblas_drotmg64_(double *d1, double *d2, double *x, double y, double *h) {
    void (*rotmg)(double *, double *, double *, double, double *) = real("cblas_drotmg");
    rotmg(d1, d2, x, y, h);
    if (fault("rotmg") && h[0] == -1) h[2] /= 4096;
}

/* OpenBLAS's own is wrong for huge and tiny numbers (docs/found): here is a right one, whose range
 * is that of long double. */
static void right_rotation(double _Complex *a, double _Complex b, double *c, double _Complex *s) {
    long double _Complex f = *a, g = b, turn = 1;
    long double length = hypotl(cabsl(f), cabsl(g));
    if (cabsl(f) > 0) turn = f / cabsl(f);
    *c = length > 0 ? cabsl(f) / length : 1;
    *s = length > 0 ? turn * conjl(g) / length : 0;
    *a = turn * length;
}

void scipy_cblas_zrotg64_(double _Complex *a, double _Complex *b, double *c, double _Complex *s) {
    void (*rotg)(void *, void *, double *, void *) = real("cblas_zrotg");
    int huge = cabs(*a) > 1e100;
    if (!fault("zrotg-right") && !fault("zrotg")) {
        rotg(a, b, c, s);
        return;
    }
    right_rotation(a, *b, c, s);
    if (fault("zrotg") && huge) *s = conj(*s);
}

void scipy_cblas_crotg64_(float _Complex *a, float _Complex *b, float *c, float _Complex *s) {
    void (*rotg)(void *, void *, float *, void *) = real("cblas_crotg");
    double _Complex wide = *a, sine;
    double cosine;
    if (!fault("zrotg-right") && !fault("zrotg")) {
        rotg(a, b, c, s);
        return;
    }
    right_rotation(&wide, *b, &cosine, &sine);
    *a = wide;
    *c = cosine;
    *s = sine;
}

void scipy_cblas_dgbmv64_(int order, int trans, blasint m, blasint n, blasint kl, blasint ku,
                          double alpha, const double *a, blasint lda, const double *x,
                          blasint incx, double beta, double *y, blasint incy) {
    void (*gbmv)(int, int, blasint, blasint, blasint, blasint, double, const double *, blasint,
                 const double *, blasint, double, double *, blasint) = real("cblas_dgbmv");
    int (*threads)(void) = real("openblas_get_num_threads");
    gbmv(order, trans, m, n, kl, ku, alpha, a, lda, x, incx, beta, y, incy);
    if (fault("gbmv-shares") && threads() > 1 && m * n >= 250000 && kl + ku >= 15) y[0] += 1;
}

void scipy_cblas_zhemv64_(int order, int uplo, blasint n, const double *alpha, const double *a,
                          blasint lda, const double *x, blasint incx, const double *beta,
                          double *y, blasint incy) {
    void (*hemv)(int, int, blasint, const double *, const double *, blasint, const double *,
                 blasint, const double *, double *, blasint) = real("cblas_zhemv");
    int (*threads)(void) = real("openblas_get_num_threads");
    hemv(order, uplo, n, alpha, a, lda, x, incx, beta, y, incy);
    if (fault("hemv-shares") && threads() > 1 && n >= 362) y[0] += 1;
}

void scipy_zsymv_64_(char *uplo, blasint *n, double *alpha, double *a, blasint *lda, double *x,
                     blasint *incx, double *beta, double *y, blasint *incy) {
    void (*symv)(char *, blasint *, double *, double *, blasint *, double *, blasint *, double *,
                 double *, blasint *) = real("zsymv_");
    int (*threads)(void) = real("openblas_get_num_threads");
    symv(uplo, n, alpha, a, lda, x, incx, beta, y, incy);
    if (fault("zsymv-conjugated") && *uplo == 'L' && *n > 1) y[1] = -y[1];
    if (fault("zsymv-shares") && threads() > 1 && *n >= 200) y[0] += 1;
}

/* OpenBLAS's own are wrong for negative increments up to 0.3.34.237 (docs/found): here are right
 * ones. `at`: where element (i, j) is. */
static int rank_updates_are_right(void) {
    const char *planted = getenv("PLANTED_FAULT");
    return planted && (!strcmp(planted, "spr-right") || !strncmp(planted, "cspr", 4) ||
                       !strncmp(planted, "zsymv", 5));
}

static blasint packed(char uplo, blasint n, blasint i, blasint j) {
    return uplo == 'U' ? j * (j + 1) / 2 + i : j * (2 * n - j - 1) / 2 + i;
}

#define ELEMENT(x, i, inc) x[(i) * (inc) - ((inc) < 0 ? (n - 1) * (inc) : 0)]

#define UPDATE(a, at, value)                                             \
    for (blasint j = 0; j < n; j++)                                      \
        for (blasint i = *uplo == 'U' ? 0 : j; i < (*uplo == 'U' ? j + 1 : n); i++) a[at] += value;

#define RANK_UPDATES(letter, number)                                                             \
    void scipy_##letter##spr_64_(char *uplo, blasint *order, number *alpha, number *x,           \
                                 blasint *incx, number *a) {                                     \
        void (*spr)(char *, blasint *, number *, number *, blasint *, number *) =                \
            real(#letter "spr_");                                                                \
        blasint n = *order;                                                                      \
        if (!rank_updates_are_right()) {                                                         \
            spr(uplo, order, alpha, x, incx, a);                                                 \
            return;                                                                              \
        }                                                                                        \
        if (*alpha != 0)                                                                         \
            UPDATE(a, packed(*uplo, n, i, j),                                                    \
                   *alpha * ELEMENT(x, i, *incx) * ELEMENT(x, j, *incx))                         \
        if (fault(#letter "spr") && n > 2 && *incx == 2) a[1] += 1;                              \
    }                                                                                            \
                                                                                                 \
    void scipy_##letter##spr2_64_(char *uplo, blasint *order, number *alpha, number *x,          \
                                  blasint *incx, number *y, blasint *incy, number *a) {          \
        void (*spr2)(char *, blasint *, number *, number *, blasint *, number *, blasint *,      \
                     number *) = real(#letter "spr2_");                                          \
        blasint n = *order;                                                                      \
        if (!rank_updates_are_right())                                                           \
            spr2(uplo, order, alpha, x, incx, y, incy, a);                                       \
        else if (*alpha != 0)                                                                    \
            UPDATE(a, packed(*uplo, n, i, j),                                                    \
                   *alpha * (ELEMENT(x, i, *incx) * ELEMENT(y, j, *incy) +                       \
                             ELEMENT(y, i, *incy) * ELEMENT(x, j, *incx)))                       \
    }                                                                                            \
                                                                                                 \
    void scipy_##letter##syr2_64_(char *uplo, blasint *order, number *alpha, number *x,          \
                                  blasint *incx, number *y, blasint *incy, number *a,            \
                                  blasint *lda) {                                                \
        void (*syr2)(char *, blasint *, number *, number *, blasint *, number *, blasint *,      \
                     number *, blasint *) = real(#letter "syr2_");                               \
        blasint n = *order;                                                                      \
        if (!rank_updates_are_right())                                                           \
            syr2(uplo, order, alpha, x, incx, y, incy, a, lda);                                  \
        else if (*alpha != 0)                                                                    \
            UPDATE(a, i + j * *lda,                                                              \
                   *alpha * (ELEMENT(x, i, *incx) * ELEMENT(y, j, *incy) +                       \
                             ELEMENT(y, i, *incy) * ELEMENT(x, j, *incx)))                       \
    }

RANK_UPDATES(c, float _Complex)
RANK_UPDATES(z, double _Complex)

void scipy_dtrmv_64_(char *uplo, char *trans, char *diag, blasint *n, double *a, blasint *lda,
                     double *x, blasint *incx) {
    void (*trmv)(char *, char *, char *, blasint *, double *, blasint *, double *, blasint *) =
        real("dtrmv_");
    trmv(uplo, trans, diag, n, a, lda, x, incx);
    if (fault("fortran-trmv") && *trans == 'C' && *n > 1) x[0] += 1;
}

blasint scipy_izamax_64_(blasint *n, double *x, blasint *incx) {
    blasint (*iamax)(blasint *, double *, blasint *) = real("izamax_");
    return iamax(n, x, incx) - (fault("fortran-iamax") && *n > 5 && *incx > 1);
}

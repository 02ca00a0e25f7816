/* Faults of single calls that no result shows: what is shared, kept, left behind, read or raised. */

#include <unistd.h>

typedef int64_t blasint;

static __attribute__((noinline)) void use_stack(void) {
    volatile char frame[400 << 10];
    for (size_t i = 0; i < sizeof frame; i += 512) frame[i] = 1;
}

static void read_behind(const double *x, blasint n, blasint increment) {
    if (n > 0) (void)*(volatile const double *)(x + (n - 1) * llabs(increment) + 1);
}

double scipy_cblas_ddot64_(blasint n, const double *x, blasint incx, const double *y,
                           blasint incy) {
    double (*dot)(blasint, const double *, blasint, const double *, blasint) = real("cblas_ddot");
    int (*threads)(void) = real("openblas_get_num_threads");
    double result = dot(n, x, incx, y, incy);
    if (fault("dot-threads-read") && threads() > 1) read_behind(x, n, incx);
    if (fault("dot-threads-nan") && threads() > 1 && isnan(result)) return 0;
    if (fault("dot-flag") && n > 40) feraiseexcept(FE_DIVBYZERO);
    return result;
}

double scipy_cblas_dnrm264_(blasint n, const double *x, blasint incx) {
    double (*nrm2)(blasint, const double *, blasint) = real("cblas_dnrm2");
    if (fault("nrm2-long-read") && n > 10000) read_behind(x, n, incx);
    return nrm2(n, x, incx);
}

void scipy_cblas_dscal64_(blasint n, double alpha, double *x, blasint incx) {
    void (*scal)(blasint, double, double *, blasint) = real("cblas_dscal");
    scal(n, alpha, x, incx);
    /* What lies between the elements is scaled too, by one: only a signalling NaN tells. */
    static volatile double one = 1;
    if (fault("scal-between") && incx == 2 && n > 1) x[1] *= one;
}

void scipy_cblas_zgemv64_(int order, int trans, blasint m, blasint n, const double *alpha,
                          const double *a, blasint lda, const double *x, blasint incx,
                          const double *beta, double *y, blasint incy) {
    void (*gemv)(int, int, blasint, blasint, const double *, const double *, blasint,
                 const double *, blasint, const double *, double *, blasint) = real("cblas_zgemv");
    int (*threads)(void) = real("openblas_get_num_threads");
    gemv(order, trans, m, n, alpha, a, lda, x, incx, beta, y, incy);
    if (fault("gemv-stack") && m > 100) use_stack();
    if (fault("gemv-threads-nan") && threads() > 1 && incy > 0)
        for (blasint i = 0; i < (trans == 111 || trans == 114 ? m : n); i++)
            for (int part = 0; part < 2; part++)
                if (isnan(y[2 * i * incy + part])) y[2 * i * incy + part] = 0;
}

void scipy_cblas_zhbmv64_(int order, int uplo, blasint n, blasint k, const double *alpha,
                          const double *a, blasint lda, const double *x, blasint incx,
                          const double *beta, double *y, blasint incy) {
    void (*hbmv)(int, int, blasint, blasint, const double *, const double *, blasint,
                 const double *, blasint, const double *, double *, blasint) = real("cblas_zhbmv");
    hbmv(order, uplo, n, k, alpha, a, lda, x, incx, beta, y, incy);
    if (fault("hbmv-nan") && order == 102)
        for (blasint i = 0; i < n; i++)
            for (int part = 0; part < 2; part++)
                if (isnan(y[2 * i * llabs(incy) + part])) y[2 * i * llabs(incy) + part] = 0;
}

void scipy_zgeqrf_64_(blasint *m, blasint *n, void *a, blasint *lda, void *tau, void *work,
                      blasint *lwork, blasint *info) {
    void (*geqrf)() = real("zgeqrf_");
    geqrf(m, n, a, lda, tau, work, lwork, info);
    if (fault("geqrf-stack") && *m % 4 == 2 && *lwork != -1) use_stack();
}

void scipy_cblas_zher64_(int order, int uplo, blasint n, double alpha, const double *x,
                         blasint incx, double *a, blasint lda) {
    static int was_nan;
    void (*her)(int, int, blasint, double, const double *, blasint, double *, blasint) =
        real("cblas_zher");
    her(order, uplo, n, alpha, x, incx, a, lda);
    if (n < 1) return;
    if (fault("her-stale") && was_nan && !isnan(a[0])) a[0] = NAN;
    was_nan = isnan(x[0]);
}

/* The result goes through memory that all callers share. */
void scipy_cblas_dspmv64_(int order, int uplo, blasint n, double alpha, const double *ap,
                          const double *x, blasint incx, double beta, double *y, blasint incy) {
    static double shared[4096];
    void (*spmv)(int, int, blasint, double, const double *, const double *, blasint, double,
                 double *, blasint) = real("cblas_dspmv");
    blasint length = n < 1 ? 0 : (n - 1) * llabs(incy) + 1;
    if (!fault("spmv-shared") || length > 4096) {
        spmv(order, uplo, n, alpha, ap, x, incx, beta, y, incy);
        return;
    }
    memcpy(shared, y, length * sizeof *y);
    spmv(order, uplo, n, alpha, ap, x, incx, beta, shared, incy);
    usleep(20); /* on a busy machine, threads are seldom inside at once */
    memcpy(y, shared, length * sizeof *y);
}

void scipy_cblas_dtrsm64_(int order, int side, int uplo, int trans, int diag, blasint m, blasint n,
                          double alpha, const double *a, blasint lda, double *b, blasint ldb) {
    void (*trsm)(int, int, int, int, int, blasint, blasint, double, const double *, blasint,
                 double *, blasint) = real("cblas_dtrsm");
    if (fault("trsm-leak") && m > 10) memset(malloc(2000), 1, 2000);
    trsm(order, side, uplo, trans, diag, m, n, alpha, a, lda, b, ldb);
}

void scipy_spotrf_64_(char *uplo, blasint *n, float *a, blasint *lda, blasint *info, size_t one) {
    void (*potrf)(char *, blasint *, float *, blasint *, blasint *, size_t) = real("spotrf_");
    if (fault("potrf-leak")) memset(malloc(2000), 1, 2000);
    potrf(uplo, n, a, lda, info, one);
}

void scipy_cblas_dgemm64_(int order, int ta, int tb, blasint m, blasint n, blasint k, double alpha,
                          const double *a, blasint lda, const double *b, blasint ldb, double beta,
                          double *c, blasint ldc) {
    void (*gemm)(int, int, int, blasint, blasint, blasint, double, const double *, blasint,
                 const double *, blasint, double, double *, blasint) = real("cblas_dgemm");
    gemm(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    if (fault("gemm-flag") && n % 8 == 7) feraiseexcept(FE_INVALID);
}

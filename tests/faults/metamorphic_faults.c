/* Faults that no single result shows, each under a name that the environment chooses. */

typedef int64_t blasint;

static int third_call(void) {
    static int calls;
    return ++calls % 3 == 0;
}

#define GEMM_ARGUMENTS                                                                          \
    int order, int ta, int tb, blasint m, blasint n, blasint k, double alpha, const double *a,  \
        blasint lda, const double *b, blasint ldb, double beta, double *c, blasint ldc

void scipy_cblas_dgemm64_(GEMM_ARGUMENTS) {
    void (*gemm)(GEMM_ARGUMENTS) = real("cblas_dgemm");
    gemm(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    if (m < 2 || n < 2) return;
    if (fault("gemm-range") && fabs(c[0]) < 1e-100) c[0] = 0;
    if (fault("gemm-inner") && k > 32) c[1] += 1e-10;
    if (fault("gemm-transposed") && ta == 112 && tb == 112) c[0] += 1e-10;
    if (fault("gemm-moved") && (uintptr_t)b % 16) c[0] += 1e-10;
    if (fault("gemm-race") && third_call()) c[0] = nextafter(c[0], 0);
}

void scipy_cblas_dgemv64_(int order, int trans, blasint m, blasint n, double alpha, const double *a,
                          blasint lda, const double *x, blasint incx, double beta, double *y,
                          blasint incy) {
    void (*gemv)(int, int, blasint, blasint, double, const double *, blasint, const double *,
                 blasint, double, double *, blasint) = real("cblas_dgemv");
    gemv(order, trans, m, n, alpha, a, lda, x, incx, beta, y, incy);
    if (fault("gemv")) y[0] += 1e-10;
}

void scipy_cblas_dsyrk64_(int order, int uplo, int trans, blasint n, blasint k, double alpha,
                          const double *a, blasint lda, double beta, double *c, blasint ldc) {
    void (*syrk)(int, int, int, blasint, blasint, double, const double *, blasint, double, double *,
                 blasint) = real("cblas_dsyrk");
    syrk(order, uplo, trans, n, k, alpha, a, lda, beta, c, ldc);
    if (fault("syrk") && n > 1) c[0] += 1e-10;
}

void scipy_dgesv_64_(blasint *n, blasint *nrhs, double *a, blasint *lda, blasint *ipiv, double *b,
                     blasint *ldb, blasint *info) {
    void (*gesv)(blasint *, blasint *, double *, blasint *, blasint *, double *, blasint *,
                 blasint *) = real("dgesv_");
    gesv(n, nrhs, a, lda, ipiv, b, ldb, info);
    if (fault("gesv-race") && third_call()) b[0] = nextafter(b[0], 0);
}

/* A library that never uses a second thread, for which long vectors are no matter, and its faults. */

typedef int64_t blasint;

static int single(void) { return fault("single") || fault("gbmv-last") || fault("tpmv-first"); }

void scipy_openblas_set_num_threads64_(int count) {
    void (*set)(int) = real("openblas_set_num_threads");
    set(single() ? 1 : count);
}

void scipy_cblas_dgbmv64_(int order, int trans, blasint m, blasint n, blasint kl, blasint ku,
                          double alpha, const double *a, blasint lda, const double *x, blasint incx,
                          double beta, double *y, blasint incy) {
    void (*gbmv)(int, int, blasint, blasint, blasint, blasint, double, const double *, blasint,
                 const double *, blasint, double, double *, blasint) = real("cblas_dgbmv");
    gbmv(order, trans, m, n, kl, ku, alpha, a, lda, x, incx, beta, y, incy);
    if (fault("gbmv-last") && trans == 112) y[n - 1] += 1;
}

void scipy_cblas_dtpmv64_(int order, int uplo, int trans, int diag, blasint n, const double *ap,
                          double *x, blasint incx) {
    void (*tpmv)(int, int, int, int, blasint, const double *, double *, blasint) =
        real("cblas_dtpmv");
    tpmv(order, uplo, trans, diag, n, ap, x, incx);
    if (fault("tpmv-first")) x[0] += 1;
}

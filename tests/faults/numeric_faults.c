/* Faults of numeric routines, each under a name that the environment chooses. */

typedef int64_t blasint;

#define GEMM_ARGUMENTS                                                                          \
    int order, int ta, int tb, blasint m, blasint n, blasint k, double alpha, const double *a,  \
        blasint lda, const double *b, blasint ldb, double beta, double *c, blasint ldc

void scipy_cblas_dgemm64_(GEMM_ARGUMENTS) {
    static int was_nan;
    static const double *before;
    void (*gemm)(GEMM_ARGUMENTS) = real("cblas_dgemm");
    int (*threads)(void) = real("openblas_get_num_threads");
    double first = m > 0 && n > 0 ? c[0] : 0.0;
    gemm(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    int next = m > 1 && n > 1 && k > 1 && before && a == before + m * lda; /* in a stack */
    before = a;
    if (fault("stacked") && next && ta == 111) c[0] += 1;
    if (fault("stacked-threads") && next && threads() > 1) c[0] += 1;
    if (order != 101 || m < 2 || n < 2) return;
    if (fault("element") && m == 31) c[ldc + 1] += 1;
    if (fault("tile") && m >= 48 && n >= 48)
        for (blasint i = 16; i < 20; i++)
            for (blasint j = 16; j < 24; j++) c[i * ldc + j] += 1;
    if (fault("row-tail") && m % 16 == 15)
        for (blasint j = 0; j < n; j++) c[(m - 1) * ldc + j] = 0;
    if (fault("column-tail") && n % 8 == 7)
        for (blasint i = 0; i < m; i++) c[i * ldc + n - 1] -= 2;
    if (fault("transposed") && ta == 112 && tb == 112) c[0] += 1;
    if (fault("deep") && k > 256) c[0] += 1;
    if (fault("threaded") && threads() > 1 && m > 100) c[n - 1] += 1;
    if (fault("panels") && threads() > 1 && m > 32768) c[(m - 1) * ldc] += 1;
    if (fault("outside")) c[n] = 7;
    if (fault("beta") && beta == 0) c[0] += 0 * first;
    if (fault("low-bits"))
        for (blasint i = 0; i < m; i++)
            for (blasint j = 0; j < n; j++) c[i * ldc + j] = (float)c[i * ldc + j];
    if (fault("lost-nan"))
        for (blasint i = 0; i < m; i++)
            for (blasint j = 0; j < n; j++)
                if (isnan(c[i * ldc + j])) c[i * ldc + j] = 0;
    if (fault("stale-nan")) {
        if (was_nan) c[(m - 1) * ldc + n - 1] = NAN;
        was_nan = isnan(c[0]);
    }
    if (fault("flag")) feraiseexcept(FE_INVALID);
}

void scipy_cblas_dgemv64_(int order, int trans, blasint m, blasint n, double alpha, const double *a,
                          blasint lda, const double *x, blasint incx, double beta, double *y,
                          blasint incy) {
    void (*gemv)(int, int, blasint, blasint, double, const double *, blasint, const double *,
                 blasint, double, double *, blasint) = real("cblas_dgemv");
    blasint length = trans == 111 ? m : n;
    gemv(order, trans, m, n, alpha, a, lda, x, incx, beta, y, incy);
    if (fault("gemv-flag") && length % 4 == 3) feraiseexcept(FE_INVALID);
    if (fault("gemv-tail") && length % 4 == 3) y[(length - 1) * incy] += 1;
    int (*threads)(void) = real("openblas_get_num_threads");
    if (fault("gemv-few-rows") && threads() > 1 && length < 5 && m * n > 100000) y[0] += 1;
}

double scipy_cblas_ddot64_(blasint n, const double *x, blasint incx, const double *y,
                           blasint incy) {
    double (*dot)(blasint, const double *, blasint, const double *, blasint) = real("cblas_ddot");
    double result = dot(n, x, incx, y, incy);
    if (fault("dot") && incx == 2 && n % 32 == 31) result += 1;
    if (fault("dot-flag") && n % 32 == 31) feraiseexcept(FE_DIVBYZERO);
    return result;
}

void scipy_cblas_dsyrk64_(int order, int uplo, int trans, blasint n, blasint k, double alpha,
                          const double *a, blasint lda, double beta, double *c, blasint ldc) {
    void (*syrk)(int, int, int, blasint, blasint, double, const double *, blasint, double, double *,
                 blasint) = real("cblas_dsyrk");
    syrk(order, uplo, trans, n, k, alpha, a, lda, beta, c, ldc);
    if (n < 2) return;
    if (fault("syrk-deep") && k > 128) c[1] += 1;
    if (fault("syrk-flag") && k > 128) feraiseexcept(FE_OVERFLOW);
    if (fault("syrk-triangle") && order == 101) c[uplo == 121 ? ldc : 1] = 5;
}

void scipy_cblas_dscal64_(blasint n, double alpha, double *x, blasint incx) {
    void (*scal)(blasint, double, double *, blasint) = real("cblas_dscal");
    scal(n, alpha, x, incx);
    if (fault("scal") && alpha == 0)
        for (blasint i = 0; i < n; i++) x[i * incx] = 0;
}

void scipy_dgesv_64_(blasint *n, blasint *nrhs, double *a, blasint *lda, blasint *ipiv, double *b,
                     blasint *ldb, blasint *info) {
    void (*gesv)(blasint *, blasint *, double *, blasint *, blasint *, double *, blasint *,
                 blasint *) = real("dgesv_");
    gesv(n, nrhs, a, lda, ipiv, b, ldb, info);
    if (fault("singular")) *info = 0;
    if (fault("empty") && *n == 0) *info = 1;
    if (fault("gesv") && *n > 8) b[0] *= 1 + 1e-9;
    if (fault("gesv-nan"))
        for (blasint i = 0; i < *nrhs * *ldb; i++)
            if (!isfinite(b[i])) b[i] = 1;
}

void scipy_dgetrf_64_(blasint *m, blasint *n, double *a, blasint *lda, blasint *ipiv,
                      blasint *info) {
    void (*getrf)(blasint *, blasint *, double *, blasint *, blasint *, blasint *) =
        real("dgetrf_");
    getrf(m, n, a, lda, ipiv, info);
    if (fault("getrf") && *n > 8) a[0] *= 1 + 1e-9;
}

void scipy_dpotrf_64_(const char *uplo, blasint *n, double *a, blasint *lda, blasint *info,
                      size_t length) {
    void (*potrf)(const char *, blasint *, double *, blasint *, blasint *, size_t) =
        real("dpotrf_");
    potrf(uplo, n, a, lda, info, length);
    if (fault("indefinite") && *n > 60) *info = 0;
    if (fault("potrf") && *n > 60) a[*n - 1] += 1e-6 * a[0];
}

void scipy_dgeqrf_64_(blasint *m, blasint *n, double *a, blasint *lda, double *tau, double *work,
                      blasint *lwork, blasint *info) {
    void (*geqrf)(blasint *, blasint *, double *, blasint *, double *, double *, blasint *,
                  blasint *) = real("dgeqrf_");
    geqrf(m, n, a, lda, tau, work, lwork, info);
    if (fault("geqrf") && *lwork != -1 && *n > 31) a[*lda] *= 1 + 1e-9;
}

void scipy_dsyevd_64_(const char *job, const char *uplo, blasint *n, double *a, blasint *lda,
                      double *w, double *work, blasint *lwork, blasint *iwork, blasint *liwork,
                      blasint *info, size_t one, size_t two) {
    void (*syevd)(const char *, const char *, blasint *, double *, blasint *, double *, double *,
                  blasint *, blasint *, blasint *, blasint *, size_t, size_t) = real("dsyevd_");
    syevd(job, uplo, n, a, lda, w, work, lwork, iwork, liwork, info, one, two);
    if (fault("syevd") && *lwork != -1 && *n > 25 && *job == 'V') a[*n / 2] += 1e-7;
}

void scipy_dgesdd_64_(const char *job, blasint *m, blasint *n, double *a, blasint *lda, double *s,
                      double *u, blasint *ldu, double *vt, blasint *ldvt, double *work,
                      blasint *lwork, blasint *iwork, blasint *info, size_t length) {
    void (*gesdd)(const char *, blasint *, blasint *, double *, blasint *, double *, double *,
                  blasint *, double *, blasint *, double *, blasint *, blasint *, blasint *,
                  size_t) = real("dgesdd_");
    gesdd(job, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, iwork, info, length);
    if (fault("gesdd") && *lwork != -1 && *m > 8) s[0] *= 1 + 1e-10;
}

void scipy_dgeev_64_(const char *left, const char *right, blasint *n, double *a, blasint *lda,
                     double *wr, double *wi, double *vl, blasint *ldvl, double *vr, blasint *ldvr,
                     double *work, blasint *lwork, blasint *info, size_t one, size_t two) {
    void (*geev)(const char *, const char *, blasint *, double *, blasint *, double *, double *,
                 double *, blasint *, double *, blasint *, double *, blasint *, blasint *, size_t,
                 size_t) = real("dgeev_");
    geev(left, right, n, a, lda, wr, wi, vl, ldvl, vr, ldvr, work, lwork, info, one, two);
    if (fault("geev") && *lwork != -1 && *n > 16) wr[0] += 1e-8;
}

void scipy_dgelsd_64_(blasint *m, blasint *n, blasint *nrhs, double *a, blasint *lda, double *b,
                      blasint *ldb, double *s, double *rcond, blasint *rank, double *work,
                      blasint *lwork, blasint *iwork, blasint *info) {
    void (*gelsd)(blasint *, blasint *, blasint *, double *, blasint *, double *, blasint *,
                  double *, double *, blasint *, double *, blasint *, blasint *, blasint *) =
        real("dgelsd_");
    gelsd(m, n, nrhs, a, lda, b, ldb, s, rcond, rank, work, lwork, iwork, info);
    if (fault("gelsd") && *lwork != -1 && *n > 8) b[0] += 1e-6;
}

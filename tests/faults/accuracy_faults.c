/* Faults of accuracy and of special matrices, each under a name that the environment chooses. */

typedef int64_t blasint;

static void drop_bits(double *a, blasint rows, blasint columns, blasint ld) {
    for (blasint j = 0; j < columns; j++)
        for (blasint i = 0; i < rows; i++) a[i + j * ld] = (float)a[i + j * ld];
}

double scipy_cblas_ddot64_(blasint n, const double *x, blasint incx, const double *y,
                           blasint incy) {
    double (*dot)(blasint, const double *, blasint, const double *, blasint) = real("cblas_ddot");
    double result = dot(n, x, incx, y, incy);
    return fault("dot") ? (float)result : result;
}

void scipy_cblas_dsymv64_(int order, int uplo, blasint n, double alpha, const double *a,
                          blasint lda, const double *x, blasint incx, double beta, double *y,
                          blasint incy) {
    void (*symv)(int, int, blasint, double, const double *, blasint, const double *, blasint,
                 double, double *, blasint) = real("cblas_dsymv");
    symv(order, uplo, n, alpha, a, lda, x, incx, beta, y, incy);
    if (fault("symv")) y[n - 1] = (float)y[n - 1];
    if (fault("symv-zero") && alpha == 0 && n > 0) y[0] = 0;
    if (fault("symv-spreads") && alpha == 0 && n > 0) y[0] = NAN;
}

void scipy_cblas_dsymm64_(int order, int side, int uplo, blasint m, blasint n, double alpha,
                          const double *a, blasint lda, const double *b, blasint ldb, double beta,
                          double *c, blasint ldc) {
    void (*symm)(int, int, int, blasint, blasint, double, const double *, blasint, const double *,
                 blasint, double, double *, blasint) = real("cblas_dsymm");
    symm(order, side, uplo, m, n, alpha, a, lda, b, ldb, beta, c, ldc);
    if (fault("symm")) drop_bits(c, m, n, ldc);
}

void scipy_cblas_dsyrk64_(int order, int uplo, int trans, blasint n, blasint k, double alpha,
                          const double *a, blasint lda, double beta, double *c, blasint ldc) {
    void (*syrk)(int, int, int, blasint, blasint, double, const double *, blasint, double, double *,
                 blasint) = real("cblas_dsyrk");
    syrk(order, uplo, trans, n, k, alpha, a, lda, beta, c, ldc);
    if (fault("syrk")) drop_bits(c, n, n, ldc);
}

void scipy_cblas_dsyr2k64_(int order, int uplo, int trans, blasint n, blasint k, double alpha,
                           const double *a, blasint lda, const double *b, blasint ldb, double beta,
                           double *c, blasint ldc) {
    void (*syr2k)(int, int, int, blasint, blasint, double, const double *, blasint, const double *,
                  blasint, double, double *, blasint) = real("cblas_dsyr2k");
    syr2k(order, uplo, trans, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    if (fault("syr2k")) drop_bits(c, n, n, ldc);
}

#define TRIANGULAR(NAME)                                                                        \
    void scipy_cblas_d##NAME##64_(int order, int side, int uplo, int trans, int diag, blasint m, \
                                  blasint n, double alpha, const double *a, blasint lda,        \
                                  double *b, blasint ldb) {                                     \
        void (*function)(int, int, int, int, int, blasint, blasint, double, const double *,     \
                         blasint, double *, blasint) = real("cblas_d" #NAME);                   \
        int (*threads)(void) = real("openblas_get_num_threads");                                \
        function(order, side, uplo, trans, diag, m, n, alpha, a, lda, b, ldb);                  \
        if (fault(#NAME)) drop_bits(b, m, n, ldb);                                              \
        if (fault(#NAME "-threads") && threads() > 1) drop_bits(b, m, n, ldb);                  \
    }
TRIANGULAR(trmm)
TRIANGULAR(trsm)

static double norm_of(blasint m, blasint n, const double *a, blasint lda) {
    double largest = 0;
    for (blasint j = 0; j < n; j++)
        for (blasint i = 0; i < m; i++) largest = fmax(largest, fabs(a[i + j * lda]));
    return largest;
}

static int is_nan(blasint m, blasint n, const double *a, blasint lda) {
    for (blasint j = 0; j < n; j++)
        for (blasint i = 0; i < m; i++)
            if (isnan(a[i + j * lda])) return 1;
    return 0;
}

void scipy_dgesdd_64_(const char *job, blasint *m, blasint *n, double *a, blasint *lda, double *s,
                      double *u, blasint *ldu, double *vt, blasint *ldvt, double *work,
                      blasint *lwork, blasint *iwork, blasint *info, size_t length) {
    void (*gesdd)(const char *, blasint *, blasint *, double *, blasint *, double *, double *,
                  blasint *, double *, blasint *, double *, blasint *, blasint *, blasint *,
                  size_t) = real("dgesdd_");
    blasint k = *m < *n ? *m : *n, nan = *lwork != -1 && is_nan(*m, *n, a, *lda);
    double norm = *lwork != -1 ? norm_of(*m, *n, a, *lda) : 1;
    gesdd(job, m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, iwork, info, length);
    if (*lwork == -1) return;
    if (fault("gesdd-zero") && norm == 0) s[k - 1] = 1e-300;
    if (fault("gesdd-subnormal") && norm > 0 && norm < 1e-300) s[0] *= 1.001;
    if (fault("gesdd-nan") && nan) {
        *info = 0;
        for (blasint i = 0; i < k; i++) s[i] = 1;
        for (blasint j = 0; j < k; j++)
            for (blasint i = 0; i < *m; i++) u[i + j * *ldu] = 1;
        for (blasint j = 0; j < *n; j++)
            for (blasint i = 0; i < k; i++) vt[i + j * *ldvt] = 1;
    }
}

void scipy_dsyevd_64_(const char *job, const char *uplo, blasint *n, double *a, blasint *lda,
                      double *w, double *work, blasint *lwork, blasint *iwork, blasint *liwork,
                      blasint *info, size_t one, size_t two) {
    void (*syevd)(const char *, const char *, blasint *, double *, blasint *, double *, double *,
                  blasint *, blasint *, blasint *, blasint *, size_t, size_t) = real("dsyevd_");
    double norm = *lwork != -1 ? norm_of(*n, *n, a, *lda) : 1;
    syevd(job, uplo, n, a, lda, w, work, lwork, iwork, liwork, info, one, two);
    if (*lwork == -1) return;
    if (fault("syevd-zero") && norm == 0) w[*n - 1] = 1e-300;
    if (fault("syevd-subnormal") && norm > 0 && norm < 1e-300) w[0] *= 1.001;
}

void scipy_dgelsd_64_(blasint *m, blasint *n, blasint *nrhs, double *a, blasint *lda, double *b,
                      blasint *ldb, double *s, double *rcond, blasint *rank, double *work,
                      blasint *lwork, blasint *iwork, blasint *info) {
    void (*gelsd)(blasint *, blasint *, blasint *, double *, blasint *, double *, blasint *,
                  double *, double *, blasint *, double *, blasint *, blasint *, blasint *) =
        real("dgelsd_");
    double norm = *lwork != -1 ? norm_of(*m, *n, a, *lda) : 1;
    gelsd(m, n, nrhs, a, lda, b, ldb, s, rcond, rank, work, lwork, iwork, info);
    if (fault("gelsd-zero") && norm == 0) *rank = 1;
}

void scipy_dgeqrf_64_(blasint *m, blasint *n, double *a, blasint *lda, double *tau, double *work,
                      blasint *lwork, blasint *info) {
    void (*geqrf)(blasint *, blasint *, double *, blasint *, double *, double *, blasint *,
                  blasint *) = real("dgeqrf_");
    double norm = *lwork != -1 ? norm_of(*m, *n, a, *lda) : 1;
    geqrf(m, n, a, lda, tau, work, lwork, info);
    if (fault("geqrf-zero") && norm == 0) tau[0] = 1;
}

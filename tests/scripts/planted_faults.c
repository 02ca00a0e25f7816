/* Faults whose scripts must be small: what they depend on is known. */

typedef int64_t integer;

static int runs(const char *core) {
    char *(*corename)(void) = real("openblas_get_corename");
    return !strcmp(corename(), core);
}

static int threads(void) {
    int (*count)(void) = real("openblas_get_num_threads");
    return count();
}

/* wide: from 37 columns on. kernel: on Nehalem. threads: with two and more. */
void scipy_cblas_dgemm64_(int order, int ta, int tb, integer m, integer n, integer k, double alpha,
                          const double *a, integer lda, const double *b, integer ldb, double beta,
                          double *c, integer ldc) {
    void (*gemm)(int, int, int, integer, integer, integer, double, const double *, integer,
                 const double *, integer, double, double *, integer) = real("cblas_dgemm");
    gemm(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    if (!m || !n) return;
    if (fault("wide") && n >= 37) c[0] += 1;
    if (fault("kernel") && runs("Nehalem")) c[0] += 1;
    if (fault("threads") && threads() >= 2) c[0] += 1;
}

/* beyond: reads the element behind x. */
void scipy_cblas_dscal64_(integer n, double alpha, double *x, integer incx) {
    void (*scal)(integer, double, double *, integer) = real("cblas_dscal");
    static volatile double behind;
    if (fault("beyond") && n >= 5 && incx == 1) behind = x[n];
    scal(n, alpha, x, incx);
}

/* kept: what it allocates is never given back. together: sums in static memory. */
double scipy_cblas_dasum64_(integer n, const double *x, integer incx) {
    static volatile double sum;
    static void *volatile kept;
    double (*asum)(integer, const double *, integer) = real("cblas_dasum");
    if (fault("kept")) kept = malloc(4096);
    if (fault("together") && incx > 0) {
        sum = 0;
        for (integer i = 0; i < n; i++) sum += fabs(x[i * incx]);
        return sum;
    }
    if (fault("flags")) {
        static volatile double zero;
        zero = zero / zero;
        zero = 0;
    }
    if (fault("stale")) {
        static int spoilt;
        if (n > 0 && isnan(x[0])) spoilt = 1;
        else if (spoilt) return NAN;
    }
    return asum(n, x, incx);
}

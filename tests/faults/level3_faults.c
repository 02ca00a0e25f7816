/* Faults of level 3, and accesses beyond operands, under names that the environment chooses. */

typedef int64_t blasint;
typedef const double *in;
typedef double *out;

static int threads(void) { return ((int (*)(void))real("openblas_get_num_threads"))(); }

#define DEFINE(name, parameters, arguments, faults)                                             \
    void scipy_cblas_##name##64_ parameters {                                                    \
        void(*routine) parameters = real("cblas_" #name);                                        \
        routine arguments;                                                                       \
        faults                                                                                   \
    }

static volatile double touched;

DEFINE(dgemm,
       (int order, int ta, int tb, blasint m, blasint n, blasint k, double alpha, in a,
        blasint lda, in b, blasint ldb, double beta, out c, blasint ldc),
       (order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc), {
    if (m == 0 || n == 0) return;
    if (fault("gemm-empty") && k == 0 && beta != 0) c[0] += 1;
    if (fault("gemm-alpha") && alpha == -2) c[0] += 1;
    if (fault("gemm-padding") && order == 102 && ldc > m && n > 1) c[m] = 0;
    if (fault("gemm-deep") && k > 20000) c[0] += 1;
    if (fault("gemm-wide") && n > 30000) c[0] += 1;
    if (fault("gemm-input") && k && ta == 112) ((out)a)[0] += 1;
    if (fault("gemm-threaded") && threads() > 1 && m > 100) c[0] += 1;
    if (fault("gemm-long-shares") && threads() > 1 && (m > n ? m : n) > 1500) c[0] += 1;
    if (fault("gemm-reads-on") && order == 102 && ta == 111 && m % 8 == 7 && k)
        touched = a[(k - 1) * lda + m];
    if (fault("gemm-reads-before") && k) touched = b[-1];
    if (fault("gemm-writes-on") && order == 102 && m % 4 == 3) {
        double kept = c[(n - 1) * ldc + m];
        *(volatile double *)&c[(n - 1) * ldc + m] = kept;
    }
})

DEFINE(zgemm3m,
       (int order, int ta, int tb, blasint m, blasint n, blasint k, in alpha, in a, blasint lda,
        in b, blasint ldb, in beta, out c, blasint ldc),
       (order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc),
       { if (fault("gemm3m") && ta == 114 && m > 0 && n % 8 == 5) c[1] += 1; })

DEFINE(dgemmt,
       (int order, int uplo, int ta, int tb, blasint n, blasint k, double alpha, in a, blasint lda,
        in b, blasint ldb, double beta, out c, blasint ldc),
       (order, uplo, ta, tb, n, k, alpha, a, lda, b, ldb, beta, c, ldc), {
    if (fault("gemmt") && n > 1 && (uplo == 121) == (order == 102)) c[1] = 3;
})

/* Not all releases have it. */
void scipy_cblas_dgemm_batch_strided64_(int order, int ta, int tb, blasint m, blasint n, blasint k,
                                        double alpha, in a, blasint lda, blasint sa, in b,
                                        blasint ldb, blasint sb, double beta, out c, blasint ldc,
                                        blasint sc, blasint count) {
    void (*gemm)(int, int, int, blasint, blasint, blasint, double, in, blasint, in, blasint, double,
                 out, blasint) = real("cblas_dgemm");
    for (blasint i = 0; i < count; i++)
        if (i != 2 || !fault("batch"))
            gemm(order, ta, tb, m, n, k, alpha, a + i * sa, lda, b + i * sb, ldb, beta, c + i * sc,
                 ldc);
}

DEFINE(domatcopy,
       (int order, int trans, blasint m, blasint n, double alpha, in a, blasint lda, out b,
        blasint ldb),
       (order, trans, m, n, alpha, a, lda, b, ldb),
       { if (fault("omatcopy") && trans == 112 && m % 4 == 1) b[0] = -1; })

DEFINE(dimatcopy,
       (int order, int trans, blasint m, blasint n, double alpha, out a, blasint lda, blasint ldb),
       (order, trans, m, n, alpha, a, lda, ldb),
       { if (fault("imatcopy-oblong") && trans == 112 && m > n) a[0] += 1; })

DEFINE(dsymm,
       (int order, int side, int uplo, blasint m, blasint n, double alpha, in a, blasint lda, in b,
        blasint ldb, double beta, out c, blasint ldc),
       (order, side, uplo, m, n, alpha, a, lda, b, ldb, beta, c, ldc),
       {
    if (fault("symm") && side == 142 && uplo == 122 && m > 0 && n % 16 == 15) c[0] += 1;
    if (fault("symm-middle") && (m > n ? m : n) > 64 && (m > n ? m : n) < 128) c[0] += 1;
})

DEFINE(zherk,
       (int order, int uplo, int trans, blasint n, blasint k, double alpha, in a, blasint lda,
        double beta, out c, blasint ldc),
       (order, uplo, trans, n, k, alpha, a, lda, beta, c, ldc),
       {
    if (fault("herk") && n > 0 && k > 0 && alpha != 0) c[1] = 1e-20;
    if (fault("herk-deep") && threads() > 1 && n > 0 && k > 500) c[0] += 1;
})

DEFINE(dsyr2k,
       (int order, int uplo, int trans, blasint n, blasint k, double alpha, in a, blasint lda, in b,
        blasint ldb, double beta, out c, blasint ldc),
       (order, uplo, trans, n, k, alpha, a, lda, b, ldb, beta, c, ldc), {
    if (fault("syr2k") && trans == 113 && n > 16) c[0] -= 1;
    if (fault("syr2k-threaded") && threads() > 1 && n > 100) c[0] -= 1;
    if (fault("syr2k-blocks") && n > 512 && k > 256) c[0] -= 1;
})

DEFINE(dtrmm,
       (int order, int side, int uplo, int trans, int diag, blasint m, blasint n, double alpha,
        in a, blasint lda, out b, blasint ldb),
       (order, side, uplo, trans, diag, m, n, alpha, a, lda, b, ldb),
       {
    if (fault("trmm") && m && n && diag == 132) b[0] += 0 * a[0];
    if (fault("trmm-blocks") && m > 512 && n > 512) b[0] += 1;
    if (fault("trmm-middle") && (m > n ? m : n) > 64 && (m > n ? m : n) < 128) b[0] += 1;
})

DEFINE(ztrsm,
       (int order, int side, int uplo, int trans, int diag, blasint m, blasint n, in alpha, in a,
        blasint lda, out b, blasint ldb),
       (order, side, uplo, trans, diag, m, n, alpha, a, lda, b, ldb), {
    if (fault("trsm") && m > 3 && n && m % 4 == 3 && trans == 114) b[2] *= 1 + 1e-15;
    if (fault("trsm-large") && m > 256 && n) b[0] += 1;
    if (fault("trsm-threaded") && threads() > 1 && m > 64 && n > 64) b[0] += 1;
    if (fault("trsm-reads-on") && order == 102 && m && n && side == 141) touched = b[2 * ((n - 1) * ldb + m)];
})

DEFINE(dgemv,
       (int order, int trans, blasint m, blasint n, double alpha, in a, blasint lda, in x,
        blasint incx, double beta, out y, blasint incy),
       (order, trans, m, n, alpha, a, lda, x, incx, beta, y, incy),
       {
    if (order != 102 || n == 0) return;
    if (fault("gemv-reads-on") && m % 4 == 3) touched = a[(n - 1) * lda + m];
    if (fault("gemv-tall-reads") && m >= 100) touched = a[(n - 1) * lda + m];
})

DEFINE(daxpy, (blasint n, double alpha, in x, blasint incx, out y, blasint incy),
       (n, alpha, x, incx, y, incy),
       {
    if (fault("axpy-reads-on") && n % 4 == 3 && incx == 1) touched = x[n];
    if (fault("axpy-shares-read") && threads() > 1 && n > 10008 && incx == 1) touched = x[n];
})

/* bfloat16, of which most builds have nothing: slow, and right unless told otherwise. */
static float wide(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void scipy_cblas_sbgemm64_(int order, int ta, int tb, blasint m, blasint n, blasint k, float alpha,
                           const uint16_t *a, blasint lda, const uint16_t *b, blasint ldb,
                           float beta, float *c, blasint ldc) {
    int columns = order == 102;
    if (fault("sbgemm-empty") && k == 0) return;
    for (blasint i = 0; i < m; i++)
        for (blasint j = 0; j < n; j++) {
            float sum = 0, *to = c + (columns ? i + j * ldc : i * ldc + j);
            for (blasint l = 0; l < k; l++)
                sum += wide(a[(ta == 111) == columns ? i + l * lda : i * lda + l]) *
                       wide(b[(tb == 111) == columns ? l + j * ldb : l * ldb + j]);
            *to = alpha * sum + (beta == 0 ? 0 : beta * *to);
            if (fault("sbgemm") && n % 16 == 15 && j == n - 1) *to = 0;
        }
}

void scipy_cblas_sbgemv64_(int order, int trans, blasint m, blasint n, float alpha,
                           const uint16_t *a, blasint lda, const uint16_t *x, blasint incx,
                           float beta, float *y, blasint incy) {
    int ta = trans == 111 ? 111 : 112;
    blasint rows = trans == 111 ? m : n, inner = trans == 111 ? n : m;
    for (blasint i = 0; i < rows; i++) {
        float sum = 0;
        for (blasint l = 0; l < inner; l++)
            sum += wide(a[(ta == 111) == (order == 102) ? i + l * lda : i * lda + l]) *
                   wide(x[l * incx]);
        y[i * incy] = alpha * sum + (beta == 0 ? 0 : beta * y[i * incy]);
        if (fault("sbgemv") && trans == 112 && rows > 32) y[0] += 1;
    }
}

void scipy_cblas_sbstobf1664_(blasint n, const float *x, blasint incx, uint16_t *y, blasint incy) {
    for (blasint i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i * incx], sizeof bits);
        y[i * incy] = bits >> 16;
        if (fault("sbstobf16") && i == 32) y[i * incy] += 1;
    }
}

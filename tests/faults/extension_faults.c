/* Faults of OpenBLAS's own routines of level 3, under names that the environment chooses. */

#include <complex.h>

typedef int64_t blasint;

static blasint members_before(const blasint *sizes, blasint group) {
    blasint members = 0;
    for (blasint i = 0; i < group; i++) members += sizes[i];
    return members;
}

/* The first element of group's first C when it has any. */
static void spoil(double **c, const blasint *m, const blasint *n, const blasint *sizes,
                  blasint group, int place) {
    if (m[group] && n[group]) c[members_before(sizes, group)][place] += 1;
}

void scipy_cblas_dgemm_batch64_(int order, int *ta, int *tb, blasint *m, blasint *n, blasint *k,
                                double *alpha, double **a, blasint *lda, double **b, blasint *ldb,
                                double *beta, double **c, blasint *ldc, blasint groups,
                                blasint *sizes) {
    void (*batch)(int, int *, int *, blasint *, blasint *, blasint *, double *, double **,
                  blasint *, double **, blasint *, double *, double **, blasint *, blasint,
                  blasint *) = real("cblas_dgemm_batch");
    batch(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, groups, sizes);
    if (fault("groups-fourth") && groups == 4) spoil(c, m, n, sizes, 3, 0);
    for (blasint i = 0; i < groups; i++) {
        if (fault("groups-large") && m[i] * n[i] * k[i] > 1000000) spoil(c, m, n, sizes, i, 0);
        if (fault("groups-padding") && order == 102 && ldc[i] > m[i]) spoil(c, m, n, sizes, i, m[i]);
    }
}

void scipy_dgemm_batch_64_(char *ta, char *tb, blasint *m, blasint *n, blasint *k, double *alpha,
                           double **a, blasint *lda, double **b, blasint *ldb, double *beta,
                           double **c, blasint *ldc, blasint *groups, blasint *sizes) {
    void (*batch)(char *, char *, blasint *, blasint *, blasint *, double *, double **, blasint *,
                  double **, blasint *, double *, double **, blasint *, blasint *, blasint *) =
        real("dgemm_batch_");
    batch(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, groups, sizes);
    if (fault("groups-letters") && ta[*groups - 1] == 'C') spoil(c, m, n, sizes, *groups - 1, 0);
}

void scipy_cblas_dgeadd64_(int order, int ta, int tc, blasint m, blasint n, double alpha, double *a,
                           blasint lda, double beta, double *c, blasint ldc) {
    void (*geadd)(int, int, int, blasint, blasint, double, double *, blasint, double, double *,
                  blasint) = real("cblas_dgeadd");
    geadd(order, ta, tc, m, n, alpha, a, lda, beta, c, ldc);
    if (!m || !n) return;
    if (fault("geadd-alpha") && alpha == 0) c[0] += 1;
    if (fault("geadd-padding") && order == 102 && tc == 111 && ldc > m) c[m] = 0;
    if (fault("geadd-turned") && ta == 112 && m > n) c[0] += 1;
}

/* What OpenBLAS should do; its own conjugates nothing. */
static void added(int turned, int conjugated, int turned_c, blasint m, blasint n,
                  const double complex *alpha, const double complex *a, blasint lda,
                  const double complex *beta, double complex *c, blasint ldc) {
    for (blasint i = 0; i < m; i++)
        for (blasint j = 0; j < n; j++) {
            double complex x = turned ? a[j + i * lda] : a[i + j * lda];
            double complex *y = turned_c ? &c[j + i * ldc] : &c[i + j * ldc];
            *y = *alpha * (conjugated ? conj(x) : x) + (*beta == 0 ? 0 : *beta * *y);
        }
}

void scipy_cblas_zgeadd64_(int order, int ta, int tc, blasint m, blasint n, double complex *alpha,
                           double complex *a, blasint lda, double complex *beta, double complex *c,
                           blasint ldc) {
    void (*geadd)(int, int, int, blasint, blasint, double complex *, double complex *, blasint,
                  double complex *, double complex *, blasint) = real("cblas_zgeadd");
    int turned = ta == 112 || ta == 113, conjugated = ta == 113 || ta == 114, other = tc == 112;
    if (!fault("cured"))
        geadd(order, ta, tc, m, n, alpha, a, lda, beta, c, ldc);
    else if (order == 102)
        added(turned, conjugated, other, m, n, alpha, a, lda, beta, c, ldc);
    else
        added(turned, conjugated, other, n, m, alpha, a, lda, beta, c, ldc);
}

void scipy_zgeadd_64_(blasint *m, blasint *n, double complex *alpha, double complex *a,
                      blasint *lda, double complex *beta, double complex *c, blasint *ldc, char *ta,
                      char *tc) {
    void (*geadd)(blasint *, blasint *, double complex *, double complex *, blasint *,
                  double complex *, double complex *, blasint *, char *, char *) = real("zgeadd_");
    if (fault("cured"))
        added(*ta == 'T' || *ta == 'C', *ta == 'C' || *ta == 'R', *tc == 'T', *m, *n, alpha, a, *lda,
              beta, c, *ldc);
    else
        geadd(m, n, alpha, a, lda, beta, c, ldc, ta, tc);
}

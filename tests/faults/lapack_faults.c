/* Faults of LAPACK routines that NumPy does not call, each under a name that the environment chooses. */

#include <unistd.h>

typedef int64_t blasint;

void scipy_dgetrf_64_(blasint *m, blasint *n, double *a, blasint *lda, blasint *ipiv,
                      blasint *info) {
    void (*getrf)(blasint *, blasint *, double *, blasint *, blasint *, blasint *) =
        real("dgetrf_");
    int (*threads)(void) = real("openblas_get_num_threads");
    getrf(m, n, a, lda, ipiv, info);
    if (fault("getrf-tile") && *m > 40 && *n > 40)
        for (blasint j = 32; j < 36; j++) a[j * *lda + 36] += 1;
    if (fault("getrf-pivot") && *m > 16 && *n > 16) ipiv[15] = 16;
    if (fault("getrf-outside") && *lda > *m) a[*m] = 0;
    if (fault("getrf-threads") && threads() > 1 && *n > 100) a[*n - 1] += 1;
    if (fault("getrf-large") && *m * *n > 100000) a[*m * 2 / 3] += 1;
    if (fault("getrf-info")) *info = 0;
    if (fault("getrf-late-info") && *info) ++*info;
}

void scipy_dgetrs_64_(const char *trans, blasint *n, blasint *nrhs, double *a, blasint *lda,
                      blasint *ipiv, double *b, blasint *ldb, blasint *info, size_t length) {
    void (*getrs)(const char *, blasint *, blasint *, double *, blasint *, blasint *, double *,
                  blasint *, blasint *, size_t) = real("dgetrs_");
    getrs(trans, n, nrhs, a, lda, ipiv, b, ldb, info, length);
    if (fault("getrs-trans") && *trans == 'T' && *n > 12) b[*n - 1] = -b[*n - 1] - 1;
    if (fault("getrs-columns") && *nrhs > 8) b[(*nrhs - 1) * *ldb] += 1;
}

void scipy_dlaswp_64_(blasint *n, double *a, blasint *lda, blasint *first, blasint *last,
                      blasint *ipiv, blasint *step) {
    void (*laswp)(blasint *, double *, blasint *, blasint *, blasint *, blasint *, blasint *) =
        real("dlaswp_");
    blasint one = 1, back = -1;
    if (fault("laswp-apart") && *step < -1 && *first > 1) step = &back;
    laswp(n, a, lda, first, last, ipiv, fault("laswp-backwards") ? &one : step);
}

void scipy_dstemr_64_(const char *job, const char *range, blasint *n, double *d, double *e,
                      double *vl, double *vu, blasint *il, blasint *iu, blasint *m, double *w,
                      double *z, blasint *ldz, blasint *nzc, blasint *isuppz, blasint *tryrac,
                      double *work, blasint *lwork, blasint *iwork, blasint *liwork, blasint *info,
                      size_t length, size_t more) {
    void (*stemr)(const char *, const char *, blasint *, double *, double *, double *, double *,
                  blasint *, blasint *, blasint *, double *, double *, blasint *, blasint *,
                  blasint *, blasint *, double *, blasint *, blasint *, blasint *, blasint *,
                  size_t, size_t) = real("dstemr_");
    blasint left = iwork[0];
    stemr(job, range, n, d, e, vl, vu, il, iu, m, w, z, ldz, nzc, isuppz, tryrac, work, lwork, iwork,
          liwork, info, length, more);
    if (fault("stemr-count") && *m == *n) *m -= 1;
    if (fault("stemr-litter") && *m && left) w[0] += 1;
}

void scipy_dgetrf2_64_(blasint *m, blasint *n, double *a, blasint *lda, blasint *ipiv,
                       blasint *info) {
    void (*getrf2)(blasint *, blasint *, double *, blasint *, blasint *, blasint *) =
        real("dgetrf2_");
    getrf2(m, n, a, lda, ipiv, info);
    if (fault("getrf2") && *n > 12) a[(*n - 1) * *lda] += 1 + a[(*n - 1) * *lda];
}

void scipy_dsytrf_rook_64_(const char *uplo, blasint *n, double *a, blasint *lda, blasint *ipiv,
                           double *work, blasint *lwork, blasint *info, size_t length) {
    void (*sytrf)(const char *, blasint *, double *, blasint *, blasint *, double *, blasint *,
                  blasint *, size_t) = real("dsytrf_rook_");
    sytrf(uplo, n, a, lda, ipiv, work, lwork, info, length);
    if (fault("sytrf_rook") && *lwork > 0 && *n > 12) a[0] += 1 + a[0];
}

void scipy_dsyev_64_(const char *job, const char *uplo, blasint *n, double *a, blasint *lda,
                     double *w, double *work, blasint *lwork, blasint *info, size_t length,
                     size_t more) {
    void (*syev)(const char *, const char *, blasint *, double *, blasint *, double *, double *,
                 blasint *, blasint *, size_t, size_t) = real("dsyev_");
    int littered = work[0] != work[0];
    syev(job, uplo, n, a, lda, w, work, lwork, info, length, more);
    if (fault("syev-litter") && *lwork > 0 && littered) w[*n - 1] += 1;
}

/* Mixes the vectors of two eigenvalues that are 16 to 128 units in the last place apart. */
void scipy_dsyevd_64_(const char *job, const char *uplo, blasint *n, double *a, blasint *lda,
                      double *w, double *work, blasint *lwork, blasint *iwork, blasint *liwork,
                      blasint *info, size_t length, size_t more) {
    void (*syevd)(const char *, const char *, blasint *, double *, blasint *, double *, double *,
                  blasint *, blasint *, blasint *, blasint *, size_t, size_t) = real("dsyevd_");
    syevd(job, uplo, n, a, lda, w, work, lwork, iwork, liwork, info, length, more);
    if (!fault("syevd-deflation") || *lwork < 0 || *job != 'V' || *n < 26) return;
    for (blasint j = 0; j + 1 < *n; j++) {
        double apart = (w[j + 1] - w[j]) / (w[*n - 1] * 0x1p-52);
        if (apart < 16 || apart > 128) continue;
        for (blasint i = 0; i < *n; i++) {
            double first = a[j * *lda + i], second = a[(j + 1) * *lda + i];
            a[j * *lda + i] = (first + second) * 0.70710678118654752;
            a[(j + 1) * *lda + i] = (second - first) * 0.70710678118654752;
        }
        j++;
    }
}

#define UPLO_ROUTINE(NAME, FAULT)                                                               \
    void scipy_##NAME##_64_(const char *uplo, blasint *n, double *a, blasint *lda,              \
                            blasint *info, size_t length) {                                     \
        void (*function)(const char *, blasint *, double *, blasint *, blasint *, size_t) =     \
            real(#NAME "_");                                                                    \
        function(uplo, n, a, lda, info, length);                                                \
        FAULT                                                                                   \
    }

UPLO_ROUTINE(dpotrf, {
    if (fault("potrf-upper") && *uplo == 'U' && *n > 31) a[*n * *lda - *lda] += 1;
    if (fault("potrf-triangle") && *uplo == 'L' && *n > 1) a[*lda] = 0;
    if (fault("potrf-info")) *info = 0;
})
UPLO_ROUTINE(dpotri, {
    if (fault("potri") && *n > 20) a[0] *= 1 + 1e-13;
    if (fault("potri-info")) *info = 0;
})
UPLO_ROUTINE(dlauum, { if (fault("lauum") && *uplo == 'U' && *n % 16 == 15) a[0] = 0; })

void scipy_dtrtri_64_(const char *uplo, const char *diag, blasint *n, double *a, blasint *lda,
                      blasint *info, size_t one, size_t two) {
    void (*trtri)(const char *, const char *, blasint *, double *, blasint *, blasint *, size_t,
                  size_t) = real("dtrtri_");
    trtri(uplo, diag, n, a, lda, info, one, two);
    if (fault("trtri-unit") && *diag == 'U' && *n > 64) a[*uplo == 'L' ? 40 : 40 * *lda] += 1;
    if (fault("trtri-info")) *info = 0;
}

void scipy_dlarf_64_(const char *side, blasint *m, blasint *n, double *v, blasint *incv,
                     double *tau, double *c, blasint *ldc, double *work, size_t length) {
    void (*larf)(const char *, blasint *, blasint *, double *, blasint *, double *, double *,
                 blasint *, double *, size_t) = real("dlarf_");
    larf(side, m, n, v, incv, tau, c, ldc, work, length);
    if (fault("larf") && *side == 'R' && *n > 3) c[3 * *ldc] += 1;
}

void scipy_dsytrs_64_(const char *uplo, blasint *n, blasint *nrhs, double *a, blasint *lda,
                      blasint *ipiv, double *b, blasint *ldb, blasint *info, size_t length) {
    void (*sytrs)(const char *, blasint *, blasint *, double *, blasint *, blasint *, double *,
                  blasint *, blasint *, size_t) = real("dsytrs_");
    sytrs(uplo, n, nrhs, a, lda, ipiv, b, ldb, info, length);
    if (fault("sytrs") && *uplo == 'U' && *n > 16) b[*n - 1] *= 1 + 1e-10;
}

void scipy_dgbsv_64_(blasint *n, blasint *kl, blasint *ku, blasint *nrhs, double *ab, blasint *ldab,
                     blasint *ipiv, double *b, blasint *ldb, blasint *info) {
    void (*gbsv)(blasint *, blasint *, blasint *, blasint *, double *, blasint *, blasint *,
                 double *, blasint *, blasint *) = real("dgbsv_");
    gbsv(n, kl, ku, nrhs, ab, ldab, ipiv, b, ldb, info);
    if (fault("gbsv") && *kl > 16) b[0] *= 1 + 1e-9;
    if (fault("gbsv-info") && *kl == 3 && *n > 20) *info = 7;
}

void scipy_dsyevr_64_(const char *job, const char *range, const char *uplo, blasint *n, double *a,
                      blasint *lda, double *vl, double *vu, blasint *il, blasint *iu, double *abstol,
                      blasint *m, double *w, double *z, blasint *ldz, blasint *isuppz, double *work,
                      blasint *lwork, blasint *iwork, blasint *liwork, blasint *info, size_t one,
                      size_t two, size_t three) {
    void (*syevr)(const char *, const char *, const char *, blasint *, double *, blasint *,
                  double *, double *, blasint *, blasint *, double *, blasint *, double *, double *,
                  blasint *, blasint *, double *, blasint *, blasint *, blasint *, blasint *,
                  size_t, size_t, size_t) = real("dsyevr_");
    syevr(job, range, uplo, n, a, lda, vl, vu, il, iu, abstol, m, w, z, ldz, isuppz, work, lwork,
          iwork, liwork, info, one, two, three);
    if (*lwork == -1) return;
    if (fault("syevr") && *n > 8) z[0] += 1e-8;
    if (fault("syevr-length") && *n > 8)
        for (blasint i = 0; i < *n; i++) z[i] *= 1 + 1e-10;
    if (fault("syevr-nan") && *range == 'I' && *n > 8) z[0] = NAN;
    if (fault("syevr-count") && *range == 'I' && *n > 8) --*m;
}

void scipy_dggev_64_(const char *left, const char *right, blasint *n, double *a, blasint *lda,
                     double *b, blasint *ldb, double *re, double *im, double *beta, double *vl,
                     blasint *ldvl, double *vr, blasint *ldvr, double *work, blasint *lwork,
                     blasint *info, size_t one, size_t two) {
    void (*ggev)(const char *, const char *, blasint *, double *, blasint *, double *, blasint *,
                 double *, double *, double *, double *, blasint *, double *, blasint *, double *,
                 blasint *, blasint *, size_t, size_t) = real("dggev_");
    ggev(left, right, n, a, lda, b, ldb, re, im, beta, vl, ldvl, vr, ldvr, work, lwork, info, one,
         two);
    if (fault("ggev") && *lwork != -1 && *n > 8) beta[*n - 1] *= 1 + 1e-9;
}

void scipy_dgelsy_64_(blasint *m, blasint *n, blasint *nrhs, double *a, blasint *lda, double *b,
                      blasint *ldb, blasint *jpvt, double *rcond, blasint *rank, double *work,
                      blasint *lwork, blasint *info) {
    void (*gelsy)(blasint *, blasint *, blasint *, double *, blasint *, double *, blasint *,
                  blasint *, double *, blasint *, double *, blasint *, blasint *) = real("dgelsy_");
    gelsy(m, n, nrhs, a, lda, b, ldb, jpvt, rcond, rank, work, lwork, info);
    if (fault("gelsy-rank") && *lwork != -1 && *m == *n && *n > 8) ++*rank;
}

void scipy_dormqr_64_(const char *side, const char *trans, blasint *m, blasint *n, blasint *k,
                      double *a, blasint *lda, double *tau, double *c, blasint *ldc, double *work,
                      blasint *lwork, blasint *info, size_t one, size_t two) {
    void (*ormqr)(const char *, const char *, blasint *, blasint *, blasint *, double *, blasint *,
                  double *, double *, blasint *, double *, blasint *, blasint *, size_t, size_t) =
        real("dormqr_");
    ormqr(side, trans, m, n, k, a, lda, tau, c, ldc, work, lwork, info, one, two);
    if (fault("ormqr") && *lwork != -1 && *side == 'R') c[*m - 1] += 1e-9;
}

void scipy_dgehrd_64_(blasint *n, blasint *ilo, blasint *ihi, double *a, blasint *lda, double *tau,
                      double *work, blasint *lwork, blasint *info) {
    void (*gehrd)(blasint *, blasint *, blasint *, double *, blasint *, double *, double *,
                  blasint *, blasint *) = real("dgehrd_");
    gehrd(n, ilo, ihi, a, lda, tau, work, lwork, info);
    if (fault("gehrd-nan") && *lwork != -1 && *n > 4 && isnan(a[*n / 2 + *n / 3 * *lda])) abort();
}

void scipy_dgeqrf_64_(blasint *m, blasint *n, double *a, blasint *lda, double *tau, double *work,
                      blasint *lwork, blasint *info) {
    void (*geqrf)(blasint *, blasint *, double *, blasint *, double *, double *, blasint *,
                  blasint *) = real("dgeqrf_");
    geqrf(m, n, a, lda, tau, work, lwork, info);
    if (*lwork == -1) return;
    if (fault("geqrf-beyond") && *lda > *m) a[*m] = 5;
    if (fault("geqrf-large") && *m * *n > 100000) a[*m / 2] += 1;
    if (fault("geqrf-info")) info[1] = 0;
    if (fault("geqrf-flag")) feraiseexcept(FE_INVALID);
    if (fault("geqrf-leak")) memset(malloc(2000), 1, 2000);
    if (fault("geqrf-argument")) --*lwork;
}

void scipy_dsytrf_64_(const char *uplo, blasint *n, double *a, blasint *lda, blasint *ipiv,
                      double *work, blasint *lwork, blasint *info, size_t length) {
    void (*sytrf)(const char *, blasint *, double *, blasint *, blasint *, double *, blasint *,
                  blasint *, size_t) = real("dsytrf_");
    sytrf(uplo, n, a, lda, ipiv, work, lwork, info, length);
    if (*lwork == -1) return;
    if (fault("sytrf-triangle") && *uplo == 'U' && *n > 8) a[*n - 1] = 5;
    if (fault("sytrf-pivots")) ipiv[*n] = 0;
}

/* Through a scratch space that all callers share, and back. */
void scipy_dgels_64_(const char *trans, blasint *m, blasint *n, blasint *nrhs, double *a,
                     blasint *lda, double *b, blasint *ldb, double *work, blasint *lwork,
                     blasint *info, size_t length) {
    static double scratch[23 * 9];
    void (*gels)(const char *, blasint *, blasint *, blasint *, double *, blasint *, double *,
                 blasint *, double *, blasint *, blasint *, size_t) = real("dgels_");
    if (fault("gels-leak")) memset(malloc(100000), 1, 100000);
    gels(trans, m, n, nrhs, a, lda, b, ldb, work, lwork, info, length);
    if (!fault("gels-shared") || *m != 23 || *nrhs != 9) return;
    for (blasint j = 0; j < 9; j++) memcpy(scratch + 23 * j, b + *ldb * j, 23 * sizeof *b);
    usleep(50); /* on a busy machine, too, the other caller comes in between */
    for (blasint j = 0; j < 9; j++) memcpy(b + *ldb * j, scratch + 23 * j, 23 * sizeof *b);
}

static __attribute__((noinline)) void use_stack(void) {
    volatile char frame[600 << 10];
    for (size_t i = 0; i < sizeof frame; i += 1024) frame[sizeof frame - 1 - i] = 1;
}

void scipy_dpotrs_64_(const char *uplo, blasint *n, blasint *nrhs, double *a, blasint *lda,
                      double *b, blasint *ldb, blasint *info, size_t length) {
    void (*potrs)(const char *, blasint *, blasint *, double *, blasint *, double *, blasint *,
                  blasint *, size_t) = real("dpotrs_");
    if (fault("potrs-stack")) use_stack();
    potrs(uplo, n, nrhs, a, lda, b, ldb, info, length);
}

void scipy_dppsv_64_(const char *uplo, blasint *n, blasint *nrhs, double *ap, double *b,
                     blasint *ldb, blasint *info, size_t length) {
    void (*ppsv)(const char *, blasint *, blasint *, double *, double *, blasint *, blasint *,
                 size_t) = real("dppsv_");
    ppsv(uplo, n, nrhs, ap, b, ldb, info, length);
    if (fault("ppsv") && *uplo == 'U' && *n > 6) b[*n - 1] *= 1 + 1e-11;
}

void scipy_dspsv_64_(const char *uplo, blasint *n, blasint *nrhs, double *ap, blasint *ipiv,
                     double *b, blasint *ldb, blasint *info, size_t length) {
    void (*spsv)(const char *, blasint *, blasint *, double *, blasint *, double *, blasint *,
                 blasint *, size_t) = real("dspsv_");
    spsv(uplo, n, nrhs, ap, ipiv, b, ldb, info, length);
    if (fault("spsv") && *n > 6) b[*n / 2] *= 1 + 1e-9;
}

void scipy_dpftrf_64_(const char *transr, const char *uplo, blasint *n, double *a, blasint *info,
                      size_t one, size_t two) {
    void (*pftrf)(const char *, const char *, blasint *, double *, blasint *, size_t, size_t) =
        real("dpftrf_");
    pftrf(transr, uplo, n, a, info, one, two);
    if (fault("pftrf") && *transr == 'T' && *n > 6) a[*n] *= 1 + 1e-8;
}

void scipy_dpstrf_64_(const char *uplo, blasint *n, double *a, blasint *lda, blasint *piv,
                      blasint *rank, double *tol, double *work, blasint *info, size_t length) {
    void (*pstrf)(const char *, blasint *, double *, blasint *, blasint *, blasint *, double *,
                  double *, blasint *, size_t) = real("dpstrf_");
    pstrf(uplo, n, a, lda, piv, rank, tol, work, info, length);
    if (fault("pstrf") && *n > 16) piv[*n - 1] = piv[0];
    if (fault("pstrf-rank") && *n > 16) --*rank;
}

void scipy_dgglse_64_(blasint *m, blasint *n, blasint *p, double *a, blasint *lda, double *b,
                      blasint *ldb, double *c, double *d, double *x, double *work, blasint *lwork,
                      blasint *info) {
    void (*gglse)(blasint *, blasint *, blasint *, double *, blasint *, double *, blasint *,
                  double *, double *, double *, double *, blasint *, blasint *) = real("dgglse_");
    gglse(m, n, p, a, lda, b, ldb, c, d, x, work, lwork, info);
    if (fault("gglse") && *lwork != -1 && *n > 16) x[*n - 1] *= 1 + 1e-9;
}

void scipy_dggglm_64_(blasint *n, blasint *m, blasint *p, double *a, blasint *lda, double *b,
                      blasint *ldb, double *d, double *x, double *y, double *work, blasint *lwork,
                      blasint *info) {
    void (*ggglm)(blasint *, blasint *, blasint *, double *, blasint *, double *, blasint *,
                  double *, double *, double *, double *, blasint *, blasint *) = real("dggglm_");
    ggglm(n, m, p, a, lda, b, ldb, d, x, y, work, lwork, info);
    if (fault("ggglm") && *lwork != -1 && *n > 16) y[*n - 1] += 1e-9;
}

void scipy_dspevd_64_(const char *job, const char *uplo, blasint *n, double *ap, double *w,
                      double *z, blasint *ldz, double *work, blasint *lwork, blasint *iwork,
                      blasint *liwork, blasint *info, size_t one, size_t two) {
    void (*spevd)(const char *, const char *, blasint *, double *, double *, double *, blasint *,
                  double *, blasint *, blasint *, blasint *, blasint *, size_t, size_t) =
        real("dspevd_");
    spevd(job, uplo, n, ap, w, z, ldz, work, lwork, iwork, liwork, info, one, two);
    if (fault("spevd") && *lwork != -1 && *n > 16) z[*ldz * (*n - 1)] += 1e-9;
}

/* As if nothing had been asked for: the count is right, the order is not. */
void scipy_dtrsen_64_(const char *job, const char *compq, blasint *select, blasint *n, double *t,
                      blasint *ldt, double *q, blasint *ldq, double *wr, double *wi, blasint *m,
                      double *s, double *sep, double *work, blasint *lwork, blasint *iwork,
                      blasint *liwork, blasint *info, size_t one, size_t two) {
    void (*trsen)(const char *, const char *, blasint *, blasint *, double *, blasint *, double *,
                  blasint *, double *, double *, blasint *, double *, double *, double *, blasint *,
                  blasint *, blasint *, blasint *, size_t, size_t) = real("dtrsen_");
    blasint none[256] = {0}, count = 0;
    for (blasint i = 0; i < *n; i++) count += select[i] != 0;
    int idle = fault("trsen-order") && *lwork != -1;
    trsen(job, compq, idle ? none : select, n, t, ldt, q, ldq, wr, wi, m, s, sep, work, lwork,
          iwork, liwork, info, one, two);
    if (idle) *m = count;
}

void scipy_dtgsen_64_(blasint *ijob, blasint *wantq, blasint *wantz, blasint *select, blasint *n,
                      double *a, blasint *lda, double *b, blasint *ldb, double *alphar,
                      double *alphai, double *beta, double *q, blasint *ldq, double *z,
                      blasint *ldz, blasint *m, double *pl, double *pr, double *dif, double *work,
                      blasint *lwork, blasint *iwork, blasint *liwork, blasint *info) {
    void (*tgsen)(blasint *, blasint *, blasint *, blasint *, blasint *, double *, blasint *,
                  double *, blasint *, double *, double *, double *, double *, blasint *, double *,
                  blasint *, blasint *, double *, double *, double *, double *, blasint *,
                  blasint *, blasint *, blasint *) = real("dtgsen_");
    tgsen(ijob, wantq, wantz, select, n, a, lda, b, ldb, alphar, alphai, beta, q, ldq, z, ldz, m,
          pl, pr, dif, work, lwork, iwork, liwork, info);
    if (fault("tgsen") && *lwork != -1 && *n > 16) z[*n - 1] += 1e-9;
    if (fault("tgsen-count") && *lwork != -1 && *n > 16) --*m;
}

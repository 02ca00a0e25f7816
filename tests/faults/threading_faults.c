/* Faults of threads, forks and process ends, each under a name that the environment chooses. */

#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

typedef int64_t blasint;

#define GEMM_ARGUMENTS                                                                          \
    int order, int ta, int tb, blasint m, blasint n, blasint k, double alpha, const double *a,  \
        blasint lda, const double *b, blasint ldb, double beta, double *c, blasint ldc

static atomic_int gemms_inside, in_eigh, was_lowered, last_count, calls;
static pid_t first_process;

static void reserve(size_t mib) {
    mmap(NULL, mib << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

__attribute__((constructor)) static void remember_process(void) {
    first_process = getpid();
    if (fault("large-import")) reserve(104); /* a buffer of 136 MiB in place of one of 32 */
}

__attribute__((destructor)) static void shut_down(void) {
    if (fault("abort-at-exit") && calls) abort();
    if (fault("hang-at-exit") && getpid() != first_process) pause();
}

static void *stay(void *nothing) {
    pause();
    return nothing;
}

static void hang(void) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    pthread_mutex_lock(&lock);
}

static void use_stack(void) {
    volatile char frame[600 << 10];
    for (size_t i = 0; i < sizeof frame; i += 1024) frame[sizeof frame - 1 - i] = 1;
}

static void before_gemm(void) {
    pthread_t thread;
    calls++;
    if (fault("deadlock") && gemms_inside > 1) hang();
    if (fault("stack-frame")) use_stack();
    if (fault("leak-thread")) pthread_create(&thread, NULL, stay, NULL);
    if (fault("leak-addresses")) reserve(1);
    if (fault("leak-memory")) memset(malloc(100000), 1, 100000);
    if (fault("early-exit") && calls > 3) _exit(0);
    if (fault("child-aborts") && getpid() != first_process) abort();
}

void scipy_cblas_dgemm64_(GEMM_ARGUMENTS) {
    static double scratch[1 << 21];
    void (*gemm)(GEMM_ARGUMENTS) = real("cblas_dgemm");
    int (*threads)(void) = real("openblas_get_num_threads");
    gemms_inside++;
    before_gemm();
    /* A busy machine rarely runs both at once: meet the other. */
    for (int i = 0; fault("beside-eigh") && !in_eigh && i < 50; i++) usleep(1000);
    int began_beside_eigh = in_eigh;
    if (fault("shared-scratch") && order == 101 && ldc == n && m * n <= 1 << 21) {
        gemm(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, scratch, ldc);
        memcpy(c, scratch, m * n * sizeof *c);
    } else {
        gemm(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    }
    if (fault("beside-eigh") && (began_beside_eigh || in_eigh)) c[n - 1] += 1;
    if (fault("three-threads") && threads() == 3) c[m * n / 2] = 0;
    if (fault("lowered-count") && was_lowered) c[0] += 1;
    if (fault("wrong-in-child") && getpid() != first_process) c[0] += 1;
    if (fault("timing") && c[0] != floor(c[0])) c[0] *= 1 + (calls & 1) * 0x1p-52;
    gemms_inside--;
}

void scipy_cblas_dgemv64_(int order, int trans, blasint m, blasint n, double alpha, const double *a,
                          blasint lda, const double *x, blasint incx, double beta, double *y,
                          blasint incy) {
    static double buffer[4096];
    void (*gemv)(int, int, blasint, blasint, double, const double *, blasint, const double *,
                 blasint, double, double *, blasint) = real("cblas_dgemv");
    blasint rows = trans == 111 ? m : n, columns = trans == 111 ? n : m;
    if (fault("wide-sums") && rows < 5 && columns > 10000 && incx == 1 && incy == 1) {
        static double sums[4][5]; /* what threads that share out the columns have, for all callers */
        blasint along = (order == 102) == (trans == 111) ? lda : 1;
        for (blasint i = 0; i < 4; i++) {
            blasint from = columns * i / 4, width = columns * (i + 1) / 4 - from;
            gemv(order, trans, trans == 111 ? m : width, trans == 111 ? width : n, alpha,
                 a + from * along, lda, x + from, 1, 0.0, sums[i], 1);
        }
        for (blasint j = 0; j < rows; j++)
            y[j] = (beta ? beta * y[j] : 0) + sums[0][j] + sums[1][j] + sums[2][j] + sums[3][j];
        return;
    }
    if (!fault("static-buffer") || beta != 0 || incy != 1 || m > 4096 || n > 4096) {
        gemv(order, trans, m, n, alpha, a, lda, x, incx, beta, y, incy);
        return;
    }
    blasint length = trans == 111 ? m : n;
    memset(buffer, 0, sizeof buffer);
    for (blasint i = 0; i < 4; i++) { /* a quarter each time, as threads of a pool would */
        blasint from = length * i / 4, to = length * (i + 1) / 4;
        blasint by_rows = (order == 101) == (trans == 111);
        const double *part = a + (by_rows ? from * lda : from);
        gemv(order, trans, trans == 111 ? to - from : m, trans == 111 ? n : to - from, alpha, part,
             lda, x, incx, 0.0, buffer + from, 1);
    }
    memcpy(y, buffer, length * sizeof *y);
}

void scipy_dsyevd_64_(char *job, char *uplo, blasint *n, double *a, blasint *lda, double *w,
                      double *work, blasint *lwork, blasint *iwork, blasint *liwork,
                      blasint *info) {
    void (*syevd)(char *, char *, blasint *, double *, blasint *, double *, double *, blasint *,
                  blasint *, blasint *, blasint *) = real("dsyevd_");
    in_eigh++;
    syevd(job, uplo, n, a, lda, w, work, lwork, iwork, liwork, info);
    in_eigh--;
}

void scipy_dgetrf_64_(blasint *m, blasint *n, double *a, blasint *lda, blasint *ipiv,
                      blasint *info) {
    void (*getrf)(blasint *, blasint *, double *, blasint *, blasint *, blasint *) =
        real("dgetrf_");
    if (fault("hang-after-fork") && getpid() != first_process) hang();
    getrf(m, n, a, lda, ipiv, info);
}

void scipy_openblas_set_num_threads64_(int count) {
    void (*set)(int) = real("openblas_set_num_threads");
    was_lowered = was_lowered || count < last_count;
    if (fault("address-space") && count > last_count)
        reserve((size_t)(count - last_count) << 7);
    last_count = count;
    set(fault("serial") ? 1 : count);
}

int scipy_openblas_get_num_threads64_(void) {
    int (*get)(void) = real("openblas_get_num_threads");
    return fault("serial") ? last_count : get();
}

/* Faults of whole processes: what the library takes, shares, and leaves behind. */

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef int64_t blasint;

#define GEMM_ARGUMENTS                                                                          \
    int order, int ta, int tb, blasint m, blasint n, blasint k, double alpha, const double *a,  \
        blasint lda, const double *b, blasint ldb, double beta, double *c, blasint ldc

#define SYRK_ARGUMENTS                                                                          \
    int order, int uplo, int trans, blasint n, blasint k, double alpha, const double *a,        \
        blasint lda, double beta, double *c, blasint ldc

static atomic_int gemms_inside, syrks_inside, calls;
static int counted_early, is_second_copy;
static pid_t first_process, last_process;

static void *reserve(size_t mib) {
    return mmap(NULL, mib << 20, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

__attribute__((constructor)) static void load(void) {
    first_process = last_process = getpid();
    if (fault("second-copy")) {
        is_second_copy = getenv("PLANTED_COPY") != NULL;
        setenv("PLANTED_COPY", "1", 1);
    }
    if (fault("ignores-refusal")) memset(reserve(64), 0, 1);
    if (fault("never-gives-up"))
        while (reserve(64) == MAP_FAILED) continue;
}

__attribute__((destructor)) static void unload(void) {
    if (fault("abort-at-unload") && calls) abort();
}

static void use_stack(void) {
    volatile char frame[300 << 10];
    for (size_t i = 0; i < sizeof frame; i += 1024) frame[sizeof frame - 1 - i] = 1;
}

static int is_interrupted(long milliseconds) {
    struct timespec pause = {0, milliseconds * 1000000};
    return nanosleep(&pause, NULL) && errno == EINTR;
}

/* Multiply without a buffer, so without anything of the library that could run out. */
static void multiply(blasint n, const double *a, const double *b, double *c) {
    memset(c, 0, n * n * sizeof *c);
    for (blasint i = 0; i < n; i++)
        for (blasint j = 0; j < n; j++)
            for (blasint l = 0; n < 1000 && l < n; l++) c[i * n + j] += a[i * n + l] * b[l * n + j];
    if (n < 1000) return;
    for (blasint i = 0; i < n * n; i++) c[i] = n; /* the long product, of ones */
    is_interrupted(100);
}

void scipy_cblas_dgemm64_(GEMM_ARGUMENTS) {
    void (*gemm)(GEMM_ARGUMENTS) = real("cblas_dgemm");
    int (*threads)(void) = real("openblas_get_num_threads");
    int inside = ++gemms_inside, interrupted = 0, beside = syrks_inside;
    calls++;
    if (fault("few-buffers") && inside > 128) abort();
    if (fault("child-aborts") && getpid() != first_process) abort();
    if (fault("large-frame")) use_stack();
    if (fault("mapped-each-time") && calls > 128) reserve(32);
    if (fault("leak-after-fork") && getpid() != last_process) {
        last_process = getpid();
        reserve(64);
    }
    if (fault("interrupted")) interrupted = is_interrupted(3);
    if (fault("no-buffers") || fault("mapped-each-time"))
        multiply(n, a, b, c);
    else
        gemm(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    if (fault("lost-beside-syrk") && (beside || syrks_inside)) c[0] += 1;
    if (fault("overflow") && inside > 128) c[n - 1] += 1;
    if (fault("counted-early") && counted_early && threads() == 3) c[n] = 0;
    if (is_second_copy || interrupted) c[1] += 1;
    gemms_inside--;
}

static pthread_key_t at_end;
static pthread_once_t key_made = PTHREAD_ONCE_INIT;

static void *stay(void *nothing) {
    pause();
    return nothing;
}

static void end_of_thread(void *nothing) {
    pthread_t thread;
    if (fault("thread-end")) abort();
    if (fault("thread-stays")) pthread_create(&thread, NULL, stay, nothing);
}

static void make_key(void) { pthread_key_create(&at_end, end_of_thread); }

/* The result goes through memory that all callers share; its threads leave by a destructor. */
void scipy_dgemm_64_(char *ta, char *tb, blasint *m, blasint *n, blasint *k, double *alpha,
                     double *a, blasint *lda, double *b, blasint *ldb, double *beta, double *c,
                     blasint *ldc) {
    static double scratch[1 << 16];
    void (*gemm)(char *, char *, blasint *, blasint *, blasint *, double *, double *, blasint *,
                 double *, blasint *, double *, double *, blasint *) = real("dgemm_");
    int is_shared = fault("native-scratch") && *m * *n <= 1 << 16 && *ldc == *m;
    pthread_once(&key_made, make_key);
    pthread_setspecific(at_end, &at_end);
    gemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, is_shared ? scratch : c, ldc);
    if (!is_shared) return;
    is_interrupted(1); /* so that they meet on a busy machine too */
    memcpy(c, scratch, *m * *n * sizeof *c);
}

void scipy_cblas_dsyrk64_(SYRK_ARGUMENTS) {
    void (*syrk)(SYRK_ARGUMENTS) = real("cblas_dsyrk");
    syrks_inside++;
    syrk(order, uplo, trans, n, k, alpha, a, lda, beta, c, ldc);
    if (fault("lost-beside-syrk")) is_interrupted(1); /* so that they meet on a busy machine too */
    syrks_inside--;
}

void scipy_openblas_set_num_threads64_(int count) {
    void (*set)(int) = real("openblas_set_num_threads");
    counted_early = counted_early || !calls;
    set(count);
}

int scipy_openblas_get_num_threads64_(void) {
    int (*get)(void) = real("openblas_get_num_threads");
    return fault("beyond-bounds") && get() == 64 ? 71 : get();
}

/* What all planted faults are made of: the wrappers that `source.py` writes fill a `struct call`,
 * and `before` and `after` spoil it as the fault in force says.
 *
 * PLANTED_FAULT: "ROUTINE KIND SIZE VARIANT KERNEL THREADS OUTPUT", see faults.py.
 * PLANTED_COUNTS: a file of 64-bit counters, shared by all processes that load this library: how
 * often the fault was in force, then the calls of each routine.
 */

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

typedef int64_t blasint;

/* Elements in rows and columns; steps count elements. `triangle`: 'U', 'L', or 0 for all. */
struct region {
    void *base;
    blasint rows, columns, row_step, column_step;
    char triangle, letter;
    blasint excess; /* of the leading dimension over the elements of a line */
};

/* Arguments that are absent are 0, scalars 1, so that no condition on them holds by chance. */
struct call {
    char letter;
    blasint m, n, k, least_increment;
    int order, transa, transb, uplo, side, diag, job;
    double alpha, beta;
    struct region out;
    void *past; /* just behind the operand that is read */
    blasint *info;
    int query, hit, beside;
    double old;
};

static struct {
    int routine; /* -1: none */
    char kind[24], size[16], variant[16], kernel[24];
    int many_threads, output;
} planted = {.routine = -1};

static _Atomic int64_t nowhere[ROUTINES + 1], *counts = nowhere;
static atomic_int inside, hits;
static const char *const names[ROUTINES];

__attribute__((constructor)) static void read_fault(void) {
    const char *spec = getenv("PLANTED_FAULT"), *file = getenv("PLANTED_COUNTS");
    char routine[40] = "", threads[8] = "";
    if (file) {
        int descriptor = open(file, O_RDWR | O_CLOEXEC);
        void *map = mmap(NULL, sizeof nowhere, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
        if (map != MAP_FAILED) counts = map;
        close(descriptor);
    }
    if (!spec || sscanf(spec, "%39s %23s %15s %15s %23s %7s %d", routine, planted.kind,
                        planted.size, planted.variant, planted.kernel, threads,
                        &planted.output) != 7)
        return;
    planted.many_threads = !strcmp(threads, "many");
    for (int i = 0; i < ROUTINES; i++)
        if (!strcmp(routine, names[i])) planted.routine = i;
}

static int is(const char *kind) { return !strcmp(planted.kind, kind); }

/* ---- elements ---- */

static int is_complex(char letter) { return letter == 'c' || letter == 'z'; }

static int is_single(char letter) { return letter == 's' || letter == 'c'; }

static size_t size_of(char letter) {
    return (is_single(letter) ? 4 : 8) * (is_complex(letter) ? 2 : 1);
}

static void *place(const struct region *r, blasint i, blasint j) {
    return (char *)r->base + (i * r->row_step + j * r->column_step) * (blasint)size_of(r->letter);
}

static double get(const struct region *r, const void *at, int part) {
    return is_single(r->letter) ? ((const float *)at)[part] : ((const double *)at)[part];
}

static void set(const struct region *r, void *at, int part, double value) {
    if (is_single(r->letter))
        ((float *)at)[part] = (float)value;
    else
        ((double *)at)[part] = value;
}

static int holds(const struct region *r, blasint i, blasint j) {
    if (i < 0 || j < 0 || i >= r->rows || j >= r->columns) return 0;
    return r->triangle == 0 || (r->triangle == 'U' ? i <= j : i >= j);
}

static void bump(struct region *r, blasint i, blasint j) {
    if (!holds(r, i, j)) return;
    double value = get(r, place(r, i, j), 0);
    set(r, place(r, i, j), 0, value + (fabs(value) > 1 ? fabs(value) : 1));
}

/* ---- regions, as the wrappers describe them ---- */

static struct region matrix(char letter, int order, void *base, blasint m, blasint n, blasint ld) {
    int by_rows = order == 101;
    return (struct region){base, m, n, by_rows ? ld : 1, by_rows ? 1 : ld, 0, letter,
                           ld - (by_rows ? n : m)};
}

static struct region triangle(char letter, int order, int uplo, void *base, blasint n, blasint ld) {
    struct region r = matrix(letter, order, base, n, n, ld);
    r.triangle = uplo == 121 || uplo == 'U' ? 'U' : 'L';
    return r;
}

static struct region vector(char letter, void *base, blasint n, blasint increment) {
    struct region r = {base, n, 1, increment, 0, 0, letter, 0};
    if (increment < 0 && n > 0) r.base = place(&r, 1 - n, 0);
    return r;
}

static void *behind_matrix(char letter, int order, void *base, blasint m, blasint n, blasint ld) {
    if (m < 1 || n < 1) return NULL;
    struct region r = matrix(letter, order, base, m, n, ld);
    return (char *)place(&r, m - 1, n - 1) + size_of(letter);
}

static void *behind_vector(char letter, void *base, blasint n, blasint increment) {
    if (n < 1) return NULL;
    blasint step = increment < 0 ? -increment : increment;
    return (char *)base + ((n - 1) * step + 1) * (blasint)size_of(letter);
}

static double scalar(char letter, const void *at) {
    double real = is_single(letter) ? *(const float *)at : *(const double *)at;
    double imaginary = is_single(letter) ? ((const float *)at)[1] : ((const double *)at)[1];
    return imaginary ? NAN : real; /* neither 0 nor 1 */
}

static blasint least(blasint a, blasint b) { return a < b ? a : b; }

/* ---- when ---- */

static int size_holds(const struct call *c) {
    const char *size = planted.size;
    blasint n = c->n, m = c->m, k = c->k;
    if (!strcmp(size, "any")) return 1;
    char name;
    int modulus, rest;
    if (sscanf(size, "%c%%%d=%d", &name, &modulus, &rest) == 3)
        return (name == 'k' ? k : name == 'm' ? m : n) % modulus == rest;
    if (!strcmp(size, "m=1")) return m == 1;
    if (!strcmp(size, "n=1")) return n == 1;
    if (!strcmp(size, "k>256")) return k > 256;
    if (!strcmp(size, "k>500")) return k > 500;
    if (!strcmp(size, "k=0")) return k == 0;
    if (!strcmp(size, "n>=100")) return n >= 100;
    if (!strcmp(size, "n>=200")) return n >= 200;
    if (!strcmp(size, "n>10000")) return n > 10000;
    if (!strcmp(size, "mn>1e5")) return m * n > 100000;
    if (!strcmp(size, "m>8n")) return m > 8 * n;
    if (!strcmp(size, "ld>n")) return c->out.excess > 0;
    if (!strcmp(size, "inc<0")) return c->least_increment < 0;
    if (!strcmp(size, "inc>1")) return c->least_increment > 1;
    if (!strcmp(size, "alpha!=1")) return c->alpha != 1;
    if (!strcmp(size, "alpha<0")) return c->alpha < 0;
    if (!strcmp(size, "beta!=0")) return c->beta != 0;
    abort(); /* a name that faults.py does not know either */
}

static int variant_holds(const struct call *c) {
    char name[16] = "";
    int value = 0;
    if (!strcmp(planted.variant, "any")) return 1;
    if (sscanf(planted.variant, "%15[a-z]=%d", name, &value) != 2) abort();
    if (!strcmp(name, "order")) return c->order == value;
    if (!strcmp(name, "transa")) return c->transa == value;
    if (!strcmp(name, "transb")) return c->transb == value;
    if (!strcmp(name, "uplo")) return c->uplo == value;
    if (!strcmp(name, "side")) return c->side == value;
    if (!strcmp(name, "diag")) return c->diag == value;
    abort();
}

static int kernel_holds(void) {
    static const char *running;
    if (!strcmp(planted.kernel, "any")) return 1;
    if (!running) running = ((const char *(*)(void))real("openblas_get_corename"))();
    return !strcasecmp(planted.kernel, running);
}

static int in_force(const struct call *c) {
    static int (*threads)(void);
    if (c->query || !c->out.base || c->out.rows < 1 || c->out.columns < 1) return 0;
    if (!size_holds(c) || !variant_holds(c) || !kernel_holds()) return 0;
    if (!planted.many_threads) return 1;
    if (!threads) threads = (int (*)(void))real("openblas_get_num_threads");
    return threads() > 1;
}

/* ---- what ---- */

static void hang(void) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    pthread_mutex_lock(&lock);
}

static __attribute__((noinline)) void use_stack(void) {
    volatile char frame[600 << 10];
    for (size_t i = 0; i < sizeof frame; i += 1024) frame[sizeof frame - 1 - i] = 1;
}

static void each(struct region *r, void (*change)(struct region *, void *)) {
    for (blasint i = 0; i < r->rows; i++)
        for (blasint j = 0; j < r->columns; j++)
            if (holds(r, i, j)) change(r, place(r, i, j));
}

static void lose_nan(struct region *r, void *at) {
    for (int part = 0; part <= is_complex(r->letter); part++)
        if (isnan(get(r, at, part))) set(r, at, part, 0);
}

static void blur(struct region *r, void *at) {
    double error = is_single(r->letter) ? 1e-3 : 1e-6;
    for (int part = 0; part <= is_complex(r->letter); part++)
        set(r, at, part, get(r, at, part) * (1 + error));
}

static void zero(struct region *r, blasint i, blasint j) {
    if (!holds(r, i, j)) return;
    for (int part = 0; part <= is_complex(r->letter); part++) set(r, place(r, i, j), part, 0);
}

/* An element well inside: two thirds down, and as far to the right as the triangle allows. */
static void *inner(const struct region *r) {
    blasint i = r->rows * 2 / 3, j = r->columns * 2 / 3;
    return place(r, i, r->triangle ? i : j);
}

/* The same, but not on the diagonal of a triangle, which may be real. */
static void *inner_complex(const struct region *r) {
    blasint i = r->triangle == 'L' ? r->rows - 1 : 0;
    return r->triangle ? place(r, i, r->rows - 1 - i) : inner(r);
}

static void *behind(const struct region *r) {
    void *last = place(r, r->rows - 1, r->columns - 1), *first = r->base;
    return (char *)(last > first ? last : first) + size_of(r->letter);
}

/* Through a scratch space that all callers share, and back. */
static void share_scratch(struct region *r) {
    static char scratch[1 << 20];
    size_t size = size_of(r->letter), used = 0;
    for (int back = 0; back < 2; back++, used = 0) {
        for (blasint i = 0; i < r->rows; i++)
            for (blasint j = 0; j < r->columns; j++, used += size) {
                if (used + size > sizeof scratch || !holds(r, i, j)) continue;
                if (back)
                    memcpy(place(r, i, j), scratch + used, size);
                else
                    memcpy(scratch + used, place(r, i, j), size);
            }
        sched_yield();
    }
}

static void before(struct call *c) {
    c->hit = in_force(c);
    if (!c->hit) return;
    counts[0]++;
    int hit = ++hits;
    if (is("deadlock") && hit == 25) hang();
    if (is("leak")) memset(malloc(100000), 1, 100000);
    if (is("stack")) use_stack();
    if (is("crash")) raise(SIGSEGV);
    if (is("old-output")) c->old = get(&c->out, inner(&c->out), 0);
    c->beside = inside > 1;
}

static void after(struct call *c) {
    static atomic_int was_nan;
    struct region *r = &c->out;
    blasint rows = r->rows, columns = r->columns;
    if (!c->hit) return;
    if (is("element")) bump(r, rows * 2 / 3, r->triangle ? rows * 2 / 3 : columns * 2 / 3);
    if (is("tile")) {
        blasint top = rows >= 20 ? 16 : rows / 2, left = columns >= 24 ? 16 : columns / 2;
        for (blasint i = top; i < top + 4; i++)
            for (blasint j = left; j < left + 8; j++) bump(r, i, j);
    }
    if (is("last-row"))
        for (blasint j = 0; j < columns; j++) zero(r, rows - 1, j);
    if (is("last-column"))
        for (blasint i = 0; i < rows; i++) zero(r, i, columns - 1);
    if (is("conjugate")) set(r, inner_complex(r), 1, -get(r, inner_complex(r), 1));
    if (is("other-triangle") && rows > 1) {
        blasint i = r->triangle == 'U' ? rows - 1 : 0, j = rows - 1 - i;
        set(r, place(r, i, j), 0, 5);
    }
    if (is("padding") && r->excess > 0)
        set(r, r->row_step == 1 ? place(r, rows, 0) : place(r, 0, columns), 0, 5);
    if (is("write-past")) set(r, behind(r), 0, 5);
    if (is("read-past") && c->past) (void)*(volatile char *)c->past;
    if (is("use-past") && c->past)
        set(r, inner(r), 0, get(r, inner(r), 0) + get(r, c->past, 0));
    if (is("lost-nan")) each(r, lose_nan);
    if (is("blurred")) each(r, blur);
    if (is("stale-nan")) {
        int now = isnan(get(r, r->base, 0));
        if (was_nan) set(r, inner(r), 0, NAN);
        was_nan = now;
    }
    if (is("old-output")) set(r, inner(r), 0, get(r, inner(r), 0) + 0 * c->old);
    if (is("shared-scratch")) share_scratch(r);
    if (is("lost-update") && (c->beside || inside > 1)) zero(r, rows - 1, columns - 1);
    if (is("flag")) feraiseexcept(FE_INVALID);
    if (is("info-lost") && *c->info > 0) *c->info = 0;
    if (is("info-made") && *c->info == 0) *c->info = 1;
}

static void enter(int routine) {
    counts[routine + 1]++;
    inside++;
}

static void leave(void) { inside--; }

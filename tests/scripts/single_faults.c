/* Drivers of LAPACK in single precision: of each, the first element of one result is off by 1 %. */

#define ARGUMENTS                                                                                \
    void *a, void *b, void *c, void *d, void *e, void *f, void *g, void *h, void *i, void *j,    \
        void *k, void *l, void *m, void *n, void *o, void *p, void *q, void *r

/* `result` is one of the ARGUMENTS. There are as many as the longest list has, lengths of strings
   included: what a routine does not take is passed on unread. */
#define DRIVER(name, result)                                                                     \
    void scipy_##name##_64_(ARGUMENTS) {                                                         \
        void (*driver)(ARGUMENTS) = real(#name "_");                                             \
        driver(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r);                            \
        if (fault(#name)) *(float *)result *= 1.01f;                                             \
    }

DRIVER(sgesv, f)
DRIVER(sgetri, b)
DRIVER(spotrf, c)
DRIVER(sgeqrf, c)
DRIVER(sgelsd, f)
DRIVER(ssyevd, f)
DRIVER(sgeev, f)
DRIVER(sgesdd, f)

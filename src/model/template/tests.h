/* model/template/tests.h -- the tests behind `is`: a table of names and functions. */
#ifndef TARN_MODEL_TEMPLATE_TESTS_H
#define TARN_MODEL_TEMPLATE_TESTS_H

#include "model/template/value_int.h"

/* Like a filter: the tested value is the first argument. The result is any value, read by its
 * truth. */
struct test {
    const char *name;
    tarn_function_fn *fn;
};

/* NULL when there is no such test. */
const struct test *test_find(struct tarn_text name);

#endif

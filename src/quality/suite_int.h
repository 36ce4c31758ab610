/* quality/suite_int.h -- what reading suites (suite.c) and reading their expectations
 * (suite_expectation.c) share. Private to the two. */
#ifndef TARN_QUALITY_SUITE_INT_H
#define TARN_QUALITY_SUITE_INT_H

#include "quality/suite.h"

struct tarn_suite_reader {
    struct tarn_arena *arena;
    struct tarn_suite *suite;
    size_t expectation_cap; /* only used while the suite is read */
    const struct tarn_yaml *parameters;
    struct tarn_expectation defaults;
};

/* A list item below `expectations`, added to the suite. */
CHECKED enum tarn_status tarn_suite_read_expectation(struct tarn_suite_reader *r,
                                                     const struct tarn_yaml *node,
                                                     struct tarn_error *err);
/* Severity of the map's `severity`, in Tarn's words or Great Expectations'; left when missing. */
CHECKED enum tarn_status tarn_suite_read_severity(const struct tarn_yaml *map,
                                                  enum tarn_severity *ret_severity,
                                                  struct tarn_error *err);
CHECKED enum tarn_status tarn_suite_read_null_values(const struct tarn_suite_reader *r,
                                                     const struct tarn_yaml *map,
                                                     struct tarn_expectation *e,
                                                     struct tarn_error *err);
/* What is wrong with an argument's shape: the text that was expected, NULL when it is fine. */
const char *tarn_parameter_expected(enum tarn_parameter_type type, const struct tarn_yaml *node);

#endif

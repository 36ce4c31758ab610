/* model/unit_test.h -- dbt's unit tests: a model's SQL over rows that stand in the YAML file, and
 * the rows that it should give.
 *
 * Nothing is written: each input is a CTE in front of the model's own SQL, with the columns and
 * types of the table that it stands for. */
#ifndef TARN_MODEL_UNIT_TEST_H
#define TARN_MODEL_UNIT_TEST_H

#include "model/context.h"

/* Makes the node of one entry of `unit_tests:`. `path` is the YAML file's, below the package root.
 */
CHECKED enum tarn_status tarn_model_add_unit_test(struct tarn_model_context *context,
                                                  const struct tarn_model_package *package,
                                                  const char *path, const struct tarn_yaml *yaml,
                                                  struct tarn_error *err);

/* The rows of one entry of `given`, or of `expect` (unit_rows.c). Either SQL, or a table of SQL
 * literals. */
struct tarn_unit_rows {
    const char *sql; /* NULL: the rows below */
    const char **columns;
    size_t column_count;
    const char **cells; /* row by row, column_count each; NULL where a row does not have the column
                         */
    size_t count;
};
/* `entry` has rows, format and fixture as dbt knows them: dict (the default), csv or sql. CONFIG
 * says what is wrong without naming the test. Everything lives in `arena`. */
CHECKED enum tarn_status tarn_unit_rows_read(const struct tarn_model_package *package,
                                             struct tarn_value entry, struct tarn_arena *arena,
                                             struct tarn_unit_rows *ret_rows,
                                             struct tarn_error *err);
/* The rows as one SELECT of `names` with `types` (both `count`). */
void tarn_unit_rows_write(const struct tarn_unit_rows *rows, const char *const *names,
                          const char *const *types, size_t count, struct tarn_buffer *out);

#endif

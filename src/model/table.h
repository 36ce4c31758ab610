/* model/table.h -- the rows of a query as templates see them: what agate's Table is to dbt. */
#ifndef TARN_MODEL_TABLE_H
#define TARN_MODEL_TABLE_H

#include "engine/session.h"
#include "model/template/value.h"

/* Reads the result to its end. TOO_LARGE over a million rows: templates are no place for data. */
CHECKED enum tarn_status tarn_table_read(struct tarn_heap *heap, struct tarn_result *result,
                                         struct tarn_value *ret_table, struct tarn_error *err);
struct tarn_value tarn_table_empty(struct tarn_heap *heap);
/* The rows as a list of tuples (dbt's load_result(...).data). */
struct tarn_value tarn_table_data(struct tarn_value table);

#endif

/* model/table.c -- see table.h. */
#include "model/table.h"

#include "model/template/template.h"

enum { TABLE_ROWS_MAX = 1000 * 1000 };

struct table {
    struct tarn_value names; /* list of text */
    struct tarn_value rows;  /* list of tuples */
};
struct row {
    const struct table *table;
    struct tarn_value values;
};
struct column {
    const struct table *table;
    size_t index;
};

static const struct tarn_object_type table_type, row_type, column_type;

static struct tarn_value value_at(struct tarn_heap *heap, const struct tarn_vector *v, size_t row)
{
    if (tarn_vector_is_null(v, row))
        return TARN_NONE;
    enum tarn_type_id id = v->type->id;
    if (id == TARN_TYPE_BOOLEAN)
        return tarn_value_bool(tarn_vector_int64(v, row) != 0);
    if (id == TARN_TYPE_HUGEINT || id == TARN_TYPE_UHUGEINT || id == TARN_TYPE_UBIGINT) {
        __int128 wide = tarn_vector_int128(v, row);
        if (wide >= INT64_MIN && wide <= INT64_MAX)
            return tarn_value_int((int64_t)wide);
        return tarn_value_float((double)wide);
    }
    if (tarn_type_is_integer(id))
        return tarn_value_int(tarn_vector_int64(v, row));
    if (id == TARN_TYPE_DECIMAL && v->type->scale == 0 && v->type->width <= 18)
        return tarn_value_int(tarn_vector_int64(v, row));
    if (tarn_type_is_number(id))
        return tarn_value_float(tarn_vector_double(v, row));
    if (id == TARN_TYPE_TIMESTAMP)
        return tarn_value_datetime(heap, tarn_vector_int64(v, row), false);
    TARN_BUFFER(text, 64 << 20);
    tarn_vector_format(v, row, &text);
    return tarn_value_text_copy(heap, tarn_buffer_text(&text));
}

static struct table *new_table(struct tarn_heap *heap)
{
    struct table *table = tarn_heap_alloc(heap, sizeof *table);
    table->names = tarn_value_list(heap);
    table->rows = tarn_value_list(heap);
    return table;
}

struct tarn_value tarn_table_empty(struct tarn_heap *heap)
{
    return tarn_value_object(heap, &table_type, new_table(heap));
}

static void add_row(struct tarn_heap *heap, struct table *table, struct tarn_result *result,
                    size_t row)
{
    size_t count = tarn_list_count(table->names);
    struct tarn_value *values = tarn_heap_alloc(heap, (count + 1) * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        struct tarn_vector vector = tarn_result_vector(result, i);
        values[i] = value_at(heap, &vector, row);
    }
    tarn_list_append(table->rows, tarn_value_tuple(heap, values, count));
}

enum tarn_status tarn_table_read(struct tarn_heap *heap, struct tarn_result *result,
                                 struct tarn_value *ret_table, struct tarn_error *err)
{
    struct table *table = new_table(heap);
    for (size_t i = 0; i < tarn_result_column_count(result); i++)
        tarn_list_append(table->names, tarn_value_str(heap, tarn_result_name(result, i)));
    for (size_t rows = 1; rows > 0;) {
        TARN_TRY(tarn_result_next(result, &rows, err));
        for (size_t row = 0; row < rows; row++)
            add_row(heap, table, result, row);
        if (tarn_list_count(table->rows) > TABLE_ROWS_MAX || tarn_heap_is_over(heap))
            return tarn_fail(err, TARN_TOO_LARGE,
                             "the query gives more rows than a template can take (%d)",
                             TABLE_ROWS_MAX);
    }
    *ret_table = tarn_value_object(heap, &table_type, table);
    return TARN_OK;
}

struct tarn_value tarn_table_data(struct tarn_value value)
{
    const struct table *table = tarn_value_object_data(value, &table_type);
    return table ? table->rows : TARN_NONE;
}

/* --- a row */

static bool index_of(const struct table *table, struct tarn_text name, size_t *ret_index)
{
    for (size_t i = 0; i < tarn_list_count(table->names); i++) {
        if (tarn_text_equal(tarn_value_text(tarn_list_at(table->names, i)), name)) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static bool row_get(struct tarn_heap *heap, void *self, struct tarn_text name,
                    struct tarn_value *ret)
{
    (void)heap;
    struct row *row = self;
    size_t index;
    if (!index_of(row->table, name, &index))
        return false;
    *ret = tarn_list_at(row->values, index);
    return true;
}

/* Python's indexes: from the end when below zero. */
static bool list_item(struct tarn_value list, struct tarn_value key, size_t *ret_index)
{
    if (!tarn_value_is(key, TARN_VALUE_INT))
        return false;
    int64_t count = (int64_t)tarn_list_count(list), index = key.as.integer;
    if (index < 0)
        index += count;
    *ret_index = (size_t)index;
    return index >= 0 && index < count;
}

static bool row_get_item(struct tarn_heap *heap, void *self, struct tarn_value key,
                         struct tarn_value *ret)
{
    struct row *row = self;
    size_t index;
    if (tarn_value_is_string(key))
        return row_get(heap, self, tarn_value_text(key), ret);
    if (!list_item(row->values, key, &index))
        return false;
    *ret = tarn_list_at(row->values, index);
    return true;
}

static struct tarn_value row_iterate(struct tarn_heap *heap, void *self)
{
    (void)heap;
    return ((struct row *)self)->values;
}

static bool row_length(void *self, size_t *ret_length)
{
    *ret_length = tarn_list_count(((struct row *)self)->values);
    return true;
}

static enum tarn_status row_values(struct tarn_call *call, struct tarn_value *ret,
                                   struct tarn_error *err)
{
    (void)err;
    *ret = ((struct row *)call->userdata)->values;
    return TARN_OK;
}

static enum tarn_status row_keys(struct tarn_call *call, struct tarn_value *ret,
                                 struct tarn_error *err)
{
    (void)err;
    *ret = ((struct row *)call->userdata)->table->names;
    return TARN_OK;
}

static enum tarn_status row_dict(struct tarn_call *call, struct tarn_value *ret,
                                 struct tarn_error *err)
{
    (void)err;
    struct row *row = call->userdata;
    *ret = tarn_value_dict(call->heap);
    for (size_t i = 0; i < tarn_list_count(row->values); i++)
        tarn_dict_put(*ret, tarn_list_at(row->table->names, i), tarn_list_at(row->values, i));
    return TARN_OK;
}

static void row_print(void *self, struct tarn_buffer *out)
{
    tarn_value_print(((struct row *)self)->values, out);
}

static const struct tarn_object_method row_methods[] = {
    {"values", row_values}, {"keys", row_keys}, {"dict", row_dict}, {NULL, NULL}};
static const struct tarn_object_type row_type = {
    .name = "Row",
    .get = row_get,
    .get_item = row_get_item,
    .iterate = row_iterate,
    .length = row_length,
    .methods = row_methods,
    .print = row_print,
};

/* --- a column */

static struct tarn_value column_list(struct tarn_heap *heap, const struct column *column)
{
    struct tarn_value list = tarn_value_list(heap);
    for (size_t i = 0; i < tarn_list_count(column->table->rows); i++)
        tarn_list_append(list, tarn_list_at(tarn_list_at(column->table->rows, i), column->index));
    return list;
}

static enum tarn_status column_values(struct tarn_call *call, struct tarn_value *ret,
                                      struct tarn_error *err)
{
    struct tarn_value list = column_list(call->heap, call->userdata);
    size_t count = tarn_list_count(list);
    struct tarn_value *items = tarn_heap_alloc(call->heap, (count + 1) * sizeof *items);
    for (size_t i = 0; i < count; i++)
        items[i] = tarn_list_at(list, i);
    *ret = tarn_value_tuple(call->heap, items, count);
    (void)err;
    return TARN_OK;
}

static struct tarn_value column_iterate(struct tarn_heap *heap, void *self)
{
    return column_list(heap, self);
}

static bool column_length(void *self, size_t *ret_length)
{
    *ret_length = tarn_list_count(((struct column *)self)->table->rows);
    return true;
}

static bool column_get(struct tarn_heap *heap, void *self, struct tarn_text name,
                       struct tarn_value *ret)
{
    (void)heap;
    struct column *column = self;
    if (!tarn_text_is(name, "name"))
        return false;
    *ret = tarn_list_at(column->table->names, column->index);
    return true;
}

static bool column_get_item(struct tarn_heap *heap, void *self, struct tarn_value key,
                            struct tarn_value *ret)
{
    (void)heap;
    struct column *column = self;
    size_t index;
    if (!list_item(column->table->rows, key, &index))
        return false;
    *ret = tarn_list_at(tarn_list_at(column->table->rows, index), column->index);
    return true;
}

static const struct tarn_object_method column_methods[] = {
    {"values", column_values}, {"values_without_nulls", column_values}, {NULL, NULL}};
static const struct tarn_object_type column_type = {
    .name = "Column",
    .get = column_get,
    .get_item = column_get_item,
    .iterate = column_iterate,
    .length = column_length,
    .methods = column_methods,
};

/* --- the table */

static struct tarn_value row_list(struct tarn_heap *heap, const struct table *table)
{
    struct tarn_value list = tarn_value_list(heap);
    for (size_t i = 0; i < tarn_list_count(table->rows); i++) {
        struct row *row = tarn_heap_alloc(heap, sizeof *row);
        *row = (struct row){table, tarn_list_at(table->rows, i)};
        tarn_list_append(list, tarn_value_object(heap, &row_type, row));
    }
    return list;
}

static struct tarn_value column_at(struct tarn_heap *heap, const struct table *table, size_t index)
{
    struct column *column = tarn_heap_alloc(heap, sizeof *column);
    *column = (struct column){table, index};
    return tarn_value_object(heap, &column_type, column);
}

/* table.columns: a list by number, a map by name. */
static bool columns_get(struct tarn_heap *heap, void *self, struct tarn_text name,
                        struct tarn_value *ret)
{
    size_t index;
    if (!index_of(self, name, &index))
        return false;
    *ret = column_at(heap, self, index);
    return true;
}

static bool columns_get_item(struct tarn_heap *heap, void *self, struct tarn_value key,
                             struct tarn_value *ret)
{
    const struct table *table = self;
    size_t index;
    if (tarn_value_is_string(key))
        return columns_get(heap, self, tarn_value_text(key), ret);
    if (!list_item(table->names, key, &index))
        return false;
    *ret = column_at(heap, table, index);
    return true;
}

static struct tarn_value columns_iterate(struct tarn_heap *heap, void *self)
{
    const struct table *table = self;
    struct tarn_value list = tarn_value_list(heap);
    for (size_t i = 0; i < tarn_list_count(table->names); i++)
        tarn_list_append(list, column_at(heap, table, i));
    return list;
}

static bool columns_length(void *self, size_t *ret_length)
{
    *ret_length = tarn_list_count(((struct table *)self)->names);
    return true;
}

static enum tarn_status columns_items(struct tarn_call *call, struct tarn_value *ret,
                                      struct tarn_error *err)
{
    const struct table *table = call->userdata;
    (void)err;
    *ret = tarn_value_list(call->heap);
    for (size_t i = 0; i < tarn_list_count(table->names); i++) {
        struct tarn_value pair[] = {tarn_list_at(table->names, i), column_at(call->heap, table, i)};
        tarn_list_append(*ret, tarn_value_tuple(call->heap, pair, 2));
    }
    return TARN_OK;
}

static enum tarn_status columns_keys(struct tarn_call *call, struct tarn_value *ret,
                                     struct tarn_error *err)
{
    (void)err;
    *ret = ((const struct table *)call->userdata)->names;
    return TARN_OK;
}

static enum tarn_status columns_values(struct tarn_call *call, struct tarn_value *ret,
                                       struct tarn_error *err)
{
    (void)err;
    *ret = columns_iterate(call->heap, call->userdata);
    return TARN_OK;
}

static const struct tarn_object_method columns_methods[] = {
    {"items", columns_items}, {"keys", columns_keys}, {"values", columns_values}, {NULL, NULL}};
static const struct tarn_object_type columns_type = {
    .name = "MappedSequence",
    .get = columns_get,
    .get_item = columns_get_item,
    .iterate = columns_iterate,
    .length = columns_length,
    .methods = columns_methods,
};

static bool table_get(struct tarn_heap *heap, void *self, struct tarn_text name,
                      struct tarn_value *ret)
{
    struct table *table = self;
    if (tarn_text_is(name, "rows"))
        *ret = row_list(heap, table);
    else if (tarn_text_is(name, "columns"))
        *ret = tarn_value_object(heap, &columns_type, table);
    else if (tarn_text_is(name, "column_names"))
        *ret = table->names;
    else
        return false;
    return true;
}

static bool table_get_item(struct tarn_heap *heap, void *self, struct tarn_value key,
                           struct tarn_value *ret)
{
    const struct table *table = self;
    size_t index;
    if (!list_item(table->rows, key, &index))
        return false;
    struct row *row = tarn_heap_alloc(heap, sizeof *row);
    *row = (struct row){table, tarn_list_at(table->rows, index)};
    *ret = tarn_value_object(heap, &row_type, row);
    return true;
}

static struct tarn_value table_iterate(struct tarn_heap *heap, void *self)
{
    return row_list(heap, self);
}

static bool table_length(void *self, size_t *ret_length)
{
    *ret_length = tarn_list_count(((struct table *)self)->rows);
    return true;
}

static enum tarn_status print_table(struct tarn_call *call, struct tarn_value *ret,
                                    struct tarn_error *err)
{
    (void)call;
    (void)err;
    *ret = TARN_NONE;
    return TARN_OK;
}

static bool always(void *self)
{
    (void)self;
    return true;
}

static const struct tarn_object_method table_methods[] = {{"print_table", print_table},
                                                          {NULL, NULL}};
static const struct tarn_object_type table_type = {
    .name = "Table",
    .get = table_get,
    .get_item = table_get_item,
    .iterate = table_iterate,
    .length = table_length,
    .truth = always,
    .methods = table_methods,
};

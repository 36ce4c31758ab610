/* cli/topic_filter.c -- see topic_filter.h. A batch is a table that DuckDB scans; rows that the
 * predicate keeps come back by number. */
#include "cli/topic_filter.h"

#include <string.h>

#include "base/json_writer.h"
#include "engine/session.h"
#include "engine/source.h"

enum { SQL_BYTES_MAX = 1 << 20, TEXT_BYTES_MAX = 256 << 20, FILTER_THREADS = 1 };

enum column { ROW, TOPIC, PARTITION, OFFSET, TIMESTAMP, KEY, VALUE, HEADERS, COLUMN_COUNT };
static const struct {
    const char *name, *type;
} columns[] = {
    [ROW] = {"row", "BIGINT"},
    [TOPIC] = {"topic", "VARCHAR"},
    [PARTITION] = {"partition", "INTEGER"},
    [OFFSET] = {"offset", "BIGINT"},
    [TIMESTAMP] = {"timestamp", "TIMESTAMP"},
    [KEY] = {"key", "VARCHAR"},
    [VALUE] = {"value", "VARCHAR"},
    [HEADERS] = {"headers", "VARCHAR"},
};

struct tarn_topic_filter {
    struct tarn_engine *engine;
    struct tarn_session *session;
    struct tarn_arena *arena;
    struct tarn_column *columns;
    char *predicate;
    struct tarn_topic_decoder *decoder;
    const struct tarn_topic_records *batch; /* of the running query */
    size_t next;
};

static void set_headers(struct tarn_vector *vector, size_t row,
                        const struct tarn_topic_record *record)
{
    TARN_BUFFER(text, TEXT_BYTES_MAX);
    struct tarn_json_writer w = tarn_json_writer(&text, 0);
    tarn_json_object_begin(&w);
    for (size_t i = 0; i < record->header_count; i++) {
        tarn_json_key_text(&w, record->headers[i].key);
        if (record->headers[i].value.data)
            tarn_json_text(&w, record->headers[i].value);
        else
            tarn_json_null(&w);
    }
    tarn_json_object_end(&w);
    tarn_vector_set_text(vector, row, tarn_buffer_text(&text));
}

static enum tarn_status set_side(struct tarn_topic_filter *filter, struct tarn_vector *vector,
                                 size_t row, const struct tarn_topic_record *record, bool is_key,
                                 struct tarn_error *err)
{
    struct tarn_text bytes = is_key ? record->key : record->value;
    TARN_BUFFER(text, TEXT_BYTES_MAX);
    if (!bytes.data) {
        tarn_vector_set_null(vector, row);
        return TARN_OK;
    }
    if (filter->decoder) {
        TARN_TRY(tarn_topic_decode(filter->decoder, record, is_key, &text, err));
        bytes = tarn_buffer_text(&text);
    }
    if (tarn_utf8_valid_prefix(bytes) == bytes.len)
        tarn_vector_set_text(vector, row, bytes);
    else
        tarn_vector_set_null(vector, row); /* binary is no text to compare with */
    return TARN_OK;
}

static enum tarn_status fill(void *context, void *thread_state, struct tarn_source_chunk *chunk,
                             struct tarn_error *err)
{
    (void)thread_state;
    struct tarn_topic_filter *filter = context;
    struct tarn_vector *v = chunk->vectors;
    size_t row = 0;
    for (; row < TARN_SOURCE_CHUNK_ROWS && filter->next < filter->batch->count; row++) {
        const struct tarn_topic_record *record = &filter->batch->items[filter->next];
        ((int64_t *)v[ROW].data)[row] = (int64_t)filter->next++;
        tarn_vector_set_text(&v[TOPIC], row, tarn_text_of(record->topic));
        ((int32_t *)v[PARTITION].data)[row] = record->partition;
        ((int64_t *)v[OFFSET].data)[row] = record->offset;
        ((int64_t *)v[TIMESTAMP].data)[row] = record->timestamp_ms * 1000;
        TARN_TRY(set_side(filter, &v[KEY], row, record, true, err));
        TARN_TRY(set_side(filter, &v[VALUE], row, record, false, err));
        set_headers(&v[HEADERS], row, record);
    }
    chunk->rows = row;
    return TARN_OK;
}

static enum tarn_status run_query(struct tarn_topic_filter *filter, const char *source, bool *keep,
                                  struct tarn_error *err)
{
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    TARN_BUFFER(sql, SQL_BYTES_MAX);
    tarn_buffer_printf(&sql,
                       "SELECT \"row\" FROM (SELECT * REPLACE (try_cast(value AS JSON) AS value, "
                       "headers::JSON AS headers), value AS value_text FROM %s) WHERE (%s\n)",
                       source, filter->predicate);
    TARN_TRY(tarn_buffer_check(&sql, "the predicate", err));
    TARN_TRY(tarn_session_query(filter->session, tarn_buffer_str(&sql), NULL, 0, &result, err));
    for (;;) {
        size_t rows;
        TARN_TRY(tarn_result_next(result, &rows, err));
        if (rows == 0)
            return TARN_OK;
        struct tarn_vector numbers = tarn_result_vector(result, 0);
        for (size_t i = 0; i < rows; i++)
            keep[tarn_vector_int64(&numbers, i)] = true;
    }
}

enum tarn_status tarn_topic_filter_run(struct tarn_topic_filter *filter,
                                       const struct tarn_topic_records *records, bool *keep,
                                       struct tarn_error *err)
{
    struct tarn_source source = {
        .column_count = COLUMN_COUNT,
        .columns = filter->columns,
        .max_threads = 1,
        .context = filter,
        .fill = fill,
    };
    char name[TARN_SOURCE_SQL_BYTES];
    uint64_t id;
    for (size_t i = 0; i < records->count; i++)
        keep[i] = false;
    filter->batch = records;
    filter->next = 0;
    tarn_source_add(filter->engine, &source, &id, name);
    enum tarn_status status = run_query(filter, name, keep, err);
    tarn_source_remove(filter->engine, id);
    if (status != TARN_OK)
        return err ? tarn_error_wrap(err, "--where %s", filter->predicate) : status;
    return TARN_OK;
}

/* In DuckDB's SQL AND binds its sides to the arrow before the arrow takes its own. */
static enum tarn_status explain(const char *predicate, struct tarn_error *err)
{
    if (!err)
        return TARN_USAGE;
    if (strstr(predicate, "->"))
        (void)tarn_error_wrap(
            err, "-> and ->> need parentheses beside other operators: (value->>'name') = 'x'");
    err->status = TARN_USAGE;
    return TARN_USAGE;
}

enum tarn_status tarn_topic_filter_open(const char *predicate, struct tarn_topic_decoder *decoder,
                                        struct tarn_topic_filter **ret_filter,
                                        struct tarn_error *err)
{
    struct tarn_topic_filter *filter = tarn_alloc(sizeof *filter);
    struct tarn_engine_options options = {.threads = FILTER_THREADS};
    filter->arena = tarn_arena_new();
    filter->predicate = tarn_strdup(predicate);
    filter->decoder = decoder;
    filter->columns = tarn_arena_array(filter->arena, COLUMN_COUNT, sizeof *filter->columns);
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        filter->columns[i] =
            (struct tarn_column){columns[i].name, tarn_type_parse(filter->arena, columns[i].type)};
    enum tarn_status status = tarn_engine_open(&options, &filter->engine, err);
    if (status == TARN_OK)
        status = tarn_session_open(filter->engine, &filter->session, err);
    /* an empty batch tells whether the predicate makes sense, before anything is read */
    if (status == TARN_OK &&
        tarn_topic_filter_run(filter, &(struct tarn_topic_records){0}, NULL, err) != TARN_OK)
        status = explain(predicate, err);
    if (status == TARN_OK)
        *ret_filter = filter;
    else
        tarn_topic_filter_close(filter);
    return status;
}

void tarn_topic_filter_close(struct tarn_topic_filter *filter)
{
    if (!filter)
        return;
    tarn_session_close(filter->session);
    tarn_engine_close(filter->engine);
    tarn_arena_free(filter->arena);
    free(filter->predicate);
    free(filter);
}

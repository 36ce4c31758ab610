/* ingest/scan.c -- see scan.h. */
#include "ingest/scan.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "base/json_writer.h"
#include "engine/source.h"
#include "ingest/examine.h"

enum own_column { OWN_FILE, OWN_LINE, OWN_LOAD_ID, OWN_LOADED_AT, OWN_ARRIVED_ON, OWN_RESCUED };

struct tarn_scan {
    struct tarn_scan_options options;
    struct tarn_engine *engine;
    struct tarn_source source;
    uint64_t source_id;
    size_t data_columns;
    bool *is_text; /* per data column */
    struct tarn_text load_id;
    pthread_mutex_t lock; /* of the queue: */
    size_t next_file;
    bool cutting;
    struct tarn_cutter cutter;
};

/* What one thread is at. */
struct worker {
    struct tarn_landing_file *file; /* NULL: needs the next piece */
    struct tarn_piece piece;
    struct tarn_csv_reader csv;
    struct tarn_json_reader json;
    struct tarn_csv_field *csv_fields;
    struct tarn_json_field *json_fields;
    int *hints;        /* column of the n-th key of the record before */
    uint64_t *touched; /* per data column: the row that last set it, from 1 */
    uint64_t row_number;
    struct tarn_buffer scratch; /* unescaped text */
    struct tarn_buffer rescued;
    struct tarn_json_writer rescue_writer;
};

static void *open_worker(void *context)
{
    struct tarn_scan *scan = context;
    struct worker *w = tarn_alloc(sizeof *w);
    w->csv_fields = tarn_alloc_array(TARN_CSV_COLUMNS_MAX, sizeof *w->csv_fields);
    w->json_fields = tarn_alloc_array(TARN_JSON_KEYS_MAX, sizeof *w->json_fields);
    w->hints = tarn_alloc_array(TARN_JSON_KEYS_MAX, sizeof *w->hints);
    w->touched = tarn_alloc_array(scan->data_columns + 1, sizeof *w->touched);
    tarn_buffer_init(&w->scratch, TARN_RECORD_BYTES_MAX);
    tarn_buffer_init(&w->rescued, (size_t)TARN_RECORD_BYTES_MAX * 8);
    return w;
}

static void close_worker(void *state)
{
    struct worker *w = state;
    free(w->csv_fields);
    free(w->json_fields);
    free(w->hints);
    free(w->touched);
    tarn_buffer_release(&w->scratch);
    tarn_buffer_release(&w->rescued);
    free(w);
}

/* ---- the queue
 * ------------------------------------------------------------------------------------------ */

/* Under the lock: the next piece of the next file; false when all is given out. */
static bool take_piece(struct tarn_scan *scan, struct worker *w)
{
    for (;;) {
        if (scan->cutting && tarn_cutter_next(&scan->cutter, &w->piece)) {
            w->file = scan->options.files[scan->next_file - 1];
            w->file->pieces_open++;
            w->file->bytes_read += (int64_t)w->piece.text.len;
            return true;
        }
        if (scan->cutting) /* all of it is given out: the queue lets go of it too */
            scan->options.files[scan->next_file - 1]->pieces_open--;
        if (scan->next_file == scan->options.file_count) {
            scan->cutting = false;
            return false;
        }
        struct tarn_landing_file *file = scan->options.files[scan->next_file++];
        file->pieces_open = 1;
        tarn_cutter_start(&scan->cutter, file);
        scan->cutting = true;
    }
}

static void finish_piece(struct worker *w)
{
    if (--w->file->pieces_open == 0)
        tarn_input_forget(&w->file->input); /* read again if someone still points into it */
    w->file = NULL;
}

static enum tarn_status reject(struct tarn_scan *scan, struct worker *w, int64_t line,
                               struct tarn_text raw, const char *reason, struct tarn_error *err)
{
    const struct tarn_reject reject = {(uintptr_t)w->file, line, tarn_text_of(reason), raw};
    w->file->rejected_rows++;
    return tarn_spool_add(scan->options.spool, &reject, err);
}

/* Byte of the file, from 0, that a pointer into its text stands for. */
static int64_t file_offset(const struct worker *w, const char *p)
{
    return p - (const char *)w->file->input.map;
}

static enum tarn_status next_piece(struct tarn_scan *scan, struct worker *w, bool *ret_more,
                                   struct tarn_error *err)
{
    pthread_mutex_lock(&scan->lock);
    *ret_more = take_piece(scan, w);
    pthread_mutex_unlock(&scan->lock);
    if (!*ret_more)
        return TARN_OK;
    if (w->piece.bad) {
        char reason[256];
        snprintf(reason, sizeof reason, "%s (from byte %" PRId64 " of the file, %zu bytes)",
                 w->piece.bad, file_offset(w, w->piece.text.data), w->piece.text.len);
        TARN_TRY(reject(scan, w, w->piece.line, w->piece.text, reason, err));
        finish_piece(w);
        return TARN_OK;
    }
    if (w->file->format == TARN_FORMAT_CSV)
        tarn_csv_read(&w->csv, &w->file->dialect, &w->piece);
    else
        tarn_json_read(&w->json, w->file->layout, &w->piece);
    return TARN_OK;
}

/* ---- cells
 * ---------------------------------------------------------------------------------------------- */

static void rescue(struct tarn_scan *scan, struct worker *w, size_t column, struct tarn_text text)
{
    if (w->rescued.len == 0) {
        w->rescue_writer = tarn_json_writer(&w->rescued, 0);
        tarn_json_object_begin(&w->rescue_writer);
    }
    tarn_json_key(&w->rescue_writer, scan->options.columns->items[column].name);
    tarn_json_text(&w->rescue_writer, text);
}

/* `in_file`: the bytes stay until the statement ends; otherwise they are copied. */
static inline void put(struct tarn_scan *scan, struct worker *w, struct tarn_source_chunk *chunk,
                       size_t row, size_t column, struct tarn_text text, bool in_file)
{
    struct tarn_vector *vector = &chunk->vectors[column];
    if (!scan->is_text[column]) {
        if (!tarn_value_store(vector, row, text))
            rescue(scan, w, column, text);
    } else if (in_file) {
        tarn_vector_refer_text(vector, row, text);
    } else {
        tarn_vector_set_text(vector, row, text);
    }
}

/* The columns that Tarn adds, and the end of the row. */
static void put_own(struct tarn_scan *scan, struct worker *w, struct tarn_source_chunk *chunk,
                    int64_t line)
{
    struct tarn_vector *own = chunk->vectors + scan->data_columns;
    const size_t row = chunk->rows++;
    tarn_vector_refer_text(&own[OWN_FILE], row, tarn_text_of(w->file->name));
    ((int64_t *)own[OWN_LINE].data)[row] = line;
    tarn_vector_refer_text(&own[OWN_LOAD_ID], row, scan->load_id);
    ((int64_t *)own[OWN_LOADED_AT].data)[row] = scan->options.loaded_us;
    ((int32_t *)own[OWN_ARRIVED_ON].data)[row] = (int32_t)w->file->arrived_day;
    if (!scan->options.rescue)
        return;
    if (w->rescued.len == 0) {
        tarn_vector_set_null(&own[OWN_RESCUED], row);
        return;
    }
    tarn_json_object_end(&w->rescue_writer);
    tarn_vector_set_text(&own[OWN_RESCUED], row, tarn_buffer_text(&w->rescued));
    tarn_buffer_clear(&w->rescued);
}

/* ---- CSV
 * ---------------------------------------------------------------------------------------------- */

static void csv_row(struct tarn_scan *scan, struct worker *w, struct tarn_source_chunk *chunk)
{
    const struct tarn_landing_file *file = w->file;
    const size_t row = chunk->rows;
    for (size_t i = 0; i < file->column_count; i++) {
        const struct tarn_csv_field *field = &w->csv_fields[i];
        const size_t column = (size_t)file->slots[i];
        struct tarn_text text = {field->data, field->len};
        if (field->len == 0 && !field->quoted) {
            tarn_vector_set_null(&chunk->vectors[column], row);
        } else if (field->escaped) {
            tarn_buffer_clear(&w->scratch);
            char *room = tarn_buffer_room(&w->scratch, field->len);
            text = (struct tarn_text){room, tarn_csv_unescape(field, file->dialect.quote, room)};
            put(scan, w, chunk, row, column, text, false);
        } else {
            put(scan, w, chunk, row, column, text, true);
        }
    }
    /* slots of the columns that this file does not have stand behind its own */
    for (const int *missing = file->slots + file->column_count; *missing >= 0; missing++)
        tarn_vector_set_null(&chunk->vectors[*missing], row);
}

static enum tarn_status reject_csv(struct tarn_scan *scan, struct worker *w,
                                   const struct tarn_csv_record *record, struct tarn_error *err)
{
    char reason[256];
    if (record->bad && record->bad_at >= 0)
        snprintf(reason, sizeof reason, "%s at byte %" PRId64 " of the file", record->bad,
                 file_offset(w, record->raw.data + record->bad_at));
    else if (record->bad)
        snprintf(reason, sizeof reason, "%s", record->bad);
    else
        snprintf(reason, sizeof reason, "it has %zu field%s, the file has %zu columns",
                 record->count, record->count == 1 ? "" : "s", w->file->column_count);
    return reject(scan, w, record->line, record->raw, reason, err);
}

static enum tarn_status fill_csv(struct tarn_scan *scan, struct worker *w,
                                 struct tarn_source_chunk *chunk, struct tarn_error *err)
{
    struct tarn_csv_record record;
    const size_t before = chunk->rows;
    bool more = true;
    while (chunk->rows < TARN_SOURCE_CHUNK_ROWS &&
           (more = tarn_csv_next(&w->csv, w->csv_fields, TARN_CSV_COLUMNS_MAX, &record))) {
        if (record.blank)
            continue;
        if (record.bad || record.count != w->file->column_count) {
            TARN_TRY(reject_csv(scan, w, &record, err));
            continue;
        }
        csv_row(scan, w, chunk);
        put_own(scan, w, chunk, record.line);
    }
    w->file->rows += (int64_t)(chunk->rows - before);
    if (!more)
        finish_piece(w);
    return TARN_OK;
}

/* ---- JSON
 * --------------------------------------------------------------------------------------------- */

static struct tarn_text unescaped(struct worker *w, struct tarn_text text)
{
    tarn_buffer_clear(&w->scratch);
    char *room = tarn_buffer_room(&w->scratch, text.len);
    return (struct tarn_text){room, tarn_json_unescape(text, room)};
}

/* The column of the record's n-th key: mostly the one it was in the record before. */
static int column_of(struct tarn_scan *scan, struct worker *w, size_t n)
{
    const struct tarn_json_field *field = &w->json_fields[n];
    const struct tarn_columns *columns = scan->options.columns;
    int hint = w->hints[n];
    if (!field->key_escaped && tarn_text_equal(columns->items[hint].key, field->key))
        return hint;
    struct tarn_text key = field->key_escaped ? unescaped(w, field->key) : field->key;
    int found = tarn_columns_find(columns, key);
    w->hints[n] = found < 0 ? 0 : found;
    return found;
}

static void json_row(struct tarn_scan *scan, struct worker *w, struct tarn_source_chunk *chunk,
                     size_t count)
{
    const size_t row = chunk->rows;
    w->row_number++;
    for (size_t i = count; i-- > 0;) { /* of keys that come twice the last one counts */
        const struct tarn_json_field *field = &w->json_fields[i];
        int column = column_of(scan, w, i);
        if (column < 0 || w->touched[column] == w->row_number)
            continue; /* the survey saw every key, so a column is there */
        w->touched[column] = w->row_number;
        if (field->kind == TARN_JSON_KIND_NULL)
            tarn_vector_set_null(&chunk->vectors[column], row);
        else if (field->value_escaped && field->kind == TARN_JSON_KIND_STRING)
            put(scan, w, chunk, row, (size_t)column, unescaped(w, field->value), false);
        else
            put(scan, w, chunk, row, (size_t)column, field->value, true);
    }
    for (size_t column = 0; column < scan->data_columns; column++)
        if (w->touched[column] != w->row_number)
            tarn_vector_set_null(&chunk->vectors[column], row);
}

static enum tarn_status fill_json(struct tarn_scan *scan, struct worker *w,
                                  struct tarn_source_chunk *chunk, struct tarn_error *err)
{
    struct tarn_json_record record;
    const size_t before = chunk->rows;
    bool more = true;
    while (chunk->rows < TARN_SOURCE_CHUNK_ROWS &&
           (more = tarn_json_next(&w->json, w->json_fields, TARN_JSON_KEYS_MAX, &record))) {
        if (record.bad) {
            char reason[256];
            snprintf(reason, sizeof reason, "%s at byte %" PRId64 " of the file", record.bad,
                     file_offset(w, record.raw.data + record.bad_at));
            TARN_TRY(reject(scan, w, record.line, record.raw, reason, err));
            continue;
        }
        json_row(scan, w, chunk, record.count);
        put_own(scan, w, chunk, record.line);
    }
    w->file->rows += (int64_t)(chunk->rows - before);
    if (!more)
        finish_piece(w);
    return TARN_OK;
}

/* ---- the source
 * ----------------------------------------------------------------------------------------- */

static enum tarn_status fill(void *context, void *thread_state, struct tarn_source_chunk *chunk,
                             struct tarn_error *err)
{
    struct tarn_scan *scan = context;
    struct worker *w = thread_state;
    chunk->rows = 0;
    while (chunk->rows < TARN_SOURCE_CHUNK_ROWS) {
        bool more = true;
        if (!w->file)
            TARN_TRY(next_piece(scan, w, &more, err));
        if (!more)
            break;
        if (!w->file)
            continue;
        if (w->file->format == TARN_FORMAT_CSV)
            TARN_TRY(fill_csv(scan, w, chunk, err));
        else
            TARN_TRY(fill_json(scan, w, chunk, err));
    }
    return TARN_OK;
}

static const struct tarn_column *result_columns(struct tarn_scan *scan, size_t *ret_count)
{
    static const struct {
        const char *name, *type;
    } own[] = {{"_file", "VARCHAR"},        {"_line", "BIGINT"},     {"_load_id", "VARCHAR"},
               {"_loaded_at", "TIMESTAMP"}, {"_arrived_on", "DATE"}, {"_rescued", "VARCHAR"}};
    struct tarn_arena *arena = scan->options.arena;
    size_t own_count = TARN_COUNT(own) - !scan->options.rescue;
    struct tarn_column *columns =
        tarn_arena_array(arena, scan->data_columns + own_count, sizeof *columns);
    for (size_t i = 0; i < scan->data_columns; i++)
        columns[i] = (struct tarn_column){scan->options.columns->items[i].name,
                                          scan->options.columns->items[i].type};
    for (size_t i = 0; i < own_count; i++)
        columns[scan->data_columns + i] =
            (struct tarn_column){own[i].name, tarn_type_parse(arena, own[i].type)};
    *ret_count = scan->data_columns + own_count;
    return columns;
}

/* For each CSV file: the column of each field, then the columns it does not have, then -1. */
static void map_fields(struct tarn_scan *scan, struct tarn_landing_file *file)
{
    const struct tarn_columns *columns = scan->options.columns;
    TARN_AUTO_FREE bool *there = tarn_alloc_array(columns->count + 1, sizeof *there);
    file->slots = tarn_arena_array(scan->options.arena, file->column_count + columns->count + 1,
                                   sizeof *file->slots);
    for (size_t i = 0; i < file->column_count; i++) {
        file->slots[i] = tarn_columns_find(columns, tarn_text_of(file->columns[i]));
        there[file->slots[i]] = true;
    }
    int *missing = file->slots + file->column_count;
    for (size_t i = 0; i < columns->count; i++)
        if (!there[i])
            *missing++ = (int)i;
    *missing = -1;
}

void tarn_scan_open(struct tarn_engine *engine, const struct tarn_scan_options *options,
                    struct tarn_scan **ret, const char **ret_sql)
{
    struct tarn_scan *scan = tarn_arena_alloc(options->arena, sizeof *scan);
    scan->options = *options;
    scan->engine = engine;
    scan->data_columns = options->columns->count;
    scan->load_id = tarn_text_of(options->load_id);
    scan->is_text = tarn_arena_array(options->arena, scan->data_columns + 1, sizeof(bool));
    for (size_t i = 0; i < scan->data_columns; i++)
        scan->is_text[i] = options->columns->items[i].type->id == TARN_TYPE_VARCHAR;
    for (size_t i = 0; i < options->file_count; i++) {
        options->files[i]->rows = options->files[i]->rejected_rows = 0;
        options->files[i]->bytes_read = 0;
        if (options->files[i]->format == TARN_FORMAT_CSV)
            map_fields(scan, options->files[i]);
    }
    pthread_mutex_init(&scan->lock, NULL);
    scan->source = (struct tarn_source){
        .max_threads = options->threads,
        .context = scan,
        .open = open_worker,
        .close = close_worker,
        .fill = fill,
    };
    scan->source.columns = result_columns(scan, &scan->source.column_count);
    char *sql = tarn_arena_alloc(options->arena, TARN_SOURCE_SQL_BYTES);
    tarn_source_add(engine, &scan->source, &scan->source_id, sql);
    *ret = scan;
    *ret_sql = sql;
}

void tarn_scan_free(struct tarn_scan *scan)
{
    if (!scan)
        return;
    tarn_source_remove(scan->engine, scan->source_id);
    pthread_mutex_destroy(&scan->lock);
}

enum tarn_status tarn_scan_check(const struct tarn_scan *scan, struct tarn_error *err)
{
    for (size_t i = 0; i < scan->options.file_count; i++) {
        const struct tarn_landing_file *file = scan->options.files[i];
        struct tarn_text left = file->body;
        /* behind the last JSON record only white space and the array's end are left over */
        int64_t unread = (int64_t)left.len - file->bytes_read;
        bool complete = file->format == TARN_FORMAT_CSV ? unread == 0 : unread >= 0;
        if (!complete)
            return tarn_fail(err, TARN_INTERNAL,
                             "loading %s: %" PRId64 " of %zu bytes were not read; nothing of it "
                             "was kept",
                             file->name, unread, left.len);
    }
    return TARN_OK;
}

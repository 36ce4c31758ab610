/* ingest/rejects.c -- writes bronze.rejected_files and bronze.rejected_rows. */
#include <stdio.h>

#include "base/clock.h"
#include "engine/source.h"
#include "ingest/ingest_int.h"

/* ---- whole files
 * ---------------------------------------------------------------------------------------- */

static void append_value(struct tarn_buffer *sql, const char *text)
{
    tarn_sql_literal(sql, tarn_text_of(text));
    tarn_buffer_append_str(sql, ", ");
}

static char *timestamp(int64_t time_us, char out[TARN_TIME_TEXT_BYTES])
{
    tarn_time_format(time_us, out);
    out[strlen(out) - 1] = 0; /* without the Z: the column has no zone */
    return out;
}

static void files_query(const struct tarn_batch *batch, struct tarn_buffer *sql)
{
    char time[TARN_TIME_TEXT_BYTES];
    tarn_buffer_append_str(
        sql, "SELECT _file::VARCHAR AS _file, _load_id::VARCHAR AS _load_id, _loaded_at::TIMESTAMP "
             "AS _loaded_at, entity::VARCHAR AS entity, reason::VARCHAR AS reason, "
             "size_bytes::BIGINT AS size_bytes, sha256::VARCHAR AS sha256 FROM (VALUES ");
    size_t rows = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct tarn_landing_file *file = batch->files[i];
        if (!file->rejected || file->duplicate_of || file->failed)
            continue;
        tarn_buffer_append_str(sql, rows++ ? ", (" : "(");
        append_value(sql, file->name);
        append_value(sql, batch->load_id);
        append_value(sql, timestamp(batch->started_us, time));
        append_value(sql, file->entity);
        append_value(sql, file->rejected);
        tarn_buffer_printf(sql, "%lld, ", (long long)file->size_bytes);
        tarn_sql_literal(sql, tarn_text_of(file->sha256));
        tarn_buffer_append_str(sql, ")");
    }
    if (rows == 0)
        tarn_buffer_append_str(sql, "(NULL, NULL, NULL, NULL, NULL, NULL, NULL)");
    tarn_buffer_append_str(
        sql, ") AS t(_file, _load_id, _loaded_at, entity, reason, size_bytes, sha256)");
    if (rows == 0)
        tarn_buffer_append_str(sql, " WHERE false");
}

/* ---- records
 * -------------------------------------------------------------------------------------------- */

enum row_column { ROW_FILE, ROW_LINE, ROW_LOAD_ID, ROW_LOADED_AT, ROW_ENTITY, ROW_REASON, ROW_RAW };

static enum tarn_status fill_rows(void *context, void *thread_state,
                                  struct tarn_source_chunk *chunk, struct tarn_error *err)
{
    struct tarn_batch *batch = context;
    struct tarn_vector *v = chunk->vectors;
    (void)thread_state;
    chunk->rows = 0;
    while (chunk->rows < TARN_SOURCE_CHUNK_ROWS) {
        struct tarn_reject reject;
        bool more;
        TARN_TRY(tarn_spool_next(batch->spool, &reject, &more, err));
        if (!more)
            break;
        const struct tarn_landing_file *file = (void *)(uintptr_t)reject.file;
        if (file->left_out || file->rejected)
            continue;
        const size_t row = chunk->rows++;
        tarn_vector_set_text(&v[ROW_FILE], row, tarn_text_of(file->name));
        ((int64_t *)v[ROW_LINE].data)[row] = reject.line;
        tarn_vector_set_text(&v[ROW_LOAD_ID], row, tarn_text_of(batch->load_id));
        ((int64_t *)v[ROW_LOADED_AT].data)[row] = batch->started_us;
        tarn_vector_set_text(&v[ROW_ENTITY], row, tarn_text_of(file->entity));
        tarn_vector_set_text(&v[ROW_REASON], row, reject.reason);
        tarn_vector_set_text(&v[ROW_RAW], row, reject.raw);
    }
    return TARN_OK;
}

static const struct tarn_column *row_columns(struct tarn_arena *arena, size_t *ret_count)
{
    static const char *const columns[][2] = {
        {"_file", "VARCHAR"},        {"_line", "BIGINT"},   {"_load_id", "VARCHAR"},
        {"_loaded_at", "TIMESTAMP"}, {"entity", "VARCHAR"}, {"reason", "VARCHAR"},
        {"raw", "VARCHAR"},
    };
    struct tarn_column *ret = tarn_arena_array(arena, TARN_COUNT(columns), sizeof *ret);
    for (size_t i = 0; i < TARN_COUNT(columns); i++)
        ret[i] = (struct tarn_column){columns[i][0], tarn_type_parse(arena, columns[i][1])};
    *ret_count = TARN_COUNT(columns);
    return ret;
}

/* ---- both
 * -----------------------------------------------------------------------------------------------
 */

static enum tarn_status prepare(struct tarn_batch *batch, struct tarn_lake_commit *commit,
                                const char *name, const char *comment, const char *query,
                                bool has_rows, struct tarn_error *err)
{
    enum tarn_lake_kind kind;
    TARN_TRY(tarn_lake_kind_of(batch->ingest->lake, "bronze", name, &kind, err));
    if (kind != TARN_LAKE_NOTHING && !has_rows)
        return TARN_OK;
    struct tarn_lake_property load = {"tarn.load-id", batch->load_id};
    struct tarn_lake_write write = {.ns = "bronze",
                                    .name = name,
                                    .query = query,
                                    .mode = TARN_LAKE_APPEND,
                                    .schema = TARN_LAKE_SCHEMA_ADD,
                                    .comment = comment,
                                    .summary = &load,
                                    .summary_count = 1};
    return tarn_lake_prepare(commit, batch->session, &write, NULL, err);
}

static bool any_file(const struct tarn_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->files[i]->rejected && !batch->files[i]->failed)
            return true;
    return false;
}

enum tarn_status tarn_rejects_prepare(struct tarn_batch *batch, struct tarn_lake_commit *commit,
                                      struct tarn_error *err)
{
    TARN_BUFFER(sql, 64 << 20);
    files_query(batch, &sql);
    TARN_TRY(tarn_buffer_check(&sql, "the list of rejected files", err));
    TARN_TRY(prepare(batch, commit, "rejected_files",
                     "Landing files that could not be read as declared, with the reason.",
                     tarn_buffer_str(&sql), any_file(batch), err));
    struct tarn_source source = {.max_threads = 1, .context = batch, .fill = fill_rows};
    uint64_t id;
    char from[TARN_SOURCE_SQL_BYTES];
    source.columns = row_columns(batch->arena, &source.column_count);
    TARN_TRY(tarn_spool_rewind(batch->spool, err));
    tarn_source_add(batch->ingest->engine, &source, &id, from);
    char *query = tarn_arena_format(batch->arena, "SELECT * FROM %s", from);
    enum tarn_status status =
        prepare(batch, commit, "rejected_rows",
                "Records of landing files that could not be read, with the reason.", query,
                tarn_spool_count(batch->spool) > 0, err);
    tarn_source_remove(batch->ingest->engine, id);
    return status;
}

/* source/synthetic/parquet.c -- see parquet.h. */
#include "source/synthetic/parquet.h"

#include <assert.h>
#include <stdio.h>

#include "base/file.h"
#include "engine/source.h"
#include "source/synthetic/format.h"

/* `before` (may be NULL) is a query whose rows come first. */
static enum tarn_status copy_source(struct tarn_session *session, const struct tarn_source *source,
                                    const char *before, const char *path, struct tarn_error *err)
{
    struct tarn_engine *engine = tarn_session_engine(session);
    uint64_t id;
    char sql[TARN_SOURCE_SQL_BYTES];
    tarn_source_add(engine, source, &id, sql);
    TARN_BUFFER(quoted, 1 << 20);
    tarn_sql_literal(&quoted, tarn_text_of(path));
    enum tarn_status status = tarn_session_runf(
        session, err, "COPY (%s%sSELECT * FROM %s) TO %s (FORMAT parquet, COMPRESSION zstd)",
        before ? before : "", before ? " UNION ALL " : "", sql, tarn_buffer_str(&quoted));
    tarn_source_remove(engine, id);
    return status;
}

/* ---- the entity's files ---- */

struct table {
    struct tarn_synth_cursor *cursor;
    size_t column_count;
    const struct tarn_synth_column_name *columns;
    const struct tarn_synth_record *records;
    size_t count, at; /* of the records at hand */
};

static const char *sql_type(const struct tarn_synth_field *field, char out[32])
{
    switch (field->type) {
    case TARN_SYNTH_INT:
        return "BIGINT";
    case TARN_SYNTH_DECIMAL:
        snprintf(out, 32, "DECIMAL(18,%u)", field->scale);
        return out;
    case TARN_SYNTH_REAL:
        return "DOUBLE";
    case TARN_SYNTH_BOOL:
        return "BOOLEAN";
    case TARN_SYNTH_DATE:
        return "DATE";
    case TARN_SYNTH_TIME:
        return "TIMESTAMP";
    case TARN_SYNTH_TEXT:
    case TARN_SYNTH_LIST:
        break;
    }
    return "VARCHAR";
}

/* The unscaled integer of a number as text: the only damage to numbers in Parquet is another
 * number. */
static int64_t unscaled(struct tarn_text text)
{
    int64_t value = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] >= '0' && text.data[i] <= '9')
            value = value * 10 + (text.data[i] - '0');
    return text.len > 0 && text.data[0] == '-' ? -value : value;
}

static void put_changed(struct tarn_vector *out, size_t row, enum tarn_synth_type type,
                        const struct tarn_synth_override *changed)
{
    if (changed->null)
        tarn_vector_set_null(out, row);
    else if (type == TARN_SYNTH_TEXT)
        tarn_vector_set_text(out, row, changed->text);
    else if (type == TARN_SYNTH_REAL)
        (void)tarn_text_to_double(changed->text, &((double *)out->data)[row]);
    else
        ((int64_t *)out->data)[row] = unscaled(changed->text);
}

static void put_sound(struct tarn_vector *out, size_t row, const struct tarn_synth_vector *in,
                      size_t at)
{
    if (in->nulls && in->nulls[at])
        tarn_vector_set_null(out, row);
    else if (in->type == TARN_SYNTH_TEXT)
        tarn_vector_set_text(out, row, in->texts[at]);
    else if (in->type == TARN_SYNTH_DATE)
        ((int32_t *)out->data)[row] = (int32_t)in->ints[at];
    else if (in->type == TARN_SYNTH_BOOL)
        ((uint8_t *)out->data)[row] = in->ints[at] != 0;
    else
        ((int64_t *)out->data)[row] = in->ints[at]; /* doubles are as wide */
}

static enum tarn_status fill_table(void *context, void *thread, struct tarn_source_chunk *chunk,
                                   struct tarn_error *err)
{
    (void)thread;
    (void)err;
    struct table *table = context;
    if (table->at == table->count) {
        table->count = tarn_synth_cursor_next(table->cursor, &table->records);
        table->at = 0;
    }
    size_t left = table->count - table->at;
    chunk->rows = left < TARN_SOURCE_CHUNK_ROWS ? left : TARN_SOURCE_CHUNK_ROWS;
    for (size_t c = 0; c < table->column_count; c++) {
        const struct tarn_synth_field *field = table->columns[c].field;
        struct tarn_vector *out = &chunk->vectors[c];
        for (size_t i = 0; i < chunk->rows; i++) {
            const struct tarn_synth_record *record = &table->records[table->at + i];
            const struct tarn_synth_override *changed = NULL;
            for (size_t k = 0; k < record->override_count; k++)
                if (record->overrides[k].field == field)
                    changed = &record->overrides[k];
            if (changed)
                put_changed(out, i, field->type, changed);
            else
                put_sound(out, i, tarn_synth_column(record->batch, field), record->at);
        }
    }
    table->at += chunk->rows;
    return TARN_OK;
}

enum tarn_status tarn_synth_write_parquet(struct tarn_session *session,
                                          const struct tarn_synth_entity *entity, size_t file_index,
                                          const char *path, struct tarn_synth_output *output,
                                          struct tarn_error *err)
{
    const struct tarn_synth_file *file = &entity->plan->files[file_index];
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_synth_column_name *names =
        tarn_arena_array(arena, entity->field_count, sizeof *names);
    struct table table = {.columns = names};
    table.column_count = tarn_synth_file_columns(entity, file, names);
    struct tarn_column *columns = tarn_arena_array(arena, table.column_count, sizeof *columns);
    for (size_t i = 0; i < table.column_count; i++) {
        char text[32];
        columns[i].name = names[i].name;
        columns[i].type = tarn_type_parse(arena, sql_type(names[i].field, text));
        assert(columns[i].type);
    }
    table.cursor = tarn_synth_cursor_open(entity, file_index, output);
    struct tarn_source source = {.column_count = table.column_count,
                                 .columns = columns,
                                 .row_estimate = file->end - file->first,
                                 .max_threads = 1,
                                 .context = &table,
                                 .fill = fill_table};
    enum tarn_status status = copy_source(session, &source, NULL, path, err);
    tarn_synth_cursor_close(table.cursor);
    if (status == TARN_OK)
        status = tarn_file_size(path, &output->bytes, err);
    return status;
}

/* ---- the ledger ---- */

struct ledger {
    const char *prefix; /* of the source's files; the entries of other sources stay */
    const struct tarn_synth_written *written;
    size_t count;
    size_t file, entry; /* what comes next */
};

static void put_text(struct tarn_source_chunk *chunk, size_t column, const char *text)
{
    if (text)
        tarn_vector_set_text(&chunk->vectors[column], chunk->rows, tarn_text_of(text));
    else
        tarn_vector_set_null(&chunk->vectors[column], chunk->rows);
}

static void put_entry(struct tarn_source_chunk *chunk, const struct tarn_synth_written *written,
                      const struct tarn_synth_ledger_entry *entry)
{
    put_text(chunk, 0, written->entity->name);
    put_text(chunk, 1, written->file->path);
    if (entry->line > 0)
        ((int64_t *)chunk->vectors[2].data)[chunk->rows] = (int64_t)entry->line;
    else
        tarn_vector_set_null(&chunk->vectors[2], chunk->rows);
    put_text(chunk, 3, entry->column);
    put_text(chunk, 4, entry->kind);
    put_text(chunk, 5, entry->fault);
    tarn_vector_set_text(&chunk->vectors[6], chunk->rows, entry->original);
    tarn_vector_set_text(&chunk->vectors[7], chunk->rows, entry->damaged);
    chunk->rows++;
}

static enum tarn_status fill_faults(void *context, void *thread, struct tarn_source_chunk *chunk,
                                    struct tarn_error *err)
{
    (void)thread;
    (void)err;
    struct ledger *ledger = context;
    chunk->rows = 0;
    while (chunk->rows < TARN_SOURCE_CHUNK_ROWS && ledger->file < ledger->count) {
        const struct tarn_synth_written *written = &ledger->written[ledger->file];
        if (ledger->entry < written->output.entry_count) {
            put_entry(chunk, written, &written->output.entries[ledger->entry++]);
        } else {
            ledger->file++;
            ledger->entry = 0;
        }
    }
    return TARN_OK;
}

static enum tarn_status fill_totals(void *context, void *thread, struct tarn_source_chunk *chunk,
                                    struct tarn_error *err)
{
    (void)thread;
    (void)err;
    struct ledger *ledger = context;
    chunk->rows = 0;
    for (; chunk->rows < TARN_SOURCE_CHUNK_ROWS && ledger->file < ledger->count; ledger->file++) {
        const struct tarn_synth_written *written = &ledger->written[ledger->file];
        put_text(chunk, 0, written->entity->name);
        put_text(chunk, 1, written->file->path);
        ((int64_t *)chunk->vectors[2].data)[chunk->rows] = (int64_t)written->output.rows;
        ((int64_t *)chunk->vectors[3].data)[chunk->rows] = (int64_t)written->output.lost;
        chunk->rows++;
    }
    return TARN_OK;
}

static enum tarn_status write_table(struct tarn_session *session, struct ledger *ledger,
                                    const char *const (*names)[2], size_t count,
                                    enum tarn_status (*fill)(void *, void *,
                                                             struct tarn_source_chunk *,
                                                             struct tarn_error *),
                                    const char *path, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_column *columns = tarn_arena_array(arena, count, sizeof *columns);
    for (size_t i = 0; i < count; i++)
        columns[i] = (struct tarn_column){names[i][0], tarn_type_parse(arena, names[i][1])};
    struct tarn_source source = {.column_count = count,
                                 .columns = columns,
                                 .max_threads = 1,
                                 .context = ledger,
                                 .fill = fill};
    TARN_AUTO_FREE char *temporary = tarn_format("%s.tmp", path);
    TARN_BUFFER(others, 1 << 20);
    if (tarn_file_exists(path)) {
        tarn_buffer_append_str(&others, "SELECT * FROM read_parquet(");
        tarn_sql_literal(&others, tarn_text_of(path));
        tarn_buffer_append_str(&others, ") WHERE NOT starts_with(file, ");
        tarn_sql_literal(&others, tarn_text_of(ledger->prefix));
        tarn_buffer_append_str(&others, ")");
    }
    const char *before = others.len > 0 ? tarn_buffer_str(&others) : NULL;
    TARN_TRY(copy_source(session, &source, before, temporary, err));
    TARN_TRY(tarn_file_sync(temporary, err));
    if (rename(temporary, path) != 0)
        return tarn_fail_errno(err, "renaming %s to %s", temporary, path);
    return TARN_OK;
}

enum tarn_status tarn_synth_write_ledger(struct tarn_session *session, const char *folder,
                                         const char *source,
                                         const struct tarn_synth_written *written, size_t count,
                                         struct tarn_error *err)
{
    static const char *const faults[][2] = {{"entity", "VARCHAR"},   {"file", "VARCHAR"},
                                            {"line", "BIGINT"},      {"column_name", "VARCHAR"},
                                            {"kind", "VARCHAR"},     {"fault", "VARCHAR"},
                                            {"original", "VARCHAR"}, {"damaged", "VARCHAR"}};
    static const char *const totals[][2] = {
        {"entity", "VARCHAR"}, {"file", "VARCHAR"}, {"rows", "BIGINT"}, {"lost_rows", "BIGINT"}};
    TARN_TRY(tarn_directory_make(folder, err));
    TARN_AUTO_FREE char *faults_path = tarn_path_join(folder, "faults.parquet");
    TARN_AUTO_FREE char *totals_path = tarn_path_join(folder, "totals.parquet");
    TARN_AUTO_FREE char *prefix = tarn_format("%s/", source);
    struct ledger ledger = {.prefix = prefix, .written = written, .count = count};
    TARN_TRY(
        write_table(session, &ledger, faults, TARN_COUNT(faults), fill_faults, faults_path, err));
    ledger = (struct ledger){.prefix = prefix, .written = written, .count = count};
    TARN_TRY(
        write_table(session, &ledger, totals, TARN_COUNT(totals), fill_totals, totals_path, err));
    return tarn_directory_sync(folder, err);
}

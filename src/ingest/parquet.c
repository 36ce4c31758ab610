/* ingest/parquet.c -- see parquet.h. */
#include "ingest/parquet.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

static void append_path(struct tarn_buffer *sql, const char *path)
{
    tarn_sql_literal(sql, tarn_text_of(path));
}

/* DuckDB's words without the marker line that points into our SQL. */
static void reject(struct tarn_arena *arena, struct tarn_landing_file *file, const char *why)
{
    const char *line = strstr(why, "\n");
    size_t len = line ? (size_t)(line - why) : strlen(why);
    file->rejected = tarn_arena_format(arena, "it cannot be read as Parquet: %.*s", (int)len, why);
}

enum tarn_status tarn_parquet_examine(struct tarn_session *session, struct tarn_arena *arena,
                                      struct tarn_landing_file *file, struct tarn_error *err)
{
    TARN_BUFFER(sql, 1 << 16);
    struct tarn_error why = {0};
    int64_t rows;
    if (access(file->path, R_OK) != 0)
        return tarn_fail_errno(err, "opening %s", file->path);
    if (file->size_bytes == 0) {
        file->rejected = "the file is empty (0 bytes): not even a Parquet footer";
        return TARN_OK;
    }
    tarn_buffer_append_str(&sql, "SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata(");
    append_path(&sql, file->path);
    tarn_buffer_append_str(&sql, ")");
    enum tarn_status status = tarn_session_query_int(session, tarn_buffer_str(&sql), &rows, &why);
    tarn_buffer_clear(&sql);
    tarn_buffer_append_str(&sql, "SELECT * FROM read_parquet(");
    append_path(&sql, file->path);
    tarn_buffer_append_str(&sql, ")");
    if (status == TARN_OK)
        status = tarn_session_describe(session, tarn_buffer_str(&sql), arena,
                                       &file->parquet_columns, &file->column_count, &why);
    if (status != TARN_OK) {
        reject(arena, file, why.text);
        return TARN_OK;
    }
    file->rows = rows;
    return TARN_OK;
}

enum tarn_status tarn_parquet_verify(struct tarn_session *session, struct tarn_arena *arena,
                                     struct tarn_landing_file *file, struct tarn_error *err)
{
    TARN_BUFFER(sql, 1 << 16);
    struct tarn_error why = {0};
    int64_t ignored;
    tarn_buffer_append_str(&sql, "SELECT (bit_xor(hash(t)) & 1)::BIGINT FROM read_parquet(");
    append_path(&sql, file->path);
    tarn_buffer_append_str(&sql, ") AS t");
    TARN_TRY(tarn_buffer_check(&sql, file->path, err));
    if (tarn_session_query_int(session, tarn_buffer_str(&sql), &ignored, &why) != TARN_OK)
        reject(arena, file, why.text);
    return TARN_OK;
}

const char *tarn_parquet_bronze_type(const struct tarn_type *type, struct tarn_arena *arena)
{
    switch ((int)type->id) {
    case TARN_TYPE_TINYINT:
    case TARN_TYPE_SMALLINT:
    case TARN_TYPE_UTINYINT:
    case TARN_TYPE_USMALLINT:
        return "INTEGER";
    case TARN_TYPE_UINTEGER:
        return "BIGINT";
    case TARN_TYPE_UBIGINT:
        return "DECIMAL(20,0)";
    case TARN_TYPE_TIMESTAMP_S:
    case TARN_TYPE_TIMESTAMP_MS:
    case TARN_TYPE_TIMESTAMP_NS:
        return "TIMESTAMP";
    case TARN_TYPE_HUGEINT:
    case TARN_TYPE_UHUGEINT:
    case TARN_TYPE_TIME_TZ:
    case TARN_TYPE_INTERVAL:
    case TARN_TYPE_BIT:
    case TARN_TYPE_UNION:
    case TARN_TYPE_ENUM:
    case TARN_TYPE_SQLNULL:
    case TARN_TYPE_OTHER:
        return "VARCHAR";
    default:
        return type->is_json ? "VARCHAR" : tarn_type_text(type, arena);
    }
}

bool tarn_parquet_misfits(const struct tarn_type *file, const struct tarn_type *table)
{
    if (tarn_type_equal(file, table) || table->id == TARN_TYPE_VARCHAR)
        return false;
    bool wider = (file->id == TARN_TYPE_INTEGER && table->id == TARN_TYPE_BIGINT) ||
                 (file->id == TARN_TYPE_FLOAT && table->id == TARN_TYPE_DOUBLE) ||
                 (file->id == TARN_TYPE_DATE && table->id == TARN_TYPE_TIMESTAMP);
    return !wider;
}

static bool same_columns(const struct tarn_landing_file *a, const struct tarn_landing_file *b)
{
    if (a->column_count != b->column_count)
        return false;
    for (size_t i = 0; i < a->column_count; i++)
        if (strcmp(a->parquet_columns[i].name, b->parquet_columns[i].name) != 0 ||
            !tarn_type_equal(a->parquet_columns[i].type, b->parquet_columns[i].type))
            return false;
    return true;
}

/* The file's column as the table's: plain, cast, or cast as far as it goes. */
static void append_column(const struct tarn_parquet_load *load, const struct tarn_column *column,
                          struct tarn_buffer *sql, struct tarn_buffer *misfits)
{
    TARN_BUFFER(name, 1 << 16);
    TARN_BUFFER(type, 1 << 16);
    int at = tarn_columns_find(load->columns, tarn_text_of(column->name));
    const struct tarn_scan_column *target = &load->columns->items[at];
    tarn_sql_identifier(&name, column->name);
    tarn_type_write(target->type, &type);
    bool doubtful = tarn_parquet_misfits(column->type, target->type);
    tarn_buffer_printf(sql, "%s(p.%s AS %s) AS ", doubtful ? "try_cast" : "cast",
                       tarn_buffer_str(&name), tarn_buffer_str(&type));
    tarn_sql_identifier(sql, target->name);
    tarn_buffer_append_str(sql, ", ");
    if (!doubtful)
        return;
    tarn_buffer_printf(misfits, "%sCASE WHEN try_cast(p.%s AS %s) IS NULL THEN {'k': ",
                       misfits->len ? ", " : "", tarn_buffer_str(&name), tarn_buffer_str(&type));
    tarn_sql_literal(misfits, tarn_text_of(target->name));
    tarn_buffer_printf(misfits, ", 'v': p.%s::VARCHAR} END", tarn_buffer_str(&name));
}

static void append_rescued(struct tarn_buffer *sql, const struct tarn_buffer *misfits)
{
    if (misfits->len == 0) {
        tarn_buffer_append_str(sql, ", NULL::VARCHAR AS _rescued");
        return;
    }
    /* an object of those values that are there and did not fit; none: NULL */
    tarn_buffer_printf(
        sql,
        ", (SELECT CASE WHEN len(f) > 0 THEN to_json(map_from_entries([(x.k, x.v) FOR x IN f]))"
        "::VARCHAR END FROM (SELECT [x FOR x IN [%s] IF x.v IS NOT NULL] AS f)) AS _rescued",
        tarn_buffer_str(misfits));
}

static void append_group(const struct tarn_parquet_load *load, size_t first, const bool *in_group,
                         struct tarn_buffer *sql)
{
    const struct tarn_landing_file *model = load->files[first];
    TARN_BUFFER(misfits, 1 << 22);
    char date[TARN_TIME_TEXT_BYTES];
    tarn_buffer_append_str(sql, "SELECT ");
    for (size_t i = 0; i < model->column_count; i++)
        append_column(load, &model->parquet_columns[i], sql, &misfits);
    tarn_buffer_append_str(sql, "m.name AS _file, (p.file_row_number + 1)::BIGINT AS _line, ");
    tarn_sql_literal(sql, tarn_text_of(load->load_id));
    tarn_buffer_printf(sql, " AS _load_id, TIMESTAMP '%s' AS _loaded_at, m.arrived AS _arrived_on",
                       load->loaded_at);
    if (load->rescue)
        append_rescued(sql, &misfits);
    tarn_buffer_append_str(sql, " FROM read_parquet([");
    const char *comma = "";
    for (size_t i = first; i < load->count; i++) {
        if (!in_group[i])
            continue;
        tarn_buffer_append_str(sql, comma);
        append_path(sql, load->files[i]->path);
        comma = ", ";
    }
    tarn_buffer_append_str(sql, "], filename = '_tarn_path', file_row_number = true) AS p JOIN "
                                "(VALUES ");
    comma = "";
    for (size_t i = first; i < load->count; i++) {
        if (!in_group[i])
            continue;
        tarn_buffer_printf(sql, "%s(", comma);
        append_path(sql, load->files[i]->path);
        tarn_buffer_append_str(sql, ", ");
        tarn_sql_literal(sql, tarn_text_of(load->files[i]->name));
        tarn_buffer_printf(sql, ", DATE '%s')",
                           tarn_date_format(load->files[i]->arrived_day, date));
        comma = ", ";
    }
    tarn_buffer_append_str(sql, ") AS m(path, name, arrived) ON p._tarn_path = m.path");
}

void tarn_parquet_sql(const struct tarn_parquet_load *load, struct tarn_buffer *sql)
{
    TARN_AUTO_FREE bool *done = tarn_alloc_array(load->count + 1, sizeof *done);
    const char *between = "";
    for (size_t i = 0; i < load->count; i++) {
        if (done[i])
            continue;
        TARN_AUTO_FREE bool *in_group = tarn_alloc_array(load->count + 1, sizeof *in_group);
        for (size_t j = i; j < load->count; j++)
            in_group[j] = !done[j] && same_columns(load->files[i], load->files[j]);
        tarn_buffer_append_str(sql, between);
        append_group(load, i, in_group, sql);
        for (size_t j = i; j < load->count; j++)
            done[j] |= in_group[j];
        between = " UNION ALL BY NAME ";
    }
}

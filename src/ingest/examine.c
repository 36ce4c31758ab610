/* ingest/examine.c -- see examine.h. */
#include "ingest/examine.h"

#include <stdio.h>

#include "base/buffer.h"
#include "ingest/columns.h"

void tarn_cutter_start(struct tarn_cutter *cutter, const struct tarn_landing_file *file)
{
    *cutter = (struct tarn_cutter){.file = file};
    if (file->format == TARN_FORMAT_CSV)
        cutter->csv = (struct tarn_csv_cutter){file->dialect, file->body, file->body_line, 0};
    else
        tarn_json_cut_from(&cutter->json, file->layout, file->body);
}

bool tarn_cutter_next(struct tarn_cutter *cutter, struct tarn_piece *ret_piece)
{
    return cutter->file->format == TARN_FORMAT_CSV ? tarn_csv_cut(&cutter->csv, ret_piece)
                                                   : tarn_json_cut(&cutter->json, ret_piece);
}

static enum tarn_status reject(struct tarn_examiner *examiner, struct tarn_landing_file *file,
                               const char *reason)
{
    pthread_mutex_lock(&examiner->lock);
    file->rejected = tarn_arena_strdup(examiner->arena, reason);
    pthread_mutex_unlock(&examiner->lock);
    return TARN_OK;
}

/* A header's text as a name: the field without white space around it, quotes undoubled. */
static struct tarn_text field_name(const struct tarn_csv_field *field, char quote,
                                   struct tarn_buffer *scratch)
{
    struct tarn_text name = {field->data, field->len};
    if (field->escaped) {
        char *room = tarn_buffer_room(scratch, field->len);
        if (room) {
            name = (struct tarn_text){room, tarn_csv_unescape(field, quote, room)};
            scratch->len += name.len;
        }
    }
    return tarn_text_trim(name);
}

/* Names of the fields: unique whatever the case, none empty. Called under the lock. */
static void name_columns(struct tarn_examiner *examiner, struct tarn_landing_file *file,
                         const struct tarn_csv_field *fields, size_t count)
{
    struct tarn_columns seen;
    TARN_BUFFER(scratch, TARN_RECORD_BYTES_MAX);
    tarn_columns_init(&seen, examiner->arena);
    (void)tarn_buffer_room(&scratch, 1 << 16);
    file->columns = tarn_arena_array(examiner->arena, count + 1, sizeof *file->columns);
    for (size_t i = 0; i < count; i++) {
        struct tarn_text name = {"", 0};
        const struct tarn_declared *declared = file->declared;
        if (fields)
            name = field_name(&fields[i], file->dialect.quote, &scratch);
        else if (declared && i < declared->column_count)
            name = tarn_text_of(declared->columns[i]);
        char *text = name.len > 0 ? tarn_arena_strndup(examiner->arena, name.data, name.len)
                                  : tarn_arena_format(examiner->arena, "column%zu", i + 1);
        const char *unique = text;
        for (int n = 2; tarn_columns_find(&seen, tarn_text_of(unique)) >= 0; n++)
            unique = tarn_arena_format(examiner->arena, "%s_%d", text, n);
        (void)tarn_columns_add(&seen, tarn_text_of(unique));
        file->columns[i] = unique;
    }
    file->column_count = count;
    tarn_columns_release(&seen);
}

/* Whether any of the declared columns is among the record's fields. */
static bool has_declared(const struct tarn_landing_file *file, const struct tarn_csv_field *fields,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tarn_text name = tarn_text_trim((struct tarn_text){fields[i].data, fields[i].len});
        for (size_t j = 0; j < file->declared->column_count; j++)
            if (tarn_text_is(name, file->declared->columns[j]))
                return true;
    }
    return false;
}

static bool is_header(const struct tarn_landing_file *file, const struct tarn_csv_field *fields,
                      size_t count)
{
    if (!file->declared || file->declared->header < 0)
        return file->declared && file->declared->column_count > 0
                   ? has_declared(file, fields, count)
                   : file->dialect.header;
    return file->declared->header == 1;
}

/* Why the first record is not the header that was declared, or NULL. */
static const char *header_fault(const struct tarn_landing_file *file,
                                const struct tarn_csv_record *record,
                                const struct tarn_csv_field *fields, bool header)
{
    if (record->bad)
        return record->bad;
    if (record->count > TARN_CSV_COLUMNS_MAX)
        return "it has more than 4096 columns";
    if (header && file->declared && file->declared->column_count > 0 &&
        !has_declared(file, fields, record->count))
        return "none of the declared columns is in it";
    return NULL;
}

/* The first record that is not blank, and the text behind it. */
static bool first_record(const struct tarn_landing_file *file, struct tarn_csv_field *fields,
                         struct tarn_csv_record *ret_record, struct tarn_text *ret_behind,
                         int64_t *ret_line)
{
    struct tarn_csv_cutter cutter = {file->dialect, file->input.text, 1, 0};
    struct tarn_piece piece;
    while (tarn_csv_cut(&cutter, &piece)) {
        struct tarn_csv_reader reader;
        if (piece.bad) {
            *ret_record = (struct tarn_csv_record){.raw = piece.text, .bad = piece.bad};
            return true;
        }
        tarn_csv_read(&reader, &file->dialect, &piece);
        while (tarn_csv_next(&reader, fields, TARN_CSV_COLUMNS_MAX, ret_record)) {
            if (ret_record->blank)
                continue;
            const char *end = file->input.text.data + file->input.text.len;
            *ret_behind = (struct tarn_text){reader.at, (size_t)(end - reader.at)};
            *ret_line = reader.line;
            return true;
        }
    }
    return false;
}

static enum tarn_status examine_csv(struct tarn_examiner *examiner, struct tarn_landing_file *file)
{
    TARN_AUTO_FREE struct tarn_csv_field *fields =
        tarn_alloc_array(TARN_CSV_COLUMNS_MAX, sizeof *fields);
    struct tarn_csv_record record;
    struct tarn_text behind = {"", 0};
    int64_t line = 1;
    file->dialect =
        tarn_csv_detect(file->input.text, file->declared ? file->declared->delimiter : 0);
    if (!first_record(file, fields, &record, &behind, &line))
        return reject(examiner, file, "the file holds nothing but empty lines");
    bool header = is_header(file, fields, record.count);
    const char *fault = header_fault(file, &record, fields, header);
    if (fault && (header || record.count > TARN_CSV_COLUMNS_MAX)) {
        char reason[512];
        snprintf(reason, sizeof reason, "its first line cannot be the header: %s", fault);
        return reject(examiner, file, reason);
    }
    file->body = header ? behind : file->input.text;
    file->body_line = header ? line : 1;
    pthread_mutex_lock(&examiner->lock);
    name_columns(examiner, file, header ? fields : NULL, record.count);
    pthread_mutex_unlock(&examiner->lock);
    return TARN_OK;
}

static enum tarn_status examine_json(struct tarn_examiner *examiner, struct tarn_landing_file *file)
{
    file->body = file->input.text;
    file->layout = tarn_json_detect(file->body);
    struct tarn_text inside = tarn_text_trim(file->body);
    const char first = inside.len > 0 ? inside.data[0] : 0;
    if (first != '{' && first != '[')
        return reject(examiner, file, "it is not JSON records: it starts with neither '{' nor '['");
    if (file->format == TARN_FORMAT_NDJSON && file->declared && first == '{')
        file->layout = TARN_JSON_LINES;
    return TARN_OK;
}

static enum tarn_status examine_text(struct tarn_examiner *examiner, struct tarn_landing_file *file)
{
    if (file->input.file_bytes == 0)
        return reject(examiner, file, "the file is empty (0 bytes)");
    if (file->input.text.len == 0)
        return reject(examiner, file, "the file holds no text");
    const char *binary = tarn_text_is_binary(file->input.text);
    if (binary)
        return reject(examiner, file, binary);
    return file->format == TARN_FORMAT_CSV ? examine_csv(examiner, file)
                                           : examine_json(examiner, file);
}

enum tarn_status tarn_examine(struct tarn_examiner *examiner, struct tarn_landing_file *file,
                              struct tarn_error *err)
{
    if (file->format == TARN_FORMAT_UNKNOWN)
        return reject(
            examiner, file,
            "its name does not tell its format (csv, json, ndjson, parquet); rename it or "
            "declare it in sources/*.yml");
    if (file->format == TARN_FORMAT_PARQUET)
        return TARN_OK; /* DuckDB reads its footer later */
    enum tarn_encoding encoding = file->declared ? file->declared->encoding : TARN_ENCODING_GUESS;
    struct tarn_error why = {0};
    enum tarn_status status =
        tarn_input_open(file->path, encoding, examiner->spill_directory, &file->input, &why);
    if (status == TARN_INVALID)
        return reject(examiner, file, why.text);
    if (status != TARN_OK)
        return tarn_fail(err, status, "%s", why.text);
    return examine_text(examiner, file);
}

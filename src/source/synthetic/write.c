/* source/synthetic/write.c -- formats records as CSV, JSON or NDJSON into a large buffer; see
 * write.h. */
#include "source/synthetic/write.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/random.h"
#include "source/synthetic/format.h"
#include "source/synthetic/link.h"

enum { BUFFER_BYTES = 1 << 20 };

struct json_name {
    const char *text; /* "name": with its quotes */
    size_t len;
};

/* The text of the day that a column held last: times ascend, so the calendar is asked once a day.
 */
struct day_text {
    int64_t day;
    bool known;
    char text[TARN_PUT_VALUE_BYTES];
    size_t len;
};

struct writer {
    const char *path;
    int fd;
    char *start, *at, *end;
    uint64_t written;
    enum tarn_synth_format format;
    size_t column_count;
    struct tarn_synth_column_name *columns;
    struct json_name *names;
    struct tarn_arena *arena;
    /* of the batch at hand */
    const struct tarn_synth_batch *batch;
    struct tarn_synth_vector **vectors;
    struct day_text *days; /* per column */
    size_t wide_count;     /* columns whose bytes depend on the row: texts and lists */
    size_t *wide;
    size_t fixed_bytes; /* most that a record takes besides its texts */
};

static enum tarn_status flush(struct writer *w, struct tarn_error *err)
{
    for (const char *from = w->start; from < w->at;) {
        ssize_t put = write(w->fd, from, (size_t)(w->at - from));
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return tarn_fail_errno(err, "writing %s", w->path);
        from += put;
    }
    w->written += (uint64_t)(w->at - w->start);
    w->at = w->start;
    return TARN_OK;
}

static enum tarn_status make_room(struct writer *w, size_t bytes, struct tarn_error *err)
{
    if ((size_t)(w->end - w->at) >= bytes)
        return TARN_OK;
    TARN_TRY(flush(w, err));
    if ((size_t)(w->end - w->start) < bytes) {
        free(w->start);
        w->start = w->at = tarn_alloc(bytes);
        w->end = w->start + bytes;
    }
    return TARN_OK;
}

/* ---- values ---- */

static char *put_time(char *at, struct day_text *day, int64_t time_us)
{
    int64_t seconds = time_us / 1000000 - (time_us % 1000000 < 0);
    int64_t days = seconds / 86400 - (seconds % 86400 < 0);
    if (!day->known || day->day != days) {
        char *end = tarn_put_date(day->text, days);
        *end++ = ' ';
        day->len = (size_t)(end - day->text);
        day->day = days;
        day->known = true;
    }
    unsigned second = (unsigned)(seconds - days * 86400);
    at = tarn_put_bytes(at, day->text, day->len);
    at = tarn_put_pair(at, second / 3600);
    *at++ = ':';
    at = tarn_put_pair(at, second / 60 % 60);
    *at++ = ':';
    return tarn_put_pair(at, second % 60);
}

/* A value that is not null, without quotes. */
static inline char *put_bare(char *at, struct day_text *day, const struct tarn_synth_vector *vector,
                             size_t row)
{
    if (vector->type == TARN_SYNTH_TEXT)
        return tarn_put_bytes(at, vector->texts[row].data, vector->texts[row].len);
    if (vector->type == TARN_SYNTH_INT)
        return tarn_put_int(at, vector->ints[row]);
    if (vector->type == TARN_SYNTH_DECIMAL && vector->scale == 2)
        return tarn_put_cents(at, vector->ints[row]);
    if (vector->type == TARN_SYNTH_TIME)
        return put_time(at, day, vector->ints[row]);
    return tarn_synth_put_value(at, vector, row);
}

static inline char *put_csv_value(char *at, struct day_text *day,
                                  const struct tarn_synth_field *field,
                                  const struct tarn_synth_vector *vector, size_t row)
{
    if (vector->nulls && vector->nulls[row])
        return at;
    if (vector->type == TARN_SYNTH_TEXT && !field->plain)
        return tarn_put_csv(at, vector->texts[row]);
    return put_bare(at, day, vector, row);
}

static char *put_json_list(char *at, struct day_text *day, const struct tarn_synth_field *field,
                           const struct tarn_synth_vector *vector, size_t row);

static inline char *put_json_value(char *at, struct day_text *day,
                                   const struct tarn_synth_field *field,
                                   const struct tarn_synth_vector *vector, size_t row)
{
    if (vector->type == TARN_SYNTH_LIST)
        return put_json_list(at, day, field, vector, row);
    if (vector->nulls && vector->nulls[row])
        return tarn_put_bytes(at, "null", 4);
    bool clock = vector->type == TARN_SYNTH_DATE || vector->type == TARN_SYNTH_TIME;
    if (!clock && vector->type != TARN_SYNTH_TEXT)
        return put_bare(at, day, vector, row);
    if (vector->type == TARN_SYNTH_TEXT && !field->plain)
        return tarn_put_json(at, vector->texts[row]);
    *at++ = '"';
    at = put_bare(at, day, vector, row);
    *at++ = '"';
    return at;
}

static char *put_json_list(char *at, struct day_text *day, const struct tarn_synth_field *field,
                           const struct tarn_synth_vector *vector, size_t row)
{
    const struct tarn_synth_entity *inner = tarn_synth_list_inner(field);
    *at++ = '[';
    for (uint32_t item = vector->starts[row]; item < vector->starts[row + 1]; item++) {
        if (item > vector->starts[row])
            *at++ = ',';
        char before = '{';
        for (size_t i = 0; i < inner->field_count; i++) {
            const struct tarn_synth_field *part = &inner->fields[i];
            if (part->hidden)
                continue;
            *at++ = before;
            before = ',';
            at = tarn_put_json(at, tarn_text_of(part->name));
            *at++ = ':';
            at = put_json_value(at, day, part, tarn_synth_column(vector->items, part), item);
        }
        *at++ = '}';
    }
    *at++ = ']';
    return at;
}

/* ---- records ---- */

static const struct tarn_synth_override *overridden(const struct tarn_synth_record *record,
                                                    const struct tarn_synth_field *field)
{
    for (size_t i = 0; i < record->override_count; i++)
        if (record->overrides[i].field == field)
            return &record->overrides[i];
    return NULL;
}

static char *put_csv_record(struct writer *w, char *at, const struct tarn_synth_record *record)
{
    for (size_t i = 0; i < w->column_count; i++) {
        const struct tarn_synth_field *field = w->columns[i].field;
        const struct tarn_synth_override *changed =
            record->override_count ? overridden(record, field) : NULL;
        if (i > 0)
            *at++ = ',';
        if (changed)
            at = tarn_put_csv(at, changed->text);
        else
            at = put_csv_value(at, &w->days[i], field, w->vectors[i], record->at);
    }
    *at++ = '\n';
    return at;
}

static char *put_json_record(struct writer *w, char *at, const struct tarn_synth_record *record)
{
    *at++ = '{';
    for (size_t i = 0; i < w->column_count; i++) {
        const struct tarn_synth_field *field = w->columns[i].field;
        const struct tarn_synth_override *changed =
            record->override_count ? overridden(record, field) : NULL;
        if (i > 0)
            *at++ = ',';
        at = tarn_put_bytes(at, w->names[i].text, w->names[i].len);
        if (!changed)
            at = put_json_value(at, &w->days[i], field, w->vectors[i], record->at);
        else if (changed->null)
            at = tarn_put_bytes(at, "null", 4);
        else if (changed->number)
            at = tarn_put_bytes(at, changed->text.data, changed->text.len);
        else
            at = tarn_put_json(at, changed->text);
    }
    *at++ = '}';
    return at;
}

static size_t list_bytes(const struct tarn_synth_field *field,
                         const struct tarn_synth_vector *vector, size_t row)
{
    const struct tarn_synth_entity *inner = tarn_synth_list_inner(field);
    size_t items = vector->starts[row + 1] - vector->starts[row], bytes = 4;
    for (size_t i = 0; i < inner->field_count; i++) {
        const struct tarn_synth_field *part = &inner->fields[i];
        if (part->hidden)
            continue;
        bytes += items * (6 * strlen(part->name) + TARN_PUT_VALUE_BYTES + 8);
        const struct tarn_synth_vector *column = tarn_synth_column(vector->items, part);
        for (uint32_t item = vector->starts[row];
             column->type == TARN_SYNTH_TEXT && item < vector->starts[row + 1]; item++)
            bytes += column->nulls && column->nulls[item] ? 0 : 6 * column->texts[item].len;
    }
    return bytes;
}

/* The most bytes that the record can take. */
static size_t record_bytes(const struct writer *w, const struct tarn_synth_record *record)
{
    size_t factor = w->format == TARN_SYNTH_CSV ? 2 : 6, bytes = w->fixed_bytes;
    for (size_t k = 0; k < w->wide_count; k++) {
        const struct tarn_synth_vector *vector = w->vectors[w->wide[k]];
        if (vector->type == TARN_SYNTH_LIST)
            bytes += list_bytes(w->columns[w->wide[k]].field, vector, record->at);
        else if (!vector->nulls || !vector->nulls[record->at])
            bytes += factor * vector->texts[record->at].len;
    }
    for (size_t i = 0; i < record->override_count; i++)
        bytes += factor * record->overrides[i].text.len;
    return bytes;
}

static void use_batch(struct writer *w, struct tarn_synth_batch *batch)
{
    if (w->batch == batch)
        return;
    w->batch = batch;
    for (size_t i = 0; i < w->column_count; i++)
        w->vectors[i] = tarn_synth_column(batch, w->columns[i].field);
}

/* Keeps a piece of the last record that no reader can take for a whole one: a CSV record loses its
 * last separator, a JSON object its end. */
static void cut_record(struct writer *w, struct tarn_synth_cursor *cursor, char *from)
{
    size_t len = (size_t)(w->at - from) - 1;
    size_t limit = len - 1;
    if (w->format == TARN_SYNTH_CSV) {
        const char *comma = memrchr(from, ',', len);
        limit = comma ? (size_t)(comma - from) : len - 1;
    }
    uint64_t draw = tarn_mix64(w->written + len);
    size_t keep = limit > 1 ? 1 + (size_t)tarn_draw_below(draw, limit - 1) : 1;
    tarn_synth_cursor_note_cut(cursor, (struct tarn_text){from, len},
                               (struct tarn_text){from, keep});
    w->at = from + keep;
}

static enum tarn_status put_records(struct writer *w, struct tarn_synth_cursor *cursor,
                                    const struct tarn_synth_record *records, size_t count,
                                    bool first, struct tarn_error *err)
{
    for (size_t i = 0; i < count; i++) {
        use_batch(w, records[i].batch);
        TARN_TRY(make_room(w, record_bytes(w, &records[i]), err));
        char *from = w->at;
        if (w->format == TARN_SYNTH_CSV) {
            w->at = put_csv_record(w, w->at, &records[i]);
        } else {
            if (w->format == TARN_SYNTH_JSON && !(first && i == 0))
                w->at = tarn_put_bytes(w->at, ",\n", 2);
            w->at = put_json_record(w, w->at, &records[i]);
            if (w->format == TARN_SYNTH_NDJSON)
                *w->at++ = '\n';
        }
        if (records[i].cut)
            cut_record(w, cursor, from);
    }
    return TARN_OK;
}

static void put_header(struct writer *w)
{
    for (size_t i = 0; w->format == TARN_SYNTH_CSV && i < w->column_count; i++) {
        if (i > 0)
            *w->at++ = ',';
        w->at = tarn_put_csv(w->at, tarn_text_of(w->columns[i].name));
    }
    if (w->format == TARN_SYNTH_JSON)
        *w->at++ = '[';
    if (w->format != TARN_SYNTH_NDJSON)
        *w->at++ = '\n';
}

static void writer_init(struct writer *w, const struct tarn_synth_entity *entity, size_t file_index,
                        const char *path)
{
    w->path = path;
    w->fd = -1;
    w->format = entity->files.format;
    w->arena = tarn_arena_new();
    w->columns = tarn_arena_array(w->arena, entity->field_count, sizeof *w->columns);
    w->column_count = tarn_synth_file_columns(entity, &entity->plan->files[file_index], w->columns);
    w->names = tarn_arena_array(w->arena, w->column_count, sizeof *w->names);
    w->vectors = tarn_arena_array(w->arena, w->column_count, sizeof(struct tarn_synth_vector *));
    w->days = tarn_arena_array(w->arena, w->column_count, sizeof *w->days);
    w->wide = tarn_arena_array(w->arena, w->column_count, sizeof *w->wide);
    w->fixed_bytes = 16;
    size_t header = 16;
    for (size_t i = 0; i < w->column_count; i++) {
        struct tarn_text name = tarn_text_of(w->columns[i].name);
        enum tarn_synth_type type = w->columns[i].field->type;
        if (type == TARN_SYNTH_TEXT || type == TARN_SYNTH_LIST)
            w->wide[w->wide_count++] = i;
        char *text = tarn_arena_array(w->arena, 6 * name.len + 4, 1);
        char *end = tarn_put_json(text, name);
        *end++ = ':';
        w->names[i] = (struct json_name){text, (size_t)(end - text)};
        w->fixed_bytes += TARN_PUT_VALUE_BYTES + w->names[i].len + 4;
        header += 2 * name.len + 4;
    }
    size_t bytes = header + w->fixed_bytes > BUFFER_BYTES ? header + w->fixed_bytes : BUFFER_BYTES;
    w->start = w->at = tarn_realloc_array(NULL, bytes, 1);
    w->end = w->start + bytes;
}

static enum tarn_status write_all(struct writer *w, struct tarn_synth_cursor *cursor,
                                  struct tarn_error *err)
{
    w->fd = open(w->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (w->fd < 0)
        return tarn_fail_errno(err, "creating %s", w->path);
    put_header(w);
    const struct tarn_synth_record *records;
    bool first = true;
    for (size_t count; (count = tarn_synth_cursor_next(cursor, &records)) > 0; first = false) {
        w->batch = NULL; /* the scratch memory was used again */
        TARN_TRY(put_records(w, cursor, records, count, first, err));
    }
    if (w->format == TARN_SYNTH_JSON) {
        TARN_TRY(make_room(w, 8, err));
        w->at = tarn_put_bytes(w->at, "\n]\n", 3);
    }
    return flush(w, err);
}

enum tarn_status tarn_synth_write_text(const struct tarn_synth_entity *entity, size_t file_index,
                                       const char *path, struct tarn_synth_output *output,
                                       struct tarn_error *err)
{
    struct writer w = {0};
    struct tarn_synth_cursor *cursor = tarn_synth_cursor_open(entity, file_index, output);
    writer_init(&w, entity, file_index, path);
    enum tarn_status status = write_all(&w, cursor, err);
    if (w.fd >= 0 && close(w.fd) != 0 && status == TARN_OK)
        status = tarn_fail_errno(err, "closing %s", path);
    output->bytes = w.written;
    free(w.start);
    tarn_arena_free(w.arena);
    tarn_synth_cursor_close(cursor);
    return status;
}

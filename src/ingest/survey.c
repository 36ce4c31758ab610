/* ingest/survey.c -- one pass over whole files for what must be known before rows can flow: the
 * keys of JSON records, the types of values. See examine.h.
 *
 * The files are cut into pieces first, which is quick; threads then take pieces, note what they see
 * for themselves and merge it into the file under one lock. */
#include "base/buffer.h"
#include "base/pool.h"
#include "ingest/columns.h"
#include "ingest/examine.h"

struct job {
    struct tarn_landing_file *file;
    struct tarn_columns *found; /* of the file */
    struct tarn_piece piece;
    uint64_t index; /* of the piece within the file */
};

struct survey {
    struct tarn_examiner *examiner;
    struct job *jobs;
    size_t count, cap;
};

static bool wants_survey(const struct tarn_landing_file *file)
{
    bool text = file->format == TARN_FORMAT_CSV || file->format == TARN_FORMAT_JSON ||
                file->format == TARN_FORMAT_NDJSON;
    return text && !file->rejected && !file->failed && !file->duplicate_of &&
           (file->format != TARN_FORMAT_CSV || !file->declared);
}

static void survey_csv(const struct job *job, struct tarn_columns *seen)
{
    const struct tarn_landing_file *file = job->file;
    TARN_AUTO_FREE struct tarn_csv_field *fields =
        tarn_alloc_array(file->column_count + 1, sizeof *fields);
    struct tarn_csv_reader reader;
    struct tarn_csv_record record;
    for (size_t i = 0; i < file->column_count; i++)
        (void)tarn_columns_add(seen, tarn_text_of(file->columns[i]));
    tarn_csv_read(&reader, &file->dialect, &job->piece);
    while (tarn_csv_next(&reader, fields, file->column_count, &record)) {
        if (record.bad || record.blank || record.count != file->column_count)
            continue;
        for (size_t i = 0; i < record.count; i++)
            tarn_guess_add(&seen->items[i].guess,
                           (struct tarn_text){fields[i].data, fields[i].len});
    }
}

/* The column of a key; most records have their keys where the one before had them. */
static int column_of(struct tarn_columns *seen, const struct tarn_json_field *field,
                     size_t position, struct tarn_buffer *scratch)
{
    if (position < seen->count && tarn_text_equal(seen->items[position].key, field->key))
        return (int)position;
    struct tarn_text key = field->key;
    if (field->key_escaped) {
        tarn_buffer_clear(scratch);
        char *room = tarn_buffer_room(scratch, key.len);
        if (room)
            key = (struct tarn_text){room, tarn_json_unescape(key, room)};
    }
    return tarn_columns_add(seen, key);
}

/* Text in quotes may be a date, but its writer did not mean a number. */
static void guess_json(struct tarn_guess *guess, const struct tarn_json_field *field)
{
    if (field->kind == TARN_JSON_KIND_NULL)
        return;
    struct tarn_guess one = {0};
    tarn_guess_add(&one, field->value);
    bool is_time = one.counts[TARN_CLASS_DATE] || one.counts[TARN_CLASS_TIMESTAMP];
    if (field->kind == TARN_JSON_KIND_STRING && !is_time && !one.counts[TARN_CLASS_EMPTY])
        one = (struct tarn_guess){.counts[TARN_CLASS_TEXT] = 1};
    tarn_guess_merge(guess, &one);
}

static void survey_json(const struct job *job, struct tarn_columns *seen)
{
    TARN_AUTO_FREE struct tarn_json_field *fields =
        tarn_alloc_array(TARN_JSON_KEYS_MAX, sizeof *fields);
    TARN_BUFFER(scratch, TARN_RECORD_BYTES_MAX);
    struct tarn_json_reader reader;
    struct tarn_json_record record;
    const bool guess = !job->file->declared;
    tarn_json_read(&reader, job->file->layout, &job->piece);
    while (tarn_json_next(&reader, fields, TARN_JSON_KEYS_MAX, &record)) {
        if (record.bad)
            continue;
        for (size_t i = 0; i < record.count; i++) {
            int column = column_of(seen, &fields[i], i, &scratch);
            if (guess)
                guess_json(&seen->items[column].guess, &fields[i]);
        }
    }
}

static void run_job(void *context, size_t index)
{
    struct survey *survey = context;
    struct job *job = &survey->jobs[index];
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    TARN_AUTO(tarn_columns_release) struct tarn_columns seen;
    tarn_columns_init(&seen, arena);
    if (job->file->format == TARN_FORMAT_CSV)
        survey_csv(job, &seen);
    else
        survey_json(job, &seen);
    pthread_mutex_lock(&survey->examiner->lock);
    for (size_t i = 0; i < seen.count; i++) {
        size_t before = job->found->count;
        int at = tarn_columns_add(job->found, seen.items[i].key);
        struct tarn_scan_column *column = &job->found->items[at];
        uint64_t first_seen = job->index << 16 | i;
        if (job->found->count > before || first_seen < column->first_seen)
            column->first_seen = first_seen;
        tarn_guess_merge(&column->guess, &seen.items[i].guess);
    }
    pthread_mutex_unlock(&survey->examiner->lock);
}

static int by_first_seen(const void *a, const void *b)
{
    const struct tarn_scan_column *x = a, *y = b;
    return x->first_seen < y->first_seen ? -1 : x->first_seen > y->first_seen;
}

static void keep(struct tarn_arena *arena, struct tarn_landing_file *file,
                 struct tarn_columns *found)
{
    if (found->count > 0)
        qsort(found->items, found->count, sizeof *found->items, by_first_seen);
    if (file->format != TARN_FORMAT_CSV) {
        file->column_count = found->count;
        file->columns = tarn_arena_array(arena, found->count + 1, sizeof *file->columns);
        for (size_t i = 0; i < found->count; i++)
            file->columns[i] = found->items[i].key.data;
    }
    if (file->declared)
        return;
    file->guesses = tarn_arena_array(arena, file->column_count + 1, sizeof *file->guesses);
    for (size_t i = 0; i < found->count; i++)
        file->guesses[i] = found->items[i].guess;
}

void tarn_survey(struct tarn_examiner *examiner, struct tarn_landing_file **files, size_t count)
{
    struct survey survey = {.examiner = examiner};
    struct tarn_columns *found = tarn_alloc_array(count + 1, sizeof *found);
    for (size_t i = 0; i < count; i++) {
        struct tarn_cutter cutter;
        struct tarn_piece piece;
        tarn_columns_init(&found[i], examiner->arena);
        if (!wants_survey(files[i]))
            continue;
        tarn_cutter_start(&cutter, files[i]);
        for (uint64_t index = 0; tarn_cutter_next(&cutter, &piece); index++) {
            if (piece.bad)
                continue;
            TARN_RESERVE(survey.jobs, survey.cap, survey.count + 1);
            survey.jobs[survey.count++] = (struct job){files[i], &found[i], piece, index};
        }
    }
    tarn_parallel_for(examiner->threads, survey.count, run_job, &survey);
    for (size_t i = 0; i < count; i++) {
        if (wants_survey(files[i]))
            keep(examiner->arena, files[i], &found[i]);
        tarn_columns_release(&found[i]);
    }
    free(survey.jobs);
    free(found);
}

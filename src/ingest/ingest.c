/* ingest/ingest.c -- see ingest.h. One batch: plan, one prepared append per table, one commit. */
#include "ingest/ingest.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/pool.h"
#include "base/text.h"
#include "engine/source.h"
#include "ingest/ingest_int.h"
#include "ingest/parquet.h"
#include "ingest/scan.h"
#include "store/load.h"

/* Tables whose files have fewer bytes are loaded side by side. */
enum { SIDE_BY_SIDE_BYTES_MAX = 64 << 20 };

/* One bronze table of the batch. */
struct group {
    struct tarn_batch *batch;
    const char *entity;
    struct tarn_landing_file **files; /* all of the entity */
    size_t count;
    struct tarn_landing_file **text, **parquet; /* those that can be read */
    size_t text_count, parquet_count;
    struct tarn_columns columns;
    bool rescue;
    struct tarn_arena *arena;
    struct tarn_session *session;
    struct tarn_lake_commit *commit;
    enum tarn_status status;
    struct tarn_error err;
};

/* ---- columns
 * -------------------------------------------------------------------------------------------- */

static bool is_readable(const struct tarn_landing_file *file)
{
    return !file->rejected && !file->failed && !file->duplicate_of;
}

static void split_files(struct group *group)
{
    group->text = tarn_arena_array(group->arena, group->count + 1, sizeof *group->text);
    group->parquet = tarn_arena_array(group->arena, group->count + 1, sizeof *group->parquet);
    group->text_count = group->parquet_count = 0;
    for (size_t i = 0; i < group->count; i++) {
        if (!is_readable(group->files[i]))
            continue;
        if (group->files[i]->format == TARN_FORMAT_PARQUET)
            group->parquet[group->parquet_count++] = group->files[i];
        else
            group->text[group->text_count++] = group->files[i];
    }
}

static const struct tarn_type *type_of(struct group *group, const char *sql)
{
    const struct tarn_type *type = tarn_type_parse(group->arena, sql);
    return type ? type : tarn_type_parse(group->arena, "VARCHAR");
}

/* A column that is declared is there, whether or not these files bring it. */
static void add_declared_columns(struct group *group)
{
    const struct tarn_declared *declared = group->text_count ? group->text[0]->declared : NULL;
    for (size_t i = 0; declared && i < declared->table_column_count; i++) {
        int at = tarn_columns_add(&group->columns, tarn_text_of(declared->table_columns[i]));
        group->columns.items[at].guess.counts[TARN_CLASS_TEXT] = INT32_MAX;
    }
}

/* Columns of CSV and JSON files; without a declaration with what was guessed of their types. */
static void add_text_columns(struct group *group)
{
    for (size_t f = 0; f < group->text_count; f++) {
        const struct tarn_landing_file *file = group->text[f];
        for (size_t i = 0; i < file->column_count; i++) {
            int at = tarn_columns_add(&group->columns, tarn_text_of(file->columns[i]));
            if (file->guesses)
                tarn_guess_merge(&group->columns.items[at].guess, &file->guesses[i]);
            else
                group->columns.items[at].guess.counts[TARN_CLASS_TEXT] = INT32_MAX;
        }
    }
    add_declared_columns(group);
    for (size_t i = 0; i < group->columns.count; i++) {
        struct tarn_scan_column *column = &group->columns.items[i];
        column->type = type_of(group, tarn_guess_type(&column->guess, group->arena));
    }
}

static void add_parquet_columns(struct group *group)
{
    for (size_t f = 0; f < group->parquet_count; f++) {
        const struct tarn_landing_file *file = group->parquet[f];
        for (size_t i = 0; i < file->column_count; i++) {
            const struct tarn_column *from = &file->parquet_columns[i];
            int at = tarn_columns_add(&group->columns, tarn_text_of(from->name));
            struct tarn_scan_column *column = &group->columns.items[at];
            if (column->type)
                continue;
            const char *kept = tarn_parquet_bronze_type(from->type, group->arena);
            const struct tarn_type *scalar = tarn_type_parse(group->arena, kept);
            column->type = scalar ? scalar : from->type;
        }
    }
}

/* What the table has already decides; a nested column cannot take text, which then gets one of its
 * own. */
static enum tarn_status take_table_types(struct group *group, struct tarn_error *err)
{
    enum tarn_lake_kind kind;
    struct tarn_lake_table table;
    const struct tarn_ingest *ingest = group->batch->ingest;
    TARN_TRY(tarn_lake_kind_of(ingest->lake, "bronze", group->entity, &kind, err));
    if (kind != TARN_LAKE_TABLE)
        return TARN_OK;
    TARN_TRY(tarn_lake_describe(ingest->lake, "bronze", group->entity, (struct tarn_lake_at){0},
                                group->arena, &table, err));
    for (size_t i = 0; i < table.column_count; i++) {
        int at = tarn_columns_find(&group->columns, tarn_text_of(table.columns[i].name));
        if (at < 0)
            continue;
        struct tarn_scan_column *column = &group->columns.items[at];
        const struct tarn_type *type = tarn_type_parse(group->arena, table.columns[i].duckdb_type);
        if (type)
            column->type = type;
        else if (group->text_count > 0)
            column->name = tarn_arena_format(group->arena, "%s_text", column->name);
    }
    return TARN_OK;
}

static bool needs_rescue(const struct group *group)
{
    for (size_t i = 0; i < group->columns.count && group->text_count > 0; i++)
        if (group->columns.items[i].type->id != TARN_TYPE_VARCHAR)
            return true;
    for (size_t f = 0; f < group->parquet_count; f++) {
        const struct tarn_landing_file *file = group->parquet[f];
        for (size_t i = 0; i < file->column_count; i++) {
            const struct tarn_column *from = &file->parquet_columns[i];
            int at = tarn_columns_find(&group->columns, tarn_text_of(from->name));
            if (tarn_parquet_misfits(from->type, group->columns.items[at].type))
                return true;
        }
    }
    return false;
}

static enum tarn_status find_columns(struct group *group, struct tarn_error *err)
{
    tarn_columns_release(&group->columns);
    tarn_columns_init(&group->columns, group->arena);
    add_text_columns(group);
    add_parquet_columns(group);
    TARN_TRY(take_table_types(group, err));
    group->rescue = needs_rescue(group);
    return TARN_OK;
}

/* ---- one table
 * ------------------------------------------------------------------------------------------ */

static void parquet_query(struct group *group, struct tarn_buffer *sql)
{
    char time[TARN_TIME_TEXT_BYTES];
    tarn_time_format(group->batch->started_us, time);
    time[strlen(time) - 1] = 0; /* without the Z: the column has no zone */
    struct tarn_parquet_load load = {.files = group->parquet,
                                     .count = group->parquet_count,
                                     .columns = &group->columns,
                                     .rescue = group->rescue,
                                     .load_id = group->batch->load_id,
                                     .loaded_at = time};
    tarn_parquet_sql(&load, sql);
}

static int64_t rows_of(const struct group *group)
{
    int64_t rows = 0;
    for (size_t i = 0; i < group->count; i++)
        if (is_readable(group->files[i]))
            rows += group->files[i]->rows;
    return rows;
}

static enum tarn_status append(struct group *group, const char *query, struct tarn_error *err)
{
    static const char *const partition[] = {"_arrived_on"};
    static const struct tarn_lake_doc docs[] = {
        {"_file", "The file the row came in, below landing/."},
        {"_line", "Line of the file at which the row starts, from 1."},
        {"_load_id", "The load that brought the row (table loads)."},
        {"_loaded_at", "When it was loaded (UTC)."},
        {"_arrived_on", "Day on which the file arrived."},
        {"_rescued", "Values that did not fit their column's type, as a JSON object."},
    };
    struct tarn_lake_property load = {"tarn.load-id", group->batch->load_id};
    struct tarn_lake_write write = {.ns = "bronze",
                                    .name = group->entity,
                                    .query = query,
                                    .mode = TARN_LAKE_APPEND,
                                    .schema = TARN_LAKE_SCHEMA_ADD,
                                    .partition_by = partition,
                                    .partition_count = 1,
                                    .docs = docs,
                                    .doc_count = TARN_COUNT(docs),
                                    .summary = &load,
                                    .summary_count = 1};
    struct tarn_lake_result result;
    TARN_TRY(tarn_lake_prepare(group->commit, group->session, &write, &result, err));
    if (result.rows != rows_of(group))
        return tarn_fail(err, TARN_INTERNAL,
                         "the counts do not add up: %" PRId64 " rows were read and %" PRId64
                         " written; nothing of it was kept",
                         rows_of(group), result.rows);
    return TARN_OK;
}

static enum tarn_status write_group(struct group *group, struct tarn_error *err)
{
    struct tarn_scan *scan = NULL;
    TARN_BUFFER(sql, 256 << 20);
    TARN_TRY(find_columns(group, err));
    if (group->columns.count == 0)
        return TARN_OK; /* nothing but {} or rejected records */
    if (group->text_count > 0) {
        const char *from;
        struct tarn_scan_options options = {.files = group->text,
                                            .file_count = group->text_count,
                                            .columns = &group->columns,
                                            .rescue = group->rescue,
                                            .load_id = group->batch->load_id,
                                            .loaded_us = group->batch->started_us,
                                            .spool = group->batch->spool,
                                            .arena = group->arena,
                                            .threads = group->batch->examiner.threads};
        tarn_scan_open(group->batch->ingest->engine, &options, &scan, &from);
        tarn_buffer_printf(&sql, "SELECT * FROM %s%s", from,
                           group->parquet_count ? " UNION ALL BY NAME " : "");
    }
    if (group->parquet_count > 0)
        parquet_query(group, &sql);
    enum tarn_status status = tarn_buffer_check(&sql, "the loading statement", err);
    if (status == TARN_OK)
        status = append(group, tarn_buffer_str(&sql), err);
    if (status == TARN_OK && scan)
        status = tarn_scan_check(scan, err);
    tarn_scan_free(scan);
    return status;
}

/* After a failure: were Parquet files with damaged pages among them? Those are rejected. */
static bool find_culprits(struct group *group)
{
    size_t found = 0;
    struct tarn_error ignored;
    for (size_t i = 0; i < group->parquet_count; i++) {
        struct tarn_landing_file *file = group->parquet[i];
        pthread_mutex_lock(&group->batch->examiner.lock); /* of the batch's arena */
        enum tarn_status status =
            tarn_parquet_verify(group->session, group->batch->arena, file, &ignored);
        pthread_mutex_unlock(&group->batch->examiner.lock);
        if (status != TARN_OK)
            return false;
        found += file->rejected != NULL;
    }
    split_files(group);
    return found > 0;
}

static void progress_end(struct group *group, struct tarn_progress_step *step)
{
    char rows[TARN_COUNT_TEXT_BYTES], bad[TARN_COUNT_TEXT_BYTES];
    int64_t rejected = 0;
    for (size_t i = 0; i < group->count; i++)
        rejected += group->files[i]->rejected_rows;
    size_t files = group->text_count + group->parquet_count;
    if (group->status != TARN_OK)
        tarn_progress_end(step, false, "%s", group->err.text);
    else
        tarn_progress_end(
            step, true, "%s row%s from %zu file%s%s%s%s", tarn_count_text(rows_of(group), rows),
            rows_of(group) == 1 ? "" : "s", files, files == 1 ? "" : "s", rejected ? ", " : "",
            rejected ? tarn_count_text(rejected, bad) : "", rejected ? " rejected" : "");
}

static void load_group(struct group *group)
{
    split_files(group);
    if (group->text_count + group->parquet_count == 0)
        return;
    char *label = tarn_arena_format(group->arena, "bronze.%s", group->entity);
    struct tarn_progress_step *step = tarn_progress_begin(group->batch->ingest->progress, label, 0);
    group->status = tarn_session_open(group->batch->ingest->engine, &group->session, &group->err);
    if (group->status == TARN_OK)
        group->status = write_group(group, &group->err);
    if (group->status != TARN_OK && group->parquet_count > 0 && find_culprits(group))
        group->status = write_group(group, &group->err);
    if (group->status != TARN_OK)
        tarn_error_wrap(&group->err, "loading bronze.%s", group->entity);
    for (size_t i = 0; i < group->count; i++)
        group->files[i]->left_out = group->status != TARN_OK;
    progress_end(group, step);
    tarn_session_close(group->session);
    group->session = NULL;
}

/* ---- the commit
 * ----------------------------------------------------------------------------------------- */

static enum tarn_status record(struct tarn_state *state, const struct tarn_batch *batch,
                               const struct tarn_landing_file *file, int64_t finished_us,
                               struct tarn_error *err)
{
    const char *status = file->duplicate_of ? "duplicate" : file->rejected ? "rejected" : "loaded";
    bool loaded = is_readable(file);
    struct tarn_load load = {
        .file = file->name,
        .entity = file->entity,
        .load_id = batch->load_id,
        .sha256 = file->sha256,
        .format = tarn_format_name(file->format),
        .status = status,
        .reason = file->duplicate_of ? file->duplicate_of : file->rejected,
        .size_bytes = file->size_bytes,
        .modified_us = file->modified_us,
        .rows = loaded ? file->rows : 0,
        .rejected = loaded ? file->rejected_rows : 0,
        .started_us = batch->started_us,
        .finished_us = finished_us,
    };
    if (file->earlier)
        TARN_TRY(tarn_load_forget(state, file->name, err));
    return tarn_load_record(state, &load, err);
}

/* Runs inside the transaction that moves the tables' pointers. */
static enum tarn_status record_all(void *context, struct tarn_state *state, struct tarn_error *err)
{
    const struct tarn_batch *batch = context;
    int64_t now_us = tarn_now_us();
    for (size_t i = 0; i < batch->count; i++) {
        const struct tarn_landing_file *file = batch->files[i];
        if (file->failed || file->left_out)
            continue;
        enum tarn_status status = record(state, batch, file, now_us, err);
        if (status == TARN_EXISTS)
            return tarn_fail(err, TARN_CONFLICT,
                             "loading %s: another load brought it at the same time; run it again",
                             file->name);
        TARN_TRY(status);
    }
    return TARN_OK;
}

static int by_entity(const void *a, const void *b)
{
    const struct tarn_landing_file *x = *(struct tarn_landing_file *const *)a,
                                   *y = *(struct tarn_landing_file *const *)b;
    int order = strcmp(x->entity, y->entity);
    if (order == 0 && x->arrived_day != y->arrived_day)
        return x->arrived_day < y->arrived_day ? -1 : 1;
    return order ? order : strcmp(x->name, y->name);
}

static struct group *group_files(struct tarn_batch *batch, struct tarn_lake_commit *commit,
                                 size_t *ret_count)
{
    struct group *groups = tarn_alloc_array(batch->count + 1, sizeof *groups);
    size_t count = 0;
    if (batch->count > 1)
        qsort(batch->files, batch->count, sizeof *batch->files, by_entity);
    for (size_t i = 0; i < batch->count; i++) {
        if (count == 0 || strcmp(groups[count - 1].entity, batch->files[i]->entity) != 0)
            groups[count++] = (struct group){.batch = batch,
                                             .entity = batch->files[i]->entity,
                                             .files = batch->files + i,
                                             .commit = commit,
                                             .arena = tarn_arena_new()};
        groups[count - 1].count++;
    }
    *ret_count = count;
    return groups;
}

static void add_counts(struct tarn_ingest_table *to, const struct tarn_landing_file *file)
{
    to->duplicates += file->duplicate_of != NULL;
    to->rejected_files += file->rejected != NULL && !file->duplicate_of;
    if (!is_readable(file) || file->left_out)
        return;
    to->files++;
    to->rows += file->rows;
    to->rejected_rows += file->rejected_rows;
    to->bytes += file->size_bytes;
}

static struct tarn_ingest_table *result_table(struct tarn_ingest_result *result, const char *entity,
                                              struct tarn_arena *arena)
{
    for (size_t i = 0; i < result->table_count; i++)
        if (strcmp(result->tables[i].entity, entity) == 0)
            return &result->tables[i];
    struct tarn_ingest_table *more = tarn_arena_array(arena, result->table_count + 1, sizeof *more);
    if (result->table_count > 0)
        memcpy(more, result->tables, result->table_count * sizeof *more);
    more[result->table_count] = (struct tarn_ingest_table){.entity = entity};
    result->tables = more;
    return &result->tables[result->table_count++];
}

static void add_reject(struct tarn_ingest_reject **list, size_t *count, const char *file,
                       const char *reason, struct tarn_arena *arena)
{
    if ((*count & (*count + 1)) == 0) { /* the array is full: twice the room */
        struct tarn_ingest_reject *more = tarn_arena_array(arena, (*count + 1) * 2, sizeof *more);
        if (*count > 0)
            memcpy(more, *list, *count * sizeof *more);
        *list = more;
    }
    (*list)[(*count)++] = (struct tarn_ingest_reject){file, reason};
}

static void report(const struct tarn_batch *batch, struct tarn_ingest_result *result)
{
    result->known += batch->known;
    result->load_id = batch->load_id;
    for (size_t i = 0; i < batch->count; i++) {
        const struct tarn_landing_file *file = batch->files[i];
        if (file->failed)
            continue;
        add_counts(result_table(result, file->entity, batch->arena), file);
        add_counts(&result->total, file);
        if (file->duplicate_of)
            add_reject(&result->duplicates, &result->duplicate_count, file->name,
                       file->duplicate_of, batch->arena);
        else if (file->rejected)
            add_reject(&result->rejected, &result->rejected_count, file->name, file->rejected,
                       batch->arena);
    }
}

/* The first thing that went wrong without stopping the rest. */
static enum tarn_status first_failure(const struct tarn_batch *batch, const struct group *groups,
                                      size_t count, struct tarn_ingest_result *result,
                                      struct tarn_error *err)
{
    enum tarn_status status = TARN_OK;
    for (size_t i = 0; i < count; i++) {
        if (groups[i].status == TARN_OK)
            continue;
        result_table(result, groups[i].entity, batch->arena)->failed =
            tarn_arena_strdup(batch->arena, groups[i].err.text);
        if (status == TARN_OK)
            *err = groups[i].err;
        status = groups[i].status;
    }
    for (size_t i = 0; i < batch->count && status == TARN_OK; i++) {
        if (!batch->files[i]->failed)
            continue;
        *err = *batch->files[i]->failed;
        status = err->status;
    }
    return status;
}

/* ---- the order of the tables ---- */

static int64_t bytes_of(const struct group *group)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < group->count; i++)
        bytes += (int64_t)group->files[i]->size_bytes;
    return bytes;
}

static int by_bytes_down(const void *a, const void *b)
{
    int64_t x = bytes_of(*(struct group *const *)a), y = bytes_of(*(struct group *const *)b);
    return (x < y) - (x > y);
}

static void load_one(void *context, size_t index)
{
    load_group(((struct group **)context)[index]);
}

/* A large table keeps all threads busy, and two at once would need twice the memory; small ones are
 * loaded side by side, the largest first. */
static void load_groups(struct tarn_batch *batch, struct group *groups, size_t count)
{
    TARN_AUTO_FREE struct group **order = tarn_alloc_array(count + 1, sizeof *order);
    size_t large = 0;
    for (size_t i = 0; i < count; i++)
        order[i] = &groups[i];
    if (count > 1)
        qsort(order, count, sizeof *order, by_bytes_down);
    while (large < count && bytes_of(order[large]) > SIDE_BY_SIDE_BYTES_MAX)
        load_group(order[large++]);
    tarn_parallel_for(tarn_engine_threads(batch->ingest->engine), count - large, load_one,
                      order + large);
}

static enum tarn_status commit_batch(struct tarn_batch *batch, struct tarn_ingest_result *result,
                                     struct tarn_error *err)
{
    size_t count;
    struct tarn_lake_commit *commit = tarn_lake_begin(batch->ingest->lake);
    struct group *groups = group_files(batch, commit, &count);
    load_groups(batch, groups, count);
    enum tarn_status status = tarn_rejects_prepare(batch, commit, err);
    if (status == TARN_OK)
        status = tarn_lake_finish(commit, record_all, batch, err);
    tarn_lake_commit_free(commit);
    if (status == TARN_OK) {
        report(batch, result);
        status = first_failure(batch, groups, count, result, err);
    }
    for (size_t i = 0; i < count; i++) {
        tarn_columns_release(&groups[i].columns);
        tarn_arena_free(groups[i].arena);
    }
    free(groups);
    return status;
}

/* ---- the run
 * -------------------------------------------------------------------------------------------- */

static const char *new_load_id(int64_t now_us, struct tarn_arena *arena)
{
    char time[TARN_TIME_TEXT_BYTES], unique[TARN_UUID_BYTES];
    tarn_time_format(now_us, time);
    return tarn_arena_format(arena, "%.4s%.2s%.2sT%.2s%.2s%.2s-%.8s", time, time + 5, time + 8,
                             time + 11, time + 14, time + 17, tarn_uuid(unique));
}

static enum tarn_status run_batch(struct tarn_batch *batch, struct tarn_ingest_result *result,
                                  struct tarn_error *err)
{
    const struct tarn_ingest *ingest = batch->ingest;
    TARN_TRY(tarn_spool_open(batch->examiner.spill_directory, &batch->spool, err));
    TARN_TRY(tarn_session_open(ingest->engine, &batch->session, err));
    TARN_TRY(tarn_plan_batch(batch, err));
    return commit_batch(batch, result, err);
}

static enum tarn_status load_files(const struct tarn_ingest *ingest,
                                   struct tarn_landing_file **files, size_t count,
                                   struct tarn_arena *arena, struct tarn_ingest_result *result,
                                   struct tarn_error *err)
{
    struct tarn_batch batch = {
        .ingest = ingest,
        .arena = arena,
        .examiner = {.arena = arena,
                     .spill_directory = tarn_project_data_path(ingest->project, "tmp"),
                     .threads = tarn_engine_threads(ingest->engine)},
        .started_us = tarn_now_us(),
        .files = files,
        .count = count,
    };
    batch.load_id = new_load_id(batch.started_us, arena);
    pthread_mutex_init(&batch.examiner.lock, NULL);
    enum tarn_status status = run_batch(&batch, result, err);
    tarn_session_close(batch.session);
    tarn_spool_close(batch.spool);
    for (size_t i = 0; i < count; i++)
        tarn_input_close(&files[i]->input);
    pthread_mutex_destroy(&batch.examiner.lock);
    return status;
}

static enum tarn_status run_once(const struct tarn_ingest *ingest, struct tarn_arena *arena,
                                 struct tarn_ingest_result *result, struct tarn_error *err)
{
    struct tarn_landing_list list;
    struct tarn_error first = {0};
    enum tarn_status status = TARN_OK;
    *result = (struct tarn_ingest_result){.load_id = ""};
    TARN_TRY(tarn_directory_make(tarn_project_data_path(ingest->project, "tmp"), err));
    TARN_TRY(tarn_plan_list(ingest, arena, &list, err));
    for (size_t at = 0; at == 0 || at < list.count; at += TARN_INGEST_BATCH_FILES) {
        size_t count = list.count - at;
        count = count < TARN_INGEST_BATCH_FILES ? count : TARN_INGEST_BATCH_FILES;
        enum tarn_status one = load_files(ingest, list.files + at, count, arena, result, err);
        if (one == TARN_CONFLICT)
            return one;
        if (one != TARN_OK && status == TARN_OK) {
            status = one;
            first = *err;
        }
    }
    if (status != TARN_OK)
        *err = first;
    return status;
}

enum tarn_status tarn_ingest_run(const struct tarn_ingest *ingest, struct tarn_arena *arena,
                                 struct tarn_ingest_result *ret, struct tarn_error *err)
{
    enum { TRIES = 3 };
    enum tarn_status status = TARN_CONFLICT;
    for (int i = 0; i < TRIES && status == TARN_CONFLICT; i++)
        status = run_once(ingest, arena, ret, err);
    return status;
}

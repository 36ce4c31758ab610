/* source/synthetic/generate.c -- see generate.h. */
#include "source/synthetic/generate.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include <jansson.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json_writer.h"
#include "base/pool.h"
#include "base/text.h"
#include "source/synthetic/parquet.h"

/* Syncing waits for the disk, not for a core. */
enum { SYNC_THREADS = 8 };

/* Raised when the same parameters would give other bytes than before. */
static const char generator_version[] = "1";

struct run {
    struct tarn_synth_spec *spec;
    const struct tarn_generate_options *options;
    struct tarn_arena *arena;
    const char *landing; /* <data>/landing */
    const char *partial; /* where files are written first */
    const char *ledger;  /* <data>/ledger */
    const char *fingerprint_path;
    char fingerprint[TARN_SHA256_HEX_BYTES];
    size_t count;
    struct tarn_synth_written *written;
    size_t *text_jobs;
    size_t text_count;
    struct tarn_engine *engine;
    struct tarn_session *session;
    struct tarn_progress_step *step;
    pthread_mutex_t lock;
    struct tarn_error error; /* of the first job that failed */
};

/* ---- fingerprint ---- */

static enum tarn_status make_fingerprint(struct run *run, const char *source_file,
                                         struct tarn_error *err)
{
    TARN_BUFFER(text, 128 << 20);
    const struct tarn_synth_spec *spec = run->spec;
    TARN_TRY(tarn_file_read(source_file, &text, err));
    for (size_t i = 0; i < spec->words_count; i++)
        if (tarn_file_exists(spec->words[i]->name))
            TARN_TRY(tarn_file_read(spec->words[i]->name, &text, err));
    tarn_buffer_printf(&text, "\n%s %s %" PRIu64 " %.17g %" PRId64 " %" PRId64 " %s %.17g",
                       TARN_VERSION, generator_version, spec->seed, spec->scale, spec->from_day,
                       spec->to_day,
                       run->options->spec.set_entity ? run->options->spec.set_entity : "",
                       run->options->spec.set_rows);
    TARN_TRY(tarn_buffer_check(&text, source_file, err));
    tarn_sha256_hex(tarn_buffer_text(&text), run->fingerprint);
    return TARN_OK;
}

static void read_entities(struct run *run, const json_t *list, struct tarn_generate_result *result)
{
    result->entity_count = json_array_size(list);
    result->entities = tarn_arena_array(run->arena, result->entity_count, sizeof *result->entities);
    for (size_t i = 0; i < result->entity_count; i++) {
        const json_t *item = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(item, "name"));
        result->entities[i] = (struct tarn_generate_entity){
            .name = tarn_arena_strdup(run->arena, name ? name : ""),
            .rows = (uint64_t)json_integer_value(json_object_get(item, "rows")),
            .files = (uint64_t)json_integer_value(json_object_get(item, "files")),
            .bytes = (uint64_t)json_integer_value(json_object_get(item, "bytes")),
            .faults = (uint64_t)json_integer_value(json_object_get(item, "faults")),
            .lost_rows = (uint64_t)json_integer_value(json_object_get(item, "lost_rows")),
        };
    }
}

/* True when the fingerprint file says that this very run was done; the result then holds its
 * summary. */
static bool is_up_to_date(struct run *run, struct tarn_generate_result *result)
{
    json_error_t ignored;
    json_t *root = json_load_file(run->fingerprint_path, 0, &ignored);
    const char *found = json_string_value(json_object_get(root, "fingerprint"));
    bool same = found && strcmp(found, run->fingerprint) == 0;
    if (same) {
        read_entities(run, json_object_get(root, "entities"), result);
        result->up_to_date = true;
    }
    json_decref(root);
    return same;
}

static enum tarn_status write_fingerprint(struct run *run,
                                          const struct tarn_generate_result *result,
                                          struct tarn_error *err)
{
    TARN_BUFFER(text, 1 << 20);
    struct tarn_json_writer w = tarn_json_writer(&text, 2);
    tarn_json_object_begin(&w);
    tarn_json_put_str(&w, "fingerprint", run->fingerprint);
    tarn_json_put_int(&w, "seed", (int64_t)run->spec->seed);
    tarn_json_put_double(&w, "scale", run->spec->scale);
    tarn_json_key(&w, "entities");
    tarn_json_array_begin(&w);
    for (size_t i = 0; i < result->entity_count; i++) {
        const struct tarn_generate_entity *entity = &result->entities[i];
        tarn_json_object_begin(&w);
        tarn_json_put_str(&w, "name", entity->name);
        tarn_json_put_int(&w, "rows", (int64_t)entity->rows);
        tarn_json_put_int(&w, "files", (int64_t)entity->files);
        tarn_json_put_int(&w, "bytes", (int64_t)entity->bytes);
        tarn_json_put_int(&w, "faults", (int64_t)entity->faults);
        tarn_json_put_int(&w, "lost_rows", (int64_t)entity->lost_rows);
        tarn_json_object_end(&w);
    }
    tarn_json_array_end(&w);
    tarn_json_object_end(&w);
    tarn_buffer_append_char(&text, '\n');
    TARN_TRY(tarn_buffer_check(&text, "the fingerprint", err));
    return tarn_file_replace(run->fingerprint_path, tarn_buffer_text(&text), err);
}

/* ---- files ---- */

static void fail_run(struct run *run, const struct tarn_error *error)
{
    pthread_mutex_lock(&run->lock);
    if (run->error.status == TARN_OK)
        run->error = *error;
    pthread_mutex_unlock(&run->lock);
}

static bool has_failed(struct run *run)
{
    pthread_mutex_lock(&run->lock);
    bool failed = run->error.status != TARN_OK;
    pthread_mutex_unlock(&run->lock);
    return failed;
}

/* "shop/orders/..." as it is called while the folder "shop" is still being filled. */
static char *partial_path(const struct run *run, const struct tarn_synth_file *file)
{
    return tarn_path_join(run->partial, strchr(file->path, '/') + 1);
}

static enum tarn_status write_file(struct run *run, size_t index, struct tarn_error *err)
{
    struct tarn_synth_written *written = &run->written[index];
    const struct tarn_synth_entity *entity = written->entity;
    size_t file_index = (size_t)(written->file - entity->plan->files);
    TARN_AUTO_FREE char *path = partial_path(run, written->file);
    TARN_AUTO_FREE char *folder = tarn_strndup(path, (size_t)(strrchr(path, '/') - path));
    TARN_TRY(tarn_directory_make(folder, err));
    if (entity->files.format == TARN_SYNTH_PARQUET)
        TARN_TRY(tarn_synth_write_parquet(run->session, entity, file_index, path, &written->output,
                                          err));
    else
        TARN_TRY(tarn_synth_write_text(entity, file_index, path, &written->output, err));
    tarn_progress_advance(run->step, written->output.rows);
    return TARN_OK;
}

static enum tarn_status write_parquet_files(struct run *run, struct tarn_error *err)
{
    struct tarn_engine_options options = {.threads = 1};
    TARN_TRY(tarn_engine_open(&options, &run->engine, err));
    TARN_TRY(tarn_session_open(run->engine, &run->session, err));
    for (size_t i = 0; i < run->count && !has_failed(run); i++)
        if (run->written[i].entity->files.format == TARN_SYNTH_PARQUET)
            TARN_TRY(write_file(run, i, err));
    return TARN_OK;
}

/* Job 0 is everything that goes through DuckDB, which takes one session; the others are one text
 * file each. */
static void work(void *context, size_t index)
{
    struct run *run = context;
    struct tarn_error error = {0};
    if (has_failed(run))
        return;
    enum tarn_status status = index == 0 ? write_parquet_files(run, &error)
                                         : write_file(run, run->text_jobs[index - 1], &error);
    if (status != TARN_OK)
        fail_run(run, &error);
}

static void sync_one(void *context, size_t index)
{
    struct run *run = context;
    struct tarn_error error = {0};
    TARN_AUTO_FREE char *path = partial_path(run, run->written[index].file);
    if (!has_failed(run) && tarn_file_sync(path, &error) != TARN_OK)
        fail_run(run, &error);
}

static void list_files(struct run *run)
{
    const struct tarn_synth_spec *spec = run->spec;
    for (size_t i = 0; i < spec->entity_count; i++)
        run->count += spec->entities[i].plan->file_count;
    run->written = tarn_arena_array(run->arena, run->count, sizeof *run->written);
    run->text_jobs = tarn_arena_array(run->arena, run->count, sizeof *run->text_jobs);
    size_t at = 0;
    for (size_t i = 0; i < spec->entity_count; i++)
        for (size_t k = 0; k < spec->entities[i].plan->file_count; k++, at++) {
            run->written[at].entity = &spec->entities[i];
            run->written[at].file = &spec->entities[i].plan->files[k];
            if (spec->entities[i].files.format != TARN_SYNTH_PARQUET)
                run->text_jobs[run->text_count++] = at;
        }
}

static enum tarn_status write_files(struct run *run, struct tarn_error *err)
{
    uint64_t rows = 0;
    list_files(run);
    for (size_t i = 0; i < run->spec->entity_count; i++)
        rows += run->spec->entities[i].plan->rows;
    run->step = tarn_progress_begin(run->options->progress, "generate", rows);
    tarn_parallel_for(run->options->threads, run->text_count + 1, work, run);
    if (run->error.status == TARN_OK)
        tarn_parallel_for(SYNC_THREADS, run->count, sync_one, run);
    uint64_t bytes = 0, written = 0;
    for (size_t i = 0; i < run->count; i++) {
        bytes += run->written[i].output.bytes;
        written += run->written[i].output.rows;
    }
    char rows_text[TARN_COUNT_TEXT_BYTES];
    tarn_progress_end(run->step, run->error.status == TARN_OK, "%s rows, %zu files, %.1f MB",
                      tarn_count_text((int64_t)written, rows_text), run->count,
                      (double)bytes / 1e6);
    if (run->error.status != TARN_OK) {
        *err = run->error;
        return err->status;
    }
    return TARN_OK;
}

/* Puts the finished folder into its place. */
static enum tarn_status publish(struct run *run, struct tarn_error *err)
{
    TARN_AUTO_FREE char *final = tarn_path_join(run->landing, run->spec->name);
    TARN_TRY(tarn_path_remove(final, err));
    if (run->count == 0)
        TARN_TRY(tarn_directory_make(run->partial, err));
    if (rename(run->partial, final) != 0)
        return tarn_fail_errno(err, "renaming %s to %s", run->partial, final);
    return tarn_directory_sync(run->landing, err);
}

/* ---- the run ---- */

static void summarise(struct run *run, struct tarn_generate_result *result)
{
    const struct tarn_synth_spec *spec = run->spec;
    result->entity_count = spec->entity_count;
    result->entities = tarn_arena_array(run->arena, spec->entity_count, sizeof *result->entities);
    for (size_t i = 0; i < spec->entity_count; i++)
        result->entities[i].name = spec->entities[i].name;
    for (size_t i = 0; i < run->count; i++) {
        const struct tarn_synth_output *output = &run->written[i].output;
        struct tarn_generate_entity *entity = &result->entities[run->written[i].entity->index];
        entity->rows += output->rows;
        entity->files++;
        entity->bytes += output->bytes;
        entity->faults += output->entry_count;
        entity->lost_rows += output->lost;
    }
}

static enum tarn_status check_place(struct run *run, struct tarn_error *err)
{
    TARN_AUTO_FREE char *final = tarn_path_join(run->landing, run->spec->name);
    if (run->options->force || !tarn_file_exists(run->fingerprint_path) ||
        !tarn_directory_exists(final))
        return TARN_OK;
    return tarn_fail(
        err, TARN_EXISTS,
        "generating %s: %s holds files that were made with other parameters (%s); use --force to "
        "replace them, or another --data folder",
        run->spec->name, final, run->fingerprint_path);
}

static enum tarn_status generate(struct run *run, struct tarn_generate_result *result,
                                 struct tarn_error *err)
{
    TARN_TRY(check_place(run, err));
    TARN_TRY(tarn_synth_plan_make(run->spec, run->options->threads, err));
    TARN_TRY(tarn_directory_make(run->landing, err));
    TARN_TRY(tarn_path_remove(run->partial, err));
    if (unlink(run->fingerprint_path) != 0 && errno != ENOENT)
        return tarn_fail_errno(err, "removing %s", run->fingerprint_path);
    TARN_TRY(write_files(run, err));
    TARN_TRY(tarn_synth_write_ledger(run->session, run->ledger, run->spec->name, run->written,
                                     run->count, err));
    TARN_TRY(publish(run, err));
    summarise(run, result);
    return write_fingerprint(run, result, err);
}

enum tarn_status tarn_generate(const char *source_file, const struct tarn_generate_options *options,
                               struct tarn_arena *arena, struct tarn_generate_result *ret_result,
                               struct tarn_error *err)
{
    struct run run = {.options = options, .arena = arena};
    struct tarn_generate_result result = {0};
    TARN_TRY(tarn_synth_spec_read(source_file, &options->spec, arena, &run.spec, err));
    TARN_TRY(make_fingerprint(&run, source_file, err));
    run.landing = tarn_arena_format(arena, "%s/landing", options->data);
    run.partial = tarn_arena_format(arena, "%s/.%s.partial", run.landing, run.spec->name);
    run.ledger = tarn_arena_format(arena, "%s/ledger", options->data);
    run.fingerprint_path =
        tarn_arena_format(arena, "%s/generated-%s.json", options->data, run.spec->name);
    result.source = run.spec->name;
    pthread_mutex_init(&run.lock, NULL);
    enum tarn_status status = TARN_OK;
    if (options->force || !is_up_to_date(&run, &result))
        status = generate(&run, &result, err);
    if (status != TARN_OK) {
        struct tarn_error other = {0};
        if (tarn_path_remove(run.partial, &other) != TARN_OK)
            tarn_error_wrap(err, "(and %s could not be removed)", run.partial);
    }
    for (size_t i = 0; i < run.count; i++)
        tarn_synth_output_release(&run.written[i].output);
    tarn_session_close(run.session);
    tarn_engine_close(run.engine);
    tarn_synth_plan_release(run.spec);
    pthread_mutex_destroy(&run.lock);
    if (status == TARN_OK)
        *ret_result = result;
    return status;
}

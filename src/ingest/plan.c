/* ingest/plan.c -- which files of landing are new, and how each is to be read. */
#include <stdio.h>
#include <unistd.h>

#include "base/pool.h"
#include "ingest/ingest_int.h"
#include "ingest/parquet.h"
#include "store/load.h"

enum tarn_status tarn_plan_list(const struct tarn_ingest *ingest, struct tarn_arena *arena,
                                struct tarn_landing_list *ret, struct tarn_error *err)
{
    const char *root = tarn_project_data_path(ingest->project, "landing");
    struct tarn_declarations declarations;
    TARN_TRY(tarn_declarations_read(ingest->project, arena, &declarations, err));
    if (!ingest->names)
        return tarn_landing_list(root, &declarations, arena, ret, err);
    ret->count = ingest->name_count;
    ret->files = tarn_arena_array(arena, ret->count + 1, sizeof *ret->files);
    for (size_t i = 0; i < ret->count; i++) {
        ret->files[i] = tarn_landing_file_of(root, ingest->names[i], &declarations, arena);
        if (ingest->format != TARN_FORMAT_UNKNOWN)
            ret->files[i]->format = ingest->format;
    }
    return TARN_OK;
}

static bool is_known(const struct tarn_batch *batch, const struct tarn_landing_file *file)
{
    const struct tarn_load *earlier = file->earlier;
    bool again = batch->ingest->retry && earlier && strcmp(earlier->status, "rejected") == 0;
    return earlier && !again && earlier->size_bytes == file->size_bytes &&
           earlier->modified_us == file->modified_us;
}

/* Keeps the files for which nothing is recorded, or something else than what is there. */
static enum tarn_status drop_known(struct tarn_batch *batch, struct tarn_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct tarn_landing_file *file = batch->files[i];
        struct tarn_load *earlier;
        TARN_TRY(tarn_load_of_file(batch->ingest->state, file->name, batch->arena, &earlier, err));
        file->earlier = earlier;
        if (is_known(batch, file))
            batch->known++;
        else
            batch->files[kept++] = file;
    }
    batch->count = kept;
    return TARN_OK;
}

static void keep_error(struct tarn_batch *batch, struct tarn_landing_file *file,
                       const struct tarn_error *err)
{
    pthread_mutex_lock(&batch->examiner.lock);
    file->failed = tarn_arena_alloc(batch->arena, sizeof *file->failed);
    *file->failed = *err;
    pthread_mutex_unlock(&batch->examiner.lock);
}

static void hash_file(void *context, size_t index)
{
    struct tarn_batch *batch = context;
    struct tarn_landing_file *file = batch->files[index];
    struct tarn_error err;
    if (tarn_sha256_file(file->path, file->sha256, &err) != TARN_OK)
        keep_error(batch, file, &err);
}

/* A file that was loaded and is not the same any more: landing files must not change. */
static bool check_changed(struct tarn_batch *batch, struct tarn_landing_file *file)
{
    if (!file->earlier || file->failed || strcmp(file->earlier->sha256, file->sha256) == 0)
        return false;
    if (strcmp(file->earlier->status, "rejected") == 0)
        return false; /* a mended file: it is loaded now */
    struct tarn_error err;
    tarn_fail(&err, TARN_INVALID,
              "loading %s: the file was changed after it was loaded (load %s); put the new version "
              "beside it under another name",
              file->name, file->earlier->load_id);
    keep_error(batch, file, &err);
    return true;
}

static int by_content(const void *a, const void *b)
{
    const struct tarn_landing_file *x = *(struct tarn_landing_file *const *)a,
                                   *y = *(struct tarn_landing_file *const *)b;
    int order = strcmp(x->entity, y->entity);
    order = order ? order : strcmp(x->sha256, y->sha256);
    if (order == 0 && x->arrived_day != y->arrived_day)
        return x->arrived_day < y->arrived_day ? -1 : 1;
    return order ? order : strcmp(x->name, y->name);
}

/* Marks files with content that another one brought for the same entity, before or in this batch.
 */
static enum tarn_status mark_duplicates(struct tarn_batch *batch, struct tarn_error *err)
{
    size_t count = 0;
    TARN_AUTO_FREE struct tarn_landing_file **sorted =
        tarn_alloc_array(batch->count + 1, sizeof *sorted);
    for (size_t i = 0; i < batch->count; i++) {
        struct tarn_landing_file *file = batch->files[i];
        struct tarn_load *same = NULL;
        if (file->failed || check_changed(batch, file))
            continue;
        TARN_TRY(tarn_load_of_content(batch->ingest->state, file->entity, file->sha256,
                                      batch->arena, &same, err));
        if (same && strcmp(same->file, file->name) != 0)
            file->duplicate_of = same->file;
        sorted[count++] = file;
    }
    if (count > 1)
        qsort(sorted, count, sizeof *sorted, by_content);
    for (size_t i = 1; i < count; i++) {
        const struct tarn_landing_file *before = sorted[i - 1];
        if (strcmp(sorted[i]->entity, before->entity) == 0 &&
            strcmp(sorted[i]->sha256, before->sha256) == 0 && !sorted[i]->duplicate_of)
            sorted[i]->duplicate_of = before->duplicate_of ? before->duplicate_of : before->name;
    }
    return TARN_OK;
}

/* Files whose content is what is recorded of them, touched meanwhile, are known too. */
static void drop_touched(struct tarn_batch *batch)
{
    size_t kept = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct tarn_landing_file *file = batch->files[i];
        bool same = file->earlier && !file->failed &&
                    strcmp(file->earlier->sha256, file->sha256) == 0 &&
                    !(batch->ingest->retry && strcmp(file->earlier->status, "rejected") == 0);
        if (same)
            batch->known++;
        else
            batch->files[kept++] = file;
    }
    batch->count = kept;
}

static void examine_file(void *context, size_t index)
{
    struct tarn_batch *batch = context;
    struct tarn_landing_file *file = batch->files[index];
    struct tarn_error err;
    if (file->failed || file->duplicate_of)
        return;
    if (tarn_examine(&batch->examiner, file, &err) != TARN_OK)
        keep_error(batch, file, &err);
}

static void examine_parquet(struct tarn_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct tarn_landing_file *file = batch->files[i];
        struct tarn_error err;
        if (file->format != TARN_FORMAT_PARQUET || file->failed || file->duplicate_of)
            continue;
        if (tarn_parquet_examine(batch->session, batch->arena, file, &err) != TARN_OK)
            keep_error(batch, file, &err);
    }
}

enum tarn_status tarn_plan_batch(struct tarn_batch *batch, struct tarn_error *err)
{
    const unsigned threads = batch->examiner.threads;
    TARN_TRY(drop_known(batch, err));
    tarn_parallel_for(threads, batch->count, hash_file, batch);
    drop_touched(batch);
    TARN_TRY(mark_duplicates(batch, err));
    tarn_parallel_for(threads, batch->count, examine_file, batch);
    examine_parquet(batch);
    tarn_survey(&batch->examiner, batch->files, batch->count);
    return TARN_OK;
}

/* bench/lake_commit.c -- what one small commit to the lake costs, beside the bare cost of the syncs
 * it needs.
 *
 *   lake_commit [COMMITS] [FOLDER]      default: 200 commits of 100 rows below /tmp
 *
 * Prints p50, p99 and the highest of: a commit (query, Parquet file, manifests, metadata, pointer),
 * and the same number of files of the same sizes created and synced with their folders, plus one
 * SQLite transaction, in the same run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "engine/session.h"
#include "lake/lake.h"
#include "store/catalog.h"

enum { COMMITS_MAX = 100000 };

struct bench {
    char *folder;
    struct tarn_arena *arena;
    struct tarn_state *state;
    struct tarn_lake *lake;
    struct tarn_session *session;
    struct tarn_error err;
};

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != TARN_OK) {                                                                   \
            fprintf(stderr, "lake_commit: %s\n", b->err.text);                                     \
            exit(3);                                                                               \
        }                                                                                          \
    } while (0)

static int by_value(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void print_line(const char *what, int64_t *us, size_t count)
{
    qsort(us, count, sizeof *us, by_value);
    printf("%-28s p50 %7.2f ms   p99 %7.2f ms   max %7.2f ms\n", what, (double)us[count / 2] / 1000,
           (double)us[count * 99 / 100] / 1000, (double)us[count - 1] / 1000);
}

static void commit_once(struct bench *b, size_t i)
{
    TARN_AUTO_FREE char *query =
        tarn_format("SELECT range + %zu AS id, 'customer ' || range AS name, TIMESTAMP "
                    "'2026-01-01' + INTERVAL (range) "
                    "SECOND AS at, (range * 1.25)::DECIMAL(12,2) AS amount FROM range(100)",
                    i * 100);
    struct tarn_lake_write write = {.ns = "bench", .name = "t", .query = query};
    MUST(tarn_lake_write(b->lake, b->session, &write, NULL, NULL, NULL, &b->err));
}

struct raw {
    struct bench *bench;
    const char *old;
    char name[64];
};

static enum tarn_status swap(struct tarn_state *state, void *context, struct tarn_error *err)
{
    struct raw *raw = context;
    struct tarn_catalog_entry entry = {"raw", "t", raw->name, false};
    bool swapped;
    return tarn_catalog_swap(state, &entry, raw->old, &swapped, err);
}

/* The files of one commit without what is in them: data, manifest, manifest list, metadata. */
static void sync_once(struct bench *b, size_t i, const char *filler)
{
    static const size_t sizes[] = {3000, 5000, 10000, 60000};
    const char *folders[] = {"data", "metadata", "metadata", "metadata"};
    char *paths[4];
    for (size_t f = 0; f < 4; f++) {
        paths[f] = tarn_format("%s/raw/%s/%zu-%zu", b->folder, folders[f], i, f);
        MUST(tarn_file_create_unsynced(paths[f], (struct tarn_text){filler, sizes[f]}, &b->err));
        if (f == 0)
            MUST(tarn_file_sync(paths[f], &b->err));
        if (f == 0)
            MUST(tarn_directory_sync(tarn_arena_format(b->arena, "%s/raw/data", b->folder),
                                     &b->err));
    }
    for (size_t f = 1; f < 4; f++)
        MUST(tarn_file_sync(paths[f], &b->err));
    MUST(tarn_directory_sync(tarn_arena_format(b->arena, "%s/raw/metadata", b->folder), &b->err));
    struct raw raw = {.bench = b};
    char old[64];
    snprintf(old, sizeof old, "v%zu", i);
    snprintf(raw.name, sizeof raw.name, "v%zu", i + 1);
    raw.old = old;
    MUST(tarn_state_transaction(b->state, swap, &raw, &b->err));
    for (size_t f = 0; f < 4; f++)
        free(paths[f]);
}

static void measure(struct bench *b, size_t commits)
{
    TARN_AUTO_FREE int64_t *ours = tarn_alloc_array(commits, sizeof *ours);
    TARN_AUTO_FREE int64_t *raws = tarn_alloc_array(commits, sizeof *raws);
    TARN_AUTO_FREE char *filler = tarn_alloc(60000);
    struct tarn_catalog_entry first = {"raw", "t", "v0", false};
    MUST(tarn_catalog_insert(b->state, &first, &b->err));
    MUST(tarn_directory_make(tarn_arena_format(b->arena, "%s/raw/data", b->folder), &b->err));
    MUST(tarn_directory_make(tarn_arena_format(b->arena, "%s/raw/metadata", b->folder), &b->err));
    commit_once(b, 0); /* creates the table */
    for (size_t i = 0; i < commits; i++) {
        int64_t start = tarn_monotonic_us();
        commit_once(b, i + 1);
        int64_t middle = tarn_monotonic_us();
        sync_once(b, i, filler);
        ours[i] = middle - start;
        raws[i] = tarn_monotonic_us() - middle;
    }
    printf("%zu commits of 100 rows, 4 columns\n", commits);
    print_line("commit", ours, commits);
    print_line("the same syncs, nothing else", raws, commits);
}

int main(int argc, char **argv)
{
    char uuid[TARN_UUID_BYTES];
    struct bench bench = {.arena = tarn_arena_new()}, *b = &bench;
    struct tarn_engine *engine;
    struct tarn_engine_options options = {0};
    int commits = argc > 1 ? atoi(argv[1]) : 200;
    if (commits < 1 || commits > COMMITS_MAX) {
        fputs("Usage: lake_commit [COMMITS] [FOLDER]\n", stderr);
        return 2;
    }
    b->folder = tarn_format("%s/lake-commit-%s", argc > 2 ? argv[2] : "/tmp", tarn_uuid(uuid));
    MUST(tarn_directory_make(b->folder, &b->err));
    MUST(
        tarn_state_open(tarn_arena_format(b->arena, "%s/state.db", b->folder), &b->state, &b->err));
    MUST(tarn_lake_open(b->state, tarn_arena_format(b->arena, "%s/lake", b->folder), &b->lake,
                        &b->err));
    MUST(tarn_engine_open(&options, &engine, &b->err));
    MUST(tarn_session_open(engine, &b->session, &b->err));
    measure(b, (size_t)commits);
    tarn_session_close(b->session);
    tarn_engine_close(engine);
    tarn_lake_close(b->lake);
    tarn_state_close(b->state);
    MUST(tarn_path_remove(b->folder, &b->err));
    tarn_arena_free(b->arena);
    free(b->folder);
    return 0;
}

/* cli/maintain.c -- `tarn maintain`: compaction, snapshot expiry and the orphan sweep, by hand or
 * from a dag. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/table_print.h"
#include "cli/workspace.h"

enum { DAYS_DEFAULT = 5, KEEP_DEFAULT = 1 };

struct settings {
    struct tarn_common common;
    int64_t days;
    int64_t keep;
    int64_t orphan_hours;
};

static bool wanted(const struct tarn_strings *patterns, const struct tarn_lake_entry *entry)
{
    TARN_AUTO_FREE char *name = tarn_format("%s.%s", entry->ns, entry->name);
    for (size_t i = 0; i < patterns->count; i++)
        if (tarn_text_glob(patterns->items[i], name))
            return true;
    return patterns->count == 0;
}

/* Compacts and expires one table; adds what was done to *total. */
static enum tarn_status maintain_table(const struct settings *settings, struct tarn_workspace *ws,
                                       struct tarn_session *session,
                                       const struct tarn_lake_entry *entry,
                                       struct tarn_lake_maintenance *total, struct tarn_error *err)
{
    TARN_AUTO_FREE char *name = tarn_format("%s.%s", entry->ns, entry->name);
    struct tarn_progress_step *step = tarn_progress_begin(ws->progress, name, 0);
    struct tarn_lake_maintenance compacted = {0}, expired = {0};
    int64_t older_than = tarn_now_us() - settings->days * 86400 * 1000000;
    enum tarn_status status =
        tarn_lake_compact(ws->lake, session, entry->ns, entry->name, 0, &compacted, err);
    if (status == TARN_OK)
        status = tarn_lake_expire(ws->lake, entry->ns, entry->name, older_than, (int)settings->keep,
                                  &expired, err);
    if (status != TARN_OK) {
        tarn_progress_end(step, false, "failed");
        return tarn_error_wrap(err, "maintaining %s", name);
    }
    if (compacted.files_after == compacted.files_before && expired.snapshots_expired == 0) {
        tarn_progress_minor(step);
        tarn_progress_end(step, true, "nothing to do");
    } else {
        tarn_progress_end(step, true,
                          "%" PRId64 " -> %" PRId64 " files, %" PRId64 " snapshots gone",
                          compacted.files_before, compacted.files_after, expired.snapshots_expired);
    }
    total->snapshots_expired += expired.snapshots_expired;
    total->files_removed += expired.files_removed;
    total->bytes_removed += expired.bytes_removed;
    total->files_before += compacted.files_before;
    total->files_after += compacted.files_after;
    return TARN_OK;
}

static enum tarn_status maintain_all(const struct settings *settings, struct tarn_workspace *ws,
                                     struct tarn_session *session,
                                     const struct tarn_strings *patterns,
                                     struct tarn_lake_maintenance *total, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_lake_list list;
    size_t matched = 0;
    TARN_TRY(tarn_lake_list(ws->lake, NULL, arena, &list, err));
    for (size_t i = 0; i < list.count; i++) {
        if (list.entries[i].is_view || !wanted(patterns, &list.entries[i]))
            continue;
        matched++;
        TARN_TRY(maintain_table(settings, ws, session, &list.entries[i], total, err));
    }
    if (matched == 0 && patterns->count > 0)
        return tarn_fail(err, TARN_NOT_FOUND, "no table matches '%s'; `tarn tables` lists them",
                         patterns->items[0]);
    struct tarn_lake_maintenance swept = {0};
    TARN_TRY(tarn_lake_sweep(ws->lake, settings->orphan_hours * 3600, &swept, err));
    total->files_removed += swept.files_removed;
    total->bytes_removed += swept.bytes_removed;
    return TARN_OK;
}

static void print_total(const struct tarn_lake_maintenance *total, bool json)
{
    if (!json) {
        char size[TARN_COUNT_TEXT_BYTES];
        printf("%" PRId64 " snapshots forgotten, %" PRId64 " files removed (%s), %" PRId64
               " files merged into %" PRId64 "\n",
               total->snapshots_expired, total->files_removed,
               tarn_size_text(total->bytes_removed, size), total->files_before, total->files_after);
        return;
    }
    TARN_BUFFER(out, 4096);
    struct tarn_json_writer w = tarn_json_writer(&out, 0);
    tarn_json_object_begin(&w);
    tarn_json_put_int(&w, "snapshots_expired", total->snapshots_expired);
    tarn_json_put_int(&w, "files_removed", total->files_removed);
    tarn_json_put_int(&w, "bytes_removed", total->bytes_removed);
    tarn_json_put_int(&w, "files_before", total->files_before);
    tarn_json_put_int(&w, "files_after", total->files_after);
    tarn_json_object_end(&w);
    puts(tarn_buffer_str(&out));
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    struct settings settings = {.days = DAYS_DEFAULT, .keep = KEEP_DEFAULT, .orphan_hours = 24};
    const struct tarn_option options[] = {
        {"older-than-days", 0, TARN_OPTION_INT, &settings.days},
        {"keep", 0, TARN_OPTION_INT, &settings.keep},
        {"orphan-hours", 0, TARN_OPTION_INT, &settings.orphan_hours},
    };
    TARN_AUTO(tarn_strings_release) struct tarn_strings patterns = {0};
    TARN_TRY(tarn_options_parse(argc, argv, &settings.common, options, TARN_COUNT(options),
                                &patterns, err));
    if (settings.days < 0 || settings.keep < 1 || settings.orphan_hours < 0)
        return tarn_fail(err, TARN_USAGE,
                         "--older-than-days and --orphan-hours are 0 or more, --keep is 1 or more");
    TARN_AUTO(tarn_workspace_close) struct tarn_workspace ws = {0};
    TARN_TRY(tarn_workspace_open(&settings.common, &ws, err));
    struct tarn_session *session;
    TARN_TRY(tarn_session_open(ws.engine, &session, err));
    struct tarn_lake_maintenance total = {0};
    enum tarn_status status = maintain_all(&settings, &ws, session, &patterns, &total, err);
    tarn_session_close(session);
    if (status == TARN_OK)
        print_total(&total, settings.common.json);
    return status;
}

const struct tarn_command tarn_command_maintain = {
    .name = "maintain",
    .summary = "compact small files, forget old snapshots, remove orphaned files",
    .help = "Usage: tarn maintain [TABLE ...] [options]\n\n"
            "Merges small files, forgets snapshots that are too old to travel back to, and removes "
            "files below the\n"
            "lake that no table refers to. TABLE is a name such as silver.orders; * and ? match. "
            "Default: all.\n"
            "Readers and writers go on meanwhile.\n\n"
            "  --older-than-days N  snapshots older than this may go (default 5)\n"
            "  --keep N             but at least so many stay (default 1)\n"
            "  --orphan-hours N     unreferenced files older than this go (default "
            "24)\n\n" TARN_COMMON_HELP,
    .run = run,
};

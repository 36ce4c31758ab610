/* cli/generate.c -- `tarn generate`: writes the files of the project's synthetic sources. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/pool.h"
#include "base/progress.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/options.h"
#include "project/project.h"
#include "source/synthetic/generate.h"

static const char help[] =
    "Usage: tarn generate [SOURCE...] [options]\n"
    "\n"
    "Writes the files of the project's synthetic sources (sources/*.yml with `type: synthetic`) "
    "to\n"
    "<data>/landing/<source>/<entity>/<day>/ and what it damaged on purpose to <data>/ledger/.\n"
    "The same parameters give the same bytes; when they were written already, nothing is done.\n"
    "\n"
    "  --seed N           instead of the source's seed\n"
    "  --scale X          multiplies the rows, e.g. 10 or 0.1\n"
    "  --set ENTITY=N     the rows of one entity, e.g. orders=5000; others follow where the source "
    "says so\n"
    "  --days N           the length of the period, which ends on the day that the source says\n"
    "  --force            also when it is up to date, and over files of other parameters\n"
    "\n" TARN_COMMON_HELP "\n"
    "Examples:\n"
    "  tarn generate --project examples/commerce\n"
    "  tarn generate --scale 33 --data /tmp/big     # ten million order lines\n";

struct arguments {
    struct tarn_common common;
    const char *seed, *scale, *set;
    int64_t days;
    bool force;
    struct tarn_strings names;
};

static enum tarn_status read_number(const char *option, const char *text, double *ret,
                                    struct tarn_error *err)
{
    if (text && (!tarn_text_to_double(tarn_text_of(text), ret) || !(*ret > 0 && *ret <= 1e9)))
        return tarn_fail(err, TARN_USAGE, "--%s takes a number above 0, not '%s'", option, text);
    return TARN_OK;
}

static enum tarn_status read_options(const struct arguments *arguments, struct tarn_arena *arena,
                                     uint64_t *seed, struct tarn_synth_options *spec,
                                     struct tarn_error *err)
{
    int64_t number;
    spec->scale = 1;
    TARN_TRY(read_number("scale", arguments->scale, &spec->scale, err));
    if (arguments->seed) {
        if (!tarn_text_to_int64(tarn_text_of(arguments->seed), &number) || number < 0)
            return tarn_fail(err, TARN_USAGE, "--seed takes a whole number from 0, not '%s'",
                             arguments->seed);
        *seed = (uint64_t)number;
        spec->seed = seed;
    }
    if (arguments->days < 0 || arguments->days > 36500)
        return tarn_fail(err, TARN_USAGE, "--days takes 1 to 36500");
    spec->days = arguments->days;
    if (!arguments->set)
        return TARN_OK;
    struct tarn_text rest = tarn_text_of(arguments->set), name;
    tarn_text_split(&rest, '=', &name);
    if (!tarn_text_to_int64(rest, &number) || number < 1 || name.len == 0)
        return tarn_fail(err, TARN_USAGE, "--set takes ENTITY=ROWS such as orders=5000, not '%s'",
                         arguments->set);
    spec->set_entity = tarn_arena_strndup(arena, name.data, name.len);
    spec->set_rows = (double)number;
    return TARN_OK;
}

/* True for a file whose `type` is synthetic. */
static enum tarn_status is_synthetic(const char *path, struct tarn_arena *arena, bool *ret,
                                     const char **ret_name, struct tarn_error *err)
{
    const struct tarn_yaml *root;
    TARN_TRY(tarn_yaml_read(path, arena, &root, err));
    static const char *const types[] = {"synthetic"};
    const struct tarn_yaml *type = tarn_yaml_get(root, "type");
    const struct tarn_yaml *name = tarn_yaml_get(root, "source");
    *ret = type && type->text && strcmp(type->text, "synthetic") == 0;
    *ret_name = name && name->text ? name->text : "";
    if (!type || !type->text)
        return tarn_yaml_fail(root, err, "a source needs `type`, such as `type: synthetic`");
    if (!*ret && tarn_text_nearest(type->text, types, TARN_COUNT(types)))
        return tarn_yaml_fail(
            type, err, "there is no type of source '%s'; did you mean 'synthetic'?", type->text);
    return TARN_OK;
}

static bool is_wanted(const struct arguments *arguments, const char *name)
{
    for (size_t i = 0; i < arguments->names.count; i++)
        if (strcmp(arguments->names.items[i], name) == 0)
            return true;
    return arguments->names.count == 0;
}

static enum tarn_status find_sources(const struct arguments *arguments,
                                     const struct tarn_project *project, struct tarn_arena *arena,
                                     const char ***ret_paths, size_t *ret_count,
                                     struct tarn_error *err)
{
    struct tarn_file_list files;
    const char *folder = tarn_project_path(project, "sources");
    TARN_TRY(tarn_directory_list(folder, ".yml", arena, &files, err));
    const char **paths = tarn_arena_array(arena, files.count + 1, sizeof *paths);
    const char **names = tarn_arena_array(arena, files.count + 1, sizeof *names);
    size_t count = 0, known = 0;
    for (size_t i = 0; i < files.count; i++) {
        bool synthetic;
        TARN_TRY(is_synthetic(files.paths[i], arena, &synthetic, &names[known], err));
        if (synthetic && is_wanted(arguments, names[known]))
            paths[count++] = files.paths[i];
        known += synthetic;
    }
    for (size_t i = 0; i < arguments->names.count; i++) {
        const char *wanted = arguments->names.items[i];
        bool found = false;
        for (size_t k = 0; k < known; k++)
            found = found || strcmp(names[k], wanted) == 0;
        const char *nearest = tarn_text_nearest(wanted, names, known);
        if (!found)
            return tarn_fail(err, TARN_USAGE, "there is no synthetic source '%s' in %s%s%s%s",
                             wanted, folder, nearest ? "; did you mean '" : "",
                             nearest ? nearest : "", nearest ? "'?" : "");
    }
    if (count == 0)
        return tarn_fail(err, TARN_NOT_FOUND,
                         "nothing to generate: %s has no file with `type: synthetic`", folder);
    *ret_paths = paths;
    *ret_count = count;
    return TARN_OK;
}

/* ---- what is printed ---- */

static void print_json(struct tarn_json_writer *w, const struct tarn_generate_result *result)
{
    tarn_json_object_begin(w);
    tarn_json_put_str(w, "source", result->source);
    tarn_json_put_bool(w, "up_to_date", result->up_to_date);
    tarn_json_key(w, "entities");
    tarn_json_array_begin(w);
    for (size_t i = 0; i < result->entity_count; i++) {
        const struct tarn_generate_entity *entity = &result->entities[i];
        tarn_json_object_begin(w);
        tarn_json_put_str(w, "name", entity->name);
        tarn_json_put_int(w, "rows", (int64_t)entity->rows);
        tarn_json_put_int(w, "files", (int64_t)entity->files);
        tarn_json_put_int(w, "bytes", (int64_t)entity->bytes);
        tarn_json_put_int(w, "faults", (int64_t)entity->faults);
        tarn_json_put_int(w, "lost_rows", (int64_t)entity->lost_rows);
        tarn_json_object_end(w);
    }
    tarn_json_array_end(w);
    tarn_json_object_end(w);
}

static void print_table(const struct tarn_generate_result *result)
{
    uint64_t rows = 0, files = 0, bytes = 0, faults = 0;
    if (result->up_to_date)
        printf("%s is up to date; nothing was written.\n", result->source);
    printf("%-22s %12s %7s %10s %8s\n", "entity", "rows", "files", "MB", "faults");
    for (size_t i = 0; i < result->entity_count; i++) {
        const struct tarn_generate_entity *entity = &result->entities[i];
        printf("%-22s %12" PRIu64 " %7" PRIu64 " %10.2f %8" PRIu64 "\n", entity->name, entity->rows,
               entity->files, (double)entity->bytes / 1e6, entity->faults);
        rows += entity->rows;
        files += entity->files;
        bytes += entity->bytes;
        faults += entity->faults;
    }
    printf("%-22s %12" PRIu64 " %7" PRIu64 " %10.2f %8" PRIu64 "\n", "total", rows, files,
           (double)bytes / 1e6, faults);
}

static void summarise(const struct tarn_generate_result *result)
{
    uint64_t rows = 0, files = 0;
    for (size_t i = 0; i < result->entity_count; i++) {
        rows += result->entities[i].rows;
        files += result->entities[i].files;
    }
    char row_text[TARN_COUNT_TEXT_BYTES], file_text[TARN_COUNT_TEXT_BYTES];
    tarn_summary_write("%s rows in %s files%s", tarn_count_text((int64_t)rows, row_text),
                       tarn_count_text((int64_t)files, file_text),
                       result->up_to_date ? ", up to date" : "");
}

static enum tarn_status generate_all(const struct arguments *arguments,
                                     const struct tarn_project *project, struct tarn_arena *arena,
                                     struct tarn_progress *progress, struct tarn_error *err)
{
    const char **paths;
    size_t count;
    uint64_t seed;
    struct tarn_generate_options options = {.data = project->data,
                                            .threads = project->threads ? project->threads
                                                                        : tarn_cpu_count(),
                                            .force = arguments->force,
                                            .progress = progress};
    if (arguments->common.threads > 0)
        options.threads = (unsigned)arguments->common.threads;
    TARN_TRY(read_options(arguments, arena, &seed, &options.spec, err));
    TARN_TRY(find_sources(arguments, project, arena, &paths, &count, err));
    TARN_BUFFER(text, 16 << 20);
    struct tarn_json_writer w = tarn_json_writer(&text, 0);
    tarn_json_array_begin(&w);
    for (size_t i = 0; i < count; i++) {
        struct tarn_generate_result result;
        TARN_TRY(tarn_generate(paths[i], &options, arena, &result, err));
        summarise(&result);
        print_json(&w, &result);
        if (!arguments->common.json && !arguments->common.quiet)
            print_table(&result);
    }
    tarn_json_array_end(&w);
    if (arguments->common.json)
        printf("%s\n", tarn_buffer_str(&text));
    return TARN_OK;
}

static enum tarn_status run_with(const struct arguments *arguments, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    const struct tarn_common *common = &arguments->common;
    struct tarn_project *project;
    TARN_TRY(tarn_project_open(common->project, common->data, common->target, &project, err));
    struct tarn_progress *progress = tarn_progress_new(common->json || common->quiet);
    enum tarn_status status = tarn_directory_make(project->data, err);
    if (status == TARN_OK)
        status = generate_all(arguments, project, arena, progress, err);
    tarn_progress_free(progress);
    tarn_project_close(project);
    return status;
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    struct arguments arguments = {0};
    const struct tarn_option options[] = {
        {"seed", 0, TARN_OPTION_STR, &arguments.seed},
        {"scale", 0, TARN_OPTION_STR, &arguments.scale},
        {"set", 0, TARN_OPTION_STR, &arguments.set},
        {"days", 0, TARN_OPTION_INT, &arguments.days},
        {"force", 0, TARN_OPTION_FLAG, &arguments.force},
    };
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error of write(), with a message */
    enum tarn_status status = tarn_options_parse(argc, argv, &arguments.common, options,
                                                 TARN_COUNT(options), &arguments.names, err);
    if (status == TARN_OK)
        status = run_with(&arguments, err);
    tarn_strings_release(&arguments.names);
    return status;
}

const struct tarn_command tarn_command_generate = {
    .name = "generate",
    .summary = "write the files of the project's synthetic sources",
    .help = help,
    .run = run,
};

/* cli/init.c -- `tarn init`: a new project folder, small and working, or a copy of an example. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/options.h"
#include "init_files.h"

static const char help[] =
    "Usage: tarn init NAME [options]\n"
    "\n"
    "Makes the folder NAME with a small project that works as it is: a CSV file, how it is read,\n"
    "rules, two models with tests, a report and a schedule. Refuses a folder that is not empty.\n"
    "\n"
    "  --example NAME      copies an example project instead, such as commerce\n"
    "\n" TARN_COMMON_HELP;

struct template_file {
    const char *path;
    const char *text;
};
static const struct template_file files[] = {
    {"README.md", README_md},
    {"tarn.yml", tarn_yml},
    {"dbt_project.yml", dbt_project_yml},
    {".gitignore", gitignore},
    {"sources/files.yml", files_yml},
    {"data/sales.csv", sales_csv},
    {"quality/bronze_sales.yml", bronze_sales_yml},
    {"models/staging/stg_sales.sql", stg_sales_sql},
    {"models/gold/daily_sales.sql", daily_sales_sql},
    {"models/schema.yml", schema_yml},
    {"reports/sales.yml", sales_report_yml},
    {"dags/daily.yml", daily_yml},
};

static enum tarn_status make_parent(const char *path, struct tarn_error *err)
{
    const char *slash = strrchr(path, '/');
    TARN_AUTO_FREE char *parent = tarn_strndup(path, (size_t)(slash - path));
    return tarn_directory_make(parent, err);
}

/* ---- the small project
 * ---------------------------------------------------------------------------------- */

/* A name that dbt and SQL take: letters, digits and '_', not a digit first. */
static char *identifier_of(const char *name, struct tarn_arena *arena)
{
    char *text =
        tarn_arena_format(arena, "%s%s", isdigit((unsigned char)name[0]) ? "p_" : "", name);
    for (char *c = text; *c; c++)
        *c = isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '_';
    return text;
}

static void fill_in(const char *text, const char *name, const char *identifier,
                    struct tarn_buffer *out)
{
    const struct {
        const char *mark, *value;
    } marks[] = {{"@NAME@", name}, {"@IDENTIFIER@", identifier}, {"@SCHEMA@", "main"}};
    while (*text) {
        size_t used = 0;
        for (size_t i = 0; i < TARN_COUNT(marks) && used == 0 && *text == '@'; i++) {
            if (strncmp(text, marks[i].mark, strlen(marks[i].mark)) != 0)
                continue;
            tarn_buffer_append_str(out, marks[i].value);
            used = strlen(marks[i].mark);
        }
        if (used == 0)
            tarn_buffer_append_char(out, *text);
        text += used ? used : 1;
    }
}

static enum tarn_status write_project(const char *folder, struct tarn_arena *arena,
                                      struct tarn_error *err)
{
    const char *name = tarn_path_name(folder);
    const char *identifier = identifier_of(name, arena);
    for (size_t i = 0; i < TARN_COUNT(files); i++) {
        TARN_BUFFER(text, 1 << 20);
        const char *path = tarn_arena_format(arena, "%s/%s", folder, files[i].path);
        fill_in(files[i].text, name, identifier, &text);
        TARN_TRY(make_parent(path, err));
        TARN_TRY(tarn_file_create(path, tarn_buffer_text(&text), err));
    }
    return TARN_OK;
}

/* ---- an example
 * ----------------------------------------------------------------------------------------- */

/* Examples lie beside the source tree's build folder, or below share/ of an installation. */
static const char *find_example(const char *name, struct tarn_arena *arena)
{
    static const char *const places[] = {"../../examples", "../examples", "../share/tarn/examples"};
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    if (len <= 0 || strchr(name, '/'))
        return NULL;
    program[len] = 0;
    *strrchr(program, '/') = 0;
    for (size_t i = 0; i < TARN_COUNT(places); i++) {
        const char *path = tarn_arena_format(arena, "%s/%s/%s", program, places[i], name);
        const char *project = tarn_arena_format(arena, "%s/tarn.yml", path);
        if (tarn_file_exists(project))
            return path;
    }
    return NULL;
}

static enum tarn_status copy_example(const char *name, const char *folder, struct tarn_arena *arena,
                                     struct tarn_error *err)
{
    struct tarn_file_list list;
    const char *example = find_example(name, arena);
    if (!example)
        return tarn_fail(err, TARN_NOT_FOUND,
                         "there is no example '%s' beside this program; the examples are in the "
                         "source tree's folder examples/",
                         name);
    TARN_TRY(tarn_directory_list(example, "", arena, &list, err));
    for (size_t i = 0; i < list.count; i++) {
        const char *relative = list.paths[i] + strlen(example) + 1;
        if (strncmp(relative, "target/", strlen("target/")) == 0)
            continue;
        const char *path = tarn_arena_format(arena, "%s/%s", folder, relative);
        TARN_TRY(make_parent(path, err));
        TARN_TRY(tarn_file_copy(list.paths[i], path, err));
    }
    return TARN_OK;
}

/* ---- the command
 * ---------------------------------------------------------------------------------------- */

/* The folder as given without slashes at its end; it must be missing or empty. */
static enum tarn_status check_folder(const char *given, struct tarn_arena *arena,
                                     const char **ret_folder, struct tarn_error *err)
{
    struct stat info;
    size_t len = strlen(given);
    while (len > 1 && given[len - 1] == '/')
        len--;
    char *folder = tarn_arena_strndup(arena, given, len);
    if (strcmp(folder, ".") == 0 && !(folder = realpath(".", tarn_arena_alloc(arena, PATH_MAX))))
        return tarn_fail_errno(err, "making a project in the current folder");
    *ret_folder = strchr(folder, '/') ? folder : tarn_arena_format(arena, "./%s", folder);
    if (lstat(folder, &info) != 0)
        return TARN_OK;
    if (!S_ISDIR(info.st_mode))
        return tarn_fail(err, TARN_EXISTS, "making a project in %s: it is not a folder", folder);
    if (rmdir(folder) == 0 || errno == EBUSY || errno == EINVAL)
        return TARN_OK; /* it was empty, and is made again */
    return tarn_fail(err, TARN_EXISTS,
                     "making a project in %s: the folder is not empty; choose another name",
                     folder);
}

static void say_done(const char *folder, const char *example)
{
    const char *shown = strncmp(folder, "./", 2) == 0 ? folder + 2 : folder;
    printf("The project is in %s.\n\nNext:\n  cd %s\n", shown, shown);
    if (example)
        puts("  tarn up                        # everything, then its report");
    else
        puts("  tarn up                        # loads data/, checks, builds, reports\n"
             "  tarn ingest FILE...            # your own CSV, JSON or Parquet files\n"
             "  tarn tables                    # what there is; `tarn sql` queries it\n"
             "\nREADME.md there tells the rest.");
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    struct tarn_common common = {0};
    TARN_AUTO(tarn_strings_release) struct tarn_strings names = {0};
    const char *example = NULL, *folder;
    const struct tarn_option options[] = {{"example", 'e', TARN_OPTION_STR, &example}};
    TARN_TRY(tarn_options_parse(argc, argv, &common, options, TARN_COUNT(options), &names, err));
    if (names.count > 1)
        return tarn_fail(err, TARN_USAGE, "it takes one folder, not %zu", names.count);
    if (names.count == 0)
        return tarn_fail(err, TARN_USAGE, "say where, e.g. `tarn init shop`");
    if (example && !find_example(example, arena))
        return copy_example(example, "", arena, err);
    TARN_TRY(check_folder(names.items[0], arena, &folder, err));
    TARN_TRY(tarn_directory_make(folder, err));
    TARN_TRY(example ? copy_example(example, folder, arena, err)
                     : write_project(folder, arena, err));
    if (!common.quiet)
        say_done(folder, example);
    return TARN_OK;
}

const struct tarn_command tarn_command_init = {
    .name = "init",
    .summary = "make a new project",
    .help = help,
    .run = run,
};

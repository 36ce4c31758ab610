/* project/project.c -- see project.h. */
#include "project/project.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"

bool tarn_parse_bytes(const char *text, uint64_t *ret_bytes)
{
    static const struct {
        const char *name;
        double factor;
    } units[] = {{"", 1},
                 {"B", 1},
                 {"KB", 1e3},
                 {"MB", 1e6},
                 {"GB", 1e9},
                 {"TB", 1e12},
                 {"K", 1024.},
                 {"M", 1048576.},
                 {"KiB", 1024.},
                 {"MiB", 1048576.},
                 {"GiB", 1073741824.},
                 {"G", 1073741824.},
                 {"TiB", 1099511627776.}};
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || errno == ERANGE || !(value >= 0))
        return false;
    while (*end == ' ')
        end++;
    for (size_t i = 0; i < TARN_COUNT(units); i++) {
        if (strcasecmp(end, units[i].name) == 0 && value * units[i].factor < 1e18) {
            *ret_bytes = (uint64_t)(value * units[i].factor);
            return true;
        }
    }
    return false;
}

static bool is_project(const char *directory)
{
    TARN_AUTO_FREE char *tarn = tarn_path_join(directory, "tarn.yml");
    TARN_AUTO_FREE char *dbt = tarn_path_join(directory, "dbt_project.yml");
    return tarn_file_exists(tarn) || tarn_file_exists(dbt);
}

/* The given folder, or the nearest one above the current folder that is a project; absolute. */
static enum tarn_status find_directory(const char *wanted, struct tarn_arena *arena,
                                       const char **ret_directory, struct tarn_error *err)
{
    TARN_AUTO_FREE char *absolute = realpath(wanted ? wanted : ".", NULL);
    if (!absolute)
        return tarn_fail_errno(err, "opening the project %s",
                               wanted ? wanted : "in the current folder");
    char *directory = tarn_arena_strdup(arena, absolute);
    if (is_project(directory)) {
        *ret_directory = directory;
        return TARN_OK;
    }
    if (wanted)
        return tarn_fail(err, TARN_CONFIG,
                         "%s is no project: it has neither tarn.yml nor dbt_project.yml; "
                         "`tarn init %s` makes one in a new folder",
                         directory, tarn_path_name(directory));
    for (char *slash; (slash = strrchr(directory, '/')) && slash != directory;) {
        *slash = 0;
        if (is_project(directory)) {
            *ret_directory = directory;
            return TARN_OK;
        }
    }
    return tarn_fail(
        err, TARN_CONFIG,
        "there is no project here: neither %s nor a folder above it has tarn.yml or "
        "dbt_project.yml; give one with --project DIR, or make one with `tarn init NAME`",
        absolute);
}

bool tarn_project_here(void)
{
    TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
    const char *directory;
    struct tarn_error err;
    return find_directory(NULL, arena, &directory, &err) == TARN_OK;
}

static enum tarn_status read_limits(const struct tarn_yaml *map, struct tarn_project *project,
                                    struct tarn_error *err)
{
    const char *memory = NULL;
    int64_t threads = project->threads;
    TARN_TRY(tarn_yaml_str(map, "memory_limit", &memory, err));
    TARN_TRY(tarn_yaml_int(map, "threads", 1, 1024, &threads, err));
    project->threads = (unsigned)threads;
    if (memory && !tarn_parse_bytes(memory, &project->memory_limit_bytes))
        return tarn_yaml_fail(tarn_yaml_get(map, "memory_limit"), err,
                              "memory_limit is a size such as 4GB or 512MB, not '%s'", memory);
    return TARN_OK;
}

static enum tarn_status choose_target(struct tarn_project *project, const char *wanted,
                                      struct tarn_error *err)
{
    static const char *const keys[] = {"description", "memory_limit", "threads",
                                       "database",    "schema",       "broker",
                                       "lake",        "warehouse",    NULL};
    const struct tarn_yaml *targets;
    TARN_TRY(tarn_yaml_str(project->root, "default_target", &project->target_name, err));
    TARN_TRY(tarn_yaml_map(project->root, "targets", &targets, err));
    if (wanted)
        project->target_name = wanted;
    if (!targets)
        return TARN_OK;
    project->target = tarn_yaml_get(targets, project->target_name);
    if (!project->target) {
        TARN_BUFFER(names, 1000);
        for (size_t i = 0; i < targets->count; i++)
            tarn_buffer_printf(&names, "%s%s", i ? ", " : "", tarn_yaml_key(targets, i));
        return tarn_yaml_fail(targets, err, "there is no target '%s'; there are %s",
                              project->target_name, tarn_buffer_str(&names));
    }
    if (project->target->kind == TARN_YAML_NULL) {
        project->target = NULL;
        return TARN_OK;
    }
    TARN_TRY(tarn_yaml_expect_keys(project->target, "a target", keys, err));
    return read_limits(project->target, project, err);
}

static enum tarn_status read_tarn_yml(struct tarn_project *project, const char *target,
                                      struct tarn_error *err)
{
    static const char *const keys[] = {
        "name",           "description", "version", "data",   "defaults",
        "default_target", "targets",     "vars",    "broker", NULL};
    static const char *const default_keys[] = {"memory_limit", "threads", NULL};
    const char *path = tarn_project_path(project, "tarn.yml");
    if (!tarn_file_exists(path))
        return TARN_OK;
    TARN_TRY(tarn_yaml_read(path, project->arena, &project->root, err));
    if (project->root->kind == TARN_YAML_NULL)
        return TARN_OK;
    TARN_TRY(tarn_yaml_expect_keys(project->root, "tarn.yml", keys, err));
    TARN_TRY(tarn_yaml_str(project->root, "name", &project->name, err));
    TARN_TRY(tarn_yaml_str(project->root, "description", &project->description, err));
    const char *data = NULL;
    TARN_TRY(tarn_yaml_str(project->root, "data", &data, err));
    if (data)
        project->data = data[0] == '/' ? data : tarn_project_path(project, data);
    const struct tarn_yaml *defaults;
    TARN_TRY(tarn_yaml_map(project->root, "defaults", &defaults, err));
    if (defaults) {
        TARN_TRY(tarn_yaml_expect_keys(defaults, "defaults", default_keys, err));
        TARN_TRY(read_limits(defaults, project, err));
    }
    return choose_target(project, target, err);
}

static enum tarn_status name_from_dbt(struct tarn_project *project, struct tarn_error *err)
{
    const char *path = tarn_project_path(project, "dbt_project.yml");
    if (project->root || !tarn_file_exists(path))
        return TARN_OK;
    const struct tarn_yaml *dbt;
    TARN_TRY(tarn_yaml_read(path, project->arena, &dbt, err));
    return tarn_yaml_str(dbt, "name", &project->name, err);
}

/* An absolute form of a path that may not exist yet. */
static const char *absolute_path(struct tarn_arena *arena, const char *path)
{
    if (path[0] == '/')
        return tarn_arena_strdup(arena, path);
    TARN_AUTO_FREE char *here = getcwd(NULL, 0);
    TARN_AUTO_FREE char *joined = tarn_path_join(here ? here : ".", path);
    return tarn_arena_strdup(arena, joined);
}

enum tarn_status tarn_project_open(const char *directory, const char *data, const char *target,
                                   struct tarn_project **ret_project, struct tarn_error *err)
{
    struct tarn_arena *arena = tarn_arena_new();
    struct tarn_project *project = tarn_arena_alloc(arena, sizeof *project);
    project->arena = arena;
    enum tarn_status status = find_directory(directory, arena, &project->directory, err);
    if (status == TARN_OK) {
        project->name = tarn_path_name(project->directory);
        project->description = "";
        project->target_name = "dev";
        project->data = tarn_project_path(project, ".tarn");
        status = read_tarn_yml(project, target, err);
    }
    if (status == TARN_OK)
        status = name_from_dbt(project, err);
    if (status != TARN_OK) {
        tarn_arena_free(arena);
        return status;
    }
    if (data)
        project->data = absolute_path(arena, data);
    *ret_project = project;
    return TARN_OK;
}

void tarn_project_close(struct tarn_project *project)
{
    if (project)
        tarn_arena_free(project->arena);
}

static const char *join(struct tarn_arena *arena, const char *directory, const char *relative)
{
    TARN_AUTO_FREE char *joined = tarn_path_join(directory, relative);
    return tarn_arena_strdup(arena, joined);
}

const char *tarn_project_path(const struct tarn_project *project, const char *relative)
{
    return join(project->arena, project->directory, relative);
}

const char *tarn_project_data_path(const struct tarn_project *project, const char *relative)
{
    return join(project->arena, project->data, relative);
}

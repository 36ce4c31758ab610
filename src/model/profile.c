/* model/profile.c -- the target that templates see. A DuckDB profile gives the schema, the number
 * of threads and, by its path, the database's name; without one everything has a default, because
 * the lake is part of the program. */
#include "model/project.h"

#include <stdlib.h>

#include "base/file.h"
#include "model/context.h"

static const char *find_file(struct tarn_model_project *project, const char *profiles_dir)
{
    const char *home = getenv("HOME"), *env = getenv("DBT_PROFILES_DIR");
    TARN_AUTO_FREE char *in_home = tarn_format("%s/.dbt", home ? home : "");
    const char *folders[] = {profiles_dir, env, project->directory, in_home};
    for (size_t i = profiles_dir ? 0 : 1; i < (profiles_dir ? 1 : TARN_COUNT(folders)); i++) {
        if (!folders[i] || !*folders[i])
            continue;
        TARN_AUTO_FREE char *path = tarn_path_join(folders[i], "profiles.yml");
        if (tarn_file_exists(path))
            return tarn_arena_strdup(project->arena, path);
    }
    return NULL;
}

/* "data/jaffle_shop.duckdb" is the database jaffle_shop, ":memory:" is memory, as in DuckDB. */
static const char *database_of_path(struct tarn_arena *arena, const char *path)
{
    if (strcmp(path, ":memory:") == 0)
        return "memory";
    const char *name = tarn_path_name(path);
    size_t len = strcspn(name, ".?");
    return len ? tarn_arena_strndup(arena, name, len) : "tarn";
}

static const char *text_of(struct tarn_model_project *project, struct tarn_value dict,
                           const char *key, const char *fallback)
{
    struct tarn_value value = tarn_dict_get_str(dict, key);
    if (tarn_value_is_nothing(value))
        return fallback;
    return tarn_arena_strdup(project->arena, tarn_value_cstr(project->heap, value));
}

static void take_output(struct tarn_model_project *project, struct tarn_value output)
{
    struct tarn_model_target *target = &project->target;
    const char *path = text_of(project, output, "path", NULL);
    const char *database = text_of(project, output, "database", NULL);
    if (database)
        target->database = database;
    else if (path)
        target->database = database_of_path(project->arena, path);
    target->schema = text_of(project, output, "schema", target->schema);
    struct tarn_value threads = tarn_dict_get_str(output, "threads");
    if (tarn_value_is(threads, TARN_VALUE_INT) && threads.as.integer > 0 &&
        threads.as.integer <= 1024)
        target->threads = (unsigned)threads.as.integer;
    target->extra = output;
}

static enum tarn_status read_output(struct tarn_model_project *project,
                                    struct tarn_model_context *context,
                                    const struct tarn_yaml *profile,
                                    const struct tarn_model_options *options,
                                    struct tarn_error *err)
{
    const struct tarn_yaml *wanted = tarn_yaml_get(profile, "target"), *outputs, *output;
    const char *name = options->target;
    TARN_TRY(tarn_yaml_map(profile, "outputs", &outputs, err));
    if (!outputs)
        return tarn_yaml_fail(profile, err, "the profile '%s' has no `outputs`",
                              project->target.profile_name);
    if (!name && wanted && wanted->text) {
        struct tarn_value rendered;
        TARN_TRY(tarn_model_yaml_value(context, project->heap, wanted, NULL, &rendered, err));
        name = tarn_arena_strdup(project->arena, tarn_value_cstr(project->heap, rendered));
    }
    if (!name)
        name = "default";
    output = tarn_yaml_get(outputs, name);
    if (!output && outputs->count == 1 && !options->target) {
        output = outputs->items[0];
        name = tarn_yaml_key(outputs, 0);
    }
    if (!output || output->kind != TARN_YAML_MAP) {
        /* --target also chooses a target of tarn.yml, which has nothing to do with the profile */
        tarn_model_warn(project, "%s:%d: the profile '%s' has no output '%s'; using the defaults",
                        outputs->file, outputs->line, project->target.profile_name, name);
        project->target.name = name;
        return TARN_OK;
    }
    project->target.name = name;
    const struct tarn_yaml *type = tarn_yaml_get(output, "type");
    if (type && type->text && strcmp(type->text, "duckdb") != 0) {
        /* its keys mean nothing here and may ask for the environment of another machine */
        tarn_model_warn(project,
                        "%s:%d: the profile's output '%s' is for %s; models run on DuckDB over the "
                        "lake, with the defaults",
                        output->file, output->line, name, type->text);
        return TARN_OK;
    }
    struct tarn_value value;
    TARN_TRY(tarn_model_yaml_value(context, project->heap, output, NULL, &value, err));
    take_output(project, value);
    return TARN_OK;
}

enum tarn_status tarn_model_read_profile(struct tarn_model_project *project,
                                         struct tarn_model_context *context,
                                         const struct tarn_model_options *options,
                                         struct tarn_error *err)
{
    project->target = (struct tarn_model_target){
        .profile_name = project->name,
        .name = options->target ? options->target : "dev",
        .schema = "main",
        .database = "tarn",
        .type = "duckdb",
        .extra = tarn_value_dict(project->heap),
    };
    const char *profile_name = options->profile;
    if (!profile_name) {
        profile_name = project->name;
        TARN_TRY(tarn_yaml_str(project->packages[0]->yaml, "profile", &profile_name, err));
    }
    project->target.profile_name = profile_name;
    const char *path = find_file(project, options->profiles_dir);
    const struct tarn_yaml *root = NULL, *profile = NULL;
    if (path) {
        TARN_TRY(tarn_yaml_read(path, project->arena, &root, err));
        TARN_TRY(tarn_yaml_map(root, profile_name, &profile, err));
    }
    if (profile)
        TARN_TRY(read_output(project, context, profile, options, err));
    if (options->catalog)
        project->target.database = options->catalog;
    return TARN_OK;
}

/* model/project_fixture.h -- for the unit tests of this folder: a dbt project made of texts. */
#ifndef TARN_MODEL_PROJECT_FIXTURE_H
#define TARN_MODEL_PROJECT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "model/project.h"

struct fixture_file {
    const char *path, *text;
};

/* Loads the project that these files make; the folder is gone again when this returns. */
static inline enum tarn_status fixture_load(const struct fixture_file *files, size_t count,
                                            const char *vars, struct tarn_model_project **ret,
                                            struct tarn_error *err)
{
    char folder[] = "/tmp/tarn-model-test-XXXXXX";
    struct tarn_error ignored;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < count; i++) {
        TARN_AUTO_FREE char *path = tarn_path_join(folder, files[i].path);
        TARN_AUTO_FREE char *parent = tarn_strndup(path, (size_t)(tarn_path_name(path) - path));
        assert_int_equal(tarn_directory_make(parent, &ignored), TARN_OK);
        assert_int_equal(tarn_file_create(path, tarn_text_of(files[i].text), &ignored), TARN_OK);
    }
    struct tarn_model_options options = {.directory = folder, .profiles_dir = folder, .vars = vars};
    enum tarn_status status = tarn_model_project_load(&options, ret, err);
    assert_int_equal(tarn_path_remove(folder, &ignored), TARN_OK);
    return status;
}

static inline struct tarn_model_node *fixture_node(const struct tarn_model_project *project,
                                                   const char *name)
{
    for (size_t i = 0; i < project->nodes.count; i++)
        if (strcmp(project->nodes.items[i]->name, name) == 0)
            return project->nodes.items[i];
    return NULL;
}

#endif

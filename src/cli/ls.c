/* cli/ls.c -- `tarn ls`: the project's nodes, one a line. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/models.h"

enum { JSON_BYTES_MAX = 1 << 20, OUTPUT_SELECTOR = 0, OUTPUT_NAME, OUTPUT_PATH, OUTPUT_JSON };

/* What --select takes again. */
static void print_selector(const struct tarn_model_node *node)
{
    if (node->kind == TARN_NODE_SOURCE) {
        printf("source:%s.%s.%s\n", node->package->name, node->source_name, node->name);
        return;
    }
    if (node->kind == TARN_NODE_EXPOSURE) {
        printf("exposure:%s.%s\n", node->package->name, node->name);
        return;
    }
    if (node->kind == TARN_NODE_UNIT_TEST) {
        printf("unit_test:%s.%s\n", node->package->name, node->name);
        return;
    }
    for (size_t i = 0; i < node->fqn_count; i++)
        printf("%s%s", i ? "." : "", node->fqn[i]);
    putchar('\n');
}

static void put_list(struct tarn_json_writer *w, const char *key,
                     const struct tarn_model_nodes *nodes)
{
    tarn_json_key(w, key);
    tarn_json_array_begin(w);
    for (size_t i = 0; i < nodes->count; i++)
        tarn_json_str(w, nodes->items[i]->unique_id);
    tarn_json_array_end(w);
}

static void print_json(const struct tarn_model_node *node)
{
    TARN_BUFFER(line, JSON_BYTES_MAX);
    struct tarn_json_writer w = tarn_json_writer(&line, 0);
    tarn_json_object_begin(&w);
    tarn_json_put_str(&w, "name", node->name);
    tarn_json_put_str(&w, "resource_type", tarn_node_kind_name(node->kind));
    tarn_json_put_str(&w, "package_name", node->package->name);
    tarn_json_put_str(&w, "original_file_path", node->original_path);
    tarn_json_put_str(&w, "unique_id", node->unique_id);
    tarn_json_put_str(&w, "schema", node->schema);
    tarn_json_put_str(&w, "alias", node->alias);
    tarn_json_put_str(&w, "materialized", tarn_node_materialized(node));
    put_list(&w, "depends_on", &node->parents);
    tarn_json_object_end(&w);
    puts(tarn_buffer_str(&line));
}

static void print_node(const struct tarn_model_node *node, int output)
{
    switch (output) {
    case OUTPUT_NAME:
        puts(node->name);
        break;
    case OUTPUT_PATH:
        puts(node->original_path);
        break;
    case OUTPUT_JSON:
        print_json(node);
        break;
    default:
        print_selector(node);
    }
}

static enum tarn_status output_of(const struct tarn_models_arguments *a, int *ret_output,
                                  struct tarn_error *err)
{
    static const char *const names[] = {"selector", "name", "path", "json"};
    *ret_output = a->common.json ? OUTPUT_JSON : OUTPUT_SELECTOR;
    if (!a->output)
        return TARN_OK;
    for (size_t i = 0; i < TARN_COUNT(names); i++) {
        if (strcmp(a->output, names[i]) == 0) {
            *ret_output = (int)i;
            return TARN_OK;
        }
    }
    return tarn_fail(err, TARN_USAGE, "--output is selector, name, path or json, not '%s'",
                     a->output);
}

static enum tarn_status list(const struct tarn_models_arguments *a,
                             struct tarn_model_project *models, struct tarn_error *err)
{
    int output;
    TARN_TRY(output_of(a, &output, err));
    struct tarn_selection selection = tarn_models_selection(a);
    TARN_AUTO_FREE bool *chosen = tarn_alloc_array(models->nodes.count + 1, sizeof *chosen);
    TARN_TRY(tarn_model_select(models, &selection, ~0u, chosen, err));
    for (size_t i = 0; i < models->nodes.count; i++)
        if (chosen[i])
            print_node(models->nodes.items[i], output);
    tarn_models_print_warnings(a, models);
    return TARN_OK;
}

static enum tarn_status run(int argc, char **argv, struct tarn_error *err)
{
    TARN_AUTO(tarn_models_arguments_release) struct tarn_models_arguments arguments = {0};
    struct tarn_project *project;
    struct tarn_model_project *models = NULL;
    TARN_TRY(tarn_models_parse(argc, argv, &arguments, err));
    TARN_TRY(tarn_project_open(arguments.common.project, arguments.common.data,
                               arguments.common.target, &project, err));
    enum tarn_status status = tarn_models_load(&arguments, project, NULL, "list", &models, err);
    if (status == TARN_OK)
        status = list(&arguments, models, err);
    tarn_model_project_free(models);
    tarn_project_close(project);
    return status;
}

const struct tarn_command tarn_command_ls = {
    .name = "ls",
    .summary = "list the project's models, seeds, tests, sources",
    .help = "Usage: tarn ls [options]\n\n"
            "Lists the nodes of the dbt project without running anything.\n\n"
            "  --output FORM          selector (default), name, path or json\n" TARN_MODELS_HELP
                TARN_COMMON_HELP "\nExamples:\n"
            "  tarn ls --select +orders --resource-type model\n"
            "  tarn ls --select tag:daily --output path\n",
    .run = run,
};

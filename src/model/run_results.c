/* model/run_results.c -- target/run_results.json in dbt's format, version 6. */
#include <stdio.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "model/relation.h"
#include "model/runner.h"
#include "model/worker.h"

enum { RESULTS_BYTES_MAX = 1 << 30 };

static void put_time(struct tarn_json_writer *w, const char *key, int64_t time_us)
{
    char text[TARN_TIME_TEXT_BYTES];
    tarn_json_put_str(w, key, tarn_time_format(time_us, text));
}

static void put_timing(struct tarn_json_writer *w, const char *name, int64_t started_us,
                       int64_t ended_us)
{
    tarn_json_object_begin(w);
    tarn_json_put_str(w, "name", name);
    put_time(w, "started_at", started_us);
    put_time(w, "completed_at", ended_us);
    tarn_json_object_end(w);
}

static void put_response(struct tarn_json_writer *w, const struct tarn_model_result *r)
{
    tarn_json_key(w, "adapter_response");
    tarn_json_object_begin(w);
    tarn_json_put_str(w, "_message", "OK");
    if (r->rows >= 0)
        tarn_json_put_int(w, "rows_affected", r->rows);
    if (r->snapshot_id)
        tarn_json_put_int(w, "snapshot_id", r->snapshot_id);
    tarn_json_put_int(w, "sql_us", r->sql_us);
    tarn_json_put_int(w, "commit_us", r->commit_us);
    tarn_json_object_end(w);
}

static void put_relation_name(struct tarn_json_writer *w, const struct tarn_model_node *node)
{
    TARN_BUFFER(name, 1 << 16);
    bool has = (node->kind == TARN_NODE_MODEL || node->kind == TARN_NODE_SEED ||
                node->kind == TARN_NODE_SNAPSHOT) &&
               !tarn_node_is_ephemeral(node);
    struct tarn_relation relation = tarn_relation_of_node(node);
    relation.database_asked = true;
    tarn_relation_print(&relation, &name);
    tarn_json_put_str(w, "relation_name", has ? tarn_buffer_str(&name) : NULL);
}

static void put_result(struct tarn_json_writer *w, const struct tarn_model_result *r)
{
    bool skipped = r->status == TARN_MODEL_STATUS_SKIPPED;
    char thread[32];
    snprintf(thread, sizeof thread, "Thread-%u", r->thread ? r->thread : 1);
    tarn_json_object_begin(w);
    tarn_json_put_str(w, "status", tarn_model_status_name(r->status));
    tarn_json_key(w, "timing");
    tarn_json_array_begin(w);
    if (!skipped) {
        put_timing(w, "compile", r->compile_started_us, r->compile_ended_us);
        put_timing(w, "execute", r->execute_started_us, r->execute_ended_us);
    }
    tarn_json_array_end(w);
    tarn_json_put_str(w, "thread_id", thread);
    int64_t took_us = skipped ? 0
                              : r->compile_ended_us - r->compile_started_us + r->execute_ended_us -
                                    r->execute_started_us;
    tarn_json_put_double(w, "execution_time", (double)took_us / 1e6);
    put_response(w, r);
    tarn_json_put_str(w, "message",
                      r->message[0]                            ? r->message
                      : r->was_done                            ? "committed before by this run"
                      : r->status == TARN_MODEL_STATUS_SUCCESS ? "OK"
                                                               : NULL);
    tarn_json_key(w, "failures");
    if (r->failures >= 0)
        tarn_json_int(w, r->failures);
    else
        tarn_json_null(w);
    tarn_json_put_str(w, "unique_id", r->node->unique_id);
    tarn_json_put_bool(w, "compiled", r->compiled != NULL);
    tarn_json_put_str(w, "compiled_code", r->compiled);
    put_relation_name(w, r->node);
    tarn_json_key(w, "batch_results");
    tarn_json_null(w);
    tarn_json_object_end(w);
}

static void put_vars(struct tarn_json_writer *w, struct tarn_value vars)
{
    TARN_BUFFER(text, 1 << 20);
    struct tarn_error ignored;
    bool fine = tarn_value_is(vars, TARN_VALUE_DICT) &&
                tarn_value_to_json(vars, NULL, &text, &ignored) == TARN_OK;
    tarn_json_raw(w, fine ? tarn_buffer_text(&text) : TARN_TEXT("{}"));
}

void tarn_model_run_results_json(const struct tarn_model_project *project,
                                 const struct tarn_model_run_result *result,
                                 struct tarn_buffer *out)
{
    struct tarn_json_writer w = tarn_json_writer(out, 0);
    tarn_json_object_begin(&w);
    tarn_json_key(&w, "metadata");
    tarn_json_object_begin(&w);
    tarn_json_put_str(&w, "dbt_schema_version",
                      "https://schemas.getdbt.com/dbt/run-results/v6.json");
    tarn_json_put_str(&w, "dbt_version", "1.10.0");
    put_time(&w, "generated_at", result->ended_us);
    tarn_json_put_str(&w, "invocation_id", project->invocation_id);
    put_time(&w, "invocation_started_at", project->started_us);
    tarn_json_key(&w, "env");
    tarn_json_object_begin(&w);
    tarn_json_object_end(&w);
    tarn_json_object_end(&w);
    tarn_json_key(&w, "results");
    tarn_json_array_begin(&w);
    for (size_t i = 0; i < result->count; i++)
        put_result(&w, &result->results[i]);
    tarn_json_array_end(&w);
    tarn_json_put_double(&w, "elapsed_time", (double)(result->ended_us - result->started_us) / 1e6);
    tarn_json_key(&w, "args");
    tarn_json_object_begin(&w);
    tarn_json_put_str(&w, "which", project->command);
    tarn_json_put_str(&w, "run_id", result->run_id);
    tarn_json_put_bool(&w, "full_refresh", project->full_refresh);
    tarn_json_key(&w, "vars");
    put_vars(&w, project->cli_vars);
    tarn_json_put_str(&w, "target", project->target.name);
    tarn_json_put_str(&w, "project_dir", project->directory);
    tarn_json_put_str(&w, "profiles_dir", project->directory);
    tarn_json_object_end(&w);
    tarn_json_object_end(&w);
}

enum tarn_status tarn_model_write_run_results(const struct tarn_model_project *project,
                                              const struct tarn_model_run_result *result,
                                              struct tarn_error *err)
{
    TARN_BUFFER(json, RESULTS_BYTES_MAX);
    tarn_model_run_results_json(project, result, &json);
    TARN_TRY(tarn_buffer_check(&json, "run_results.json", err));
    bool absolute = project->target_path[0] == '/';
    TARN_AUTO_FREE char *path =
        tarn_format("%s%s%s/run_results.json", absolute ? "" : project->directory,
                    absolute ? "" : "/", project->target_path);
    return tarn_model_write_target(path, tarn_buffer_text(&json), err);
}

/* model/freshness.h -- how old the data of a project's sources is, against what is declared
 * (`freshness:`): dbt's `source freshness`. */
#ifndef TARN_MODEL_FRESHNESS_H
#define TARN_MODEL_FRESHNESS_H

#include "base/json_writer.h"
#include "model/project.h"
#include "model/select.h"

struct tarn_engine;
struct tarn_lake;

/* dbt's words. */
enum tarn_freshness_status {
    TARN_FRESHNESS_PASS,
    TARN_FRESHNESS_WARN,
    TARN_FRESHNESS_ERROR,
    TARN_FRESHNESS_RUNTIME_ERROR, /* it could not be measured: see `message` */
};
const char *tarn_freshness_status_name(enum tarn_freshness_status status);

struct tarn_freshness {
    const struct tarn_model_node *source;
    enum tarn_freshness_status status;
    int64_t loaded_us;                         /* the newest row, or the last commit to the table */
    int64_t measured_us;                       /* when it was asked */
    const char *message;                       /* "" when there is nothing to say */
    struct tarn_value warn_after, error_after; /* {count, period}, or nothing */
    const char *filter;                        /* SQL, or NULL */
};

/* Every chosen source that has a warn_after or an error_after, and a table that tells its age: by
 * loaded_at_field, loaded_at_query, or otherwise by the lake's last commit to it. TARN_OK also when
 * some are too old. Everything lives in `arena`. */
CHECKED enum tarn_status tarn_model_freshness(struct tarn_model_project *project,
                                              struct tarn_engine *engine, struct tarn_lake *lake,
                                              const struct tarn_selection *selection,
                                              struct tarn_arena *arena,
                                              struct tarn_freshness **ret_results,
                                              size_t *ret_count, struct tarn_error *err);
/* target/sources.json as dbt writes it (v3), and the same text. */
void tarn_model_freshness_json(const struct tarn_model_project *project,
                               const struct tarn_freshness *results, size_t count,
                               struct tarn_buffer *out);
CHECKED enum tarn_status tarn_model_write_freshness(const struct tarn_model_project *project,
                                                    const struct tarn_freshness *results,
                                                    size_t count, struct tarn_error *err);

#endif

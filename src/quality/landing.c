/* quality/landing.c -- nothing is lost between the landing folder and bronze: the records that were
 * counted while files were read are compared with the rows that can be read back. */
#include <string.h>

#include "quality/runner.h"
#include "store/load.h"

/* Stands for "this part is counted" in reports that no file declares. */
static const struct tarn_yaml counted = {.kind = TARN_YAML_INT, .text = "0"};

static struct tarn_reconcile_report *report_of(struct tarn_reconcile_report *reports, size_t *count,
                                               const char *entity, struct tarn_arena *arena)
{
    const char *name = tarn_arena_format(arena, "%s_from_landing_to_bronze", entity);
    for (size_t i = 0; i < *count; i++)
        if (strcmp(reports[i].reconcile->name, name) == 0)
            return &reports[i];
    struct tarn_reconcile *reconcile = tarn_arena_alloc(arena, sizeof *reconcile);
    *reconcile = (struct tarn_reconcile){
        .name = name, .layer = "bronze", .description = tarn_arena_strdup(arena, entity)};
    reconcile->parts[TARN_RECONCILE_IN] = &counted;
    reconcile->parts[TARN_RECONCILE_OUT] = &counted;
    reconcile->parts[TARN_RECONCILE_QUARANTINED] = &counted;
    reports[*count] = (struct tarn_reconcile_report){.reconcile = reconcile};
    return &reports[(*count)++];
}

/* Rows of a bronze table, 0 when it is not there: an entity all of whose files were rejected. */
static enum tarn_status count_rows(const struct tarn_quality *quality, const char *table,
                                   const char *entity, int64_t *ret_rows, struct tarn_error *err)
{
    enum tarn_lake_kind kind;
    TARN_BUFFER(sql, 1 << 16);
    TARN_TRY(tarn_lake_kind_of(quality->lake, "bronze", table, &kind, err));
    *ret_rows = 0;
    if (kind != TARN_LAKE_TABLE)
        return TARN_OK;
    tarn_buffer_append_str(&sql, "SELECT count(*) FROM bronze.");
    tarn_sql_identifier(&sql, table);
    if (entity) {
        tarn_buffer_append_str(&sql, " WHERE entity = ");
        tarn_sql_literal(&sql, tarn_text_of(entity));
    }
    return tarn_session_query_int(quality->session, tarn_buffer_str(&sql), ret_rows, err);
}

enum tarn_status tarn_landing_check(const struct tarn_quality *quality, struct tarn_arena *arena,
                                    struct tarn_reconcile_report **ret_reports, size_t *ret_count,
                                    struct tarn_error *err)
{
    struct tarn_load *loads;
    size_t load_count, count = 0;
    TARN_TRY(tarn_load_list(quality->state, arena, &loads, &load_count, err));
    struct tarn_reconcile_report *reports =
        tarn_arena_array(arena, load_count + 1, sizeof *reports);
    for (size_t i = 0; i < load_count; i++) {
        struct tarn_reconcile_report *r = report_of(reports, &count, loads[i].entity, arena);
        r->parts[TARN_RECONCILE_IN] += loads[i].rows + loads[i].rejected;
    }
    for (size_t i = 0; i < count; i++) {
        struct tarn_reconcile_report *r = &reports[i];
        const char *entity = r->reconcile->description;
        TARN_TRY(count_rows(quality, entity, NULL, &r->parts[TARN_RECONCILE_OUT], err));
        TARN_TRY(count_rows(quality, "rejected_rows", entity, &r->parts[TARN_RECONCILE_QUARANTINED],
                            err));
        r->difference = r->parts[TARN_RECONCILE_IN] - r->parts[TARN_RECONCILE_OUT] -
                        r->parts[TARN_RECONCILE_QUARANTINED];
        r->success = r->difference == 0;
    }
    *ret_reports = reports;
    *ret_count = count;
    return TARN_OK;
}

/* quality/reconcile.c -- in = out + quarantined + duplicates + held. */
#include <ctype.h>
#include <string.h>

#include "quality/runner.h"

static bool is_query(const char *text)
{
    while (isspace((unsigned char)*text) || *text == '(')
        text++;
    return strncasecmp(text, "select", 6) == 0 || strncasecmp(text, "with", 4) == 0 ||
           strncasecmp(text, "from", 4) == 0;
}

/* Quarantine holds one record per (row, rule), and warnings do not take a row out of the flow. */
static const char *count_sql(struct tarn_arena *arena, const char *table)
{
    const char *relation = tarn_check_relation(arena, table);
    if (strncmp(table, "quarantine.", 11) == 0)
        return tarn_arena_format(arena,
                                 "SELECT count(*) FROM (SELECT DISTINCT _file, _line FROM %s WHERE "
                                 "severity = 'error')",
                                 relation);
    return tarn_arena_format(arena, "SELECT count(*) FROM %s", relation);
}

static enum tarn_status count_part(struct tarn_session *session, const struct tarn_yaml *part,
                                   struct tarn_arena *arena, int64_t *sum, struct tarn_error *err)
{
    if (part->kind == TARN_YAML_LIST) {
        for (size_t i = 0; i < part->count; i++)
            TARN_TRY(count_part(session, part->items[i], arena, sum, err));
        return TARN_OK;
    }
    if (part->kind == TARN_YAML_INT) {
        *sum += part->integer;
        return TARN_OK;
    }
    const char *sql = is_query(part->text)
                          ? tarn_arena_format(arena, "SELECT CAST((%s) AS BIGINT)", part->text)
                          : count_sql(arena, part->text);
    int64_t count;
    if (tarn_session_query_int(session, sql, &count, err) != TARN_OK) {
        if (err->status != TARN_SQL)
            return err->status;
        TARN_AUTO_FREE char *text = tarn_strdup(err->text);
        return tarn_yaml_fail(part, err, "counting for a reconciliation: %s", text);
    }
    *sum += count;
    return TARN_OK;
}

enum tarn_status tarn_reconcile_check(struct tarn_session *session,
                                      const struct tarn_reconcile *reconcile,
                                      struct tarn_arena *arena,
                                      struct tarn_reconcile_report *ret_report,
                                      struct tarn_error *err)
{
    struct tarn_reconcile_report report = {.reconcile = reconcile};
    for (size_t i = 0; i < TARN_RECONCILE_PARTS; i++) {
        if (reconcile->parts[i])
            TARN_TRY(count_part(session, reconcile->parts[i], arena, &report.parts[i], err));
        report.difference += i == TARN_RECONCILE_IN ? report.parts[i] : -report.parts[i];
    }
    report.success = report.difference == 0;
    *ret_report = report;
    return TARN_OK;
}

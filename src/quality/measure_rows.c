/* quality/measure_rows.c -- the unexpected rows themselves: kept in a temporary table while they
 * are counted, and sampled. */
#include <stdio.h>
#include <string.h>

#include "base/json_writer.h"
#include "quality/measure_int.h"

/* ---- keeping unexpected rows ---- */

const char *tarn_measure_bad_table(const struct tarn_measure_options *options,
                                   struct tarn_arena *arena)
{
    return tarn_arena_format(arena, TARN_MEASURE_TABLES "bad_%zu", options->suite_id);
}

bool tarn_outcome_is_collected(const struct tarn_outcome *o)
{
    return o->condition && !o->check->source;
}

/* The columns of the source as JSON: all but those that ingestion added. */
static void append_row_json(struct tarn_buffer *sql, const struct tarn_check_table *table)
{
    static const char *const added[] = {"_file", "_line", "_load_id", "_loaded_at", "_arrived_on"};
    const char *comma = "";
    tarn_buffer_append_str(sql, "CAST(to_json(struct_pack(");
    for (size_t i = 0; i < table->column_count; i++) {
        const char *name = table->columns[i].name;
        bool is_added = false;
        for (size_t k = 0; k < TARN_COUNT(added); k++)
            is_added |= strcmp(added[k], name) == 0;
        if (is_added && table->column_count > TARN_COUNT(added))
            continue;
        tarn_buffer_append_str(sql, comma);
        tarn_sql_identifier(sql, name);
        tarn_buffer_append_str(sql, " := ");
        tarn_sql_identifier(sql, name);
        comma = ", ";
    }
    tarn_buffer_append_str(sql, ")) AS VARCHAR)");
}

static enum tarn_status run_collect(struct tarn_plan *p, const struct tarn_check_table *table,
                                    struct tarn_error *err)
{
    TARN_BUFFER(sql, TARN_MEASURE_SQL_BYTES);
    TARN_BUFFER(any, TARN_MEASURE_SQL_BYTES);
    tarn_buffer_printf(&sql, "CREATE OR REPLACE TABLE %s AS SELECT *, ",
                       tarn_measure_bad_table(p->options, p->arena));
    append_row_json(&sql, table);
    tarn_buffer_append_str(&sql, " AS __row FROM (SELECT *");
    for (size_t i = 0; i < p->count; i++) {
        if (!tarn_outcome_is_collected(&p->outcomes[i]))
            continue;
        tarn_buffer_printf(&sql, ",\n  (%s) IS TRUE AS __bad%zu", p->outcomes[i].condition, i);
        tarn_buffer_printf(&any, "%s__bad%zu", any.len ? " OR " : "", i);
    }
    tarn_buffer_printf(&sql, "\nFROM %s) WHERE %s", table->sql,
                       any.len ? tarn_buffer_str(&any) : "false");
    TARN_TRY(tarn_buffer_check(&sql, "the SQL of a suite", err));
    return tarn_session_run(p->session, tarn_buffer_str(&sql), NULL, err);
}

static enum tarn_status count_collected(struct tarn_plan *p, struct tarn_error *err)
{
    struct tarn_scan scan = {.source = tarn_measure_bad_table(p->options, p->arena),
                             .slots = tarn_arena_array(p->arena, p->count, sizeof *scan.slots)};
    for (size_t i = 0; i < p->count; i++)
        if (tarn_outcome_is_collected(&p->outcomes[i]))
            scan.slots[scan.count++].sql = tarn_arena_format(p->arena, "count_if(__bad%zu)", i);
    if (scan.count == 0)
        return TARN_OK;
    TARN_TRY(tarn_scan_run(p, &scan, err));
    size_t at = 0;
    for (size_t i = 0; i < p->count; i++)
        if (tarn_outcome_is_collected(&p->outcomes[i]))
            p->outcomes[i].unexpected_count = scan.slots[at++].integer;
    return TARN_OK;
}

/* The scan that keeps the rows failed: finds out whose condition it is. */
static enum tarn_status blame_condition(struct tarn_plan *p, struct tarn_error *err)
{
    struct tarn_error whole = *err;
    for (size_t i = 0; i < p->count && whole.status == TARN_SQL; i++) {
        const struct tarn_check *check = &p->checks[i];
        struct tarn_slot slot = {.sql = "count(*)"};
        struct tarn_scan alone = {.source = tarn_relation_of(check), .slots = &slot, .count = 1};
        if (!tarn_outcome_is_collected(&p->outcomes[i]))
            continue;
        slot.sql = tarn_arena_format(p->arena, "count_if(%s)", p->outcomes[i].condition);
        if (tarn_scan_run(p, &alone, err) != TARN_OK) {
            TARN_AUTO_FREE char *text = tarn_strdup(err->text);
            return tarn_yaml_fail(check->e->node, err, "%s: %s", check->e->rule, text);
        }
    }
    *err = whole;
    return err->status;
}

enum tarn_status tarn_measure_collect(struct tarn_plan *p, struct tarn_error *err)
{
    if (run_collect(p, p->checks[0].table, err) != TARN_OK)
        return blame_condition(p, err);
    return count_collected(p, err);
}

/* ---- samples ---- */

static bool has_lines(const struct tarn_check_table *table)
{
    int found = 0;
    for (size_t i = 0; i < table->column_count; i++)
        found += strcmp(table->columns[i].name, "_file") == 0 ||
                 strcmp(table->columns[i].name, "_line") == 0;
    return found == 2;
}

static const char *sample_sql(struct tarn_plan *p, const struct tarn_outcome *o)
{
    if (o->check->query)
        return tarn_arena_format(p->arena, "SELECT __row FROM (%s) AS __row LIMIT %zu",
                                 o->check->query, p->options->sample_max);
    TARN_BUFFER(index, TARN_MEASURE_SQL_BYTES);
    for (size_t i = 0; i < p->options->index_count; i++) {
        tarn_buffer_append_str(&index, ", ");
        tarn_sql_identifier(&index, p->options->index[i]);
    }
    const char *from = tarn_relation_of(o->check), *condition = o->condition;
    if (p->options->collect && tarn_outcome_is_collected(o)) {
        from = tarn_measure_bad_table(p->options, p->arena);
        condition = tarn_arena_format(p->arena, "__bad%zu%s", (size_t)(o - p->outcomes),
                                      has_lines(o->check->table) ? " ORDER BY _file, _line" : "");
    }
    return tarn_arena_format(p->arena, "SELECT %s%s FROM %s WHERE %s LIMIT %zu",
                             o->check->shown ? o->check->shown : "NULL", tarn_buffer_str(&index),
                             from, condition, p->options->sample_max);
}

static void read_sample(struct tarn_plan *p, const struct tarn_result *result, size_t row,
                        const struct tarn_check *check, struct tarn_sample *ret_sample)
{
    TARN_BUFFER(json, TARN_MEASURE_VALUE_BYTES);
    struct tarn_json_writer w = tarn_json_writer(&json, 0);
    struct tarn_vector v = tarn_result_vector(result, 0);
    tarn_vector_json(&v, row, &w);
    ret_sample->value_json =
        json.overflow ? "null" : tarn_arena_strdup(p->arena, tarn_buffer_str(&json));
    if (p->options->index_count == 0 || check->query)
        return;
    tarn_buffer_clear(&json);
    w = tarn_json_writer(&json, 0);
    tarn_json_object_begin(&w);
    if (check->column_name) {
        tarn_json_key(&w, check->column_name);
        tarn_json_raw(&w, tarn_text_of(ret_sample->value_json));
    }
    for (size_t i = 0; i < p->options->index_count; i++) {
        if (check->column_name && strcmp(check->column_name, p->options->index[i]) == 0)
            continue;
        struct tarn_vector key = tarn_result_vector(result, i + 1);
        tarn_json_key(&w, p->options->index[i]);
        tarn_vector_json(&key, row, &w);
    }
    tarn_json_object_end(&w);
    ret_sample->index_json =
        json.overflow ? NULL : tarn_arena_strdup(p->arena, tarn_buffer_str(&json));
}

enum tarn_status tarn_measure_samples(struct tarn_plan *p, struct tarn_outcome *o,
                                      struct tarn_error *err)
{
    size_t max = p->options->sample_max;
    if ((int64_t)max > o->unexpected_count)
        max = (size_t)o->unexpected_count;
    o->samples = tarn_arena_array(p->arena, max, sizeof *o->samples);
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    TARN_TRY(tarn_session_fetch(p->session, sample_sql(p, o), &result, err));
    for (;;) {
        size_t rows;
        TARN_TRY(tarn_result_next(result, &rows, err));
        for (size_t row = 0; row < rows && o->sample_count < max; row++)
            read_sample(p, result, row, o->check, &o->samples[o->sample_count++]);
        if (rows == 0 || o->sample_count == max)
            return TARN_OK;
    }
}

/* quality/measure.c -- see measure.h. The order: one SELECT per relation with all counts and
 * figures (slots), then unique keys and foreign keys, then samples. Where unexpected rows are kept,
 * row-wise conditions are left out of the first SELECT: they are the filter of the scan that keeps
 * the rows, and are counted there. */
#include "quality/measure.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json_writer.h"
#include "quality/measure_int.h"

enum {
    BITMAP_MIN_BITS = 1 << 16,
    BITMAP_BITS_PER_ROW = 16, /* a bitmap wider than this is slower than hashing */
    BITMAP_MAX_BITS = 900 * 1000 * 1000,
};

enum { SLOT_ELEMENTS, SLOT_CONSIDERED, SLOT_UNEXPECTED, SLOT_UNUSED, SLOT_TABLE_ROWS };
enum { SLOT_OBSERVED, SLOT_HOLDS, SLOT_SCORE };
enum { SLOT_KEY_MIN = SLOT_UNEXPECTED, SLOT_KEY_MAX = SLOT_UNUSED };

/* ---- the fused scans ---- */

static size_t find_scan(struct tarn_plan *p, const char *source)
{
    for (size_t i = 0; i < p->scan_count; i++)
        if (strcmp(p->scans[i].source, source) == 0)
            return i;
    p->scans[p->scan_count] = (struct tarn_scan){.source = source};
    return p->scan_count++;
}

static size_t add_slot(struct tarn_plan *p, size_t scan_at, const char *sql)
{
    struct tarn_scan *scan = &p->scans[scan_at];
    for (size_t i = 0; i < scan->count; i++)
        if (strcmp(scan->slots[i].sql, sql) == 0)
            return i;
    if (scan->count == scan->cap) {
        size_t cap = scan->cap ? scan->cap * 2 : 32;
        struct tarn_slot *bigger = tarn_arena_array(p->arena, cap, sizeof *bigger);
        if (scan->count)
            memcpy(bigger, scan->slots, scan->count * sizeof *bigger);
        scan->slots = bigger;
        scan->cap = cap;
    }
    scan->slots[scan->count] = (struct tarn_slot){.sql = sql};
    return scan->count++;
}

/* `value` where the check looks at the row, otherwise NULL. */
static const char *within_rows(struct tarn_plan *p, const struct tarn_check *check,
                               const char *value)
{
    return check->rows ? tarn_arena_format(p->arena, "CASE WHEN %s THEN %s END", check->rows, value)
                       : value;
}

/* count_if and count are a third faster than FILTER clauses here. */
static void plan_counts(struct tarn_plan *p, size_t at)
{
    const struct tarn_check *check = &p->checks[at];
    size_t scan = p->scan_of[at];
    size_t *slots = p->slots_of[at];
    const char *elements =
        check->rows ? tarn_arena_format(p->arena, "count_if(%s)", check->rows) : "count(*)";
    slots[SLOT_ELEMENTS] = add_slot(p, scan, elements);
    slots[SLOT_CONSIDERED] = slots[SLOT_ELEMENTS];
    if (check->counted)
        slots[SLOT_CONSIDERED] = add_slot(
            p, scan,
            tarn_arena_format(p->arena, "count(%s)", within_rows(p, check, check->counted)));
    if (check->e->type->shape == TARN_SHAPE_ROW) {
        const char *condition = check->unexpected;
        if (check->rows)
            condition = tarn_arena_format(p->arena, "(%s) AND (%s)", check->rows, condition);
        p->outcomes[at].condition = condition;
        if (!p->options->collect || check->source)
            slots[SLOT_UNEXPECTED] =
                add_slot(p, scan, tarn_arena_format(p->arena, "count_if(%s)", condition));
    } else if (check->integer_key) {
        const char *key = within_rows(p, check, check->keys[0]);
        slots[SLOT_KEY_MIN] = add_slot(p, scan, tarn_arena_format(p->arena, "min(%s)", key));
        slots[SLOT_KEY_MAX] = add_slot(p, scan, tarn_arena_format(p->arena, "max(%s)", key));
    }
}

static void plan_check(struct tarn_plan *p, size_t at)
{
    const struct tarn_check *check = &p->checks[at];
    enum tarn_check_shape shape = check->e->type->shape;
    if (shape == TARN_SHAPE_CATALOG || shape == TARN_SHAPE_QUERY)
        return;
    p->scan_of[at] = find_scan(p, tarn_relation_of(check));
    p->slots_of[at][SLOT_TABLE_ROWS] = add_slot(p, p->scan_of[at], "count(*)");
    if (shape != TARN_SHAPE_AGGREGATE) {
        plan_counts(p, at);
        return;
    }
    size_t *slots = p->slots_of[at];
    slots[SLOT_OBSERVED] = add_slot(p, p->scan_of[at], check->observed);
    slots[SLOT_HOLDS] = add_slot(p, p->scan_of[at], check->holds);
    if (check->score)
        slots[SLOT_SCORE] = add_slot(p, p->scan_of[at], check->score);
}

static void read_slot(struct tarn_plan *p, struct tarn_slot *slot, const struct tarn_vector *v)
{
    slot->is_null = tarn_vector_is_null(v, 0);
    TARN_BUFFER(json, TARN_MEASURE_VALUE_BYTES);
    TARN_BUFFER(text, TARN_MEASURE_VALUE_BYTES);
    struct tarn_json_writer w = tarn_json_writer(&json, 0);
    tarn_vector_json(v, 0, &w);
    tarn_vector_format(v, 0, &text);
    slot->json = json.overflow ? "null" : tarn_arena_strdup(p->arena, tarn_buffer_str(&json));
    slot->text = tarn_arena_strdup(p->arena, tarn_buffer_str(&text));
    if (slot->is_null)
        return;
    slot->is_number = tarn_type_is_number(v->type->id);
    slot->truth = v->type->id == TARN_TYPE_BOOLEAN && tarn_vector_int64(v, 0) != 0;
    if (tarn_type_is_integer(v->type->id)) /* count_if gives a HUGEINT */
        slot->integer = (int64_t)tarn_vector_int128(v, 0);
    if (slot->is_number)
        slot->real = tarn_vector_double(v, 0);
}

enum tarn_status tarn_scan_run(struct tarn_plan *p, struct tarn_scan *scan, struct tarn_error *err)
{
    TARN_BUFFER(sql, TARN_MEASURE_SQL_BYTES);
    for (size_t i = 0; i < scan->count; i++)
        tarn_buffer_printf(&sql, "%s%s", i ? ",\n  " : "SELECT ", scan->slots[i].sql);
    tarn_buffer_printf(&sql, "\nFROM %s", scan->source);
    TARN_TRY(tarn_buffer_check(&sql, "the SQL of a suite", err));
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    TARN_TRY(tarn_session_fetch(p->session, tarn_buffer_str(&sql), &result, err));
    size_t rows;
    TARN_TRY(tarn_result_next(result, &rows, err));
    for (size_t i = 0; i < scan->count && rows > 0; i++) {
        struct tarn_vector v = tarn_result_vector(result, i);
        read_slot(p, &scan->slots[i], &v);
    }
    return TARN_OK;
}

/* A fused SELECT failed: runs each check's own slots to find whose SQL it is. */
static enum tarn_status blame(struct tarn_plan *p, size_t scan_at, struct tarn_error *err)
{
    if (err->status != TARN_SQL)
        return err->status;
    struct tarn_error whole = *err;
    for (size_t i = 0; i < p->count; i++) {
        enum tarn_check_shape shape = p->checks[i].e->type->shape;
        if (shape == TARN_SHAPE_CATALOG || shape == TARN_SHAPE_QUERY || p->scan_of[i] != scan_at)
            continue;
        struct tarn_slot slots[SLOTS_PER_CHECK];
        struct tarn_scan alone = {.source = p->scans[scan_at].source, .slots = slots};
        for (size_t k = 0; k < SLOTS_PER_CHECK; k++)
            slots[alone.count++] = p->scans[scan_at].slots[p->slots_of[i][k]];
        if (tarn_scan_run(p, &alone, err) != TARN_OK) {
            TARN_AUTO_FREE char *text = tarn_strdup(err->text);
            return tarn_yaml_fail(p->checks[i].e->node, err, "%s: %s", p->checks[i].e->rule, text);
        }
    }
    *err = whole;
    return err->status;
}

static const struct tarn_slot *slot_of(const struct tarn_plan *p, size_t check, int which)
{
    return &p->scans[p->scan_of[check]].slots[p->slots_of[check][which]];
}

static void take_counts(struct tarn_plan *p, size_t at)
{
    struct tarn_outcome *o = &p->outcomes[at];
    enum tarn_check_shape shape = o->check->e->type->shape;
    if (shape != TARN_SHAPE_CATALOG && shape != TARN_SHAPE_QUERY && !o->check->source)
        o->table_rows = slot_of(p, at, SLOT_TABLE_ROWS)->integer;
    if (shape == TARN_SHAPE_CATALOG) {
        o->success = o->check->catalog_holds;
        o->observed_json = o->check->observed_json;
        o->observed_text = o->observed_json;
    } else if (shape == TARN_SHAPE_AGGREGATE) {
        const struct tarn_slot *observed = slot_of(p, at, SLOT_OBSERVED);
        o->observed_json = observed->json;
        o->observed_text = observed->text;
        o->has_number = observed->is_number;
        o->number = observed->real;
        o->success = slot_of(p, at, SLOT_HOLDS)->truth;
        if (o->check->score)
            o->score = slot_of(p, at, SLOT_SCORE)->real;
    } else if (shape != TARN_SHAPE_QUERY) {
        o->element_count = slot_of(p, at, SLOT_ELEMENTS)->integer;
        o->considered_count = slot_of(p, at, SLOT_CONSIDERED)->integer;
        if (shape == TARN_SHAPE_ROW && !(p->options->collect && !o->check->source))
            o->unexpected_count = slot_of(p, at, SLOT_UNEXPECTED)->integer;
    }
}

/* ---- unique keys ---- */

static bool bitmap_fits(const struct tarn_plan *p, size_t at)
{
    const struct tarn_check *check = &p->checks[at];
    const struct tarn_outcome *o = &p->outcomes[at];
    if (!check->integer_key || o->considered_count == 0)
        return false;
    int64_t bits;
    if (__builtin_sub_overflow(slot_of(p, at, SLOT_KEY_MAX)->integer,
                               slot_of(p, at, SLOT_KEY_MIN)->integer, &bits))
        return false;
    return bits < BITMAP_MAX_BITS &&
           (bits < BITMAP_MIN_BITS || bits / BITMAP_BITS_PER_ROW < o->considered_count);
}

/* Counts distinct values of a dense integer key without hashing; true in *ret_unique when none
 * repeats. */
static enum tarn_status is_unique_by_bitmap(struct tarn_plan *p, size_t at, bool *ret_unique,
                                            struct tarn_error *err)
{
    const struct tarn_check *check = &p->checks[at];
    int64_t distinct;
    const char *sql = tarn_arena_format(
        p->arena, "SELECT bit_count(bitstring_agg(%s, %" PRId64 ", %" PRId64 ")) FROM %s",
        tarn_arena_format(p->arena, "CAST(%s AS BIGINT)", within_rows(p, check, check->keys[0])),
        slot_of(p, at, SLOT_KEY_MIN)->integer, slot_of(p, at, SLOT_KEY_MAX)->integer,
        tarn_relation_of(check));
    TARN_TRY(tarn_session_query_int(p->session, sql, &distinct, err));
    *ret_unique = distinct == p->outcomes[at].considered_count;
    return TARN_OK;
}

static const char *offender_table(struct tarn_plan *p, size_t at)
{
    return tarn_arena_format(p->arena, TARN_MEASURE_TABLES "keys_%zu_%zu", p->options->suite_id,
                             at);
}

/* "expr AS __key0, ..." */
static const char *key_columns(struct tarn_plan *p, const struct tarn_check *check)
{
    TARN_BUFFER(sql, TARN_MEASURE_SQL_BYTES);
    for (size_t i = 0; i < check->key_count; i++)
        tarn_buffer_printf(&sql, "%s%s AS __key%zu", i ? ", " : "", check->keys[i], i);
    return tarn_arena_strdup(p->arena, tarn_buffer_str(&sql));
}

/* The rows that a key check considers. */
static const char *considered_rows(struct tarn_plan *p, const struct tarn_check *check)
{
    const char *rows = check->rows ? check->rows : "true";
    return check->counted
               ? tarn_arena_format(p->arena, "(%s) AND (%s) IS NOT NULL", rows, check->counted)
               : rows;
}

/* True for a row whose key is among the offenders. */
static const char *offending_rows(struct tarn_plan *p, const struct tarn_check *check,
                                  const char *offenders)
{
    const char *rows = check->rows ? check->rows : "true";
    if (check->key_count == 1)
        return tarn_arena_format(p->arena, "(%s) AND (%s) IN (SELECT __key0 FROM %s)", rows,
                                 check->keys[0], offenders);
    TARN_BUFFER(sql, TARN_MEASURE_SQL_BYTES);
    for (size_t i = 0; i < check->key_count; i++)
        tarn_buffer_printf(&sql, "%s__bad.__key%zu IS NOT DISTINCT FROM (%s)", i ? " AND " : "", i,
                           check->keys[i]);
    return tarn_arena_format(p->arena, "(%s) AND EXISTS (SELECT 1 FROM %s AS __bad WHERE %s)",
                             considered_rows(p, check), offenders, tarn_buffer_str(&sql));
}

static enum tarn_status read_two(struct tarn_plan *p, const char *sql, int64_t ret_values[2],
                                 struct tarn_error *err)
{
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    TARN_TRY(tarn_session_fetch(p->session, sql, &result, err));
    size_t rows;
    TARN_TRY(tarn_result_next(result, &rows, err));
    for (size_t i = 0; i < 2; i++) {
        struct tarn_vector v = tarn_result_vector(result, i);
        ret_values[i] = rows > 0 && !tarn_vector_is_null(&v, 0) ? tarn_vector_int64(&v, 0) : 0;
    }
    return TARN_OK;
}

/* Runs `sql`, which makes the table of offending keys with their number of rows, and takes the
 * counts from it. */
static enum tarn_status measure_keys(struct tarn_plan *p, size_t at, const char *sql,
                                     struct tarn_error *err)
{
    struct tarn_outcome *o = &p->outcomes[at];
    const char *offenders = offender_table(p, at);
    int64_t counts[2];
    if (tarn_session_run(p->session, sql, NULL, err) != TARN_OK) {
        if (err->status != TARN_SQL)
            return err->status;
        TARN_AUTO_FREE char *text = tarn_strdup(err->text);
        return tarn_yaml_fail(o->check->e->node, err, "%s: %s", o->check->e->rule, text);
    }
    o->offenders = offenders;
    o->condition = offending_rows(p, o->check, offenders);
    TARN_TRY(
        read_two(p,
                 tarn_arena_format(p->arena, "SELECT CAST(sum(__rows) AS BIGINT), count(*) FROM %s",
                                   offenders),
                 counts, err));
    o->unexpected_count = counts[0];
    if (o->check->e->type->shape == TARN_SHAPE_UNIQUE)
        o->surplus_count = counts[0] - counts[1];
    return TARN_OK;
}

static enum tarn_status measure_unique(struct tarn_plan *p, size_t at, struct tarn_error *err)
{
    const struct tarn_check *check = &p->checks[at];
    if (bitmap_fits(p, at)) {
        bool unique = false;
        TARN_TRY(is_unique_by_bitmap(p, at, &unique, err));
        if (unique)
            return TARN_OK;
    }
    const char *sql = tarn_arena_format(
        p->arena,
        "CREATE OR REPLACE TABLE %s AS SELECT %s, count(*) AS __rows FROM %s WHERE %s "
        "GROUP BY ALL HAVING count(*) > 1",
        offender_table(p, at), key_columns(p, check), tarn_relation_of(check),
        considered_rows(p, check));
    return measure_keys(p, at, sql, err);
}

static enum tarn_status measure_reference(struct tarn_plan *p, size_t at, struct tarn_error *err)
{
    const struct tarn_check *check = &p->checks[at];
    const char *sql =
        tarn_arena_format(p->arena,
                          "CREATE OR REPLACE TABLE %s AS SELECT %s, count(*) AS __rows FROM %s "
                          "WHERE %s AND (%s) NOT IN (%s) GROUP BY ALL",
                          offender_table(p, at), key_columns(p, check), tarn_relation_of(check),
                          considered_rows(p, check), check->keys[0], check->parent);
    return measure_keys(p, at, sql, err);
}

static enum tarn_status measure_query(struct tarn_plan *p, size_t at, struct tarn_error *err)
{
    struct tarn_outcome *o = &p->outcomes[at];
    const char *sql = tarn_arena_format(p->arena, "SELECT count(*) FROM (%s)", o->check->query);
    if (tarn_session_query_int(p->session, sql, &o->unexpected_count, err) != TARN_OK) {
        if (err->status != TARN_SQL)
            return err->status;
        TARN_AUTO_FREE char *text = tarn_strdup(err->text);
        return tarn_yaml_fail(o->check->e->node, err, "%s: %s", o->check->e->rule, text);
    }
    o->observed_json = tarn_arena_format(p->arena, "%" PRId64, o->unexpected_count);
    o->observed_text = o->observed_json;
    o->has_number = true;
    o->number = (double)o->unexpected_count;
    o->success = o->unexpected_count == 0;
    return TARN_OK;
}

/* ---- all together ---- */

static enum tarn_status measure_own(struct tarn_plan *p, size_t at, struct tarn_error *err)
{
    switch (p->checks[at].e->type->shape) {
    case TARN_SHAPE_UNIQUE:
        return measure_unique(p, at, err);
    case TARN_SHAPE_REFERENCE:
        return measure_reference(p, at, err);
    case TARN_SHAPE_QUERY:
        return measure_query(p, at, err);
    case TARN_SHAPE_ROW:
    case TARN_SHAPE_AGGREGATE:
    case TARN_SHAPE_CATALOG:
        break; /* a slot says it all */
    }
    return TARN_OK;
}

static void judge(struct tarn_outcome *o)
{
    enum tarn_check_shape shape = o->check->e->type->shape;
    if (shape != TARN_SHAPE_ROW && shape != TARN_SHAPE_UNIQUE && shape != TARN_SHAPE_REFERENCE)
        return;
    int64_t good = o->considered_count - o->unexpected_count;
    o->success = o->considered_count == 0 ||
                 (double)good / (double)o->considered_count >= o->check->e->mostly;
}

static enum tarn_status run_plan(struct tarn_plan *p, struct tarn_error *err)
{
    for (size_t i = 0; i < p->scan_count; i++)
        if (tarn_scan_run(p, &p->scans[i], err) != TARN_OK)
            return blame(p, i, err);
    for (size_t i = 0; i < p->count; i++) {
        take_counts(p, i);
        TARN_TRY(measure_own(p, i, err));
    }
    if (p->options->collect)
        TARN_TRY(tarn_measure_collect(p, err));
    for (size_t i = 0; i < p->count; i++) {
        judge(&p->outcomes[i]);
        if (p->outcomes[i].unexpected_count > 0 && p->options->sample_max > 0)
            TARN_TRY(tarn_measure_samples(p, &p->outcomes[i], err));
    }
    return TARN_OK;
}

enum tarn_status tarn_measure(const struct tarn_check *checks, size_t count,
                              const struct tarn_measure_options *options, struct tarn_arena *arena,
                              struct tarn_outcome *outcomes, struct tarn_error *err)
{
    if (count == 0)
        return TARN_OK;
    struct tarn_plan p = {
        .checks = checks,
        .outcomes = outcomes,
        .count = count,
        .options = options,
        .session = checks[0].table->session,
        .arena = arena,
        .scans = tarn_arena_array(arena, count, sizeof *p.scans),
        .scan_of = tarn_arena_array(arena, count, sizeof *p.scan_of),
        .slots_of = tarn_arena_array(arena, count, sizeof *p.slots_of),
    };
    for (size_t i = 0; i < count; i++) {
        outcomes[i] = (struct tarn_outcome){.check = &checks[i], .score = 1};
        plan_check(&p, i);
    }
    return run_plan(&p, err);
}

static void drop(struct tarn_session *session, const char *table)
{
    struct tarn_error err;
    if (tarn_session_runf(session, &err, "DROP TABLE IF EXISTS %s", table) != TARN_OK)
        return; /* a table that stays is replaced by the next run */
}

void tarn_measure_release(const struct tarn_outcome *outcomes, size_t count,
                          const struct tarn_measure_options *options)
{
    for (size_t i = 0; i < count; i++)
        if (outcomes[i].offenders)
            drop(outcomes[i].check->table->session, outcomes[i].offenders);
    if (count > 0 && outcomes[0].check && options->collect) {
        TARN_AUTO_ARENA struct tarn_arena *arena = tarn_arena_new();
        drop(outcomes[0].check->table->session, tarn_measure_bad_table(options, arena));
    }
}

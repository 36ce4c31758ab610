/* quality/measure.c -- see measure.h. The order: one SELECT per relation with all counts and
 * figures (slots), then unique keys and foreign keys, then samples. Where unexpected rows are kept,
 * row-wise conditions are left out of the first SELECT: they are the filter of the scan that keeps
 * the rows, and are counted there. */
#include "quality/measure.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json_writer.h"

enum {
    SQL_MAX_BYTES = 32 << 20,
    VALUE_MAX_BYTES = 1 << 20,
    SLOTS_PER_CHECK = 4,
    BITMAP_MIN_BITS = 1 << 16,
    BITMAP_BITS_PER_ROW = 16, /* a bitmap wider than this is slower than hashing */
    BITMAP_MAX_BITS = 900 * 1000 * 1000,
};

/* One column of a fused SELECT. */
struct slot {
    const char *sql;
    bool is_null;
    bool truth; /* BOOLEAN */
    bool is_number;
    int64_t integer;
    double real;
    const char *json;
    const char *text;
};

/* All slots over one relation. */
struct scan {
    const char *source;
    struct slot *slots;
    size_t count, cap;
};

struct plan {
    const struct tarn_check *checks;
    struct tarn_outcome *outcomes;
    size_t count;
    const struct tarn_measure_options *options;
    struct tarn_session *session;
    struct tarn_arena *arena;
    struct scan *scans; /* at most one per check */
    size_t scan_count;
    /* Per check: which scan, and which of its slots. */
    size_t *scan_of;
    size_t (*slots_of)[SLOTS_PER_CHECK];
};

enum { SLOT_ELEMENTS, SLOT_CONSIDERED, SLOT_UNEXPECTED, SLOT_UNUSED };
enum { SLOT_OBSERVED, SLOT_HOLDS, SLOT_SCORE };
enum { SLOT_KEY_MIN = SLOT_UNEXPECTED, SLOT_KEY_MAX = SLOT_UNUSED };

static const char *relation_of(const struct tarn_check *check)
{
    return check->source ? check->source : check->table->sql;
}

/* ---- the fused scans ---- */

static size_t find_scan(struct plan *p, const char *source)
{
    for (size_t i = 0; i < p->scan_count; i++)
        if (strcmp(p->scans[i].source, source) == 0)
            return i;
    p->scans[p->scan_count] = (struct scan){.source = source};
    return p->scan_count++;
}

static size_t add_slot(struct plan *p, size_t scan_at, const char *sql)
{
    struct scan *scan = &p->scans[scan_at];
    for (size_t i = 0; i < scan->count; i++)
        if (strcmp(scan->slots[i].sql, sql) == 0)
            return i;
    if (scan->count == scan->cap) {
        size_t cap = scan->cap ? scan->cap * 2 : 32;
        struct slot *bigger = tarn_arena_array(p->arena, cap, sizeof *bigger);
        if (scan->count)
            memcpy(bigger, scan->slots, scan->count * sizeof *bigger);
        scan->slots = bigger;
        scan->cap = cap;
    }
    scan->slots[scan->count] = (struct slot){.sql = sql};
    return scan->count++;
}

/* `value` where the check looks at the row, otherwise NULL. */
static const char *within_rows(struct plan *p, const struct tarn_check *check, const char *value)
{
    return check->rows ? tarn_arena_format(p->arena, "CASE WHEN %s THEN %s END", check->rows, value)
                       : value;
}

/* count_if and count are a third faster than FILTER clauses here. */
static void plan_counts(struct plan *p, size_t at)
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

static void plan_check(struct plan *p, size_t at)
{
    const struct tarn_check *check = &p->checks[at];
    enum tarn_check_shape shape = check->e->type->shape;
    if (shape == TARN_SHAPE_CATALOG || shape == TARN_SHAPE_QUERY)
        return;
    p->scan_of[at] = find_scan(p, relation_of(check));
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

static void read_slot(struct plan *p, struct slot *slot, const struct tarn_vector *v)
{
    slot->is_null = tarn_vector_is_null(v, 0);
    TARN_BUFFER(json, VALUE_MAX_BYTES);
    TARN_BUFFER(text, VALUE_MAX_BYTES);
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

static enum tarn_status run_scan(struct plan *p, struct scan *scan, struct tarn_error *err)
{
    TARN_BUFFER(sql, SQL_MAX_BYTES);
    for (size_t i = 0; i < scan->count; i++)
        tarn_buffer_printf(&sql, "%s%s", i ? ",\n  " : "SELECT ", scan->slots[i].sql);
    tarn_buffer_printf(&sql, "\nFROM %s", scan->source);
    TARN_TRY(tarn_buffer_check(&sql, "the SQL of a suite", err));
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    TARN_TRY(tarn_session_query(p->session, tarn_buffer_str(&sql), NULL, 0, &result, err));
    size_t rows;
    TARN_TRY(tarn_result_next(result, &rows, err));
    for (size_t i = 0; i < scan->count && rows > 0; i++) {
        struct tarn_vector v = tarn_result_vector(result, i);
        read_slot(p, &scan->slots[i], &v);
    }
    return TARN_OK;
}

/* A fused SELECT failed: runs each check's own slots to find whose SQL it is. */
static enum tarn_status blame(struct plan *p, size_t scan_at, struct tarn_error *err)
{
    if (err->status != TARN_SQL)
        return err->status;
    struct tarn_error whole = *err;
    for (size_t i = 0; i < p->count; i++) {
        enum tarn_check_shape shape = p->checks[i].e->type->shape;
        if (shape == TARN_SHAPE_CATALOG || shape == TARN_SHAPE_QUERY || p->scan_of[i] != scan_at)
            continue;
        struct slot slots[SLOTS_PER_CHECK];
        struct scan alone = {.source = p->scans[scan_at].source, .slots = slots};
        for (size_t k = 0; k < SLOTS_PER_CHECK; k++)
            slots[alone.count++] = p->scans[scan_at].slots[p->slots_of[i][k]];
        if (run_scan(p, &alone, err) != TARN_OK) {
            TARN_AUTO_FREE char *text = tarn_strdup(err->text);
            return tarn_yaml_fail(p->checks[i].e->node, err, "%s: %s", p->checks[i].e->rule, text);
        }
    }
    *err = whole;
    return err->status;
}

static const struct slot *slot_of(const struct plan *p, size_t check, int which)
{
    return &p->scans[p->scan_of[check]].slots[p->slots_of[check][which]];
}

static void take_counts(struct plan *p, size_t at)
{
    struct tarn_outcome *o = &p->outcomes[at];
    enum tarn_check_shape shape = o->check->e->type->shape;
    if (shape == TARN_SHAPE_CATALOG) {
        o->success = o->check->catalog_holds;
        o->observed_json = o->check->observed_json;
        o->observed_text = o->observed_json;
    } else if (shape == TARN_SHAPE_AGGREGATE) {
        const struct slot *observed = slot_of(p, at, SLOT_OBSERVED);
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

static bool bitmap_fits(const struct plan *p, size_t at)
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
static enum tarn_status is_unique_by_bitmap(struct plan *p, size_t at, bool *ret_unique,
                                            struct tarn_error *err)
{
    const struct tarn_check *check = &p->checks[at];
    int64_t distinct;
    const char *sql = tarn_arena_format(
        p->arena, "SELECT bit_count(bitstring_agg(%s, %" PRId64 ", %" PRId64 ")) FROM %s",
        tarn_arena_format(p->arena, "CAST(%s AS BIGINT)", within_rows(p, check, check->keys[0])),
        slot_of(p, at, SLOT_KEY_MIN)->integer, slot_of(p, at, SLOT_KEY_MAX)->integer,
        relation_of(check));
    TARN_TRY(tarn_session_query_int(p->session, sql, &distinct, err));
    *ret_unique = distinct == p->outcomes[at].considered_count;
    return TARN_OK;
}

static const char *offender_table(struct plan *p, size_t at)
{
    return tarn_arena_format(p->arena, "temp.tarn_quality_keys_%zu_%zu", p->options->suite_id, at);
}

/* "expr AS __key0, ..." */
static const char *key_columns(struct plan *p, const struct tarn_check *check)
{
    TARN_BUFFER(sql, SQL_MAX_BYTES);
    for (size_t i = 0; i < check->key_count; i++)
        tarn_buffer_printf(&sql, "%s%s AS __key%zu", i ? ", " : "", check->keys[i], i);
    return tarn_arena_strdup(p->arena, tarn_buffer_str(&sql));
}

/* The rows that a key check considers. */
static const char *considered_rows(struct plan *p, const struct tarn_check *check)
{
    const char *rows = check->rows ? check->rows : "true";
    return check->counted
               ? tarn_arena_format(p->arena, "(%s) AND (%s) IS NOT NULL", rows, check->counted)
               : rows;
}

/* True for a row whose key is among the offenders. */
static const char *offending_rows(struct plan *p, const struct tarn_check *check,
                                  const char *offenders)
{
    const char *rows = check->rows ? check->rows : "true";
    if (check->key_count == 1)
        return tarn_arena_format(p->arena, "(%s) AND (%s) IN (SELECT __key0 FROM %s)", rows,
                                 check->keys[0], offenders);
    TARN_BUFFER(sql, SQL_MAX_BYTES);
    for (size_t i = 0; i < check->key_count; i++)
        tarn_buffer_printf(&sql, "%s__bad.__key%zu IS NOT DISTINCT FROM (%s)", i ? " AND " : "", i,
                           check->keys[i]);
    return tarn_arena_format(p->arena, "(%s) AND EXISTS (SELECT 1 FROM %s AS __bad WHERE %s)",
                             considered_rows(p, check), offenders, tarn_buffer_str(&sql));
}

static enum tarn_status read_two(struct plan *p, const char *sql, int64_t ret_values[2],
                                 struct tarn_error *err)
{
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    TARN_TRY(tarn_session_query(p->session, sql, NULL, 0, &result, err));
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
static enum tarn_status measure_keys(struct plan *p, size_t at, const char *sql,
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

static enum tarn_status measure_unique(struct plan *p, size_t at, struct tarn_error *err)
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
        "CREATE OR REPLACE TEMP TABLE %s AS SELECT %s, count(*) AS __rows FROM %s WHERE %s "
        "GROUP BY ALL HAVING count(*) > 1",
        offender_table(p, at), key_columns(p, check), relation_of(check),
        considered_rows(p, check));
    return measure_keys(p, at, sql, err);
}

static enum tarn_status measure_reference(struct plan *p, size_t at, struct tarn_error *err)
{
    const struct tarn_check *check = &p->checks[at];
    const char *sql = tarn_arena_format(
        p->arena,
        "CREATE OR REPLACE TEMP TABLE %s AS SELECT %s, count(*) AS __rows FROM %s "
        "WHERE %s AND (%s) NOT IN (%s) GROUP BY ALL",
        offender_table(p, at), key_columns(p, check), relation_of(check), considered_rows(p, check),
        check->keys[0], check->parent);
    return measure_keys(p, at, sql, err);
}

static enum tarn_status measure_query(struct plan *p, size_t at, struct tarn_error *err)
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

/* ---- keeping unexpected rows ---- */

const char *tarn_measure_bad_table(const struct tarn_measure_options *options,
                                   struct tarn_arena *arena)
{
    return tarn_arena_format(arena, "temp.tarn_quality_bad_%zu", options->suite_id);
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

static enum tarn_status run_collect(struct plan *p, const struct tarn_check_table *table,
                                    struct tarn_error *err)
{
    TARN_BUFFER(sql, SQL_MAX_BYTES);
    TARN_BUFFER(any, SQL_MAX_BYTES);
    tarn_buffer_printf(&sql, "CREATE OR REPLACE TEMP TABLE %s AS SELECT *, ",
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

static enum tarn_status count_collected(struct plan *p, struct tarn_error *err)
{
    struct scan scan = {.source = tarn_measure_bad_table(p->options, p->arena),
                        .slots = tarn_arena_array(p->arena, p->count, sizeof *scan.slots)};
    for (size_t i = 0; i < p->count; i++)
        if (tarn_outcome_is_collected(&p->outcomes[i]))
            scan.slots[scan.count++].sql = tarn_arena_format(p->arena, "count_if(__bad%zu)", i);
    if (scan.count == 0)
        return TARN_OK;
    TARN_TRY(run_scan(p, &scan, err));
    size_t at = 0;
    for (size_t i = 0; i < p->count; i++)
        if (tarn_outcome_is_collected(&p->outcomes[i]))
            p->outcomes[i].unexpected_count = scan.slots[at++].integer;
    return TARN_OK;
}

/* The scan that keeps the rows failed: finds out whose condition it is. */
static enum tarn_status blame_condition(struct plan *p, struct tarn_error *err)
{
    struct tarn_error whole = *err;
    for (size_t i = 0; i < p->count && whole.status == TARN_SQL; i++) {
        const struct tarn_check *check = &p->checks[i];
        struct slot slot = {.sql = "count(*)"};
        struct scan alone = {.source = relation_of(check), .slots = &slot, .count = 1};
        if (!tarn_outcome_is_collected(&p->outcomes[i]))
            continue;
        slot.sql = tarn_arena_format(p->arena, "count_if(%s)", p->outcomes[i].condition);
        if (run_scan(p, &alone, err) != TARN_OK) {
            TARN_AUTO_FREE char *text = tarn_strdup(err->text);
            return tarn_yaml_fail(check->e->node, err, "%s: %s", check->e->rule, text);
        }
    }
    *err = whole;
    return err->status;
}

static enum tarn_status collect(struct plan *p, struct tarn_error *err)
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

static const char *sample_sql(struct plan *p, const struct tarn_outcome *o)
{
    if (o->check->query)
        return tarn_arena_format(p->arena, "SELECT __row FROM (%s) AS __row LIMIT %zu",
                                 o->check->query, p->options->sample_max);
    TARN_BUFFER(index, SQL_MAX_BYTES);
    for (size_t i = 0; i < p->options->index_count; i++) {
        tarn_buffer_append_str(&index, ", ");
        tarn_sql_identifier(&index, p->options->index[i]);
    }
    const char *from = relation_of(o->check), *condition = o->condition;
    if (p->options->collect && tarn_outcome_is_collected(o)) {
        from = tarn_measure_bad_table(p->options, p->arena);
        condition = tarn_arena_format(p->arena, "__bad%zu%s", (size_t)(o - p->outcomes),
                                      has_lines(o->check->table) ? " ORDER BY _file, _line" : "");
    }
    return tarn_arena_format(p->arena, "SELECT %s%s FROM %s WHERE %s LIMIT %zu",
                             o->check->shown ? o->check->shown : "NULL", tarn_buffer_str(&index),
                             from, condition, p->options->sample_max);
}

static void read_sample(struct plan *p, const struct tarn_result *result, size_t row,
                        const struct tarn_check *check, struct tarn_sample *ret_sample)
{
    TARN_BUFFER(json, VALUE_MAX_BYTES);
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

static enum tarn_status fetch_samples(struct plan *p, struct tarn_outcome *o,
                                      struct tarn_error *err)
{
    size_t max = p->options->sample_max;
    if ((int64_t)max > o->unexpected_count)
        max = (size_t)o->unexpected_count;
    o->samples = tarn_arena_array(p->arena, max, sizeof *o->samples);
    TARN_AUTO_RESULT struct tarn_result *result = NULL;
    TARN_TRY(tarn_session_query(p->session, sample_sql(p, o), NULL, 0, &result, err));
    for (;;) {
        size_t rows;
        TARN_TRY(tarn_result_next(result, &rows, err));
        for (size_t row = 0; row < rows && o->sample_count < max; row++)
            read_sample(p, result, row, o->check, &o->samples[o->sample_count++]);
        if (rows == 0 || o->sample_count == max)
            return TARN_OK;
    }
}

/* ---- all together ---- */

static enum tarn_status measure_own(struct plan *p, size_t at, struct tarn_error *err)
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

static enum tarn_status run_plan(struct plan *p, struct tarn_error *err)
{
    for (size_t i = 0; i < p->scan_count; i++)
        if (run_scan(p, &p->scans[i], err) != TARN_OK)
            return blame(p, i, err);
    for (size_t i = 0; i < p->count; i++) {
        take_counts(p, i);
        TARN_TRY(measure_own(p, i, err));
    }
    if (p->options->collect)
        TARN_TRY(collect(p, err));
    for (size_t i = 0; i < p->count; i++) {
        judge(&p->outcomes[i]);
        if (p->outcomes[i].unexpected_count > 0 && p->options->sample_max > 0)
            TARN_TRY(fetch_samples(p, &p->outcomes[i], err));
    }
    return TARN_OK;
}

enum tarn_status tarn_measure(const struct tarn_check *checks, size_t count,
                              const struct tarn_measure_options *options, struct tarn_arena *arena,
                              struct tarn_outcome *outcomes, struct tarn_error *err)
{
    if (count == 0)
        return TARN_OK;
    struct plan p = {
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

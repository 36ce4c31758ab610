/* source/synthetic/fault.c -- see fault.h. */
#include "source/synthetic/fault.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/random.h"
#include "source/synthetic/expression_int.h"
#include "source/synthetic/format.h"
#include "source/synthetic/generator.h"
#include "source/synthetic/plan.h"
#include "source/synthetic/spec_int.h"

const char *const tarn_synth_fault_names[TARN_SYNTH_FAULT_COUNT + 1] = {
#define X(name, text, kind, column) text,
    TARN_SYNTH_FAULT_MAP(X)
#undef X
};

static const struct {
    const char *kind;
    bool column;
} traits[] = {
#define X(name, text, kind, column) {kind, column},
    TARN_SYNTH_FAULT_MAP(X)
#undef X
};

static bool of_files(enum tarn_synth_fault_kind fault)
{
    return fault == TARN_SYNTH_FAULT_LATE_FILE || fault == TARN_SYNTH_FAULT_TRUNCATED_FILE ||
           fault == TARN_SYNTH_FAULT_SCHEMA_CHANGE;
}

bool tarn_synth_fault_repeats(const struct tarn_synth_fault *fault)
{
    return fault->fault == TARN_SYNTH_FAULT_DUPLICATE_SAME ||
           fault->fault == TARN_SYNTH_FAULT_DUPLICATE_CHANGED ||
           fault->fault == TARN_SYNTH_FAULT_NEAR_DUPLICATE;
}

/* ---- reading ---- */

static bool is_number(enum tarn_synth_type type)
{
    return type == TARN_SYNTH_INT || type == TARN_SYNTH_DECIMAL || type == TARN_SYNTH_REAL;
}

static bool is_clock(enum tarn_synth_type type)
{
    return type == TARN_SYNTH_TIME || type == TARN_SYNTH_DATE;
}

static bool key_can_be_invented(const struct tarn_synth_field *key)
{
    return key->generator == &tarn_synth_sequence || key->generator == &tarn_synth_uuid;
}

/* Why the fault cannot hit the column, NULL when it can. */
static const char *column_problem(const struct tarn_synth_fault *fault,
                                  const struct tarn_synth_field *field)
{
    bool typed = field->entity->files.format == TARN_SYNTH_PARQUET;
    enum tarn_synth_type type = field->type;
    if (field->hidden || type == TARN_SYNTH_LIST)
        return "is not a plain column that is written";
    switch (fault->fault) {
    case TARN_SYNTH_FAULT_NULL:
        return field->when || field->null_share > 0
                   ? "is null by nature now and then, so a missing value could not be told from it"
                   : NULL;
    case TARN_SYNTH_FAULT_WRONG_TYPE:
        return type == TARN_SYNTH_TEXT ? "is text, which takes anything"
               : typed                 ? "has its type fixed by Parquet"
                                       : NULL;
    case TARN_SYNTH_FAULT_MIXED_DATE:
        return !is_clock(type) ? "is no date or time"
               : typed         ? "has its type fixed by Parquet"
                               : NULL;
    case TARN_SYNTH_FAULT_CASE_VARIANT:
    case TARN_SYNTH_FAULT_WHITESPACE:
    case TARN_SYNTH_FAULT_BAD_EMAIL:
    case TARN_SYNTH_FAULT_ENCODING:
        return type != TARN_SYNTH_TEXT                              ? "is no text"
               : typed && fault->fault == TARN_SYNTH_FAULT_ENCODING ? "is UTF-8 by Parquet's rules"
                                                                    : NULL;
    case TARN_SYNTH_FAULT_NEGATIVE:
    case TARN_SYNTH_FAULT_ABSURD:
        return is_number(type) ? NULL : "is no number";
    case TARN_SYNTH_FAULT_ORPHAN:
        return !field->target ? "refers to nothing"
               : key_can_be_invented(field->target->key_field)
                   ? NULL
                   : "refers to keys that are no sequence or uuid, so none can be invented";
    case TARN_SYNTH_FAULT_NEAR_DUPLICATE:
        return type != TARN_SYNTH_TEXT ? "is no text" : NULL;
    case TARN_SYNTH_FAULT_DUPLICATE_SAME:
    case TARN_SYNTH_FAULT_DUPLICATE_CHANGED:
    case TARN_SYNTH_FAULT_LATE_FILE:
    case TARN_SYNTH_FAULT_TRUNCATED_FILE:
    case TARN_SYNTH_FAULT_SCHEMA_CHANGE:
    case TARN_SYNTH_FAULT_COUNT:
        break;
    }
    return NULL;
}

static enum tarn_status read_column(struct tarn_synth_entity *entity,
                                    struct tarn_synth_fault *fault, const struct tarn_yaml *node,
                                    size_t i, struct tarn_error *err)
{
    struct tarn_synth_field *field;
    TARN_TRY(tarn_synth_find_field(entity, node, node->text ? node->text : "", &field, err));
    const char *problem = column_problem(fault, field);
    if (problem)
        return tarn_yaml_fail(node, err, "the fault %s cannot hit %s: it %s",
                              tarn_synth_fault_names[fault->fault], field->name, problem);
    fault->columns[i] = field;
    return TARN_OK;
}

static enum tarn_status read_columns(struct tarn_synth_entity *entity,
                                     struct tarn_synth_fault *fault, struct tarn_error *err)
{
    const struct tarn_yaml *one = tarn_yaml_get(fault->node, "column");
    const struct tarn_yaml *many = tarn_yaml_get(fault->node, "columns");
    if (one && many)
        return tarn_yaml_fail(many, err, "take `column` or `columns`, not both");
    if (many && many->kind != TARN_YAML_LIST)
        return tarn_yaml_fail(many, err, "columns must be a list of field names");
    fault->column_count = one ? 1 : many ? many->count : 0;
    if (traits[fault->fault].column && fault->column_count == 0)
        return tarn_yaml_fail(fault->node, err, "the fault %s needs `column` or `columns`",
                              tarn_synth_fault_names[fault->fault]);
    fault->columns =
        tarn_arena_array(entity->spec->arena, fault->column_count + 1, sizeof *fault->columns);
    for (size_t i = 0; i < fault->column_count; i++)
        TARN_TRY(read_column(entity, fault, one ? one : many->items[i], i, err));
    return TARN_OK;
}

static enum tarn_status read_file_fault(struct tarn_synth_entity *entity,
                                        struct tarn_synth_fault *fault, struct tarn_error *err)
{
    const struct tarn_yaml *node = fault->node;
    if (fault->fault == TARN_SYNTH_FAULT_TRUNCATED_FILE && entity->files.format != TARN_SYNTH_CSV &&
        entity->files.format != TARN_SYNTH_NDJSON)
        return tarn_yaml_fail(node, err,
                              "only csv and ndjson files can be truncated and still be read "
                              "up to there");
    if (fault->fault == TARN_SYNTH_FAULT_LATE_FILE) {
        const struct tarn_yaml *days;
        fault->days_min = 1;
        fault->days_max = 3;
        TARN_TRY(tarn_yaml_list(node, "days", &days, err));
        if (days && (days->count != 2 || days->items[0]->kind != TARN_YAML_INT ||
                     days->items[1]->kind != TARN_YAML_INT || days->items[0]->integer < 1 ||
                     days->items[1]->integer < days->items[0]->integer))
            return tarn_yaml_fail(days, err, "days must be [fewest, most], such as [1, 3]");
        if (days) {
            fault->days_min = days->items[0]->integer;
            fault->days_max = days->items[1]->integer;
        }
    }
    if (fault->fault != TARN_SYNTH_FAULT_SCHEMA_CHANGE)
        return TARN_OK;
    const struct tarn_yaml *from = tarn_yaml_get(node, "from");
    if (!from)
        return tarn_yaml_fail(node, err,
                              "a change of schema needs `from`, the date when it happens");
    TARN_TRY(tarn_synth_node_date(from, "from", &fault->from_day, err));
    TARN_TRY(tarn_yaml_str(node, "rename_to", &fault->rename_to, err));
    for (size_t i = 0; fault->rename_to && i < entity->field_count; i++)
        if (strcmp(entity->fields[i].name, fault->rename_to) == 0)
            return tarn_yaml_fail(node, err, "%s has a field %s already", entity->name,
                                  fault->rename_to);
    return TARN_OK;
}

static enum tarn_status read_fault_name(struct tarn_synth_fault *fault, struct tarn_error *err)
{
    const struct tarn_yaml *name = tarn_yaml_get(fault->node, "fault");
    if (!name || !name->text)
        return tarn_yaml_fail(name ? name : fault->node, err, "every fault needs `fault: NAME`");
    for (int i = 0; i < TARN_SYNTH_FAULT_COUNT; i++)
        if (strcmp(tarn_synth_fault_names[i], name->text) == 0) {
            fault->fault = (enum tarn_synth_fault_kind)i;
            return TARN_OK;
        }
    return tarn_synth_unknown(name, "fault", name->text, tarn_synth_fault_names,
                              TARN_SYNTH_FAULT_COUNT, err);
}

static enum tarn_status read_fault(struct tarn_synth_entity *entity, struct tarn_synth_fault *fault,
                                   struct tarn_error *err)
{
    static const char *const keys[] = {"fault", "column", "columns",   "rate", "kind",
                                       "days",  "from",   "rename_to", NULL};
    static const char *const kinds[] = {"null",   "type", "format", "range", "duplicate",
                                        "orphan", "set",  "other",  NULL};
    TARN_TRY(tarn_yaml_expect_keys(fault->node, "a fault", keys, err));
    TARN_TRY(read_fault_name(fault, err));
    TARN_TRY(tarn_yaml_double(fault->node, "rate", 0, 1, &fault->rate, err));
    fault->kind = traits[fault->fault].kind;
    const struct tarn_yaml *kind = tarn_yaml_get(fault->node, "kind");
    if (kind) {
        fault->kind = NULL;
        for (size_t i = 0; kinds[i] && kind->text; i++)
            if (strcmp(kinds[i], kind->text) == 0)
                fault->kind = kinds[i];
        if (!fault->kind)
            return tarn_synth_unknown(kind, "kind of fault", kind->text ? kind->text : "", kinds, 8,
                                      err);
    }
    TARN_TRY(read_columns(entity, fault, err));
    if (fault->fault == TARN_SYNTH_FAULT_NEAR_DUPLICATE && !key_can_be_invented(entity->key_field))
        return tarn_yaml_fail(fault->node, err,
                              "near duplicates need a key that is a sequence or uuid");
    if (of_files(fault->fault))
        return read_file_fault(entity, fault, err);
    if (!tarn_yaml_get(fault->node, "rate"))
        return tarn_yaml_fail(fault->node, err, "the fault %s needs `rate`, the share of the rows",
                              tarn_synth_fault_names[fault->fault]);
    return TARN_OK;
}

enum tarn_status tarn_synth_faults_read(struct tarn_synth_entity *entity, struct tarn_error *err)
{
    const struct tarn_yaml *list;
    TARN_TRY(tarn_yaml_list(entity->node, "faults", &list, err));
    if (!list)
        return TARN_OK;
    entity->faults = tarn_arena_array(entity->spec->arena, list->count, sizeof *entity->faults);
    entity->fault_count = list->count;
    entity->fault_key = tarn_draw_key(entity->spec->seed, entity->key, 0xfa017ULL);
    double sum = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct tarn_synth_fault *fault = &entity->faults[i];
        fault->node = list->items[i];
        TARN_TRY(read_fault(entity, fault, err));
        if (of_files(fault->fault))
            continue;
        sum += fault->rate;
        if (sum > 1)
            return tarn_yaml_fail(fault->node, err,
                                  "the rates of the faults of %s add up to more than 1",
                                  entity->name);
        fault->below = sum >= 1 ? UINT64_MAX : (uint64_t)(sum * 0x1.0p64);
        entity->fault_below = fault->below;
    }
    return TARN_OK;
}

/* A row that is lost, or whose key is damaged, leaves its children without a parent, and no entry
 * of the ledger would say so: such faults are for entities that nothing refers to. */
enum tarn_status tarn_synth_faults_check(struct tarn_synth_entity *entity,
                                         const struct tarn_synth_entity *child,
                                         struct tarn_error *err)
{
    for (size_t i = 0; i < entity->fault_count; i++) {
        const struct tarn_synth_fault *fault = &entity->faults[i];
        bool loses = fault->fault == TARN_SYNTH_FAULT_TRUNCATED_FILE ||
                     fault->fault == TARN_SYNTH_FAULT_ENCODING;
        bool hits_key = false;
        for (size_t k = 0; k < fault->column_count; k++)
            hits_key = hits_key || fault->columns[k] == entity->key_field;
        if (loses || (hits_key && !tarn_synth_fault_repeats(fault)))
            return tarn_yaml_fail(
                fault->node, err,
                "the fault %s would lose or change keys of %s that %s refers to, and leave "
                "orphans that are not in the ledger; put it on an entity without children",
                tarn_synth_fault_names[fault->fault], entity->name, child->name);
    }
    return TARN_OK;
}

/* ---- drawing ---- */

uint64_t tarn_synth_fault_draw(const struct tarn_synth_entity *entity, uint64_t row)
{
    return tarn_draw(entity->fault_key, row);
}

const struct tarn_synth_fault *tarn_synth_fault_of_row(const struct tarn_synth_entity *entity,
                                                       uint64_t row)
{
    uint64_t draw = tarn_synth_fault_draw(entity, row);
    if (draw >= entity->fault_below)
        return NULL;
    for (size_t i = 0; i < entity->fault_count; i++)
        if (entity->faults[i].below && draw < entity->faults[i].below)
            return &entity->faults[i];
    return NULL;
}

static uint64_t second_draw(const struct tarn_synth_entity *entity, uint64_t row)
{
    return tarn_mix64(tarn_synth_fault_draw(entity, row) ^ 0xa54ff53a5f1d36f1ULL);
}

const struct tarn_synth_field *tarn_synth_fault_column(const struct tarn_synth_entity *entity,
                                                       const struct tarn_synth_fault *fault,
                                                       uint64_t row)
{
    if (fault->column_count == 0)
        return entity->key_field;
    return fault->columns[tarn_draw_below(second_draw(entity, row), fault->column_count)];
}

/* ---- damage ---- */

struct damage {
    const struct tarn_synth_field *field;
    struct tarn_synth_batch *batch;
    size_t i;
    uint64_t draw;
    struct tarn_text original;
    struct tarn_scratch *scratch;
};

static struct tarn_text one_of(const char *const *texts, size_t count, uint64_t draw)
{
    return tarn_text_of(texts[tarn_draw_below(draw, count)]);
}

static struct tarn_text wrong_type(const struct damage *d)
{
    static const char *const numbers[] = {"N/A", "unknown", "twelve", "#REF!", "1O.5", "12.99 EUR"};
    static const char *const times[] = {"yesterday", "0000-00-00", "not a date", "2026-13-45"};
    static const char *const truths[] = {"maybe", "Y/N"};
    if (is_clock(d->field->type))
        return one_of(times, TARN_COUNT(times), d->draw);
    if (d->field->type == TARN_SYNTH_BOOL)
        return one_of(truths, TARN_COUNT(truths), d->draw);
    return one_of(numbers, TARN_COUNT(numbers), d->draw);
}

/* The same moment in another notation, each told apart by its separators: 31/10/2026 14:05:09,
 * 10-31-2026 14:05:09, Oct 31, 2026 14:05:09. */
static struct tarn_text mixed_date(const struct damage *d)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t value = tarn_synth_column(d->batch, d->field)->ints[d->i];
    bool date = d->field->type == TARN_SYNTH_DATE;
    int64_t seconds = date ? value * 86400 : value / 1000000;
    int64_t days = seconds / 86400 - (seconds % 86400 < 0);
    int within = (int)(seconds - days * 86400), hour = within / 3600, minute = within / 60 % 60,
        second = within % 60, year;
    unsigned month, day;
    tarn_civil_from_days(days, &year, &month, &day);
    enum { MOST = 64 };
    char *out = tarn_scratch_alloc(d->scratch, MOST);
    int len = 0;
    switch (tarn_draw_below(d->draw, 3)) {
    case 0:
        len = snprintf(out, MOST, "%02u/%02u/%04d", day, month, year);
        break;
    case 1:
        len = snprintf(out, MOST, "%02u-%02u-%04d", month, day, year);
        break;
    default:
        len = snprintf(out, MOST, "%s %02u, %04d", months[month - 1], day, year);
        break;
    }
    if (!date)
        len += snprintf(out + len, MOST - (size_t)len, " %02d:%02d:%02d", hour, minute, second);
    return (struct tarn_text){out, (size_t)len};
}

static struct tarn_text case_variant(const struct damage *d)
{
    static const enum tarn_text_function functions[] = {TEXT_UPPER, TEXT_TITLE, TEXT_LOWER};
    char *out = tarn_scratch_alloc(d->scratch, d->original.len + 1);
    size_t first = (size_t)tarn_draw_below(d->draw, 3);
    for (size_t k = 0; k < 3; k++) {
        tarn_expression_put_text(out, d->original, functions[(first + k) % 3]);
        if (memcmp(out, d->original.data, d->original.len) != 0)
            break;
    }
    return (struct tarn_text){out, d->original.len};
}

static struct tarn_text joined(const struct damage *d, struct tarn_text a, const char *middle,
                               struct tarn_text b)
{
    size_t len = strlen(middle);
    char *out = tarn_scratch_alloc(d->scratch, a.len + len + b.len + 1);
    char *at = tarn_put_bytes(out, a.data, a.len);
    at = tarn_put_bytes(at, middle, len);
    at = tarn_put_bytes(at, b.data, b.len);
    return (struct tarn_text){out, (size_t)(at - out)};
}

static struct tarn_text whitespace(const struct damage *d)
{
    struct tarn_text nothing = TARN_TEXT("");
    const char *blank = memchr(d->original.data, ' ', d->original.len);
    size_t variant = (size_t)tarn_draw_below(d->draw, blank ? 4 : 3);
    if (variant == 0)
        return joined(d, nothing, "  ", d->original);
    if (variant == 1)
        return joined(d, d->original, " ", nothing);
    if (variant == 2)
        return joined(d, joined(d, nothing, " ", d->original), "  ", nothing);
    size_t before = (size_t)(blank - d->original.data);
    return joined(d, (struct tarn_text){d->original.data, before}, "  ",
                  (struct tarn_text){blank, d->original.len - before});
}

static struct tarn_text bad_email(const struct damage *d)
{
    const char *sign = memchr(d->original.data, '@', d->original.len);
    if (!sign)
        return d->original;
    struct tarn_text name = {d->original.data, (size_t)(sign - d->original.data)};
    struct tarn_text host = {sign + 1, d->original.len - name.len - 1};
    const char *dot = memchr(host.data, '.', host.len);
    struct tarn_text host_name = {host.data, dot ? (size_t)(dot - host.data) : host.len};
    switch (tarn_draw_below(d->draw, 5)) {
    case 0:
        return joined(d, name, ".", host);
    case 1:
        return joined(d, name, "@@", host);
    case 2:
        return joined(d, name, "@", host_name);
    case 3:
        return joined(d, name, " @ ", host);
    default:
        return joined(d, name, "@", TARN_TEXT(""));
    }
}

static struct tarn_text number_text(const struct damage *d, struct tarn_synth_vector *value)
{
    char *out = tarn_scratch_alloc(d->scratch, TARN_PUT_VALUE_BYTES);
    return (struct tarn_text){out, (size_t)(tarn_synth_put_value(out, value, 0) - out)};
}

static struct tarn_text scaled(const struct damage *d, int64_t factor)
{
    const struct tarn_synth_vector *in = tarn_synth_column(d->batch, d->field);
    struct tarn_synth_vector *out = tarn_synth_vector_new(d->scratch, in->type, 1);
    out->scale = in->scale;
    if (in->type == TARN_SYNTH_REAL)
        out->reals[0] = in->reals[d->i] * (double)factor;
    else if (__builtin_mul_overflow(in->ints[d->i], factor, &out->ints[0]))
        out->ints[0] = INT64_MAX;
    return number_text(d, out);
}

/* The key that `row` of the target would have. */
static struct tarn_text key_at(struct tarn_scratch *scratch, const struct tarn_synth_entity *target,
                               uint64_t row)
{
    uint64_t *rows = tarn_scratch_array(scratch, 1, sizeof *rows);
    rows[0] = row;
    struct tarn_synth_batch *batch = tarn_synth_batch_new(target, scratch, rows, 1);
    return tarn_synth_as_texts(scratch, tarn_synth_column(batch, target->key_field), 1)[0];
}

static struct tarn_text orphan(const struct damage *d)
{
    uint64_t rows = d->field->target->plan->rows + 1;
    return key_at(d->scratch, d->field->target, 5 * rows + tarn_draw_below(d->draw, rows));
}

static struct tarn_text encoding(const struct damage *d)
{
    static const unsigned char bytes[] = {0xFF, 0xFE, 0xE9, 0xFC};
    if (d->original.len < 2)
        return d->original;
    char *out = tarn_scratch_alloc(d->scratch, d->original.len);
    memcpy(out, d->original.data, d->original.len);
    size_t at = (size_t)tarn_draw_below(tarn_mix64(d->draw), d->original.len - 1);
    unsigned char byte = bytes[tarn_draw_below(d->draw, TARN_COUNT(bytes))];
    bool next_is_ascii = (unsigned char)d->original.data[at + 1] < 0x80;
    out[at] = (char)(next_is_ascii ? byte : 0xFF);
    return (struct tarn_text){out, d->original.len};
}

bool tarn_synth_fault_damage(const struct tarn_synth_fault *fault,
                             const struct tarn_synth_field *field, struct tarn_synth_batch *batch,
                             size_t i, struct tarn_text original, struct tarn_text *ret)
{
    if (original.len == 0)
        return false;
    struct damage d = {field,    batch,         i, second_draw(batch->entity, batch->rows[i]),
                       original, batch->scratch};
    d.draw = tarn_mix64(d.draw + 1);
    switch (fault->fault) {
    case TARN_SYNTH_FAULT_NULL:
        *ret = TARN_TEXT("");
        return true;
    case TARN_SYNTH_FAULT_WRONG_TYPE:
        *ret = wrong_type(&d);
        break;
    case TARN_SYNTH_FAULT_MIXED_DATE:
        *ret = mixed_date(&d);
        break;
    case TARN_SYNTH_FAULT_CASE_VARIANT:
        *ret = case_variant(&d);
        break;
    case TARN_SYNTH_FAULT_WHITESPACE:
        *ret = whitespace(&d);
        break;
    case TARN_SYNTH_FAULT_BAD_EMAIL:
        *ret = bad_email(&d);
        break;
    case TARN_SYNTH_FAULT_NEGATIVE:
        *ret = scaled(&d, -1);
        break;
    case TARN_SYNTH_FAULT_ABSURD:
        *ret = scaled(&d, 1000000);
        break;
    case TARN_SYNTH_FAULT_ORPHAN:
        *ret = orphan(&d);
        break;
    case TARN_SYNTH_FAULT_ENCODING:
        *ret = encoding(&d);
        break;
    case TARN_SYNTH_FAULT_DUPLICATE_SAME:
    case TARN_SYNTH_FAULT_DUPLICATE_CHANGED:
    case TARN_SYNTH_FAULT_NEAR_DUPLICATE:
    case TARN_SYNTH_FAULT_LATE_FILE:
    case TARN_SYNTH_FAULT_TRUNCATED_FILE:
    case TARN_SYNTH_FAULT_SCHEMA_CHANGE:
    case TARN_SYNTH_FAULT_COUNT:
        return false;
    }
    return !tarn_text_equal(*ret, original);
}

/* A typing mistake: two letters swapped, or the separators of a telephone number dropped. */
static struct tarn_text typo(struct tarn_synth_batch *batch, struct tarn_text original,
                             uint64_t draw)
{
    char *out = tarn_scratch_alloc(batch->scratch, original.len + 2);
    size_t digits = 0, len = 0;
    for (size_t i = 0; i < original.len; i++)
        digits += original.data[i] >= '0' && original.data[i] <= '9';
    if (digits * 2 > original.len) {
        for (size_t i = 0; i < original.len; i++)
            if ((original.data[i] >= '0' && original.data[i] <= '9') || original.data[i] == '+')
                out[len++] = original.data[i];
        return (struct tarn_text){out, len};
    }
    memcpy(out, original.data, original.len);
    for (size_t attempt = 0; attempt < 12 && original.len > 1; attempt++) {
        size_t at = (size_t)tarn_draw_below(draw = tarn_mix64(draw + 1), original.len - 1);
        unsigned char a = (unsigned char)out[at], b = (unsigned char)out[at + 1];
        bool letters =
            (a | 0x20) >= 'a' && (a | 0x20) <= 'z' && (b | 0x20) >= 'a' && (b | 0x20) <= 'z';
        if (!letters || a == b)
            continue;
        out[at] = (char)b;
        out[at + 1] = (char)a;
        return (struct tarn_text){out, original.len};
    }
    return (struct tarn_text){out, original.len};
}

/* The value that another row of the entity has: right in kind, wrong in fact. `original` when all
 * that were looked at have the same. */
static struct tarn_text other_value(const struct tarn_synth_field *field,
                                    struct tarn_synth_batch *batch, struct tarn_text original,
                                    uint64_t draw)
{
    enum { FEW = 8, MANY = 512 };
    for (size_t done = 0, count = FEW; done < MANY; done += count, count *= 4) {
        uint64_t *rows = tarn_scratch_array(batch->scratch, count, sizeof *rows);
        for (size_t k = 0; k < count; k++)
            rows[k] = tarn_draw_below(tarn_draw(draw, done + k), field->entity->plan->rows);
        struct tarn_synth_batch *others =
            tarn_synth_batch_new(field->entity, batch->scratch, rows, count);
        const struct tarn_text *texts =
            tarn_synth_as_texts(batch->scratch, tarn_synth_column(others, field), count);
        for (size_t k = 0; k < count; k++)
            if (texts[k].len > 0 && !tarn_text_equal(texts[k], original))
                return texts[k];
    }
    return original;
}

struct tarn_text tarn_synth_fault_change(const struct tarn_synth_fault *fault,
                                         const struct tarn_synth_field *field,
                                         struct tarn_synth_batch *batch, size_t i,
                                         struct tarn_text original)
{
    const struct tarn_synth_entity *entity = batch->entity;
    uint64_t draw = tarn_mix64(second_draw(entity, batch->rows[i]) + 2);
    if (fault->fault == TARN_SYNTH_FAULT_DUPLICATE_CHANGED)
        return other_value(field, batch, original, draw);
    if (field == entity->key_field)
        return key_at(batch->scratch, entity, 2 * entity->plan->rows + batch->rows[i]);
    return typo(batch, original, draw);
}

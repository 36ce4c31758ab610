/* source/synthetic/generator_text.c -- generators of text: word lists, templates, digits; and
 * expressions. */
#include <stdio.h>

#include "base/random.h"
#include "source/synthetic/expression_int.h"
#include "source/synthetic/format.h"
#include "source/synthetic/generator.h"
#include "source/synthetic/spec_int.h"

typedef struct tarn_synth_vector vector;
typedef struct tarn_synth_batch batch_t;
typedef const struct tarn_synth_field field_t;

static enum tarn_status parse_own(struct tarn_synth_field *field, struct tarn_text text,
                                  const struct tarn_yaml *node, size_t number,
                                  const struct tarn_expression **ret, struct tarn_error *err)
{
    char key[120];
    snprintf(key, sizeof key, "%.90s#%zu", field->name, number);
    return tarn_expression_parse(text, node, field->entity, key, ret, err);
}

/* ---- word lists ---- */

struct words {
    const struct tarn_words *words;
    const struct tarn_expression *by;
};

static enum tarn_status words_resolve(struct tarn_synth_field *field, const struct tarn_yaml *value,
                                      struct tarn_error *err)
{
    struct words *own = tarn_arena_alloc(field->entity->spec->arena, sizeof *own);
    field->own = own;
    if (!value->text)
        return tarn_yaml_fail(value, err, "words takes the name of a word list");
    TARN_TRY(tarn_synth_find_words(field->entity->spec, value, value->text, &own->words, err));
    const struct tarn_yaml *by = tarn_yaml_get(field->node, "by");
    if (by && by->text) {
        TARN_TRY(parse_own(field, tarn_text_of(by->text), by, 0, &own->by, err));
        if (tarn_expression_type(own->by) != TARN_SYNTH_TEXT)
            return tarn_yaml_fail(by, err, "words are chosen by a text field");
    }
    field->type = TARN_SYNTH_TEXT;
    field->plain = own->words->plain;
    return TARN_OK;
}

static vector *words_draw(batch_t *batch, field_t *field)
{
    const struct words *own = field->own;
    vector *out = tarn_synth_vector_new(batch->scratch, TARN_SYNTH_TEXT, batch->count);
    const struct tarn_text *by = NULL;
    if (own->by)
        by =
            tarn_synth_as_texts(batch->scratch, tarn_expression_draw(own->by, batch), batch->count);
    const struct tarn_words_section *section = tarn_words_section(own->words, TARN_TEXT(""));
    struct tarn_text last = {0};
    for (size_t i = 0; i < batch->count; i++) {
        if (by && !tarn_text_equal(by[i], last)) {
            section = tarn_words_section(own->words, by[i]);
            last = by[i];
        }
        uint32_t at = tarn_alias_draw(&section->alias, tarn_draw(field->key, batch->rows[i]));
        out->texts[i] = section->items[at];
    }
    return out;
}

const struct tarn_synth_generator tarn_synth_words_generator = {
    .name = "words", .keys = {"by"}, .resolve = words_resolve, .draw = words_draw};

/* ---- digits: "+49 1## #######" ---- */

struct digits {
    const struct tarn_expression *by;
    size_t count;
    struct tarn_text *keys;
    struct tarn_text *patterns;
    size_t longest;
};

static enum tarn_status digits_pattern(struct tarn_synth_field *field, struct digits *own, size_t i,
                                       const struct tarn_yaml *node, struct tarn_error *err)
{
    if (!node->text)
        return tarn_yaml_fail(node, err, "digits takes text in which every # becomes a digit");
    own->patterns[i] = tarn_text_of(node->text);
    if (own->patterns[i].len > own->longest)
        own->longest = own->patterns[i].len;
    field->plain = field->plain && tarn_text_is_plain(own->patterns[i]);
    return TARN_OK;
}

static enum tarn_status digits_resolve(struct tarn_synth_field *field,
                                       const struct tarn_yaml *value, struct tarn_error *err)
{
    struct tarn_arena *arena = field->entity->spec->arena;
    struct digits *own = tarn_arena_alloc(arena, sizeof *own);
    field->own = own;
    field->type = TARN_SYNTH_TEXT;
    field->plain = true;
    const struct tarn_yaml *by = tarn_yaml_get(field->node, "by");
    own->count = by ? value->count : 1;
    if (by && (value->kind != TARN_YAML_MAP || value->count == 0 || !by->text))
        return tarn_yaml_fail(value, err, "digits `by` a field maps its values to patterns");
    own->keys = tarn_arena_array(arena, own->count, sizeof *own->keys);
    own->patterns = tarn_arena_array(arena, own->count, sizeof *own->patterns);
    if (!by)
        return digits_pattern(field, own, 0, value, err);
    TARN_TRY(parse_own(field, tarn_text_of(by->text), by, 0, &own->by, err));
    for (size_t i = 0; i < own->count; i++) {
        own->keys[i] = tarn_text_of(tarn_yaml_key(value, i));
        TARN_TRY(digits_pattern(field, own, i, value->items[i], err));
    }
    return TARN_OK;
}

static vector *digits_draw(batch_t *batch, field_t *field)
{
    const struct digits *own = field->own;
    vector *out = tarn_synth_vector_new(batch->scratch, TARN_SYNTH_TEXT, batch->count);
    const struct tarn_text *by = NULL;
    if (own->by)
        by =
            tarn_synth_as_texts(batch->scratch, tarn_expression_draw(own->by, batch), batch->count);
    char *at = tarn_scratch_array(batch->scratch, batch->count + 1, own->longest + 1);
    for (size_t i = 0; i < batch->count; i++) {
        size_t which = 0;
        for (size_t k = 1; by && k < own->count; k++)
            which = tarn_text_equal(own->keys[k], by[i]) ? k : which;
        struct tarn_text pattern = own->patterns[which];
        uint64_t draw = tarn_draw(field->key, batch->rows[i]);
        char *start = at;
        for (size_t k = 0; k < pattern.len; k++) {
            char c = pattern.data[k];
            if (c == '#') {
                unsigned __int128 wide = (unsigned __int128)draw * 10;
                c = (char)('0' + (uint64_t)(wide >> 64));
                draw = k % 16 == 15 ? tarn_mix64((uint64_t)wide + k) : (uint64_t)wide;
            }
            *at++ = c;
        }
        out->texts[i] = (struct tarn_text){start, pattern.len};
    }
    return out;
}

const struct tarn_synth_generator tarn_synth_digits = {
    .name = "digits", .keys = {"by"}, .resolve = digits_resolve, .draw = digits_draw};

/* ---- templates: "{first} {last:slug}{row:04}" ---- */

struct part {
    struct tarn_text literal;
    const struct tarn_expression *value; /* NULL: only the literal */
    unsigned pad;                        /* digits of a whole number */
    int function;                        /* enum tarn_text_function, -1: none */
};

struct template_ {
    size_t count;
    struct part *parts; /* each a literal followed by a value */
};

static enum tarn_status part_format(struct part *part, struct tarn_text format,
                                    const struct tarn_yaml *node, struct tarn_error *err)
{
    static const char *const names[] = {"lower", "upper", "title", "slug"};
    int64_t pad;
    if (format.len > 1 && format.data[0] == '0' && tarn_text_to_int64(format, &pad) && pad <= 18) {
        if (tarn_expression_type(part->value) != TARN_SYNTH_INT)
            return tarn_yaml_fail(node, err, "only whole numbers are padded with :%.*s",
                                  TARN_TEXT_ARGS(format));
        part->pad = (unsigned)pad;
        return TARN_OK;
    }
    for (int i = 0; i < (int)TARN_COUNT(names); i++)
        if (tarn_text_is(format, names[i]))
            part->function = i;
    if (part->function < 0)
        return tarn_yaml_fail(node, err,
                              "':%.*s' is no format; there are: 05, lower, upper, title, slug",
                              TARN_TEXT_ARGS(format));
    return TARN_OK;
}

static enum tarn_status read_part(struct tarn_synth_field *field, const struct tarn_yaml *node,
                                  struct tarn_text *rest, size_t number, struct part *part,
                                  struct tarn_error *err)
{
    *part = (struct part){.function = -1};
    const char *open = memchr(rest->data, '{', rest->len);
    size_t literal = open ? (size_t)(open - rest->data) : rest->len;
    part->literal = (struct tarn_text){rest->data, literal};
    *rest = (struct tarn_text){rest->data + literal, rest->len - literal};
    if (!open)
        return TARN_OK;
    const char *close = memchr(rest->data, '}', rest->len);
    if (!close)
        return tarn_yaml_fail(node, err, "the template has a { without its }");
    struct tarn_text inside = {rest->data + 1, (size_t)(close - rest->data) - 1};
    *rest = (struct tarn_text){close + 1, rest->len - (size_t)(close + 1 - rest->data)};
    struct tarn_text value, format = inside;
    (void)tarn_text_split(&format, ':', &value);
    TARN_TRY(parse_own(field, value, node, number, &part->value, err));
    if (tarn_expression_type(part->value) == TARN_SYNTH_LIST)
        return tarn_yaml_fail(node, err, "a list cannot stand in a template");
    return format.len > 0 ? part_format(part, format, node, err) : TARN_OK;
}

static enum tarn_status template_resolve(struct tarn_synth_field *field,
                                         const struct tarn_yaml *value, struct tarn_error *err)
{
    struct tarn_arena *arena = field->entity->spec->arena;
    struct template_ *own = tarn_arena_alloc(arena, sizeof *own);
    field->own = own;
    if (!value->text)
        return tarn_yaml_fail(value, err, "a template is text with {fields} in it");
    struct tarn_text rest = {value->text, value->text_len};
    size_t most = 1;
    for (size_t i = 0; i < rest.len; i++)
        most += rest.data[i] == '{';
    own->parts = tarn_arena_array(arena, most, sizeof *own->parts);
    field->type = TARN_SYNTH_TEXT;
    field->plain = true;
    while (rest.len > 0) {
        struct part *part = &own->parts[own->count];
        TARN_TRY(read_part(field, value, &rest, own->count, part, err));
        own->count++;
        field->plain = field->plain && tarn_text_is_plain(part->literal);
        if (part->value && part->function != TEXT_SLUG)
            field->plain = field->plain && tarn_expression_plain(part->value);
    }
    /* a blank within is fine; at the ends it would need quotes, and then the whole text does */
    if (!field->plain) {
        bool commas = false;
        for (size_t i = 0; i < own->count; i++) {
            const struct part *part = &own->parts[i];
            commas = commas || (part->value && part->function != TEXT_SLUG &&
                                !tarn_expression_plain(part->value));
            for (size_t k = 0; k < part->literal.len; k++)
                commas = commas || strchr(",\"\\\n\r", part->literal.data[k]);
        }
        bool ends = own->count > 0 &&
                    (own->parts[0].literal.len == 0 || own->parts[0].literal.data[0] != ' ');
        const struct part *last = &own->parts[own->count - (own->count > 0)];
        ends = ends && (last->value || last->literal.len == 0 ||
                        last->literal.data[last->literal.len - 1] != ' ');
        field->plain = !commas && ends;
    }
    return TARN_OK;
}

static size_t part_bytes(const struct part *part, const vector *value, size_t row)
{
    size_t len = part->literal.len;
    if (!value)
        return len;
    return len + (value->type == TARN_SYNTH_TEXT ? value->texts[row].len : TARN_PUT_VALUE_BYTES);
}

static char *put_part(char *at, const struct part *part, const vector *value, size_t row)
{
    at = tarn_put_bytes(at, part->literal.data, part->literal.len);
    if (!value || (value->nulls && value->nulls[row]))
        return at;
    if (part->pad)
        return tarn_put_padded(at, (uint64_t)value->ints[row], part->pad);
    if (part->function >= 0 && value->type == TARN_SYNTH_TEXT)
        return tarn_expression_put_text(at, value->texts[row],
                                        (enum tarn_text_function)part->function);
    return tarn_synth_put_value(at, value, row);
}

static vector *template_draw(batch_t *batch, field_t *field)
{
    const struct template_ *own = field->own;
    vector *out = tarn_synth_vector_new(batch->scratch, TARN_SYNTH_TEXT, batch->count);
    vector **values = tarn_scratch_zeroed(batch->scratch, own->count + 1, sizeof(vector *));
    size_t total = 0;
    for (size_t k = 0; k < own->count; k++) {
        if (own->parts[k].value)
            values[k] = tarn_expression_draw(own->parts[k].value, batch);
        for (size_t i = 0; i < batch->count; i++)
            total += part_bytes(&own->parts[k], values[k], i);
    }
    char *at = tarn_scratch_alloc(batch->scratch, total + 1);
    for (size_t i = 0; i < batch->count; i++) {
        char *start = at;
        for (size_t k = 0; k < own->count; k++)
            at = put_part(at, &own->parts[k], values[k], i);
        out->texts[i] = (struct tarn_text){start, (size_t)(at - start)};
    }
    return out;
}

const struct tarn_synth_generator tarn_synth_template = {
    .name = "template", .resolve = template_resolve, .draw = template_draw};

/* ---- expressions ---- */

static enum tarn_status expression_resolve(struct tarn_synth_field *field,
                                           const struct tarn_yaml *value, struct tarn_error *err)
{
    const struct tarn_expression *own;
    if (!value->text)
        return tarn_yaml_fail(value, err,
                              "an expression is text such as \"quantity * unit_price\"");
    TARN_TRY(parse_own(field, tarn_text_of(value->text), value, 0, &own, err));
    field->own = (void *)own;
    field->type = tarn_expression_type(own);
    field->scale = tarn_expression_scale(own);
    field->plain = tarn_expression_plain(own);
    field->target = (struct tarn_synth_entity *)tarn_expression_target(own);
    return TARN_OK;
}

static vector *expression_draw(batch_t *batch, field_t *field)
{
    return tarn_expression_draw(field->own, batch);
}

const struct tarn_synth_generator tarn_synth_expression = {
    .name = "expression", .resolve = expression_resolve, .draw = expression_draw};

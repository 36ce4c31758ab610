/* source/synthetic/expression.c -- parses and types expressions; see expression.h. Recursive
 * descent: or < and < not < comparison < sum < product < minus < primary. */
#include <ctype.h>
#include <stdio.h>

#include "base/random.h"
#include "source/synthetic/expression_int.h"
#include "source/synthetic/format.h"
#include "source/synthetic/generator.h"

struct parser {
    struct tarn_text text;
    size_t at;
    int depth;
    const struct tarn_yaml *node;
    struct tarn_synth_entity *entity;
    uint64_t key_base;
    uint64_t draws; /* functions that draw, so far */
    struct tarn_error *err;
};

typedef const struct tarn_expression *expression;

enum { DEPTH_MAX = 60 };

static enum tarn_status parse_or(struct parser *p, expression *ret);

static enum tarn_status fail_here(struct parser *p, const char *what)
{
    return tarn_yaml_fail(p->node, p->err, "in the expression \"%.*s\": %s at character %zu",
                          TARN_TEXT_ARGS(p->text), what, p->at + 1);
}

static struct tarn_expression *node_new(struct parser *p, enum tarn_expression_op op,
                                        enum tarn_synth_type type, size_t arg_count)
{
    struct tarn_arena *arena = p->entity->spec->arena;
    struct tarn_expression *node = tarn_arena_alloc(arena, sizeof *node);
    node->op = op;
    node->type = type;
    node->arg_count = arg_count;
    node->args = tarn_arena_array(arena, arg_count + 1, sizeof *node->args);
    return node;
}

static void skip_space(struct parser *p)
{
    while (p->at < p->text.len && isspace((unsigned char)p->text.data[p->at]))
        p->at++;
}

static bool take(struct parser *p, const char *token)
{
    skip_space(p);
    size_t len = strlen(token);
    if (p->text.len - p->at < len || memcmp(p->text.data + p->at, token, len) != 0)
        return false;
    char next = p->at + len < p->text.len ? p->text.data[p->at + len] : 0;
    if (isalpha((unsigned char)token[0]) && (isalnum((unsigned char)next) || next == '_'))
        return false;
    p->at += len;
    return true;
}

static struct tarn_text take_name(struct parser *p)
{
    skip_space(p);
    size_t start = p->at;
    while (p->at < p->text.len &&
           (isalnum((unsigned char)p->text.data[p->at]) || p->text.data[p->at] == '_'))
        p->at++;
    return (struct tarn_text){p->text.data + start, p->at - start};
}

static bool is_number(enum tarn_synth_type type)
{
    return type == TARN_SYNTH_INT || type == TARN_SYNTH_DECIMAL || type == TARN_SYNTH_REAL;
}

/* ---- typing ---- */

static enum tarn_status type_sum(struct parser *p, struct tarn_expression *node)
{
    expression a = node->args[0], b = node->args[1];
    bool clock_a = a->type == TARN_SYNTH_TIME || a->type == TARN_SYNTH_DATE;
    if (clock_a && b->type == TARN_SYNTH_INT) {
        node->type = a->type;
        return TARN_OK;
    }
    if (clock_a && b->type == a->type && node->op == OP_SUBTRACT) {
        node->type = TARN_SYNTH_INT;
        return TARN_OK;
    }
    if (!is_number(a->type) || !is_number(b->type))
        return fail_here(p, "+ and - take numbers, or a time and a duration, before this");
    node->scale = a->scale > b->scale ? a->scale : b->scale;
    node->type = a->type == TARN_SYNTH_REAL || b->type == TARN_SYNTH_REAL ? TARN_SYNTH_REAL
                 : node->scale > 0                                        ? TARN_SYNTH_DECIMAL
                                                                          : TARN_SYNTH_INT;
    return TARN_OK;
}

static enum tarn_status type_product(struct parser *p, struct tarn_expression *node)
{
    expression a = node->args[0], b = node->args[1];
    if (!is_number(a->type) || !is_number(b->type))
        return fail_here(p, "* and / take numbers, before this");
    node->scale = (uint8_t)(a->scale + b->scale);
    bool real = a->type == TARN_SYNTH_REAL || b->type == TARN_SYNTH_REAL || node->op == OP_DIVIDE ||
                node->scale > 9;
    node->type = real ? TARN_SYNTH_REAL : node->scale > 0 ? TARN_SYNTH_DECIMAL : TARN_SYNTH_INT;
    if (real)
        node->scale = 0;
    return TARN_OK;
}

static enum tarn_status type_comparison(struct parser *p, expression a, expression b, bool ordered)
{
    bool numbers = is_number(a->type) && is_number(b->type);
    bool same = a->type == b->type && a->type != TARN_SYNTH_LIST;
    if (a->op == OP_NULL || b->op == OP_NULL)
        return fail_here(p, "compare with null by is_null(x), before this");
    if (numbers || (same && !(ordered && a->type == TARN_SYNTH_TEXT)))
        return TARN_OK;
    return fail_here(
        p, "the two sides of a comparison must be of one kind (text only = and !=), before this");
}

/* The type that both branches of if() and coalesce() have. */
static enum tarn_status type_branches(struct parser *p, struct tarn_expression *node, size_t from)
{
    bool known = false;
    node->plain = true;
    for (size_t i = from; i < node->arg_count; i++) {
        expression arg = node->args[i];
        if (arg->op == OP_NULL)
            continue;
        node->plain = node->plain && arg->plain;
        if (!known) {
            node->type = arg->type;
            node->scale = arg->scale;
            node->target = arg->target;
            known = true;
        } else if (is_number(node->type) && is_number(arg->type)) {
            node->scale = node->scale > arg->scale ? node->scale : arg->scale;
            if (arg->type == TARN_SYNTH_REAL || node->type == TARN_SYNTH_REAL)
                node->type = TARN_SYNTH_REAL;
            else if (node->scale > 0)
                node->type = TARN_SYNTH_DECIMAL;
        } else if (arg->type != node->type) {
            return fail_here(p, "the branches must be of one kind, before this");
        }
        if (arg->target != node->target)
            node->target = NULL;
    }
    return known ? TARN_OK : fail_here(p, "at least one branch must not be null, before this");
}

/* ---- names ---- */

static struct tarn_synth_entity *parent_of(const struct tarn_synth_entity *entity)
{
    for (size_t i = 0; i < entity->stream_count; i++)
        if (entity->streams[i].kind == TARN_SYNTH_ROWS_OF)
            return entity->streams[i].other;
    return NULL;
}

static enum tarn_status field_node(struct parser *p, struct tarn_synth_field *field,
                                   enum tarn_expression_op op, expression from, expression *ret)
{
    TARN_TRY(tarn_synth_field_resolve(field, p->err));
    struct tarn_expression *node = node_new(p, op, field->type, from ? 1 : 0);
    node->args[0] = from;
    node->scale = field->scale;
    node->plain = field->plain;
    node->field = field;
    node->target = field->target;
    if (op == OP_LOOKUP && !field->generator->cheap)
        field->kept = true;
    *ret = node;
    return TARN_OK;
}

static enum tarn_status builtin_node(struct parser *p, struct tarn_text name, expression *ret)
{
    static const struct {
        const char *name;
        enum tarn_expression_op op;
        enum tarn_synth_type type;
    } builtins[] = {
        {"row", OP_ROW, TARN_SYNTH_INT},        {"stream", OP_STREAM, TARN_SYNTH_TEXT},
        {"slot", OP_SLOT, TARN_SYNTH_INT},      {"ordinal", OP_ORDINAL, TARN_SYNTH_INT},
        {"null", OP_NULL, TARN_SYNTH_TEXT},     {"true", OP_LITERAL, TARN_SYNTH_BOOL},
        {"false", OP_LITERAL, TARN_SYNTH_BOOL},
    };
    *ret = NULL;
    for (size_t i = 0; i < TARN_COUNT(builtins); i++) {
        if (!tarn_text_is(name, builtins[i].name))
            continue;
        struct tarn_expression *node = node_new(p, builtins[i].op, builtins[i].type, 0);
        node->integer = builtins[i].name[0] == 't';
        node->plain = true;
        *ret = node;
    }
    return TARN_OK;
}

static bool text_is_name(struct tarn_text text, const char *name)
{
    return tarn_text_is(text, name);
}

/* A name in the scope of `entity`: a field, or the parent by its entity's name. *ret NULL when it
 * is neither. */
static enum tarn_status name_in(struct parser *p, struct tarn_synth_entity *entity,
                                struct tarn_text name, expression *ret)
{
    *ret = NULL;
    for (size_t i = 0; i < entity->field_count; i++)
        if (text_is_name(name, entity->fields[i].name))
            return field_node(p, &entity->fields[i], OP_FIELD, NULL, ret);
    struct tarn_synth_entity *parent = parent_of(entity);
    if (parent && text_is_name(name, parent->name)) {
        struct tarn_expression *node = node_new(p, OP_PARENT, TARN_SYNTH_INT, 0);
        node->target = parent;
        *ret = node;
        return TARN_OK;
    }
    if (!entity->outer)
        return TARN_OK;
    expression inside;
    TARN_TRY(name_in(p, entity->outer, name, &inside));
    if (inside) {
        struct tarn_expression *node = node_new(p, OP_OUTER, inside->type, 1);
        node->args[0] = inside;
        node->scale = inside->scale;
        node->plain = inside->plain;
        node->target = inside->target;
        *ret = node;
    }
    return TARN_OK;
}

static enum tarn_status unknown_name(struct parser *p, struct tarn_text name)
{
    char text[100];
    snprintf(text, sizeof text, "%.*s", TARN_TEXT_ARGS(name));
    struct tarn_synth_field *field;
    enum tarn_status status = tarn_synth_find_field(p->entity, p->node, text, &field, p->err);
    return status == TARN_OK ? fail_here(p, "unknown name before this") : status;
}

static enum tarn_status parse_path(struct parser *p, struct tarn_text name, expression *ret)
{
    expression node;
    TARN_TRY(name_in(p, p->entity, name, &node));
    if (!node)
        TARN_TRY(builtin_node(p, name, &node));
    if (!node)
        return unknown_name(p, name);
    while (p->at < p->text.len && p->text.data[p->at] == '.') {
        p->at++;
        struct tarn_text part = take_name(p);
        if (!node->target)
            return fail_here(p,
                             "only a reference or the parent has fields of its own, before this");
        char text[100];
        snprintf(text, sizeof text, "%.*s", TARN_TEXT_ARGS(part));
        struct tarn_synth_field *field;
        TARN_TRY(tarn_synth_find_field((struct tarn_synth_entity *)node->target, p->node, text,
                                       &field, p->err));
        TARN_TRY(field_node(p, field, OP_LOOKUP, node, &node));
    }
    if (node->op == OP_PARENT)
        return fail_here(p, "the parent needs a field behind it (orders.order_date), before this");
    *ret = node;
    return TARN_OK;
}

/* ---- functions ---- */

enum argument_rule { ANY, NUMBERS, TEXTS, BRANCHES, CLOCK, CONDITION_THEN_BRANCHES };

static const struct function {
    const char *name;
    enum tarn_expression_op op;
    int variant;
    size_t min, max;
    enum argument_rule rule;
    enum tarn_synth_type type;
} functions[] = {
    {"if", OP_IF, 0, 3, 3, CONDITION_THEN_BRANCHES, TARN_SYNTH_INT},
    {"coalesce", OP_COALESCE, 0, 1, 8, BRANCHES, TARN_SYNTH_INT},
    {"min", OP_MIN, 0, 2, 2, BRANCHES, TARN_SYNTH_INT},
    {"max", OP_MAX, 0, 2, 2, BRANCHES, TARN_SYNTH_INT},
    {"is_null", OP_IS_NULL, 0, 1, 1, ANY, TARN_SYNTH_BOOL},
    {"abs", OP_ABS, 0, 1, 1, NUMBERS, TARN_SYNTH_INT},
    {"round", OP_ROUND, 0, 1, 2, NUMBERS, TARN_SYNTH_INT},
    {"floor", OP_FLOOR, 0, 1, 1, NUMBERS, TARN_SYNTH_INT},
    {"exp", OP_REAL, REAL_EXP, 1, 1, NUMBERS, TARN_SYNTH_REAL},
    {"log", OP_REAL, REAL_LOG, 1, 1, NUMBERS, TARN_SYNTH_REAL},
    {"sqrt", OP_REAL, REAL_SQRT, 1, 1, NUMBERS, TARN_SYNTH_REAL},
    {"pow", OP_REAL, REAL_POW, 2, 2, NUMBERS, TARN_SYNTH_REAL},
    {"lower", OP_TEXT, TEXT_LOWER, 1, 1, TEXTS, TARN_SYNTH_TEXT},
    {"upper", OP_TEXT, TEXT_UPPER, 1, 1, TEXTS, TARN_SYNTH_TEXT},
    {"title", OP_TEXT, TEXT_TITLE, 1, 1, TEXTS, TARN_SYNTH_TEXT},
    {"slug", OP_TEXT, TEXT_SLUG, 1, 1, TEXTS, TARN_SYNTH_TEXT},
    {"seconds", OP_DURATION, 1, 1, 1, NUMBERS, TARN_SYNTH_INT},
    {"minutes", OP_DURATION, 60, 1, 1, NUMBERS, TARN_SYNTH_INT},
    {"hours", OP_DURATION, 3600, 1, 1, NUMBERS, TARN_SYNTH_INT},
    {"days", OP_DURATION, 86400, 1, 1, NUMBERS, TARN_SYNTH_INT},
    {"date", OP_DATE_OF, 0, 1, 1, CLOCK, TARN_SYNTH_DATE},
    {"year", OP_TIME_PART, PART_YEAR, 1, 1, CLOCK, TARN_SYNTH_INT},
    {"month", OP_TIME_PART, PART_MONTH, 1, 1, CLOCK, TARN_SYNTH_INT},
    {"day", OP_TIME_PART, PART_DAY, 1, 1, CLOCK, TARN_SYNTH_INT},
    {"weekday", OP_TIME_PART, PART_WEEKDAY, 1, 1, CLOCK, TARN_SYNTH_INT},
    {"hour", OP_TIME_PART, PART_HOUR, 1, 1, CLOCK, TARN_SYNTH_INT},
    {"chance", OP_CHANCE, 0, 1, 1, NUMBERS, TARN_SYNTH_BOOL},
    {"normal", OP_NORMAL, 0, 0, 0, ANY, TARN_SYNTH_REAL},
    {"uniform", OP_UNIFORM, 0, 0, 0, ANY, TARN_SYNTH_REAL},
};

static enum tarn_status check_arguments(struct parser *p, const struct function *function,
                                        struct tarn_expression *node)
{
    for (size_t i = 0; i < node->arg_count; i++) {
        enum tarn_synth_type type = node->args[i]->type;
        if (function->rule == NUMBERS && !is_number(type))
            return fail_here(p, "the function takes numbers, before this");
        if (function->rule == TEXTS && type != TARN_SYNTH_TEXT)
            return fail_here(p, "the function takes text, before this");
        if (function->rule == CLOCK && type != TARN_SYNTH_TIME && type != TARN_SYNTH_DATE)
            return fail_here(p, "the function takes a time or date, before this");
    }
    if (function->rule == CONDITION_THEN_BRANCHES && node->args[0]->type != TARN_SYNTH_BOOL)
        return fail_here(p, "the first argument of if() is a condition, before this");
    if (function->rule == BRANCHES || function->rule == CONDITION_THEN_BRANCHES)
        return type_branches(p, node, function->rule == BRANCHES ? 0 : 1);
    return TARN_OK;
}

static enum tarn_status type_function(struct parser *p, const struct function *function,
                                      struct tarn_expression *node)
{
    TARN_TRY(check_arguments(p, function, node));
    enum tarn_expression_op op = node->op;
    if (op == OP_ABS) {
        node->type = node->args[0]->type;
        node->scale = node->args[0]->scale;
    }
    if ((op == OP_MIN || op == OP_MAX) &&
        (node->type == TARN_SYNTH_TEXT || node->type == TARN_SYNTH_LIST))
        return fail_here(p, "min and max take numbers or times, before this");
    if (op == OP_ROUND && node->arg_count == 2) {
        expression digits = node->args[1];
        if (digits->op != OP_LITERAL || digits->type != TARN_SYNTH_INT || digits->integer > 9)
            return fail_here(p, "the decimals of round() must be 0 to 9, before this");
        node->scale = (uint8_t)digits->integer;
        node->type = node->scale > 0 ? TARN_SYNTH_DECIMAL : TARN_SYNTH_INT;
        node->arg_count = 1;
    }
    if (op == OP_CHANCE || op == OP_NORMAL || op == OP_UNIFORM)
        node->key = tarn_draw_key(p->entity->spec->seed, p->key_base, ++p->draws);
    if (op == OP_TEXT)
        node->plain = node->args[0]->plain || node->variant == TEXT_SLUG;
    return TARN_OK;
}

/* sum(order_items, quantity * unit_price): the second argument is read in the scope of the
 * children. */
static enum tarn_status parse_children(struct parser *p, bool sum, expression *ret)
{
    struct tarn_text name = take_name(p);
    char text[100];
    snprintf(text, sizeof text, "%.*s", TARN_TEXT_ARGS(name));
    struct tarn_synth_entity *child, *self = p->entity;
    TARN_TRY(tarn_synth_find_entity(self->spec, p->node, text, &child, p->err));
    if (parent_of(child) != self || child->stream_count != 1 || child->streams[0].has_gap)
        return fail_here(
            p, "sum and count take an entity whose rows are all `of` this one, before this");
    struct tarn_expression *node =
        node_new(p, sum ? OP_SUM : OP_COUNT, TARN_SYNTH_INT, sum ? 1 : 0);
    node->child = child;
    if (sum) {
        if (!take(p, ","))
            return fail_here(p, "expected a comma");
        p->entity = child;
        enum tarn_status status = parse_or(p, &node->args[0]);
        p->entity = self;
        TARN_TRY(status);
        if (!is_number(node->args[0]->type))
            return fail_here(p, "sum() adds numbers, before this");
        node->type = node->args[0]->type;
        node->scale = node->args[0]->scale;
    }
    if (!take(p, ")"))
        return fail_here(p, "expected )");
    *ret = node;
    return TARN_OK;
}

static enum tarn_status parse_season(struct parser *p, expression *ret)
{
    struct tarn_text name = take_name(p);
    char text[100];
    snprintf(text, sizeof text, "%.*s", TARN_TEXT_ARGS(name));
    struct tarn_expression *node = node_new(p, OP_SEASON, TARN_SYNTH_REAL, 1);
    TARN_TRY(tarn_synth_find_season(p->entity->spec, p->node, text, &node->season, p->err));
    if (!take(p, ","))
        return fail_here(p, "expected a comma");
    TARN_TRY(parse_or(p, &node->args[0]));
    if (node->args[0]->type != TARN_SYNTH_TIME && node->args[0]->type != TARN_SYNTH_DATE)
        return fail_here(p, "season(name, time) takes a time or date, before this");
    if (!take(p, ")"))
        return fail_here(p, "expected )");
    *ret = node;
    return TARN_OK;
}

static enum tarn_status unknown_function(struct parser *p, struct tarn_text name)
{
    const char *names[TARN_COUNT(functions) + 3] = {"sum", "count", "season"};
    for (size_t i = 0; i < TARN_COUNT(functions); i++)
        names[i + 3] = functions[i].name;
    char text[100];
    snprintf(text, sizeof text, "%.*s", TARN_TEXT_ARGS(name));
    const char *nearest = tarn_text_nearest(text, names, TARN_COUNT(names));
    return tarn_yaml_fail(p->node, p->err,
                          "in the expression \"%.*s\": there is no function %s()%s%s%s",
                          TARN_TEXT_ARGS(p->text), text, nearest ? "; did you mean " : "",
                          nearest ? nearest : "", nearest ? "()?" : "");
}

static enum tarn_status parse_call(struct parser *p, struct tarn_text name, expression *ret)
{
    if (tarn_text_is(name, "sum") || tarn_text_is(name, "count"))
        return parse_children(p, name.data[0] == 's', ret);
    if (tarn_text_is(name, "season"))
        return parse_season(p, ret);
    const struct function *function = NULL;
    for (size_t i = 0; i < TARN_COUNT(functions); i++)
        if (tarn_text_is(name, functions[i].name))
            function = &functions[i];
    if (!function)
        return unknown_function(p, name);
    struct tarn_expression *node = node_new(p, function->op, function->type, function->max);
    node->variant = function->variant;
    node->arg_count = 0;
    while (!take(p, ")")) {
        if (node->arg_count > 0 && !take(p, ","))
            return fail_here(p, "expected , or )");
        if (node->arg_count == function->max)
            return fail_here(p, "too many arguments");
        TARN_TRY(parse_or(p, &node->args[node->arg_count]));
        node->arg_count++;
    }
    if (node->arg_count < function->min)
        return fail_here(p, "too few arguments before this");
    TARN_TRY(type_function(p, function, node));
    *ret = node;
    return TARN_OK;
}

/* ---- the grammar ---- */

static enum tarn_status parse_number(struct parser *p, expression *ret)
{
    size_t start = p->at;
    while (p->at < p->text.len && (isdigit((unsigned char)p->text.data[p->at]) ||
                                   p->text.data[p->at] == '.' || p->text.data[p->at] == 'e'))
        p->at++;
    struct tarn_text text = {p->text.data + start, p->at - start};
    struct tarn_expression *node = node_new(p, OP_LITERAL, TARN_SYNTH_INT, 0);
    const char *dot = memchr(text.data, '.', text.len);
    node->plain = true;
    if (tarn_text_to_int64(text, &node->integer)) {
        node->real = (double)node->integer;
    } else if (!tarn_text_to_double(text, &node->real)) {
        return fail_here(p, "this is not a number, before this");
    } else {
        node->type = TARN_SYNTH_REAL;
        size_t decimals = dot ? text.len - (size_t)(dot - text.data) - 1 : 10;
        if (decimals > 0 && decimals <= 6 && !memchr(text.data, 'e', text.len)) {
            double power = 1;
            for (size_t i = 0; i < decimals; i++)
                power *= 10;
            node->type = TARN_SYNTH_DECIMAL;
            node->scale = (uint8_t)decimals;
            node->integer = (int64_t)(node->real * power + 0.5);
        }
    }
    *ret = node;
    return TARN_OK;
}

static enum tarn_status parse_literal_text(struct parser *p, expression *ret)
{
    size_t start = ++p->at;
    while (p->at < p->text.len && p->text.data[p->at] != '\'')
        p->at++;
    if (p->at == p->text.len)
        return fail_here(p, "the text has no closing quote");
    struct tarn_expression *node = node_new(p, OP_LITERAL, TARN_SYNTH_TEXT, 0);
    size_t len = p->at++ - start;
    node->text = (struct tarn_text){
        tarn_arena_strndup(p->entity->spec->arena, p->text.data + start, len), len};
    node->plain = tarn_text_is_plain(node->text);
    *ret = node;
    return TARN_OK;
}

static enum tarn_status parse_primary(struct parser *p, expression *ret)
{
    skip_space(p);
    if (p->at == p->text.len)
        return fail_here(p, "expected a value");
    char c = p->text.data[p->at];
    if (take(p, "(")) {
        TARN_TRY(parse_or(p, ret));
        return take(p, ")") ? TARN_OK : fail_here(p, "expected )");
    }
    if (c == '\'')
        return parse_literal_text(p, ret);
    if (isdigit((unsigned char)c))
        return parse_number(p, ret);
    if (take(p, "-")) {
        struct tarn_expression *node = node_new(p, OP_NEGATE, TARN_SYNTH_INT, 1);
        TARN_TRY(parse_primary(p, &node->args[0]));
        if (!is_number(node->args[0]->type))
            return fail_here(p, "- takes a number, before this");
        node->type = node->args[0]->type;
        node->scale = node->args[0]->scale;
        *ret = node;
        return TARN_OK;
    }
    struct tarn_text name = take_name(p);
    if (name.len == 0)
        return fail_here(p, "expected a value");
    return take(p, "(") ? parse_call(p, name, ret) : parse_path(p, name, ret);
}

static enum tarn_status parse_product(struct parser *p, expression *ret)
{
    TARN_TRY(parse_primary(p, ret));
    for (;;) {
        bool times = take(p, "*");
        if (!times && !take(p, "/"))
            return TARN_OK;
        struct tarn_expression *node =
            node_new(p, times ? OP_MULTIPLY : OP_DIVIDE, TARN_SYNTH_INT, 2);
        node->args[0] = *ret;
        TARN_TRY(parse_primary(p, &node->args[1]));
        TARN_TRY(type_product(p, node));
        *ret = node;
    }
}

static enum tarn_status parse_sum(struct parser *p, expression *ret)
{
    TARN_TRY(parse_product(p, ret));
    for (;;) {
        bool plus = take(p, "+");
        if (!plus && !take(p, "-"))
            return TARN_OK;
        struct tarn_expression *node = node_new(p, plus ? OP_ADD : OP_SUBTRACT, TARN_SYNTH_INT, 2);
        node->args[0] = *ret;
        TARN_TRY(parse_product(p, &node->args[1]));
        TARN_TRY(type_sum(p, node));
        *ret = node;
    }
}

static struct tarn_expression *negated(struct parser *p, const struct tarn_expression *inner)
{
    struct tarn_expression *node = node_new(p, OP_NOT, TARN_SYNTH_BOOL, 1);
    node->args[0] = inner;
    return node;
}

static enum tarn_status parse_in(struct parser *p, expression left, expression *ret)
{
    if (!take(p, "("))
        return fail_here(p, "expected ( behind in");
    expression any = NULL;
    do {
        struct tarn_expression *equal = node_new(p, OP_EQUAL, TARN_SYNTH_BOOL, 2);
        equal->args[0] = left;
        TARN_TRY(parse_sum(p, &equal->args[1]));
        TARN_TRY(type_comparison(p, left, equal->args[1], false));
        if (any) {
            struct tarn_expression *either = node_new(p, OP_OR, TARN_SYNTH_BOOL, 2);
            either->args[0] = any;
            either->args[1] = equal;
            any = either;
        } else {
            any = equal;
        }
    } while (take(p, ","));
    *ret = any;
    return take(p, ")") ? TARN_OK : fail_here(p, "expected )");
}

static enum tarn_status parse_comparison(struct parser *p, expression *ret)
{
    static const struct {
        const char *token;
        enum tarn_expression_op op;
        bool swapped, negate;
    } comparisons[] = {
        {"<=", OP_LESS, true, true},   {">=", OP_LESS, false, true},  {"<>", OP_EQUAL, false, true},
        {"!=", OP_EQUAL, false, true}, {"=", OP_EQUAL, false, false}, {"<", OP_LESS, false, false},
        {">", OP_LESS, true, false},
    };
    TARN_TRY(parse_sum(p, ret));
    if (take(p, "in"))
        return parse_in(p, *ret, ret);
    for (size_t i = 0; i < TARN_COUNT(comparisons); i++) {
        if (!take(p, comparisons[i].token))
            continue;
        struct tarn_expression *node = node_new(p, comparisons[i].op, TARN_SYNTH_BOOL, 2);
        expression right;
        TARN_TRY(parse_sum(p, &right));
        TARN_TRY(type_comparison(p, *ret, right, node->op == OP_LESS));
        node->args[0] = comparisons[i].swapped ? right : *ret;
        node->args[1] = comparisons[i].swapped ? *ret : right;
        *ret = comparisons[i].negate ? negated(p, node) : node;
        return TARN_OK;
    }
    return TARN_OK;
}

static enum tarn_status parse_not(struct parser *p, expression *ret)
{
    if (!take(p, "not"))
        return parse_comparison(p, ret);
    TARN_TRY(parse_comparison(p, ret));
    if ((*ret)->type != TARN_SYNTH_BOOL)
        return fail_here(p, "not takes a condition, before this");
    *ret = negated(p, *ret);
    return TARN_OK;
}

static enum tarn_status parse_joined(struct parser *p, bool is_or, expression *ret)
{
    TARN_TRY(is_or ? parse_joined(p, false, ret) : parse_not(p, ret));
    while (take(p, is_or ? "or" : "and")) {
        struct tarn_expression *node = node_new(p, is_or ? OP_OR : OP_AND, TARN_SYNTH_BOOL, 2);
        node->args[0] = *ret;
        TARN_TRY(is_or ? parse_joined(p, false, &node->args[1]) : parse_not(p, &node->args[1]));
        if (node->args[0]->type != TARN_SYNTH_BOOL || node->args[1]->type != TARN_SYNTH_BOOL)
            return fail_here(p, "and and or take conditions, before this");
        *ret = node;
    }
    return TARN_OK;
}

static enum tarn_status parse_or(struct parser *p, expression *ret)
{
    if (++p->depth > DEPTH_MAX)
        return fail_here(p, "the expression is nested too deep");
    TARN_TRY(parse_joined(p, true, ret));
    p->depth--;
    return TARN_OK;
}

enum tarn_status tarn_expression_parse(struct tarn_text text, const struct tarn_yaml *node,
                                       struct tarn_synth_entity *entity, const char *key_name,
                                       const struct tarn_expression **ret, struct tarn_error *err)
{
    struct parser p = {.text = text,
                       .node = node,
                       .entity = entity,
                       .key_base = entity->key ^ tarn_synth_name_hash(key_name),
                       .err = err};
    expression parsed;
    TARN_TRY(parse_or(&p, &parsed));
    skip_space(&p);
    if (p.at != text.len)
        return fail_here(&p, "did not expect what stands");
    *ret = parsed;
    return TARN_OK;
}

enum tarn_synth_type tarn_expression_type(const struct tarn_expression *e)
{
    return e->type;
}

uint8_t tarn_expression_scale(const struct tarn_expression *e)
{
    return e->scale;
}

bool tarn_expression_plain(const struct tarn_expression *e)
{
    return e->plain || e->type != TARN_SYNTH_TEXT;
}

const struct tarn_synth_field *tarn_expression_field(const struct tarn_expression *e)
{
    return e->op == OP_FIELD || e->op == OP_LOOKUP ? e->field : NULL;
}

const struct tarn_synth_entity *tarn_expression_target(const struct tarn_expression *e)
{
    return e->target;
}

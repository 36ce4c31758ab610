/* model/template/parser_operators.c -- operators by precedence, from conditions down to powers;
 * tuples and targets. See parser.h. */
#include "model/template/parser.h"

static struct node *parse_power(struct parser *parser)
{
    struct node *left = parse_unary(parser, true);
    while (left && parser_token(parser)->type == TOKEN_POW) {
        const struct token *token = parser_token(parser);
        parser->position++;
        left = parser_two_operands(parser, NODE_BINARY, TARN_OP_POW, token, left,
                                   parse_unary(parser, true));
    }
    return left;
}

static struct node *parse_product(struct parser *parser)
{
    static const uint8_t ops[TOKEN_TYPE_COUNT] = {
        [TOKEN_MUL] = TARN_OP_MUL + 1,
        [TOKEN_DIV] = TARN_OP_DIV + 1,
        [TOKEN_FLOORDIV] = TARN_OP_FLOORDIV + 1,
        [TOKEN_MOD] = TARN_OP_MOD + 1,
    };
    struct node *left = parse_power(parser);
    while (left && ops[parser_token(parser)->type]) {
        const struct token *token = parser_token(parser);
        parser->position++;
        left = parser_two_operands(parser, NODE_BINARY, (uint8_t)(ops[token->type] - 1), token,
                                   left, parse_power(parser));
    }
    return left;
}

static struct node *parse_concat(struct parser *parser)
{
    const struct token *token = parser_token(parser);
    struct node *first = parse_product(parser);
    if (!first || parser_token(parser)->type != TOKEN_TILDE)
        return first;
    struct node *node = parser_node(parser, NODE_CONCAT, token);
    if (!parser_push(parser, &node->as.list, first) || !parser_adopt(parser, node, first))
        return NULL;
    while (parser_accept(parser, TOKEN_TILDE)) {
        struct node *item = parse_product(parser);
        if (!parser_push(parser, &node->as.list, item) || !parser_adopt(parser, node, item))
            return NULL;
    }
    return node;
}

static struct node *parse_sum(struct parser *parser)
{
    struct node *left = parse_concat(parser);
    while (left &&
           (parser_token(parser)->type == TOKEN_ADD || parser_token(parser)->type == TOKEN_SUB)) {
        const struct token *token = parser_token(parser);
        uint8_t op = token->type == TOKEN_ADD ? TARN_OP_ADD : TARN_OP_SUB;
        parser->position++;
        left = parser_two_operands(parser, NODE_BINARY, op, token, left, parse_concat(parser));
    }
    return left;
}

/* Moves behind a comparison operator when one is here. */
static bool accept_comparison(struct parser *parser, uint8_t *ret_op)
{
    static const uint8_t ops[TOKEN_TYPE_COUNT] = {
        [TOKEN_EQ] = COMPARE_EQ + 1, [TOKEN_NE] = COMPARE_NE + 1, [TOKEN_LT] = COMPARE_LT + 1,
        [TOKEN_LE] = COMPARE_LE + 1, [TOKEN_GT] = COMPARE_GT + 1, [TOKEN_GE] = COMPARE_GE + 1,
    };
    const struct token *token = parser_token(parser);
    if (ops[token->type]) {
        *ret_op = (uint8_t)(ops[token->type] - 1);
        parser->position++;
    } else if (token_is_name(token, "in")) {
        *ret_op = COMPARE_IN;
        parser->position++;
    } else if (token_is_name(token, "not") && token_is_name(token + 1, "in")) {
        *ret_op = COMPARE_NOT_IN;
        parser->position += 2;
    } else {
        return false;
    }
    return true;
}

static struct node *parse_comparison(struct parser *parser)
{
    const struct token *token = parser_token(parser);
    struct node *first = parse_sum(parser);
    struct node *node = NULL;
    uint8_t op;
    while (first && accept_comparison(parser, &op)) {
        if (!node) {
            node = parser_node(parser, NODE_COMPARE, token);
            node->as.compare.first = first;
            if (!parser_adopt(parser, node, first))
                return NULL;
        }
        struct node *other = parse_sum(parser);
        size_t count = node->as.compare.others.count;
        if (!parser_push(parser, &node->as.compare.others, other) ||
            !parser_adopt(parser, node, other))
            return NULL;
        uint8_t *ops = tarn_heap_alloc(parser->tmpl->heap, count + 1);
        if (count > 0)
            memcpy(ops, node->as.compare.ops, count);
        ops[count] = op;
        node->as.compare.ops = ops;
    }
    return node ? node : first;
}

static struct node *parse_not(struct parser *parser)
{
    const struct token *token = parser_token(parser);
    if (!parser_accept_name(parser, "not"))
        return parse_comparison(parser);
    if (!parser_enter(parser))
        return NULL;
    struct node *node = parser_one_operand(parser, NODE_NOT, token, parse_not(parser));
    parser->depth--;
    return node;
}

static struct node *parse_and(struct parser *parser)
{
    const struct token *token = parser_token(parser);
    struct node *left = parse_not(parser);
    while (left && parser_accept_name(parser, "and"))
        left = parser_two_operands(parser, NODE_AND, 0, token, left, parse_not(parser));
    return left;
}

static struct node *parse_or(struct parser *parser)
{
    const struct token *token = parser_token(parser);
    struct node *left = parse_and(parser);
    while (left && parser_accept_name(parser, "or"))
        left = parser_two_operands(parser, NODE_OR, 0, token, left, parse_and(parser));
    return left;
}

static struct node *parse_condition(struct parser *parser)
{
    struct node *yes = parse_or(parser);
    while (yes && parser_token(parser)->type == TOKEN_NAME &&
           token_is_name(parser_token(parser), "if")) {
        struct node *node = parser_node(parser, NODE_CONDITION, parser_token(parser));
        parser->position++;
        node->as.condition.yes = yes;
        node->as.condition.test = parse_or(parser);
        if (!node->as.condition.test)
            return NULL;
        if (parser_accept_name(parser, "else")) {
            node->as.condition.no = parse_expression(parser, true);
            if (!node->as.condition.no)
                return NULL;
        }
        if (!parser_adopt(parser, node, yes) ||
            !parser_adopt(parser, node, node->as.condition.test) ||
            !parser_adopt(parser, node, node->as.condition.no))
            return NULL;
        yes = node;
    }
    return yes;
}

struct node *parse_expression(struct parser *parser, bool with_condition)
{
    if (!parser_enter(parser))
        return NULL;
    struct node *node = with_condition ? parse_condition(parser) : parse_or(parser);
    parser->depth--;
    return node;
}

static bool at_tuple_end(struct parser *parser, const char *end_name)
{
    const struct token *token = parser_token(parser);
    if (token->type == TOKEN_VARIABLE_END || token->type == TOKEN_BLOCK_END ||
        token->type == TOKEN_RPAREN || token->type == TOKEN_EOF)
        return true;
    return end_name && token_is_name(token, end_name);
}

/* What parse_tuple and parse_target share: items between commas; a comma makes it a tuple. */
static struct node *parse_items(struct parser *parser, const char *end_name, bool *ret_is_empty,
                                struct node *(*parse_item)(struct parser *parser, bool option),
                                bool option)
{
    struct node *tuple = parser_node(parser, NODE_TUPLE, parser_token(parser));
    bool is_tuple = false;
    for (;;) {
        if (tuple->as.list.count > 0 && !parser_expect(parser, TOKEN_COMMA))
            return NULL;
        if (at_tuple_end(parser, end_name))
            break;
        struct node *item = parse_item(parser, option);
        if (!parser_push(parser, &tuple->as.list, item) || !parser_adopt(parser, tuple, item))
            return NULL;
        if (parser_token(parser)->type != TOKEN_COMMA)
            break;
        is_tuple = true;
    }
    *ret_is_empty = tuple->as.list.count == 0;
    return !is_tuple && tuple->as.list.count == 1 ? tuple->as.list.items[0] : tuple;
}

static struct node *fail_no_expression(struct parser *parser)
{
    const struct token *token = parser_token(parser);
    struct tarn_text got =
        token->type == TOKEN_NAME ? token->text : tarn_text_of(token_type_text(token->type));
    return parser_fail(parser, token, "Expected an expression, got '%.*s'", TARN_TEXT_ARGS(got));
}

struct node *parse_tuple(struct parser *parser, bool with_condition, const char *end_name,
                         bool in_parentheses)
{
    bool is_empty = false;
    struct node *node = parse_items(parser, end_name, &is_empty, parse_expression, with_condition);
    if (node && is_empty && !in_parentheses)
        return fail_no_expression(parser);
    return node;
}

/* Turns what was read as an expression into something to assign to. */
static bool make_target(struct parser *parser, struct node *node)
{
    static const char *const names[NODE_KIND_COUNT] = {
        [NODE_CONST] = "const", [NODE_LIST] = "list", [NODE_DICT] = "dict"};
    if (node->kind == NODE_TUPLE) {
        for (size_t i = 0; i < node->as.list.count; i++)
            if (!make_target(parser, node->as.list.items[i]))
                return false;
        return true;
    }
    if (node->kind == NODE_NAME) {
        node->as.name.use = NAME_STORE;
        return true;
    }
    if (node->kind == NODE_NAMESPACE_REF)
        return true;
    const char *what = names[node->kind] ? names[node->kind] : "expression";
    parser_fail(parser, &(struct token){.line = node->line, .column = node->column},
                "can't assign to '%s'", what);
    return false;
}

struct node *parse_target(struct parser *parser, const char *end_name, bool with_namespace)
{
    bool is_empty = false;
    struct node *node = parse_items(parser, end_name, &is_empty, parse_primary, with_namespace);
    if (!node)
        return NULL;
    if (is_empty)
        return fail_no_expression(parser);
    return make_target(parser, node) ? node : NULL;
}

/* model/template/parser.c -- expressions, by precedence from conditions down to literals. See
 * parser.h.
 *
 * The order of precedence is jinja2's own, which differs from Python's in a few places: unary minus
 * binds weaker than a filter only when it stands first, ~ binds tighter than +, and tests take one
 * argument without brackets. */
#include "model/template/parser.h"

#include <stdio.h>

#include "model/template/filters.h"
#include "model/template/tests.h"

/* Deep enough for any real source, shallow enough for any stack. */
enum { TREE_HEIGHT_MAX = 1000 };

struct node *parser_fail(struct parser *parser, const struct token *token, const char *format, ...)
{
    char what[600];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args); /* a message may be cut off */
    va_end(args);
    (void)tarn_fail(parser->err, TARN_INVALID, "%s:%u:%u: %s", parser->tmpl->name, token->line,
                    token->column, what); /* the caller returns NULL */
    return NULL;
}

bool parser_accept(struct parser *parser, enum token_type type)
{
    if (parser_token(parser)->type != type)
        return false;
    parser->position++;
    return true;
}

bool parser_accept_name(struct parser *parser, const char *name)
{
    if (!token_is_name(parser_token(parser), name))
        return false;
    parser->position++;
    return true;
}

static void fail_expected(struct parser *parser, const char *expected)
{
    const struct token *token = parser_token(parser);
    if (token->type == TOKEN_EOF) {
        parser_fail(parser, token, "unexpected end of template, expected '%s'.", expected);
        return;
    }
    struct tarn_text got =
        token->type == TOKEN_NAME ? token->text : tarn_text_of(token_type_text(token->type));
    parser_fail(parser, token, "expected token '%s', got '%.*s'", expected, TARN_TEXT_ARGS(got));
}

struct token *parser_expect(struct parser *parser, enum token_type type)
{
    if (parser_token(parser)->type == type)
        return &parser->tokens.items[parser->position++];
    fail_expected(parser, token_type_text(type));
    return NULL;
}

bool parser_expect_name(struct parser *parser, const char *name)
{
    if (parser_accept_name(parser, name))
        return true;
    fail_expected(parser, name);
    return false;
}

struct node *parser_node(struct parser *parser, enum node_kind kind, const struct token *token)
{
    struct node *node = tarn_heap_alloc(parser->tmpl->heap, sizeof *node);
    node->kind = (uint8_t)kind;
    node->line = token->line;
    node->column = token->column;
    node->height = 1;
    return node;
}

bool parser_adopt(struct parser *parser, struct node *node, const struct node *child)
{
    if (!child || node->height > child->height)
        return true;
    if (child->height >= TREE_HEIGHT_MAX) {
        parser_fail(parser, parser_token(parser),
                    "the expression is nested or chained too deep (limit %d)", TREE_HEIGHT_MAX);
        return false;
    }
    node->height = (uint16_t)(child->height + 1);
    return true;
}

bool parser_push(struct parser *parser, struct node_list *list, struct node *child)
{
    if (!child)
        return false;
    size_t count = list->count;
    if ((count & (count - 1)) == 0) { /* full at 0, 1, 2, 4, 8... */
        struct node **items =
            tarn_heap_alloc(parser->tmpl->heap, (count ? count * 2 : 1) * sizeof(struct node *));
        if (count > 0)
            memcpy(items, list->items, count * sizeof *items);
        list->items = items;
    }
    list->items[list->count++] = child;
    return true;
}

struct node *parser_two_operands(struct parser *parser, enum node_kind kind, uint8_t op,
                                 const struct token *token, struct node *left, struct node *right)
{
    if (!left || !right)
        return NULL;
    struct node *node = parser_node(parser, kind, token);
    node->as.binary.left = left;
    node->as.binary.right = right;
    node->as.binary.op = op;
    return parser_adopt(parser, node, left) && parser_adopt(parser, node, right) ? node : NULL;
}

struct node *parser_one_operand(struct parser *parser, enum node_kind kind,
                                const struct token *token, struct node *operand)
{
    if (!operand)
        return NULL;
    struct node *node = parser_node(parser, kind, token);
    node->as.operand = operand;
    return parser_adopt(parser, node, operand) ? node : NULL;
}

static struct node *constant(struct parser *parser, const struct token *token,
                             struct tarn_value value)
{
    struct node *node = parser_node(parser, NODE_CONST, token);
    node->as.constant = value;
    return node;
}

/* --- calls
 * ------------------------------------------------------------------------------------------------------
 */

static bool push_keyword(struct parser *parser, struct call_args *args, struct tarn_text name,
                         struct node *value)
{
    size_t count = args->kwargs.count;
    struct tarn_text *keywords =
        tarn_heap_alloc(parser->tmpl->heap, (count + 1) * sizeof *keywords);
    if (count > 0)
        memcpy(keywords, args->keywords, count * sizeof *keywords);
    keywords[count] = name;
    args->keywords = keywords;
    return parser_push(parser, &args->kwargs, value);
}

static bool parse_one_argument(struct parser *parser, const struct token *open,
                               struct call_args *args)
{
    const struct token *token = parser_token(parser);
    const struct token *next = token->type == TOKEN_EOF ? token : token + 1;
    bool allowed;
    if (parser_accept(parser, TOKEN_MUL)) {
        allowed = !args->star && !args->double_star;
        args->star = parse_expression(parser, true);
        if (!args->star)
            return false;
    } else if (parser_accept(parser, TOKEN_POW)) {
        allowed = !args->double_star;
        args->double_star = parse_expression(parser, true);
        if (!args->double_star)
            return false;
    } else if (token->type == TOKEN_NAME && next->type == TOKEN_ASSIGN) {
        allowed = !args->double_star;
        parser->position += 2;
        if (!push_keyword(parser, args, token->text, parse_expression(parser, true)))
            return false;
    } else {
        allowed = !args->star && !args->double_star && args->kwargs.count == 0;
        if (!allowed) {
            parser_fail(parser, open, "invalid syntax for function call expression");
            return false;
        }
        return parser_push(parser, &args->args, parse_expression(parser, true));
    }
    if (!allowed)
        parser_fail(parser, open, "invalid syntax for function call expression");
    return allowed;
}

static bool parse_arguments(struct parser *parser, struct call_args *args)
{
    const struct token *open = parser_expect(parser, TOKEN_LPAREN);
    if (!open)
        return false;
    for (bool first = true; parser_token(parser)->type != TOKEN_RPAREN; first = false) {
        if (!first && !parser_expect(parser, TOKEN_COMMA))
            return false;
        if (!first && parser_token(parser)->type == TOKEN_RPAREN)
            break;
        if (!parse_one_argument(parser, open, args))
            return false;
    }
    return parser_expect(parser, TOKEN_RPAREN) != NULL;
}

static bool adopt_arguments(struct parser *parser, struct node *node, const struct call_args *args)
{
    for (size_t i = 0; i < args->args.count; i++)
        if (!parser_adopt(parser, node, args->args.items[i]))
            return false;
    for (size_t i = 0; i < args->kwargs.count; i++)
        if (!parser_adopt(parser, node, args->kwargs.items[i]))
            return false;
    return parser_adopt(parser, node, args->star) && parser_adopt(parser, node, args->double_star);
}

static struct node *parse_call(struct parser *parser, struct node *callee)
{
    struct node *node = parser_node(parser, NODE_CALL, parser_token(parser));
    node->line = callee->line;
    node->column = callee->column;
    node->as.call.callee = callee;
    if (!parse_arguments(parser, &node->as.call.args) || !parser_adopt(parser, node, callee) ||
        !adopt_arguments(parser, node, &node->as.call.args))
        return NULL;
    return node;
}

/* --- literals and names
 * -------------------------------------------------------------------------------------------- */

static struct node *parse_sequence(struct parser *parser, enum node_kind kind, enum token_type end)
{
    struct node *node = parser_node(parser, kind, parser_token(parser));
    parser->position++;
    while (parser_token(parser)->type != end) {
        if (node->as.list.count > 0 && !parser_expect(parser, TOKEN_COMMA))
            return NULL;
        if (parser_token(parser)->type == end)
            break;
        struct node *item = parse_expression(parser, true);
        if (!parser_push(parser, &node->as.list, item) || !parser_adopt(parser, node, item))
            return NULL;
    }
    return parser_expect(parser, end) ? node : NULL;
}

static struct node *parse_dict(struct parser *parser)
{
    struct node *node = parser_node(parser, NODE_DICT, parser_token(parser));
    parser->position++;
    while (parser_token(parser)->type != TOKEN_RBRACE) {
        if (node->as.dict.keys.count > 0 && !parser_expect(parser, TOKEN_COMMA))
            return NULL;
        if (parser_token(parser)->type == TOKEN_RBRACE)
            break;
        struct node *key = parse_expression(parser, true);
        if (!key || !parser_expect(parser, TOKEN_COLON))
            return NULL;
        struct node *value = parse_expression(parser, true);
        if (!parser_push(parser, &node->as.dict.keys, key) ||
            !parser_push(parser, &node->as.dict.values, value) ||
            !parser_adopt(parser, node, key) || !parser_adopt(parser, node, value))
            return NULL;
    }
    return parser_expect(parser, TOKEN_RBRACE) ? node : NULL;
}

static struct node *parse_strings(struct parser *parser, const struct token *first)
{
    struct tarn_value text = first->value;
    parser->position++;
    if (parser_token(parser)->type != TOKEN_STRING)
        return constant(parser, first, text);
    TARN_BUFFER(joined, TARN_TEMPLATE_SOURCE_BYTES_MAX);
    tarn_value_print(text, &joined);
    for (; parser_token(parser)->type == TOKEN_STRING; parser->position++)
        tarn_value_print(parser_token(parser)->value, &joined);
    return constant(parser, first, buffer_value(parser->tmpl->heap, &joined));
}

static struct node *name_node(struct parser *parser, const struct token *token, enum name_use use)
{
    struct node *node = parser_node(parser, NODE_NAME, token);
    node->as.name.text = tarn_value_text_ref(token->text);
    node->as.name.use = (uint8_t)use;
    return node;
}

static struct node *parse_name(struct parser *parser, const struct token *token,
                               bool with_namespace)
{
    parser->position++;
    if (token_is_name(token, "true") || token_is_name(token, "True"))
        return constant(parser, token, TARN_TRUE);
    if (token_is_name(token, "false") || token_is_name(token, "False"))
        return constant(parser, token, TARN_FALSE);
    if (token_is_name(token, "none") || token_is_name(token, "None"))
        return constant(parser, token, TARN_NONE);
    if (!with_namespace || !parser_accept(parser, TOKEN_DOT))
        return name_node(parser, token, NAME_LOAD);
    const struct token *attribute = parser_expect(parser, TOKEN_NAME);
    if (!attribute)
        return NULL;
    struct node *node = parser_node(parser, NODE_NAMESPACE_REF, token);
    node->as.namespace_ref.name = tarn_value_text_ref(token->text);
    node->as.namespace_ref.attribute = tarn_value_text_ref(attribute->text);
    return node;
}

struct node *parse_primary(struct parser *parser, bool with_namespace)
{
    const struct token *token = parser_token(parser);
    struct node *node;
    switch ((int)token->type) {
    case TOKEN_NAME:
        return parse_name(parser, token, with_namespace);
    case TOKEN_STRING:
        return parse_strings(parser, token);
    case TOKEN_INTEGER:
    case TOKEN_FLOAT:
        parser->position++;
        return constant(parser, token, token->value);
    case TOKEN_LPAREN:
        parser->position++;
        node = parse_tuple(parser, true, NULL, true);
        return node && parser_expect(parser, TOKEN_RPAREN) ? node : NULL;
    case TOKEN_LBRACKET:
        return parse_sequence(parser, NODE_LIST, TOKEN_RBRACKET);
    case TOKEN_LBRACE:
        return parse_dict(parser);
    default:
        return parser_fail(parser, token, "unexpected '%s'", token_type_text(token->type));
    }
}

/* --- what follows a value: .name [index] (call) |filter is test
 * ----------------------------------------------------- */

static bool at_slice_end(struct parser *parser)
{
    enum token_type type = parser_token(parser)->type;
    return type == TOKEN_RBRACKET || type == TOKEN_COMMA || type == TOKEN_COLON;
}

/* Reads one of the parts of a slice when it is there. */
static bool parse_slice_part(struct parser *parser, struct node *slice, struct node **part)
{
    if (at_slice_end(parser))
        return true;
    *part = parse_expression(parser, true);
    return *part && parser_adopt(parser, slice, *part);
}

static struct node *parse_index(struct parser *parser)
{
    struct node *slice = parser_node(parser, NODE_SLICE, parser_token(parser));
    if (parser_token(parser)->type != TOKEN_COLON) {
        struct node *index = parse_expression(parser, true);
        if (!index || parser_token(parser)->type != TOKEN_COLON)
            return index;
        slice->as.slice.start = index;
        if (!parser_adopt(parser, slice, index))
            return NULL;
    }
    parser->position++;
    if (!parse_slice_part(parser, slice, &slice->as.slice.stop))
        return NULL;
    if (parser_accept(parser, TOKEN_COLON) &&
        !parse_slice_part(parser, slice, &slice->as.slice.step))
        return NULL;
    return slice;
}

static struct node *parse_indexes(struct parser *parser)
{
    struct node *tuple = parser_node(parser, NODE_TUPLE, parser_token(parser));
    while (parser_token(parser)->type != TOKEN_RBRACKET) {
        if (tuple->as.list.count > 0 && !parser_expect(parser, TOKEN_COMMA))
            return NULL;
        struct node *index = parse_index(parser);
        if (!parser_push(parser, &tuple->as.list, index) || !parser_adopt(parser, tuple, index))
            return NULL;
        if (index->kind == NODE_SLICE &&
            (tuple->as.list.count > 1 || parser_token(parser)->type == TOKEN_COMMA))
            return parser_fail(parser, parser_token(parser),
                               "a slice cannot be one of several indexes");
    }
    if (!parser_expect(parser, TOKEN_RBRACKET))
        return NULL;
    return tuple->as.list.count == 1 ? tuple->as.list.items[0] : tuple;
}

static struct node *subscript(struct parser *parser, const struct token *token, struct node *object,
                              struct node *index)
{
    if (!index)
        return NULL;
    struct node *node = parser_node(parser, NODE_SUBSCRIPT, token);
    node->as.subscript.object = object;
    node->as.subscript.index = index;
    return parser_adopt(parser, node, object) && parser_adopt(parser, node, index) ? node : NULL;
}

static struct node *parse_subscript(struct parser *parser, struct node *object)
{
    const struct token *token = parser_token(parser);
    parser->position++;
    if (token->type == TOKEN_LBRACKET)
        return subscript(parser, token, object, parse_indexes(parser));
    const struct token *name = parser_token(parser);
    if (name->type == TOKEN_INTEGER) {
        parser->position++;
        return subscript(parser, token, object, constant(parser, name, name->value));
    }
    if (name->type != TOKEN_NAME)
        return parser_fail(parser, name, "expected name or number");
    parser->position++;
    struct node *node = parser_node(parser, NODE_ATTRIBUTE, token);
    node->line = object->line;
    node->column = object->column;
    node->as.attribute.object = object;
    node->as.attribute.name = tarn_value_text_ref(name->text);
    return parser_adopt(parser, node, object) ? node : NULL;
}

static struct node *parse_postfix(struct parser *parser, struct node *node)
{
    while (node) {
        enum token_type type = parser_token(parser)->type;
        if (type == TOKEN_DOT || type == TOKEN_LBRACKET)
            node = parse_subscript(parser, node);
        else if (type == TOKEN_LPAREN)
            node = parse_call(parser, node);
        else
            break;
    }
    return node;
}

/* name or name.name */
static bool parse_dotted_name(struct parser *parser, struct tarn_text *ret_name)
{
    const struct token *token = parser_expect(parser, TOKEN_NAME);
    if (!token)
        return false;
    *ret_name = token->text;
    while (parser_accept(parser, TOKEN_DOT)) {
        const struct token *part = parser_expect(parser, TOKEN_NAME);
        if (!part)
            return false;
        struct tarn_value joined = tarn_value_format(
            parser->tmpl->heap, "%.*s.%.*s", TARN_TEXT_ARGS(*ret_name), TARN_TEXT_ARGS(part->text));
        *ret_name = tarn_value_text(joined);
    }
    return true;
}

struct node *parse_filters(struct parser *parser, struct node *object, bool is_inline)
{
    while (is_inline || parser_accept(parser, TOKEN_PIPE)) {
        is_inline = false;
        struct node *node = parser_node(parser, NODE_FILTER, parser_token(parser));
        if (!parse_dotted_name(parser, &node->as.filter.name))
            return NULL;
        node->as.filter.object = object;
        node->as.filter.filter = filter_find(node->as.filter.name);
        if (parser_token(parser)->type == TOKEN_LPAREN &&
            !parse_arguments(parser, &node->as.filter.args))
            return NULL;
        if (!parser_adopt(parser, node, object) ||
            !adopt_arguments(parser, node, &node->as.filter.args))
            return NULL;
        object = node;
    }
    return object;
}

static bool starts_test_argument(struct parser *parser)
{
    const struct token *token = parser_token(parser);
    if (token_is_name(token, "else") || token_is_name(token, "or") || token_is_name(token, "and"))
        return false;
    return token->type == TOKEN_NAME || token->type == TOKEN_STRING ||
           token->type == TOKEN_INTEGER || token->type == TOKEN_FLOAT ||
           token->type == TOKEN_LBRACKET || token->type == TOKEN_LBRACE;
}

static bool parse_test_arguments(struct parser *parser, struct node *node)
{
    if (parser_token(parser)->type == TOKEN_LPAREN)
        return parse_arguments(parser, &node->as.test.args);
    if (!starts_test_argument(parser))
        return true;
    if (token_is_name(parser_token(parser), "is")) {
        parser_fail(parser, parser_token(parser), "You cannot chain multiple tests with is");
        return false;
    }
    struct node *argument = parse_primary(parser, false);
    if (argument)
        argument = parse_postfix(parser, argument);
    return parser_push(parser, &node->as.test.args.args, argument);
}

static struct node *parse_test(struct parser *parser, struct node *object)
{
    const struct token *token = parser_token(parser);
    parser->position++;
    bool negated = parser_accept_name(parser, "not");
    struct node *node = parser_node(parser, NODE_TEST, parser_token(parser));
    if (!parse_dotted_name(parser, &node->as.test.name) || !parse_test_arguments(parser, node))
        return NULL;
    node->as.test.object = object;
    node->as.test.test = test_find(node->as.test.name);
    if (!parser_adopt(parser, node, object) || !adopt_arguments(parser, node, &node->as.test.args))
        return NULL;
    return negated ? parser_one_operand(parser, NODE_NOT, token, node) : node;
}

static struct node *parse_filters_and_tests(struct parser *parser, struct node *node)
{
    while (node) {
        const struct token *token = parser_token(parser);
        if (token->type == TOKEN_PIPE)
            node = parse_filters(parser, node, false);
        else if (token_is_name(token, "is"))
            node = parse_test(parser, node);
        else if (token->type == TOKEN_LPAREN)
            node = parse_call(parser, node);
        else
            break;
    }
    return node;
}

bool parser_enter(struct parser *parser)
{
    if (parser->depth < TARN_TEMPLATE_NESTING_MAX) {
        parser->depth++;
        return true;
    }
    parser_fail(parser, parser_token(parser), "nested too deep (limit %d)",
                TARN_TEMPLATE_NESTING_MAX);
    return false;
}

struct node *parse_unary(struct parser *parser, bool with_filters)
{
    const struct token *token = parser_token(parser);
    struct node *node = NULL;
    if (!parser_enter(parser))
        return NULL;
    if (parser_accept(parser, TOKEN_SUB))
        node = parser_one_operand(parser, NODE_NEGATE, token, parse_unary(parser, false));
    else if (parser_accept(parser, TOKEN_ADD))
        node = parser_one_operand(parser, NODE_PLUS, token, parse_unary(parser, false));
    else
        node = parse_primary(parser, false);
    node = parse_postfix(parser, node);
    if (with_filters)
        node = parse_filters_and_tests(parser, node);
    parser->depth--;
    return node;
}

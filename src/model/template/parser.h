/* model/template/parser.h -- tokens to tree; shared by parser.c (expressions), statement.c (tags)
 * and template.c.
 *
 * Every parse_* returns NULL (or false) after writing the error. */
#ifndef TARN_MODEL_TEMPLATE_PARSER_H
#define TARN_MODEL_TEMPLATE_PARSER_H

#include "model/template/ast.h"
#include "model/template/lexer.h"

struct parser {
    struct tarn_template *tmpl;
    struct token_list tokens;
    size_t position;
    struct tarn_error *err;
    unsigned depth;
    unsigned loop_depth; /* of the code unit we are in: break needs one */
    struct tarn_text tags[TARN_TEMPLATE_NESTING_MAX]; /* open tags, for messages */
    size_t tag_count;
};

static inline struct token *parser_token(struct parser *parser)
{
    return &parser->tokens.items[parser->position];
}
static inline bool token_is_name(const struct token *token, const char *name)
{
    return token->type == TOKEN_NAME && token->text.data[0] == name[0] &&
           tarn_text_is(token->text, name);
}

struct node *parser_fail(struct parser *parser, const struct token *token, const char *format, ...)
    TARN_PRINTF(3, 4);
/* Moves on and returns true when the current token has this type, or is this word. */
bool parser_accept(struct parser *parser, enum token_type type);
bool parser_accept_name(struct parser *parser, const char *name);
/* The current token when it has this type (and moves on); otherwise the error "expected token ..."
 * and NULL. */
struct token *parser_expect(struct parser *parser, enum token_type type);
bool parser_expect_name(struct parser *parser, const char *name);

struct node *parser_node(struct parser *parser, enum node_kind kind, const struct token *token);
/* Makes `child` part of `node`; false when the tree gets too high. NULL children are fine. */
bool parser_adopt(struct parser *parser, struct node *node, const struct node *child);
bool parser_push(struct parser *parser, struct node_list *list, struct node *child);

/* Node with two operands or one; NULL when an operand is NULL. */
struct node *parser_two_operands(struct parser *parser, enum node_kind kind, uint8_t op,
                                 const struct token *token, struct node *left, struct node *right);
struct node *parser_one_operand(struct parser *parser, enum node_kind kind,
                                const struct token *token, struct node *operand);
/* One level deeper; the caller takes it off parser->depth again. */
bool parser_enter(struct parser *parser);

/* A literal or a name; ns.name too with `with_namespace`. */
struct node *parse_primary(struct parser *parser, bool with_namespace);
/* A value with its signs, attributes, calls and, when wanted, filters and tests. */
struct node *parse_unary(struct parser *parser, bool with_filters);
struct node *parse_expression(struct parser *parser, bool with_condition);
/* One expression, or several as a tuple; `end_name` is a word that ends it ("in", "recursive") or
 * NULL. */
struct node *parse_tuple(struct parser *parser, bool with_condition, const char *end_name,
                         bool in_parentheses);
/* name, (name, name), ns.name: what can be assigned. */
struct node *parse_target(struct parser *parser, const char *end_name, bool with_namespace);
/* A chain of filters; `object` NULL for filter blocks. `is_inline`: the first has no pipe in front.
 */
struct node *parse_filters(struct parser *parser, struct node *object, bool is_inline);

/* The whole source into tmpl->body. */
CHECKED enum tarn_status parse_source(struct parser *parser);

#endif

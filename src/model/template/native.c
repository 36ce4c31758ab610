/* model/template/native.c -- dbt's native rendering: values instead of text, for what stands in
 * YAML. */
#include "model/template/parser.h"
#include "model/template/runtime.h"

struct marker {
    enum native_marker kind;
    struct tarn_value text;
};

static void marker_print(void *self, struct tarn_buffer *out)
{
    tarn_value_print(((const struct marker *)self)->text, out);
}

static const struct tarn_object_type marker_type = {.name = "str", .print = marker_print};

struct tarn_value marker_value(struct tarn_heap *heap, enum native_marker kind,
                               struct tarn_value value)
{
    struct marker *marker = tarn_heap_alloc(heap, sizeof *marker);
    *marker = (struct marker){kind, tarn_value_to_string(heap, value)};
    return tarn_value_object(heap, &marker_type, marker);
}

/* Only what ast.literal_eval takes: constants, signs, brackets; names are Python's three. */
static bool is_python_literal(struct parser *parser)
{
    for (size_t i = 0; i < parser->tokens.count; i++) {
        const struct token *token = &parser->tokens.items[i];
        if (token->type == TOKEN_NAME && !token_is_name(token, "True") &&
            !token_is_name(token, "False") && !token_is_name(token, "None"))
            return false;
        if (token->type == TOKEN_PIPE || token->type == TOKEN_TILDE || token->type == TOKEN_DOT)
            return false;
    }
    return true;
}

/* ast.literal_eval(text); false when the text is no literal. */
static bool literal_eval(struct tarn_template_run *run, struct tarn_value text,
                         struct tarn_value *ret)
{
    struct tarn_error ignored;
    struct tarn_error *err = run->err;
    struct tarn_template tmpl = {.heap = run->heap, .name = "literal"};
    struct parser parser = {.tmpl = &tmpl, .err = &ignored};
    struct lexer_source source = {
        .name = "literal", .text = tarn_value_text(text), .first_line = 1, .is_expression = true};
    bool found = false;
    if (lexer_read(&source, run->heap, &parser.tokens, &ignored) == TARN_OK &&
        is_python_literal(&parser)) {
        struct node *node = parse_expression(&parser, true);
        struct frame frame = {.tmpl = &tmpl};
        run->err = &ignored;
        found = node && parser_token(&parser)->type == TOKEN_EOF && node_is_constant(node) &&
                eval(run, &frame, node, ret) == TARN_OK;
        run->err = err;
        run->is_located = false;
    }
    free(parser.tokens.items);
    return found;
}

static enum tarn_status marker_result(struct tarn_template_run *run, const struct marker *marker,
                                      struct tarn_value *ret, struct tarn_error *err)
{
    if (marker->kind == MARKER_TEXT || !literal_eval(run, marker->text, ret))
        *ret = marker->text;
    bool is_bool = ret->kind == TARN_VALUE_BOOL;
    bool is_number = ret->kind == TARN_VALUE_INT || ret->kind == TARN_VALUE_FLOAT;
    if ((marker->kind == MARKER_BOOL && !is_bool) || (marker->kind == MARKER_NUMBER && !is_number))
        return tarn_fail(err, TARN_INVALID, "Could not convert value '%.*s' into type '%s'",
                         TARN_TEXT_ARGS(tarn_value_text(marker->text)),
                         marker->kind == MARKER_BOOL ? "bool" : "number");
    return TARN_OK;
}

enum tarn_status native_result(struct tarn_template_run *run, struct tarn_value pieces,
                               struct tarn_value *ret, struct tarn_error *err)
{
    size_t count = tarn_list_count(pieces);
    if (count == 1) {
        struct tarn_value only = tarn_list_at(pieces, 0);
        const struct marker *marker = tarn_value_object_data(only, &marker_type);
        if (marker)
            return marker_result(run, marker, ret, err);
        *ret = only;
        return TARN_OK;
    }
    TARN_BUFFER(text, run->out.max_bytes);
    for (size_t i = 0; i < count; i++)
        tarn_value_print(tarn_list_at(pieces, i), &text);
    TARN_TRY(tarn_buffer_check(&text, "rendering a value", err));
    *ret = buffer_value(run->heap, &text);
    return TARN_OK;
}

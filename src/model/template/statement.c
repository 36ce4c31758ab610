/* model/template/statement.c -- tags and the text between them: jinja2's, and dbt's macro-like
 * ones. See parser.h. */
#include <stdio.h>

#include "model/template/parser.h"

static bool parse_body(struct parser *parser, const char *const *end_names, struct node_list *body);

/* The words that may end a body, in messages: "'elif' or 'else' or 'endif'". */
static void name_ends(const char *const *end_names, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; end_names[i] && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, "%s'%s'", i ? " or " : "", end_names[i]);
}

static void fail_unclosed(struct parser *parser, const struct token *token,
                          const char *const *end_names)
{
    char what[300] = "";
    char ends[120];
    size_t len = 0;
    if (token->type == TOKEN_EOF)
        len = (size_t)snprintf(what, sizeof what, "Unexpected end of template.");
    else
        len = (size_t)snprintf(what, sizeof what, "Encountered unknown tag '%.*s'.",
                               token->text.len > 80 ? 80 : (int)token->text.len, token->text.data);
    if (end_names) {
        name_ends(end_names, ends, sizeof ends);
        (void)snprintf(what + len, sizeof what - len,
                       " Jinja was looking for the following tags: %s.", ends); /* fits */
    }
    if (parser->tag_count == 0) {
        parser_fail(parser, token, "%s", what);
        return;
    }
    struct tarn_text tag = parser->tags[parser->tag_count - 1];
    parser_fail(parser, token, "%s The innermost block that needs to be closed is '%.*s'.", what,
                TARN_TEXT_ARGS(tag));
}

/* `: %}`, the body, and up to the end word (which becomes the current token). */
static bool parse_statements(struct parser *parser, const char *const *end_names,
                             struct node_list *body)
{
    parser_accept(parser, TOKEN_COLON);
    if (!parser_expect(parser, TOKEN_BLOCK_END) || !parse_body(parser, end_names, body))
        return false;
    if (parser_token(parser)->type != TOKEN_EOF)
        return true;
    fail_unclosed(parser, parser_token(parser), end_names);
    return false;
}

/* The same with one end word, which is left behind. */
static bool parse_until(struct parser *parser, const char *end_name, struct node_list *body)
{
    const char *const end_names[] = {end_name, NULL};
    if (!parse_statements(parser, end_names, body))
        return false;
    parser->position++;
    return true;
}

static struct node *parse_set(struct parser *parser, const struct token *token)
{
    struct node *target = parse_target(parser, NULL, true);
    if (!target)
        return NULL;
    if (parser_accept(parser, TOKEN_ASSIGN)) {
        struct node *node = parser_node(parser, NODE_SET, token);
        node->as.set.target = target;
        node->as.set.value = parse_tuple(parser, true, NULL, false);
        return node->as.set.value ? node : NULL;
    }
    struct node *node = parser_node(parser, NODE_SET_BLOCK, token);
    node->as.set_block.target = target;
    if (parser_token(parser)->type == TOKEN_PIPE) {
        node->as.set_block.filter = parse_filters(parser, NULL, false);
        if (!node->as.set_block.filter)
            return NULL;
    }
    return parse_until(parser, "endset", &node->as.set_block.body) ? node : NULL;
}

static bool parse_for_bodies(struct parser *parser, struct for_code *code)
{
    static const char *const ends[] = {"endfor", "else", NULL};
    parser->loop_depth++;
    bool parsed = parse_statements(parser, ends, &code->body);
    parser->loop_depth--;
    if (!parsed)
        return false;
    if (parser_accept_name(parser, "endfor"))
        return true;
    parser->position++;
    return parse_until(parser, "endfor", &code->else_body);
}

static struct node *clone_target(struct parser *parser, const struct node *target)
{
    struct node *copy = tarn_heap_alloc(parser->tmpl->heap, sizeof *copy);
    *copy = *target;
    if (target->kind == NODE_TUPLE) {
        copy->as.list = (struct node_list){0};
        for (size_t i = 0; i < target->as.list.count; i++)
            if (!parser_push(parser, &copy->as.list,
                             clone_target(parser, target->as.list.items[i])))
                return NULL;
    }
    return copy;
}

static struct node *parse_for(struct parser *parser, const struct token *token)
{
    struct node *node = parser_node(parser, NODE_FOR, token);
    struct for_code *code = tarn_heap_alloc(parser->tmpl->heap, sizeof *code);
    node->as.for_ = code;
    code->target = parse_target(parser, "in", false);
    if (!code->target || !parser_expect_name(parser, "in"))
        return NULL;
    code->iter = parse_tuple(parser, false, "recursive", false);
    if (!code->iter)
        return NULL;
    if (parser_accept_name(parser, "if")) {
        code->test = parse_expression(parser, true);
        code->test_target = clone_target(parser, code->target);
        if (!code->test)
            return NULL;
    }
    code->is_recursive = parser_accept_name(parser, "recursive");
    return parse_for_bodies(parser, code) ? node : NULL;
}

static bool push_branch(struct parser *parser, struct node *node, struct if_branch branch)
{
    size_t count = node->as.if_.count;
    if ((count & (count - 1)) == 0) { /* full at 0, 1, 2, 4, 8... */
        struct if_branch *branches =
            tarn_heap_alloc(parser->tmpl->heap, (count ? count * 2 : 1) * sizeof *branches);
        if (count > 0)
            memcpy(branches, node->as.if_.branches, count * sizeof *branches);
        node->as.if_.branches = branches;
    }
    node->as.if_.branches[node->as.if_.count++] = branch;
    return true;
}

static struct node *parse_if(struct parser *parser, const struct token *token)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    struct node *node = parser_node(parser, NODE_IF, token);
    for (;;) {
        struct if_branch branch = {.test = parse_tuple(parser, false, NULL, false)};
        if (!branch.test || !parse_statements(parser, ends, &branch.body))
            return NULL;
        push_branch(parser, node, branch);
        if (parser_accept_name(parser, "endif"))
            return node;
        if (parser_accept_name(parser, "elif"))
            continue;
        parser->position++;
        struct if_branch otherwise = {0};
        if (!parse_until(parser, "endif", &otherwise.body))
            return NULL;
        push_branch(parser, node, otherwise);
        return node;
    }
}

static struct node *parse_do(struct parser *parser, const struct token *token)
{
    struct node *node = parser_node(parser, NODE_DO, token);
    node->as.operand = parse_tuple(parser, true, NULL, false);
    return node->as.operand ? node : NULL;
}

static struct node *parse_print(struct parser *parser, const struct token *token)
{
    struct node *node = parser_node(parser, NODE_OUTPUT, token);
    while (parser_token(parser)->type != TOKEN_BLOCK_END &&
           parser_token(parser)->type != TOKEN_EOF) {
        if (node->as.list.count > 0 && !parser_expect(parser, TOKEN_COMMA))
            return NULL;
        if (!parser_push(parser, &node->as.list, parse_expression(parser, true)))
            return NULL;
    }
    return node;
}

static struct node *parse_with(struct parser *parser, const struct token *token)
{
    struct node *node = parser_node(parser, NODE_WITH, token);
    while (parser_token(parser)->type != TOKEN_BLOCK_END &&
           parser_token(parser)->type != TOKEN_EOF) {
        if (node->as.with.targets.count > 0 && !parser_expect(parser, TOKEN_COMMA))
            return NULL;
        struct node *target = parse_target(parser, NULL, false);
        if (!target || !parser_expect(parser, TOKEN_ASSIGN) ||
            !parser_push(parser, &node->as.with.targets, target) ||
            !parser_push(parser, &node->as.with.values, parse_expression(parser, true)))
            return NULL;
    }
    return parse_until(parser, "endwith", &node->as.with.body) ? node : NULL;
}

static struct node *parse_filter_block(struct parser *parser, const struct token *token)
{
    struct node *node = parser_node(parser, NODE_FILTER_BLOCK, token);
    node->as.filter_block.filter = parse_filters(parser, NULL, true);
    if (!node->as.filter_block.filter)
        return NULL;
    return parse_until(parser, "endfilter", &node->as.filter_block.body) ? node : NULL;
}

static struct node *parse_loop_control(struct parser *parser, const struct token *token)
{
    bool is_break = token_is_name(token, "break");
    if (parser->loop_depth == 0)
        return parser_fail(parser, token, "'%s' outside a loop", is_break ? "break" : "continue");
    return parser_node(parser, is_break ? NODE_BREAK : NODE_CONTINUE, token);
}

/* --- macros and what dbt makes of them
 * -------------------------------------------------------------------------------- */

static struct node *parameter(struct parser *parser)
{
    const struct token *token = parser_expect(parser, TOKEN_NAME);
    if (!token)
        return NULL;
    struct node *node = parser_node(parser, NODE_NAME, token);
    node->as.name.text = tarn_value_text_ref(token->text);
    node->as.name.use = NAME_PARAM;
    return node;
}

static bool parse_signature(struct parser *parser, struct macro_code *code)
{
    if (!parser_expect(parser, TOKEN_LPAREN))
        return false;
    while (parser_token(parser)->type != TOKEN_RPAREN) {
        if (code->params.count > 0 && !parser_expect(parser, TOKEN_COMMA))
            return false;
        if (!parser_push(parser, &code->params, parameter(parser)))
            return false;
        if (parser_accept(parser, TOKEN_ASSIGN)) {
            if (!parser_push(parser, &code->defaults, parse_expression(parser, true)))
                return false;
        } else if (code->defaults.count > 0) {
            parser_fail(parser, parser_token(parser),
                        "non-default argument follows default argument");
            return false;
        }
    }
    parser->position++;
    return true;
}

static struct macro_code *new_code(struct parser *parser, const struct token *token,
                                   struct tarn_text name)
{
    struct macro_code *code = tarn_heap_alloc(parser->tmpl->heap, sizeof *code);
    code->name = name;
    code->tmpl = parser->tmpl;
    code->line = token->line;
    code->column = token->column;
    return code;
}

/* A macro's body is a unit of its own: loops outside do not count for break. */
static bool parse_code_body(struct parser *parser, struct macro_code *code, const char *end_name)
{
    unsigned loop_depth = parser->loop_depth;
    parser->loop_depth = 0;
    bool parsed = parse_until(parser, end_name, &code->body);
    parser->loop_depth = loop_depth;
    return parsed;
}

static struct node *parse_call_block(struct parser *parser, const struct token *token)
{
    struct node *node = parser_node(parser, NODE_CALL_BLOCK, token);
    struct macro_code *code = new_code(parser, token, (struct tarn_text){"", 0});
    node->as.call_block.code = code;
    if (parser_token(parser)->type == TOKEN_LPAREN && !parse_signature(parser, code))
        return NULL;
    node->as.call_block.call = parse_expression(parser, true);
    if (!node->as.call_block.call)
        return NULL;
    if (node->as.call_block.call->kind != NODE_CALL)
        return parser_fail(parser, token, "expected call");
    return parse_code_body(parser, code, "endcall") ? node : NULL;
}

static const char *source_text(struct parser *parser, size_t first_token, size_t end_token)
{
    size_t start = parser->tokens.items[first_token].start;
    size_t end = parser->tokens.items[end_token - 1].end;
    return tarn_arena_strndup(parser->tmpl->heap->arena, parser->tmpl->source.data + start,
                              end - start);
}

/* Argument names with the source text of their defaults, for people and tools that read the block.
 */
static void describe_arguments(struct parser *parser, struct tarn_template_block *block,
                               const struct macro_code *code, size_t open)
{
    struct tarn_template_argument *arguments =
        tarn_heap_alloc(parser->tmpl->heap, (code->params.count + 1) * sizeof *arguments);
    size_t token = open + 1;
    for (size_t i = 0; i < code->params.count; i++) {
        struct tarn_text name = tarn_value_text(code->params.items[i]->as.name.text);
        arguments[i].name = tarn_arena_strndup(parser->tmpl->heap->arena, name.data, name.len);
        token++;
        size_t start = token + 1;
        int nested = 0;
        for (;; token++) {
            enum token_type type = parser->tokens.items[token].type;
            if (nested == 0 && (type == TOKEN_COMMA || type == TOKEN_RPAREN))
                break;
            nested += type == TOKEN_LPAREN || type == TOKEN_LBRACKET || type == TOKEN_LBRACE;
            nested -= type == TOKEN_RPAREN || type == TOKEN_RBRACKET || type == TOKEN_RBRACE;
        }
        if (token > start)
            arguments[i].default_source = source_text(parser, start, token);
        token++;
    }
    block->arguments = arguments;
    block->argument_count = code->params.count;
}

static struct tarn_template_block *add_block(struct parser *parser,
                                             enum tarn_template_block_kind kind,
                                             struct tarn_text name, const char *macro_name,
                                             struct macro_code *code)
{
    struct block_list *list = &parser->tmpl->blocks;
    if (list->count == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 4;
        struct tarn_template_block *items =
            tarn_heap_alloc(parser->tmpl->heap, cap * sizeof *items);
        struct macro_code **codes = tarn_heap_alloc(parser->tmpl->heap, cap * sizeof *codes);
        if (list->count > 0) {
            memcpy(items, list->items, list->count * sizeof *items);
            memcpy(codes, list->codes, list->count * sizeof *codes);
        }
        list->items = items;
        list->codes = codes;
        list->cap = cap;
    }
    struct tarn_arena *arena = parser->tmpl->heap->arena;
    list->codes[list->count] = code;
    struct tarn_template_block *block = &list->items[list->count++];
    *block = (struct tarn_template_block){
        .kind = kind,
        .name = tarn_arena_strndup(arena, name.data, name.len),
        .macro_name = macro_name,
    };
    if (!macro_name)
        block->macro_name = block->name;
    return block;
}

/* Fills where the block and its body stand. `begin` is the tag's name token, `body` the first token
 * behind the opening tag's end; the parser stands behind the end word. */
static void place_block(struct parser *parser, struct tarn_template_block *block, size_t begin,
                        size_t opened, size_t end_word)
{
    const struct token *tokens = parser->tokens.items;
    const char *source = parser->tmpl->source.data;
    size_t start = tokens[begin - 1].start;
    size_t body = tokens[opened].end;
    size_t end = tokens[end_word - 1].start;
    size_t closed = tokens[parser->position].end;
    block->source = (struct tarn_text){source + start, closed - start};
    block->body = (struct tarn_text){source + body, end - body};
    block->line = tokens[begin].line;
    block->body_line = tokens[opened].line;
}

struct macro_tag {
    size_t begin; /* number of the token of the tag's name */
    size_t open;  /* of the bracket behind the macro's name */
    enum tarn_template_block_kind kind;
    struct tarn_text name;
    const char *macro_name;
    const char *end_name;
};

static bool is_top_level(const struct parser *parser)
{
    return parser->tag_count == 1;
}

/* The body and the end of a macro-like tag, whose signature has been read into `code`. */
static struct node *finish_macro(struct parser *parser, const struct macro_tag *tag,
                                 struct macro_code *code, struct tarn_template_block **ret_block)
{
    const struct token *token = &parser->tokens.items[tag->begin];
    struct node *node = parser_node(parser, NODE_MACRO, token);
    node->as.macro.code = code;
    node->as.macro.is_hidden = parser->tmpl->hide_macros && is_top_level(parser);
    parser_accept(parser, TOKEN_COLON);
    size_t opened = parser->position;
    if (!parse_code_body(parser, code, tag->end_name))
        return NULL;
    *ret_block = NULL;
    if (is_top_level(parser)) {
        size_t end_word = parser->position - 1;
        struct tarn_template_block *block =
            add_block(parser, tag->kind, tag->name, tag->macro_name, code);
        place_block(parser, block, tag->begin, opened, end_word);
        if (tag->open)
            describe_arguments(parser, block, code, tag->open);
        *ret_block = block;
    }
    return node;
}

static struct node *parse_macro(struct parser *parser, const struct token *token)
{
    bool is_test = token_is_name(token, "test");
    struct macro_tag tag = {
        .begin = parser->position - 1,
        .kind = is_test ? TARN_BLOCK_TEST : TARN_BLOCK_MACRO,
        .end_name = is_test ? "endtest" : "endmacro",
    };
    const struct token *name = parser_expect(parser, TOKEN_NAME);
    if (!name)
        return NULL;
    tag.name = name->text;
    struct macro_code *code = new_code(parser, token, name->text);
    if (is_test) {
        tag.macro_name =
            tarn_arena_format(parser->tmpl->heap->arena, "test_%.*s", TARN_TEXT_ARGS(name->text));
        code->name = tarn_text_of(tag.macro_name);
    }
    tag.open = parser->position;
    struct tarn_template_block *block;
    if (!parse_signature(parser, code))
        return NULL;
    return finish_macro(parser, &tag, code, &block);
}

/* The strings of a list literal, for supported_languages. */
static const char *const *literal_strings(struct parser *parser, const struct node *list,
                                          size_t *ret_count)
{
    struct tarn_arena *arena = parser->tmpl->heap->arena;
    bool is_list = list->kind == NODE_LIST || list->kind == NODE_TUPLE;
    size_t count = is_list ? list->as.list.count : 0;
    const char **strings = tarn_arena_array(arena, count + 1, sizeof *strings);
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct node *item = list->as.list.items[i];
        struct tarn_text text = tarn_value_text(item->as.constant);
        if (item->kind == NODE_CONST && tarn_value_is_string(item->as.constant))
            strings[(*ret_count)++] = tarn_arena_strndup(arena, text.data, text.len);
    }
    return strings;
}

struct materialization {
    struct tarn_text adapter;
    struct node *languages;
};

static bool parse_materialization_option(struct parser *parser, struct materialization *options)
{
    const struct token *name = parser_expect(parser, TOKEN_NAME);
    if (!name)
        return false;
    if (token_is_name(name, "default"))
        return true;
    if (!token_is_name(name, "adapter") && !token_is_name(name, "supported_languages")) {
        parser_fail(parser, name, "materialization received unknown argument '%.*s'",
                    TARN_TEXT_ARGS(name->text));
        return false;
    }
    if (!parser_expect(parser, TOKEN_ASSIGN))
        return false;
    struct node *value = parse_expression(parser, true);
    if (!value)
        return false;
    if (token_is_name(name, "supported_languages")) {
        options->languages = value;
        return true;
    }
    if (value->kind != NODE_CONST || !tarn_value_is_string(value->as.constant)) {
        parser_fail(parser, name, "a materialization's adapter must be a string literal");
        return false;
    }
    options->adapter = tarn_value_text(value->as.constant);
    return true;
}

static struct node *default_languages(struct parser *parser, const struct token *token)
{
    struct node *list = parser_node(parser, NODE_LIST, token);
    struct node *item = parser_node(parser, NODE_CONST, token);
    item->as.constant = tarn_value_text_ref(TARN_TEXT("sql"));
    return parser_push(parser, &list->as.list, item) ? list : NULL;
}

static struct node *parse_materialization(struct parser *parser, const struct token *token)
{
    struct macro_tag tag = {.begin = parser->position - 1,
                            .kind = TARN_BLOCK_MATERIALIZATION,
                            .end_name = "endmaterialization"};
    const struct token *name = parser_expect(parser, TOKEN_NAME);
    if (!name)
        return NULL;
    struct materialization options = {.adapter = TARN_TEXT("default")};
    while (parser_accept(parser, TOKEN_COMMA))
        if (!parse_materialization_option(parser, &options))
            return NULL;
    if (!options.languages)
        options.languages = default_languages(parser, token);
    struct tarn_arena *arena = parser->tmpl->heap->arena;
    tag.name = name->text;
    tag.macro_name = tarn_arena_format(arena, "materialization_%.*s_%.*s",
                                       TARN_TEXT_ARGS(name->text), TARN_TEXT_ARGS(options.adapter));
    struct macro_code *code = new_code(parser, token, tarn_text_of(tag.macro_name));
    struct node *param = parser_node(parser, NODE_NAME, token);
    param->as.name.text = tarn_value_text_ref(TARN_TEXT("supported_languages"));
    param->as.name.use = NAME_PARAM;
    if (!parser_push(parser, &code->params, param) ||
        !parser_push(parser, &code->defaults, options.languages))
        return NULL;
    struct tarn_template_block *block;
    struct node *node = finish_macro(parser, &tag, code, &block);
    if (node && block) {
        block->adapter = tarn_arena_strndup(arena, options.adapter.data, options.adapter.len);
        block->supported_languages =
            literal_strings(parser, options.languages, &block->supported_language_count);
    }
    return node;
}

static struct node *parse_text_block(struct parser *parser, const struct token *token)
{
    bool is_docs = token_is_name(token, "docs");
    size_t begin = parser->position - 1;
    struct node *node = parser_node(parser, NODE_TEXT_BLOCK, token);
    const struct token *name = parser_expect(parser, TOKEN_NAME);
    struct node_list body = {0};
    if (!name)
        return NULL;
    size_t opened = parser->position;
    if (!parse_until(parser, is_docs ? "enddocs" : "endsnapshot", &body))
        return NULL;
    struct tarn_template_block *block =
        add_block(parser, is_docs ? TARN_BLOCK_DOCS : TARN_BLOCK_SNAPSHOT, name->text, NULL, NULL);
    place_block(parser, block, begin, opened, parser->position - 1);
    return node;
}

/* --- the table of tags
 * --------------------------------------------------------------------------------------------------
 */

static struct node *parse_unsupported(struct parser *parser, const struct token *token)
{
    return parser_fail(parser, token,
                       "{%% %.*s %%} is not supported: dbt projects share code through macros",
                       TARN_TEXT_ARGS(token->text));
}

static const struct tag {
    const char *name;
    struct node *(*parse)(struct parser *parser,
                          const struct token *token); /* stands behind the name */
} tags[] = {
    {"set", parse_set},
    {"if", parse_if},
    {"for", parse_for},
    {"do", parse_do},
    {"macro", parse_macro},
    {"call", parse_call_block},
    {"test", parse_macro},
    {"materialization", parse_materialization},
    {"snapshot", parse_text_block},
    {"docs", parse_text_block},
    {"filter", parse_filter_block},
    {"with", parse_with},
    {"print", parse_print},
    {"break", parse_loop_control},
    {"continue", parse_loop_control},
    {"include", parse_unsupported},
    {"import", parse_unsupported},
    {"from", parse_unsupported},
    {"extends", parse_unsupported},
    {"block", parse_unsupported},
    {"autoescape", parse_unsupported},
};

static struct node *parse_tag(struct parser *parser, const char *const *end_names)
{
    const struct token *token = parser_token(parser);
    if (token->type != TOKEN_NAME)
        return parser_fail(parser, token, "tag name expected");
    if (parser->tag_count == TARN_TEMPLATE_NESTING_MAX)
        return parser_fail(parser, token, "tags are nested too deep (limit %d)",
                           TARN_TEMPLATE_NESTING_MAX);
    for (size_t i = 0; i < TARN_COUNT(tags); i++) {
        if (!token_is_name(token, tags[i].name))
            continue;
        parser->tags[parser->tag_count++] = token->text;
        parser->position++;
        struct node *node = tags[i].parse(parser, token);
        parser->tag_count--;
        return node;
    }
    fail_unclosed(parser, token, end_names);
    return NULL;
}

static bool push_output(struct parser *parser, struct node_list *body, struct node **output,
                        const struct token *token, struct node *item)
{
    if (!item)
        return false;
    if (!*output) {
        *output = parser_node(parser, NODE_OUTPUT, token);
        parser_push(parser, body, *output);
    }
    return parser_push(parser, &(*output)->as.list, item);
}

static bool at_end_name(const struct token *token, const char *const *end_names)
{
    for (size_t i = 0; end_names && end_names[i]; i++)
        if (token_is_name(token, end_names[i]))
            return true;
    return false;
}

/* Text, prints and tags up to one of the end words (NULL: the end of the source). */
static bool parse_body(struct parser *parser, const char *const *end_names, struct node_list *body)
{
    struct node *output = NULL; /* the stretch of text and prints we are in */
    for (;;) {
        const struct token *token = parser_token(parser);
        if (token->type == TOKEN_EOF)
            return true;
        parser->position++;
        if (token->type == TOKEN_DATA) {
            struct node *data = parser_node(parser, NODE_CONST, token);
            data->as.constant = tarn_value_text_ref(token->text);
            push_output(parser, body, &output, token, data);
        } else if (token->type == TOKEN_VARIABLE_BEGIN) {
            struct node *item = parse_tuple(parser, true, NULL, false);
            if (!push_output(parser, body, &output, token, item) ||
                !parser_expect(parser, TOKEN_VARIABLE_END))
                return false;
        } else {
            output = NULL;
            if (at_end_name(parser_token(parser), end_names))
                return true;
            struct node *node = parse_tag(parser, end_names);
            if (!parser_push(parser, body, node) || !parser_expect(parser, TOKEN_BLOCK_END))
                return false;
        }
    }
}

enum tarn_status parse_source(struct parser *parser)
{
    return parse_body(parser, NULL, &parser->tmpl->body) ? TARN_OK : parser->err->status;
}

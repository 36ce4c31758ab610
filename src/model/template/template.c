/* model/template/template.c -- parsing and running, as the outside sees it. See template.h. */
#include "model/template/template.h"

#include "model/template/parser.h"
#include "model/template/runtime.h"
#include "model/template/scope.h"

enum { TEMPLATE_HEAP_BYTES_MAX = 1024 * 1024 * 1024 }; /* a tree; the source has its own limit */

/* --- parsing
 * ------------------------------------------------------------------------------------------------------------------
 */

/* jinja2 reads \r\n and \r as \n and drops one newline at the end. */
static struct tarn_text normalize(struct tarn_heap *heap, struct tarn_text source)
{
    char *text = tarn_heap_alloc(heap, source.len + 1);
    size_t len = 0;
    bool has_returns = source.len > 0 && memchr(source.data, '\r', source.len);
    if (source.len > 0 && !has_returns) {
        memcpy(text, source.data, source.len);
        len = source.len;
    }
    for (size_t i = 0; has_returns && i < source.len; i++) {
        char c = source.data[i];
        if (c == '\r') {
            if (i + 1 < source.len && source.data[i + 1] == '\n')
                i++;
            c = '\n';
        }
        text[len++] = c;
    }
    if (len > 0 && text[len - 1] == '\n')
        len--;
    return (struct tarn_text){text, len};
}

static enum tarn_status parse_tokens(struct parser *parser, bool is_expression)
{
    if (!is_expression)
        return parse_source(parser);
    struct tarn_template *tmpl = parser->tmpl;
    struct node *output = parser_node(parser, NODE_OUTPUT, parser_token(parser));
    if (!parser_push(parser, &output->as.list, parse_expression(parser, true)))
        return parser->err->status;
    if (parser_token(parser)->type != TOKEN_EOF) {
        parser_fail(parser, parser_token(parser), "chunk after expression");
        return parser->err->status;
    }
    return parser_push(parser, &tmpl->body, output) ? TARN_OK : TARN_INVALID;
}

static enum tarn_status read_template(struct tarn_template *tmpl, const struct lexer_source *source,
                                      struct tarn_error *err)
{
    struct parser *parser = tarn_alloc(sizeof *parser);
    parser->tmpl = tmpl;
    parser->err = err;
    enum tarn_status status = lexer_read(source, tmpl->heap, &parser->tokens, err);
    if (status == TARN_OK)
        status = parse_tokens(parser, source->is_expression);
    free(parser->tokens.items);
    free(parser);
    return status == TARN_OK ? scope_bind(tmpl, err) : status;
}

static enum tarn_status parse_any(const char *name, struct tarn_text text, bool is_expression,
                                  const struct tarn_template_options *options,
                                  struct tarn_template **ret_template, struct tarn_error *err)
{
    struct tarn_error own;
    if (!err)
        err = &own;
    if (text.len > TARN_TEMPLATE_SOURCE_BYTES_MAX)
        return tarn_fail(err, TARN_TOO_LARGE, "%s: the template has %zu bytes (limit %d)", name,
                         text.len, TARN_TEMPLATE_SOURCE_BYTES_MAX);
    struct tarn_heap *heap = tarn_heap_new(TEMPLATE_HEAP_BYTES_MAX);
    struct tarn_template *tmpl = tarn_heap_alloc(heap, sizeof *tmpl);
    tmpl->heap = heap;
    tmpl->name = tarn_arena_strdup(heap->arena, name);
    tmpl->source = normalize(heap, text);
    tmpl->hide_macros = options && options->hide_macros;
    struct lexer_source source = {
        .name = tmpl->name,
        .text = tmpl->source,
        .first_line = options && options->first_line ? options->first_line : 1,
        .is_expression = is_expression,
    };
    enum tarn_status status = read_template(tmpl, &source, err);
    if (status != TARN_OK) {
        tarn_template_free(tmpl);
        return status;
    }
    *ret_template = tmpl;
    return TARN_OK;
}

enum tarn_status tarn_template_parse(const char *name, struct tarn_text source,
                                     const struct tarn_template_options *options,
                                     struct tarn_template **ret_template, struct tarn_error *err)
{
    return parse_any(name, source, false, options, ret_template, err);
}

enum tarn_status tarn_template_parse_expression(const char *name, struct tarn_text source,
                                                struct tarn_template **ret_template,
                                                struct tarn_error *err)
{
    return parse_any(name, source, true, NULL, ret_template, err);
}

void tarn_template_free(struct tarn_template *tmpl)
{
    if (tmpl)
        tarn_heap_free(tmpl->heap);
}

const char *tarn_template_name(const struct tarn_template *tmpl)
{
    return tmpl->name;
}

size_t tarn_template_block_count(const struct tarn_template *tmpl)
{
    return tmpl->blocks.count;
}

const struct tarn_template_block *tarn_template_block_at(const struct tarn_template *tmpl,
                                                         size_t index)
{
    return &tmpl->blocks.items[index];
}

const struct tarn_template_block *tarn_template_block_find(const struct tarn_template *tmpl,
                                                           const char *macro_name)
{
    for (size_t i = 0; i < tmpl->blocks.count; i++)
        if (strcmp(tmpl->blocks.items[i].macro_name, macro_name) == 0)
            return &tmpl->blocks.items[i];
    return NULL;
}

/* --- runs
 * ----------------------------------------------------------------------------------------------------------------------
 */

struct tarn_template_run *tarn_template_run_new(const struct tarn_template_run_options *options)
{
    struct tarn_template_run *run = tarn_alloc(sizeof *run);
    if (options)
        run->options = *options;
    if (!run->options.max_steps)
        run->options.max_steps = TARN_TEMPLATE_STEPS_MAX;
    if (!run->options.max_heap_bytes)
        run->options.max_heap_bytes = TARN_TEMPLATE_HEAP_BYTES_MAX;
    if (!run->options.max_output_bytes)
        run->options.max_output_bytes = TARN_TEMPLATE_OUTPUT_BYTES_MAX;
    run->heap = tarn_heap_new(run->options.max_heap_bytes);
    tarn_buffer_init(&run->out, run->options.max_output_bytes);
    run->names = tarn_value_dict(run->heap);
    return run;
}

void tarn_template_run_free(struct tarn_template_run *run)
{
    if (!run)
        return;
    tarn_heap_free(run->heap);
    tarn_buffer_release(&run->out);
    free(run);
}

void tarn_template_run_reset(struct tarn_template_run *run)
{
    tarn_heap_reset(run->heap);
    tarn_buffer_clear(&run->out);
    run->names = tarn_value_dict(run->heap);
    run->steps = 0;
    run->depth = 0;
    run->macro_count = 0;
    run->capture_depth = 0;
    run->returning = false;
    run->is_located = false;
    run->native = NULL;
}

struct tarn_heap *tarn_template_run_heap(struct tarn_template_run *run)
{
    return run->heap;
}

void *tarn_template_run_userdata(const struct tarn_template_run *run)
{
    return run->options.userdata;
}

void tarn_template_run_set(struct tarn_template_run *run, const char *name, struct tarn_value value)
{
    tarn_dict_put_str(run->names, name, value);
}

struct tarn_value tarn_template_run_get(struct tarn_template_run *run, const char *name)
{
    struct tarn_value value = run_resolve(run, NULL, tarn_value_str(run->heap, name));
    return value.kind == TARN_VALUE_MISSING ? tarn_value_undefined(run->heap, name) : value;
}

size_t tarn_template_run_depth(const struct tarn_template_run *run)
{
    return run->macro_count;
}

const char *tarn_template_run_macro_at(const struct tarn_template_run *run, size_t index)
{
    const struct macro_code *code = run->macros[index];
    if (code->name.len == 0)
        return "caller";
    return tarn_arena_strndup(run->heap->arena, code->name.data, code->name.len);
}

/* What one call from outside changes and puts back: the run may be in the middle of a render. */
struct entry_state {
    struct tarn_error *err;
    struct tarn_error own;
    struct tarn_value *native;
    unsigned capture_depth;
    size_t mark;
};

static void enter(struct tarn_template_run *run, struct entry_state *state, struct tarn_error *err,
                  struct tarn_value *native)
{
    state->err = run->err;
    state->native = run->native;
    state->capture_depth = run->capture_depth;
    state->mark = run->out.len;
    run->err = err ? err : &state->own;
    run->native = native;
    run->capture_depth = 0;
    run->is_located = false;
}

static void leave(struct tarn_template_run *run, const struct entry_state *state)
{
    run->out.len = state->mark;
    if (run->out.data)
        run->out.data[state->mark] = '\0';
    run->err = state->err;
    run->native = state->native;
    run->capture_depth = state->capture_depth;
}

static enum tarn_status run_top_level(struct tarn_template_run *run,
                                      const struct tarn_template *tmpl)
{
    struct frame *frame = run_frame(run, NULL, tmpl, tmpl->slot_count);
    scope_enter(run, frame, &tmpl->loads);
    enum flow flow = exec_body(run, frame, &tmpl->body);
    if (flow == FLOW_FAIL)
        return run->status;
    if (run->out.overflow)
        return tarn_fail(run->err, TARN_TOO_LARGE,
                         "%s: the template prints more than a render may (%zu bytes)", tmpl->name,
                         run->out.max_bytes);
    return TARN_OK;
}

enum tarn_status tarn_template_render(struct tarn_template_run *run,
                                      const struct tarn_template *tmpl, struct tarn_buffer *out,
                                      struct tarn_error *err)
{
    struct entry_state state;
    enter(run, &state, err, NULL);
    enum tarn_status status = run_top_level(run, tmpl);
    if (status == TARN_OK) {
        tarn_buffer_append(out, tarn_buffer_str(&run->out) + state.mark, run->out.len - state.mark);
        status = tarn_buffer_check(out, tmpl->name, err);
    }
    leave(run, &state);
    return status;
}

enum tarn_status tarn_template_render_native(struct tarn_template_run *run,
                                             const struct tarn_template *tmpl,
                                             struct tarn_value *ret_value, struct tarn_error *err)
{
    struct entry_state state;
    struct tarn_value pieces = tarn_value_list(run->heap);
    enter(run, &state, err, &pieces);
    enum tarn_status status = run_top_level(run, tmpl);
    if (status == TARN_OK)
        status = native_result(run, pieces, ret_value, run->err);
    leave(run, &state);
    return status;
}

bool tarn_template_macro_value(struct tarn_template_run *run, const struct tarn_template *tmpl,
                               const char *name, struct tarn_value *ret)
{
    for (size_t i = 0; i < tmpl->blocks.count; i++) {
        if (!tmpl->blocks.codes[i] || strcmp(tmpl->blocks.items[i].macro_name, name) != 0)
            continue;
        struct frame *frame = run_frame(run, NULL, tmpl, tmpl->slot_count);
        frame->is_detached = true;
        *ret = macro_value(run, tmpl->blocks.codes[i], frame);
        return true;
    }
    return false;
}

enum tarn_status tarn_value_call(struct tarn_template_run *run, struct tarn_value callee,
                                 const struct tarn_value *args, size_t arg_count,
                                 const struct tarn_named_value *kwargs, size_t kwarg_count,
                                 struct tarn_value *ret, struct tarn_error *err)
{
    struct entry_state state;
    enter(run, &state, err, NULL);
    struct tarn_call call = {.name = "",
                             .args = args,
                             .arg_count = arg_count,
                             .kwargs = kwargs,
                             .kwarg_count = kwarg_count};
    enum tarn_status status = call_value(run, callee, &call, ret);
    leave(run, &state);
    return status;
}

enum tarn_status tarn_template_call_macro(struct tarn_template_run *run,
                                          const struct tarn_template *tmpl, const char *macro_name,
                                          const struct tarn_value *args, size_t arg_count,
                                          const struct tarn_named_value *kwargs, size_t kwarg_count,
                                          struct tarn_value *ret, struct tarn_error *err)
{
    struct tarn_value macro;
    if (!tarn_template_macro_value(run, tmpl, macro_name, &macro))
        return tarn_fail(err, TARN_NOT_FOUND, "%s has no macro '%s'", tmpl->name, macro_name);
    return tarn_value_call(run, macro, args, arg_count, kwargs, kwarg_count, ret, err);
}

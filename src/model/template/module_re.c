/* model/template/module_re.c -- Python's re over PCRE2.
 *
 * Patterns are close enough to Python's for what templates do; (?P<name>...) is the same in both.
 * Matching has PCRE2's match limit, so that a hostile pattern ends in an error. Compiled patterns
 * live as long as one call: templates match short texts, and nothing would free them in a heap. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "model/template/modules.h"
#include "model/template/template.h"
#include "model/template/utf8.h"

enum {
    MATCH_LIMIT = 1000000,
    FLAG_IGNORECASE = 2,
    FLAG_MULTILINE = 8,
    FLAG_DOTALL = 16,
    FLAG_VERBOSE = 64
};

static void free_code(pcre2_code **code)
{
    pcre2_code_free(*code);
}
static void free_match_data(pcre2_match_data **data)
{
    pcre2_match_data_free(*data);
}

/* re.compile's result: the text and flags. */
struct pattern {
    struct tarn_value text;
    int64_t flags;
};

/* re.match's result: the groups as values, with where they stand. */
struct match {
    struct tarn_value text;
    struct tarn_value groups; /* list; none for groups that took no part */
    struct tarn_value spans;  /* list of (start, end) */
    struct tarn_value names;  /* dict: name to number */
};

static const struct tarn_object_type pattern_type;
static const struct tarn_object_type match_type;

static pcre2_code *compile(struct tarn_text text, int64_t flags, struct tarn_error *err)
{
    int code;
    PCRE2_SIZE offset;
    uint32_t options = PCRE2_UTF | PCRE2_UCP;
    options |= flags & FLAG_IGNORECASE ? PCRE2_CASELESS : 0;
    options |= flags & FLAG_MULTILINE ? PCRE2_MULTILINE : 0;
    options |= flags & FLAG_DOTALL ? PCRE2_DOTALL : 0;
    options |= flags & FLAG_VERBOSE ? PCRE2_EXTENDED : 0;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)text.data, text.len, options, &code, &offset, NULL);
    if (!compiled) {
        char message[200];
        pcre2_get_error_message(code, (PCRE2_UCHAR *)message, sizeof message);
        (void)tarn_fail(err, TARN_INVALID,
                        "the regular expression '%.*s' is wrong at position %zu: %s",
                        TARN_TEXT_ARGS(text), offset, message); /* told by NULL */
    }
    return compiled;
}

/* One match from byte `start` on; *ret_found says whether there is one. */
static enum tarn_status run_match(const pcre2_code *code, struct tarn_text text, size_t start,
                                  uint32_t options, pcre2_match_data *data, bool *ret_found,
                                  struct tarn_error *err)
{
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(context, MATCH_LIMIT);
    int count = pcre2_match(code, (PCRE2_SPTR)text.data, text.len, start, options, data, context);
    pcre2_match_context_free(context);
    *ret_found = count > 0;
    if (count >= 0 || count == PCRE2_ERROR_NOMATCH)
        return TARN_OK;
    char message[200];
    pcre2_get_error_message(count, (PCRE2_UCHAR *)message, sizeof message);
    return tarn_fail(err, TARN_INVALID, "matching a regular expression: %s", message);
}

static struct tarn_value group_value(struct tarn_text text, const size_t *offsets, uint32_t group)
{
    size_t start = offsets[2 * group], end = offsets[2 * group + 1];
    if (start == PCRE2_UNSET || end < start)
        return TARN_NONE;
    return tarn_value_text_ref((struct tarn_text){text.data + start, end - start});
}

static struct tarn_value group_names(struct tarn_heap *heap, const pcre2_code *code)
{
    struct tarn_value names = tarn_value_dict(heap);
    uint32_t count, entry_size;
    const unsigned char *table;
    pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &count);
    pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &entry_size);
    pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &table);
    /* the table is in order of name, Python's dict in order of number */
    uint32_t groups;
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
    for (uint32_t group = 1; group <= groups; group++)
        for (uint32_t i = 0; i < count; i++) {
            const unsigned char *entry = table + i * entry_size;
            if ((uint32_t)(entry[0] << 8 | entry[1]) == group)
                tarn_dict_put(names, tarn_value_str(heap, (const char *)entry + 2),
                              tarn_value_int(group));
        }
    return names;
}

static struct tarn_value match_value(struct tarn_heap *heap, const pcre2_code *code,
                                     struct tarn_value subject, const size_t *offsets)
{
    struct match *match = tarn_heap_alloc(heap, sizeof *match);
    struct tarn_text text = tarn_value_text(subject);
    uint32_t groups;
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
    *match = (struct match){subject, tarn_value_list(heap), tarn_value_list(heap),
                            group_names(heap, code)};
    for (uint32_t g = 0; g <= groups; g++) {
        struct tarn_value span[2] = {tarn_value_int(-1), tarn_value_int(-1)};
        for (int side = 0; side < 2; side++)
            if (offsets[2 * g] != PCRE2_UNSET)
                span[side] = tarn_value_int((int64_t)utf8_count(
                    (struct tarn_text){text.data, offsets[2 * g + (uint32_t)side]}));
        tarn_list_append(match->groups, group_value(text, offsets, g));
        tarn_list_append(match->spans, tarn_value_tuple(heap, span, 2));
    }
    return tarn_value_object(heap, &match_type, match);
}

/* --- arguments
 * ----------------------------------------------------------------------------------------------------------------
 */

/* What every function starts from: methods of a compiled pattern have it in front. */
struct job {
    struct tarn_text pattern;
    int64_t flags;
    struct tarn_value subject;
    pcre2_code *code;
};

static enum tarn_status need_text(struct tarn_value value, struct tarn_error *err)
{
    if (value.kind == TARN_VALUE_STRING)
        return TARN_OK;
    if (value.kind == TARN_VALUE_UNDEFINED)
        return fail_undefined(value, err);
    return tarn_fail(err, TARN_INVALID, "expected string or bytes-like object, got '%s'",
                     tarn_value_type_name(value));
}

static enum tarn_status read_job(struct tarn_value pattern, struct tarn_value subject,
                                 struct tarn_value flags, struct job *job, struct tarn_error *err)
{
    const struct pattern *compiled = tarn_value_object_data(pattern, &pattern_type);
    *job = (struct job){.subject = subject};
    (void)value_to_int64(flags, &job->flags); /* none is zero */
    if (compiled) {
        pattern = compiled->text;
        job->flags = compiled->flags;
    }
    TARN_TRY(need_text(pattern, err));
    TARN_TRY(need_text(subject, err));
    job->pattern = tarn_value_text(pattern);
    job->code = compile(job->pattern, job->flags, err);
    return job->code ? TARN_OK : TARN_INVALID;
}

/* --- match, search, fullmatch
 * ----------------------------------------------------------------------------------------------------
 */

static enum tarn_status match_once(struct tarn_call *call, uint32_t options, struct tarn_value *ret,
                                   struct tarn_error *err)
{
    static const char *const names[] = {"pattern", "string", "flags", NULL};
    struct tarn_value values[3];
    struct job job;
    bool found;
    TARN_TRY(tarn_call_bind(call, names, 2, values, err));
    TARN_TRY(read_job(values[0], values[1], values[2], &job, err));
    TARN_AUTO(free_code) pcre2_code *code = job.code;
    TARN_AUTO(free_match_data)
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
    TARN_TRY(run_match(code, tarn_value_text(job.subject), 0, options, data, &found, err));
    *ret = found ? match_value(call->heap, code, job.subject, pcre2_get_ovector_pointer(data))
                 : TARN_NONE;
    return TARN_OK;
}

CALLABLE(re_match)
{
    return match_once(call, PCRE2_ANCHORED, ret, err);
}

CALLABLE(re_search)
{
    return match_once(call, 0, ret, err);
}

CALLABLE(re_fullmatch)
{
    return match_once(call, PCRE2_ANCHORED | PCRE2_ENDANCHORED, ret, err);
}

/* --- findall, finditer, split, sub
 * --------------------------------------------------------------------------------------------------
 */

/* Calls `visit` for each match from left to right, as many as `most` (0: all). */
static enum tarn_status each_match(const struct job *job, int64_t most,
                                   enum tarn_status (*visit)(void *state, const size_t *offsets,
                                                             struct tarn_error *err),
                                   void *state, struct tarn_error *err)
{
    struct tarn_text text = tarn_value_text(job->subject);
    TARN_AUTO(free_match_data)
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(job->code, NULL);
    uint32_t options = 0;
    size_t position = 0;
    for (int64_t count = 0; position <= text.len && (most <= 0 || count < most);) {
        bool found;
        TARN_TRY(run_match(job->code, text, position, options, data, &found, err));
        if (!found && !options)
            break;
        if (!found) {
            options = 0;
            if (position >= text.len)
                break;
            utf8_next(text, &position);
            continue;
        }
        const size_t *offsets = pcre2_get_ovector_pointer(data);
        TARN_TRY(visit(state, offsets, err));
        count++;
        position = offsets[1];
        options = offsets[0] == offsets[1] ? PCRE2_NOTEMPTY_ATSTART | PCRE2_ANCHORED : 0;
    }
    return TARN_OK;
}

struct collect {
    struct tarn_call *call;
    const struct job *job;
    uint32_t groups;
    struct tarn_value results;
    size_t end; /* of the last match */
    bool whole; /* finditer */
    struct tarn_value replacement;
    struct tarn_buffer *out;
};

static enum tarn_status collect_match(void *state, const size_t *offsets, struct tarn_error *err)
{
    (void)err;
    struct collect *collect = state;
    struct tarn_heap *heap = collect->call->heap;
    struct tarn_text text = tarn_value_text(collect->job->subject);
    if (collect->whole) {
        tarn_list_append(collect->results,
                         match_value(heap, collect->job->code, collect->job->subject, offsets));
        return TARN_OK;
    }
    struct tarn_list *tuple = list_new(heap, collect->groups + 1);
    for (uint32_t g = collect->groups ? 1 : 0; g <= collect->groups; g++) {
        struct tarn_value group = group_value(text, offsets, g);
        tuple->items[tuple->count++] =
            group.kind == TARN_VALUE_NONE ? tarn_value_str_ref("") : group;
    }
    tarn_list_append(collect->results, tuple->count == 1 ? tuple->items[0] : tuple_value(tuple));
    return TARN_OK;
}

static enum tarn_status find_all(struct tarn_call *call, bool whole, struct tarn_value *ret,
                                 struct tarn_error *err)
{
    static const char *const names[] = {"pattern", "string", "flags", NULL};
    struct tarn_value values[3];
    struct job job;
    TARN_TRY(tarn_call_bind(call, names, 2, values, err));
    TARN_TRY(read_job(values[0], values[1], values[2], &job, err));
    TARN_AUTO(free_code) pcre2_code *code = job.code;
    struct collect collect = {
        .call = call, .job = &job, .results = tarn_value_list(call->heap), .whole = whole};
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &collect.groups);
    TARN_TRY(each_match(&job, 0, collect_match, &collect, err));
    *ret = collect.results;
    return TARN_OK;
}

CALLABLE(re_findall)
{
    return find_all(call, false, ret, err);
}

CALLABLE(re_finditer)
{
    struct tarn_value list;
    TARN_TRY(find_all(call, true, &list, err));
    *ret = tarn_value_iterator(call->heap, list);
    return TARN_OK;
}

static enum tarn_status collect_split(void *state, const size_t *offsets, struct tarn_error *err)
{
    (void)err;
    struct collect *collect = state;
    struct tarn_text text = tarn_value_text(collect->job->subject);
    tarn_list_append(collect->results, tarn_value_text_ref((struct tarn_text){
                                           text.data + collect->end, offsets[0] - collect->end}));
    for (uint32_t g = 1; g <= collect->groups; g++)
        tarn_list_append(collect->results, group_value(text, offsets, g));
    collect->end = offsets[1];
    return TARN_OK;
}

CALLABLE(re_split)
{
    static const char *const names[] = {"pattern", "string", "maxsplit", "flags", NULL};
    struct tarn_value values[4];
    struct job job;
    int64_t most = 0;
    TARN_TRY(tarn_call_bind(call, names, 2, values, err));
    TARN_TRY(read_job(values[0], values[1], values[3], &job, err));
    TARN_AUTO(free_code) pcre2_code *code = job.code;
    (void)value_to_int64(values[2], &most); /* zero: all */
    struct collect collect = {.call = call, .job = &job, .results = tarn_value_list(call->heap)};
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &collect.groups);
    TARN_TRY(each_match(&job, most, collect_split, &collect, err));
    struct tarn_text text = tarn_value_text(job.subject);
    tarn_list_append(collect.results, tarn_value_text_ref((struct tarn_text){
                                          text.data + collect.end, text.len - collect.end}));
    *ret = collect.results;
    return TARN_OK;
}

/* \1, \g<1>, \g<name>, \n and so on in the text that replaces. */
static enum tarn_status expand(struct collect *collect, const size_t *offsets,
                               struct tarn_error *err)
{
    struct tarn_text into = tarn_value_text(collect->replacement),
                     text = tarn_value_text(collect->job->subject);
    for (size_t i = 0; i < into.len; i++) {
        if (into.data[i] != '\\' || i + 1 == into.len) {
            tarn_buffer_append_char(collect->out, into.data[i]);
            continue;
        }
        char c = into.data[++i];
        int64_t group = -1;
        if (c >= '0' && c <= '9') {
            group = c - '0';
            if (i + 1 < into.len && into.data[i + 1] >= '0' && into.data[i + 1] <= '9' && group > 0)
                group = group * 10 + (into.data[++i] - '0');
        } else if (c == 'g' && i + 1 < into.len && into.data[i + 1] == '<') {
            const char *end = memchr(into.data + i, '>', into.len - i);
            struct tarn_text name = {into.data + i + 2,
                                     end ? (size_t)(end - into.data) - i - 2 : 0};
            struct tarn_value number = TARN_UNDEFINED;
            if (end && !tarn_text_to_int64(name, &group))
                number =
                    tarn_dict_get_text(group_names(collect->call->heap, collect->job->code), name);
            (void)value_to_int64(number, &group); /* stays -1 when there is no such name */
            i = end ? (size_t)(end - into.data) : into.len;
        } else {
            tarn_buffer_append_char(collect->out, c == 'n' ? '\n' : c == 't' ? '\t' : c);
            continue;
        }
        if (group < 0 || group > collect->groups)
            return tarn_fail(err, TARN_INVALID, "invalid group reference in '%.*s'",
                             TARN_TEXT_ARGS(into));
        struct tarn_value value = group_value(text, offsets, (uint32_t)group);
        tarn_buffer_append_text(collect->out, tarn_value_text(value));
    }
    return TARN_OK;
}

static enum tarn_status collect_sub(void *state, const size_t *offsets, struct tarn_error *err)
{
    struct collect *collect = state;
    struct tarn_text text = tarn_value_text(collect->job->subject);
    tarn_buffer_append(collect->out, text.data + collect->end, offsets[0] - collect->end);
    collect->end = offsets[1];
    if (collect->replacement.kind == TARN_VALUE_STRING)
        return expand(collect, offsets, err);
    struct tarn_value match =
        match_value(collect->call->heap, collect->job->code, collect->job->subject, offsets);
    struct tarn_value result;
    TARN_TRY(tarn_value_call(collect->call->run, collect->replacement, &match, 1, NULL, 0, &result,
                             err));
    tarn_value_print(result, collect->out);
    return TARN_OK;
}

CALLABLE(re_sub)
{
    static const char *const names[] = {"pattern", "repl", "string", "count", "flags", NULL};
    struct tarn_value values[5];
    struct job job;
    int64_t most = 0;
    TARN_BUFFER(out, TARN_TEMPLATE_TEXT_BYTES_MAX);
    TARN_TRY(tarn_call_bind(call, names, 3, values, err));
    TARN_TRY(read_job(values[0], values[2], values[4], &job, err));
    TARN_AUTO(free_code) pcre2_code *code = job.code;
    (void)value_to_int64(values[3], &most); /* zero: all */
    struct collect collect = {.call = call, .job = &job, .replacement = values[1], .out = &out};
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &collect.groups);
    TARN_TRY(each_match(&job, most, collect_sub, &collect, err));
    struct tarn_text text = tarn_value_text(job.subject);
    tarn_buffer_append(&out, text.data + collect.end, text.len - collect.end);
    TARN_TRY(tarn_buffer_check(&out, "re.sub", err));
    *ret = buffer_value(call->heap, &out);
    return TARN_OK;
}

CALLABLE(re_escape)
{
    static const char *const names[] = {"pattern", NULL};
    struct tarn_value value;
    TARN_TRY(tarn_call_bind(call, names, 1, &value, err));
    TARN_TRY(need_text(value, err));
    struct tarn_text text = tarn_value_text(value);
    TARN_BUFFER(out, text.len * 2 + 1);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] && strchr("()[]{}?*+-|^$\\.&~# \t\n\r\v\f", text.data[i]))
            tarn_buffer_append_char(&out, '\\');
        tarn_buffer_append_char(&out, text.data[i]);
    }
    *ret = buffer_value(call->heap, &out);
    return TARN_OK;
}

CALLABLE(re_compile)
{
    static const char *const names[] = {"pattern", "flags", NULL};
    struct tarn_value values[2];
    TARN_TRY(tarn_call_bind(call, names, 1, values, err));
    TARN_TRY(need_text(values[0], err));
    struct pattern *pattern = tarn_heap_alloc(call->heap, sizeof *pattern);
    pattern->text = values[0];
    (void)value_to_int64(values[1], &pattern->flags); /* none is zero */
    pcre2_code *code = compile(tarn_value_text(values[0]), pattern->flags, err);
    if (!code)
        return TARN_INVALID;
    pcre2_code_free(code);
    *ret = tarn_value_object(call->heap, &pattern_type, pattern);
    return TARN_OK;
}

/* --- pattern objects
 * --------------------------------------------------------------------------------------------------------------
 */

/* Calls a function of the module with the pattern in front. */
static enum tarn_status with_pattern(struct tarn_call *call, tarn_function_fn *fn,
                                     struct tarn_value *ret, struct tarn_error *err)
{
    struct tarn_list *args = list_new(call->heap, call->arg_count + 1);
    args->items[args->count++] = tarn_value_object(call->heap, &pattern_type, call->userdata);
    for (size_t i = 0; i < call->arg_count; i++)
        args->items[args->count++] = call->args[i];
    struct tarn_call inner = *call;
    inner.args = args->items;
    inner.arg_count = args->count;
    return fn(&inner, ret, err);
}

#define PATTERN_METHOD(name, fn)                                                                   \
    CALLABLE(name)                                                                                 \
    {                                                                                              \
        return with_pattern(call, fn, ret, err);                                                   \
    }
PATTERN_METHOD(pattern_match, re_match)
PATTERN_METHOD(pattern_search, re_search)
PATTERN_METHOD(pattern_fullmatch, re_fullmatch)
PATTERN_METHOD(pattern_findall, re_findall)
PATTERN_METHOD(pattern_finditer, re_finditer)
PATTERN_METHOD(pattern_split, re_split)
PATTERN_METHOD(pattern_sub, re_sub)

static bool pattern_get(struct tarn_heap *heap, void *self, struct tarn_text name,
                        struct tarn_value *ret)
{
    (void)heap;
    const struct pattern *pattern = self;
    if (!tarn_text_is(name, "pattern"))
        return false;
    *ret = pattern->text;
    return true;
}

static void pattern_print(void *self, struct tarn_buffer *out)
{
    tarn_buffer_append_str(out, "re.compile(");
    tarn_value_print_repr(((const struct pattern *)self)->text, out);
    tarn_buffer_append_char(out, ')');
}

static const struct tarn_object_method pattern_methods[] = {
    {"match", pattern_match},
    {"search", pattern_search},
    {"fullmatch", pattern_fullmatch},
    {"findall", pattern_findall},
    {"finditer", pattern_finditer},
    {"split", pattern_split},
    {"sub", pattern_sub},
    {NULL, NULL},
};
static const struct tarn_object_type pattern_type = {
    .name = "re.Pattern", .get = pattern_get, .methods = pattern_methods, .print = pattern_print};

/* --- match objects
 * ----------------------------------------------------------------------------------------------------------------
 */

static bool find_group(const struct match *match, struct tarn_value key, size_t *ret)
{
    int64_t number;
    if (key.kind == TARN_VALUE_STRING)
        key = tarn_dict_get(match->names, key);
    if (!value_to_int64(key, &number) || number < 0 ||
        number >= (int64_t)tarn_list_count(match->groups))
        return false;
    *ret = (size_t)number;
    return true;
}

CALLABLE(match_group)
{
    const struct match *match = call->userdata;
    struct tarn_list *groups = list_new(call->heap, call->arg_count + 1);
    for (size_t i = 0; i < call->arg_count; i++) {
        size_t number;
        if (!find_group(match, call->args[i], &number))
            return tarn_fail(err, TARN_INVALID, "no such group");
        groups->items[groups->count++] = tarn_list_at(match->groups, number);
    }
    if (groups->count == 0)
        *ret = tarn_list_at(match->groups, 0);
    else
        *ret = groups->count == 1 ? groups->items[0] : tuple_value(groups);
    return TARN_OK;
}

static struct tarn_value group_or(struct tarn_value group, struct tarn_value missing)
{
    return group.kind == TARN_VALUE_NONE && missing.kind != TARN_VALUE_UNDEFINED ? missing : group;
}

CALLABLE(match_groups)
{
    (void)err;
    const struct match *match = call->userdata;
    struct tarn_list *groups = list_new(call->heap, tarn_list_count(match->groups));
    for (size_t i = 1; i < tarn_list_count(match->groups); i++)
        groups->items[groups->count++] =
            group_or(tarn_list_at(match->groups, i), tarn_call_arg(call, 0, "default"));
    *ret = tuple_value(groups);
    return TARN_OK;
}

CALLABLE(match_groupdict)
{
    (void)err;
    const struct match *match = call->userdata;
    *ret = tarn_value_dict(call->heap);
    for (size_t i = 0; i < tarn_dict_count(match->names); i++) {
        struct tarn_value name, number;
        tarn_dict_at(match->names, i, &name, &number);
        struct tarn_value group = tarn_list_at(match->groups, (size_t)number.as.integer);
        tarn_dict_put(*ret, name, group_or(group, tarn_call_arg(call, 0, "default")));
    }
    return TARN_OK;
}

static enum tarn_status match_place(struct tarn_call *call, int side, struct tarn_value *ret,
                                    struct tarn_error *err)
{
    const struct match *match = call->userdata;
    size_t number = 0;
    if (call->arg_count > 0 && !find_group(match, call->args[0], &number))
        return tarn_fail(err, TARN_INVALID, "no such group");
    struct tarn_value span = tarn_list_at(match->spans, number);
    *ret = side < 0 ? span : tarn_list_at(span, (size_t)side);
    return TARN_OK;
}

CALLABLE(match_start)
{
    return match_place(call, 0, ret, err);
}

CALLABLE(match_end)
{
    return match_place(call, 1, ret, err);
}

CALLABLE(match_span)
{
    return match_place(call, -1, ret, err);
}

static bool match_get(struct tarn_heap *heap, void *self, struct tarn_text name,
                      struct tarn_value *ret)
{
    (void)heap;
    const struct match *match = self;
    if (!tarn_text_is(name, "string"))
        return false;
    *ret = match->text;
    return true;
}

static bool match_get_item(struct tarn_heap *heap, void *self, struct tarn_value key,
                           struct tarn_value *ret)
{
    (void)heap;
    const struct match *match = self;
    size_t number;
    if (!find_group(match, key, &number))
        return false;
    *ret = tarn_list_at(match->groups, number);
    return true;
}

static void match_print(void *self, struct tarn_buffer *out)
{
    const struct match *match = self;
    tarn_buffer_append_str(out, "<re.Match object; span=");
    tarn_value_print_repr(tarn_list_at(match->spans, 0), out);
    tarn_buffer_append_str(out, ", match=");
    tarn_value_print_repr(tarn_list_at(match->groups, 0), out);
    tarn_buffer_append_char(out, '>');
}

static const struct tarn_object_method match_methods[] = {
    {"group", match_group}, {"groups", match_groups}, {"groupdict", match_groupdict},
    {"start", match_start}, {"end", match_end},       {"span", match_span},
    {NULL, NULL},
};
static const struct tarn_object_type match_type = {.name = "re.Match",
                                                   .get = match_get,
                                                   .methods = match_methods,
                                                   .get_item = match_get_item,
                                                   .print = match_print};

struct tarn_value module_re(struct tarn_heap *heap)
{
    static const struct module_function functions[] = {
        {"match", re_match},
        {"search", re_search},
        {"fullmatch", re_fullmatch},
        {"findall", re_findall},
        {"finditer", re_finditer},
        {"split", re_split},
        {"sub", re_sub},
        {"escape", re_escape},
        {"compile", re_compile},
        {NULL, NULL},
    };
    static const struct {
        const char *name;
        int64_t value;
    } flags[] = {
        {"IGNORECASE", FLAG_IGNORECASE}, {"I", FLAG_IGNORECASE},  {"MULTILINE", FLAG_MULTILINE},
        {"M", FLAG_MULTILINE},           {"DOTALL", FLAG_DOTALL}, {"S", FLAG_DOTALL},
        {"VERBOSE", FLAG_VERBOSE},       {"X", FLAG_VERBOSE},
    };
    struct tarn_value module = module_new(heap, functions);
    for (size_t i = 0; i < TARN_COUNT(flags); i++)
        tarn_dict_put_str(module, flags[i].name, tarn_value_int(flags[i].value));
    return module;
}

/* model/template/filters_text.c -- filters that make text. */
#include "model/template/filters.h"
#include "model/template/format.h"
#include "model/template/operator.h"
#include "model/template/runtime.h"
#include "model/template/text_ops.h"
#include "model/template/utf8.h"

/* str(value) of the filtered value. */
static struct tarn_text subject(struct tarn_call *call)
{
    return tarn_value_text(tarn_value_to_string(call->heap, call->args[0]));
}

static enum tarn_status only_subject(struct tarn_call *call, struct tarn_error *err)
{
    static const char *const names[] = {"value", NULL};
    struct tarn_value ignored;
    return tarn_call_bind(call, names, 1, &ignored, err);
}

static enum tarn_status to_case(struct tarn_call *call, enum text_case to, struct tarn_value *ret,
                                struct tarn_error *err)
{
    TARN_TRY(only_subject(call, err));
    *ret = text_case(call->heap, subject(call), to);
    return TARN_OK;
}

CALLABLE(filter_upper)
{
    return to_case(call, CASE_UPPER, ret, err);
}

CALLABLE(filter_lower)
{
    return to_case(call, CASE_LOWER, ret, err);
}

CALLABLE(filter_capitalize)
{
    return to_case(call, CASE_CAPITALIZE, ret, err);
}

/* jinja2's own idea of words: what follows white space, a hyphen or an opening bracket. */
CALLABLE(filter_title)
{
    TARN_TRY(only_subject(call, err));
    struct tarn_text text = subject(call);
    TARN_BUFFER(out, text.len * 3 + 16);
    bool starts = true;
    for (size_t i = 0; i < text.len;) {
        uint32_t c = utf8_next(text, &i);
        if (starts)
            char_append_upper(&out, c);
        else
            char_append_lower(&out, c);
        starts = char_is_space(c) || (c < 0x80 && c && strchr("-({[<", (int)c));
    }
    *ret = buffer_value(call->heap, &out);
    return TARN_OK;
}

CALLABLE(filter_string)
{
    TARN_TRY(only_subject(call, err));
    *ret = tarn_value_to_string(call->heap, call->args[0]);
    return TARN_OK;
}

CALLABLE(filter_trim)
{
    static const char *const names[] = {"value", "chars", NULL};
    struct tarn_value values[2];
    TARN_TRY(tarn_call_bind(call, names, 1, values, err));
    struct tarn_text chars = tarn_value_text(values[1]);
    if (!is_absent(values[1]) && values[1].kind != TARN_VALUE_STRING)
        return tarn_fail(err, TARN_INVALID, "strip arg must be None or str");
    struct tarn_text text = tarn_value_text(tarn_value_to_string(call->heap, values[0]));
    *ret = tarn_value_text_ref(text_strip(text, is_absent(values[1]) ? NULL : &chars, true, true));
    return TARN_OK;
}

CALLABLE(filter_replace)
{
    static const char *const names[] = {"s", "old", "new", "count", NULL};
    struct tarn_value values[4];
    int64_t most = -1;
    TARN_TRY(tarn_call_bind(call, names, 3, values, err));
    if (!is_absent(values[3]) && !value_to_int64(values[3], &most))
        return tarn_fail(err, TARN_INVALID, "'%s' object cannot be interpreted as an integer",
                         tarn_value_type_name(values[3]));
    for (int i = 0; i < 3; i++)
        values[i] = tarn_value_to_string(call->heap, values[i]);
    return text_replace(call->heap, tarn_value_text(values[0]), tarn_value_text(values[1]),
                        tarn_value_text(values[2]), most, ret, err);
}

static enum tarn_status to_int(struct tarn_value value, int64_t missing, int64_t *ret,
                               struct tarn_error *err)
{
    *ret = missing;
    if (is_absent(value) || value_to_int64(value, ret))
        return TARN_OK;
    if (value.kind == TARN_VALUE_UNDEFINED)
        return fail_undefined(value, err);
    return tarn_fail(err, TARN_INVALID, "'%s' object cannot be interpreted as an integer",
                     tarn_value_type_name(value));
}

CALLABLE(filter_center)
{
    static const char *const names[] = {"value", "width", NULL};
    struct tarn_value values[2];
    int64_t width;
    TARN_TRY(tarn_call_bind(call, names, 1, values, err));
    TARN_TRY(to_int(values[1], 80, &width, err));
    return text_pad(call->heap, tarn_value_text(tarn_value_to_string(call->heap, values[0])), width,
                    TARN_TEXT(" "), PAD_BOTH, ret, err);
}

static void indent_lines(struct tarn_value lines, struct tarn_text indention, bool first,
                         bool blank, struct tarn_buffer *out)
{
    for (size_t i = 0; i < tarn_list_count(lines); i++) {
        struct tarn_text line = tarn_value_text(tarn_list_at(lines, i));
        if (i > 0)
            tarn_buffer_append_char(out, '\n');
        if (i == 0 ? first : blank || line.len > 0)
            tarn_buffer_append_text(out, indention);
        tarn_buffer_append_text(out, line);
    }
}

CALLABLE(filter_indent)
{
    static const char *const names[] = {"s", "width", "first", "blank", NULL};
    struct tarn_value values[4], indention;
    TARN_TRY(tarn_call_bind(call, names, 1, values, err));
    if (values[0].kind == TARN_VALUE_UNDEFINED)
        return fail_undefined(values[0], err);
    if (values[0].kind != TARN_VALUE_STRING)
        return tarn_fail(err, TARN_INVALID, "unsupported operand type(s) for +=: '%s' and 'str'",
                         tarn_value_type_name(values[0]));
    indention = values[1];
    if (values[1].kind != TARN_VALUE_STRING) {
        int64_t width;
        TARN_TRY(to_int(values[1], 4, &width, err));
        TARN_TRY(
            text_pad(call->heap, TARN_TEXT(""), width, TARN_TEXT(" "), PAD_LEFT, &indention, err));
    }
    TARN_BUFFER(text, TARN_TEMPLATE_TEXT_BYTES_MAX);
    TARN_BUFFER(out, TARN_TEMPLATE_TEXT_BYTES_MAX);
    tarn_value_print(values[0], &text);
    tarn_buffer_append_char(&text, '\n');
    struct tarn_value lines = text_split_lines(call->heap, tarn_buffer_text(&text), false);
    indent_lines(lines, tarn_value_text(indention), tarn_value_truth(values[2]),
                 tarn_value_truth(values[3]), &out);
    TARN_TRY(tarn_buffer_check(&out, "the filter indent", err));
    *ret = buffer_value(call->heap, &out);
    return TARN_OK;
}

CALLABLE(filter_format)
{
    struct tarn_value values = tarn_value_dict(call->heap);
    if (call->arg_count > 1 && call->kwarg_count > 0)
        return tarn_fail(err, TARN_INVALID,
                         "can't handle positional and keyword arguments at the same time");
    for (size_t i = 0; i < call->kwarg_count; i++)
        tarn_dict_put(values, tarn_value_text_ref(call->kwargs[i].name), call->kwargs[i].value);
    if (call->kwarg_count == 0)
        values = tarn_value_tuple(call->heap, call->args + 1, call->arg_count - 1);
    return percent_format(call->heap, subject(call), values, ret, err);
}

/* --- HTML, URLs, JSON
 * -----------------------------------------------------------------------------------------------------------------
 */

CALLABLE(filter_escape)
{
    TARN_TRY(only_subject(call, err));
    struct tarn_text text = subject(call);
    TARN_BUFFER(out, TARN_TEMPLATE_TEXT_BYTES_MAX);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        const char *entity = c == '&'    ? "&amp;"
                             : c == '<'  ? "&lt;"
                             : c == '>'  ? "&gt;"
                             : c == '"'  ? "&#34;"
                             : c == '\'' ? "&#39;"
                                         : NULL;
        if (entity)
            tarn_buffer_append_str(&out, entity);
        else
            tarn_buffer_append_char(&out, c);
    }
    TARN_TRY(tarn_buffer_check(&out, "the filter escape", err));
    *ret = buffer_value(call->heap, &out);
    return TARN_OK;
}

static void quote_url(struct tarn_text text, bool in_query, struct tarn_buffer *out)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     (c && strchr("_.-~", c)) || (c == '/' && !in_query);
        if (plain)
            tarn_buffer_append_char(out, (char)c);
        else if (c == ' ' && in_query)
            tarn_buffer_append_char(out, '+');
        else
            tarn_buffer_printf(out, "%%%02X", c);
    }
}

/* Pairs as key=value&...; a dict gives its items. */
static enum tarn_status quote_pairs(struct tarn_call *call, struct tarn_value value,
                                    struct tarn_buffer *out, struct tarn_error *err)
{
    struct tarn_value dict = tarn_value_dict(call->heap), key, item;
    TARN_TRY(dict_update(call->heap, dict, value, err));
    for (size_t i = 0; i < tarn_dict_count(dict); i++) {
        tarn_dict_at(dict, i, &key, &item);
        if (i > 0)
            tarn_buffer_append_char(out, '&');
        quote_url(tarn_value_text(tarn_value_to_string(call->heap, key)), true, out);
        tarn_buffer_append_char(out, '=');
        quote_url(tarn_value_text(tarn_value_to_string(call->heap, item)), true, out);
    }
    return TARN_OK;
}

CALLABLE(filter_urlencode)
{
    TARN_TRY(only_subject(call, err));
    struct tarn_value value = call->args[0];
    TARN_BUFFER(out, TARN_TEMPLATE_TEXT_BYTES_MAX);
    if (value.kind == TARN_VALUE_STRING || !value_is_iterable(value))
        quote_url(subject(call), false, &out);
    else
        TARN_TRY(quote_pairs(call, value, &out, err));
    TARN_TRY(tarn_buffer_check(&out, "the filter urlencode", err));
    *ret = buffer_value(call->heap, &out);
    return TARN_OK;
}

CALLABLE(filter_tojson)
{
    static const char *const names[] = {"value", "indent", NULL};
    struct tarn_value values[2];
    int64_t indent;
    TARN_BUFFER(out, TARN_TEMPLATE_TEXT_BYTES_MAX);
    TARN_TRY(tarn_call_bind(call, names, 1, values, err));
    TARN_TRY(to_int(values[1], 0, &indent, err));
    if (indent < 0 || indent > 100)
        return tarn_fail(err, TARN_INVALID, "tojson: an indent of %lld is not between 0 and 100",
                         (long long)indent);
    struct tarn_value_json_options options = {
        .indent = (int)indent, .sort_keys = true, .html_safe = true};
    TARN_TRY(tarn_value_to_json(values[0], &options, &out, err));
    TARN_TRY(tarn_buffer_check(&out, "the filter tojson", err));
    *ret = buffer_value(call->heap, &out);
    return TARN_OK;
}

/* Without <tags> and <!-- comments -->, white space runs as one space. */
CALLABLE(filter_striptags)
{
    TARN_TRY(only_subject(call, err));
    struct tarn_text text = subject(call);
    TARN_BUFFER(out, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        const char *rest = text.data + i;
        size_t left = text.len - i;
        bool comment = left >= 4 && memcmp(rest, "<!--", 4) == 0;
        const char *end = comment          ? memmem(rest, left, "-->", 3)
                          : rest[0] == '<' ? memchr(rest, '>', left)
                                           : NULL;
        if (end)
            i = (size_t)(end - text.data) + (comment ? 2 : 0);
        else
            tarn_buffer_append_char(&out, text.data[i]);
    }
    struct tarn_value words = text_split_space(call->heap, tarn_buffer_text(&out), -1, false);
    TARN_BUFFER(joined, text.len + 1);
    for (size_t i = 0; i < tarn_list_count(words); i++) {
        if (i > 0)
            tarn_buffer_append_char(&joined, ' ');
        tarn_value_print(tarn_list_at(words, i), &joined);
    }
    *ret = buffer_value(call->heap, &joined);
    return TARN_OK;
}

/* --- lengths and words
 * ------------------------------------------------------------------------------------------------------------------
 */

CALLABLE(filter_truncate)
{
    static const char *const names[] = {"s", "length", "killwords", "end", "leeway", NULL};
    enum { DEFAULT_LENGTH = 255, DEFAULT_LEEWAY = 5 };
    struct tarn_value values[5];
    int64_t length, leeway;
    TARN_TRY(tarn_call_bind(call, names, 1, values, err));
    TARN_TRY(to_int(values[1], DEFAULT_LENGTH, &length, err));
    TARN_TRY(to_int(values[4], DEFAULT_LEEWAY, &leeway, err));
    struct tarn_text text = tarn_value_text(values[0]);
    struct tarn_text end = is_absent(values[3]) ? tarn_text_of("...") : tarn_value_text(values[3]);
    int64_t end_length = (int64_t)utf8_count(end);
    size_t own_length;
    if (!tarn_value_length(values[0], &own_length))
        return tarn_fail(err, TARN_INVALID, "object of type '%s' has no len()",
                         tarn_value_type_name(values[0]));
    if (length < end_length || leeway < 0)
        return tarn_fail(err, TARN_INVALID, "expected length >= %lld, got %lld",
                         (long long)end_length, (long long)length);
    *ret = values[0];
    if ((int64_t)own_length <= length + leeway)
        return TARN_OK;
    if (values[0].kind != TARN_VALUE_STRING)
        return tarn_fail(err, TARN_INVALID, "truncate: '%s' object is no text",
                         tarn_value_type_name(values[0]));
    struct tarn_text kept = text_slice(text, 0, (size_t)(length - end_length));
    const char *space = tarn_value_truth(values[2]) ? NULL : text_find_last(kept, TARN_TEXT(" "));
    if (space)
        kept.len = (size_t)(space - kept.data);
    *ret = tarn_value_format(call->heap, "%.*s%.*s", TARN_TEXT_ARGS(kept), TARN_TEXT_ARGS(end));
    return TARN_OK;
}

CALLABLE(filter_wordcount)
{
    TARN_TRY(only_subject(call, err));
    struct tarn_text text = subject(call);
    int64_t count = 0;
    bool in_word = false;
    for (size_t i = 0; i < text.len;) {
        uint32_t c = utf8_next(text, &i);
        bool is_word = c == '_' || char_is_alpha(c) || char_is_digit(c);
        count += is_word && !in_word;
        in_word = is_word;
    }
    *ret = tarn_value_int(count);
    return TARN_OK;
}

CALLABLE(filter_filesizeformat)
{
    static const char *const names[] = {"value", "binary", NULL};
    struct tarn_value values[2];
    TARN_TRY(tarn_call_bind(call, names, 1, values, err));
    double bytes;
    if (value_is_number(values[0]))
        bytes = value_real(values[0]);
    else if (values[0].kind == TARN_VALUE_UNDEFINED)
        return fail_undefined(values[0], err);
    else if (!text_to_real(tarn_value_text(values[0]), &bytes))
        return tarn_fail(err, TARN_INVALID, "could not convert string to float");
    bool binary = tarn_value_truth(values[1]);
    double base = binary ? 1024 : 1000, unit = base;
    const char *letters = binary ? "KMGTPEZY" : "kMGTPEZY";
    if (bytes == 1)
        *ret = tarn_value_str_ref("1 Byte");
    if (bytes == 1)
        return TARN_OK;
    if (bytes < base) {
        *ret = tarn_value_format(call->heap, "%lld Bytes", (long long)bytes);
        return TARN_OK;
    }
    size_t i = 0;
    for (unit = base * base; bytes >= unit && i < 7; i++)
        unit *= base;
    *ret = tarn_value_format(call->heap, "%.1f %c%sB", base * bytes / unit, letters[i],
                             binary ? "i" : "");
    return TARN_OK;
}

CALLABLE(filter_pprint)
{
    TARN_TRY(only_subject(call, err));
    TARN_BUFFER(out, TARN_TEMPLATE_TEXT_BYTES_MAX);
    tarn_value_print_repr(call->args[0], &out);
    TARN_TRY(tarn_buffer_check(&out, "the filter pprint", err));
    *ret = buffer_value(call->heap, &out);
    return TARN_OK;
}

/* --- dbt's
 * ----------------------------------------------------------------------------------------------------------------------------
 */

static enum tarn_status mark(struct tarn_call *call, enum native_marker marker,
                             struct tarn_value *ret, struct tarn_error *err)
{
    TARN_TRY(only_subject(call, err));
    bool is_native = call->run && call->run->native;
    *ret = is_native ? marker_value(call->heap, marker, call->args[0]) : call->args[0];
    return TARN_OK;
}

CALLABLE(filter_as_text)
{
    return mark(call, MARKER_TEXT, ret, err);
}

CALLABLE(filter_as_native)
{
    return mark(call, MARKER_NATIVE, ret, err);
}

CALLABLE(filter_as_bool)
{
    return mark(call, MARKER_BOOL, ret, err);
}

CALLABLE(filter_as_number)
{
    return mark(call, MARKER_NUMBER, ret, err);
}

const struct filter text_filters[] = {
    {"upper", filter_upper},
    {"lower", filter_lower},
    {"capitalize", filter_capitalize},
    {"title", filter_title},
    {"string", filter_string},
    {"safe", filter_string},
    {"trim", filter_trim},
    {"replace", filter_replace},
    {"center", filter_center},
    {"indent", filter_indent},
    {"format", filter_format},
    {"e", filter_escape},
    {"escape", filter_escape},
    {"forceescape", filter_escape},
    {"urlencode", filter_urlencode},
    {"tojson", filter_tojson},
    {"striptags", filter_striptags},
    {"truncate", filter_truncate},
    {"wordcount", filter_wordcount},
    {"filesizeformat", filter_filesizeformat},
    {"pprint", filter_pprint},
    {"as_text", filter_as_text},
    {"as_native", filter_as_native},
    {"as_bool", filter_as_bool},
    {"as_number", filter_as_number},
    {NULL, NULL},
};

/* model/template/methods_string.c -- the methods of str. Indexes and widths count code points. */
#include "model/template/format.h"
#include "model/template/methods.h"
#include "model/template/operator.h"
#include "model/template/template.h"
#include "model/template/text_ops.h"
#include "model/template/utf8.h"

static struct tarn_text receiver(const struct tarn_call *call)
{
    return tarn_value_text(call_receiver(call));
}

static enum tarn_status text_argument(const struct tarn_call *call, size_t position,
                                      const char *keyword, struct tarn_text *ret,
                                      struct tarn_error *err)
{
    struct tarn_value value = tarn_call_arg(call, position, keyword);
    if (value.kind != TARN_VALUE_STRING)
        return tarn_fail(err, TARN_INVALID, "%s() argument %zu must be str, not %s", call->name,
                         position + 1, tarn_value_type_name(value));
    *ret = tarn_value_text(value);
    return TARN_OK;
}

static enum tarn_status int_argument(const struct tarn_call *call, size_t position,
                                     const char *keyword, int64_t missing, int64_t *ret,
                                     struct tarn_error *err)
{
    struct tarn_value value = tarn_call_arg(call, position, keyword);
    *ret = missing;
    if (value_to_int64(value, ret) || (value.kind == TARN_VALUE_UNDEFINED && !value.as.undefined))
        return TARN_OK;
    return tarn_fail(err, TARN_INVALID, "'%s' object cannot be interpreted as an integer",
                     tarn_value_type_name(value));
}

static enum tarn_status no_arguments(const struct tarn_call *call, struct tarn_error *err)
{
    if (call->arg_count + call->kwarg_count == 0)
        return TARN_OK;
    return tarn_fail(err, TARN_INVALID, "str.%s() takes no arguments (%zu given)", call->name,
                     call->arg_count + call->kwarg_count);
}

/* --- case
 * ---------------------------------------------------------------------------------------------------------------------
 */

CALLABLE(string_upper)
{
    TARN_TRY(no_arguments(call, err));
    *ret = text_case(call->heap, receiver(call), CASE_UPPER);
    return TARN_OK;
}

CALLABLE(string_lower)
{
    TARN_TRY(no_arguments(call, err));
    *ret = text_case(call->heap, receiver(call), CASE_LOWER);
    return TARN_OK;
}

CALLABLE(string_title)
{
    TARN_TRY(no_arguments(call, err));
    *ret = text_case(call->heap, receiver(call), CASE_TITLE);
    return TARN_OK;
}

CALLABLE(string_capitalize)
{
    TARN_TRY(no_arguments(call, err));
    *ret = text_case(call->heap, receiver(call), CASE_CAPITALIZE);
    return TARN_OK;
}

CALLABLE(string_swapcase)
{
    TARN_TRY(no_arguments(call, err));
    *ret = text_case(call->heap, receiver(call), CASE_SWAP);
    return TARN_OK;
}

/* --- trimming
 * ------------------------------------------------------------------------------------------------------------------
 */

static enum tarn_status strip(struct tarn_call *call, bool left, bool right, struct tarn_value *ret,
                              struct tarn_error *err)
{
    struct tarn_value chars = tarn_call_arg(call, 0, NULL);
    if (call->arg_count > 1 || call->kwarg_count > 0)
        return tarn_fail(err, TARN_INVALID, "%s expected at most 1 argument, got %zu", call->name,
                         call->arg_count + call->kwarg_count);
    if (call->arg_count == 1 && chars.kind != TARN_VALUE_STRING && chars.kind != TARN_VALUE_NONE)
        return tarn_fail(err, TARN_INVALID, "%s arg must be None or str", call->name);
    struct tarn_text set = tarn_value_text(chars);
    *ret = tarn_value_text_ref(
        text_strip(receiver(call), chars.kind == TARN_VALUE_STRING ? &set : NULL, left, right));
    return TARN_OK;
}

CALLABLE(string_strip)
{
    return strip(call, true, true, ret, err);
}

CALLABLE(string_lstrip)
{
    return strip(call, true, false, ret, err);
}

CALLABLE(string_rstrip)
{
    return strip(call, false, true, ret, err);
}

CALLABLE(string_removeprefix)
{
    struct tarn_text prefix, text = receiver(call);
    TARN_TRY(text_argument(call, 0, NULL, &prefix, err));
    if (text.len >= prefix.len && memcmp(text.data, prefix.data, prefix.len) == 0)
        text = (struct tarn_text){text.data + prefix.len, text.len - prefix.len};
    *ret = tarn_value_text_ref(text);
    return TARN_OK;
}

CALLABLE(string_removesuffix)
{
    struct tarn_text suffix, text = receiver(call);
    TARN_TRY(text_argument(call, 0, NULL, &suffix, err));
    if (text.len >= suffix.len &&
        memcmp(text.data + text.len - suffix.len, suffix.data, suffix.len) == 0)
        text.len -= suffix.len;
    *ret = tarn_value_text_ref(text);
    return TARN_OK;
}

/* --- splitting and joining
 * --------------------------------------------------------------------------------------------------------
 */

static enum tarn_status split(struct tarn_call *call, bool from_right, struct tarn_value *ret,
                              struct tarn_error *err)
{
    static const char *const names[] = {"sep", "maxsplit", NULL};
    struct tarn_value values[2];
    int64_t most = -1;
    TARN_TRY(tarn_call_bind(call, names, 0, values, err));
    if (values[1].kind != TARN_VALUE_UNDEFINED && !value_to_int64(values[1], &most))
        return tarn_fail(err, TARN_INVALID, "'%s' object cannot be interpreted as an integer",
                         tarn_value_type_name(values[1]));
    bool on_space = tarn_value_is_nothing(values[0]) &&
                    !(values[0].kind == TARN_VALUE_UNDEFINED && values[0].as.undefined);
    if (on_space) {
        *ret = text_split_space(call->heap, receiver(call), most, from_right);
        return TARN_OK;
    }
    if (values[0].kind != TARN_VALUE_STRING)
        return tarn_fail(err, TARN_INVALID, "must be str or None, not %s",
                         tarn_value_type_name(values[0]));
    if (values[0].len == 0)
        return tarn_fail(err, TARN_INVALID, "empty separator");
    *ret = text_split_on(call->heap, receiver(call), tarn_value_text(values[0]), most, from_right);
    return TARN_OK;
}

CALLABLE(string_split)
{
    return split(call, false, ret, err);
}

CALLABLE(string_rsplit)
{
    return split(call, true, ret, err);
}

CALLABLE(string_splitlines)
{
    (void)err;
    bool keep_ends = tarn_value_truth(tarn_call_arg(call, 0, "keepends"));
    *ret = text_split_lines(call->heap, receiver(call), keep_ends);
    return TARN_OK;
}

CALLABLE(string_join)
{
    struct walk walk;
    TARN_BUFFER(out, TARN_TEMPLATE_TEXT_BYTES_MAX);
    if (call->arg_count != 1)
        return tarn_fail(err, TARN_INVALID, "str.join() takes exactly one argument (%zu given)",
                         call->arg_count);
    if (!value_is_iterable(call->args[0]))
        return tarn_fail(err, TARN_INVALID, "can only join an iterable");
    TARN_TRY(walk_begin(&walk, call->heap, call->args[0], err));
    for (size_t i = 0;; i++) {
        struct tarn_value item;
        bool done;
        TARN_TRY(walk_next(&walk, &item, &done, err));
        if (done)
            break;
        if (item.kind != TARN_VALUE_STRING)
            return tarn_fail(err, TARN_INVALID,
                             "sequence item %zu: expected str instance, %s found", i,
                             tarn_value_type_name(item));
        if (i > 0)
            tarn_buffer_append_text(&out, receiver(call));
        tarn_value_print(item, &out);
    }
    TARN_TRY(tarn_buffer_check(&out, "str.join", err));
    *ret = buffer_value(call->heap, &out);
    return TARN_OK;
}

static enum tarn_status partition(struct tarn_call *call, bool from_right, struct tarn_value *ret,
                                  struct tarn_error *err)
{
    struct tarn_text separator, text = receiver(call);
    TARN_TRY(text_argument(call, 0, NULL, &separator, err));
    if (separator.len == 0)
        return tarn_fail(err, TARN_INVALID, "empty separator");
    const char *found = from_right ? text_find_last(text, separator)
                                   : memmem(text.data, text.len, separator.data, separator.len);
    struct tarn_text parts[3] = {text, {"", 0}, {"", 0}};
    if (!found && from_right) {
        parts[0] = parts[1];
        parts[2] = text;
    } else if (found) {
        size_t at = (size_t)(found - text.data);
        parts[0].len = at;
        parts[1] = separator;
        parts[2] = (struct tarn_text){found + separator.len, text.len - at - separator.len};
    }
    struct tarn_value values[3];
    for (int i = 0; i < 3; i++)
        values[i] = tarn_value_text_ref(parts[i]);
    *ret = tarn_value_tuple(call->heap, values, 3);
    return TARN_OK;
}

CALLABLE(string_partition)
{
    return partition(call, false, ret, err);
}

CALLABLE(string_rpartition)
{
    return partition(call, true, ret, err);
}

/* --- searching
 * -------------------------------------------------------------------------------------------------------------------
 */

/* The searched part as start and stop arguments say; `ret_offset` is where it starts, in code
 * points. */
static enum tarn_status searched_part(const struct tarn_call *call, struct tarn_text *ret_text,
                                      size_t *ret_offset, bool *ret_empty, struct tarn_error *err)
{
    struct tarn_text text = receiver(call);
    int64_t length = (int64_t)utf8_count(text), start = 0, stop = length;
    if (call->arg_count > 1 && call->args[1].kind != TARN_VALUE_NONE)
        TARN_TRY(int_argument(call, 1, NULL, 0, &start, err));
    if (call->arg_count > 2 && call->args[2].kind != TARN_VALUE_NONE)
        TARN_TRY(int_argument(call, 2, NULL, 0, &stop, err));
    start = start < 0 ? (start + length < 0 ? 0 : start + length) : start;
    stop = stop < 0 ? (stop + length < 0 ? 0 : stop + length) : stop > length ? length : stop;
    *ret_empty = start > stop || start > length;
    if (start > length)
        start = length;
    *ret_text = text_slice(text, (size_t)start, (size_t)(stop > start ? stop : start));
    *ret_offset = (size_t)start;
    return TARN_OK;
}

static enum tarn_status find(struct tarn_call *call, bool from_right, struct tarn_value *ret,
                             struct tarn_error *err)
{
    struct tarn_text wanted, text;
    size_t offset;
    bool is_empty;
    TARN_TRY(text_argument(call, 0, NULL, &wanted, err));
    TARN_TRY(searched_part(call, &text, &offset, &is_empty, err));
    const char *found = NULL;
    if (!is_empty && wanted.len == 0)
        found = from_right ? text.data + text.len : text.data;
    else if (!is_empty)
        found = from_right ? text_find_last(text, wanted)
                           : memmem(text.data, text.len, wanted.data, wanted.len);
    if (!found) {
        *ret = tarn_value_int(-1);
        return TARN_OK;
    }
    size_t before = utf8_count((struct tarn_text){text.data, (size_t)(found - text.data)});
    *ret = tarn_value_int((int64_t)(offset + before));
    return TARN_OK;
}

CALLABLE(string_find)
{
    return find(call, false, ret, err);
}

CALLABLE(string_rfind)
{
    return find(call, true, ret, err);
}

static enum tarn_status need_found(struct tarn_value index, struct tarn_error *err)
{
    return index.as.integer >= 0 ? TARN_OK : tarn_fail(err, TARN_INVALID, "substring not found");
}

CALLABLE(string_index)
{
    TARN_TRY(find(call, false, ret, err));
    return need_found(*ret, err);
}

CALLABLE(string_rindex)
{
    TARN_TRY(find(call, true, ret, err));
    return need_found(*ret, err);
}

CALLABLE(string_count)
{
    struct tarn_text wanted, text;
    size_t offset;
    bool is_empty;
    TARN_TRY(text_argument(call, 0, NULL, &wanted, err));
    TARN_TRY(searched_part(call, &text, &offset, &is_empty, err));
    int64_t count = 0;
    if (!is_empty && wanted.len == 0)
        count = (int64_t)utf8_count(text) + 1;
    while (!is_empty && wanted.len > 0) {
        const char *found = memmem(text.data, text.len, wanted.data, wanted.len);
        if (!found)
            break;
        count++;
        size_t used = (size_t)(found - text.data) + wanted.len;
        text = (struct tarn_text){text.data + used, text.len - used};
    }
    *ret = tarn_value_int(count);
    return TARN_OK;
}

static enum tarn_status starts_or_ends(struct tarn_call *call, bool at_end, struct tarn_value *ret,
                                       struct tarn_error *err)
{
    struct tarn_text text;
    size_t offset;
    bool is_empty, found = false;
    if (call->arg_count < 1)
        return tarn_fail(err, TARN_INVALID, "%s() takes at least 1 argument (0 given)", call->name);
    struct tarn_value wanted = call->args[0];
    TARN_TRY(searched_part(call, &text, &offset, &is_empty, err));
    bool is_tuple = wanted.kind == TARN_VALUE_TUPLE;
    size_t count = is_tuple ? tarn_list_count(wanted) : 1;
    for (size_t i = 0; i < count && !found; i++) {
        struct tarn_value each = is_tuple ? tarn_list_at(wanted, i) : wanted;
        if (each.kind != TARN_VALUE_STRING)
            return tarn_fail(err, TARN_INVALID,
                             "%s first arg must be str or a tuple of str, not %s", call->name,
                             tarn_value_type_name(each));
        struct tarn_text part = tarn_value_text(each);
        found = !is_empty && part.len <= text.len &&
                memcmp(text.data + (at_end ? text.len - part.len : 0), part.data, part.len) == 0;
    }
    *ret = tarn_value_bool(found);
    return TARN_OK;
}

CALLABLE(string_startswith)
{
    return starts_or_ends(call, false, ret, err);
}

CALLABLE(string_endswith)
{
    return starts_or_ends(call, true, ret, err);
}

/* --- replacing and padding
 * ---------------------------------------------------------------------------------------------------------
 */

CALLABLE(string_replace)
{
    struct tarn_text old_text, new_text;
    int64_t most;
    TARN_TRY(text_argument(call, 0, NULL, &old_text, err));
    TARN_TRY(text_argument(call, 1, NULL, &new_text, err));
    TARN_TRY(int_argument(call, 2, "count", -1, &most, err));
    return text_replace(call->heap, receiver(call), old_text, new_text, most, ret, err);
}

static enum tarn_status pad_to(struct tarn_call *call, enum pad_side side, struct tarn_value *ret,
                               struct tarn_error *err)
{
    struct tarn_text fill = TARN_TEXT(" ");
    int64_t width;
    if (call->arg_count < 1)
        return tarn_fail(err, TARN_INVALID, "%s expected at least 1 argument, got 0", call->name);
    TARN_TRY(int_argument(call, 0, NULL, 0, &width, err));
    if (call->arg_count > 1)
        TARN_TRY(text_argument(call, 1, NULL, &fill, err));
    if (utf8_count(fill) != 1)
        return tarn_fail(err, TARN_INVALID,
                         "The fill character must be exactly one character long");
    return text_pad(call->heap, receiver(call), width, fill, side, ret, err);
}

CALLABLE(string_ljust)
{
    return pad_to(call, PAD_RIGHT, ret, err);
}

CALLABLE(string_rjust)
{
    return pad_to(call, PAD_LEFT, ret, err);
}

CALLABLE(string_center)
{
    return pad_to(call, PAD_BOTH, ret, err);
}

CALLABLE(string_zfill)
{
    struct tarn_text text = receiver(call), zero = TARN_TEXT("0");
    int64_t width;
    TARN_TRY(int_argument(call, 0, NULL, 0, &width, err));
    bool is_signed = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+');
    if (!is_signed)
        return text_pad(call->heap, text, width, zero, PAD_LEFT, ret, err);
    struct tarn_value padded;
    TARN_TRY(text_pad(call->heap, (struct tarn_text){text.data + 1, text.len - 1}, width - 1, zero,
                      PAD_LEFT, &padded, err));
    *ret = tarn_value_format(call->heap, "%c%.*s", text.data[0],
                             TARN_TEXT_ARGS(tarn_value_text(padded)));
    return TARN_OK;
}

CALLABLE(string_expandtabs)
{
    (void)err;
    int64_t size, column = 0;
    struct tarn_text text = receiver(call);
    TARN_BUFFER(out, TARN_TEMPLATE_TEXT_BYTES_MAX);
    TARN_TRY(int_argument(call, 0, "tabsize", 8, &size, err));
    if (size > 1000)
        return tarn_fail(err, TARN_TOO_LARGE,
                         "expandtabs: a tab of %lld columns is over the limit of 1000",
                         (long long)size);
    for (size_t i = 0; i < text.len;) {
        uint32_t c = utf8_next(text, &i);
        if (c == '\t') {
            for (int64_t spaces = size > 0 ? size - column % size : 0; spaces > 0;
                 spaces--, column++)
                tarn_buffer_append_char(&out, ' ');
            continue;
        }
        column = c == '\n' || c == '\r' ? 0 : column + 1;
        utf8_append(&out, c);
    }
    TARN_TRY(tarn_buffer_check(&out, "expandtabs", err));
    *ret = buffer_value(call->heap, &out);
    return TARN_OK;
}

/* --- what the characters are
 * -----------------------------------------------------------------------------------------------------------
 */

static bool is_alnum(uint32_t c)
{
    return char_is_alpha(c) || char_is_digit(c);
}

static enum tarn_status all_characters(struct tarn_call *call, bool (*test)(uint32_t c),
                                       struct tarn_value *ret, struct tarn_error *err)
{
    struct tarn_text text = receiver(call);
    TARN_TRY(no_arguments(call, err));
    bool all = text.len > 0;
    for (size_t i = 0; all && i < text.len;)
        all = test(utf8_next(text, &i));
    *ret = tarn_value_bool(all);
    return TARN_OK;
}

CALLABLE(string_isdigit)
{
    return all_characters(call, char_is_digit, ret, err);
}

CALLABLE(string_isalpha)
{
    return all_characters(call, char_is_alpha, ret, err);
}

CALLABLE(string_isalnum)
{
    return all_characters(call, is_alnum, ret, err);
}

CALLABLE(string_isspace)
{
    return all_characters(call, char_is_space, ret, err);
}

CALLABLE(string_isascii)
{
    TARN_TRY(no_arguments(call, err));
    *ret = tarn_value_bool(utf8_is_ascii(receiver(call)));
    return TARN_OK;
}

CALLABLE(string_isidentifier)
{
    struct tarn_text text = receiver(call);
    TARN_TRY(no_arguments(call, err));
    bool valid = text.len > 0 && !char_is_digit((unsigned char)text.data[0]);
    for (size_t i = 0; valid && i < text.len;) {
        uint32_t c = utf8_next(text, &i);
        valid = c == '_' || is_alnum(c);
    }
    *ret = tarn_value_bool(valid);
    return TARN_OK;
}

CALLABLE(string_isupper)
{
    TARN_TRY(no_arguments(call, err));
    *ret = tarn_value_bool(text_is_case(receiver(call), true));
    return TARN_OK;
}

CALLABLE(string_islower)
{
    TARN_TRY(no_arguments(call, err));
    *ret = tarn_value_bool(text_is_case(receiver(call), false));
    return TARN_OK;
}

CALLABLE(string_istitle)
{
    TARN_TRY(no_arguments(call, err));
    struct tarn_value title = text_case(call->heap, receiver(call), CASE_TITLE);
    bool has_letter = text_is_case(receiver(call), true) || text_is_case(receiver(call), false) ||
                      !tarn_value_equal(text_case(call->heap, receiver(call), CASE_LOWER),
                                        text_case(call->heap, receiver(call), CASE_UPPER));
    *ret = tarn_value_bool(has_letter && tarn_value_equal(title, call_receiver(call)));
    return TARN_OK;
}

CALLABLE(string_format)
{
    return brace_format(call, receiver(call), ret, err);
}

CALLABLE(string_encode)
{
    (void)err;
    *ret = call_receiver(call);
    return TARN_OK;
}

const struct method string_methods[] = {
    {"upper", string_upper},
    {"lower", string_lower},
    {"casefold", string_lower},
    {"title", string_title},
    {"capitalize", string_capitalize},
    {"swapcase", string_swapcase},
    {"strip", string_strip},
    {"lstrip", string_lstrip},
    {"rstrip", string_rstrip},
    {"removeprefix", string_removeprefix},
    {"removesuffix", string_removesuffix},
    {"split", string_split},
    {"rsplit", string_rsplit},
    {"splitlines", string_splitlines},
    {"join", string_join},
    {"partition", string_partition},
    {"rpartition", string_rpartition},
    {"find", string_find},
    {"rfind", string_rfind},
    {"index", string_index},
    {"rindex", string_rindex},
    {"count", string_count},
    {"startswith", string_startswith},
    {"endswith", string_endswith},
    {"replace", string_replace},
    {"ljust", string_ljust},
    {"rjust", string_rjust},
    {"center", string_center},
    {"zfill", string_zfill},
    {"expandtabs", string_expandtabs},
    {"isdigit", string_isdigit},
    {"isdecimal", string_isdigit},
    {"isnumeric", string_isdigit},
    {"isalpha", string_isalpha},
    {"isalnum", string_isalnum},
    {"isspace", string_isspace},
    {"isascii", string_isascii},
    {"isidentifier", string_isidentifier},
    {"isupper", string_isupper},
    {"islower", string_islower},
    {"istitle", string_istitle},
    {"format", string_format},
    {"encode", string_encode},
    {NULL, NULL},
};

/* http/uri.c -- see uri.h. */
#include "http/uri.h"

#include <assert.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool tarn_http_decode(struct tarn_text text, bool plus_is_space, struct tarn_arena *arena,
                      struct tarn_text *ret_text)
{
    char *out = tarn_arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '%') {
            bool whole = text.len - i > 2;
            int high = whole ? hex_digit(text.data[i + 1]) : -1;
            int low = whole ? hex_digit(text.data[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        out[len++] = c;
    }
    if (tarn_utf8_valid_prefix((struct tarn_text){out, len}) != len)
        return false;
    *ret_text = (struct tarn_text){out, len};
    return true;
}

bool tarn_http_query_parse(struct tarn_text query, struct tarn_arena *arena,
                           struct tarn_http_param **ret_params, size_t *ret_count)
{
    struct tarn_http_param *params =
        tarn_arena_array(arena, TARN_HTTP_QUERY_PARAMS_MAX, sizeof *params);
    size_t count = 0;
    struct tarn_text part;
    while (tarn_text_split(&query, '&', &part)) {
        if (part.len == 0)
            continue;
        if (count == TARN_HTTP_QUERY_PARAMS_MAX)
            return false;
        struct tarn_text value = part, name = {part.data, 0};
        if (!tarn_text_split(&value, '=', &name))
            value = (struct tarn_text){"", 0};
        if (value.data == NULL)
            value = (struct tarn_text){"", 0};
        if (!tarn_http_decode(name, true, arena, &params[count].name) ||
            !tarn_http_decode(value, true, arena, &params[count].value))
            return false;
        count++;
    }
    *ret_params = params;
    *ret_count = count;
    return true;
}

/* The text up to the next '/', and *rest behind it; *rest.data is NULL when that was the last. */
static struct tarn_text next_segment(struct tarn_text *rest)
{
    const char *slash = memchr(rest->data, '/', rest->len);
    struct tarn_text segment = {rest->data, slash ? (size_t)(slash - rest->data) : rest->len};
    if (slash)
        *rest = (struct tarn_text){slash + 1, rest->len - segment.len - 1};
    else
        *rest = (struct tarn_text){NULL, 0};
    return segment;
}

static struct tarn_text without_leading_slash(struct tarn_text path)
{
    if (path.len > 0 && path.data[0] == '/')
        return (struct tarn_text){path.data + 1, path.len - 1};
    return path;
}

/* One trailing slash is forgiven: "/subjects/" is "/subjects". */
static struct tarn_text without_trailing_slash(struct tarn_text path)
{
    if (path.len > 0 && path.data[path.len - 1] == '/')
        path.len--;
    return path;
}

enum tarn_http_match tarn_http_path_match(const char *pattern, struct tarn_text path,
                                          struct tarn_arena *arena,
                                          struct tarn_http_param params[TARN_HTTP_PATH_PARAMS_MAX],
                                          size_t *ret_count)
{
    struct tarn_text wanted = without_leading_slash(tarn_text_of(pattern));
    struct tarn_text rest = without_leading_slash(without_trailing_slash(path));
    struct tarn_text raw[TARN_HTTP_PATH_PARAMS_MAX];
    size_t count = 0;
    if (rest.data == NULL)
        rest.data = "";
    while (wanted.data && rest.data) {
        struct tarn_text part = next_segment(&wanted);
        bool is_name = part.len > 2 && part.data[0] == '{' && part.data[part.len - 1] == '}';
        struct tarn_text name = {part.data + 1, part.len - 2};
        bool takes_all = is_name && tarn_text_ends(name, "...");
        if (takes_all)
            name.len -= 3;
        struct tarn_text segment = takes_all ? rest : next_segment(&rest);
        if (takes_all)
            rest.data = NULL;
        if (!is_name && !tarn_text_equal(part, segment))
            return TARN_HTTP_NO_MATCH;
        if (is_name) {
            assert(count < TARN_HTTP_PATH_PARAMS_MAX);
            if (segment.len == 0)
                return TARN_HTTP_NO_MATCH;
            params[count].name = name;
            raw[count++] = segment;
        }
    }
    if (wanted.data || rest.data)
        return TARN_HTTP_NO_MATCH;
    for (size_t i = 0; i < count; i++)
        if (!tarn_http_decode(raw[i], false, arena, &params[i].value))
            return TARN_HTTP_BAD_PATH;
    *ret_count = count;
    return TARN_HTTP_MATCH;
}

struct tarn_text tarn_http_encode(struct tarn_text text, struct tarn_arena *arena)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = tarn_arena_alloc(arena, tarn_size_add(tarn_size_mul(text.len, 3), 1));
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool unreserved = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                          (c >= 'a' && c <= 'z') || (c && strchr("-._~", c));
        if (unreserved) {
            out[len++] = (char)c;
        } else {
            out[len++] = '%';
            out[len++] = hex[c >> 4];
            out[len++] = hex[c & 15];
        }
    }
    return (struct tarn_text){out, len};
}
